/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "services/limiter.h"

#define MINUTE apr_time_from_sec(60)
#define LOGIN "{\"email\":\"eve@example.com\",\"password\":\"Wrong-Horse-1\"}"

static void limit(authsvc_limit_policy_t policy, authsvc_limit_key_t key, apr_int64_t count)
{
    const authsvc_rate_t rate = {count, MINUTE};
    apr_array_header_t *rules = apr_array_copy(fake.pool, fake.settings.limits[policy]);

    ck_assert(authsvc_limit_add(rules, policy, key, &rate));
    fake.settings.limits[policy] = rules;
    fake.ctx.limiter = unit_limiter(fake.pool, &fake.now);
}

static void no_defaults(void)
{
    for (int i = 0; i < AUTHSVC_LIMIT_POLICIES; i++) {
        fake.settings.limits[i] = apr_array_make(fake.pool, 1, sizeof(authsvc_limit_rule_t));
    }
}

START_TEST(what_is_left_is_in_the_answer)
{
    fake.ctx.limiter = unit_limiter(fake.pool, &fake.now);
    world_post("/auth/login", LOGIN);
    world_expect_problem(401, "invalid-credentials");
    ck_assert_pstr_eq(world_header("RateLimit-Policy"),
                      "\"login-ip\";q=60;w=60, \"login-account+ip\";q=5;w=60");
    ck_assert_pstr_eq(world_header("RateLimit"),
                      "\"login-ip\";r=59;t=1, \"login-account+ip\";r=4;t=12");
    world_send("GET", "/health/live", NULL, NULL);
    ck_assert_ptr_null(world_header("RateLimit"));
    ck_assert_ptr_null(world_header("RateLimit-Policy"));
}
END_TEST

START_TEST(what_is_used_up_is_in_the_refusal)
{
    fake.ctx.limiter = unit_limiter(fake.pool, &fake.now);
    for (int i = 0; i < 5; i++) {
        world_post("/auth/login", LOGIN);
        world_expect_problem(401, "invalid-credentials");
    }
    fake.now += 1;
    world_post("/auth/login", LOGIN);
    world_expect_problem(429, "rate-limited");
    ck_assert_pstr_eq(world_header("RateLimit-Policy"),
                      "\"login-ip\";q=60;w=60, \"login-account+ip\";q=5;w=60");
    ck_assert_pstr_eq(world_header("RateLimit"), "\"login-account+ip\";r=0;t=12");
    ck_assert_pstr_eq(world_header("Retry-After"), "12");
    fake.now += apr_time_from_sec(11);
    world_post("/auth/login", LOGIN);
    ck_assert_pstr_eq(world_header("Retry-After"), "1");
}
END_TEST

START_TEST(what_is_left_for_somebody_else_is_not_in_the_answer)
{
    no_defaults();
    limit(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_ACCOUNT, 1);
    world_post("/auth/login", LOGIN);
    ck_assert_pstr_eq(world_header("RateLimit-Policy"), "\"login-account\";q=1;w=60");
    ck_assert_ptr_null(world_header("RateLimit"));
    world_post("/auth/login", LOGIN);
    world_expect_problem(429, "rate-limited");
    ck_assert_pstr_eq(world_header("RateLimit"), "\"login-account\";r=0;t=60");
}
END_TEST

START_TEST(a_token_is_verified_first)
{
    const char *good = world_sign_in();

    no_defaults();
    limit(AUTHSVC_LIMIT_API, AUTHSVC_LIMIT_ACCOUNT, 2);
    for (int i = 0; i < 5; i++) {
        world_send("GET", "/users/me", NULL, "Authorization", apr_pstrcat(fake.pool, good, "x",
                   NULL), NULL);
        world_expect_problem(401, "authentication");
        ck_assert_ptr_null(world_header("RateLimit"));
    }
    world_send("GET", "/users/me", NULL, "Authorization", good, NULL);
    ck_assert_int_eq(world.response.status, 200);
    ck_assert_pstr_eq(world_header("RateLimit"), "\"api-account\";r=1;t=30");
    world_send("GET", "/users/me/sessions", NULL, "Authorization", good, NULL);
    ck_assert_int_eq(world.response.status, 200);
    fake.calls = 0;
    /* Before the body is looked at, and before the database. */
    world_send("PATCH", "/users/me", "nonsense", "Authorization", good, NULL);
    world_expect_problem(429, "rate-limited");
    ck_assert_int_eq(fake.calls, 0);
}
END_TEST

START_TEST(what_ends_sessions_is_not_counted)
{
    const char *good = world_sign_in();

    no_defaults();
    limit(AUTHSVC_LIMIT_API, AUTHSVC_LIMIT_ACCOUNT, 1);
    world_send("GET", "/users/me", NULL, "Authorization", good, NULL);
    ck_assert_int_eq(world.response.status, 200);
    world_send("GET", "/users/me", NULL, "Authorization", good, NULL);
    world_expect_problem(429, "rate-limited");
    for (int i = 0; i < 3; i++) {
        world_send("DELETE", "/users/me/sessions/none", NULL, "Authorization", good, NULL);
        world_expect_problem(404, "not-found");
        ck_assert_ptr_null(world_header("RateLimit"));
    }
    world_send("POST", "/users/me/delete", "{}", "Authorization", good, NULL);
    world_expect_problem(429, "rate-limited");
    world_send("POST", "/auth/logout-all", NULL, "Authorization", good, NULL);
    ck_assert_int_eq(world.response.status, 204);
}
END_TEST

START_TEST(a_body_that_does_not_fit_costs_nothing)
{
    no_defaults();
    limit(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_IP, 1);
    for (int i = 0; i < 3; i++) {
        world_post("/auth/login", "{\"email\":\"eve@example.com\"}");
        world_expect_problem(400, "validation");
        ck_assert_ptr_null(world_header("RateLimit"));
    }
    world_post("/auth/login", LOGIN);
    world_expect_problem(401, "invalid-credentials");
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_limits)
{
    Suite *suite = suite_create("limits");
    TCase *tcase = world_tcase(suite, "fields");

    tcase_add_test(tcase, what_is_left_is_in_the_answer);
    tcase_add_test(tcase, what_is_used_up_is_in_the_refusal);
    tcase_add_test(tcase, what_is_left_for_somebody_else_is_not_in_the_answer);
    tcase_add_test(tcase, a_token_is_verified_first);
    tcase_add_test(tcase, what_ends_sessions_is_not_counted);
    tcase_add_test(tcase, a_body_that_does_not_fit_costs_nothing);
    return suite;
}
