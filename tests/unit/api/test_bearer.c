/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

static const struct {
    const char *value;
    authsvc_bearer_t kind;
    const char *token;
} fields[] = {
    {NULL, AUTHSVC_BEARER_NONE, NULL},
    {"", AUTHSVC_BEARER_NONE, NULL},
    {"X", AUTHSVC_BEARER_NONE, NULL},
    {"B", AUTHSVC_BEARER_NONE, NULL},
    {"Beare", AUTHSVC_BEARER_NONE, NULL},
    {"Basic dXNlcjpwYXNz", AUTHSVC_BEARER_NONE, NULL},
    {"Bearerx abc", AUTHSVC_BEARER_NONE, NULL},
    {"Bearer-Token abc", AUTHSVC_BEARER_NONE, NULL},
    {" Bearer abc", AUTHSVC_BEARER_NONE, NULL},
    {"Basic x, Bearer abc", AUTHSVC_BEARER_NONE, NULL},
    {"Bearer", AUTHSVC_BEARER_MALFORMED, NULL},
    {"Bearer ", AUTHSVC_BEARER_MALFORMED, NULL},
    {"Bearer    ", AUTHSVC_BEARER_MALFORMED, NULL},
    {"Bearer\tabc", AUTHSVC_BEARER_MALFORMED, NULL},
    {"Bearer \tabc", AUTHSVC_BEARER_MALFORMED, NULL},
    {"Bearer,abc", AUTHSVC_BEARER_MALFORMED, NULL},
    {"Bearer abc ", AUTHSVC_BEARER_MALFORMED, NULL},
    {"Bearer abc def", AUTHSVC_BEARER_MALFORMED, NULL},
    {"Bearer abc, Bearer def", AUTHSVC_BEARER_MALFORMED, NULL},
    {"Bearer abc, Basic def", AUTHSVC_BEARER_MALFORMED, NULL},
    {"Bearer abc,def", AUTHSVC_BEARER_MALFORMED, NULL},
    {"Bearer =", AUTHSVC_BEARER_MALFORMED, NULL},
    {"Bearer abc=def", AUTHSVC_BEARER_MALFORMED, NULL},
    {"Bearer \"abc\"", AUTHSVC_BEARER_MALFORMED, NULL},
    {"Bearer ab\x01" "c", AUTHSVC_BEARER_MALFORMED, NULL},
    {"Bearer ab\xc3\xa9", AUTHSVC_BEARER_MALFORMED, NULL},
    {"Bearer token=abc", AUTHSVC_BEARER_MALFORMED, NULL},
    {"Bearer abc", AUTHSVC_BEARER_TOKEN, "abc"},
    {"bearer x", AUTHSVC_BEARER_TOKEN, "x"},
    {"BEARER x", AUTHSVC_BEARER_TOKEN, "x"},
    {"Bearer   abc", AUTHSVC_BEARER_TOKEN, "abc"},
    {"Bearer a.b-c_d~e+f/g==", AUTHSVC_BEARER_TOKEN, "a.b-c_d~e+f/g=="},
};

START_TEST(field_is_taken_apart)
{
    const char *token = "unset", *value = fields[_i].value;
    apr_size_t len = 99;

    ck_assert_msg(authsvc_bearer_parse(value, &token, &len) == fields[_i].kind, "<%s>",
                  value ? value : "NULL");
    if (fields[_i].token) {
        ck_assert_uint_eq(len, strlen(fields[_i].token));
        ck_assert_int_eq(strncmp(token, fields[_i].token, len), 0);
    } else {
        ck_assert_ptr_null(token);
        ck_assert_uint_eq(len, 0);
    }
}
END_TEST

START_TEST(challenge_names_the_realm)
{
    ck_assert_str_eq(authsvc_bearer_challenge(unit_pool, "https://a.example/x", 0),
                     "Bearer realm=\"https://a.example/x\"");
    ck_assert_str_eq(authsvc_bearer_challenge(unit_pool, "a\"b\\c", 0),
                     "Bearer realm=\"a\\\"b\\\\c\"");
    ck_assert_ptr_nonnull(
        strstr(authsvc_bearer_challenge(unit_pool, "r", 1), ", error=\"invalid_token\""));
}
END_TEST

/* What a client learns: no error code unless a token was sent (RFC 6750 §3.1). */
START_TEST(operation_wants_a_token)
{
    const char *good = world_sign_in();
    int i;

    world_send("GET", "/users/me", NULL, "Authorization", good, NULL);
    ck_assert_int_eq(world.response.status, 200);
    ck_assert_ptr_null(world_header("WWW-Authenticate"));
    for (i = 0; i < (int)(sizeof(fields) / sizeof(fields[0])); i++) {
        world_send("GET", "/users/me", NULL, "Authorization", fields[i].value, NULL);
        world_expect_problem(401, "authentication");
        ck_assert_int_eq(strstr(world_header("WWW-Authenticate"), "invalid_token") != NULL,
                         fields[i].kind != AUTHSVC_BEARER_NONE);
    }
    world_send("GET", "/users/me", NULL, NULL);
    world_expect_problem(401, "authentication");
    ck_assert_pstr_eq(world_header("WWW-Authenticate"),
                      "Bearer realm=\"https://example.org/api/v1\"");
}
END_TEST

START_TEST(ended_session_is_an_invalid_token)
{
    const char *good = world_sign_in();

    world_send("POST", "/auth/logout-all", NULL, "Authorization", good, NULL);
    ck_assert_int_eq(world.response.status, 204);
    world_send("GET", "/users/me", NULL, "Authorization", good, NULL);
    world_expect_problem(401, "authentication");
    ck_assert_ptr_nonnull(strstr(world_header("WWW-Authenticate"), "invalid_token"));
}
END_TEST

START_TEST(wrong_password_is_no_invalid_token)
{
    world_send("POST", "/users/me/delete", "{\"password\":\"Wrong-Horse-1\"}", "Authorization",
               world_sign_in(), "Content-Type", "application/json", NULL);
    world_expect_problem(401, "invalid-credentials");
    ck_assert_ptr_null(strstr(world_header("WWW-Authenticate"), "invalid_token"));
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_bearer)
{
    Suite *suite = suite_create("bearer");
    TCase *tcase = unit_tcase(suite, "field");

    tcase_add_loop_test(tcase, field_is_taken_apart, 0, sizeof(fields) / sizeof(fields[0]));
    tcase_add_test(tcase, challenge_names_the_realm);
    tcase = world_tcase(suite, "operation");
    tcase_add_test(tcase, operation_wants_a_token);
    tcase_add_test(tcase, ended_session_is_an_invalid_token);
    tcase_add_test(tcase, wrong_password_is_no_invalid_token);
    return suite;
}
