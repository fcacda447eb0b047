/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

static authsvc_error_t *create(const char *email, const char *password, const char *name,
                               const char *role, const authsvc_user_t **user)
{
    return authsvc_administration_create(&fake.ctx, email, password, strlen(password), name, role,
                                         user);
}

static authsvc_error_t *set_role(const char *who, const char *role)
{
    const authsvc_user_t *user = NULL;
    authsvc_error_t *err = authsvc_administration_set_role(&fake.ctx, who, role, &user);
    if (!err) {
        ck_assert_str_eq(user->role, role);
    }
    return err;
}

static fake_user_t *add_admin(const char *email)
{
    fake_user_t *user = fake_add_user(email);
    user->row.role = AUTHSVC_ROLE_ADMIN;
    return user;
}

START_TEST(an_account_is_made_by_the_rules_of_a_registration)
{
    const authsvc_user_t *user = NULL;
    fake.settings.registration_open = 0;
    ck_assert_ok(create("Ada@Example.org", FAKE_PASSWORD, " Ada ", "admin", &user));
    ck_assert_str_eq(user->email, "ada@example.org");
    ck_assert_str_eq(user->name, "Ada");
    ck_assert_str_eq(user->role, "admin");
    ck_assert_str_eq(fake.users[0].row.role, "admin");
    ck_assert_int_eq(fake.n_sessions, 0);
    ck_assert_ptr_nonnull(strstr(fake.log.all, "event=user-created"));
    fake_login(&fake.users[0]);
}
END_TEST

START_TEST(what_is_wrong_makes_no_account)
{
    const authsvc_user_t *user = NULL;
    authsvc_error_t *err = create("nobody", "short", " ", "user", &user);
    ck_assert_problem(err, AUTHSVC_E_INVALID, NULL);
    ck_assert_int_ge(err->fields->nelts, 3);
    ck_assert_problem(create("ada@example.org", FAKE_PASSWORD, "Ada", "root", &user),
                      AUTHSVC_E_INVALID, NULL);
    ck_assert_int_eq(fake.n_users, 0);
    ck_assert_ok(create("ada@example.org", FAKE_PASSWORD, "Ada", "user", &user));
    ck_assert_problem(create("ada@example.org", FAKE_PASSWORD, "Ada", "user", &user),
                      AUTHSVC_E_CONFLICT, "email-exists");
    ck_assert_int_eq(fake.n_users, 1);
}
END_TEST

START_TEST(users_are_found_by_id_and_email)
{
    const authsvc_user_t *user = NULL;
    fake_user_t *ada = fake_add_user("ada@example.org");
    ada->row.deleted_at = fake.now;
    ck_assert_ok(authsvc_administration_find(&fake.ctx, ada->id, &user));
    ck_assert_str_eq(user->email, "ada@example.org");
    ck_assert_ok(authsvc_administration_find(&fake.ctx, "ADA@example.ORG", &user));
    ck_assert_str_eq(user->id, ada->id);
    ck_assert_problem(authsvc_administration_find(&fake.ctx, "bob@example.org", &user),
                      AUTHSVC_E_NOT_FOUND, NULL);
    ck_assert_problem(authsvc_administration_find(&fake.ctx, "ada", &user), AUTHSVC_E_NOT_FOUND,
                      NULL);
    ck_assert_problem(authsvc_administration_find(
                          &fake.ctx, "00000000-0000-7000-8000-000000000000", &user),
                      AUTHSVC_E_NOT_FOUND, NULL);
}
END_TEST

START_TEST(a_list_goes_on_where_it_ended)
{
    apr_array_header_t *users = NULL;
    authsvc_user_page_t page = {.limit = 2};
    fake_add_user("a@example.org");
    add_admin("b@example.org");
    fake_add_user("c@example.org");
    ck_assert_ok(authsvc_administration_list(&fake.ctx, &page, &users));
    ck_assert_int_eq(users->nelts, 2);
    page.after = APR_ARRAY_IDX(users, 1, const authsvc_user_t *);
    ck_assert_str_eq(page.after->email, "b@example.org");
    ck_assert_ok(authsvc_administration_list(&fake.ctx, &page, &users));
    ck_assert_int_eq(users->nelts, 1);
    page = (authsvc_user_page_t){.limit = 9, .role = "admin"};
    ck_assert_ok(authsvc_administration_list(&fake.ctx, &page, &users));
    ck_assert_int_eq(users->nelts, 1);
    page.role = "root";
    ck_assert_problem(authsvc_administration_list(&fake.ctx, &page, &users), AUTHSVC_E_INVALID,
                      NULL);
}
END_TEST

START_TEST(a_new_role_voids_the_access_tokens_of_the_old_one)
{
    fake_user_t *ada = fake_add_user("ada@example.org");
    fake_user_t *bob = fake_add_user("bob@example.org");
    authsvc_grant_t grant = fake_login(ada);
    const authsvc_user_t *user = NULL;
    fake_login(bob);
    fake_use_token(grant.access_token);
    ck_assert_ok(authsvc_account_get(&fake.ctx, &user));
    ck_assert_ok(set_role("ada@example.org", "admin"));
    ck_assert_str_eq(ada->row.role, "admin");
    ck_assert_problem(authsvc_account_get(&fake.ctx, &user), AUTHSVC_E_UNAUTHENTICATED,
                      "authentication");
    ck_assert_int_eq(fake.sessions[1].epoch, 0);
    ck_assert_ok(authsvc_sessions_refresh(&fake.ctx, grant.refresh_token, &grant));
    fake_use_token(grant.access_token);
    ck_assert_ok(authsvc_account_get(&fake.ctx, &user));
    ck_assert_str_eq(user->role, "admin");
    /* The same role again changes nothing. */
    ck_assert_ok(set_role(ada->id, "admin"));
    ck_assert_ok(authsvc_account_get(&fake.ctx, &user));
}
END_TEST

START_TEST(the_last_active_admin_keeps_the_role)
{
    fake_user_t *ada = add_admin("ada@example.org");
    fake_user_t *bob = add_admin("bob@example.org");
    bob->row.deleted_at = fake.now;
    ck_assert_problem(set_role(ada->id, "user"), AUTHSVC_E_CONFLICT, "last-admin");
    ck_assert_str_eq(ada->row.role, "admin");
    /* One who is deactivated is nobody's last hope. */
    ck_assert_ok(set_role(bob->id, "user"));
    ck_assert_ok(set_role(bob->id, "admin"));
    bob->row.deleted_at = 0;
    ck_assert_ok(set_role(ada->id, "user"));
    ck_assert_problem(set_role(bob->id, "user"), AUTHSVC_E_CONFLICT, "last-admin");
    ck_assert_problem(set_role("nobody@example.org", "user"), AUTHSVC_E_NOT_FOUND, NULL);
    ck_assert_problem(set_role(ada->id, "root"), AUTHSVC_E_INVALID, NULL);
}
END_TEST

static void promote(void)
{
    fake.users[0].row.role = AUTHSVC_ROLE_ADMIN;
}

START_TEST(a_role_that_changed_meanwhile_is_looked_at_again)
{
    fake_add_user("ada@example.org");
    fake.before_change = promote;
    ck_assert_ok(set_role("ada@example.org", "admin"));
    ck_assert_int_eq(fake.transactions, 1);
}
END_TEST

START_TEST(no_failure_changes_a_role_by_half)
{
    int call, failures = 0;
    for (call = 1; call < 20; call++) {
        fake_setup();
        fake_user_t *ada = add_admin("ada@example.org");
        add_admin("bob@example.org");
        fake_login(ada);
        fake.fail_at = call;
        authsvc_error_t *err = set_role("ada@example.org", "user");
        if (!err) {
            fake_teardown();
            break;
        }
        failures++;
        ck_assert_problem(err, AUTHSVC_E_UNAVAILABLE, NULL);
        ck_assert_str_eq(ada->row.role, "admin");
        ck_assert_int_eq(fake.sessions[0].epoch, 0);
        fake_teardown();
    }
    ck_assert_int_eq(failures, 5); /* find, lock, set, raise, tell of the user */
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_administration)
{
    Suite *suite = suite_create("administration");
    TCase *tcase = fake_tcase(suite, "administration");
    tcase_add_test(tcase, an_account_is_made_by_the_rules_of_a_registration);
    tcase_add_test(tcase, what_is_wrong_makes_no_account);
    tcase_add_test(tcase, users_are_found_by_id_and_email);
    tcase_add_test(tcase, a_list_goes_on_where_it_ended);
    tcase_add_test(tcase, a_new_role_voids_the_access_tokens_of_the_old_one);
    tcase_add_test(tcase, the_last_active_admin_keeps_the_role);
    tcase_add_test(tcase, a_role_that_changed_meanwhile_is_looked_at_again);
    TCase *faults = tcase_create("faults"); /* makes its own worlds */
    suite_add_tcase(suite, faults);
    tcase_add_test(faults, no_failure_changes_a_role_by_half);
    return suite;
}
