/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include <openssl/err.h>

#include "authsvc/core/encoding.h"
#include "authsvc/crypto/jwt.h"
#include "fixture.h"
#include "unit.h"

/*
 * Every token here but the controls is refused, and for the reason that is named: so a check that
 * went missing is seen, even if another one would have caught the token.
 */

static authsvc_error_t *verify_octets(fixture_key_t which, const char *token, apr_size_t len)
{
    authsvc_jwt_expectation_t expected = fixture_expectation();
    authsvc_claims_t claims;

    return authsvc_jwt_verify(unit_pool, fixture_keyset(which), &expected, token, len,
                              &claims);
}

static authsvc_error_t *verify(fixture_key_t which, const char *token)
{
    return verify_octets(which, token, strlen(token));
}

static void assert_accepted(authsvc_error_t *err, const char *what)
{
    ck_assert_msg(err == NULL, "%s: refused: %s", what, err ? err->internal : "");
}

static void assert_refused(authsvc_error_t *err, const char *what, const char *because)
{
    ck_assert_msg(err != NULL, "%s: accepted", what);
    ck_assert_int_eq(err->code, AUTHSVC_E_UNAUTHENTICATED);
    ck_assert_str_eq(err->slug, "authentication");
    ck_assert_msg(strstr(err->internal, because) != NULL, "%s: refused for \"%s\", not for \"%s\"",
                  what, err->internal, because);
    /* The client learns nothing of the reason. */
    ck_assert_str_eq(err->detail, "The access token is invalid or has expired.");
}

/* The text with every @kid replaced by the key's id. */
static const char *with_kid(fixture_key_t which, const char *text)
{
    const char *kid = authsvc_key_id(fixture_key(which)), *at;

    while ((at = strstr(text, "@kid")) != NULL) {
        text = apr_pstrcat(unit_pool, apr_pstrmemdup(unit_pool, text, (apr_size_t)(at - text)), kid,
                           at + 4, NULL);
    }
    return text;
}

static const char *mint(fixture_key_t which, const char *alg, const char *header,
                        const char *claims)
{
    const char *pem = fixture_pem(which);

    header = with_kid(which, header);
    return fixture_mint(unit_pool, alg, pem, strlen(pem), header, strlen(header), claims,
                        strlen(claims));
}

#define HEADER "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"@kid\"}"
#define ISS "\"iss\":\"" FIXTURE_ISSUER "\","
#define AUD "\"aud\":\"" FIXTURE_AUDIENCE "\","
#define SUB "\"sub\":\"" FIXTURE_USER "\","
#define SID "\"sid\":\"" FIXTURE_SESSION "\","
#define EXP "\"exp\":1700000900,"
#define TIMES EXP "\"iat\":1700000000,\"nbf\":1700000000,"
#define JTI "\"jti\":\"a\","
#define ROLE "\"role\":\"user\","
#define EPOCH "\"epoch\":7,"
#define LAST "\"email_verified\":true"
#define OWN SUB SID JTI ROLE EPOCH LAST
#define CLAIMS "{" ISS AUD TIMES OWN "}"

typedef struct {
    const char *name;
    const char *text; /* header or claims */
    const char *because;
} case_t;

/* The unaltered token, for every algorithm. */
START_TEST(control_minted_tokens_are_accepted)
{
    assert_accepted(verify(FIXTURE_RS256, mint(FIXTURE_RS256, "RS256", HEADER, CLAIMS)), "RS256");
    assert_accepted(verify(FIXTURE_ES256,
                           mint(FIXTURE_ES256, "ES256",
                                "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"@kid\"}", CLAIMS)),
                    "ES256");
    assert_accepted(verify(FIXTURE_EDDSA,
                           mint(FIXTURE_EDDSA, "EdDSA",
                                "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"@kid\"}", CLAIMS)),
                    "EdDSA");
}
END_TEST

static const case_t headers[] = {
    {"none", "{\"alg\":\"none\",\"typ\":\"JWT\",\"kid\":\"@kid\"}", "alg is not the key's"},
    {"None", "{\"alg\":\"None\",\"typ\":\"JWT\",\"kid\":\"@kid\"}", "alg is not the key's"},
    {"NONE", "{\"alg\":\"NONE\",\"typ\":\"JWT\",\"kid\":\"@kid\"}", "alg is not the key's"},
    {"nOnE", "{\"alg\":\"nOnE\",\"typ\":\"JWT\",\"kid\":\"@kid\"}", "alg is not the key's"},
    {"empty alg", "{\"alg\":\"\",\"typ\":\"JWT\",\"kid\":\"@kid\"}", "alg is not the key's"},
    {"no alg", "{\"typ\":\"JWT\",\"kid\":\"@kid\"}", "alg or kid is missing"},
    {"alg null", "{\"alg\":null,\"typ\":\"JWT\",\"kid\":\"@kid\"}", "alg or kid is missing"},
    {"alg number", "{\"alg\":256,\"typ\":\"JWT\",\"kid\":\"@kid\"}", "alg or kid is missing"},
    {"alg array", "{\"alg\":[\"RS256\"],\"typ\":\"JWT\",\"kid\":\"@kid\"}", "alg or kid"},
    {"rs256", "{\"alg\":\"rs256\",\"typ\":\"JWT\",\"kid\":\"@kid\"}", "alg is not the key's"},
    {"trailing space", "{\"alg\":\"RS256 \",\"typ\":\"JWT\",\"kid\":\"@kid\"}", "alg is not"},
    {"alg with a NUL", "{\"alg\":\"RS256\\u0000\",\"typ\":\"JWT\",\"kid\":\"@kid\"}", "header"},
    {"HS256", "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"@kid\"}", "alg is not the key's"},
    {"RS384", "{\"alg\":\"RS384\",\"typ\":\"JWT\",\"kid\":\"@kid\"}", "alg is not the key's"},
    {"RS512", "{\"alg\":\"RS512\",\"typ\":\"JWT\",\"kid\":\"@kid\"}", "alg is not the key's"},
    {"PS256", "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"kid\":\"@kid\"}", "alg is not the key's"},
    {"ES256", "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"@kid\"}", "alg is not the key's"},
    {"EdDSA", "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"@kid\"}", "alg is not the key's"},
    {"duplicate alg", "{\"alg\":\"none\",\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"@kid\"}",
     "header is no strict"},
    {"duplicate kid", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"x\",\"kid\":\"@kid\"}",
     "header is no strict"},
    {"no kid", "{\"alg\":\"RS256\",\"typ\":\"JWT\"}", "alg or kid is missing"},
    {"kid null", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":null}", "alg or kid is missing"},
    {"kid array", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":[\"@kid\"]}", "alg or kid"},
    {"kid unknown", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"x\"}", "no key of this kid"},
    {"kid empty", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"\"}", "no key of this kid"},
    {"kid and more", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"@kid@kid\"}", "no key of this"},
    {"kid a path", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"../../dev/null\"}", "no key of"},
    {"kid SQL", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"' OR 1=1 --\"}", "no key of"},
    {"kid with a NUL", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"@kid\\u0000\"}", "header"},
    {"jwk", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"@kid\",\"jwk\":{}}", "not accepted"},
    {"jku", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"@kid\",\"jku\":\"https://a\"}",
     "not accepted"},
    {"x5u", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"@kid\",\"x5u\":\"https://a\"}",
     "not accepted"},
    {"x5c", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"@kid\",\"x5c\":[]}", "not accepted"},
    {"crit", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"@kid\",\"crit\":[\"x\"],\"x\":1}",
     "not accepted"},
    {"empty crit", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"@kid\",\"crit\":[]}",
     "not accepted"},
    {"crit null", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"@kid\",\"crit\":null}",
     "not accepted"},
    {"b64", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"@kid\",\"b64\":false}", "not accepted"},
    {"zip", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"@kid\",\"zip\":\"DEF\"}", "not accepted"},
    {"no typ", "{\"alg\":\"RS256\",\"kid\":\"@kid\"}", "typ is missing"},
    {"typ null", "{\"alg\":\"RS256\",\"typ\":null,\"kid\":\"@kid\"}", "typ is missing"},
    {"typ empty", "{\"alg\":\"RS256\",\"typ\":\"\",\"kid\":\"@kid\"}", "token: typ"},
    {"typ at+jwt", "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"@kid\"}", "token: typ"},
    {"typ other", "{\"alg\":\"RS256\",\"typ\":\"secevent+jwt\",\"kid\":\"@kid\"}", "token: typ"},
    {"array", "[\"RS256\"]", "header is no strict"},
    {"string", "\"RS256\"", "header is no strict"},
    {"number", "1", "header is no strict"},
    {"nothing", "", "header is no strict"},
    {"two values", HEADER HEADER, "header is no strict"},
    {"BOM", "\xef\xbb\xbf" HEADER, "header is no strict"},
    {"bad UTF-8", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"@kid\",\"x\":\"\xff\"}",
     "header is no strict"},
    {"cut short", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"@kid\"", "header is no strict"},
};

START_TEST(headers_are_refused)
{
    const case_t *c = &headers[_i];

    /* Signed rightly all the same, so that nothing but the header is wrong. */
    assert_refused(verify(FIXTURE_RS256, mint(FIXTURE_RS256, "RS256", c->text, CLAIMS)), c->name,
                   c->because);
}
END_TEST

START_TEST(unknown_header_parameters_are_ignored)
{
    assert_accepted(
        verify(FIXTURE_RS256,
               mint(FIXTURE_RS256, "RS256",
                    "{\"x\":1,\"alg\":\"RS256\",\"typ\":\"jwt\",\"kid\":\"@kid\"}", CLAIMS)),
        "unknown parameter, typ in lower case");
}
END_TEST

static const case_t claim_sets[] = {
    {"no iss", "{" AUD TIMES OWN "}", "token: iss"},
    {"other iss", "{\"iss\":\"https://evil.example\"," AUD TIMES OWN "}", "token: iss"},
    {"iss and more", "{\"iss\":\"" FIXTURE_ISSUER "/\"," AUD TIMES OWN "}", "token: iss"},
    {"part of iss", "{\"iss\":\"https://issuer.example\"," AUD TIMES OWN "}", "token: iss"},
    {"iss in capitals", "{\"iss\":\"HTTPS://ISSUER.EXAMPLE/API/V1\"," AUD TIMES OWN "}", "iss"},
    {"iss array", "{\"iss\":[\"" FIXTURE_ISSUER "\"]," AUD TIMES OWN "}", "token: iss"},
    {"iss null", "{\"iss\":null," AUD TIMES OWN "}", "token: iss"},
    {"no aud", "{" ISS TIMES OWN "}", "token: aud"},
    {"other aud", "{" ISS "\"aud\":\"https://other.example\"," TIMES OWN "}", "token: aud"},
    {"part of aud", "{" ISS "\"aud\":\"https://audience\"," TIMES OWN "}", "token: aud"},
    {"aud and more", "{" ISS "\"aud\":\"" FIXTURE_AUDIENCE "x\"," TIMES OWN "}", "token: aud"},
    {"aud without us", "{" ISS "\"aud\":[\"a\",\"b\"]," TIMES OWN "}", "token: aud"},
    {"aud empty", "{" ISS "\"aud\":[]," TIMES OWN "}", "token: aud"},
    {"aud mixed", "{" ISS "\"aud\":[\"" FIXTURE_AUDIENCE "\",1]," TIMES OWN "}", "token: aud"},
    {"aud nested", "{" ISS "\"aud\":[[\"" FIXTURE_AUDIENCE "\"]]," TIMES OWN "}", "token: aud"},
    {"aud object", "{" ISS "\"aud\":{\"a\":\"" FIXTURE_AUDIENCE "\"}," TIMES OWN "}", "aud"},
    {"no exp", "{" ISS AUD OWN "}", "exp is missing"},
    {"exp null", "{" ISS AUD "\"exp\":null," OWN "}", "exp is missing"},
    {"exp string", "{" ISS AUD "\"exp\":\"1700000900\"," OWN "}", "exp is missing"},
    {"exp float", "{" ISS AUD "\"exp\":1700000900.0," OWN "}", "exp is missing"},
    {"exp exponent", "{" ISS AUD "\"exp\":17e8," OWN "}", "exp is missing"},
    {"exp 1e300", "{" ISS AUD "\"exp\":1e300," OWN "}", "exp is missing"},
    {"exp 1e999", "{" ISS AUD "\"exp\":1e999," OWN "}", "claims are no strict"},
    {"exp array", "{" ISS AUD "\"exp\":[1700000900]," OWN "}", "exp is missing"},
    {"exp true", "{" ISS AUD "\"exp\":true," OWN "}", "exp is missing"},
    {"exp 0", "{" ISS AUD "\"exp\":0," OWN "}", "expired"},
    {"exp -1", "{" ISS AUD "\"exp\":-1," OWN "}", "exp is missing"},
    {"exp now", "{" ISS AUD "\"exp\":1700000000," OWN "}", "expired"},
    {"exp a second ago", "{" ISS AUD "\"exp\":1699999999," OWN "}", "expired"},
    {"exp 2^53+1", "{" ISS AUD "\"exp\":9007199254740993," OWN "}", "exp is missing"},
    {"exp 2^63-1", "{" ISS AUD "\"exp\":9223372036854775807," OWN "}", "exp is missing"},
    {"exp 2^63", "{" ISS AUD "\"exp\":9223372036854775808," OWN "}", "claims are no strict"},
    {"exp twice", "{" ISS AUD "\"exp\":1," TIMES OWN "}", "claims are no strict"},
    {"sub twice", "{\"sub\":\"a\"," ISS AUD TIMES OWN "}", "claims are no strict"},
    {"nbf ahead", "{" ISS AUD EXP "\"nbf\":1700000031," OWN "}", "not valid yet"},
    {"nbf string", "{" ISS AUD EXP "\"nbf\":\"1700000000\"," OWN "}", "nbf or iat"},
    {"nbf null", "{" ISS AUD EXP "\"nbf\":null," OWN "}", "nbf or iat"},
    {"nbf float", "{" ISS AUD EXP "\"nbf\":1.5," OWN "}", "nbf or iat"},
    {"nbf huge", "{" ISS AUD EXP "\"nbf\":9223372036854775807," OWN "}", "nbf or iat"},
    {"iat ahead", "{" ISS AUD EXP "\"iat\":1700000031," OWN "}", "issued in the future"},
    {"iat string", "{" ISS AUD EXP "\"iat\":\"1700000000\"," OWN "}", "nbf or iat"},
    {"iat negative", "{" ISS AUD EXP "\"iat\":-1," OWN "}", "nbf or iat"},
    {"no sub", "{" ISS AUD TIMES SID JTI ROLE EPOCH LAST "}", "sub, sid"},
    {"sub no uuid", "{\"sub\":\"1\"," ISS AUD TIMES SID JTI ROLE EPOCH LAST "}",
     "sub or sid is no uuid"},
    {"sub number", "{\"sub\":1," ISS AUD TIMES SID JTI ROLE EPOCH LAST "}", "sub, sid"},
    {"no sid", "{" ISS AUD TIMES SUB JTI ROLE EPOCH LAST "}", "sub, sid"},
    {"sid no uuid", "{\"sid\":\"x\"," ISS AUD TIMES SUB JTI ROLE EPOCH LAST "}",
     "sub or sid is no uuid"},
    {"no jti", "{" ISS AUD TIMES SUB SID ROLE EPOCH LAST "}", "sub, sid, jti"},
    {"no role", "{" ISS AUD TIMES SUB SID JTI EPOCH LAST "}", "sub, sid, jti or role"},
    {"role array", "{\"role\":[\"admin\"]," ISS AUD TIMES SUB SID JTI EPOCH LAST "}", "role"},
    {"no epoch", "{" ISS AUD TIMES SUB SID JTI ROLE LAST "}", "epoch"},
    {"epoch string", "{\"epoch\":\"7\"," ISS AUD TIMES SUB SID JTI ROLE LAST "}", "epoch"},
    {"epoch float", "{\"epoch\":7.0," ISS AUD TIMES SUB SID JTI ROLE LAST "}", "epoch"},
    {"no email_verified", "{" ISS AUD TIMES SUB SID JTI ROLE "\"epoch\":7}", "email_verified"},
    {"email_verified 1", "{" ISS AUD TIMES SUB SID JTI ROLE EPOCH "\"email_verified\":1}",
     "email_verified"},
    {"email_verified null", "{" ISS AUD TIMES SUB SID JTI ROLE EPOCH "\"email_verified\":null}",
     "email_verified"},
    {"email number", "{\"email\":1," ISS AUD TIMES OWN "}", "email or name"},
    {"email null", "{\"email\":null," ISS AUD TIMES OWN "}", "email or name"},
    {"name array", "{\"name\":[\"x\"]," ISS AUD TIMES OWN "}", "email or name"},
    {"array", "[" CLAIMS "]", "claims are no strict"},
    {"number", "1700000900", "claims are no strict"},
    {"null", "null", "claims are no strict"},
    {"nothing", "", "claims are no strict"},
    {"two values", CLAIMS CLAIMS, "claims are no strict"},
    {"NUL escaped", "{\"x\":\"\\u0000\"," ISS AUD TIMES OWN "}", "claims are no strict"},
    {"BOM", "\xef\xbb\xbf" CLAIMS, "claims are no strict"},
    {"bad UTF-8", "{\"x\":\"\xc0\xaf\"," ISS AUD TIMES OWN "}", "claims are no strict"},
    {"lone surrogate", "{\"x\":\"\\ud800\"," ISS AUD TIMES OWN "}", "claims are no strict"},
    {"comment", "/* */" CLAIMS, "claims are no strict"},
};

START_TEST(claims_are_refused)
{
    const case_t *c = &claim_sets[_i];

    assert_refused(verify(FIXTURE_RS256, mint(FIXTURE_RS256, "RS256", HEADER, c->text)), c->name,
                   c->because);
}
END_TEST

static const case_t good_claims[] = {
    {"aud array with us", "{" ISS "\"aud\":[\"a\",\"" FIXTURE_AUDIENCE "\"]," TIMES OWN "}", ""},
    {"one second left", "{" ISS AUD "\"exp\":1700000001," OWN "}", ""},
    {"exp 2^53", "{" ISS AUD "\"exp\":9007199254740992," OWN "}", ""},
    {"nbf at the edge of the leeway", "{" ISS AUD EXP "\"nbf\":1700000030," OWN "}", ""},
    {"iat at the edge of the leeway", "{" ISS AUD EXP "\"iat\":1700000030," OWN "}", ""},
    {"unknown claims", "{\"x\":{\"y\":[1,2,{}]}," ISS AUD TIMES OWN "}", ""},
};

START_TEST(control_claims_at_the_edge_are_accepted)
{
    const case_t *c = &good_claims[_i];

    assert_accepted(verify(FIXTURE_RS256, mint(FIXTURE_RS256, "RS256", HEADER, c->text)), c->name);
}
END_TEST

/* What the header says, signed in that very way. */
START_TEST(other_algorithms_are_refused)
{
    static const char *const algorithms[] = {"none", "RS384", "RS512", "PS256"};
    size_t i;

    for (i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        const char *header = apr_psprintf(
            unit_pool, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"@kid\"}", algorithms[i]);

        assert_refused(verify(FIXTURE_RS256, mint(FIXTURE_RS256, algorithms[i], header, CLAIMS)),
                       algorithms[i], "alg is not the key's");
        /* And the right name over it. */
        assert_refused(verify(FIXTURE_RS256, mint(FIXTURE_RS256, algorithms[i], HEADER, CLAIMS)),
                       algorithms[i], "its signature");
    }
}
END_TEST

/* A key's public half is known to all; as an HMAC key it would sign anything. */
START_TEST(hmac_with_the_public_key_is_refused)
{
    static const char *const algorithms[] = {"HS256", "HS384", "HS512"};
    const char *pem = fixture_public_pem(unit_pool, FIXTURE_RS256);
    authsvc_json_t *jwk = authsvc_key_jwk(fixture_key(FIXTURE_RS256), unit_pool);
    const char *dump = authsvc_json_dump(unit_pool, jwk);
    const char *n = authsvc_json_get_string(jwk, "n");
    apr_size_t n_len, i, j;
    const char *n_octets = (char *)authsvc_base64url_decode(unit_pool, n, strlen(n), &n_len);
    const struct {
        const char *octets;
        apr_size_t len;
    } keys[] = {{pem, strlen(pem)}, {pem, strlen(pem) - 1}, {dump, strlen(dump)},
                {n, strlen(n)},     {n_octets, n_len},      {"", 0}};

    for (i = 0; i < 3; i++) {
        const char *header = with_kid(
            FIXTURE_RS256, apr_psprintf(unit_pool, "{\"alg\":\"%s\",\"typ\":\"JWT\","
                                                   "\"kid\":\"@kid\"}", algorithms[i]));
        const char *plain = with_kid(FIXTURE_RS256, HEADER);

        for (j = 0; j < sizeof(keys) / sizeof(keys[0]); j++) {
            assert_refused(verify(FIXTURE_RS256,
                                  fixture_mint(unit_pool, algorithms[i], keys[j].octets,
                                               keys[j].len, header, strlen(header), CLAIMS,
                                               strlen(CLAIMS))),
                           algorithms[i], "alg is not the key's");
            assert_refused(verify(FIXTURE_RS256,
                                  fixture_mint(unit_pool, algorithms[i], keys[j].octets,
                                               keys[j].len, plain, strlen(plain), CLAIMS,
                                               strlen(CLAIMS))),
                           algorithms[i], "its signature");
        }
    }
}
END_TEST

START_TEST(another_key_is_refused)
{
    const char *header = with_kid(FIXTURE_RS256, HEADER);
    const char *own = mint(FIXTURE_OTHER_RS256, "RS256", HEADER, CLAIMS);
    const char *forged = mint(FIXTURE_OTHER_RS256, "RS256", header, CLAIMS);
    const char *es256 = mint(FIXTURE_ES256, "ES256", header, CLAIMS);

    assert_accepted(verify(FIXTURE_OTHER_RS256, own), "by its own set");
    assert_refused(verify(FIXTURE_RS256, own), "other key", "no key of this kid");
    assert_refused(verify(FIXTURE_RS256, forged), "other key, our kid", "its signature");
    assert_refused(verify(FIXTURE_RS256, es256), "ES256 signature, our kid", "its signature");
}
END_TEST

START_TEST(rfc9068_type_is_matched_as_the_rfc_says)
{
    static const char *const good[] = {"at+jwt", "AT+JWT", "application/at+jwt",
                                       "Application/At+Jwt"};
    static const char *const bad[] = {"JWT", "at+jwt ", "at", "application/jwt", ""};
    authsvc_jwt_expectation_t expected = fixture_expectation();
    authsvc_claims_t claims;
    size_t i;

    expected.type = AUTHSVC_TYP_AT_JWT;
    for (i = 0; i < 4 + 5; i++) {
        const char *typ = i < 4 ? good[i] : bad[i - 4];
        const char *token = mint(FIXTURE_RS256, "RS256",
                                 apr_psprintf(unit_pool, "{\"alg\":\"RS256\",\"typ\":\"%s\","
                                                         "\"kid\":\"@kid\"}", typ), CLAIMS);
        authsvc_error_t *err = authsvc_jwt_verify(unit_pool, fixture_keyset(FIXTURE_RS256),
                                                  &expected, token, strlen(token), &claims);

        if (i < 4) {
            assert_accepted(err, typ);
        } else {
            assert_refused(err, typ, "token: typ");
        }
    }
}
END_TEST

START_TEST(wrong_shapes_are_refused)
{
    const char *token = mint(FIXTURE_RS256, "RS256", HEADER, CLAIMS);
    const char *first = strchr(token, '.'), *second = strrchr(token, '.');
    const char *header = apr_pstrmemdup(unit_pool, token, (apr_size_t)(first - token));
    const char *two = apr_pstrmemdup(unit_pool, token, (apr_size_t)(second - token));
    const struct {
        const char *name;
        const char *token;
        const char *because;
    } cases[] = {
        {"nothing", "", "its length"},
        {"one segment", header, "three segments"},
        {"two segments", two, "three segments"},
        {"four segments", apr_pstrcat(unit_pool, token, ".e30", NULL), "three segments"},
        {"five segments", apr_pstrcat(unit_pool, token, ".e30.e30", NULL), "three segments"},
        {"a dot behind", apr_pstrcat(unit_pool, token, ".", NULL), "three segments"},
        {"a dot before", apr_pstrcat(unit_pool, ".", token, NULL), "three segments"},
        {"only dots", "..", "header is no strict"},
        {"empty signature", apr_pstrcat(unit_pool, two, ".", NULL), "its signature"},
        {"padding", apr_pstrcat(unit_pool, token, "==", NULL), "canonical"},
        {"space behind", apr_pstrcat(unit_pool, token, " ", NULL), "canonical"},
        {"newline behind", apr_pstrcat(unit_pool, token, "\n", NULL), "canonical"},
        {"space before", apr_pstrcat(unit_pool, " ", token, NULL), "canonical"},
        {"Bearer", apr_pstrcat(unit_pool, "Bearer ", token, NULL), "canonical"},
        {"JSON form", "{\"payload\":\"e30\",\"signature\":\"AA\"}", "three segments"},
    };
    size_t i;

    assert_accepted(verify(FIXTURE_RS256, token), "control");
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_refused(verify(FIXTURE_RS256, cases[i].token), cases[i].name, cases[i].because);
    }
}
END_TEST

START_TEST(a_nul_does_not_end_a_token)
{
    const char *token = mint(FIXTURE_RS256, "RS256", HEADER, CLAIMS);
    char claims[] = CLAIMS "\0{\"evil\":true}";
    const char *header = with_kid(FIXTURE_RS256, HEADER), *pem = fixture_pem(FIXTURE_RS256);
    char *longer = apr_pcalloc(unit_pool, strlen(token) + 3);

    memcpy(longer, token, strlen(token));
    longer[strlen(token) + 1] = 'x';
    assert_refused(verify_octets(FIXTURE_RS256, longer, strlen(token) + 1), "NUL", "canonical");
    assert_refused(verify_octets(FIXTURE_RS256, longer, strlen(token) + 2), "NUL, x", "canonical");
    assert_accepted(verify_octets(FIXTURE_RS256, longer, strlen(token)), "control");
    assert_refused(verify(FIXTURE_RS256, fixture_mint(unit_pool, "RS256", pem, strlen(pem), header,
                                                      strlen(header), claims,
                                                      sizeof(claims) - 1)),
                   "NUL in the claims", "claims are no strict");
}
END_TEST

/* The last character of a segment may carry bits that mean nothing: only zeros are canonical. */
START_TEST(other_spellings_of_a_signature_are_refused)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *token = mint(FIXTURE_RS256, "RS256", HEADER, CLAIMS);
    char *altered = apr_pstrdup(unit_pool, token);
    char *last = altered + strlen(altered) - 1;
    int accepted = 0, not_canonical = 0;
    size_t i;

    /* 256 octets: the last of 342 characters has four of its six bits unused. */
    for (i = 0; i < 64; i++) {
        authsvc_error_t *err;

        *last = alphabet[i];
        err = verify(FIXTURE_RS256, altered);
        accepted += err == NULL;
        not_canonical += err && strstr(err->internal, "canonical") != NULL;
    }
    ck_assert_int_eq(accepted, 1);
    ck_assert_int_eq(not_canonical, 60);
}
END_TEST

/* Ten other values for each octet, so that no bit of the token is without a check. */
START_TEST(every_octet_counts)
{
    fixture_key_t which = (fixture_key_t)_i;
    authsvc_claims_t claims = fixture_claims();
    const authsvc_keyset_t *keys = fixture_keyset(which);
    authsvc_jwt_expectation_t expected = fixture_expectation();
    const char *token;
    apr_pool_t *pool;
    char *altered;
    size_t i, len;
    int j;

    ck_assert_ptr_null(authsvc_jwt_sign(unit_pool, keys, AUTHSVC_TYP_JWT, &claims, &token));
    ck_assert_ptr_null(
        authsvc_jwt_verify(unit_pool, keys, &expected, token, strlen(token), &claims));
    len = strlen(token);
    altered = apr_pstrdup(unit_pool, token);
    apr_pool_create(&pool, unit_pool);
    for (i = 0; i < len; i++) {
        static const char others[] = {'A', 'B', 'Q', '-', '_', '.', '=', '+', '\0', '\x80'};

        for (j = 0; j < (int)sizeof(others); j++) {
            const authsvc_error_t *err;

            if (others[j] == token[i]) {
                continue;
            }
            altered[i] = others[j];
            err = authsvc_jwt_verify(pool, keys, &expected, altered, len, &claims);
            ck_assert_msg(err != NULL, "octet %d as 0x%02x is accepted", (int)i, others[j] & 0xff);
            ck_assert_msg(err->code == AUTHSVC_E_UNAUTHENTICATED,
                          "octet %d as 0x%02x is a fault of ours: %s", (int)i, others[j] & 0xff,
                          err->internal);
            apr_pool_clear(pool);
        }
        altered[i] = token[i];
    }
    ck_assert_ptr_null(authsvc_jwt_verify(pool, keys, &expected, altered, len, &claims));
}
END_TEST

/* What another module left in this thread says nothing about our token. */
START_TEST(faults_of_others_are_not_ours)
{
    char *wrong = apr_pstrdup(unit_pool, mint(FIXTURE_RS256, "RS256", HEADER, CLAIMS));
    char *in_signature = strrchr(wrong, '.') + 10;

    ERR_raise(ERR_LIB_EVP, ERR_R_MALLOC_FAILURE);
    errno = ENOMEM;
    assert_accepted(verify(FIXTURE_RS256, wrong), "control");
    *in_signature = *in_signature == 'A' ? 'B' : 'A';
    ERR_raise(ERR_LIB_EVP, ERR_R_MALLOC_FAILURE);
    errno = ENOMEM;
    assert_refused(verify(FIXTURE_RS256, wrong), "after a fault of others", "its signature");
    ck_assert_uint_eq(ERR_peek_error(), 0);
}
END_TEST

START_TEST(every_shortened_token_is_refused)
{
    const char *token = mint(FIXTURE_RS256, "RS256", HEADER, CLAIMS);
    size_t len = strlen(token);

    assert_accepted(verify_octets(FIXTURE_RS256, token, len), "control");
    while (len-- > 0) {
        ck_assert_ptr_nonnull(verify_octets(FIXTURE_RS256, token, len));
    }
}
END_TEST

/* The claims padded until the token has just the longest length, then one step more. */
START_TEST(an_over_long_token_is_refused_unseen)
{
    char *padding = apr_pcalloc(unit_pool, AUTHSVC_JWT_MAX);
    const char *longest = "", *token = "";
    size_t n;

    for (n = 2200; strlen(token) <= AUTHSVC_JWT_MAX; n++) {
        longest = token;
        memset(padding, 'x', n);
        token = mint(FIXTURE_RS256, "RS256", HEADER,
                     apr_psprintf(unit_pool, "{\"x\":\"%s\",%s", padding, &CLAIMS[1]));
    }
    ck_assert_uint_ge(strlen(longest), AUTHSVC_JWT_MAX - 2);
    assert_accepted(verify(FIXTURE_RS256, longest), "the longest");
    assert_refused(verify(FIXTURE_RS256, token), "one step more", "its length");
}
END_TEST

START_TEST(deep_nesting_is_survived)
{
    char *claims = apr_pcalloc(unit_pool, 3001);
    authsvc_error_t *err;

    memset(claims, '[', 2700);
    err = verify(FIXTURE_RS256, mint(FIXTURE_RS256, "RS256",
                                     "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"@kid\"}",
                                     claims));
    assert_refused(err, "2,700 deep", "");
    memset(claims, '[', 1000);
    memset(claims + 1000, ']', 1000);
    claims[2000] = '\0';
    err = verify(FIXTURE_RS256, mint(FIXTURE_RS256, "RS256", HEADER, claims));
    assert_refused(err, "1,000 deep", "claims are no strict");
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_jwt_refusals)
{
    Suite *suite = suite_create("jwt refusals");
    TCase *tcase = unit_tcase(suite, "refusals");

    tcase_add_unchecked_fixture(tcase, fixture_make_keys, NULL);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, control_minted_tokens_are_accepted);
    tcase_add_loop_test(tcase, headers_are_refused, 0, sizeof(headers) / sizeof(headers[0]));
    tcase_add_test(tcase, unknown_header_parameters_are_ignored);
    tcase_add_loop_test(tcase, claims_are_refused, 0, sizeof(claim_sets) / sizeof(claim_sets[0]));
    tcase_add_loop_test(tcase, control_claims_at_the_edge_are_accepted, 0,
                        sizeof(good_claims) / sizeof(good_claims[0]));
    tcase_add_test(tcase, other_algorithms_are_refused);
    tcase_add_test(tcase, hmac_with_the_public_key_is_refused);
    tcase_add_test(tcase, another_key_is_refused);
    tcase_add_test(tcase, rfc9068_type_is_matched_as_the_rfc_says);
    tcase_add_test(tcase, wrong_shapes_are_refused);
    tcase_add_test(tcase, a_nul_does_not_end_a_token);
    tcase_add_test(tcase, other_spellings_of_a_signature_are_refused);
    tcase_add_loop_test(tcase, every_octet_counts, 0, FIXTURE_OTHER_RS256);
    tcase_add_test(tcase, faults_of_others_are_not_ours);
    tcase_add_test(tcase, every_shortened_token_is_refused);
    tcase_add_test(tcase, an_over_long_token_is_refused_unseen);
    tcase_add_test(tcase, deep_nesting_is_survived);
    return suite;
}
