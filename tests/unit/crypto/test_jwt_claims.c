/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt_claims.h"

#include <apr_strings.h>

#include "authsvc/core/json.h"
#include "fixture.h"
#include "unit.h"

#define IDS "\"sub\":\"" FIXTURE_USER "\","
#define HEAD "{\"iss\":\"" FIXTURE_ISSUER "\"," IDS "\"aud\":\"" FIXTURE_AUDIENCE "\","
#define TIMES "\"exp\":1700000900,\"iat\":1700000000,\"nbf\":1700000000,"
#define JTI "\"jti\":\"t\","
#define SESSION "\"sid\":\"" FIXTURE_SESSION "\",\"epoch\":7,"
#define LAST "\"role\":\"user\",\"email_verified\":true}"

static int read_octets(const char *octets, apr_size_t len, authsvc_claims_t *claims)
{
    memset(claims, 0, sizeof(*claims));
    return authsvc_jwt_claims_read(apr_pstrmemdup(unit_pool, octets, len), len, FIXTURE_ISSUER,
                                   FIXTURE_AUDIENCE, claims);
}

static const char *written(const char *name)
{
    authsvc_claims_t claims = fixture_claims();

    claims.name = name;
    return authsvc_jwt_claims_write(unit_pool, &claims);
}

static void assert_claims(const authsvc_claims_t *read, const authsvc_claims_t *wanted)
{
    ck_assert_str_eq(read->issuer, FIXTURE_ISSUER);
    ck_assert_str_eq(read->audience, FIXTURE_AUDIENCE);
    ck_assert_str_eq(read->subject, wanted->subject);
    ck_assert_str_eq(read->token_id, wanted->token_id);
    ck_assert_str_eq(read->session_id, wanted->session_id);
    ck_assert_str_eq(read->role, wanted->role);
    ck_assert_pstr_eq(read->email, wanted->email);
    ck_assert_pstr_eq(read->name, wanted->name);
    ck_assert_int_eq(read->epoch, wanted->epoch);
    ck_assert_int_eq(read->email_verified, wanted->email_verified);
    ck_assert_int_eq(read->issued_at, wanted->issued_at);
    ck_assert_int_eq(read->not_before, wanted->not_before);
    ck_assert_int_eq(read->expires_at, wanted->expires_at);
}

START_TEST(what_is_written_is_read)
{
    static const char *const texts[] = {NULL, "", "Ada Lovelace", "~ {}[]:,/'"};

    for (apr_size_t i = 0; i < 16; i++) {
        authsvc_claims_t claims = fixture_claims(), read;

        claims.name = texts[i % 4];
        claims.email = texts[i / 4];
        claims.email_verified = i % 2 == 0;
        claims.epoch = i % 3 == 0 ? 0 : 999999999999999;
        const char *json = authsvc_jwt_claims_write(unit_pool, &claims);
        ck_assert_msg(read_octets(json, strlen(json), &read), "%s", json);
        assert_claims(&read, &claims);
    }
}
END_TEST

/* The rest is the parser's: nothing of the text has changed for it, and no claim is set. */
START_TEST(everything_else_is_left_to_the_parser)
{
    static const struct {
        const char *what, *json;
    } cases[] = {
        {"an escape", HEAD TIMES "\"jti\":\"\\u0041\"," SESSION LAST},
        {"not ASCII", HEAD TIMES "\"jti\":\"\xc3\x96\"," SESSION LAST},
        {"DEL", HEAD TIMES "\"jti\":\"\x7f\"," SESSION LAST},
        {"a control character", HEAD TIMES "\"jti\":\"\t\"," SESSION LAST},
        {"another order", HEAD JTI TIMES SESSION LAST},
        {"white space", HEAD " " TIMES JTI SESSION LAST},
        {"a member twice", HEAD TIMES JTI JTI SESSION LAST},
        {"a member more", HEAD TIMES JTI SESSION "\"x\":1," LAST},
        {"a member more at the end", HEAD TIMES JTI SESSION "\"role\":\"user\","
                                     "\"email_verified\":true,\"name\":\"n\",\"x\":1}"},
        {"no session", HEAD TIMES JTI LAST},
        {"no exp", HEAD "\"iat\":1,\"nbf\":1," JTI SESSION LAST},
        {"exp with a leading zero", HEAD "\"exp\":01,\"iat\":1,\"nbf\":1," JTI SESSION LAST},
        {"exp below zero", HEAD "\"exp\":-1,\"iat\":1,\"nbf\":1," JTI SESSION LAST},
        {"exp without digits", HEAD "\"exp\":,\"iat\":1,\"nbf\":1," JTI SESSION LAST},
        {"exp as a real", HEAD "\"exp\":1.5,\"iat\":1,\"nbf\":1," JTI SESSION LAST},
        {"exp of 16 digits", HEAD "\"exp\":1000000000000000,\"iat\":1,\"nbf\":1," JTI SESSION LAST},
        {"exp above 2^64",
         HEAD "\"exp\":18446744073709551617,\"iat\":1,\"nbf\":1," JTI SESSION LAST},
        {"exp as a text", HEAD "\"exp\":\"1\",\"iat\":1,\"nbf\":1," JTI SESSION LAST},
        {"email_verified as a text", HEAD TIMES JTI SESSION "\"role\":\"r\","
                                     "\"email_verified\":\"true\"}"},
        {"email as null", HEAD TIMES JTI SESSION "\"role\":\"r\",\"email\":null,"
                          "\"email_verified\":true}"},
        {"another issuer", "{\"iss\":\"https://issuer.example/api/v2\"," IDS "\"aud\":\""
                           FIXTURE_AUDIENCE "\"," TIMES JTI SESSION LAST},
        {"the beginning of the issuer", "{\"iss\":\"https://issuer.example/api\"," IDS "\"aud\":\""
                                        FIXTURE_AUDIENCE "\"," TIMES JTI SESSION LAST},
        {"an audience that begins so", "{\"iss\":\"" FIXTURE_ISSUER "\"," IDS "\"aud\":\""
                                       FIXTURE_AUDIENCE "/\"," TIMES JTI SESSION LAST},
        {"something behind it", HEAD TIMES JTI SESSION LAST " "},
        {"cut off", HEAD TIMES JTI SESSION "\"role\":\"user\",\"email_verified\":true"},
        {"nothing", ""},
    };
    authsvc_claims_t read, none;
    const char *good = HEAD TIMES JTI SESSION LAST;

    memset(&none, 0, sizeof(none));
    ck_assert(read_octets(good, strlen(good), &read));
    ck_assert_msg(!read_octets(good, strlen(good) + 1, &read), "a NUL behind it");
    for (apr_size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *json = apr_pstrdup(unit_pool, cases[i].json);

        memset(&read, 0, sizeof(read));
        ck_assert_msg(!authsvc_jwt_claims_read(json, strlen(json), FIXTURE_ISSUER,
                                               FIXTURE_AUDIENCE, &read),
                      "%s", cases[i].what);
        ck_assert_str_eq(json, cases[i].json);
        ck_assert_mem_eq(&read, &none, sizeof(read));
    }
}
END_TEST

static authsvc_claims_t parsed(const authsvc_json_t *json)
{
    authsvc_claims_t claims;

    memset(&claims, 0, sizeof(claims));
    claims.subject = authsvc_json_get_string(json, "sub");
    claims.token_id = authsvc_json_get_string(json, "jti");
    claims.session_id = authsvc_json_get_string(json, "sid");
    claims.role = authsvc_json_get_string(json, "role");
    claims.email = authsvc_json_get_string(json, "email");
    claims.name = authsvc_json_get_string(json, "name");
    ck_assert(authsvc_json_integer(authsvc_json_get(json, "exp"), &claims.expires_at));
    ck_assert(authsvc_json_integer(authsvc_json_get(json, "iat"), &claims.issued_at));
    ck_assert(authsvc_json_integer(authsvc_json_get(json, "nbf"), &claims.not_before));
    ck_assert(authsvc_json_integer(authsvc_json_get(json, "epoch"), &claims.epoch));
    claims.email_verified =
        authsvc_json_type(authsvc_json_get(json, "email_verified")) == AUTHSVC_JSON_TRUE;
    return claims;
}

/* @return whether it was read; then a strict parser reads the same */
static int agrees(const char *octets, apr_size_t len)
{
    authsvc_claims_t read;

    if (!read_octets(octets, len, &read)) {
        return 0;
    }
    authsvc_json_t *json = authsvc_json_parse(unit_pool, octets, len, NULL);
    ck_assert_msg(json != NULL, "%s", octets);
    ck_assert_uint_eq(authsvc_json_size(json), read.name ? 13 : 12);
    authsvc_claims_t wanted = parsed(json);
    assert_claims(&read, &wanted);
    return 1;
}

START_TEST(each_change_is_read_as_a_parser_reads_it)
{
    const char *json = written("Ada Lovelace");
    apr_size_t len = strlen(json), longest = len + 1;
    char *changed = apr_palloc(unit_pool, longest + 1);
    int read = 0;

    for (apr_size_t at = 0; at < len; at++) {
        for (int octet = 0; octet < 256; octet++) {
            memcpy(changed, json, len + 1);
            changed[at] = (char)octet;
            read += agrees(changed, len);
            memmove(changed + at + 1, json + at, len + 1 - at);
            read += agrees(changed, longest);
        }
        memcpy(changed, json, at);
        memcpy(changed + at, json + at + 1, len - at);
        read += agrees(changed, len - 1);
        apr_pool_clear(unit_pool);
        json = written("Ada Lovelace");
        changed = apr_palloc(unit_pool, longest + 1);
    }
    ck_assert_msg(read > 1000, "only %d were read at all", read);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_jwt_claims)
{
    Suite *suite = suite_create("jwt claims");
    TCase *tcase = unit_tcase(suite, "read");

    tcase_add_test(tcase, what_is_written_is_read);
    tcase_add_test(tcase, everything_else_is_left_to_the_parser);
    tcase_add_test(tcase, each_change_is_read_as_a_parser_reads_it);
    return suite;
}
