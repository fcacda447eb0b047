/* SPDX-License-Identifier: Apache-2.0 */
#include "guesses.h"

#include <apr_strings.h>

#include "authsvc/crypto/password.h"

#define ELSEWHERE "198.51.100.7"

static const char *device_of(const char *email)
{
    authsvc_grant_t grant = {0};
    ck_assert_ok(authsvc_login(&fake.ctx, email, FAKE_PASSWORD, strlen(FAKE_PASSWORD), &grant));
    ck_assert_ptr_nonnull(grant.device_token);
    return grant.device_token;
}

START_TEST(the_tenth_failure_begins_a_pause)
{
    fake_add_user("ada@example.org");
    if (_i) {
        guess_in_memory();
    }
    guess_wrong("ada@example.org", 9);
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
    guess_wrong("ada@example.org", 9);
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
    guess_wrong("ada@example.org", 10);
    guess_refused("ada@example.org", FAKE_PASSWORD);
    ck_assert_int_eq(fake.n_sessions, 2);
}
END_TEST

START_TEST(a_pause_ends_and_the_next_is_twice_as_long)
{
    fake_add_user("ada@example.org");
    guess_wrong("ada@example.org", 10);
    ck_assert_int_eq(guess_events("event=login-paused "), 1);
    fake.now += MINUTE - 1;
    guess_refused("ada@example.org", FAKE_PASSWORD);
    fake.now += 1;
    guess_refused("ada@example.org", WRONG);
    ck_assert_int_eq(guess_events("event=login-paused "), 2);
    fake.now += 2 * MINUTE - 1;
    guess_refused("ada@example.org", FAKE_PASSWORD);
    fake.now += 1;
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
    guess_wrong("ada@example.org", 9);
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(guess_events("event=login-paused "), 2);
}
END_TEST

START_TEST(tries_during_a_pause_do_not_count)
{
    fake_add_user("ada@example.org");
    guess_wrong("ada@example.org", 10);
    int records = fake.records;
    guess_wrong("ada@example.org", 20);
    ck_assert_int_eq(fake.records, records);
    ck_assert_int_eq(guess_events("event=login-paused "), 1);
    fake.now += MINUTE;
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
}
END_TEST

START_TEST(an_unknown_address_is_treated_alike)
{
    fake_add_user("ada@example.org");
    fake.calls = 0;
    guess_wrong("ada@example.org", 12);
    int calls = fake.calls;
    fake.calls = 0;
    guess_wrong("nobody@example.org", 12);
    ck_assert_int_eq(fake.calls, calls);
    ck_assert_int_eq(fake.n_failures, 4);
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(fake.failures[i].place, fake.failures[i + 2].place);
        ck_assert_int_eq(fake.failures[i].failures, fake.failures[i + 2].failures);
    }
    ck_assert_ptr_nonnull(strstr(fake.log.all, "event=login-paused user=- place=\"ip 192.0.2.1\""));
}
END_TEST

START_TEST(another_network_is_not_paused)
{
    fake_add_user("ada@example.org");
    guess_wrong("ada@example.org", 10);
    fake.ctx.client_ip = ELSEWHERE;
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
    fake.ctx.client_ip = "192.0.2.1";
    guess_refused("ada@example.org", FAKE_PASSWORD);
    fake.ctx.client_ip = "::ffff:192.0.2.1";
    guess_refused("ada@example.org", FAKE_PASSWORD);
}
END_TEST

START_TEST(a_known_device_has_its_own_counter)
{
    fake_add_user("ada@example.org");
    const char *token = device_of("ada@example.org");
    guess_wrong("ada@example.org", 10);
    guess_refused("ada@example.org", FAKE_PASSWORD);
    fake.ctx.device_token = token;
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
    guess_wrong("ada@example.org", 10);
    guess_refused("ada@example.org", FAKE_PASSWORD);
    fake.now += MINUTE;
    fake.ctx.device_token = token;
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
    /* whose success is not that of the network */
    fake.ctx.device_token = NULL;
    guess_wrong("ada@example.org", 1);
    guess_refused("ada@example.org", FAKE_PASSWORD);
}
END_TEST

START_TEST(a_token_of_another_account_or_an_old_one_is_none)
{
    fake_add_user("ada@example.org");
    fake_add_user("eve@example.org");
    const char *old = device_of("ada@example.org");
    fake.now += fake.settings.device_lifetime;
    const char *good = device_of("ada@example.org");
    const char *eves = device_of("eve@example.org");
    guess_wrong("ada@example.org", 10);
    const char *const tokens[] = {eves, old, "asd1_junk", "", NULL};
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        fake.ctx.device_token = tokens[i];
        guess_refused("ada@example.org", FAKE_PASSWORD);
    }
    fake.ctx.device_token = good;
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
}
END_TEST

/* The device's id is in the middle of the token's octets, the time after it. */
START_TEST(a_login_renews_the_token_of_the_same_device)
{
    fake_add_user("ada@example.org");
    fake_add_user("eve@example.org");
    const char *first = device_of("ada@example.org");
    fake.now += MINUTE;
    ck_assert_int_ne(strncmp(device_of("ada@example.org"), first, 5 + 22), 0);
    fake.ctx.device_token = first;
    const char *renewed = device_of("ada@example.org");
    ck_assert_str_ne(renewed, first);
    ck_assert_int_eq(strncmp(renewed, first, 5 + 22), 0);
    ck_assert_int_ne(strncmp(device_of("eve@example.org"), first, 5 + 22), 0);
    fake.settings.device_lifetime = 0;
    authsvc_grant_t grant = {0};
    ck_assert_ok(authsvc_login(&fake.ctx, "ada@example.org", FAKE_PASSWORD, strlen(FAKE_PASSWORD),
                               &grant));
    ck_assert_ptr_null(grant.device_token);
}
END_TEST

/* n failures, each network's own pause never reached */
static void fail_from_everywhere(const char *email, int n)
{
    for (int i = 0; i < n; i++) {
        fake.ctx.client_ip = apr_psprintf(fake.ctx.pool, "203.0.113.%d", i % 50);
        guess_refused(email, WRONG);
    }
}

START_TEST(the_sum_keeps_newcomers_away_and_nobody_else)
{
    fake_add_user("ada@example.org");
    if (_i) {
        guess_in_memory();
    }
    const char *token = device_of("ada@example.org");
    fail_from_everywhere("ada@example.org", 99);
    fake.ctx.client_ip = ELSEWHERE;
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
    fail_from_everywhere("ada@example.org", 1);
    ck_assert_int_eq(guess_events("event=login-paused-elsewhere "), _i ? 0 : 1);
    fake.ctx.client_ip = "198.51.100.9"; /* new */
    guess_refused("ada@example.org", FAKE_PASSWORD);
    fake.ctx.device_token = token;
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
    fake.ctx.device_token = NULL;
    fake.ctx.client_ip = ELSEWHERE; /* known */
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
    if (_i == 0) {
        fake.ctx.client_ip = "198.51.100.10";
        fake.now += apr_time_from_sec(3600);
        ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
    }
}
END_TEST

START_TEST(registration_makes_the_network_known)
{
    authsvc_grant_t grant = {0};
    ck_assert_ok(authsvc_registration_register(&fake.ctx, "ada@example.org", FAKE_PASSWORD,
                                               strlen(FAKE_PASSWORD), "Ada", &grant));
    ck_assert_ptr_nonnull(grant.device_token);
    fail_from_everywhere("ada@example.org", 100);
    fake.ctx.client_ip = ELSEWHERE;
    guess_refused("ada@example.org", FAKE_PASSWORD);
    fake.ctx.client_ip = "192.0.2.1";
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
}
END_TEST

/* What others do while this try is under way. */
static void others_fail(void)
{
    authsvc_ctx_t other = fake.ctx;
    fake.after_find = NULL;
    for (int i = 0; i < 10; i++) {
        authsvc_grant_t grant;
        ck_assert_ptr_nonnull(
            authsvc_login(&other, "ada@example.org", WRONG, strlen(WRONG), &grant));
    }
}

START_TEST(a_guess_under_way_is_worth_nothing_after_the_limit)
{
    fake_add_user("ada@example.org");
    guess_in_memory();
    fake.after_find = others_fail;
    guess_refused("ada@example.org", FAKE_PASSWORD);
    ck_assert_ptr_null(fake.after_find);
}
END_TEST

/* And then the writer has its turn. */
static void others_fail_and_it_is_written(void)
{
    authsvc_ctx_t other = fake.ctx;
    fake.after_find = NULL;
    for (int i = 0; i < (int)fake.settings.account_failures; i++) {
        authsvc_grant_t grant;
        other.client_ip = apr_psprintf(fake.ctx.pool, "203.0.113.%d", i % 50);
        ck_assert_ptr_nonnull(
            authsvc_login(&other, "ada@example.org", WRONG, strlen(WRONG), &grant));
    }
    ck_assert_ok(authsvc_lockout_write(&fake.ctx));
    ck_assert_int_gt(fake.records, 0);
}

static void all_fail_and_it_is_written(void)
{
    others_fail();
    ck_assert_ok(authsvc_lockout_write(&fake.ctx));
    ck_assert_int_eq(fake.records, 2);
}

/* What it was told of is old, and what it counts by has been emptied meanwhile. */
START_TEST(a_guess_under_way_is_worth_nothing_after_the_limit_was_written)
{
    fake_add_user("ada@example.org");
    fake.ctx.device_token = _i == 1 ? device_of("ada@example.org") : NULL;
    guess_in_memory();
    fake.after_find = _i == 2 ? others_fail_and_it_is_written : all_fail_and_it_is_written;
    guess_refused("ada@example.org", FAKE_PASSWORD);
    ck_assert_ptr_null(fake.after_find);
}
END_TEST

START_TEST(nothing_is_counted_where_it_is_off)
{
    fake_add_user("ada@example.org");
    fake.settings.login_failures = 0;
    guess_wrong("ada@example.org", 30);
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(fake.n_failures, 0);
    fake.settings.login_failures = 10;
    fake.settings.account_failures = 0;
    fail_from_everywhere("ada@example.org", 120);
    fake.ctx.client_ip = ELSEWHERE;
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
}
END_TEST

START_TEST(basic_and_the_deletion_of_an_account_count_too)
{
    const authsvc_principal_t *principal = NULL;
    fake_user_t *user = fake_add_user("ada@example.org");
    authsvc_grant_t grant = fake_login(user);
    fake_use_token(grant.access_token);
    for (int i = 0; i < 5; i++) {
        ck_assert_problem(authsvc_basic_authenticate(&fake.ctx, user->email, WRONG, strlen(WRONG),
                                                     &principal),
                          AUTHSVC_E_UNAUTHENTICATED, "invalid-credentials");
        ck_assert_problem(authsvc_account_delete(&fake.ctx, WRONG, strlen(WRONG)),
                          AUTHSVC_E_UNAUTHENTICATED, "invalid-credentials");
    }
    guess_refused(user->email, FAKE_PASSWORD);
    ck_assert_problem(authsvc_basic_authenticate(&fake.ctx, user->email, FAKE_PASSWORD,
                                                 strlen(FAKE_PASSWORD), &principal),
                      AUTHSVC_E_UNAUTHENTICATED, "invalid-credentials");
    ck_assert_problem(authsvc_account_delete(&fake.ctx, FAKE_PASSWORD, strlen(FAKE_PASSWORD)),
                      AUTHSVC_E_UNAUTHENTICATED, "invalid-credentials");
    fake.now += MINUTE;
    ck_assert_ok(authsvc_account_delete(&fake.ctx, FAKE_PASSWORD, strlen(FAKE_PASSWORD)));
}
END_TEST

START_TEST(others_do_not_keep_the_owner_from_deleting)
{
    fake_user_t *user = fake_add_user("ada@example.org");
    authsvc_grant_t grant = fake_login(user);
    fake_use_token(grant.access_token);
    fail_from_everywhere(user->email, 100);
    fake.ctx.client_ip = ELSEWHERE;
    guess_refused(user->email, FAKE_PASSWORD);
    ck_assert_ok(authsvc_account_delete(&fake.ctx, FAKE_PASSWORD, strlen(FAKE_PASSWORD)));
}
END_TEST

START_TEST(without_memory_a_failure_that_cannot_be_written_is_no_answer)
{
    fake_add_user("ada@example.org");
    fake.fail_at = fake.calls + 2;
    ck_assert_problem(guess("ada@example.org", WRONG), AUTHSVC_E_UNAVAILABLE, NULL);
    fake.fail_at = 0;
    guess_refused("ada@example.org", WRONG);
}
END_TEST

/* Basic needs nothing but that the database answers. */
START_TEST(a_right_password_is_one_also_where_nothing_can_be_written)
{
    const authsvc_principal_t *principal = NULL;
    fake_user_t *user = fake_add_user("ada@example.org");
    guess_wrong(user->email, _i ? 1 : 0); /* which are to be cleared; else there is a network */
    fake.calls = 0;
    ck_assert_ok(authsvc_basic_authenticate(&fake.ctx, user->email, FAKE_PASSWORD,
                                            strlen(FAKE_PASSWORD), &principal));
    ck_assert_int_gt(fake.calls, 1); /* the control: it writes */
    ck_assert_ptr_null(strstr(fake.log.all, "AS0285"));
    fake.now += apr_time_from_sec(2 * 86400);
    guess_wrong(user->email, _i ? 1 : 0);
    fake.fail_at = fake.calls + 2; /* after the look-up */
    ck_assert_ok(authsvc_basic_authenticate(&fake.ctx, user->email, FAKE_PASSWORD,
                                            strlen(FAKE_PASSWORD), &principal));
    ck_assert_str_eq(principal->session.user_id, user->id);
    ck_assert_ptr_nonnull(strstr(fake.log.all, "AS0285"));
}
END_TEST

START_TEST(support_sees_and_clears)
{
    fake_user_t *user = fake_add_user("ada@example.org");
    apr_array_header_t *entries;
    apr_int64_t cleared = 0;
    user->row.email = user->email;
    user->row.id = user->id;
    guess_wrong("ada@example.org", 10);
    ck_assert_ok(authsvc_lockout_list(&fake.ctx, &user->row, &entries));
    ck_assert_int_eq(entries->nelts, 2);
    ck_assert_ok(authsvc_lockout_clear(&fake.ctx, &user->row, &cleared));
    ck_assert_int_eq(cleared, 2);
    ck_assert_ptr_nonnull(strstr(fake.log.all, "event=login-unpaused "));
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
}
END_TEST

START_TEST(expired_rows_are_purged_now_and_then)
{
    apr_time_t purged_at = 0;
    fake.purged = 1000;
    ck_assert_ok(authsvc_lockout_tidy(&fake.ctx, &purged_at));
    ck_assert_ok(authsvc_lockout_tidy(&fake.ctx, &purged_at));
    ck_assert_int_eq(fake.purges, 2);
    fake.purged = 3;
    ck_assert_ok(authsvc_lockout_tidy(&fake.ctx, &purged_at));
    ck_assert_ok(authsvc_lockout_tidy(&fake.ctx, &purged_at));
    ck_assert_int_eq(fake.purges, 3);
}
END_TEST

START_TEST(an_unseen_registration_is_the_same_for_all)
{
    fake_add_user("ada@example.org");
    fake.calls = 0;
    for (int i = 0; i < 2; i++) {
        int before = fake.calls;
        ck_assert_ok(authsvc_registration_request(&fake.ctx,
                                                  i ? "ada@example.org" : "new@example.org",
                                                  FAKE_PASSWORD, strlen(FAKE_PASSWORD), "Ada"));
        ck_assert_int_eq(fake.calls - before, 1);
    }
    ck_assert_int_eq(fake.n_users, 2);
    ck_assert_int_eq(fake.n_sessions, 0);
    ck_assert_int_eq(guess_events("event=registered "), 1);
    ck_assert_int_eq(guess_events("event=registration-of-known-address "), 1);
    fake.settings.registration_open = 0;
    ck_assert_problem(authsvc_registration_request(&fake.ctx, "ada@example.org", FAKE_PASSWORD,
                                                   strlen(FAKE_PASSWORD), "Ada"),
                      AUTHSVC_E_FORBIDDEN, "registration-closed");
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_lockout)
{
    Suite *suite = suite_create("lockout");
    TCase *tcase = fake_tcase(suite, "lockout");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, the_tenth_failure_begins_a_pause, 0, 2);
    tcase_add_test(tcase, a_pause_ends_and_the_next_is_twice_as_long);
    tcase_add_test(tcase, tries_during_a_pause_do_not_count);
    tcase_add_test(tcase, an_unknown_address_is_treated_alike);
    tcase_add_test(tcase, another_network_is_not_paused);
    tcase_add_test(tcase, a_known_device_has_its_own_counter);
    tcase_add_test(tcase, a_token_of_another_account_or_an_old_one_is_none);
    tcase_add_test(tcase, a_login_renews_the_token_of_the_same_device);
    tcase_add_loop_test(tcase, the_sum_keeps_newcomers_away_and_nobody_else, 0, 2);
    tcase_add_test(tcase, registration_makes_the_network_known);
    tcase_add_test(tcase, a_guess_under_way_is_worth_nothing_after_the_limit);
    tcase_add_loop_test(tcase, a_guess_under_way_is_worth_nothing_after_the_limit_was_written, 0,
                        3);
    tcase_add_test(tcase, nothing_is_counted_where_it_is_off);
    tcase_add_test(tcase, basic_and_the_deletion_of_an_account_count_too);
    tcase_add_test(tcase, others_do_not_keep_the_owner_from_deleting);
    tcase_add_test(tcase, without_memory_a_failure_that_cannot_be_written_is_no_answer);
    tcase_add_loop_test(tcase, a_right_password_is_one_also_where_nothing_can_be_written, 0, 2);
    tcase_add_test(tcase, support_sees_and_clears);
    tcase_add_test(tcase, expired_rows_are_purged_now_and_then);
    tcase_add_test(tcase, an_unseen_registration_is_the_same_for_all);
    return suite;
}
