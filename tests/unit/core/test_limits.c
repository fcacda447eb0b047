/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "authsvc/core/limits.h"
#include "authsvc/core/settings.h"

static const authsvc_limit_rule_t *rule_at(const apr_array_header_t *rules, int i)
{
    ck_assert_int_lt(i, rules->nelts);
    return &APR_ARRAY_IDX(rules, i, authsvc_limit_rule_t);
}

static void expect(const authsvc_limit_rule_t *rule, const char *name, int count, int seconds)
{
    ck_assert_str_eq(rule->name, name);
    ck_assert_int_eq(rule->rate.count, count);
    ck_assert_int_eq(apr_time_sec(rule->rate.window), seconds);
}

START_TEST(what_is_not_said_is_limited_all_the_same)
{
    authsvc_settings_t settings;

    authsvc_settings_init(&settings, unit_pool);
    expect(rule_at(settings.limits[AUTHSVC_LIMIT_LOGIN], 0), "login-ip", 60, 60);
    expect(rule_at(settings.limits[AUTHSVC_LIMIT_LOGIN], 1), "login-account+ip", 5, 60);
    expect(rule_at(settings.limits[AUTHSVC_LIMIT_REGISTER], 0), "register-ip", 30, 3600);
    expect(rule_at(settings.limits[AUTHSVC_LIMIT_REFRESH], 0), "refresh-session", 60, 60);
    expect(rule_at(settings.limits[AUTHSVC_LIMIT_MAIL], 0), "mail-account", 3, 900);
    expect(rule_at(settings.limits[AUTHSVC_LIMIT_API], 0), "api-account", 100, 60);
    ck_assert_int_eq(settings.limits[AUTHSVC_LIMIT_LOGIN]->nelts, 2);
    ck_assert_int_eq(settings.limits[AUTHSVC_LIMIT_REGISTER]->nelts, 1);
    ck_assert_int_eq(settings.limits[AUTHSVC_LIMIT_TOKEN]->nelts, 0);
    ck_assert_int_eq(settings.limits[AUTHSVC_LIMIT_ADMIN]->nelts, 0);
}
END_TEST

START_TEST(defaults_fit)
{
    for (int i = 0; i < AUTHSVC_LIMIT_POLICIES; i++) {
        const apr_array_header_t *rules =
            authsvc_limit_defaults(unit_pool, (authsvc_limit_policy_t)i);

        for (int j = 0; j < rules->nelts; j++) {
            ck_assert(authsvc_limit_fits(rule_at(rules, j)->policy, rule_at(rules, j)->key));
            ck_assert_int_eq(rule_at(rules, j)->policy, i);
        }
    }
}
END_TEST

START_TEST(addresses_come_before_accounts)
{
    apr_array_header_t *rules = apr_array_make(unit_pool, 1, sizeof(authsvc_limit_rule_t));
    static const authsvc_rate_t minute = {5, 60000000}, hour = {20, 3600000000},
                                other = {6, 60000000};

    ck_assert(authsvc_limit_add(rules, AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_ACCOUNT, &minute));
    ck_assert(authsvc_limit_add(rules, AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_IP, &minute));
    ck_assert(authsvc_limit_add(rules, AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_ACCOUNT_IP, &hour));
    ck_assert(authsvc_limit_add(rules, AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_IP, &hour));
    ck_assert(!authsvc_limit_add(rules, AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_IP, &other));
    ck_assert_int_eq(rules->nelts, 4);
    expect(rule_at(rules, 0), "login-ip", 5, 60);
    expect(rule_at(rules, 1), "login-ip-3600", 20, 3600);
    expect(rule_at(rules, 2), "login-account+ip", 20, 3600);
    expect(rule_at(rules, 3), "login-account", 5, 60);
}
END_TEST

START_TEST(names_are_found)
{
    authsvc_limit_policy_t policy = AUTHSVC_LIMIT_API;
    authsvc_limit_key_t key = AUTHSVC_LIMIT_IP;

    for (int i = 0; i < AUTHSVC_LIMIT_POLICIES; i++) {
        ck_assert(authsvc_limit_policy_find(
            authsvc_limit_policy_name((authsvc_limit_policy_t)i), &policy));
        ck_assert_int_eq(policy, i);
    }
    for (int i = 0; i < AUTHSVC_LIMIT_KEYS; i++) {
        ck_assert(authsvc_limit_key_find(authsvc_limit_key_name((authsvc_limit_key_t)i), &key));
        ck_assert_int_eq(key, i);
    }
    ck_assert(authsvc_limit_policy_find("LOGIN", &policy));
    ck_assert(authsvc_limit_key_find("Account+IP", &key));
    ck_assert(!authsvc_limit_policy_find("log", &policy));
    ck_assert(!authsvc_limit_policy_find("", &policy));
    ck_assert(!authsvc_limit_key_find("account+", &key));
}
END_TEST

START_TEST(what_is_not_known_cannot_be_counted)
{
    ck_assert(!authsvc_limit_fits(AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_SESSION));
    ck_assert(!authsvc_limit_fits(AUTHSVC_LIMIT_REGISTER, AUTHSVC_LIMIT_SESSION));
    ck_assert(!authsvc_limit_fits(AUTHSVC_LIMIT_REFRESH, AUTHSVC_LIMIT_ACCOUNT));
    ck_assert(!authsvc_limit_fits(AUTHSVC_LIMIT_REFRESH, AUTHSVC_LIMIT_ACCOUNT_IP));
    ck_assert(authsvc_limit_fits(AUTHSVC_LIMIT_REFRESH, AUTHSVC_LIMIT_SESSION));
    ck_assert(authsvc_limit_fits(AUTHSVC_LIMIT_API, AUTHSVC_LIMIT_SESSION));
    ck_assert(authsvc_limit_has_operation(AUTHSVC_LIMIT_LOGIN));
    ck_assert(!authsvc_limit_has_operation(AUTHSVC_LIMIT_MAIL));
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_limits)
{
    Suite *suite = suite_create("limits");
    TCase *tcase = unit_tcase(suite, "rules");

    tcase_add_test(tcase, what_is_not_said_is_limited_all_the_same);
    tcase_add_test(tcase, defaults_fit);
    tcase_add_test(tcase, addresses_come_before_accounts);
    tcase_add_test(tcase, names_are_found);
    tcase_add_test(tcase, what_is_not_known_cannot_be_counted);
    return suite;
}
