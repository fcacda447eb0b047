/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include "authsvc/crypto/crypto.h"
#include "authsvc/crypto/password.h"

fake_t fake;

static const unsigned char database_id[AUTHSVC_UUID_OCTETS] = {1, 2, 3, 4};

authsvc_error_t *fake_called(authsvc_ctx_t *ctx)
{
    if (++fake.calls == fake.fail_at) {
        authsvc_error_t *err =
            AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL, "made to fail");
        err->unknown_outcome = fake.unknown_outcome;
        return err;
    }
    return NULL;
}

static authsvc_user_t *copy_user(authsvc_ctx_t *ctx, const fake_user_t *user)
{
    authsvc_user_t *copy = apr_pmemdup(ctx->pool, &user->row, sizeof(user->row));
    copy->id = apr_pstrdup(ctx->pool, user->id);
    copy->email = apr_pstrdup(ctx->pool, user->email);
    copy->password_hash = apr_pstrdup(ctx->pool, user->hash);
    copy->name = apr_pstrdup(ctx->pool, user->name);
    copy->role = apr_pstrdup(ctx->pool, user->row.role);
    return copy;
}

static fake_user_t *user_by_email(const char *email)
{
    for (int i = 0; i < fake.n_users; i++) {
        if (!strcmp(fake.users[i].email, email)) {
            return &fake.users[i];
        }
    }
    return NULL;
}

static fake_user_t *user_by_id(const char *id)
{
    for (int i = 0; i < fake.n_users; i++) {
        if (!strcmp(fake.users[i].id, id)) {
            return &fake.users[i];
        }
    }
    return NULL;
}

static fake_session_t *session_by_id(const char *id)
{
    for (int i = 0; i < fake.n_sessions; i++) {
        if (!strcmp(fake.sessions[i].id, id)) {
            return &fake.sessions[i];
        }
    }
    return NULL;
}

static int session_alive(const fake_session_t *session, const authsvc_session_limits_t *limits)
{
    apr_time_t used = session->rotated_at ? session->rotated_at : session->created_at;
    return !session->revoked_at && !session->user->row.deleted_at &&
           used > fake.now - limits->idle && session->created_at > fake.now - limits->absolute;
}

/* Roles are kept as constants: a row may outlive the pool of who set it. */
static const char *same_role(const char *role)
{
    ck_assert(!strcmp(role, AUTHSVC_ROLE_USER) || !strcmp(role, AUTHSVC_ROLE_ADMIN));
    return strcmp(role, AUTHSVC_ROLE_ADMIN) ? AUTHSVC_ROLE_USER : AUTHSVC_ROLE_ADMIN;
}

static authsvc_error_t *users_insert(authsvc_ctx_t *ctx, authsvc_user_t *user, int *created)
{
    AUTHSVC_TRY(fake_called(ctx));
    *created = user_by_email(user->email) == NULL;
    if (*created) {
        ck_assert_int_lt(fake.n_users, FAKE_ROWS);
        fake_user_t *row = &fake.users[fake.n_users++];
        memset(row, 0, sizeof(*row));
        apr_cpystrn(row->id, user->id, sizeof(row->id));
        apr_cpystrn(row->email, user->email, sizeof(row->email));
        apr_cpystrn(row->hash, user->password_hash, sizeof(row->hash));
        apr_cpystrn(row->name, user->name, sizeof(row->name));
        row->row.role = same_role(user->role);
        row->row.created_at = user->created_at = fake.now;
        user->email_verified = 0;
    }
    return NULL;
}

static authsvc_error_t *users_insert_unseen(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                            const unsigned char *account, int *created)
{
    authsvc_user_t copy = *user;
    ck_assert_ptr_nonnull(account);
    return users_insert(ctx, &copy, created);
}

static authsvc_user_t *read_user(authsvc_ctx_t *ctx, const fake_user_t *row)
{
    authsvc_user_t *user = row ? copy_user(ctx, row) : NULL;
    if (user) {
        user->read_at = fake.now;
    }
    return user;
}

static authsvc_error_t *users_find_by_email(authsvc_ctx_t *ctx, const char *email,
                                            authsvc_user_t **user)
{
    AUTHSVC_TRY(fake_called(ctx));
    *user = read_user(ctx, user_by_email(email));
    return NULL;
}

static authsvc_error_t *users_find_by_id(authsvc_ctx_t *ctx, const char *id, authsvc_user_t **user)
{
    AUTHSVC_TRY(fake_called(ctx));
    *user = read_user(ctx, user_by_id(id));
    return NULL;
}

static authsvc_error_t *users_list(authsvc_ctx_t *ctx, const authsvc_user_page_t *page,
                                   apr_array_header_t **users)
{
    int i = 0;
    AUTHSVC_TRY(fake_called(ctx));
    *users = apr_array_make(ctx->pool, FAKE_ROWS, sizeof(authsvc_user_t *));
    while (page->after && i < fake.n_users &&
           strcmp(fake.users[i++].id, page->after->id) != 0) {
    }
    for (; i < fake.n_users && (*users)->nelts < page->limit; i++) {
        if (!page->role || !strcmp(page->role, fake.users[i].row.role)) {
            APR_ARRAY_PUSH(*users, authsvc_user_t *) = copy_user(ctx, &fake.users[i]);
        }
    }
    return NULL;
}

static authsvc_error_t *users_set_role(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                       const char *role, authsvc_user_t **changed)
{
    if (fake.before_change) {
        fake.before_change();
    }
    AUTHSVC_TRY(fake_called(ctx));
    ck_assert_int_eq(fake.in_transaction, 1);
    fake_user_t *row = user_by_id(user->id);
    *changed = NULL;
    if (row && !strcmp(row->row.role, user->role)) {
        row->row.role = same_role(role);
        *changed = copy_user(ctx, row);
    }
    return NULL;
}

static authsvc_error_t *users_lock_admins(authsvc_ctx_t *ctx, const char *id, apr_int64_t *others)
{
    AUTHSVC_TRY(fake_called(ctx));
    ck_assert_int_eq(fake.in_transaction, 1);
    *others = 0;
    for (int i = 0; i < fake.n_users; i++) {
        const authsvc_user_t *row = &fake.users[i].row;
        *others += !strcmp(row->role, AUTHSVC_ROLE_ADMIN) && !row->deleted_at &&
                   strcmp(fake.users[i].id, id) != 0;
    }
    return NULL;
}

static authsvc_error_t *users_replace_hash(authsvc_ctx_t *ctx, const char *id,
                                           const char *old_hash, const char *new_hash,
                                           int *replaced)
{
    AUTHSVC_TRY(fake_called(ctx));
    fake_user_t *row = user_by_id(id);
    *replaced = row && !strcmp(row->hash, old_hash);
    if (*replaced) {
        apr_cpystrn(row->hash, new_hash, sizeof(row->hash));
    }
    return NULL;
}

static authsvc_error_t *sessions_find_user(authsvc_ctx_t *ctx,
                                           const authsvc_session_ref_t *session,
                                           const authsvc_session_limits_t *limits,
                                           authsvc_user_t **user)
{
    AUTHSVC_TRY(fake_called(ctx));
    fake_session_t *row = session_by_id(session->session_id);
    *user = NULL;
    if (row && !strcmp(row->user->id, session->user_id) && row->epoch == session->epoch &&
        session_alive(row, limits)) {
        *user = copy_user(ctx, row->user);
    }
    return NULL;
}

static authsvc_error_t *users_rename(authsvc_ctx_t *ctx, const authsvc_session_ref_t *session,
                                     const authsvc_session_limits_t *limits, const char *name,
                                     authsvc_user_t **user)
{
    AUTHSVC_TRY(sessions_find_user(ctx, session, limits, user));
    if (*user) {
        apr_cpystrn(user_by_id((*user)->id)->name, name, sizeof(fake.users[0].name));
        (*user)->name = apr_pstrdup(ctx->pool, name);
    }
    return NULL;
}

static int is_unchanged(const fake_user_t *row, const authsvc_user_t *user)
{
    return row && !row->row.deleted_at && !strcmp(row->hash, user->password_hash) &&
           !strcmp(row->row.role, user->role);
}

static authsvc_error_t *users_mark_deleted(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                           int *deleted)
{
    if (fake.before_change) {
        fake.before_change();
    }
    AUTHSVC_TRY(fake_called(ctx));
    ck_assert_int_eq(fake.in_transaction, 1);
    fake_user_t *row = user_by_id(user->id);
    *deleted = is_unchanged(row, user);
    if (*deleted) {
        row->row.deleted_at = fake.now;
    }
    return NULL;
}

static authsvc_error_t *sessions_insert(authsvc_ctx_t *ctx, const authsvc_session_t *session,
                                        const authsvc_user_t *owner,
                                        const authsvc_session_limits_t *limits, int *created,
                                        int *others)
{
    if (fake.before_insert) {
        fake.before_insert();
    }
    AUTHSVC_TRY(fake_called(ctx));
    fake_user_t *user = user_by_id(owner->id);
    *created = is_unchanged(user, owner);
    *others = 0;
    for (int i = 0; user && i < fake.n_sessions && *others < limits->most; i++) {
        *others += fake.sessions[i].user == user && session_alive(&fake.sessions[i], limits);
    }
    if (*created) {
        ck_assert_int_lt(fake.n_sessions, FAKE_ROWS);
        fake_session_t *row = &fake.sessions[fake.n_sessions++];
        memset(row, 0, sizeof(*row));
        apr_cpystrn(row->id, session->id, sizeof(row->id));
        apr_cpystrn(row->user_agent, session->user_agent ? session->user_agent : "",
                    sizeof(row->user_agent));
        apr_cpystrn(row->ip, session->ip ? session->ip : "", sizeof(row->ip));
        memcpy(row->nonce_hash, session->nonce_hash, sizeof(row->nonce_hash));
        row->user = user;
        row->created_at = fake.now;
    }
    return NULL;
}

static fake_session_t *session_by_token(const authsvc_session_token_t *token)
{
    fake_session_t *row = session_by_id(token->session_id);
    return row && !memcmp(row->nonce_hash, token->nonce_hash, sizeof(row->nonce_hash)) ? row : NULL;
}

static void move_on(authsvc_ctx_t *ctx, fake_session_t *row, const authsvc_session_token_t *token,
                    authsvc_user_t **user, apr_int64_t *epoch)
{
    row->counter = token->counter + 1;
    row->rotated_at = fake.now;
    *epoch = row->epoch;
    *user = copy_user(ctx, row->user);
}

static authsvc_error_t *sessions_rotate(authsvc_ctx_t *ctx, const authsvc_session_token_t *token,
                                        const authsvc_session_limits_t *limits,
                                        authsvc_user_t **user, apr_int64_t *epoch)
{
    AUTHSVC_TRY(fake_called(ctx));
    *user = NULL;
    if (fake.rotations_refused > 0) {
        fake.rotations_refused--;
        return NULL;
    }
    fake_session_t *row = session_by_token(token);
    if (row && session_alive(row, limits) && row->counter == token->counter &&
        (!row->rotated_at || row->rotated_at <= fake.now - limits->grace)) {
        move_on(ctx, row, token, user, epoch);
    }
    return NULL;
}

static authsvc_error_t *sessions_recover(authsvc_ctx_t *ctx, const authsvc_session_token_t *token,
                                         const authsvc_session_limits_t *limits,
                                         authsvc_user_t **user, apr_int64_t *epoch)
{
    AUTHSVC_TRY(fake_called(ctx));
    fake_session_t *row = session_by_token(token);
    *user = NULL;
    if (row && session_alive(row, limits) && row->counter < token->counter &&
        row->counter >= token->counter - 16) {
        move_on(ctx, row, token, user, epoch);
    }
    return NULL;
}

static authsvc_error_t *sessions_inspect(authsvc_ctx_t *ctx, const authsvc_session_token_t *token,
                                         const authsvc_session_limits_t *limits,
                                         authsvc_session_state_t **state, authsvc_user_t **user)
{
    AUTHSVC_TRY(fake_called(ctx));
    fake_session_t *row = session_by_token(token);
    *state = NULL;
    *user = NULL;
    if (row) {
        *state = apr_pcalloc(ctx->pool, sizeof(**state));
        (*state)->counter = row->counter;
        (*state)->epoch = row->epoch;
        (*state)->alive = session_alive(row, limits);
        (*state)->within_grace = row->rotated_at && row->rotated_at > fake.now - limits->grace;
        (*state)->age = fake.now - (row->rotated_at ? row->rotated_at : row->created_at);
        *user = copy_user(ctx, row->user);
    }
    return NULL;
}

/* What a session or a user is revoked by. */
static void write_entry(apr_array_header_t *revoked, const char *id, apr_int64_t epoch)
{
    ck_assert_int_lt(fake.n_revoked, FAKE_REVOCATIONS);
    authsvc_revocation_t *entry = apr_array_push(revoked);
    entry->id = apr_pstrdup(fake.pool, id);
    entry->epoch = epoch;
    entry->lifetime = apr_time_from_sec(960);
    fake.revoked[fake.n_revoked++] = *entry;
}

static apr_array_header_t *no_entries(authsvc_ctx_t *ctx)
{
    return apr_array_make(ctx->pool, FAKE_ROWS, sizeof(authsvc_revocation_t));
}

static void end_session(fake_session_t *row, apr_array_header_t *revoked)
{
    row->revoked_at = fake.now;
    write_entry(revoked, row->id, row->epoch);
}

static authsvc_error_t *sessions_revoke(authsvc_ctx_t *ctx, const authsvc_session_token_t *token,
                                        apr_array_header_t **revoked)
{
    AUTHSVC_TRY(fake_called(ctx));
    fake_session_t *row = session_by_token(token);
    *revoked = no_entries(ctx);
    if (row && !row->revoked_at) {
        end_session(row, *revoked);
    }
    return NULL;
}

static int asks(const authsvc_session_ref_t *session, const authsvc_session_limits_t *limits)
{
    const fake_session_t *row = session_by_id(session->session_id);
    return row && !strcmp(row->user->id, session->user_id) && row->epoch == session->epoch &&
           session_alive(row, limits);
}

static authsvc_error_t *sessions_list(authsvc_ctx_t *ctx, const authsvc_session_ref_t *session,
                                      const authsvc_session_limits_t *limits,
                                      apr_array_header_t **entries)
{
    AUTHSVC_TRY(fake_called(ctx));
    *entries = apr_array_make(ctx->pool, FAKE_ROWS, sizeof(authsvc_session_entry_t));
    for (int i = 0; i < fake.n_sessions && asks(session, limits); i++) {
        const fake_session_t *row = &fake.sessions[i];
        if (!strcmp(row->user->id, session->user_id) && session_alive(row, limits)) {
            authsvc_session_entry_t *entry = apr_array_push(*entries);
            entry->id = apr_pstrdup(ctx->pool, row->id);
            entry->created_at = row->created_at;
            entry->last_used_at = row->rotated_at ? row->rotated_at : row->created_at;
            entry->ip = row->ip[0] ? apr_pstrdup(ctx->pool, row->ip) : NULL;
            entry->user_agent = row->user_agent[0] ? apr_pstrdup(ctx->pool, row->user_agent) : NULL;
        }
    }
    return NULL;
}

static authsvc_error_t *sessions_revoke_one(authsvc_ctx_t *ctx, const char *id,
                                            const authsvc_session_ref_t *session,
                                            const authsvc_session_limits_t *limits,
                                            apr_array_header_t **revoked)
{
    AUTHSVC_TRY(fake_called(ctx));
    fake_session_t *row = session_by_id(id);
    *revoked = no_entries(ctx);
    if (row && !strcmp(row->user->id, session->user_id) && session_alive(row, limits) &&
        asks(session, limits)) {
        end_session(row, *revoked);
    }
    return NULL;
}

/* They are in the order in which they were made. */
static authsvc_error_t *sessions_revoke_surplus(authsvc_ctx_t *ctx, const char *user_id,
                                                const authsvc_session_limits_t *limits,
                                                apr_array_header_t **revoked)
{
    int kept = 0;
    AUTHSVC_TRY(fake_called(ctx));
    *revoked = no_entries(ctx);
    for (int i = fake.n_sessions - 1; i >= 0; i--) {
        fake_session_t *row = &fake.sessions[i];
        if (!strcmp(row->user->id, user_id) && session_alive(row, limits) &&
            kept++ >= limits->most) {
            end_session(row, *revoked);
        }
    }
    return NULL;
}

static authsvc_error_t *sessions_revoke_all(authsvc_ctx_t *ctx, const char *user_id,
                                            apr_array_header_t **revoked)
{
    AUTHSVC_TRY(fake_called(ctx));
    *revoked = no_entries(ctx);
    for (int i = 0; i < fake.n_sessions; i++) {
        fake_session_t *row = &fake.sessions[i];
        if (!row->revoked_at && !strcmp(row->user->id, user_id)) {
            end_session(row, *revoked);
        }
    }
    return NULL;
}

static authsvc_error_t *sessions_raise_epochs(authsvc_ctx_t *ctx, const char *user_id,
                                              apr_array_header_t **revoked)
{
    AUTHSVC_TRY(fake_called(ctx));
    *revoked = no_entries(ctx);
    for (int i = 0; i < fake.n_sessions; i++) {
        fake_session_t *row = &fake.sessions[i];
        if (!row->revoked_at && !strcmp(row->user->id, user_id)) {
            write_entry(*revoked, row->id, row->epoch++);
        }
    }
    return NULL;
}

static authsvc_error_t *revocations_poll(authsvc_ctx_t *ctx, apr_int64_t from,
                                         authsvc_revocation_feed_t *feed)
{
    AUTHSVC_TRY(fake_called(ctx));
    fake.polled_from = from;
    feed->next = fake.n_revoked + 1;
    feed->is_standby = fake.is_standby;
    feed->source = fake.source;
    feed->revoked = no_entries(ctx);
    for (int i = from > 0 ? (int)from - 1 : 0; i < fake.n_revoked; i++) {
        APR_ARRAY_PUSH(feed->revoked, authsvc_revocation_t) = fake.revoked[i];
    }
    return NULL;
}

static authsvc_error_t *revocations_add_user(authsvc_ctx_t *ctx, const char *user_id,
                                             apr_array_header_t **revoked)
{
    AUTHSVC_TRY(fake_called(ctx));
    ck_assert_int_eq(fake.in_transaction, 1);
    *revoked = no_entries(ctx);
    write_entry(*revoked, user_id, apr_time_sec(fake.now) + 10);
    return NULL;
}

static authsvc_error_t *revocations_record_lifetime(authsvc_ctx_t *ctx,
                                                    apr_interval_time_t lifetime)
{
    AUTHSVC_TRY(fake_called(ctx));
    fake.lifetime = lifetime;
    return NULL;
}

static authsvc_error_t *revocations_purge(authsvc_ctx_t *ctx, int limit, apr_int64_t *removed)
{
    AUTHSVC_TRY(fake_called(ctx));
    ck_assert_int_gt(limit, 0);
    fake.purges++;
    *removed = fake.purged;
    return NULL;
}

static authsvc_error_t *node_inspect(authsvc_ctx_t *ctx, authsvc_node_state_t *state)
{
    AUTHSVC_TRY(fake_called(ctx));
    *state = fake.node;
    return NULL;
}

static authsvc_error_t *node_record_secret(authsvc_ctx_t *ctx, int number, const char *fingerprint)
{
    AUTHSVC_TRY(fake_called(ctx));
    fake.recorded_secret = number;
    apr_cpystrn(fake.recorded_fingerprint, fingerprint, sizeof(fake.recorded_fingerprint));
    return NULL;
}

/* All or nothing, as a database does it. */
static authsvc_error_t *transaction(authsvc_ctx_t *ctx,
                                    authsvc_error_t *(*fn)(authsvc_ctx_t *ctx, void *baton),
                                    void *baton)
{
    static fake_t before;
    before = fake;
    fake.transactions++;
    fake.in_transaction = 1;
    authsvc_error_t *err = fn(ctx, baton);
    int unanswered = !err && fake.unanswered;
    if (unanswered) {
        err = AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL, "COMMIT: no answer");
        fake.unanswered--;
    }
    if (err && !(unanswered && fake.commits)) {
        memcpy(fake.users, before.users, sizeof(fake.users));
        memcpy(fake.sessions, before.sessions, sizeof(fake.sessions));
        fake.n_users = before.n_users;
        fake.n_sessions = before.n_sessions;
        fake.n_revoked = before.n_revoked;
        memcpy(fake.failures, before.failures, sizeof(fake.failures));
        fake.n_failures = before.n_failures;
    }
    fake.in_transaction = 0;
    return err;
}

static authsvc_error_t *identity(authsvc_ctx_t *ctx, unsigned char id[AUTHSVC_UUID_OCTETS])
{
    AUTHSVC_TRY(fake_called(ctx));
    memcpy(id, database_id, AUTHSVC_UUID_OCTETS);
    return NULL;
}

static const authsvc_users_repository_t users = {
    users_insert,   users_insert_unseen, users_find_by_email, users_find_by_id,   users_list,
    users_set_role, users_lock_admins,   users_replace_hash, users_rename,
    users_mark_deleted};
static const authsvc_sessions_repository_t sessions = {
    sessions_insert,    sessions_rotate, sessions_recover,    sessions_inspect,
    sessions_find_user, sessions_list, sessions_revoke, sessions_revoke_one,
    sessions_revoke_surplus, sessions_revoke_all, sessions_raise_epochs};
static const authsvc_revocations_repository_t revocations = {
    revocations_poll, revocations_add_user, revocations_record_lifetime, revocations_purge};
static const authsvc_node_repository_t node = {node_inspect, node_record_secret};
static const authsvc_repositories_t repositories = {
    .users = &users,
    .sessions = &sessions,
    .node = &node,
    .revocations = &revocations,
    .failures = &fake_failures_repository,
    .transaction = transaction,
    .identity = identity,
};

static void make_keys(apr_pool_t *pool)
{
    const char *pem;
    const char *line;
    authsvc_key_t *key;
    authsvc_keyset_t *keys;
    authsvc_secrets_t *secrets;
    ck_assert_ok(authsvc_key_generate(pool, "ES256", 0, &pem));
    ck_assert_ok(authsvc_key_from_pem(pool, "test", pem, strlen(pem), 1, &key));
    ck_assert_ok(authsvc_keyset_create(pool, key, NULL, &keys));
    ck_assert_ok(authsvc_secrets_generate(pool, 1, &line));
    ck_assert_ok(authsvc_secrets_parse(pool, "test", line, strlen(line), &secrets));
    fake.settings.keys = keys;
    fake.settings.secrets = secrets;
}

void fake_setup(void)
{
    static authsvc_clock_t clock = {unit_clock_now, &fake.now};
    static authsvc_log_t log = {unit_log_write, &fake.log};
    apr_pool_t *pool;
    memset(&fake, 0, sizeof(fake));
    ck_assert_int_eq(apr_pool_create_ex(&pool, NULL, unit_out_of_memory, NULL), APR_SUCCESS);
    fake.now = apr_time_from_sec(1800000000);
    fake.ctx.pool = fake.pool = pool;
    fake.ctx.settings = &fake.settings;
    fake.ctx.log = &log;
    fake.ctx.clock = &clock;
    fake.ctx.repositories = &repositories;
    fake.ctx.request_id = "request-1";
    fake.ctx.client_ip = "192.0.2.1";
    fake.ctx.user_agent = "unit/1.0";
    fake.ctx.db_budget = 500000;
    ck_assert_ok(authsvc_crypto_init(pool));
    authsvc_settings_init(&fake.settings, pool);
    fake.settings.issuer = fake.settings.audience = "https://example.org/api/v1";
    fake.settings.origin = "https://example.org";
    fake.settings.hash_memory = 8192 * 2;
    fake.settings.hash_passes = 1;
    ck_assert_ok(authsvc_password_dummy(pool, fake.settings.hash_memory,
                                        fake.settings.hash_passes, &fake.settings.dummy_hash));
    make_keys(pool);
}

void fake_teardown(void)
{
    apr_pool_destroy(fake.ctx.pool);
}

TCase *fake_tcase(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, fake_setup, fake_teardown);
    suite_add_tcase(suite, tcase);
    return tcase;
}

fake_user_t *fake_add_user(const char *email)
{
    authsvc_user_t user = {.email = email, .name = "Ada", .role = AUTHSVC_ROLE_USER};
    int created = 0;
    int calls = fake.calls;
    user.id = authsvc_uuid_v7(fake.ctx.pool, fake.now);
    ck_assert_ok(authsvc_password_hash(&fake.ctx, FAKE_PASSWORD, strlen(FAKE_PASSWORD),
                                       &user.password_hash));
    ck_assert_ok(users_insert(&fake.ctx, &user, &created));
    ck_assert_int_eq(created, 1);
    fake.calls = calls;
    return user_by_email(email);
}

authsvc_grant_t fake_login(fake_user_t *user)
{
    authsvc_grant_t grant;
    ck_assert_ok(
        authsvc_login(&fake.ctx, user->email, FAKE_PASSWORD, strlen(FAKE_PASSWORD), &grant));
    fake.calls = 0;
    return grant;
}

void fake_use_token(const char *access_token)
{
    ck_assert_ok(authsvc_authentication_verify(&fake.ctx, access_token, strlen(access_token),
                                               &fake.ctx.principal));
}

const struct authsvc_keyset_t *fake_rotating_keys(apr_pool_t *pool)
{
    apr_array_header_t *timed = apr_array_make(pool, 2, sizeof(authsvc_timed_key_t));
    authsvc_keyset_t *keys;
    const char *pem;

    for (int i = 0; i < 2; i++) {
        authsvc_timed_key_t *key = apr_array_push(timed);
        ck_assert_ok(authsvc_key_generate(pool, "EdDSA", 0, &pem));
        ck_assert_ok(authsvc_key_from_pem(pool, "test", pem, strlen(pem), 1, &key->key));
        key->name = "test";
        key->publish_at = key->sign_at = apr_time_from_sec(10 * i);
        key->retire_at = key->sign_at + apr_time_from_sec(20);
    }
    ck_assert_ok(authsvc_keyset_create_timed(pool, timed, NULL, apr_time_from_sec(900), &keys));
    return keys;
}
