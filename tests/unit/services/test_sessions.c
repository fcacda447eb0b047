/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include "limiter.h"

static authsvc_error_t *refresh(const char *token, authsvc_grant_t *grant)
{
    return authsvc_sessions_refresh(&fake.ctx, token, grant);
}

/* A refresh that works, as the next token. */
static const char *next_of(const char *token)
{
    authsvc_grant_t grant;
    ck_assert_ok(refresh(token, &grant));
    return grant.refresh_token;
}

static void wait_seconds(int seconds)
{
    fake.now += apr_time_from_sec(seconds);
}

#define ck_assert_ended(token)                                                             \
    do {                                                                                   \
        authsvc_grant_t ck_grant;                                                          \
        ck_assert_problem(refresh((token), &ck_grant), AUTHSVC_E_UNAUTHENTICATED,          \
                          "invalid-refresh-token");                                        \
    } while (0)

START_TEST(the_first_refresh_rotates)
{
    authsvc_grant_t first = fake_login(fake_add_user("ada@example.org"));
    const char *second = next_of(first.refresh_token);
    ck_assert_str_ne(first.refresh_token, second);
    ck_assert_int_eq(fake.sessions[0].counter, 1);
}
END_TEST

START_TEST(within_the_grace_tabs_agree)
{
    authsvc_grant_t first = fake_login(fake_add_user("ada@example.org"));
    const char *second = next_of(first.refresh_token);
    wait_seconds(29);
    ck_assert_str_eq(next_of(first.refresh_token), second); /* the parent gets the current one */
    ck_assert_str_eq(next_of(second), second);              /* the current one itself */
    ck_assert_int_eq(fake.sessions[0].counter, 1);
}
END_TEST

START_TEST(after_the_grace_it_rotates_again)
{
    authsvc_grant_t first = fake_login(fake_add_user("ada@example.org"));
    const char *second = next_of(first.refresh_token);
    wait_seconds(30);
    const char *third = next_of(second);
    ck_assert_str_ne(second, third);
    ck_assert_str_eq(next_of(second), third);
}
END_TEST

START_TEST(an_old_token_after_the_grace_ends_the_session)
{
    authsvc_grant_t first = fake_login(fake_add_user("ada@example.org"));
    const char *second = next_of(first.refresh_token);
    wait_seconds(31);
    ck_assert_ended(first.refresh_token);
    ck_assert_ptr_nonnull(strstr(fake.log.all, "event=refresh-token-reused"));
    ck_assert_ended(second);
}
END_TEST

/* The database does not answer the exchange of a token. @param done whether it makes it */
static void ask_in_vain(const char *token, int done)
{
    authsvc_grant_t grant;
    fake.unknown_outcome = 1;
    fake.fail_at = fake.calls + 2; /* after the database's identity */
    ck_assert_problem(refresh(token, &grant), AUTHSVC_E_UNAVAILABLE, NULL);
    fake.fail_at = 0;
    if (done) {
        fake.sessions[0].counter++;
        fake.sessions[0].rotated_at = fake.now;
    }
}

static authsvc_grant_t login_with_notes(void)
{
    authsvc_limiter_t *limiter = apr_pmemdup(fake.pool, unit_limiter(fake.pool, &fake.now),
                                             sizeof(*limiter));
    limiter->store = NULL; /* notes take no place there */
    fake.ctx.limiter = limiter;
    fake.ctx.exempt = 1; /* from what is counted there */
    return fake_login(fake_add_user("ada@example.org"));
}

/* An outage may be longer than the grace. */
START_TEST(what_was_not_answered_is_no_theft)
{
    authsvc_grant_t first = login_with_notes();
    ask_in_vain(first.refresh_token, 1);
    wait_seconds(3600);
    ck_assert_ptr_null(strstr(fake.log.all, "event=refresh-excused"));
    const char *second = next_of(first.refresh_token);
    ck_assert_ptr_nonnull(strstr(fake.log.all, "event=refresh-excused"));
    ck_assert_str_ne(first.refresh_token, second);
    ck_assert_str_eq(next_of(first.refresh_token), second); /* that answer may be lost, too */
    ck_assert_str_ne(next_of(second), second);
    ck_assert_ended(first.refresh_token); /* whoever has that now, has kept it */
    ck_assert_ptr_nonnull(strstr(fake.log.all, "event=refresh-token-reused"));
}
END_TEST

START_TEST(what_was_not_done_and_then_answered_is_not_excused)
{
    authsvc_grant_t first = login_with_notes();
    ask_in_vain(first.refresh_token, 0);
    next_of(first.refresh_token);
    wait_seconds(31);
    ck_assert_ended(first.refresh_token);
}
END_TEST

/* Whoever has an old token and waits for an outage to try it. */
START_TEST(what_was_exchanged_before_is_not_excused)
{
    authsvc_grant_t first = login_with_notes();
    next_of(first.refresh_token);
    wait_seconds(200);
    ask_in_vain(first.refresh_token, 0);
    ck_assert_ended(first.refresh_token);
}
END_TEST

/* It may be done when the wait begins, and noted when that is over; or when an outage ends. */
START_TEST(what_was_done_about_the_time_of_its_note_is_excused)
{
    static const struct {
        int before; /* seconds; it is noted so long after it was done */
        int excused;
    } done[] = {{4, 1}, {0, 1}, {-100, 1}, {-7200, 1}, {8, 0}};
    authsvc_grant_t first = login_with_notes();
    fake.settings.db_timeout = apr_time_from_sec(3);
    ask_in_vain(first.refresh_token, 1);
    wait_seconds(3600);
    fake.sessions[0].rotated_at -= apr_time_from_sec(done[_i].before);
    if (done[_i].before < -3600) {
        wait_seconds(7200);
    }
    if (done[_i].excused) {
        next_of(first.refresh_token);
    } else {
        ck_assert_ended(first.refresh_token);
    }
}
END_TEST

/* The first of two that were sent in vain may have done it. */
START_TEST(a_second_try_in_vain_leaves_the_note_of_the_first)
{
    authsvc_grant_t first = login_with_notes();
    fake.settings.db_timeout = apr_time_from_sec(3);
    ask_in_vain(first.refresh_token, 1);
    wait_seconds(60);
    ask_in_vain(first.refresh_token, 0);
    next_of(first.refresh_token);
}
END_TEST

START_TEST(a_note_is_kept_for_a_day)
{
    authsvc_grant_t first = login_with_notes();
    ask_in_vain(first.refresh_token, 1);
    wait_seconds(86399);
    next_of(first.refresh_token);
    wait_seconds(1);
    ck_assert_ended(first.refresh_token);
}
END_TEST

/* The same of a row that is behind its token, and is moved forward. */
START_TEST(what_a_recovery_was_not_answered_is_no_theft)
{
    authsvc_grant_t first = login_with_notes();
    const char *second = next_of(first.refresh_token), *third;
    authsvc_grant_t grant;
    fake.sessions[0].counter = 0;
    fake.sessions[0].rotated_at = 0;
    fake.unknown_outcome = 1;
    fake.fail_at = fake.calls + 4; /* identity, rotate, inspect */
    ck_assert_problem(refresh(second, &grant), AUTHSVC_E_UNAVAILABLE, NULL);
    fake.fail_at = 0;
    if (_i) { /* it was not done: the next one is, and answered, so that nothing is excused */
        third = next_of(second);
        wait_seconds(31);
        ck_assert_ended(second);
    } else {
        fake.sessions[0].counter = 2;
        fake.sessions[0].rotated_at = fake.now;
        wait_seconds(31);
        third = next_of(second);
    }
    ck_assert_str_ne(third, second);
}
END_TEST

START_TEST(the_token_of_another_session_is_not_excused)
{
    authsvc_grant_t first = login_with_notes();
    authsvc_grant_t other = fake_login(&fake.users[0]);
    ask_in_vain(first.refresh_token, 1);
    next_of(other.refresh_token);
    wait_seconds(31);
    ck_assert_ended(other.refresh_token);
    next_of(first.refresh_token);
}
END_TEST

START_TEST(what_is_known_not_to_be_done_is_not_noted)
{
    authsvc_grant_t first = login_with_notes();
    fake.unknown_outcome = 0;
    fake.fail_at = fake.calls + 2;
    authsvc_grant_t grant;
    ck_assert_problem(refresh(first.refresh_token, &grant), AUTHSVC_E_UNAVAILABLE, NULL);
    fake.fail_at = 0;
    fake.sessions[0].counter++;
    fake.sessions[0].rotated_at = fake.now;
    wait_seconds(31);
    ck_assert_ended(first.refresh_token);
}
END_TEST

START_TEST(without_memory_an_outage_ends_with_the_grace)
{
    authsvc_grant_t first = fake_login(fake_add_user("ada@example.org"));
    ask_in_vain(first.refresh_token, 1);
    wait_seconds(29);
    next_of(first.refresh_token);
    wait_seconds(1);
    ck_assert_ended(first.refresh_token);
}
END_TEST

START_TEST(a_grandparent_ends_the_session_even_within_the_grace)
{
    authsvc_grant_t first = fake_login(fake_add_user("ada@example.org"));
    const char *second = next_of(first.refresh_token);
    wait_seconds(30);
    const char *third = next_of(second);
    ck_assert_ended(first.refresh_token);
    ck_assert_ended(third);
}
END_TEST

START_TEST(without_grace_a_replay_ends_the_session_at_once)
{
    authsvc_grant_t first = fake_login(fake_add_user("ada@example.org"));
    fake.settings.refresh_grace = 0;
    const char *second = next_of(first.refresh_token);
    const char *third = next_of(second);
    ck_assert_str_ne(second, third);
    ck_assert_ended(second);
    ck_assert_ended(third);
}
END_TEST

START_TEST(a_row_behind_its_token_is_moved_forward)
{
    authsvc_grant_t first = fake_login(fake_add_user("ada@example.org"));
    const char *token = first.refresh_token;
    for (int i = 0; i < 16; i++) {
        token = next_of(token);
        wait_seconds(30);
    }
    fake.sessions[0].counter = 0; /* the database lost sixteen commits */
    fake.sessions[0].rotated_at = fake.now;
    token = next_of(token);
    ck_assert_int_eq(fake.sessions[0].counter, 17);
    ck_assert_ptr_nonnull(strstr(fake.log.all, "event=session-ahead-of-database"));
    ck_assert_str_eq(next_of(token), token);
}
END_TEST

START_TEST(a_row_too_far_behind_is_refused)
{
    authsvc_grant_t first = fake_login(fake_add_user("ada@example.org"));
    const char *token = first.refresh_token;
    for (int i = 0; i < 17; i++) {
        token = next_of(token);
        wait_seconds(30);
    }
    fake.sessions[0].counter = 0;
    ck_assert_ended(token);
    ck_assert_int_eq(fake.sessions[0].revoked_at, 0);
}
END_TEST

START_TEST(a_grace_that_ends_meanwhile_rotates)
{
    authsvc_grant_t first = fake_login(fake_add_user("ada@example.org"));
    fake.rotations_refused = 1;
    ck_assert_str_ne(next_of(first.refresh_token), first.refresh_token);
    ck_assert_int_eq(fake.sessions[0].counter, 1);
}
END_TEST

START_TEST(idle_and_absolute_limits_end_it)
{
    fake_user_t *user = fake_add_user("ada@example.org");
    authsvc_grant_t idle = fake_login(user);
    fake.now += fake.settings.refresh_lifetime;
    ck_assert_ended(idle.refresh_token);

    authsvc_grant_t busy = fake_login(user);
    const char *token = busy.refresh_token;
    for (int i = 0; i < 3; i++) {
        fake.now += fake.settings.refresh_lifetime - 1;
        if (i < 2) {
            token = next_of(token);
        }
    }
    token = next_of(token);
    fake.now += 3;
    ck_assert_ended(token);
}
END_TEST

START_TEST(a_refresh_gives_the_row_as_it_is_now)
{
    fake_user_t *user = fake_add_user("ada@example.org");
    authsvc_grant_t first = fake_login(user);
    user->row.role = "admin";
    authsvc_grant_t second;
    ck_assert_ok(refresh(first.refresh_token, &second));
    ck_assert_str_eq(second.user->role, "admin");
}
END_TEST

START_TEST(junk_costs_no_query)
{
    static const char *const junk[] = {"", "asr1_", "asr1_AAAA", "x", "asr1_\xff",
                                       "eyJhbGciOiJub25lIn0.e30."};
    fake_login(fake_add_user("ada@example.org"));
    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
        fake.calls = 0;
        ck_assert_ended(junk[i]);
        ck_assert_int_eq(fake.calls, 1); /* the identity, which is cached outside of tests */
    }
}
END_TEST

START_TEST(logout_ends_the_session_and_is_idempotent)
{
    authsvc_grant_t first = fake_login(fake_add_user("ada@example.org"));
    ck_assert_ok(authsvc_sessions_logout(&fake.ctx, first.refresh_token));
    ck_assert_ended(first.refresh_token);
    ck_assert_ok(authsvc_sessions_logout(&fake.ctx, first.refresh_token));
    ck_assert_ok(authsvc_sessions_logout(&fake.ctx, "no token at all"));
    fake_use_token(first.access_token);
    const authsvc_user_t *user;
    ck_assert_problem(authsvc_account_get(&fake.ctx, &user), AUTHSVC_E_UNAUTHENTICATED,
                      "authentication");
}
END_TEST

START_TEST(logout_accepts_an_old_token_of_the_session)
{
    authsvc_grant_t first = fake_login(fake_add_user("ada@example.org"));
    const char *second = next_of(first.refresh_token);
    wait_seconds(60);
    ck_assert_ok(authsvc_sessions_logout(&fake.ctx, first.refresh_token));
    ck_assert_ended(second);
}
END_TEST

START_TEST(logout_ends_only_its_own_session)
{
    fake_user_t *user = fake_add_user("ada@example.org");
    authsvc_grant_t here = fake_login(user);
    authsvc_grant_t there = fake_login(user);
    ck_assert_ok(authsvc_sessions_logout(&fake.ctx, here.refresh_token));
    ck_assert_ended(here.refresh_token);
    next_of(there.refresh_token);
}
END_TEST

START_TEST(logout_all_ends_the_users_sessions_and_no_others)
{
    fake_user_t *ada = fake_add_user("ada@example.org");
    authsvc_grant_t here = fake_login(ada);
    authsvc_grant_t there = fake_login(ada);
    authsvc_grant_t bobs = fake_login(fake_add_user("bob@example.org"));
    fake_use_token(here.access_token);
    ck_assert_ok(authsvc_account_logout_all(&fake.ctx));
    ck_assert_ended(here.refresh_token);
    ck_assert_ended(there.refresh_token);
    next_of(bobs.refresh_token);
    ck_assert_problem(authsvc_account_logout_all(&fake.ctx), AUTHSVC_E_UNAUTHENTICATED,
                      "authentication");
}
END_TEST

/* Whatever call fails, the token stays good: a client that tries again is not logged out. */
START_TEST(no_failure_ends_a_session)
{
    authsvc_grant_t first = fake_login(fake_add_user("ada@example.org"));
    authsvc_grant_t grant;
    int failures = 0;
    for (int call = 1; call <= 3; call++) {
        fake.calls = 0;
        fake.fail_at = call;
        ck_assert_problem(refresh(first.refresh_token, &grant), AUTHSVC_E_UNAVAILABLE, NULL);
        failures++;
    }
    fake.fail_at = 0;
    ck_assert_int_eq(failures, 3);
    next_of(first.refresh_token);
    fake.calls = 0;
    fake.fail_at = 2;
    ck_assert_problem(authsvc_sessions_logout(&fake.ctx, first.refresh_token),
                      AUTHSVC_E_UNAVAILABLE, NULL);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_sessions)
{
    Suite *suite = suite_create("sessions");
    TCase *rotation = fake_tcase(suite, "rotation");
    tcase_add_test(rotation, the_first_refresh_rotates);
    tcase_add_test(rotation, within_the_grace_tabs_agree);
    tcase_add_test(rotation, after_the_grace_it_rotates_again);
    tcase_add_test(rotation, an_old_token_after_the_grace_ends_the_session);
    tcase_add_test(rotation, what_was_not_answered_is_no_theft);
    tcase_add_test(rotation, what_was_not_done_and_then_answered_is_not_excused);
    tcase_add_test(rotation, what_was_exchanged_before_is_not_excused);
    tcase_add_loop_test(rotation, what_was_done_about_the_time_of_its_note_is_excused, 0, 5);
    tcase_add_test(rotation, a_second_try_in_vain_leaves_the_note_of_the_first);
    tcase_add_test(rotation, a_note_is_kept_for_a_day);
    tcase_add_loop_test(rotation, what_a_recovery_was_not_answered_is_no_theft, 0, 2);
    tcase_add_test(rotation, the_token_of_another_session_is_not_excused);
    tcase_add_test(rotation, what_is_known_not_to_be_done_is_not_noted);
    tcase_add_test(rotation, without_memory_an_outage_ends_with_the_grace);
    tcase_add_test(rotation, a_grandparent_ends_the_session_even_within_the_grace);
    tcase_add_test(rotation, without_grace_a_replay_ends_the_session_at_once);
    tcase_add_test(rotation, a_row_behind_its_token_is_moved_forward);
    tcase_add_test(rotation, a_row_too_far_behind_is_refused);
    tcase_add_test(rotation, a_grace_that_ends_meanwhile_rotates);
    tcase_add_test(rotation, idle_and_absolute_limits_end_it);
    tcase_add_test(rotation, a_refresh_gives_the_row_as_it_is_now);
    tcase_add_test(rotation, junk_costs_no_query);
    tcase_add_test(rotation, no_failure_ends_a_session);
    TCase *logout = fake_tcase(suite, "logout");
    tcase_add_test(logout, logout_ends_the_session_and_is_idempotent);
    tcase_add_test(logout, logout_accepts_an_old_token_of_the_session);
    tcase_add_test(logout, logout_ends_only_its_own_session);
    tcase_add_test(logout, logout_all_ends_the_users_sessions_and_no_others);
    return suite;
}
