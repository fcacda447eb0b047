/* SPDX-License-Identifier: Apache-2.0 */
#include "databases.h"

#include <apr_time.h>

#include "authsvc/db/provider.h"
#include "authsvc/repositories/repositories.h"
#include "fixture.h"

/* Each test runs once for each engine; _i of Check's loop tests says which. */

static const authsvc_session_limits_t day = {
    .idle = apr_time_from_sec(86400),
    .absolute = apr_time_from_sec(86400),
    .grace = apr_time_from_sec(30),
};
static const authsvc_session_limits_t day_without_grace = {
    .idle = apr_time_from_sec(86400),
    .absolute = apr_time_from_sec(86400),
};

static const unsigned char nonce_hash[AUTHSVC_NONCE_HASH_OCTETS] = {1, 2, 3};

static const authsvc_repositories_t *const repositories = &authsvc_repositories;

static authsvc_error_t *insert_session(authsvc_ctx_t *ctx, const authsvc_session_t *session,
                                       const authsvc_user_t *user, int *created)
{
    int others = -1;
    authsvc_error_t *err =
        repositories->sessions->insert(ctx, session, user, &day, created, &others);
    ck_assert(err || others == 0); /* day has no limit, so nobody counts */
    return err;
}

static const char *new_session(authsvc_ctx_t *ctx, const authsvc_user_t *user)
{
    authsvc_session_t session = {
        .id = authsvc_uuid_v7(ctx->pool, apr_time_now()),
        .ip = "2001:db8::1",
    };
    int created = 0;
    memcpy(session.nonce_hash, nonce_hash, sizeof(nonce_hash));
    ck_assert_ok(insert_session(ctx, &session, user, &created));
    ck_assert_int_eq(created, 1);
    return session.id;
}

static authsvc_session_token_t token_of(const char *session_id, apr_int64_t counter)
{
    authsvc_session_token_t token = {.session_id = session_id, .counter = counter};
    memcpy(token.nonce_hash, nonce_hash, sizeof(nonce_hash));
    return token;
}

/* 1 if it moved on: what came back is then the whole row of the user. */
static int moved_on(const authsvc_user_t *user, apr_int64_t epoch)
{
    if (user) {
        ck_assert_int_eq(epoch, 0);
        ck_assert_str_eq(user->role, "user");
        ck_assert_str_eq(user->name, "Ada");
        ck_assert_str_eq(user->password_hash, FIXTURE_HASH);
        ck_assert_int_eq(user->deleted_at, 0);
        ck_assert_int_ne(user->created_at, 0);
    }
    return user != NULL;
}

static int rotate(authsvc_ctx_t *ctx, const char *session_id, apr_int64_t counter,
                  const authsvc_session_limits_t *limits)
{
    const authsvc_session_token_t token = token_of(session_id, counter);
    authsvc_user_t *user = NULL;
    apr_int64_t epoch = -1;
    ck_assert_ok(repositories->sessions->rotate(ctx, &token, limits, &user, &epoch));
    return moved_on(user, epoch);
}

static int recover(authsvc_ctx_t *ctx, const char *session_id, apr_int64_t counter)
{
    const authsvc_session_token_t token = token_of(session_id, counter);
    authsvc_user_t *user = NULL;
    apr_int64_t epoch = -1;
    ck_assert_ok(repositories->sessions->recover(ctx, &token, &day, &user, &epoch));
    return moved_on(user, epoch);
}

static authsvc_session_state_t *inspect(authsvc_ctx_t *ctx, const char *session_id,
                                        const authsvc_session_limits_t *limits)
{
    const authsvc_session_token_t token = token_of(session_id, 0);
    authsvc_session_state_t *state;
    authsvc_user_t *user;
    ck_assert_ok(repositories->sessions->inspect(ctx, &token, limits, &state, &user));
    ck_assert_int_eq(state == NULL, user == NULL);
    return state;
}

static int finds_user(authsvc_ctx_t *ctx, const char *session_id, const authsvc_user_t *owner,
                      apr_int64_t epoch, const authsvc_session_limits_t *limits)
{
    const authsvc_session_ref_t ref = {session_id, owner->id, epoch};
    authsvc_user_t *user = NULL;
    ck_assert_ok(repositories->sessions->find_user(ctx, &ref, limits, &user));
    if (user) {
        ck_assert_str_eq(user->email, owner->email);
    }
    return user != NULL;
}

/* A value that a statement can be run with and does no harm. */
static authsvc_db_value_t harmless(authsvc_db_type_t type)
{
    switch (type) {
    case AUTHSVC_DB_TEXT:
        return authsvc_db_text("user"); /* a role, too */
    case AUTHSVC_DB_UUID:
        return authsvc_db_uuid("00000000-0000-7000-8000-000000000000");
    case AUTHSVC_DB_BYTES:
        return authsvc_db_bytes(nonce_hash, sizeof(nonce_hash));
    case AUTHSVC_DB_BOOL:
        return authsvc_db_bool(0);
    case AUTHSVC_DB_TIME:
        return authsvc_db_time(0);
    case AUTHSVC_DB_INT:
        break;
    }
    return authsvc_db_int(1);
}

START_TEST(every_statement_runs)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    int n = 0;
    for (int list = 0; authsvc_repositories_statements[list]; list++) {
        for (int i = 0; authsvc_repositories_statements[list][i]; i++) {
            const authsvc_statement_t *statement = authsvc_repositories_statements[list][i];
            authsvc_db_value_t params[AUTHSVC_DB_MAX_PARAMS];
            authsvc_db_result_t *result;
            for (int p = 0; p < statement->n_params; p++) {
                params[p] = harmless(statement->params[p]);
                if (params[p].type == AUTHSVC_DB_BYTES && strstr(statement->sql ? statement->sql
                                                                 : statement->pgsql, "account")) {
                    params[p].size = AUTHSVC_ACCOUNT_OCTETS;
                }
            }
            authsvc_error_t *err = authsvc_db_run(ctx, statement, params, &result);
            ck_assert_msg(!err, "%s: %s", statement->name,
                          err ? authsvc_error_describe(err, ctx->pool) : "");
            n++;
        }
    }
    ck_assert_int_ge(n, 30);
}
END_TEST

START_TEST(users_are_found_as_they_were_inserted)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    authsvc_user_t *found = NULL;
    authsvc_user_t again = *ada;
    int created = 1;

    ck_assert_str_eq(ada->role, "user");
    ck_assert_int_eq(ada->email_verified, 0);
    ck_assert_ok(repositories->users->find_by_email(ctx, "ada@example.org", &found));
    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(found->id, ada->id);
    ck_assert_str_eq(found->password_hash, FIXTURE_HASH);
    ck_assert_int_eq(found->created_at, ada->created_at);
    ck_assert_int_eq(found->deleted_at, 0);
    apr_interval_time_t age = apr_time_now() - found->created_at;
    ck_assert_msg(age > -apr_time_from_sec(60) && age < apr_time_from_sec(60), "created %ld us ago",
                  (long)age);
    ck_assert_int_ge(found->read_at, found->created_at);
    ck_assert_int_lt(found->read_at, found->created_at + apr_time_from_sec(60));
    ck_assert_int_eq(ada->read_at, 0);
    ck_assert_ok(repositories->users->find_by_id(ctx, ada->id, &found));
    ck_assert_int_ge(found->read_at, found->created_at);
    ck_assert_ok(repositories->users->find_by_email(ctx, "ADA@example.org", &found));
    ck_assert_ptr_null(found);

    again.id = authsvc_uuid_v7(ctx->pool, apr_time_now());
    ck_assert_ok(repositories->users->insert(ctx, &again, &created));
    ck_assert_int_eq(created, 0);
}
END_TEST

START_TEST(a_hash_is_replaced_only_if_it_is_the_old_one)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    int replaced = 1;
    ck_assert_ok(repositories->users->replace_hash(ctx, ada->id, "other", "new", &replaced));
    ck_assert_int_eq(replaced, 0);
    ck_assert_ok(repositories->users->replace_hash(ctx, ada->id, FIXTURE_HASH, "new", &replaced));
    ck_assert_int_eq(replaced, 1);
    ck_assert_ok(repositories->users->replace_hash(ctx, ada->id, FIXTURE_HASH, "newer", &replaced));
    ck_assert_int_eq(replaced, 0);
}
END_TEST

START_TEST(a_rename_needs_a_living_session)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    authsvc_user_t *bob = fixture_new_user(ctx, "bob@example.org");
    authsvc_session_ref_t ref = {new_session(ctx, ada), ada->id, 0};
    authsvc_user_t *user = NULL;

    ck_assert_ok(repositories->users->rename(ctx, &ref, &day, "Countess", &user));
    ck_assert_ptr_nonnull(user);
    ck_assert_str_eq(user->name, "Countess");
    ref.epoch = 1;
    ck_assert_ok(repositories->users->rename(ctx, &ref, &day, "Eve", &user));
    ck_assert_ptr_null(user);
    ref.epoch = 0;
    ref.user_id = bob->id;
    ck_assert_ok(repositories->users->rename(ctx, &ref, &day, "Eve", &user));
    ck_assert_ptr_null(user);
    ck_assert_ok(repositories->users->find_by_email(ctx, bob->email, &user));
    ck_assert_str_eq(user->name, "Ada");
}
END_TEST

START_TEST(a_session_needs_a_user_with_this_very_hash_and_role)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    authsvc_user_t rehashed = *ada, promoted = *ada;
    authsvc_session_t session = {.id = authsvc_uuid_v7(ctx->pool, apr_time_now())};
    int done = 1;
    rehashed.password_hash = "another hash";
    promoted.role = AUTHSVC_ROLE_ADMIN;
    ck_assert_ok(insert_session(ctx, &session, &rehashed, &done));
    ck_assert_int_eq(done, 0);
    ck_assert_ok(insert_session(ctx, &session, &promoted, &done));
    ck_assert_int_eq(done, 0);
    ck_assert_ok(repositories->users->mark_deleted(ctx, &rehashed, &done));
    ck_assert_int_eq(done, 0);
    ck_assert_ok(repositories->users->mark_deleted(ctx, &promoted, &done));
    ck_assert_int_eq(done, 0);
    ck_assert_ok(repositories->users->mark_deleted(ctx, ada, &done));
    ck_assert_int_eq(done, 1);
    ck_assert_ok(repositories->users->mark_deleted(ctx, ada, &done));
    ck_assert_int_eq(done, 0);
    ck_assert_ok(insert_session(ctx, &session, ada, &done));
    ck_assert_int_eq(done, 0);
    authsvc_user_t *found = NULL;
    ck_assert_ok(repositories->users->find_by_email(ctx, ada->email, &found));
    ck_assert_int_ne(found->deleted_at, 0);
}
END_TEST

START_TEST(a_session_rotates_once_per_grace)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    const char *id = new_session(ctx, fixture_new_user(ctx, "ada@example.org"));

    ck_assert_int_eq(inspect(ctx, id, &day)->within_grace, 0);
    ck_assert_int_eq(rotate(ctx, id, 0, &day), 1);
    ck_assert_int_eq(rotate(ctx, id, 1, &day), 0);
    ck_assert_int_eq(rotate(ctx, id, 0, &day), 0);
    authsvc_session_state_t *state = inspect(ctx, id, &day);
    ck_assert_int_eq(state->counter, 1);
    ck_assert_int_eq(state->alive, 1);
    ck_assert_int_eq(state->within_grace, 1);
    ck_assert_int_eq(inspect(ctx, id, &day_without_grace)->within_grace, 0);
    ck_assert_int_eq(rotate(ctx, id, 1, &day_without_grace), 1);
    ck_assert_int_eq(rotate(ctx, id, 1, &day_without_grace), 0);
}
END_TEST

START_TEST(a_session_tells_how_long_ago_it_rotated)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    const char *id = new_session(ctx, fixture_new_user(ctx, "ada@example.org"));

    ck_assert_int_eq(rotate(ctx, id, 0, &day), 1);
    ck_assert_int_lt(inspect(ctx, id, &day)->age, apr_time_from_sec(60));
    database_exec(ctx, _i == ON_PGSQL
                           ? "UPDATE sessions SET rotated_at = rotated_at - interval '100 seconds'"
                           : "UPDATE sessions SET rotated_at = rotated_at - 100000000");
    ck_assert_int_ge(inspect(ctx, id, &day)->age, apr_time_from_sec(100));
    ck_assert_int_lt(inspect(ctx, id, &day)->age, apr_time_from_sec(160));
}
END_TEST

START_TEST(a_row_behind_moves_on_up_to_sixteen)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    const char *id = new_session(ctx, fixture_new_user(ctx, "ada@example.org"));
    ck_assert_int_eq(rotate(ctx, id, 1, &day), 0);
    ck_assert_int_eq(recover(ctx, id, 0), 0); /* it is not behind */
    ck_assert_int_eq(recover(ctx, id, 17), 0);
    ck_assert_int_eq(recover(ctx, id, 16), 1);
    ck_assert_int_eq(inspect(ctx, id, &day)->counter, 17);
    ck_assert_int_eq(recover(ctx, id, 18), 1); /* in spite of the grace */
    ck_assert_int_eq(recover(ctx, id, 18), 0);
}
END_TEST

START_TEST(a_session_dies_of_age_idleness_revocation_and_its_user)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    const char *id = new_session(ctx, ada);
    const authsvc_session_limits_t too_idle = {.absolute = day.absolute};
    const authsvc_session_limits_t too_old = {.idle = day.idle};
    int done = 0;

    ck_assert_int_eq(finds_user(ctx, id, ada, 0, &day), 1);
    ck_assert_int_eq(finds_user(ctx, id, ada, 1, &day), 0);
    ck_assert_int_eq(finds_user(ctx, id, ada, 0, &too_idle), 0);
    ck_assert_int_eq(finds_user(ctx, id, ada, 0, &too_old), 0);
    ck_assert_int_eq(rotate(ctx, id, 0, &too_idle), 0);
    ck_assert_int_eq(rotate(ctx, id, 0, &too_old), 0);
    ck_assert_int_eq(inspect(ctx, id, &too_old)->alive, 0);

    ck_assert_ok(repositories->users->mark_deleted(ctx, ada, &done));
    ck_assert_int_eq(finds_user(ctx, id, ada, 0, &day), 0);
    ck_assert_int_eq(rotate(ctx, id, 0, &day), 0);
    ck_assert_int_eq(inspect(ctx, id, &day)->alive, 0);
}
END_TEST

START_TEST(revocation_asks_for_the_nonce)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    const char *id = new_session(ctx, ada);
    const authsvc_session_token_t token = token_of(id, 0);
    authsvc_session_token_t other = token;
    apr_array_header_t *done;
    other.nonce_hash[0] ^= 1;
    ck_assert_ok(repositories->sessions->revoke(ctx, &other, &done));
    ck_assert_int_eq(done->nelts, 0);
    ck_assert_int_eq(finds_user(ctx, id, ada, 0, &day), 1);
    ck_assert_ok(repositories->sessions->revoke(ctx, &token, &done));
    ck_assert_int_eq(done->nelts, 1);
    ck_assert_ok(repositories->sessions->revoke(ctx, &token, &done));
    ck_assert_int_eq(done->nelts, 0);
    ck_assert_int_eq(rotate(ctx, id, 0, &day), 0);
    ck_assert_int_eq(inspect(ctx, id, &day)->alive, 0);
    ck_assert_int_eq(finds_user(ctx, id, ada, 0, &day), 0);
}
END_TEST

START_TEST(revoke_all_spares_other_users)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    authsvc_user_t *bob = fixture_new_user(ctx, "bob@example.org");
    const char *bobs = new_session(ctx, bob);
    apr_array_header_t *ended;
    new_session(ctx, ada);
    new_session(ctx, ada);
    ck_assert_ok(repositories->sessions->revoke_all(ctx, ada->id, &ended));
    ck_assert_int_eq(ended->nelts, 2);
    ck_assert_ok(repositories->sessions->revoke_all(ctx, ada->id, &ended));
    ck_assert_int_eq(ended->nelts, 0);
    ck_assert_int_eq(finds_user(ctx, bobs, bob, 0, &day), 1);
}
END_TEST

START_TEST(a_role_changes_only_from_what_it_was)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    authsvc_user_t *changed = NULL;
    ck_assert_ok(repositories->users->set_role(ctx, ada, AUTHSVC_ROLE_ADMIN, &changed));
    ck_assert_str_eq(changed->role, "admin");
    ck_assert_str_eq(changed->email, "ada@example.org");
    ck_assert_ok(repositories->users->set_role(ctx, ada, AUTHSVC_ROLE_USER, &changed));
    ck_assert_ptr_null(changed);
    ck_assert_ok(repositories->users->find_by_id(ctx, ada->id, &changed));
    ck_assert_str_eq(changed->role, "admin");
    ada->id = "00000000-0000-7000-8000-000000000000";
    ck_assert_ok(repositories->users->find_by_id(ctx, ada->id, &changed));
    ck_assert_ptr_null(changed);
}
END_TEST

START_TEST(other_admins_are_those_who_are_active)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    authsvc_user_t *bob = fixture_new_user(ctx, "bob@example.org");
    apr_int64_t others = -1;
    int deleted = 0;
    ck_assert_ok(repositories->users->set_role(ctx, ada, AUTHSVC_ROLE_ADMIN, &ada));
    ck_assert_ok(repositories->users->lock_admins(ctx, ada->id, &others));
    ck_assert_int_eq(others, 0);
    ck_assert_ok(repositories->users->set_role(ctx, bob, AUTHSVC_ROLE_ADMIN, &bob));
    ck_assert_ok(repositories->users->lock_admins(ctx, ada->id, &others));
    ck_assert_int_eq(others, 1);
    ck_assert_ok(repositories->users->mark_deleted(ctx, bob, &deleted));
    ck_assert_int_eq(deleted, 1);
    ck_assert_ok(repositories->users->lock_admins(ctx, ada->id, &others));
    ck_assert_int_eq(others, 0);
    ck_assert_ok(repositories->users->lock_admins(ctx, bob->id, &others));
    ck_assert_int_eq(others, 1);
}
END_TEST

START_TEST(pages_hold_everybody_once)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_page_t page = {.limit = 2};
    apr_array_header_t *users = NULL;
    authsvc_user_t *admin = NULL;
    int n = 0;
    for (int i = 0; i < 5; i++) {
        admin = fixture_new_user(ctx, apr_psprintf(ctx->pool, "user%d@example.org", i));
    }
    ck_assert_ok(repositories->users->set_role(ctx, admin, AUTHSVC_ROLE_ADMIN, &admin));
    do {
        ck_assert_ok(repositories->users->list(ctx, &page, &users));
        for (int i = 0; i < users->nelts; i++) {
            page.after = APR_ARRAY_IDX(users, i, authsvc_user_t *);
            ck_assert_str_eq(page.after->email,
                             apr_psprintf(ctx->pool, "user%d@example.org", n++));
        }
    } while (users->nelts == page.limit);
    ck_assert_int_eq(n, 5);
    page = (authsvc_user_page_t){.role = AUTHSVC_ROLE_ADMIN, .limit = 9};
    ck_assert_ok(repositories->users->list(ctx, &page, &users));
    ck_assert_int_eq(users->nelts, 1);
    ck_assert_str_eq(APR_ARRAY_IDX(users, 0, authsvc_user_t *)->id, admin->id);
}
END_TEST

START_TEST(raised_epochs_void_the_tokens_of_one_user)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    authsvc_user_t *bob = fixture_new_user(ctx, "bob@example.org");
    const char *adas = new_session(ctx, ada);
    const char *bobs = new_session(ctx, bob);
    ck_assert_int_eq(finds_user(ctx, adas, ada, 0, &day), 1);
    apr_array_header_t *raised;
    ck_assert_ok(repositories->sessions->raise_epochs(ctx, ada->id, &raised));
    ck_assert_int_eq(raised->nelts, 1);
    ck_assert_int_eq(finds_user(ctx, adas, ada, 0, &day), 0);
    ck_assert_int_eq(finds_user(ctx, adas, ada, 1, &day), 1);
    ck_assert_int_eq(finds_user(ctx, bobs, bob, 0, &day), 1);
}
END_TEST

START_TEST(the_newest_secret_is_on_record)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_node_state_t state = {0};
    ck_assert_ok(repositories->node->inspect(ctx, &state));
    ck_assert_int_eq(state.secret_number, 0);
    ck_assert_ptr_null(state.secret_fingerprint);
    apr_interval_time_t apart = apr_time_now() - state.database_now;
    ck_assert_msg(apart > -apr_time_from_sec(60) && apart < apr_time_from_sec(60), "%ld us apart",
                  (long)apart);
    ck_assert_ok(repositories->node->record_secret(ctx, 2, "two"));
    ck_assert_ok(repositories->node->record_secret(ctx, 1, "one"));
    ck_assert_ok(repositories->node->inspect(ctx, &state));
    ck_assert_int_eq(state.secret_number, 2);
    ck_assert_str_eq(state.secret_fingerprint, "two");
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_repositories)
{
    Suite *suite = suite_create("repositories");
    TCase *tcase = unit_tcase(suite, "repositories");
    tcase_add_loop_test(tcase, every_statement_runs, 0, ENGINES);
    tcase_add_loop_test(tcase, users_are_found_as_they_were_inserted, 0, ENGINES);
    tcase_add_loop_test(tcase, a_hash_is_replaced_only_if_it_is_the_old_one, 0, ENGINES);
    tcase_add_loop_test(tcase, a_rename_needs_a_living_session, 0, ENGINES);
    tcase_add_loop_test(tcase, a_session_needs_a_user_with_this_very_hash_and_role, 0, ENGINES);
    tcase_add_loop_test(tcase, a_session_rotates_once_per_grace, 0, ENGINES);
    tcase_add_loop_test(tcase, a_session_tells_how_long_ago_it_rotated, 0, ENGINES);
    tcase_add_loop_test(tcase, a_row_behind_moves_on_up_to_sixteen, 0, ENGINES);
    tcase_add_loop_test(tcase, a_session_dies_of_age_idleness_revocation_and_its_user, 0, ENGINES);
    tcase_add_loop_test(tcase, revocation_asks_for_the_nonce, 0, ENGINES);
    tcase_add_loop_test(tcase, revoke_all_spares_other_users, 0, ENGINES);
    tcase_add_loop_test(tcase, a_role_changes_only_from_what_it_was, 0, ENGINES);
    tcase_add_loop_test(tcase, other_admins_are_those_who_are_active, 0, ENGINES);
    tcase_add_loop_test(tcase, pages_hold_everybody_once, 0, ENGINES);
    tcase_add_loop_test(tcase, raised_epochs_void_the_tokens_of_one_user, 0, ENGINES);
    tcase_add_loop_test(tcase, the_newest_secret_is_on_record, 0, ENGINES);
    return suite;
}
