/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include "authsvc/crypto/password.h"

static authsvc_error_t *delete_with(const char *password)
{
    return authsvc_account_delete(&fake.ctx, password, strlen(password));
}

static authsvc_grant_t signed_in(void)
{
    authsvc_grant_t grant = fake_login(fake_add_user("ada@example.org"));
    fake_use_token(grant.access_token);
    return grant;
}

START_TEST(me_needs_a_living_session)
{
    const authsvc_user_t *user = NULL;
    signed_in();
    ck_assert_ok(authsvc_account_get(&fake.ctx, &user));
    ck_assert_str_eq(user->name, "Ada");
    fake.sessions[0].epoch = 1; /* what a role change will do */
    ck_assert_problem(authsvc_account_get(&fake.ctx, &user), AUTHSVC_E_UNAUTHENTICATED,
                      "authentication");
    fake.sessions[0].epoch = 0;
    ck_assert_ok(authsvc_account_get(&fake.ctx, &user));
    fake.users[0].row.deleted_at = fake.now;
    ck_assert_problem(authsvc_account_get(&fake.ctx, &user), AUTHSVC_E_UNAUTHENTICATED,
                      "authentication");
}
END_TEST

START_TEST(without_a_principal_nothing_is_open)
{
    const authsvc_user_t *user = NULL;
    fake_add_user("ada@example.org");
    ck_assert_problem(authsvc_account_get(&fake.ctx, &user), AUTHSVC_E_INTERNAL, NULL);
    ck_assert_problem(authsvc_account_rename(&fake.ctx, "Eve", &user), AUTHSVC_E_INTERNAL, NULL);
    ck_assert_problem(delete_with(FAKE_PASSWORD), AUTHSVC_E_INTERNAL, NULL);
    ck_assert_str_eq(fake.users[0].name, "Ada");
    ck_assert_int_eq(fake.users[0].row.deleted_at, 0);
}
END_TEST

START_TEST(rename_trims_and_checks)
{
    const authsvc_user_t *user = NULL;
    signed_in();
    ck_assert_ok(authsvc_account_rename(&fake.ctx, "  Countess ", &user));
    ck_assert_str_eq(user->name, "Countess");
    ck_assert_str_eq(fake.users[0].name, "Countess");
    ck_assert_problem(authsvc_account_rename(&fake.ctx, " ", &user), AUTHSVC_E_INVALID, NULL);
    ck_assert_str_eq(fake.users[0].name, "Countess");
    fake.sessions[0].revoked_at = fake.now;
    ck_assert_problem(authsvc_account_rename(&fake.ctx, "Eve", &user), AUTHSVC_E_UNAUTHENTICATED,
                      "authentication");
}
END_TEST

START_TEST(delete_asks_for_the_password_and_ends_all_sessions)
{
    authsvc_grant_t grant = signed_in();
    fake_login(&fake.users[0]);
    ck_assert_problem(delete_with("Wrong Horse 9"), AUTHSVC_E_UNAUTHENTICATED,
                      "invalid-credentials");
    ck_assert_int_eq(fake.users[0].row.deleted_at, 0);
    ck_assert_ok(delete_with(FAKE_PASSWORD));
    ck_assert_int_ne(fake.users[0].row.deleted_at, 0);
    ck_assert_int_ne(fake.sessions[0].revoked_at, 0);
    ck_assert_int_ne(fake.sessions[1].revoked_at, 0);
    ck_assert_int_eq(fake.transactions, 2);
    ck_assert_problem(authsvc_sessions_refresh(&fake.ctx, grant.refresh_token, &grant),
                      AUTHSVC_E_UNAUTHENTICATED, "invalid-refresh-token");
}
END_TEST

START_TEST(no_failure_deletes_by_half)
{
    for (int call = 1; call <= 3; call++) {
        fake_setup();
        signed_in();
        fake.calls = 0;
        fake.fail_at = call;
        ck_assert_problem(delete_with(FAKE_PASSWORD), AUTHSVC_E_UNAVAILABLE, NULL);
        ck_assert_int_eq(fake.users[0].row.deleted_at, 0);
        ck_assert_int_eq(fake.sessions[0].revoked_at, 0);
        fake.fail_at = 0;
        ck_assert_ok(delete_with(FAKE_PASSWORD));
        fake_teardown();
    }
}
END_TEST

START_TEST(the_last_admin_stays)
{
    signed_in();
    fake.users[0].row.role = AUTHSVC_ROLE_ADMIN;
    fake_add_user("bob@example.org")->row.role = AUTHSVC_ROLE_ADMIN;
    fake.users[1].row.deleted_at = fake.now;
    ck_assert_problem(delete_with(FAKE_PASSWORD), AUTHSVC_E_CONFLICT, "last-admin");
    ck_assert_int_eq(fake.users[0].row.deleted_at, 0);
    ck_assert_int_eq(fake.sessions[0].revoked_at, 0);
    /* Nobody learns that without the password. */
    ck_assert_problem(delete_with("Wrong Horse 9"), AUTHSVC_E_UNAUTHENTICATED,
                      "invalid-credentials");
    fake.users[1].row.deleted_at = 0;
    ck_assert_ok(delete_with(FAKE_PASSWORD));
    ck_assert_int_ne(fake.users[0].row.deleted_at, 0);
}
END_TEST

static void promote(void)
{
    fake.users[0].row.role = AUTHSVC_ROLE_ADMIN;
}

START_TEST(an_admin_made_meanwhile_is_asked_about_again)
{
    signed_in();
    fake.before_change = promote;
    ck_assert_problem(delete_with(FAKE_PASSWORD), AUTHSVC_E_CONFLICT, "last-admin");
    ck_assert_int_eq(fake.users[0].row.deleted_at, 0);
}
END_TEST

START_TEST(a_token_is_good_until_it_expires)
{
    authsvc_grant_t grant = signed_in();
    const authsvc_principal_t *principal = NULL;
    size_t len = strlen(grant.access_token);
    ck_assert_str_eq(fake.ctx.principal->session.user_id, fake.users[0].id);
    ck_assert_str_eq(fake.ctx.principal->session.session_id, fake.sessions[0].id);
    fake.now += apr_time_from_sec(899);
    ck_assert_ok(authsvc_authentication_verify(&fake.ctx, grant.access_token, len, &principal));
    fake.now += apr_time_from_sec(1);
    ck_assert_problem(
        authsvc_authentication_verify(&fake.ctx, grant.access_token, len, &principal),
        AUTHSVC_E_UNAUTHENTICATED, "authentication");
}
END_TEST

START_TEST(a_refresh_token_is_no_access_token)
{
    authsvc_grant_t grant = signed_in();
    const authsvc_principal_t *principal = NULL;
    ck_assert_problem(authsvc_authentication_verify(&fake.ctx, grant.refresh_token,
                                                    strlen(grant.refresh_token), &principal),
                      AUTHSVC_E_UNAUTHENTICATED, "authentication");
    ck_assert_problem(authsvc_sessions_refresh(&fake.ctx, grant.access_token, &grant),
                      AUTHSVC_E_UNAUTHENTICATED, "invalid-refresh-token");
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_account)
{
    Suite *suite = suite_create("account");
    TCase *tcase = fake_tcase(suite, "account");
    tcase_add_test(tcase, me_needs_a_living_session);
    tcase_add_test(tcase, without_a_principal_nothing_is_open);
    tcase_add_test(tcase, rename_trims_and_checks);
    tcase_add_test(tcase, delete_asks_for_the_password_and_ends_all_sessions);
    tcase_add_test(tcase, the_last_admin_stays);
    tcase_add_test(tcase, an_admin_made_meanwhile_is_asked_about_again);
    TCase *faults = tcase_create("faults"); /* makes its own worlds */
    suite_add_tcase(suite, faults);
    tcase_add_test(faults, no_failure_deletes_by_half);
    TCase *authentication = fake_tcase(suite, "authentication");
    tcase_add_test(authentication, a_token_is_good_until_it_expires);
    tcase_add_test(authentication, a_refresh_token_is_no_access_token);
    return suite;
}
