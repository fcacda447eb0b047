/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>

#include "fake.h"

static void set_up(void)
{
    void *memory = mmap(NULL, authsvc_revocations_size(64), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fake_setup();
    ck_assert_ptr_ne(memory, MAP_FAILED);
    ck_assert_int_eq(authsvc_revocations_create(memory, 64, &fake.ctx.revocations), APR_SUCCESS);
}

static void tear_down(void)
{
    authsvc_revocations_destroy(fake.ctx.revocations);
    munmap(fake.ctx.revocations, authsvc_revocations_size(64));
    fake_teardown();
}

/* Whether this node knows that tokens of this epoch are over. */
static int is_known(const char *id, apr_int64_t epoch)
{
    unsigned char octets[AUTHSVC_UUID_OCTETS];
    ck_assert(authsvc_uuid_parse(id, octets));
    return authsvc_revocations_verdict(fake.ctx.revocations, octets, epoch, apr_time_now()) ==
           AUTHSVC_SESSION_REVOKED;
}

static fake_user_t *ada_with_sessions(int n, authsvc_grant_t *last)
{
    fake_user_t *ada = fake_add_user("ada@example.org");
    for (int i = 0; i < n; i++) {
        *last = fake_login(ada);
        fake.now += apr_time_from_sec(1);
    }
    fake_use_token(last->access_token);
    return ada;
}

START_TEST(a_user_sees_the_living_ones)
{
    apr_array_header_t *entries;
    authsvc_grant_t grant;
    ada_with_sessions(3, &grant);
    fake_login(fake_add_user("bob@example.org"));
    ck_assert_ok(authsvc_sessions_list(&fake.ctx, &entries));
    ck_assert_int_eq(entries->nelts, 3);
    ck_assert_str_eq(APR_ARRAY_IDX(entries, 0, authsvc_session_entry_t).ip, "192.0.2.1");
    ck_assert_ok(authsvc_sessions_end(&fake.ctx, fake.sessions[0].id));
    ck_assert_ok(authsvc_sessions_list(&fake.ctx, &entries));
    ck_assert_int_eq(entries->nelts, 2);
}
END_TEST

START_TEST(who_ends_one_ends_no_other)
{
    authsvc_grant_t grant;
    ada_with_sessions(2, &grant);
    fake_login(fake_add_user("bob@example.org"));
    ck_assert_problem(authsvc_sessions_end(&fake.ctx, fake.sessions[2].id), AUTHSVC_E_NOT_FOUND,
                      NULL);
    ck_assert_problem(authsvc_sessions_end(&fake.ctx, "none"), AUTHSVC_E_NOT_FOUND, NULL);
    ck_assert_int_eq(fake.sessions[2].revoked_at, 0);
    ck_assert(!is_known(fake.sessions[0].id, 0));
    ck_assert_ok(authsvc_sessions_end(&fake.ctx, fake.sessions[0].id));
    ck_assert_ptr_nonnull(strstr(fake.log.all, "event=session-ended"));
    ck_assert(is_known(fake.sessions[0].id, 0));
    ck_assert_int_ne(fake.sessions[0].revoked_at, 0);
    ck_assert_int_eq(fake.sessions[1].revoked_at, 0);
    ck_assert_problem(authsvc_sessions_end(&fake.ctx, fake.sessions[0].id), AUTHSVC_E_NOT_FOUND,
                      NULL);
}
END_TEST

START_TEST(one_may_end_the_session_he_asks_by)
{
    apr_array_header_t *entries;
    authsvc_grant_t grant;
    ada_with_sessions(1, &grant);
    ck_assert_ok(authsvc_sessions_end(&fake.ctx, fake.sessions[0].id));
    ck_assert_problem(authsvc_sessions_end(&fake.ctx, fake.sessions[0].id),
                      AUTHSVC_E_UNAUTHENTICATED, "authentication");
    ck_assert_problem(authsvc_sessions_list(&fake.ctx, &entries), AUTHSVC_E_UNAUTHENTICATED,
                      "authentication");
}
END_TEST

START_TEST(without_a_principal_there_are_none)
{
    apr_array_header_t *entries;
    authsvc_grant_t grant;
    ada_with_sessions(1, &grant);
    fake.ctx.principal = NULL;
    ck_assert_problem(authsvc_sessions_list(&fake.ctx, &entries), AUTHSVC_E_INTERNAL, NULL);
    ck_assert_problem(authsvc_sessions_end(&fake.ctx, fake.sessions[0].id), AUTHSVC_E_INTERNAL,
                      NULL);
    ck_assert_int_eq(fake.sessions[0].revoked_at, 0);
}
END_TEST

START_TEST(the_oldest_ends_when_there_are_too_many)
{
    authsvc_grant_t grant;
    fake.settings.max_sessions = 2;
    ada_with_sessions(2, &grant);
    ck_assert_int_eq(fake.sessions[0].revoked_at, 0);
    fake_login(&fake.users[0]);
    ck_assert_int_ne(fake.sessions[0].revoked_at, 0);
    ck_assert_int_eq(fake.sessions[1].revoked_at, 0);
    ck_assert(is_known(fake.sessions[0].id, 0));
    ck_assert(!is_known(fake.sessions[1].id, 0));
    ck_assert_ptr_nonnull(strstr(fake.log.all, "event=oldest-session-ended"));
    fake.settings.max_sessions = 0;
    fake_login(&fake.users[0]);
    ck_assert_int_eq(fake.sessions[1].revoked_at, 0);
}
END_TEST

START_TEST(a_sign_in_does_not_fail_with_the_end_of_another)
{
    authsvc_grant_t grant;
    fake.settings.max_sessions = 1;
    ada_with_sessions(1, &grant);
    fake.calls = 0;
    fake.fail_at = 5; /* find, identity twice, insert, and this */
    ck_assert_ok(authsvc_login(&fake.ctx, "ada@example.org", FAKE_PASSWORD, strlen(FAKE_PASSWORD),
                               &grant));
    ck_assert_int_eq(fake.calls, 5);
    ck_assert_int_eq(fake.sessions[0].revoked_at, 0);
    ck_assert_ptr_nonnull(strstr(fake.log.all, "AS0216"));
}
END_TEST

/* ---- whatever ends a session is known here at once */

START_TEST(a_logout_is_known)
{
    authsvc_grant_t grant;
    ada_with_sessions(2, &grant);
    ck_assert_ok(authsvc_sessions_logout(&fake.ctx, grant.refresh_token));
    ck_assert(is_known(fake.sessions[1].id, 0));
    ck_assert(!is_known(fake.sessions[0].id, 0));
}
END_TEST

START_TEST(a_theft_is_known)
{
    authsvc_grant_t grant, next;
    ada_with_sessions(1, &grant);
    ck_assert_ok(authsvc_sessions_refresh(&fake.ctx, grant.refresh_token, &next));
    ck_assert(!is_known(fake.sessions[0].id, 0));
    fake.now += apr_time_from_sec(60);
    ck_assert_problem(authsvc_sessions_refresh(&fake.ctx, grant.refresh_token, &next),
                      AUTHSVC_E_UNAUTHENTICATED, "invalid-refresh-token");
    ck_assert(is_known(fake.sessions[0].id, 0));
}
END_TEST

START_TEST(a_logout_everywhere_is_known)
{
    authsvc_grant_t grant;
    ada_with_sessions(2, &grant);
    ck_assert_ok(authsvc_account_logout_all(&fake.ctx));
    ck_assert(is_known(fake.sessions[0].id, 0) && is_known(fake.sessions[1].id, 0));
    ck_assert(!is_known(fake.users[0].id, apr_time_sec(fake.now)));
}
END_TEST

START_TEST(a_deactivation_is_known_of_sessions_and_user)
{
    authsvc_grant_t grant;
    ada_with_sessions(2, &grant);
    ck_assert_ok(authsvc_account_delete(&fake.ctx, FAKE_PASSWORD, strlen(FAKE_PASSWORD)));
    ck_assert(is_known(fake.sessions[0].id, 0) && is_known(fake.sessions[1].id, 0));
    ck_assert(is_known(fake.users[0].id, apr_time_sec(fake.now)));
    ck_assert(!is_known(fake.users[0].id, apr_time_sec(fake.now) + 60));
}
END_TEST

START_TEST(a_new_role_is_known_of_sessions_and_user)
{
    const authsvc_user_t *user;
    authsvc_grant_t grant;
    ada_with_sessions(1, &grant);
    ck_assert_ok(authsvc_administration_set_role(&fake.ctx, "ada@example.org", AUTHSVC_ROLE_ADMIN,
                                                 &user));
    ck_assert(is_known(fake.sessions[0].id, 0));
    ck_assert(!is_known(fake.sessions[0].id, 1)); /* what a refresh gives now */
    ck_assert(is_known(fake.users[0].id, apr_time_sec(fake.now)));
}
END_TEST

/* What was not done is not spread: each call of each change fails once. */
START_TEST(a_failed_change_is_not_known)
{
    authsvc_grant_t grant;
    ada_with_sessions(1, &grant);
    for (fake.fail_at = 1;; fake.fail_at++) {
        fake.calls = 0;
        if (!authsvc_account_delete(&fake.ctx, FAKE_PASSWORD, strlen(FAKE_PASSWORD))) {
            break;
        }
        ck_assert(!is_known(fake.sessions[0].id, 0));
        ck_assert(!is_known(fake.users[0].id, apr_time_sec(fake.now)));
    }
    ck_assert_int_ge(fake.fail_at, 4);
    ck_assert(is_known(fake.sessions[0].id, 0));
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_sessions_of_user)
{
    Suite *suite = suite_create("sessions-of-user");
    TCase *tcase = tcase_create("sessions");
    TCase *known = tcase_create("known");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_checked_fixture(known, set_up, tear_down);
    suite_add_tcase(suite, tcase);
    suite_add_tcase(suite, known);
    tcase_add_test(tcase, a_user_sees_the_living_ones);
    tcase_add_test(tcase, who_ends_one_ends_no_other);
    tcase_add_test(tcase, one_may_end_the_session_he_asks_by);
    tcase_add_test(tcase, without_a_principal_there_are_none);
    tcase_add_test(tcase, the_oldest_ends_when_there_are_too_many);
    tcase_add_test(tcase, a_sign_in_does_not_fail_with_the_end_of_another);
    tcase_add_test(known, a_logout_is_known);
    tcase_add_test(known, a_theft_is_known);
    tcase_add_test(known, a_logout_everywhere_is_known);
    tcase_add_test(known, a_deactivation_is_known_of_sessions_and_user);
    tcase_add_test(known, a_new_role_is_known_of_sessions_and_user);
    tcase_add_test(known, a_failed_change_is_not_known);
    return suite;
}
