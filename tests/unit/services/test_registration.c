/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

static authsvc_error_t *register_as(const char *email, const char *password, const char *name,
                                    authsvc_grant_t *grant)
{
    return authsvc_registration_register(&fake.ctx, email, password, strlen(password), name,
                                         grant);
}

START_TEST(registers_and_signs_in)
{
    authsvc_grant_t grant;
    ck_assert_ok(register_as("Ada@Example.org", FAKE_PASSWORD, " Ada ", &grant));
    ck_assert_int_eq(fake.n_users, 1);
    ck_assert_int_eq(fake.n_sessions, 1);
    ck_assert_int_eq(fake.transactions, 1);
    ck_assert_str_eq(fake.users[0].email, "ada@example.org");
    ck_assert_str_eq(fake.users[0].name, "Ada");
    ck_assert_str_eq(grant.user->role, "user");
    ck_assert_int_eq(grant.expires_in, 900);
    ck_assert_ptr_nonnull(strstr(fake.users[0].hash, "$argon2id$"));
    ck_assert_str_eq(fake.sessions[0].user_agent, "unit/1.0");
    ck_assert_ptr_nonnull(strstr(fake.log.all, "event=registered"));
    fake_use_token(grant.access_token);
    const authsvc_user_t *user;
    ck_assert_ok(authsvc_account_get(&fake.ctx, &user));
    ck_assert_str_eq(user->email, "ada@example.org");
    authsvc_grant_t next;
    ck_assert_ok(authsvc_sessions_refresh(&fake.ctx, grant.refresh_token, &next));
}
END_TEST

START_TEST(no_account_is_left_that_could_not_be_signed_in)
{
    authsvc_grant_t grant;
    authsvc_keyset_t *verifying;
    const struct authsvc_keyset_t *signing = fake.settings.keys;
    ck_assert_ok(authsvc_keyset_create(fake.ctx.pool, NULL, NULL, &verifying));
    fake.settings.keys = verifying;
    ck_assert_problem(register_as("ada@example.org", FAKE_PASSWORD, "Ada", &grant),
                      AUTHSVC_E_INTERNAL, NULL);
    ck_assert_int_eq(fake.n_users, 0);
    ck_assert_int_eq(fake.n_sessions, 0);
    fake.settings.keys = signing;
    ck_assert_ok(register_as("ada@example.org", FAKE_PASSWORD, "Ada", &grant));
    ck_assert_int_eq(fake.n_sessions, 1);
}
END_TEST

START_TEST(a_known_email_conflicts)
{
    authsvc_grant_t grant;
    fake_add_user("ada@example.org");
    ck_assert_problem(register_as("ADA@example.org", FAKE_PASSWORD, "Ada", &grant),
                      AUTHSVC_E_CONFLICT, "email-exists");
    ck_assert_int_eq(fake.n_users, 1);
    ck_assert_int_eq(fake.n_sessions, 0);
    ck_assert_ok(register_as("bob@example.org", FAKE_PASSWORD, "Bob", &grant));
}
END_TEST

START_TEST(every_wrong_member_is_named)
{
    authsvc_grant_t grant;
    authsvc_error_t *err = register_as("nobody", "shart", " ", &grant);
    ck_assert_problem(err, AUTHSVC_E_INVALID, NULL);
    ck_assert_int_eq(err->fields->nelts, 5); /* email; too short, upper, digit; name */
    ck_assert_int_eq(fake.calls, 0);
}
END_TEST

START_TEST(closed_registration_refuses)
{
    authsvc_grant_t grant;
    fake.settings.registration_open = 0;
    ck_assert_problem(register_as("ada@example.org", FAKE_PASSWORD, "Ada", &grant),
                      AUTHSVC_E_FORBIDDEN, "registration-closed");
    ck_assert_int_eq(fake.calls, 0);
}
END_TEST

START_TEST(a_user_agent_is_kept_printable_and_short)
{
    char agent[400];
    authsvc_grant_t grant;
    memset(agent, 'x', sizeof(agent) - 1);
    memcpy(agent, "a\x1b\xffz", 4);
    agent[sizeof(agent) - 1] = '\0';
    fake.ctx.user_agent = agent;
    ck_assert_ok(register_as("ada@example.org", FAKE_PASSWORD, "Ada", &grant));
    ck_assert_uint_eq(strlen(fake.sessions[0].user_agent), 255);
    ck_assert_int_eq(strncmp(fake.sessions[0].user_agent, "a??zxx", 6), 0);
}
END_TEST

/* Whichever call fails: an error, and neither a user without a session nor a session. */
START_TEST(any_failure_is_an_error_and_leaves_nothing_half_done)
{
    authsvc_grant_t grant;
    int failures = 0;
    for (int call = 1;; call++) {
        fake_setup();
        fake.fail_at = call;
        authsvc_error_t *err = register_as("ada@example.org", FAKE_PASSWORD, "Ada", &grant);
        int reached = fake.calls >= call;
        if (!reached) {
            ck_assert_ok(err);
            fake_teardown();
            break;
        }
        ck_assert_problem(err, AUTHSVC_E_UNAVAILABLE, NULL);
        ck_assert_int_eq(fake.n_users, fake.n_sessions);
        failures++;
        fake_teardown();
    }
    ck_assert_int_eq(failures, 5);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_registration)
{
    Suite *suite = suite_create("registration");
    TCase *tcase = fake_tcase(suite, "registration");
    tcase_add_test(tcase, registers_and_signs_in);
    tcase_add_test(tcase, no_account_is_left_that_could_not_be_signed_in);
    tcase_add_test(tcase, a_known_email_conflicts);
    tcase_add_test(tcase, every_wrong_member_is_named);
    tcase_add_test(tcase, closed_registration_refuses);
    tcase_add_test(tcase, a_user_agent_is_kept_printable_and_short);
    TCase *faults = tcase_create("faults"); /* makes its own worlds */
    suite_add_tcase(suite, faults);
    tcase_add_test(faults, any_failure_is_an_error_and_leaves_nothing_half_done);
    return suite;
}
