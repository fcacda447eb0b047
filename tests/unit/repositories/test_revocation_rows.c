/* SPDX-License-Identifier: Apache-2.0 */
#include "databases.h"

#include <apr_time.h>

#include "authsvc/core/settings.h"
#include "authsvc/db/provider.h"
#include "authsvc/repositories/repositories.h"
#include "fixture.h"

/* What is written when sessions end, and what the feed tells of it, once for each engine. */

#define MINUTE 60
#define TOKEN_LIFE 900 /* by the migration */

static const authsvc_session_limits_t day = {
    .idle = apr_time_from_sec(86400),
    .absolute = apr_time_from_sec(86400),
    .grace = apr_time_from_sec(30),
};
static const unsigned char nonce_hash[AUTHSVC_NONCE_HASH_OCTETS] = {1, 2, 3};

static const authsvc_repositories_t *const repositories = &authsvc_repositories;

static authsvc_session_ref_t new_session_of_many(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                                 int most, int *others)
{
    authsvc_session_limits_t limits = day;
    authsvc_session_t session = {
        .id = authsvc_uuid_v7(ctx->pool, apr_time_now()),
        .ip = "2001:db8::1",
        .user_agent = "unit/1.0",
    };
    int created = 0;
    limits.most = most;
    memcpy(session.nonce_hash, nonce_hash, sizeof(nonce_hash));
    ck_assert_ok(repositories->sessions->insert(ctx, &session, user, &limits, &created, others));
    ck_assert_int_eq(created, 1);
    return (authsvc_session_ref_t){session.id, user->id, 0};
}

static authsvc_session_ref_t new_session(authsvc_ctx_t *ctx, const authsvc_user_t *user)
{
    int others;
    return new_session_of_many(ctx, user, 0, &others);
}

static authsvc_session_token_t token_of(const authsvc_session_ref_t *session)
{
    authsvc_session_token_t token = {.session_id = session->session_id};
    memcpy(token.nonce_hash, nonce_hash, sizeof(nonce_hash));
    return token;
}

static int is_alive(authsvc_ctx_t *ctx, const authsvc_session_ref_t *session)
{
    authsvc_user_t *user;
    ck_assert_ok(repositories->sessions->find_user(ctx, session, &day, &user));
    return user != NULL;
}

static const authsvc_revocation_t *entry_of(const apr_array_header_t *revoked, const char *id)
{
    for (int i = 0; i < revoked->nelts; i++) {
        const authsvc_revocation_t *entry = &APR_ARRAY_IDX(revoked, i, authsvc_revocation_t);
        if (strcmp(entry->id, id) == 0) {
            return entry;
        }
    }
    return NULL;
}

static void check_entry(const apr_array_header_t *revoked, const char *id, apr_int64_t epoch,
                        int seconds)
{
    const authsvc_revocation_t *entry = entry_of(revoked, id);
    ck_assert_ptr_nonnull(entry);
    ck_assert_int_eq(entry->epoch, epoch);
    ck_assert_int_le(apr_time_sec(entry->lifetime), seconds);
    ck_assert_int_gt(apr_time_sec(entry->lifetime), seconds - 20);
}

static authsvc_revocation_feed_t poll(authsvc_ctx_t *ctx, apr_int64_t from)
{
    authsvc_revocation_feed_t feed = {0};
    ck_assert_ok(repositories->revocations->poll(ctx, from, &feed));
    ck_assert_int_gt(feed.next, 0);
    ck_assert_int_eq(feed.is_standby, 0);
    return feed;
}

START_TEST(the_end_of_a_session_is_told)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    authsvc_session_ref_t one = new_session(ctx, ada), other = new_session(ctx, ada);
    const authsvc_session_token_t token = token_of(&one);
    authsvc_revocation_feed_t feed = poll(ctx, 0);
    apr_array_header_t *revoked;
    ck_assert_int_eq(feed.revoked->nelts, 0);
    ck_assert_ok(repositories->sessions->revoke(ctx, &token, &revoked));
    ck_assert_int_eq(revoked->nelts, 1);
    check_entry(revoked, one.session_id, 0, TOKEN_LIFE + MINUTE);
    ck_assert(!is_alive(ctx, &one));
    ck_assert(is_alive(ctx, &other));
    feed = poll(ctx, feed.next);
    ck_assert_int_eq(feed.revoked->nelts, 1);
    check_entry(feed.revoked, one.session_id, 0, TOKEN_LIFE + MINUTE);
    ck_assert_int_eq(poll(ctx, feed.next + 1).revoked->nelts, 0);
    ck_assert_int_eq(poll(ctx, 0).revoked->nelts, 1);
    /* a second end is none */
    ck_assert_ok(repositories->sessions->revoke(ctx, &token, &revoked));
    ck_assert_int_eq(revoked->nelts, 0);
    ck_assert_int_eq(poll(ctx, 0).revoked->nelts, 1);
}
END_TEST

START_TEST(all_sessions_of_a_user_are_told_with_their_epochs)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    authsvc_session_ref_t first = new_session(ctx, ada), second;
    authsvc_session_ref_t bobs = new_session(ctx, fixture_new_user(ctx, "bob@example.org"));
    apr_array_header_t *revoked;
    ck_assert_ok(repositories->sessions->raise_epochs(ctx, ada->id, &revoked));
    ck_assert_int_eq(revoked->nelts, 1);
    check_entry(revoked, first.session_id, 0, TOKEN_LIFE + MINUTE);
    ck_assert(!is_alive(ctx, &first));
    first.epoch = 1;
    ck_assert(is_alive(ctx, &first));
    second = new_session(ctx, ada);
    ck_assert_ok(repositories->sessions->revoke_all(ctx, ada->id, &revoked));
    ck_assert_int_eq(revoked->nelts, 2);
    check_entry(revoked, first.session_id, 1, TOKEN_LIFE + MINUTE);
    check_entry(revoked, second.session_id, 0, TOKEN_LIFE + MINUTE);
    ck_assert(!is_alive(ctx, &first) && !is_alive(ctx, &second) && is_alive(ctx, &bobs));
    ck_assert_int_eq(poll(ctx, 0).revoked->nelts, 3);
    ck_assert_ok(repositories->sessions->raise_epochs(ctx, ada->id, &revoked));
    ck_assert_int_eq(revoked->nelts, 0);
}
END_TEST

START_TEST(a_user_ends_sessions_of_his_own)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    authsvc_session_ref_t asking = new_session(ctx, ada), other = new_session(ctx, ada);
    authsvc_session_ref_t bobs = new_session(ctx, fixture_new_user(ctx, "bob@example.org"));
    authsvc_session_ref_t stale = asking;
    const authsvc_sessions_repository_t *sessions = repositories->sessions;
    apr_array_header_t *revoked;
    stale.epoch = 1;
    ck_assert_ok(sessions->revoke_one(ctx, bobs.session_id, &asking, &day, &revoked));
    ck_assert_int_eq(revoked->nelts, 0);
    ck_assert_ok(sessions->revoke_one(ctx, other.session_id, &stale, &day, &revoked));
    ck_assert_int_eq(revoked->nelts, 0);
    ck_assert(is_alive(ctx, &bobs) && is_alive(ctx, &other));
    ck_assert_int_eq(poll(ctx, 0).revoked->nelts, 0);
    ck_assert_ok(sessions->revoke_one(ctx, other.session_id, &asking, &day, &revoked));
    check_entry(revoked, other.session_id, 0, TOKEN_LIFE + MINUTE);
    ck_assert(!is_alive(ctx, &other));
    ck_assert_ok(sessions->revoke_one(ctx, other.session_id, &asking, &day, &revoked));
    ck_assert_int_eq(revoked->nelts, 0);
    ck_assert_ok(sessions->revoke_one(ctx, asking.session_id, &asking, &day, &revoked));
    check_entry(revoked, asking.session_id, 0, TOKEN_LIFE + MINUTE);
    ck_assert(!is_alive(ctx, &asking));
    ck_assert_int_eq(poll(ctx, 0).revoked->nelts, 2);
}
END_TEST

START_TEST(a_list_has_the_living_sessions_of_one_user)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    authsvc_session_ref_t first = new_session(ctx, ada), second = new_session(ctx, ada);
    authsvc_session_ref_t ended = new_session(ctx, ada), stale = first;
    const authsvc_session_token_t token = token_of(&ended), rotated = token_of(&second);
    const authsvc_session_entry_t *entry;
    apr_array_header_t *entries, *revoked;
    authsvc_user_t *user;
    apr_int64_t epoch;
    new_session(ctx, fixture_new_user(ctx, "bob@example.org"));
    ck_assert_ok(repositories->sessions->revoke(ctx, &token, &revoked));
    ck_assert_ok(repositories->sessions->rotate(ctx, &rotated, &day, &user, &epoch));
    ck_assert_ok(repositories->sessions->list(ctx, &first, &day, &entries));
    ck_assert_int_eq(entries->nelts, 2);
    entry = &APR_ARRAY_IDX(entries, 0, authsvc_session_entry_t);
    ck_assert_str_eq(entry->id, first.session_id); /* the asking one comes first */
    ck_assert_int_eq(entry->last_used_at, entry->created_at);
    ck_assert_str_eq(entry->ip, "2001:db8::1");
    ck_assert_str_eq(entry->user_agent, "unit/1.0");
    entry = &APR_ARRAY_IDX(entries, 1, authsvc_session_entry_t);
    ck_assert_str_eq(entry->id, second.session_id);
    ck_assert_int_gt(entry->last_used_at, entry->created_at);
    /* for a session that is over there is none */
    stale.epoch = 1;
    ck_assert_ok(repositories->sessions->list(ctx, &stale, &day, &entries));
    ck_assert_int_eq(entries->nelts, 0);
    ck_assert_ok(repositories->sessions->list(ctx, &ended, &day, &entries));
    ck_assert_int_eq(entries->nelts, 0);
}
END_TEST

START_TEST(the_oldest_sessions_end)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    authsvc_session_limits_t three = day;
    authsvc_session_ref_t made[5];
    apr_array_header_t *revoked;
    three.most = 3;
    new_session(ctx, fixture_new_user(ctx, "bob@example.org"));
    for (int i = 0; i < 5; i++) {
        int others;
        made[i] = new_session_of_many(ctx, ada, 3, &others);
        ck_assert_int_eq(others, i < 3 ? i : 3);
        apr_sleep(2000);
    }
    ck_assert_ok(repositories->sessions->revoke_surplus(ctx, ada->id, &three, &revoked));
    ck_assert_int_eq(revoked->nelts, 2);
    check_entry(revoked, made[0].session_id, 0, TOKEN_LIFE + MINUTE);
    check_entry(revoked, made[1].session_id, 0, TOKEN_LIFE + MINUTE);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(is_alive(ctx, &made[i]), i >= 2);
    }
    ck_assert_int_eq(poll(ctx, 0).revoked->nelts, 2);
    ck_assert_ok(repositories->sessions->revoke_surplus(ctx, ada->id, &three, &revoked));
    ck_assert_int_eq(revoked->nelts, 0);
}
END_TEST

START_TEST(an_entry_of_a_user_is_ahead_of_its_commit)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    authsvc_node_state_t state;
    apr_array_header_t *revoked;
    const authsvc_revocation_t *entry;
    ck_assert_ok(repositories->revocations->add_user(ctx, ada->id, &revoked));
    ck_assert_ok(repositories->node->inspect(ctx, &state));
    ck_assert_int_eq(revoked->nelts, 1);
    entry = entry_of(revoked, ada->id);
    ck_assert_ptr_nonnull(entry);
    ck_assert_int_ge(entry->epoch, apr_time_sec(state.database_now));
    ck_assert_int_le(entry->epoch, apr_time_sec(state.database_now) + 10);
    ck_assert_int_eq(poll(ctx, 0).revoked->nelts, 1);
}
END_TEST

START_TEST(entries_live_as_long_as_any_nodes_tokens)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    authsvc_settings_t settings;
    apr_array_header_t *revoked;
    authsvc_settings_init(&settings, unit_pool);
    ctx->settings = &settings;
    /* its own, if they live longer */
    settings.access_lifetime = apr_time_from_sec(7200);
    ck_assert_ok(repositories->revocations->add_user(ctx, ada->id, &revoked));
    check_entry(revoked, ada->id, APR_ARRAY_IDX(revoked, 0, authsvc_revocation_t).epoch,
                7200 + MINUTE);
    /* and another's */
    ck_assert_ok(repositories->revocations->record_lifetime(ctx, apr_time_from_sec(3600)));
    ck_assert_ok(repositories->revocations->record_lifetime(ctx, apr_time_from_sec(60)));
    settings.access_lifetime = apr_time_from_sec(5);
    ck_assert_ok(repositories->revocations->add_user(ctx, ada->id, &revoked));
    check_entry(revoked, ada->id, APR_ARRAY_IDX(revoked, 0, authsvc_revocation_t).epoch,
                3600 + MINUTE);
}
END_TEST

static void let_all_expire(authsvc_ctx_t *ctx, int engine)
{
    database_exec(ctx, engine == ON_PGSQL ? "UPDATE revocations SET expires_at = now()"
                                          : "UPDATE revocations SET expires_at = authsvc_now()");
}

START_TEST(expired_entries_are_not_told_and_go)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    const authsvc_revocations_repository_t *feed = repositories->revocations;
    apr_array_header_t *revoked;
    apr_int64_t removed = -1, before;
    for (int i = 0; i < 5; i++) {
        new_session(ctx, ada);
    }
    ck_assert_ok(repositories->sessions->revoke_all(ctx, ada->id, &revoked));
    ck_assert_ok(feed->purge(ctx, 10, &removed));
    ck_assert_int_eq(removed, 0);
    before = poll(ctx, 0).next;
    let_all_expire(ctx, _i);
    ck_assert_int_eq(poll(ctx, 0).revoked->nelts, 0);
    ck_assert_ok(feed->purge(ctx, 2, &removed));
    ck_assert_int_eq(removed, 2);
    ck_assert_ok(feed->purge(ctx, 10, &removed));
    ck_assert_int_ge(removed, 2);
    ck_assert_ok(feed->purge(ctx, 10, &removed));
    ck_assert_int_eq(removed, 0);
    /* numbers do not begin again */
    ck_assert_int_ge(poll(ctx, 0).next, before);
    ck_assert_ok(feed->add_user(ctx, ada->id, &revoked));
    ck_assert_int_eq(poll(ctx, before).revoked->nelts, 1);
}
END_TEST

static authsvc_error_t *fail_after_the_end(authsvc_ctx_t *ctx, void *baton)
{
    apr_array_header_t *revoked;
    AUTHSVC_TRY(repositories->sessions->revoke_all(ctx, baton, &revoked));
    ck_assert_int_eq(revoked->nelts, 1);
    return AUTHSVC_INTERNAL(ctx->pool, "on purpose");
}

START_TEST(what_is_rolled_back_was_not_told)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    authsvc_session_ref_t session = new_session(ctx, ada);
    char id[AUTHSVC_UUID_TEXT + 1];
    apr_cpystrn(id, ada->id, sizeof(id));
    ck_assert_code(repositories->transaction(ctx, fail_after_the_end, id), AUTHSVC_E_INTERNAL);
    ck_assert(is_alive(ctx, &session));
    ck_assert_int_eq(poll(ctx, 0).revoked->nelts, 0);
}
END_TEST

/* On SQLite it is two statements: without a place to write the entry, the session lives on. */
START_TEST(no_session_ends_untold)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, NULL);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    authsvc_session_ref_t session = new_session(ctx, ada);
    const authsvc_session_token_t token = token_of(&session);
    apr_array_header_t *revoked;
    database_exec(ctx, _i == ON_PGSQL
                           ? "ALTER TABLE sessions ADD CONSTRAINT x CHECK (revoked_at IS NULL)"
                           : "CREATE TRIGGER x BEFORE UPDATE OF revoked_at ON sessions"
                             " BEGIN SELECT RAISE(ABORT, 'no'); END");
    ck_assert_ptr_nonnull(repositories->sessions->revoke(ctx, &token, &revoked));
    ck_assert_int_eq(poll(ctx, 0).revoked->nelts, 0);
    database_exec(ctx, _i == ON_PGSQL ? "ALTER TABLE sessions DROP CONSTRAINT x"
                                      : "DROP TRIGGER x");
    database_exec(ctx, "ALTER TABLE revocations RENAME TO elsewhere");
    ck_assert_ptr_nonnull(repositories->sessions->revoke(ctx, &token, &revoked));
    database_exec(ctx, "ALTER TABLE elsewhere RENAME TO revocations");
    ck_assert(is_alive(ctx, &session));
    ck_assert_ok(repositories->sessions->revoke(ctx, &token, &revoked));
    ck_assert_int_eq(revoked->nelts, 1);
}
END_TEST

/* The reason for transaction ids: a lower number may be committed after a higher one was read. */
START_TEST(an_entry_that_is_committed_late_is_not_missed)
{
    database_t database;
    authsvc_ctx_t *ctx = database_migrated(unit_pool, ON_PGSQL, &database);
    authsvc_ctx_t *slow = database_open(unit_pool, database);
    authsvc_user_t *ada = fixture_new_user(ctx, "ada@example.org");
    authsvc_user_t *bob = fixture_new_user(ctx, "bob@example.org");
    authsvc_revocation_feed_t feed;
    apr_array_header_t *revoked;
    database_exec(slow, "BEGIN");
    database_exec(slow, apr_psprintf(unit_pool, "INSERT INTO revocations (session_id, epoch,"
                                                " expires_at) VALUES ('%s', 1, now() +"
                                                " interval '1 minute')", ada->id));
    ck_assert_ok(repositories->revocations->add_user(ctx, bob->id, &revoked));
    feed = poll(ctx, 0);
    ck_assert_ptr_nonnull(entry_of(feed.revoked, bob->id));
    ck_assert_ptr_null(entry_of(feed.revoked, ada->id));
    database_exec(slow, "COMMIT");
    feed = poll(ctx, feed.next);
    ck_assert_ptr_nonnull(entry_of(feed.revoked, ada->id));
    feed = poll(ctx, feed.next);
    ck_assert_int_eq(feed.revoked->nelts, 0);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_revocation_rows)
{
    Suite *suite = suite_create("revocation-rows");
    TCase *tcase = unit_tcase(suite, "entries");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, the_end_of_a_session_is_told, 0, ENGINES);
    tcase_add_loop_test(tcase, all_sessions_of_a_user_are_told_with_their_epochs, 0, ENGINES);
    tcase_add_loop_test(tcase, a_user_ends_sessions_of_his_own, 0, ENGINES);
    tcase_add_loop_test(tcase, a_list_has_the_living_sessions_of_one_user, 0, ENGINES);
    tcase_add_loop_test(tcase, the_oldest_sessions_end, 0, ENGINES);
    tcase_add_loop_test(tcase, an_entry_of_a_user_is_ahead_of_its_commit, 0, ENGINES);
    tcase_add_loop_test(tcase, entries_live_as_long_as_any_nodes_tokens, 0, ENGINES);
    tcase_add_loop_test(tcase, expired_entries_are_not_told_and_go, 0, ENGINES);
    tcase_add_loop_test(tcase, what_is_rolled_back_was_not_told, 0, ENGINES);
    tcase_add_loop_test(tcase, no_session_ends_untold, 0, ENGINES);
    tcase_add_test(tcase, an_entry_that_is_committed_late_is_not_missed);
    return suite;
}
