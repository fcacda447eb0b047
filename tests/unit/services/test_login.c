/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include "authsvc/crypto/password.h"

static authsvc_error_t *login(const char *email, const char *password, authsvc_grant_t *grant)
{
    return authsvc_login(&fake.ctx, email, password, strlen(password), grant);
}

START_TEST(signs_in)
{
    authsvc_grant_t grant;
    fake_user_t *user = fake_add_user("ada@example.org");
    ck_assert_ok(login("ADA@Example.ORG", FAKE_PASSWORD, &grant));
    ck_assert_str_eq(grant.user->id, user->id);
    ck_assert_int_eq(fake.n_sessions, 1);
    ck_assert_int_eq(fake.transactions, 0);
    ck_assert_ptr_nonnull(strstr(fake.log.all, "event=login "));
}
END_TEST

START_TEST(no_session_is_left_whose_tokens_could_not_be_signed)
{
    fake_user_t *user = fake_add_user("ada@example.org");
    authsvc_grant_t grant;
    authsvc_keyset_t *verifying;
    const struct authsvc_keyset_t *signing = fake.settings.keys;
    ck_assert_ok(authsvc_keyset_create(fake.ctx.pool, NULL, NULL, &verifying));
    fake.settings.keys = verifying;
    ck_assert_problem(authsvc_login(&fake.ctx, user->email, FAKE_PASSWORD, strlen(FAKE_PASSWORD),
                                    &grant),
                      AUTHSVC_E_INTERNAL, NULL);
    ck_assert_int_eq(fake.n_sessions, 0);
    fake.settings.keys = signing;
    fake_login(user);
    ck_assert_int_eq(fake.n_sessions, 1);
}
END_TEST

START_TEST(unknown_and_wrong_are_the_same)
{
    authsvc_grant_t grant;
    fake_add_user("ada@example.org");
    authsvc_error_t *wrong = login("ada@example.org", "Wrong Horse 9", &grant);
    authsvc_error_t *unknown = login("eve@example.org", FAKE_PASSWORD, &grant);
    authsvc_error_t *malformed = login("no address", FAKE_PASSWORD, &grant);
    ck_assert_problem(wrong, AUTHSVC_E_UNAUTHENTICATED, "invalid-credentials");
    ck_assert_problem(unknown, AUTHSVC_E_UNAUTHENTICATED, "invalid-credentials");
    ck_assert_problem(malformed, AUTHSVC_E_UNAUTHENTICATED, "invalid-credentials");
    ck_assert_str_eq(wrong->detail, unknown->detail);
    ck_assert_str_eq(wrong->detail, malformed->detail);
    ck_assert_int_eq(fake.n_sessions, 0);
}
END_TEST

START_TEST(passwords_are_compared_octet_by_octet)
{
    static const char *const others[] = {"correct horse 9", "Correct Horse", "",
                                         (FAKE_PASSWORD " "), (" " FAKE_PASSWORD)};
    authsvc_grant_t grant;
    fake_add_user("ada@example.org");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        ck_assert_problem(login("ada@example.org", others[i], &grant), AUTHSVC_E_UNAUTHENTICATED,
                          "invalid-credentials");
    }
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD, &grant));
}
END_TEST

START_TEST(a_deactivated_account_is_named_after_the_right_password_only)
{
    authsvc_grant_t grant;
    fake_user_t *user = fake_add_user("ada@example.org");
    user->row.deleted_at = fake.now;
    ck_assert_problem(login("ada@example.org", "Wrong Horse 9", &grant),
                      AUTHSVC_E_UNAUTHENTICATED, "invalid-credentials");
    ck_assert_problem(login("ada@example.org", FAKE_PASSWORD, &grant), AUTHSVC_E_UNAUTHENTICATED,
                      "account-deactivated");
    ck_assert_int_eq(fake.n_sessions, 0);
}
END_TEST

START_TEST(an_unreadable_stored_hash_matches_nothing)
{
    authsvc_grant_t grant;
    fake_user_t *user = fake_add_user("ada@example.org");
    apr_cpystrn(user->hash, "!", sizeof(user->hash));
    ck_assert_problem(login("ada@example.org", FAKE_PASSWORD, &grant), AUTHSVC_E_UNAUTHENTICATED,
                      "invalid-credentials");
    ck_assert_problem(login("ada@example.org", "!", &grant), AUTHSVC_E_UNAUTHENTICATED,
                      "invalid-credentials");
}
END_TEST

START_TEST(a_cheaper_hash_is_renewed)
{
    char before[200];
    authsvc_grant_t grant;
    fake_user_t *user = fake_add_user("ada@example.org");
    apr_cpystrn(before, user->hash, sizeof(before));
    fake.settings.hash_passes = 2;
    ck_assert_problem(login("ada@example.org", "Wrong Horse 9", &grant),
                      AUTHSVC_E_UNAUTHENTICATED, "invalid-credentials");
    ck_assert_str_eq(user->hash, before);
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD, &grant));
    ck_assert_str_ne(user->hash, before);
    ck_assert_ptr_nonnull(strstr(user->hash, "t=2"));
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD, &grant));
}
END_TEST

/* Another login renews the hash between this one's check and its session. */
static void renew_hash(void)
{
    const char *hash;
    fake.before_insert = NULL;
    ck_assert_ok(authsvc_password_hash(&fake.ctx, FAKE_PASSWORD, strlen(FAKE_PASSWORD), &hash));
    apr_cpystrn(fake.users[0].hash, hash, sizeof(fake.users[0].hash));
}

START_TEST(a_hash_renewed_meanwhile_is_no_wrong_password)
{
    authsvc_grant_t grant;
    fake_add_user("ada@example.org");
    fake.before_insert = renew_hash;
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD, &grant));
    ck_assert_ptr_null(fake.before_insert);
    ck_assert_int_eq(fake.n_sessions, 1);
}
END_TEST

/* The password is changed between check and session: the old one must not open it. */
static void change_password(void)
{
    const char *hash;
    fake.before_insert = NULL;
    ck_assert_ok(authsvc_password_hash(&fake.ctx, "Other Horse 9", 13, &hash));
    apr_cpystrn(fake.users[0].hash, hash, sizeof(fake.users[0].hash));
}

START_TEST(a_password_changed_meanwhile_refuses_the_old_one)
{
    authsvc_grant_t grant;
    fake_add_user("ada@example.org");
    fake.before_insert = change_password;
    ck_assert_problem(login("ada@example.org", FAKE_PASSWORD, &grant), AUTHSVC_E_UNAUTHENTICATED,
                      "invalid-credentials");
    ck_assert_int_eq(fake.n_sessions, 0);
}
END_TEST

static void deactivate(void)
{
    fake.before_insert = NULL;
    fake.users[0].row.deleted_at = fake.now;
}

START_TEST(a_deactivation_meanwhile_opens_no_session)
{
    authsvc_grant_t grant;
    fake_add_user("ada@example.org");
    fake.before_insert = deactivate;
    ck_assert_problem(login("ada@example.org", FAKE_PASSWORD, &grant), AUTHSVC_E_UNAUTHENTICATED,
                      "account-deactivated");
    ck_assert_int_eq(fake.n_sessions, 0);
}
END_TEST

START_TEST(a_full_house_is_told_before_the_database_is_asked)
{
    authsvc_grant_t grant;
    authsvc_gate_t gate;
    fake_add_user("ada@example.org");
    authsvc_gate_init(&gate, 1);
    fake.ctx.gate = &gate;
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD, &grant));
    fake.calls = 0;
    ck_assert_int_eq(authsvc_gate_enter(&gate), 1);
    ck_assert_problem(login("ada@example.org", FAKE_PASSWORD, &grant), AUTHSVC_E_UNAVAILABLE,
                      "overloaded");
    ck_assert_int_eq(fake.calls, 0);
    authsvc_gate_leave(&gate);
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD, &grant));
}
END_TEST

START_TEST(no_failure_says_wrong_password)
{
    authsvc_grant_t grant;
    fake_add_user("ada@example.org");
    int failures = 0, written = 0;
    for (int call = 1;; call++) {
        fake.calls = 0;
        fake.fail_at = call;
        authsvc_error_t *err = login("ada@example.org", FAKE_PASSWORD, &grant);
        if (fake.calls < call) {
            ck_assert_ok(err);
            break;
        }
        if (!err) { /* that the network could not be written down is no reason to refuse */
            written++;
            ck_assert_ptr_nonnull(strstr(fake.log.all, "AS0285"));
            continue;
        }
        ck_assert_problem(err, AUTHSVC_E_UNAVAILABLE, NULL);
        failures++;
    }
    ck_assert_int_eq(failures, 3);
    ck_assert_int_eq(written, 1);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_login)
{
    Suite *suite = suite_create("login");
    TCase *tcase = fake_tcase(suite, "login");
    tcase_add_test(tcase, signs_in);
    tcase_add_test(tcase, no_session_is_left_whose_tokens_could_not_be_signed);
    tcase_add_test(tcase, unknown_and_wrong_are_the_same);
    tcase_add_test(tcase, passwords_are_compared_octet_by_octet);
    tcase_add_test(tcase, a_deactivated_account_is_named_after_the_right_password_only);
    tcase_add_test(tcase, an_unreadable_stored_hash_matches_nothing);
    tcase_add_test(tcase, a_cheaper_hash_is_renewed);
    tcase_add_test(tcase, a_hash_renewed_meanwhile_is_no_wrong_password);
    tcase_add_test(tcase, a_password_changed_meanwhile_refuses_the_old_one);
    tcase_add_test(tcase, a_deactivation_meanwhile_opens_no_session);
    tcase_add_test(tcase, a_full_house_is_told_before_the_database_is_asked);
    tcase_add_test(tcase, no_failure_says_wrong_password);
    return suite;
}
