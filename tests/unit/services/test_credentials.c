/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

static authsvc_error_t *check(const char *email, const char *password,
                              const authsvc_user_t **user)
{
    *user = NULL;
    return authsvc_credentials_check(&fake.ctx, email, password, strlen(password), user);
}

START_TEST(says_whose_they_are_and_opens_nothing)
{
    const authsvc_user_t *user;
    fake_user_t *ada = fake_add_user("ada@example.org");
    ck_assert_ok(check("ADA@Example.ORG", FAKE_PASSWORD, &user));
    ck_assert_str_eq(user->id, ada->id);
    ck_assert_int_eq(fake.n_sessions, 0);
    ck_assert_int_eq(fake.calls, 2); /* and from where */
    ck_assert_int_eq(fake.log.lines, 0);
}
END_TEST

START_TEST(refuses_whoever_may_not_sign_in)
{
    const authsvc_user_t *user;
    fake_user_t *eve = fake_add_user("eve@example.org");
    eve->row.deleted_at = fake.now;
    fake_add_user("ada@example.org");
    ck_assert_problem(check("ada@example.org", "Wrong Horse 9", &user), AUTHSVC_E_UNAUTHENTICATED,
                      "invalid-credentials");
    ck_assert_problem(check("bob@example.org", FAKE_PASSWORD, &user), AUTHSVC_E_UNAUTHENTICATED,
                      "invalid-credentials");
    ck_assert_problem(check("no address", FAKE_PASSWORD, &user), AUTHSVC_E_UNAUTHENTICATED,
                      "invalid-credentials");
    ck_assert_problem(check("eve@example.org", "Wrong Horse 9", &user), AUTHSVC_E_UNAUTHENTICATED,
                      "invalid-credentials");
    ck_assert_problem(check("eve@example.org", FAKE_PASSWORD, &user), AUTHSVC_E_UNAUTHENTICATED,
                      "account-deactivated");
    ck_assert_ptr_null(user);
    eve->row.deleted_at = 0;
    ck_assert_ok(check("eve@example.org", FAKE_PASSWORD, &user));
    ck_assert_ptr_nonnull(user);
}
END_TEST

START_TEST(a_renewed_hash_is_the_users)
{
    const authsvc_user_t *user;
    fake_user_t *ada = fake_add_user("ada@example.org");
    fake.settings.hash_passes = 2;
    ck_assert_ok(check("ada@example.org", FAKE_PASSWORD, &user));
    ck_assert_ptr_nonnull(strstr(ada->hash, "t=2"));
    ck_assert_str_eq(user->password_hash, ada->hash);
}
END_TEST

START_TEST(a_dead_database_is_no_wrong_password)
{
    const authsvc_user_t *user;
    fake_add_user("ada@example.org");
    fake.fail_at = 1;
    ck_assert_problem(check("ada@example.org", FAKE_PASSWORD, &user), AUTHSVC_E_UNAVAILABLE, NULL);
    ck_assert_ptr_null(user);
    ck_assert_ok(check("ada@example.org", FAKE_PASSWORD, &user));
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_credentials)
{
    Suite *suite = suite_create("credentials");
    TCase *tcase = fake_tcase(suite, "credentials");
    tcase_add_test(tcase, says_whose_they_are_and_opens_nothing);
    tcase_add_test(tcase, refuses_whoever_may_not_sign_in);
    tcase_add_test(tcase, a_renewed_hash_is_the_users);
    tcase_add_test(tcase, a_dead_database_is_no_wrong_password);
    return suite;
}
