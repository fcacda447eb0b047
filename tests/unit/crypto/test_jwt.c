/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/jwt.h"

#include <apr_thread_proc.h>
#include <jwt.h>

#include "authsvc/core/encoding.h"
#include "fixture.h"
#include "key.h"
#include "unit.h"
#include "vectors.h"

static authsvc_error_t *verify(const authsvc_keyset_t *keys, const char *token,
                               authsvc_claims_t *claims)
{
    authsvc_jwt_expectation_t expected = fixture_expectation();

    return authsvc_jwt_verify(unit_pool, keys, &expected, token, strlen(token), claims);
}

static const char *sign(fixture_key_t which, authsvc_token_type_t type)
{
    authsvc_claims_t claims = fixture_claims();
    const char *token = NULL;

    ck_assert_ptr_null(authsvc_jwt_sign(unit_pool, fixture_keyset(which), type, &claims,
                                        &token));
    return token;
}

/* Check the published token's signature with the published key. */
static void assert_vector(const char *pem, const char *token)
{
    const char *dot = strrchr(token, '.');
    unsigned char *signature;
    authsvc_key_t *key;
    apr_size_t len;
    int valid = 0;

    ck_assert_ptr_null(authsvc_key_from_pem(unit_pool, "vector", pem, strlen(pem), 0, &key));
    signature = authsvc_base64url_decode(unit_pool, dot + 1, strlen(dot + 1), &len);
    ck_assert_ptr_nonnull(signature);
    ck_assert_ptr_null(authsvc_signature_check(unit_pool, key, token, (apr_size_t)(dot - token),
                                               signature, len, &valid));
    ck_assert_int_eq(valid, 1);
    ck_assert_ptr_null(authsvc_signature_check(unit_pool, key, token, (apr_size_t)(dot - token) - 1,
                                               signature, len, &valid));
    ck_assert_int_eq(valid, 0);
    signature[len - 1] ^= 1;
    ck_assert_ptr_null(authsvc_signature_check(unit_pool, key, token, (apr_size_t)(dot - token),
                                               signature, len, &valid));
    ck_assert_int_eq(valid, 0);
}

START_TEST(published_signatures_verify)
{
    assert_vector(rfc7515_a2_key, rfc7515_a2_token);
    assert_vector(rfc7515_a3_key, rfc7515_a3_token);
    assert_vector(rfc8037_a1_key, rfc8037_a4_token);
}
END_TEST

/* Ed25519 is deterministic: the published key makes the published signature. */
START_TEST(eddsa_signs_as_published)
{
    const char *dot = strrchr(rfc8037_a4_token, '.');
    unsigned char signature[AUTHSVC_SIGNATURE_MAX];
    authsvc_key_t *key;
    apr_size_t len;

    ck_assert_ptr_null(authsvc_key_from_pem(unit_pool, "vector", rfc8037_a1_key,
                                            strlen(rfc8037_a1_key), 1, &key));
    ck_assert_ptr_null(authsvc_signature_make(unit_pool, key, rfc8037_a4_token,
                                              (apr_size_t)(dot - rfc8037_a4_token), signature,
                                              &len));
    ck_assert_str_eq(authsvc_base64url_encode(unit_pool, signature, len), dot + 1);
}
END_TEST

START_TEST(es256_signatures_have_exactly_64_octets)
{
    authsvc_key_t *key = fixture_key(FIXTURE_ES256);
    unsigned char signature[AUTHSVC_SIGNATURE_MAX];
    apr_size_t len;
    int i, valid;

    /* One in 128 has a short R or S in its DER form. */
    for (i = 0; i < 1000; i++) {
        const char *input = apr_psprintf(unit_pool, "%d", i);

        ck_assert_ptr_null(authsvc_signature_make(unit_pool, key, input, strlen(input), signature,
                                                  &len));
        ck_assert_uint_eq(len, 64);
        ck_assert_ptr_null(authsvc_signature_check(unit_pool, key, input, strlen(input), signature,
                                                   len, &valid));
        ck_assert_int_eq(valid, 1);
    }
    for (i = 0; i <= 80; i++) {
        ck_assert_ptr_null(authsvc_signature_check(unit_pool, key, "999", 3, signature,
                                                   (apr_size_t)i, &valid));
        ck_assert_int_eq(valid, i == 64);
    }
    memset(signature, 0, 64);
    ck_assert_ptr_null(
        authsvc_signature_check(unit_pool, key, "999", 3, signature, 64, &valid));
    ck_assert_int_eq(valid, 0);
}
END_TEST

START_TEST(a_signed_token_verifies_and_says_what_was_signed)
{
    fixture_key_t which = (fixture_key_t)_i;
    authsvc_claims_t claims, wanted = fixture_claims();

    ck_assert_ptr_null(
        verify(fixture_keyset(which), sign(which, AUTHSVC_TYP_JWT), &claims));
    ck_assert_str_eq(claims.issuer, wanted.issuer);
    ck_assert_str_eq(claims.subject, wanted.subject);
    ck_assert_str_eq(claims.audience, wanted.audience);
    ck_assert_str_eq(claims.token_id, wanted.token_id);
    ck_assert_str_eq(claims.session_id, wanted.session_id);
    ck_assert_str_eq(claims.role, wanted.role);
    ck_assert_str_eq(claims.email, wanted.email);
    ck_assert_str_eq(claims.name, wanted.name);
    ck_assert_int_eq(claims.epoch, wanted.epoch);
    ck_assert_int_eq(claims.email_verified, wanted.email_verified);
    ck_assert_int_eq(claims.issued_at, wanted.issued_at);
    ck_assert_int_eq(claims.not_before, wanted.not_before);
    ck_assert_int_eq(claims.expires_at, wanted.expires_at);
}
END_TEST

START_TEST(the_header_has_alg_typ_and_kid)
{
    fixture_key_t which = (fixture_key_t)_i;
    authsvc_key_t *key = fixture_key(which);
    authsvc_token_type_t type;

    for (type = AUTHSVC_TYP_JWT; type <= AUTHSVC_TYP_IDENTITY; type++) {
        const char *token = sign(which, type);
        const char *dot = strchr(token, '.');
        apr_size_t len;
        unsigned char *text =
            authsvc_base64url_decode(unit_pool, token, (apr_size_t)(dot - token), &len);
        authsvc_json_t *header = authsvc_json_parse(unit_pool, (char *)text, len, NULL);

        ck_assert_uint_eq(authsvc_json_size(header), 3);
        ck_assert_str_eq(authsvc_json_get_string(header, "alg"), authsvc_key_algorithm(key));
        ck_assert_str_eq(authsvc_json_get_string(header, "kid"), authsvc_key_id(key));
        ck_assert_str_eq(authsvc_json_get_string(header, "typ"),
                         type == AUTHSVC_TYP_JWT      ? "JWT"
                         : type == AUTHSVC_TYP_AT_JWT ? "at+jwt"
                                                      : "authsvc-identity+jwt");
    }
}
END_TEST

/* Each kind of token is good for one purpose. */
START_TEST(no_type_passes_for_another)
{
    authsvc_token_type_t type, wanted;

    for (type = AUTHSVC_TYP_JWT; type <= AUTHSVC_TYP_IDENTITY; type++) {
        const char *token = sign(FIXTURE_EDDSA, type);

        for (wanted = AUTHSVC_TYP_JWT; wanted <= AUTHSVC_TYP_IDENTITY; wanted++) {
            authsvc_jwt_expectation_t expected = fixture_expectation();
            authsvc_claims_t claims;

            expected.type = wanted;
            ck_assert_int_eq(authsvc_jwt_verify(unit_pool, fixture_keyset(FIXTURE_EDDSA),
                                                &expected, token, strlen(token), &claims) == NULL,
                             type == wanted);
        }
    }
}
END_TEST

/* A second opinion, by code that is not ours. It knows RS256 and ES256. */
START_TEST(libjwt_accepts_our_tokens)
{
    static const fixture_key_t keys[] = {FIXTURE_RS256, FIXTURE_ES256};
    static const jwt_alg_t algorithms[] = {JWT_ALG_RS256, JWT_ALG_ES256};
    int i, round;

    for (i = 0; i < 2; i++) {
        const char *pem = fixture_public_pem(unit_pool, keys[i]);

        for (round = 0; round < 20; round++) {
            const char *token = sign(keys[i], AUTHSVC_TYP_JWT);
            char *altered = apr_pstrdup(unit_pool, token);
            char *at = strrchr(altered, '.') + 10;
            jwt_t *jwt = NULL;

            ck_assert_int_eq(jwt_decode(&jwt, token, (const unsigned char *)pem, (int)strlen(pem)),
                             0);
            ck_assert_int_eq(jwt_get_alg(jwt), algorithms[i]);
            ck_assert_str_eq(jwt_get_grant(jwt, "sub"), FIXTURE_USER);
            ck_assert_int_eq(jwt_get_grant_int(jwt, "exp"), FIXTURE_NOW + 900);
            jwt_free(jwt);
            jwt = NULL;
            *at = *at == 'A' ? 'B' : 'A';
            ck_assert_int_ne(
                jwt_decode(&jwt, altered, (const unsigned char *)pem, (int)strlen(pem)), 0);
            jwt_free(jwt);
        }
    }
}
END_TEST

START_TEST(any_key_of_the_set_verifies)
{
    apr_array_header_t *more = apr_array_make(unit_pool, 2, sizeof(authsvc_key_t *));
    authsvc_keyset_t *keys, *verifies_only;
    authsvc_claims_t claims, made = fixture_claims();
    authsvc_error_t *err;
    const char *token;

    APR_ARRAY_PUSH(more, authsvc_key_t *) = fixture_key(FIXTURE_ES256);
    APR_ARRAY_PUSH(more, authsvc_key_t *) = fixture_key(FIXTURE_OTHER_RS256);
    ck_assert_ptr_null(
        authsvc_keyset_create(unit_pool, fixture_key(FIXTURE_RS256), more, &keys));
    ck_assert_ptr_null(verify(keys, sign(FIXTURE_RS256, AUTHSVC_TYP_JWT), &claims));
    ck_assert_ptr_null(verify(keys, sign(FIXTURE_ES256, AUTHSVC_TYP_JWT), &claims));
    ck_assert_ptr_null(verify(keys, sign(FIXTURE_OTHER_RS256, AUTHSVC_TYP_JWT), &claims));
    ck_assert_ptr_nonnull(verify(keys, sign(FIXTURE_EDDSA, AUTHSVC_TYP_JWT), &claims));

    ck_assert_ptr_null(authsvc_keyset_create(unit_pool, NULL, more, &verifies_only));
    ck_assert_ptr_null(verify(verifies_only, sign(FIXTURE_ES256, AUTHSVC_TYP_JWT), &claims));
    ck_assert_ptr_nonnull(verify(verifies_only, sign(FIXTURE_RS256, AUTHSVC_TYP_JWT), &claims));
    err = authsvc_jwt_sign(unit_pool, verifies_only, AUTHSVC_TYP_JWT, &made, &token);
    ck_assert_ptr_nonnull(err);
    ck_assert_int_eq(err->code, AUTHSVC_E_INTERNAL);
}
END_TEST

/* The longest of everything that a site and a user can choose: 255 octets for URLs and addresses,
   100 code points for a name, the largest key. */
START_TEST(the_longest_token_fits)
{
    authsvc_claims_t claims = fixture_claims(), read;
    authsvc_jwt_expectation_t expected = fixture_expectation();
    char *text = apr_palloc(unit_pool, 256), *name = apr_palloc(unit_pool, 401);
    const authsvc_keyset_t *keys = fixture_keyset(FIXTURE_RS256);
    const char *token;
    int i;

    memset(text, 'x', 255);
    text[255] = '\0';
    for (i = 0; i < 400; i += 4) {
        memcpy(name + i, "\xf0\x9f\x98\x80", 4);
    }
    name[400] = '\0';
    claims.issuer = claims.audience = claims.email = text;
    expected.issuer = expected.audience = text;
    expected.type = AUTHSVC_TYP_AT_JWT;
    claims.name = name;
    claims.role = "admin";
    claims.epoch = APR_INT64_MAX;
    claims.email_verified = 0;
    ck_assert_ptr_null(authsvc_jwt_sign(unit_pool, keys, AUTHSVC_TYP_AT_JWT, &claims, &token));
    ck_assert_ptr_null(
        authsvc_jwt_verify(unit_pool, keys, &expected, token, strlen(token), &read));
    ck_assert_str_eq(read.name, name);
    /* The largest key's signature has 1024 octets, this one's 256. */
    ck_assert_uint_le(strlen(token) + 1366 - 342, AUTHSVC_JWT_MAX);
    /* The same length in quotes, which JSON escapes; nothing has more octets. */
    for (i = 0; i < 100; i++) {
        name[i] = '"';
    }
    name[100] = '\0';
    ck_assert_ptr_null(authsvc_jwt_sign(unit_pool, keys, AUTHSVC_TYP_AT_JWT, &claims, &token));
}
END_TEST

START_TEST(a_token_may_be_silent_about_email_and_name)
{
    authsvc_claims_t claims = fixture_claims(), read;
    const char *token;

    claims.email = claims.name = NULL;
    ck_assert_ptr_null(authsvc_jwt_sign(unit_pool, fixture_keyset(FIXTURE_EDDSA),
                                        AUTHSVC_TYP_JWT, &claims, &token));
    ck_assert_ptr_null(verify(fixture_keyset(FIXTURE_EDDSA), token, &read));
    ck_assert_ptr_null(read.email);
    ck_assert_ptr_null(read.name);
}
END_TEST

/* No token is made that our own verification would refuse for its length. */
START_TEST(a_token_that_would_be_too_long_is_not_made)
{
    authsvc_claims_t claims = fixture_claims();
    char *role = apr_pcalloc(unit_pool, 4001);
    const char *token;
    authsvc_error_t *err;

    memset(role, 'r', 4000);
    claims.role = role;
    err = authsvc_jwt_sign(unit_pool, fixture_keyset(FIXTURE_EDDSA), AUTHSVC_TYP_JWT,
                           &claims, &token);
    ck_assert_ptr_nonnull(err);
    ck_assert_int_eq(err->code, AUTHSVC_E_INTERNAL);
}
END_TEST

#define ALTERED_THREADS 4
#define ROUNDS 50

typedef struct {
    const authsvc_keyset_t *keys;
    int failures;
} thread_data_t;

static void *APR_THREAD_FUNC sign_and_verify(apr_thread_t *thread, void *baton)
{
    thread_data_t *data = baton;
    apr_pool_t *pool = apr_thread_pool_get(thread);
    authsvc_jwt_expectation_t expected = fixture_expectation();
    authsvc_claims_t made = fixture_claims(), got;
    int i;

    for (i = 0; i < ROUNDS; i++) {
        const char *token;

        if (authsvc_jwt_sign(pool, data->keys, AUTHSVC_TYP_JWT, &made, &token) ||
            authsvc_jwt_verify(pool, data->keys, &expected, token, strlen(token), &got)) {
            data->failures++;
        }
    }
    return NULL;
}

START_TEST(threads_share_a_set)
{
    fixture_key_t which = (fixture_key_t)_i;
    const authsvc_keyset_t *keys = fixture_keyset(which);
    apr_thread_t *threads[ALTERED_THREADS];
    thread_data_t data[ALTERED_THREADS];
    apr_status_t status;
    int i;

    for (i = 0; i < ALTERED_THREADS; i++) {
        data[i].keys = keys;
        data[i].failures = 0;
        ck_assert_int_eq(
            apr_thread_create(&threads[i], NULL, sign_and_verify, &data[i], unit_pool), 0);
    }
    for (i = 0; i < ALTERED_THREADS; i++) {
        ck_assert_int_eq(apr_thread_join(&status, threads[i]), 0);
        ck_assert_int_eq(data[i].failures, 0);
    }
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_jwt)
{
    Suite *suite = suite_create("jwt");
    TCase *tcase = unit_tcase(suite, "signatures");

    tcase_add_unchecked_fixture(tcase, fixture_make_keys, NULL);
    tcase_add_test(tcase, published_signatures_verify);
    tcase_add_test(tcase, eddsa_signs_as_published);
    tcase_add_test(tcase, es256_signatures_have_exactly_64_octets);
    tcase_add_test(tcase, libjwt_accepts_our_tokens);

    tcase = unit_tcase(suite, "tokens");
    tcase_add_unchecked_fixture(tcase, fixture_make_keys, NULL);
    tcase_add_loop_test(tcase, a_signed_token_verifies_and_says_what_was_signed, 0, FIXTURE_KEYS);
    tcase_add_loop_test(tcase, the_header_has_alg_typ_and_kid, 0, FIXTURE_KEYS);
    tcase_add_test(tcase, no_type_passes_for_another);
    tcase_add_test(tcase, any_key_of_the_set_verifies);
    tcase_add_test(tcase, the_longest_token_fits);
    tcase_add_test(tcase, a_token_may_be_silent_about_email_and_name);
    tcase_add_test(tcase, a_token_that_would_be_too_long_is_not_made);
    tcase_add_loop_test(tcase, threads_share_a_set, 0, FIXTURE_KEYS);
    return suite;
}
