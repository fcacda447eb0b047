/* SPDX-License-Identifier: Apache-2.0 */
#include "databases.h"

#include <apr_strings.h>

#include "authsvc/db/provider.h"
#include "authsvc/repositories/repositories.h"
#include "fixture.h"

/* Login failures, once for each engine. Time passes by moving what is written into the past. */

#define HOME "ip 192.0.2.1"
#define DEVICE "device 01980c6e-5f0a-7c31-9d2b-3f1c7a5e8b42"
#define DAY 86400

static const authsvc_failure_limit_t place_limit = {
    10, apr_time_from_sec(900), apr_time_from_sec(60), apr_time_from_sec(900)};
static const authsvc_failure_limit_t account_limit = {100, apr_time_from_sec(3600), 0, 0};
static const unsigned char ada[AUTHSVC_ACCOUNT_OCTETS] = {1, 2, 3};
static const unsigned char eve[AUTHSVC_ACCOUNT_OCTETS] = {1, 2, 4};

/* All that they hold, in one text. */
#define USER_ROWS                                                                                 \
    "SELECT CAST(id AS TEXT) || email || password_hash || name || CAST(role AS TEXT)"             \
    " || CAST(email_verified AS TEXT) || CAST(created_at AS TEXT) || CAST(updated_at AS TEXT)"    \
    " || COALESCE(CAST(deleted_at AS TEXT), 'active') FROM users"

static const authsvc_repositories_t *const all = &authsvc_repositories;

static authsvc_login_state_t look(authsvc_ctx_t *ctx, const unsigned char *account,
                                  const char *network, const char *device)
{
    authsvc_login_attempt_t attempt = {"ada@example.org", {0}, network, device};
    authsvc_login_state_t state;
    authsvc_user_t *user;
    memcpy(attempt.account, account, sizeof(attempt.account));
    ck_assert_ok(all->failures->find(ctx, &attempt, &place_limit, &account_limit, &state, &user));
    return state;
}

static authsvc_failure_record_t note(authsvc_ctx_t *ctx, const char *place, int n)
{
    authsvc_failure_record_t record = {0};
    ck_assert_ok(all->failures->record(ctx, ada, place, n,
                                  strcmp(place, AUTHSVC_PLACE_ALL) ? &place_limit : &account_limit,
                                  &record));
    return record;
}

/* So many seconds go by. */
static void pass(authsvc_ctx_t *ctx, int engine, int seconds)
{
    static const char *const columns[] = {"since", "paused_until", "succeeded_at", "expires_at"};
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        database_exec(ctx, apr_psprintf(ctx->pool,
                                        engine == ON_PGSQL
                                            ? "UPDATE login_failures SET %s = %s - %d * "
                                              "interval '1 second'"
                                            : "UPDATE login_failures SET %s = %s - %d * 1000000",
                                        columns[i], columns[i], seconds));
    }
}

START_TEST(nothing_is_known_at_first)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_login_attempt_t attempt = {"ada@example.org", {1, 2, 3}, HOME, NULL};
    authsvc_login_state_t state;
    authsvc_user_t *user;
    ck_assert_ok(all->failures->find(ctx, &attempt, &place_limit, &account_limit, &state, &user));
    ck_assert_ptr_null(user);
    const authsvc_user_t *made = fixture_new_user(ctx, "ada@example.org");
    ck_assert_ok(all->failures->find(ctx, &attempt, &place_limit, &account_limit, &state, &user));
    ck_assert_str_eq(user->id, made->id);
    ck_assert_str_eq(user->password_hash, FIXTURE_HASH);
    ck_assert_int_gt(user->read_at, 0);
    ck_assert(!state.network.failures && !state.network.paused && !state.device.failures &&
              !state.device.paused && !state.account_failures && !state.known && !state.recent);
}
END_TEST

START_TEST(pauses_begin_at_the_limit_and_double)
{
    static const int seconds[] = {60, 120, 240, 480, 900, 900};
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    for (int i = 1; i < 10; i++) {
        authsvc_failure_record_t record = note(ctx, HOME, 1);
        ck_assert_int_eq(record.failures, i);
        ck_assert_int_eq(record.begins, 0);
    }
    ck_assert_int_eq(look(ctx, ada, HOME, NULL).network.paused, 0);
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        authsvc_failure_record_t record = note(ctx, HOME, 1);
        ck_assert_int_eq(record.begins, 1);
        ck_assert_int_eq(record.pauses, (int)i + 1);
        ck_assert_int_eq(apr_time_sec(record.pause), seconds[i]);
        pass(ctx, _i, seconds[i] - 20);
        ck_assert_int_eq(look(ctx, ada, HOME, NULL).network.paused, 1);
        pass(ctx, _i, 20);
        ck_assert_int_eq(look(ctx, ada, HOME, NULL).network.paused, 0);
        ck_assert_int_eq(look(ctx, ada, HOME, NULL).network.failures, 10 + (int)i);
    }
}
END_TEST

START_TEST(one_pause_begins_for_all_that_were_under_way)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_failure_record_t record = note(ctx, HOME, 14);
    ck_assert_int_eq(record.begins, 1);
    ck_assert_int_eq(apr_time_sec(record.pause), 60);
    record = note(ctx, HOME, 3);
    ck_assert_int_eq(record.begins, 0);
    ck_assert_int_eq(record.failures, 17);
    ck_assert_int_eq(record.pauses, 1);
    pass(ctx, _i, 60);
    ck_assert_int_eq(look(ctx, ada, HOME, NULL).network.paused, 0);
}
END_TEST

START_TEST(failures_are_forgotten_after_their_time)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    note(ctx, HOME, 9);
    pass(ctx, _i, 880);
    ck_assert_int_eq(look(ctx, ada, HOME, NULL).network.failures, 9);
    pass(ctx, _i, 20);
    ck_assert_int_eq(look(ctx, ada, HOME, NULL).network.failures, 0);
    ck_assert_int_eq(note(ctx, HOME, 9).begins, 0);
    ck_assert_int_eq(note(ctx, HOME, 1).begins, 1);
    /* Once there was a pause, that time counts from its end. */
    pass(ctx, _i, 60 + 880);
    ck_assert_int_eq(look(ctx, ada, HOME, NULL).network.failures, 10);
    pass(ctx, _i, 20);
    ck_assert_int_eq(look(ctx, ada, HOME, NULL).network.failures, 0);
    ck_assert_int_eq(note(ctx, HOME, 1).failures, 1);
}
END_TEST

START_TEST(each_place_has_a_counter_of_its_own)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    note(ctx, HOME, 10);
    note(ctx, DEVICE, 3);
    authsvc_login_state_t state = look(ctx, ada, HOME, DEVICE);
    ck_assert_int_eq(state.network.failures, 10);
    ck_assert_int_eq(state.network.paused, 1);
    ck_assert_int_eq(state.device.failures, 3);
    ck_assert_int_eq(state.device.paused, 0);
    state = look(ctx, ada, "ip 192.0.2.2", NULL);
    ck_assert(!state.network.failures && !state.network.paused && !state.device.failures);
    state = look(ctx, eve, HOME, DEVICE);
    ck_assert(!state.network.failures && !state.network.paused && !state.device.failures);
}
END_TEST

START_TEST(the_sum_has_a_window_and_no_pause)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    ck_assert_int_eq(note(ctx, AUTHSVC_PLACE_ALL, 99).begins, 0);
    pass(ctx, _i, 3580);
    authsvc_failure_record_t record = note(ctx, AUTHSVC_PLACE_ALL, 5);
    ck_assert_int_eq(record.failures, 104);
    ck_assert_int_eq(record.begins, 0);
    ck_assert_int_eq(look(ctx, ada, HOME, NULL).account_failures, 104);
    ck_assert_int_eq(look(ctx, ada, HOME, NULL).network.failures, 0);
    pass(ctx, _i, 20);
    ck_assert_int_eq(look(ctx, ada, HOME, NULL).account_failures, 0);
    ck_assert_int_eq(note(ctx, AUTHSVC_PLACE_ALL, 1).failures, 1);
}
END_TEST

START_TEST(success_clears_one_place_and_is_remembered)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    note(ctx, HOME, 10);
    note(ctx, DEVICE, 10);
    note(ctx, AUTHSVC_PLACE_ALL, 20);
    ck_assert_ok(all->failures->clear(ctx, ada, HOME));
    authsvc_login_state_t state = look(ctx, ada, HOME, DEVICE);
    ck_assert_int_eq(state.network.failures, 0);
    ck_assert_int_eq(state.network.paused, 0);
    ck_assert_int_eq(state.device.paused, 1);
    ck_assert_int_eq(state.account_failures, 20);
    ck_assert_int_eq(state.known, 0);
    note(ctx, HOME, 2);
    ck_assert_ok(all->failures->remember(ctx, ada, HOME));
    ck_assert_ok(all->failures->remember(ctx, ada, "ip 192.0.2.7"));
    state = look(ctx, ada, HOME, NULL);
    ck_assert(state.known && state.recent);
    ck_assert_int_eq(state.network.failures, 2);
    ck_assert(look(ctx, ada, "ip 192.0.2.7", NULL).known);
    ck_assert(!look(ctx, eve, HOME, NULL).known);
    pass(ctx, _i, DAY);
    state = look(ctx, ada, HOME, NULL);
    ck_assert(state.known && !state.recent);
    note(ctx, HOME, 1);
    ck_assert(look(ctx, ada, HOME, NULL).known);
    pass(ctx, _i, 29 * DAY);
    ck_assert(!look(ctx, ada, HOME, NULL).known);
}
END_TEST

START_TEST(support_sees_and_clears_an_account)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    apr_array_header_t *entries;
    apr_int64_t cleared = 0;
    note(ctx, "ip 192.0.2.9", 4);
    note(ctx, HOME, 10);
    note(ctx, AUTHSVC_PLACE_ALL, 14);
    ck_assert_ok(all->failures->remember(ctx, ada, HOME));
    ck_assert_ok(all->failures->list(ctx, ada, &account_limit, &entries));
    ck_assert_int_eq(entries->nelts, 3);
    const authsvc_failure_entry_t *entry = (const authsvc_failure_entry_t *)entries->elts;
    ck_assert_str_eq(entry[0].place, HOME);
    ck_assert_int_eq(entry[0].failures, 10);
    ck_assert_int_gt(entry[0].paused_until, 0);
    ck_assert_int_gt(entry[0].succeeded_at, 0);
    ck_assert_int_eq(entry[1].paused_until, 0);
    ck_assert_ok(all->failures->clear_all(ctx, eve, &cleared));
    ck_assert_int_eq(cleared, 0);
    ck_assert_ok(all->failures->clear_all(ctx, ada, &cleared));
    ck_assert_int_eq(cleared, 3);
    authsvc_login_state_t state = look(ctx, ada, HOME, NULL);
    ck_assert(!state.network.paused && !state.network.failures && !state.account_failures);
    ck_assert(state.known);
}
END_TEST

static const char *rows(authsvc_ctx_t *ctx)
{
    return database_ask(ctx, "SELECT CAST(COUNT(*) AS TEXT) FROM login_failures");
}

START_TEST(what_no_longer_matters_is_purged)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    apr_int64_t removed = 0;
    note(ctx, HOME, 1);
    note(ctx, "ip 192.0.2.9", 1);
    note(ctx, DEVICE, 1);
    ck_assert_ok(all->failures->remember(ctx, ada, HOME));
    pass(ctx, _i, 1780);
    ck_assert_ok(all->failures->purge(ctx, 10, &removed));
    ck_assert_int_eq(removed, 0);
    pass(ctx, _i, 20);
    ck_assert_ok(all->failures->purge(ctx, 1, &removed));
    ck_assert_int_eq(removed, 1);
    ck_assert_ok(all->failures->purge(ctx, 10, &removed));
    ck_assert_int_eq(removed, 1);
    ck_assert_str_eq(rows(ctx), "1");
    pass(ctx, _i, 30 * DAY);
    ck_assert_ok(all->failures->purge(ctx, 10, &removed));
    ck_assert_str_eq(rows(ctx), "0");
}
END_TEST

START_TEST(two_nodes_count_together)
{
    database_t database;
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, &database);
    authsvc_ctx_t *other = database_open(unit_pool, database);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(note(ctx, HOME, 1).begins, 0);
        ck_assert_int_eq(note(other, HOME, 1).begins, i == 4);
    }
    ck_assert_int_eq(look(ctx, ada, HOME, NULL).network.paused, 1);
    ck_assert_int_eq(look(other, ada, HOME, NULL).network.paused, 1);
}
END_TEST

static apr_int64_t hold(authsvc_ctx_t *ctx, const char *place)
{
    apr_int64_t failures = -1;
    ck_assert_ok(all->failures->hold(ctx, ada, place,
                                strcmp(place, AUTHSVC_PLACE_ALL) ? &place_limit : &account_limit,
                                &failures));
    return failures;
}

/* It neither counts nor pauses, nor ends a pause. */
START_TEST(a_held_place_stays_as_it_is)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    ck_assert_int_eq(hold(ctx, HOME), 0);
    ck_assert_int_eq(look(ctx, ada, HOME, NULL).network.failures, 0);
    ck_assert_int_eq(note(ctx, HOME, 9).failures, 9);
    ck_assert_int_eq(hold(ctx, HOME), 9);
    ck_assert_int_eq(look(ctx, ada, HOME, NULL).network.paused, 0);
    ck_assert_int_eq(note(ctx, HOME, 1).begins, 1);
    ck_assert_int_eq(hold(ctx, HOME), 10);
    ck_assert_int_eq(look(ctx, ada, HOME, NULL).network.paused, 1);
    ck_assert_int_eq(note(ctx, HOME, 1).pauses, 1);
    pass(ctx, _i, 60);
    ck_assert_int_eq(hold(ctx, HOME), 11);
    ck_assert_int_eq(look(ctx, ada, HOME, NULL).network.paused, 0);
    ck_assert_int_eq(note(ctx, HOME, 1).pauses, 2);
}
END_TEST

/* What is over is nothing that a record adds to. */
START_TEST(a_held_place_tells_what_still_counts)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    note(ctx, HOME, 9);
    note(ctx, DEVICE, 12);
    note(ctx, AUTHSVC_PLACE_ALL, 30);
    pass(ctx, _i, 899);
    ck_assert_int_eq(hold(ctx, HOME), 9);
    pass(ctx, _i, 1);
    ck_assert_int_eq(hold(ctx, HOME), 0);
    ck_assert_int_eq(note(ctx, HOME, 2).failures, 2);
    ck_assert_int_eq(hold(ctx, HOME), 2);
    ck_assert_int_eq(hold(ctx, DEVICE), 12);
    pass(ctx, _i, 60);
    ck_assert_int_eq(hold(ctx, DEVICE), 0);
    ck_assert_int_eq(hold(ctx, AUTHSVC_PLACE_ALL), 30);
    pass(ctx, _i, 3600 - 960);
    ck_assert_int_eq(hold(ctx, AUTHSVC_PLACE_ALL), 0);
}
END_TEST

START_TEST(an_unseen_registration_makes_an_account_or_none)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t user = {
        .email = "ada@example.org", .password_hash = FIXTURE_HASH, .name = "Ada", .role = "user"};
    authsvc_user_t *found;
    int created = 0;
    user.id = authsvc_uuid_v7(ctx->pool, apr_time_now());
    ck_assert_ok(authsvc_repositories.users->insert_unseen(ctx, &user, ada, &created));
    ck_assert_int_eq(created, 1);
    const char *first = user.id;
    const char *row = database_ask(ctx, USER_ROWS);
    user.id = authsvc_uuid_v7(ctx->pool, apr_time_now());
    user.name = "Eve";
    user.password_hash = FIXTURE_HASH "2";
    ck_assert_ok(authsvc_repositories.users->insert_unseen(ctx, &user, ada, &created));
    ck_assert_int_eq(created, 0);
    ck_assert_ok(authsvc_repositories.users->find_by_email(ctx, "ada@example.org", &found));
    ck_assert_str_eq(found->id, first);
    ck_assert_str_eq(database_ask(ctx, USER_ROWS), row);
    authsvc_login_state_t state = look(ctx, ada, HOME, NULL);
    ck_assert(!state.network.failures && !state.account_failures && !state.known);
    ck_assert_str_eq(rows(ctx), _i == ON_PGSQL ? "1" : "0");
    ck_assert_str_eq(database_ask(ctx, "SELECT CAST(COUNT(*) AS TEXT) FROM users"), "1");
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_login_failures)
{
    Suite *suite = suite_create("login_failures");
    TCase *tcase = unit_tcase(suite, "login_failures");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, nothing_is_known_at_first, 0, ENGINES);
    tcase_add_loop_test(tcase, pauses_begin_at_the_limit_and_double, 0, ENGINES);
    tcase_add_loop_test(tcase, one_pause_begins_for_all_that_were_under_way, 0, ENGINES);
    tcase_add_loop_test(tcase, failures_are_forgotten_after_their_time, 0, ENGINES);
    tcase_add_loop_test(tcase, each_place_has_a_counter_of_its_own, 0, ENGINES);
    tcase_add_loop_test(tcase, the_sum_has_a_window_and_no_pause, 0, ENGINES);
    tcase_add_loop_test(tcase, success_clears_one_place_and_is_remembered, 0, ENGINES);
    tcase_add_loop_test(tcase, support_sees_and_clears_an_account, 0, ENGINES);
    tcase_add_loop_test(tcase, what_no_longer_matters_is_purged, 0, ENGINES);
    tcase_add_loop_test(tcase, two_nodes_count_together, 0, ENGINES);
    tcase_add_loop_test(tcase, a_held_place_stays_as_it_is, 0, ENGINES);
    tcase_add_loop_test(tcase, a_held_place_tells_what_still_counts, 0, ENGINES);
    tcase_add_loop_test(tcase, an_unseen_registration_makes_an_account_or_none, 0, ENGINES);
    return suite;
}
