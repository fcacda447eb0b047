/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include "authsvc/crypto/cache.h"
#include "limiter.h"

#define WRONG "Wrong Horse 9"

static authsvc_error_t *basic(const char *email, const char *password)
{
    const authsvc_principal_t *principal;
    authsvc_error_t *err;
    fake.ctx.counted = 0;
    fake.ctx.limit_reports = NULL;
    err = authsvc_basic_authenticate(&fake.ctx, email, password, strlen(password), &principal);
    ck_assert((err == NULL) == (principal != NULL));
    return err;
}

/* How many passwords were computed, and right; the others came from what is kept. */
static int logins(void)
{
    int n = 0;
    for (const char *at = fake.log.all; (at = strstr(at, "event=basic-login ")) != NULL; at++) {
        n++;
    }
    return n;
}

static void begin(void)
{
    fake_add_user("ada@example.org");
    fake_add_user("bob@example.org");
    ck_assert_ok(
        authsvc_cache_create(fake.ctx.pool, 64, AUTHSVC_BASIC_CACHED, &fake.ctx.basic_cache));
}

/* Who guesses elsewhere learns nothing from what is kept: each guess is looked at, and counted. */
START_TEST(a_verdict_is_for_the_network_that_proved_the_password)
{
    static const struct {
        const char *ip;
        int logins;
    } clients[] = {{"192.0.2.1", 1},        {"192.0.2.2", 2},
                   {"::ffff:192.0.2.2", 2}, {"2001:db8:0:1::1", 3},
                   {"2001:db8:0:1:2::", 3}, {"2001:db8:0:2::1", 4},
                   {NULL, 5},               {"192.0.2.1", 5}};
    begin();
    for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
        fake.ctx.client_ip = clients[i].ip;
        for (int again = 0; again < 2; again++) {
            ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
            ck_assert_int_eq(logins(), clients[i].logins);
        }
    }
}
END_TEST

START_TEST(what_is_kept_opens_nothing_while_a_limit_is_used_up)
{
    begin();
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_ok(basic("bob@example.org", FAKE_PASSWORD));
    fake.ctx.limiter = unit_limiter(fake.pool, &fake.now);
    for (int i = 0; i < 5; i++) {
        ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
        ck_assert_ptr_null(fake.ctx.limit_reports); /* not counted */
        ck_assert_problem(basic("ada@example.org", WRONG), AUTHSVC_E_UNAUTHENTICATED,
                          "invalid-credentials");
    }
    ck_assert_problem(basic("ada@example.org", WRONG), AUTHSVC_E_THROTTLED, "rate-limited");
    ck_assert_problem(basic("ada@example.org", FAKE_PASSWORD), AUTHSVC_E_THROTTLED,
                      "rate-limited");
    ck_assert_ok(basic("bob@example.org", FAKE_PASSWORD));
    fake.ctx.exempt = 1;
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    fake.ctx.exempt = 0;
    fake.now += apr_time_from_sec(12);
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(logins(), 2);
}
END_TEST

/* Each process of a server checks a password once, and there may be many. */
START_TEST(right_passwords_are_not_counted)
{
    begin();
    fake.ctx.basic_cache = NULL;
    fake.ctx.limiter = unit_limiter(fake.pool, &fake.now);
    for (int i = 0; i < 100; i++) {
        ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
        ck_assert_ptr_null(fake.ctx.limit_reports);
        ck_assert_ptr_null(strstr(fake.log.all, "AS0270"));
    }
    ck_assert_int_eq(logins(), 100);
    for (int i = 0; i < 5; i++) { /* nor do they take back what others used up */
        ck_assert_problem(basic("ada@example.org", WRONG), AUTHSVC_E_UNAUTHENTICATED,
                          "invalid-credentials");
        if (i < 4) {
            ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
        }
    }
    ck_assert_problem(basic("ada@example.org", FAKE_PASSWORD), AUTHSVC_E_THROTTLED,
                      "rate-limited");
}
END_TEST

START_TEST(what_could_not_be_answered_is_not_counted)
{
    begin();
    fake.ctx.basic_cache = NULL;
    fake.ctx.limiter = unit_limiter(fake.pool, &fake.now);
    for (int i = 0; i < 20; i++) {
        fake.calls = 0;
        fake.fail_at = 1;
        ck_assert_problem(basic("ada@example.org", WRONG), AUTHSVC_E_UNAVAILABLE, NULL);
    }
    fake.fail_at = 0;
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
}
END_TEST

/* Else right and wrong would differ, for as many guesses as anybody likes. */
START_TEST(what_could_not_be_written_is_counted)
{
    begin();
    fake.ctx.basic_cache = NULL;
    fake.ctx.limiter = unit_limiter(fake.pool, &fake.now);
    for (int i = 0; i < 5; i++) {
        fake.calls = 0;
        fake.fail_at = 2; /* after the look-up */
        ck_assert_problem(basic("ada@example.org", WRONG), AUTHSVC_E_UNAVAILABLE, NULL);
    }
    ck_assert_problem(basic("ada@example.org", FAKE_PASSWORD), AUTHSVC_E_THROTTLED,
                      "rate-limited");
    fake.now += apr_time_from_sec(12); /* the control */
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
}
END_TEST

/* What opens nothing, counts, and a sign-in to the API always. */
START_TEST(everything_else_is_counted)
{
    authsvc_grant_t grant;
    begin();
    fake.users[1].row.deleted_at = fake.now;
    fake.ctx.limiter = unit_limiter(fake.pool, &fake.now);
    for (int i = 0; i < 5; i++) {
        ck_assert_problem(basic("bob@example.org", FAKE_PASSWORD), AUTHSVC_E_UNAUTHENTICATED,
                          "account-deactivated");
        fake.ctx.counted = 0;
        ck_assert_ok(authsvc_login(&fake.ctx, "ada@example.org", FAKE_PASSWORD,
                                   strlen(FAKE_PASSWORD), &grant));
        ck_assert_int_eq(fake.ctx.limit_reports->nelts, 2);
    }
    ck_assert_problem(basic("bob@example.org", FAKE_PASSWORD), AUTHSVC_E_THROTTLED,
                      "rate-limited");
    ck_assert_problem(basic("ada@example.org", FAKE_PASSWORD), AUTHSVC_E_THROTTLED,
                      "rate-limited");
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_basic_limits)
{
    Suite *suite = suite_create("basic limits");
    TCase *tcase = fake_tcase(suite, "basic limits");
    tcase_add_test(tcase, a_verdict_is_for_the_network_that_proved_the_password);
    tcase_add_test(tcase, what_is_kept_opens_nothing_while_a_limit_is_used_up);
    tcase_add_test(tcase, right_passwords_are_not_counted);
    tcase_add_test(tcase, what_could_not_be_answered_is_not_counted);
    tcase_add_test(tcase, what_could_not_be_written_is_counted);
    tcase_add_test(tcase, everything_else_is_counted);
    return suite;
}
