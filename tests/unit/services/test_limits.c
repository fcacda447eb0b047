/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"
#include "limiter.h"

#include <stdlib.h>

#include "authsvc/core/revocations.h"

#define SECOND APR_USEC_PER_SEC

#define ck_assert_code(err, expected)            \
    do {                                         \
        const authsvc_error_t *ck_err = (err);   \
        ck_assert_ptr_nonnull(ck_err);           \
        ck_assert_int_eq(ck_err->code, (expected)); \
    } while (0)

static void set(authsvc_limit_policy_t policy, authsvc_limit_key_t key, apr_int64_t count)
{
    const authsvc_rate_t rate = {count, 60 * SECOND};
    apr_array_header_t *rules = apr_array_make(fake.pool, 1, sizeof(authsvc_limit_rule_t));
    ck_assert(authsvc_limit_add(rules, policy, key, &rate));
    fake.settings.limits[policy] = rules;
}

static void add(authsvc_limit_policy_t policy, authsvc_limit_key_t key, apr_int64_t count)
{
    const authsvc_rate_t rate = {count, 60 * SECOND};
    apr_array_header_t *rules = apr_array_copy(fake.pool, fake.settings.limits[policy]);
    ck_assert(authsvc_limit_add(rules, policy, key, &rate));
    fake.settings.limits[policy] = rules;
}

/* Another request of the same client. */
static void next_request(void)
{
    fake.ctx.counted = 0;
    fake.ctx.limit_reports = NULL;
    fake.calls = 0;
}

static authsvc_error_t *login(const char *email, const char *password)
{
    authsvc_grant_t grant;
    next_request();
    return authsvc_login(&fake.ctx, email, password, strlen(password), &grant);
}

static authsvc_error_t *sign_up(const char *email)
{
    authsvc_grant_t grant;
    next_request();
    return authsvc_registration_register(&fake.ctx, email, FAKE_PASSWORD, strlen(FAKE_PASSWORD),
                                         "Ada", &grant);
}

static void limit(void)
{
    fake.ctx.limiter = unit_limiter(fake.pool, &fake.now);
}

START_TEST(nobody_is_limited_without_a_limiter)
{
    fake_add_user("ada@example.org");
    set(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_IP, 1);
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
    ck_assert_ptr_null(fake.ctx.limit_reports);
    limit();
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
    ck_assert_problem(login("ada@example.org", FAKE_PASSWORD), AUTHSVC_E_THROTTLED,
                      "rate-limited");
    fake.ctx.exempt = 1;
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
    ck_assert_ptr_null(fake.ctx.limit_reports);
}
END_TEST

/* The same for an account that exists, one that does not, and one that cannot. */
START_TEST(attempts_count_whatever_comes_of_them)
{
    static const char *const emails[] = {"ada@example.org", "eve@example.org", "no address"};
    fake_add_user("ada@example.org");
    set(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_ACCOUNT_IP, 2);
    limit();
    for (int i = 0; i < 3; i++) {
        authsvc_error_t *err;
        ck_assert_code(login(emails[i], "Wrong Horse 9"), AUTHSVC_E_UNAUTHENTICATED);
        ck_assert_code(login(emails[i], "Wrong Horse 9"), AUTHSVC_E_UNAUTHENTICATED);
        err = login(emails[i], "Wrong Horse 9");
        ck_assert_problem(err, AUTHSVC_E_THROTTLED, "rate-limited");
        ck_assert_int_eq(err->retry_after, 30);
        ck_assert_int_eq(fake.calls, 0); /* of the database */
    }
    ck_assert_code(login("ADA@EXAMPLE.org", FAKE_PASSWORD), AUTHSVC_E_THROTTLED);
    ck_assert_ptr_nonnull(strstr(fake.log.all, "AS0270"));
    ck_assert_ptr_nonnull(strstr(fake.log.all, "event=login-limited "));
    fake.now += 30 * SECOND;
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
}
END_TEST

/* Whoever tries again in an outage is not kept out when it is over. */
START_TEST(an_outage_before_the_hash_is_not_counted)
{
    fake_add_user("ada@example.org");
    set(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_ACCOUNT_IP, 1);
    limit();
    for (int i = 0; i < 5; i++) {
        fake.fail_at = 1;
        ck_assert_code(login("ada@example.org", FAKE_PASSWORD), AUTHSVC_E_UNAVAILABLE);
    }
    fake.fail_at = 2; /* the failure's row */
    ck_assert_code(login("ada@example.org", "Wrong Horse 9"), AUTHSVC_E_UNAVAILABLE);
    ck_assert_code(login("ada@example.org", FAKE_PASSWORD), AUTHSVC_E_THROTTLED);
}
END_TEST

START_TEST(networks_are_counted_not_addresses)
{
    static const struct {
        const char *ip;
        int is_limited;
    } clients[] = {{"2001:db8:0:1::1", 0}, {"2001:db8:0:1:ffff::", 1}, {"2001:db8:0:2::1", 0},
                   {"192.0.2.1", 0},       {"::ffff:192.0.2.1", 1},    {"192.0.2.2", 0},
                   {NULL, 0},              {"unix", 1}};
    set(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_IP, 1);
    limit();
    for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
        fake.ctx.client_ip = clients[i].ip;
        ck_assert_code(login("eve@example.org", FAKE_PASSWORD),
                          clients[i].is_limited ? AUTHSVC_E_THROTTLED : AUTHSVC_E_UNAUTHENTICATED);
    }
}
END_TEST

START_TEST(keys_are_apart)
{
    set(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_ACCOUNT_IP, 1);
    set(AUTHSVC_LIMIT_REGISTER, AUTHSVC_LIMIT_ACCOUNT_IP, 1);
    limit();
    fake.ctx.client_ip = "192.0.2.1";
    ck_assert_code(login("eve@example.org", "x"), AUTHSVC_E_UNAUTHENTICATED);
    fake.ctx.client_ip = "192.0.2.2";
    ck_assert_code(login("eve@example.org", "x"), AUTHSVC_E_UNAUTHENTICATED);
    ck_assert_code(login("eva@example.org", "x"), AUTHSVC_E_UNAUTHENTICATED);
    ck_assert_ok(sign_up("eve@example.org")); /* another policy */
    ck_assert_code(login("eve@example.org", "x"), AUTHSVC_E_THROTTLED);
    set(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_ACCOUNT, 1);
    fake.ctx.client_ip = "192.0.2.3";
    ck_assert_code(login("eve@example.org", "x"), AUTHSVC_E_UNAUTHENTICATED);
    fake.ctx.client_ip = "192.0.2.4";
    ck_assert_code(login("eve@example.org", "x"), AUTHSVC_E_THROTTLED);
}
END_TEST

START_TEST(one_limit_does_not_use_up_another)
{
    set(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_IP, 4);
    add(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_ACCOUNT_IP, 2);
    limit();
    for (int i = 0; i < 10; i++) {
        ck_assert_code(login("eve@example.org", "x"),
                          i < 2 ? AUTHSVC_E_UNAUTHENTICATED : AUTHSVC_E_THROTTLED);
    }
    for (int i = 0; i < 3; i++) {
        ck_assert_code(login(apr_psprintf(fake.pool, "eve%d@example.org", i), "x"),
                          i < 2 ? AUTHSVC_E_UNAUTHENTICATED : AUTHSVC_E_THROTTLED);
    }
}
END_TEST

static const authsvc_limit_report_t *report_at(int i)
{
    ck_assert_ptr_nonnull(fake.ctx.limit_reports);
    ck_assert_int_lt(i, fake.ctx.limit_reports->nelts);
    return &APR_ARRAY_IDX(fake.ctx.limit_reports, i, authsvc_limit_report_t);
}

static const char *device_of(const fake_user_t *user)
{
    authsvc_grant_t grant;
    ck_assert_ok(authsvc_login(&fake.ctx, user->email, FAKE_PASSWORD, strlen(FAKE_PASSWORD),
                               &grant));
    return grant.device_token;
}

/* Others in its network, who can name its account, do not use up what a known device has. */
START_TEST(a_known_device_is_counted_for_itself)
{
    fake_user_t *ada = fake_add_user("ada@example.org");
    const char *token = device_of(ada);
    set(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_ACCOUNT_IP, 2);
    add(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_IP, 7);
    limit();
    for (int i = 0; i < 4; i++) {
        ck_assert_code(login(ada->email, "x"),
                       i < 2 ? AUTHSVC_E_UNAUTHENTICATED : AUTHSVC_E_THROTTLED);
    }
    fake.ctx.device_token = "asd1_junk";
    ck_assert_code(login(ada->email, FAKE_PASSWORD), AUTHSVC_E_THROTTLED);
    fake.ctx.device_token = token;
    ck_assert_ok(login(ada->email, FAKE_PASSWORD));
    ck_assert_int_eq(report_at(1)->left, 1);
    fake.ctx.client_ip = "192.0.2.77"; /* it is the same device everywhere */
    ck_assert_ok(login(ada->email, FAKE_PASSWORD));
    ck_assert_code(login(ada->email, FAKE_PASSWORD), AUTHSVC_E_THROTTLED);
    ck_assert_code(login("eve@example.org", "x"), AUTHSVC_E_UNAUTHENTICATED);
    fake.ctx.device_token = NULL;
    ck_assert_code(login(ada->email, "x"), AUTHSVC_E_UNAUTHENTICATED);
}
END_TEST

START_TEST(what_is_no_token_here_is_counted_as_none)
{
    fake_user_t *ada = fake_add_user("ada@example.org");
    const char *token = device_of(ada);
    set(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_ACCOUNT_IP, 1);
    limit();
    ck_assert_code(login(ada->email, "x"), AUTHSVC_E_UNAUTHENTICATED);
    fake.ctx.device_token = token;
    if (_i == 0) {
        fake.now += fake.settings.device_lifetime;
        fake.ctx.device_token = NULL;
        ck_assert_code(login(ada->email, "x"), AUTHSVC_E_UNAUTHENTICATED);
        fake.ctx.device_token = token;
    } else if (_i == 1) {
        fake.settings.login_failures = 0;
    } else {
        fake.settings.device_lifetime = 0;
    }
    ck_assert_code(login(ada->email, FAKE_PASSWORD), AUTHSVC_E_THROTTLED);
}
END_TEST

/* The limit of the address holds for all who are there. */
START_TEST(a_known_device_shares_the_address)
{
    fake_user_t *ada = fake_add_user("ada@example.org");
    const char *token = device_of(ada);
    set(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_IP, 1);
    limit();
    ck_assert_code(login("eve@example.org", "x"), AUTHSVC_E_UNAUTHENTICATED);
    fake.ctx.device_token = token;
    ck_assert_code(login(ada->email, FAKE_PASSWORD), AUTHSVC_E_THROTTLED);
}
END_TEST

START_TEST(what_is_left_is_told)
{
    set(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_IP, 60);
    add(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_ACCOUNT_IP, 1);
    limit();
    ck_assert_code(login("eve@example.org", "x"), AUTHSVC_E_UNAUTHENTICATED);
    ck_assert_int_eq(fake.ctx.limit_reports->nelts, 2);
    ck_assert(report_at(0)->is_told && report_at(1)->is_told);
    ck_assert_int_eq(report_at(0)->left, 59);
    ck_assert_int_eq(report_at(0)->next, SECOND);
    ck_assert_int_eq(report_at(1)->left, 0);
    ck_assert_code(login("eve@example.org", "x"), AUTHSVC_E_THROTTLED);
    ck_assert(!report_at(0)->is_told && report_at(1)->is_told);
    ck_assert_str_eq(report_at(1)->rule->name, "login-account+ip");
}
END_TEST

/* How often others came in somebody's name would tell that he was here. */
START_TEST(what_others_left_is_not_told)
{
    set(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_ACCOUNT, 2);
    limit();
    ck_assert_code(login("eve@example.org", "x"), AUTHSVC_E_UNAUTHENTICATED);
    ck_assert(!report_at(0)->is_told);
    ck_assert_code(login("eve@example.org", "x"), AUTHSVC_E_UNAUTHENTICATED);
    ck_assert_code(login("eve@example.org", "x"), AUTHSVC_E_THROTTLED);
    ck_assert(report_at(0)->is_told);
}
END_TEST

static void change_password(void)
{
    fake.before_insert = NULL;
    apr_cpystrn(fake.users[0].hash, "$argon2id$another", sizeof(fake.users[0].hash));
}

START_TEST(a_sign_in_that_begins_anew_is_one_request)
{
    fake_user_t *ada = fake_add_user("ada@example.org");
    set(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_IP, 2);
    limit();
    fake.before_insert = change_password;
    ck_assert_code(login(ada->email, FAKE_PASSWORD), AUTHSVC_E_UNAUTHENTICATED);
    ck_assert_int_eq(report_at(0)->left, 1);
}
END_TEST

START_TEST(registering_is_limited_before_anything_else)
{
    set(AUTHSVC_LIMIT_REGISTER, AUTHSVC_LIMIT_IP, 2);
    limit();
    ck_assert_ok(sign_up("ada@example.org"));
    ck_assert_code(sign_up("no address"), AUTHSVC_E_INVALID);
    ck_assert_problem(sign_up("no address"), AUTHSVC_E_THROTTLED, "rate-limited");
    ck_assert_problem(sign_up("ada@example.org"), AUTHSVC_E_THROTTLED, "rate-limited");
    ck_assert_int_eq(fake.calls, 0);
    fake.settings.registration_open = 0;
    ck_assert_problem(sign_up("eve@example.org"), AUTHSVC_E_FORBIDDEN, "registration-closed");
}
END_TEST

static authsvc_error_t *refresh(const char *token)
{
    authsvc_grant_t grant;
    next_request();
    return authsvc_sessions_refresh(&fake.ctx, token, &grant);
}

START_TEST(refreshing_is_limited_for_a_session_that_is_ours)
{
    fake_user_t *ada = fake_add_user("ada@example.org");
    const char *token = fake_login(ada).refresh_token, *other = fake_login(ada).refresh_token;
    char *forged = apr_pstrdup(fake.pool, token);
    set(AUTHSVC_LIMIT_REFRESH, AUTHSVC_LIMIT_SESSION, 2);
    limit();
    forged[strlen(forged) - 1] = forged[strlen(forged) - 1] == 'A' ? 'B' : 'A';
    for (int i = 0; i < 5; i++) {
        ck_assert_problem(refresh(forged), AUTHSVC_E_UNAUTHENTICATED, "invalid-refresh-token");
        ck_assert_ptr_null(fake.ctx.limit_reports);
    }
    ck_assert_ok(refresh(token));
    ck_assert_ok(refresh(token));
    ck_assert_problem(refresh(token), AUTHSVC_E_THROTTLED, "rate-limited");
    ck_assert_int_eq(fake.calls, 1); /* the identity, which the real one keeps */
    ck_assert_ok(refresh(other));
}
END_TEST

START_TEST(a_user_is_limited_whatever_the_session)
{
    authsvc_principal_t principal = {.session = {.user_id = "u1", .session_id = "s1"}};
    set(AUTHSVC_LIMIT_API, AUTHSVC_LIMIT_ACCOUNT, 2);
    limit();
    ck_assert_code(authsvc_limits_api(&fake.ctx), AUTHSVC_E_INTERNAL);
    fake.ctx.principal = &principal;
    ck_assert_ok(authsvc_limits_api(&fake.ctx));
    ck_assert(report_at(0)->is_told);
    next_request();
    principal.session.session_id = "s2";
    ck_assert_ok(authsvc_limits_api(&fake.ctx));
    next_request();
    ck_assert_problem(authsvc_limits_api(&fake.ctx), AUTHSVC_E_THROTTLED, "rate-limited");
    ck_assert_ptr_nonnull(strstr(fake.log.all, "event=api-limited user=u1 session=s2 "));
    set(AUTHSVC_LIMIT_API, AUTHSVC_LIMIT_SESSION, 1);
    next_request();
    ck_assert_ok(authsvc_limits_api(&fake.ctx));
    next_request();
    ck_assert_code(authsvc_limits_api(&fake.ctx), AUTHSVC_E_THROTTLED);
    principal.session.session_id = NULL; /* of Basic */
    next_request();
    ck_assert_ok(authsvc_limits_api(&fake.ctx));
}
END_TEST

/* A stolen token must not use up what its user has, once the session was ended. */
START_TEST(a_session_that_has_ended_is_not_counted)
{
    static const char session[] = "01980c6e-5f0a-7c31-9d2b-3f1c7a5e8b61";
    authsvc_principal_t principal = {.session = {.user_id = "u1", .session_id = session}};
    unsigned char id[AUTHSVC_UUID_OCTETS];
    void *memory = NULL;
    fake.now = apr_time_now(); /* what the set's entries go by */
    set(AUTHSVC_LIMIT_API, AUTHSVC_LIMIT_ACCOUNT, 2);
    limit();
    ck_assert_int_eq(posix_memalign(&memory, 64, authsvc_revocations_size(64)), 0);
    memset(memory, 0, authsvc_revocations_size(64));
    ck_assert_int_eq(authsvc_revocations_create(memory, 64, &fake.ctx.revocations), APR_SUCCESS);
    fake.ctx.principal = &principal;
    next_request();
    ck_assert_ok(authsvc_limits_api(&fake.ctx)); /* nothing is known yet: counted */
    ck_assert_int_eq(authsvc_uuid_parse(session, id), 1);
    authsvc_revocations_add(fake.ctx.revocations, id, 0, apr_time_from_sec(900));
    for (int i = 0; i < 5; i++) {
        next_request();
        ck_assert_problem(authsvc_limits_api(&fake.ctx), AUTHSVC_E_UNAUTHENTICATED,
                          "authentication");
        ck_assert_ptr_null(fake.ctx.limit_reports);
        ck_assert_int_eq(fake.calls, 0);
    }
    principal.session.session_id = "01980c6e-5f0a-7c31-9d2b-3f1c7a5e8b62";
    next_request();
    ck_assert_ok(authsvc_limits_api(&fake.ctx));
    next_request();
    ck_assert_code(authsvc_limits_api(&fake.ctx), AUTHSVC_E_THROTTLED);
    authsvc_revocations_destroy(fake.ctx.revocations);
    free(memory);
}
END_TEST

START_TEST(scopes_are_apart)
{
    authsvc_limiter_t other;
    set(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_IP, 1);
    limit();
    ck_assert_code(login("eve@example.org", "x"), AUTHSVC_E_UNAUTHENTICATED);
    ck_assert_code(login("eve@example.org", "x"), AUTHSVC_E_THROTTLED);
    other = *fake.ctx.limiter;
    other.scope++;
    fake.ctx.limiter = &other;
    ck_assert_code(login("eve@example.org", "x"), AUTHSVC_E_UNAUTHENTICATED);
    ck_assert_code(login("eve@example.org", "x"), AUTHSVC_E_THROTTLED);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_limits)
{
    Suite *suite = suite_create("limits");
    TCase *tcase = fake_tcase(suite, "limits");
    tcase_add_test(tcase, nobody_is_limited_without_a_limiter);
    tcase_add_test(tcase, attempts_count_whatever_comes_of_them);
    tcase_add_test(tcase, an_outage_before_the_hash_is_not_counted);
    tcase_add_test(tcase, networks_are_counted_not_addresses);
    tcase_add_test(tcase, keys_are_apart);
    tcase_add_test(tcase, one_limit_does_not_use_up_another);
    tcase_add_test(tcase, a_known_device_is_counted_for_itself);
    tcase_add_loop_test(tcase, what_is_no_token_here_is_counted_as_none, 0, 3);
    tcase_add_test(tcase, a_known_device_shares_the_address);
    tcase_add_test(tcase, what_is_left_is_told);
    tcase_add_test(tcase, what_others_left_is_not_told);
    tcase_add_test(tcase, a_sign_in_that_begins_anew_is_one_request);
    tcase_add_test(tcase, registering_is_limited_before_anything_else);
    tcase_add_test(tcase, refreshing_is_limited_for_a_session_that_is_ours);
    tcase_add_test(tcase, a_user_is_limited_whatever_the_session);
    tcase_add_test(tcase, a_session_that_has_ended_is_not_counted);
    tcase_add_test(tcase, scopes_are_apart);
    return suite;
}
