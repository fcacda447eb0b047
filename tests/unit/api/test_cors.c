/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#define APP "https://app.example"

static void allow(const char *origin)
{
    apr_array_header_t *origins = apr_array_make(fake.ctx.pool, 2, sizeof(const char *));

    APR_ARRAY_PUSH(origins, const char *) = "https://other.example";
    APR_ARRAY_PUSH(origins, const char *) = origin;
    fake.settings.cors_origins = origins;
}

START_TEST(nothing_is_said_without_origins)
{
    world_send("GET", "/health/live", NULL, "Origin", APP, NULL);
    ck_assert_int_eq(world.response.status, 200);
    ck_assert_ptr_null(world_header("Access-Control-Allow-Origin"));
    ck_assert_ptr_null(world_header("Vary"));
}
END_TEST

START_TEST(site_origin_may_read)
{
    allow(APP);
    world_send("GET", "/health/live", NULL, "Origin", APP, NULL);
    ck_assert_pstr_eq(world_header("Access-Control-Allow-Origin"), APP);
    ck_assert_pstr_eq(world_header("Access-Control-Expose-Headers"),
                      "X-Request-Id, Retry-After, RateLimit, RateLimit-Policy, WWW-Authenticate");
    ck_assert_ptr_null(world_header("Access-Control-Allow-Credentials"));
    ck_assert_pstr_eq(world_header("Vary"), "Origin");
    world_send("GET", "/users/me", NULL, "Origin", APP, NULL);
    world_expect_problem(401, "authentication");
    ck_assert_pstr_eq(world_header("Access-Control-Allow-Origin"), APP);
    world_send("GET", "/nowhere", NULL, "Origin", APP, NULL);
    world_expect_problem(404, "not-found");
    ck_assert_pstr_eq(world_header("Access-Control-Allow-Origin"), APP);
}
END_TEST

static const char *const strangers[] = {
    "https://evil.example",      "null",
    "*",                         "",
    "https://app.example.evil",  "https://app.exampl",
    "http://app.example",        "https://APP.example",
    "https://app.example/",      "https://app.example:443",
    "https://evil.app.example",  "https://app.example, https://app.example",
};

START_TEST(stranger_gets_the_plain_answer)
{
    allow(APP);
    world_send("GET", "/health/live", NULL, "Origin", strangers[_i], NULL);
    ck_assert_int_eq(world.response.status, 200);
    ck_assert_ptr_null(world_header("Access-Control-Allow-Origin"));
    ck_assert_pstr_eq(world_header("Vary"), "Origin");
    world_send("OPTIONS", "/auth/login", NULL, "Origin", strangers[_i],
               "Access-Control-Request-Method", "POST", NULL);
    ck_assert_int_eq(world.response.status, 204);
    ck_assert_ptr_null(world_header("Access-Control-Allow-Origin"));
    ck_assert_ptr_null(world_header("Access-Control-Allow-Methods"));
}
END_TEST

START_TEST(preflight_says_what_the_contract_says)
{
    allow(APP);
    world.plain = 1; /* a preflight carries no credentials */
    world_send("OPTIONS", "/users/me", NULL, "Origin", APP, "Access-Control-Request-Method",
               "PATCH", "Access-Control-Request-Headers", "authorization", NULL);
    ck_assert_int_eq(world.response.status, 204);
    ck_assert_pstr_eq(world_header("Access-Control-Allow-Origin"), APP);
    ck_assert_pstr_eq(world_header("Access-Control-Allow-Methods"), "GET, HEAD, PATCH, OPTIONS");
    ck_assert_pstr_eq(world_header("Access-Control-Allow-Headers"), "Authorization, Content-Type");
    ck_assert_pstr_eq(world_header("Access-Control-Max-Age"), "600");
    ck_assert_pstr_eq(world_header("Allow"), "GET, HEAD, PATCH, OPTIONS");
    ck_assert_pstr_eq(world_header("Vary"), "Origin");
}
END_TEST

START_TEST(plain_options_is_no_preflight)
{
    allow(APP);
    world_send("OPTIONS", "/auth/login", NULL, "Origin", APP, NULL);
    ck_assert_int_eq(world.response.status, 204);
    ck_assert_pstr_eq(world_header("Allow"), "POST, OPTIONS");
    ck_assert_ptr_null(world_header("Access-Control-Allow-Methods"));
    world_send("OPTIONS", "/nowhere", NULL, "Origin", APP, "Access-Control-Request-Method", "GET",
               NULL);
    world_expect_problem(404, "not-found");
}
END_TEST

START_TEST(problem_of_the_handler_is_readable_too)
{
    authsvc_response_t response;
    authsvc_request_t request = {.method = "POST",
                                 .path = "/auth/login",
                                 .instance = "/api/v1/auth/login",
                                 .secure = 1};

    allow(APP);
    authsvc_api_problem(world.api, &fake.ctx, &request,
                        AUTHSVC_ERROR(fake.ctx.pool, AUTHSVC_E_TOO_LARGE, NULL, NULL, "x"),
                        &response);
    ck_assert_int_eq(response.status, 413);
    ck_assert_pstr_eq(response.content_type, "application/problem+json");
    ck_assert_pstr_eq(apr_table_get(response.headers, "Vary"), "Origin");
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_cors)
{
    Suite *suite = suite_create("cors");
    TCase *tcase = world_tcase(suite, "cors");

    tcase_add_test(tcase, nothing_is_said_without_origins);
    tcase_add_test(tcase, site_origin_may_read);
    tcase_add_loop_test(tcase, stranger_gets_the_plain_answer, 0,
                        sizeof(strangers) / sizeof(strangers[0]));
    tcase_add_test(tcase, preflight_says_what_the_contract_says);
    tcase_add_test(tcase, plain_options_is_no_preflight);
    tcase_add_test(tcase, problem_of_the_handler_is_readable_too);
    return suite;
}
