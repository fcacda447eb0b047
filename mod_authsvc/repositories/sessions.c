/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "rows.h"

/*
 * FOR SHARE: a deactivation or a change of role that is under way is waited for, so that no session
 * outlives the one, or tells of a role that the other has ended.
 */
#define INSERT_SESSION                                                                       \
    "INSERT INTO sessions (id, user_id, nonce_hash, counter, epoch, created_at, ip, user_agent)" \
    " SELECT $1, users.id, $3, 0, 0, authsvc_now(), $4, $5 FROM users"                       \
    " WHERE users.id = $2 AND users.password_hash = $6 AND users.role = $7"                  \
    " AND users.deleted_at IS NULL"

/* No further than matters. */
#define COUNT_OTHERS                                                                         \
    " RETURNING (SELECT COUNT(*) FROM (SELECT 1 FROM sessions o WHERE o.user_id = $2"        \
    " AND o.id <> $1 AND " SESSION_ALIVE("o", "$8", "$9") " LIMIT $10) counted)"

static const authsvc_statement_t insert_session = {
    .name = "sessions_insert",
    .pgsql = INSERT_SESSION " FOR SHARE" COUNT_OTHERS,
    .sqlite = INSERT_SESSION COUNT_OTHERS,
    .n_params = 10,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_UUID, AUTHSVC_DB_BYTES, AUTHSVC_DB_TEXT,
               AUTHSVC_DB_TEXT, AUTHSVC_DB_TEXT, AUTHSVC_DB_TEXT, AUTHSVC_DB_INT, AUTHSVC_DB_INT,
               AUTHSVC_DB_INT},
    .n_columns = 1,
    .columns = {AUTHSVC_DB_INT},
};

/*
 * A rotation does not wait for the disk: what a crash may lose is a rotation, and a token ahead of
 * its row is accepted (recover_session). The UPDATE must read c, PostgreSQL drops a CTE that
 * nobody reads. The user's row is locked FOR SHARE: without that a role changed meanwhile would be
 * read stale.
 */
#define ROTATE_PGSQL(condition)                                                            \
    "WITH c AS (SELECT set_config('synchronous_commit', 'off', true) AS durable),"         \
    " u AS (SELECT users.* FROM users JOIN sessions ON sessions.user_id = users.id"        \
    " WHERE sessions.id = $1 AND users.deleted_at IS NULL FOR SHARE OF users)"             \
    " UPDATE sessions s SET counter = $2 + 1, rotated_at = authsvc_now()"                  \
    " FROM c, u WHERE c.durable = 'off' AND u.id = s.user_id"                              \
    " AND s.id = $1 AND s.nonce_hash = $3 AND " SESSION_ALIVE("s", "$4", "$5")             \
    " AND " condition " RETURNING s.epoch, " USER_COLUMNS("u")

/* RETURNING knows the updated table only. */
#define USER_COLUMN(name) " (SELECT " name " FROM users WHERE id = user_id)"
#define ROTATE_SQLITE(condition)                                                           \
    "UPDATE sessions AS s SET counter = $2 + 1, rotated_at = authsvc_now()"                \
    " WHERE s.id = $1 AND s.nonce_hash = $3 AND " SESSION_ALIVE("s", "$4", "$5")           \
    " AND " condition " AND EXISTS (SELECT 1 FROM users"                                   \
    " WHERE users.id = s.user_id AND users.deleted_at IS NULL)"                            \
    " RETURNING epoch, user_id," USER_COLUMN("email") "," USER_COLUMN("password_hash") "," \
    USER_COLUMN("name") "," USER_COLUMN("role") "," USER_COLUMN("email_verified") ","      \
    USER_COLUMN("created_at") "," USER_COLUMN("deleted_at")

#define IS_DUE \
    "s.counter = $2 AND (s.rotated_at IS NULL OR s.rotated_at <= authsvc_now(-$6))"

static const authsvc_statement_t rotate_session = {
    .name = "sessions_rotate",
    .pgsql = ROTATE_PGSQL(IS_DUE),
    .sqlite = ROTATE_SQLITE(IS_DUE),
    .n_params = 6,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_INT, AUTHSVC_DB_BYTES, AUTHSVC_DB_INT, AUTHSVC_DB_INT,
               AUTHSVC_DB_INT},
    .n_columns = 1 + USER_N,
    .columns = {AUTHSVC_DB_INT, USER_TYPES},
    .nullable = USER_NULLABLE(1),
};

/* The row is behind its token; by as many rotations as can be lost at most. */
#define IS_BEHIND "s.counter BETWEEN $2 - 16 AND $2 - 1"

static const authsvc_statement_t recover_session = {
    .name = "sessions_recover",
    .pgsql = ROTATE_PGSQL(IS_BEHIND),
    .sqlite = ROTATE_SQLITE(IS_BEHIND),
    .n_params = 5,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_INT, AUTHSVC_DB_BYTES, AUTHSVC_DB_INT, AUTHSVC_DB_INT},
    .n_columns = 1 + USER_N,
    .columns = {AUTHSVC_DB_INT, USER_TYPES},
    .nullable = USER_NULLABLE(1),
};

#define INSPECT_FIXED 6

static const authsvc_statement_t inspect_session = {
    .name = "sessions_inspect",
    .sql = "SELECT s.counter, s.epoch,"
           " (users.deleted_at IS NULL AND " SESSION_ALIVE("s", "$3", "$4") "),"
           " (s.rotated_at IS NOT NULL AND s.rotated_at > authsvc_now(-$5)),"
           " authsvc_now(), COALESCE(s.rotated_at, s.created_at),"
           " " USER_COLUMNS("users")
           " FROM sessions s JOIN users ON users.id = s.user_id"
           " WHERE s.id = $1 AND s.nonce_hash = $2",
    .reads_only = 1,
    .n_params = 5,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_BYTES, AUTHSVC_DB_INT, AUTHSVC_DB_INT, AUTHSVC_DB_INT},
    .n_columns = INSPECT_FIXED + USER_N,
    .columns = {AUTHSVC_DB_INT, AUTHSVC_DB_INT, AUTHSVC_DB_BOOL, AUTHSVC_DB_BOOL, AUTHSVC_DB_TIME,
                AUTHSVC_DB_TIME, USER_TYPES},
    .nullable = USER_NULLABLE(INSPECT_FIXED),
};

/* IS TRUE keeps PostgreSQL from the index on user_id, whose plan reads all sessions of the user. */
static const authsvc_statement_t select_user = {
    .name = "sessions_find_user",
    .sql = "SELECT " USER_COLUMNS("users")
           " FROM sessions s JOIN users ON users.id = s.user_id"
           " WHERE s.id = $1 AND (s.user_id = $2) IS TRUE AND s.epoch = $3"
           " AND users.deleted_at IS NULL AND " SESSION_ALIVE("s", "$4", "$5"),
    .reads_only = 1,
    .n_params = 5,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_UUID, AUTHSVC_DB_INT, AUTHSVC_DB_INT, AUTHSVC_DB_INT},
    .n_columns = USER_N,
    .columns = {USER_TYPES},
    .nullable = USER_NULLABLE(0),
};

/* Not more than can be shown; the asking session is among them, or else there are none. */
static const authsvc_statement_t select_entries = {
    .name = "sessions_list",
    .sql = "SELECT s.id, s.created_at, COALESCE(s.rotated_at, s.created_at), s.ip, s.user_agent"
           " FROM sessions s WHERE s.user_id = $2 AND " SESSION_ALIVE("s", "$4", "$5")
           " AND EXISTS (SELECT 1 FROM sessions c JOIN users u ON u.id = c.user_id"
           " WHERE c.id = $1 AND (c.user_id = $2) IS TRUE AND c.epoch = $3"
           " AND u.deleted_at IS NULL AND " SESSION_ALIVE("c", "$4", "$5") ")"
           " ORDER BY s.id = $1 DESC, COALESCE(s.rotated_at, s.created_at) DESC, s.id DESC"
           " LIMIT 1000",
    .reads_only = 1,
    .n_params = 5,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_UUID, AUTHSVC_DB_INT, AUTHSVC_DB_INT, AUTHSVC_DB_INT},
    .n_columns = 5,
    .columns = {AUTHSVC_DB_UUID, AUTHSVC_DB_TIME, AUTHSVC_DB_TIME, AUTHSVC_DB_TEXT,
                AUTHSVC_DB_TEXT},
    .nullable = (1U << 3) | (1U << 4),
};

const authsvc_statement_t *const authsvc_sessions_statements[] = {
    &insert_session, &rotate_session, &recover_session, &inspect_session, &select_user,
    &select_entries, NULL,
};

static authsvc_error_t *sessions_insert(authsvc_ctx_t *ctx, const authsvc_session_t *session,
                                        const authsvc_user_t *user,
                                        const authsvc_session_limits_t *limits, int *created,
                                        int *others)
{
    const authsvc_db_value_t params[] = {
        authsvc_db_uuid(session->id),
        authsvc_db_uuid(user->id),
        authsvc_db_bytes(session->nonce_hash, AUTHSVC_NONCE_HASH_OCTETS),
        authsvc_db_text(session->ip),
        authsvc_db_text(session->user_agent),
        authsvc_db_text(user->password_hash),
        authsvc_db_text(user->role),
        authsvc_db_seconds(limits->idle),
        authsvc_db_seconds(limits->absolute),
        authsvc_db_int(limits->most),
    };
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &insert_session, params, &result));
    *created = result->n_rows == 1;
    *others = *created ? (int)authsvc_db_cell(result, 0, 0)->integer : 0;
    return NULL;
}

/* Both statements of a rotation; recovery has no use for the last parameter. */
static authsvc_error_t *run_rotation(authsvc_ctx_t *ctx, const authsvc_statement_t *statement,
                                     const authsvc_session_token_t *token,
                                     const authsvc_session_limits_t *limits,
                                     authsvc_user_t **user, apr_int64_t *epoch)
{
    const authsvc_db_value_t params[] = {
        authsvc_db_uuid(token->session_id),
        authsvc_db_int(token->counter),
        authsvc_db_bytes(token->nonce_hash, AUTHSVC_NONCE_HASH_OCTETS),
        authsvc_db_seconds(limits->idle),
        authsvc_db_seconds(limits->absolute),
        authsvc_db_seconds(limits->grace),
    };
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, statement, params, &result));
    *user = NULL;
    if (result->n_rows == 1) {
        *epoch = authsvc_db_cell(result, 0, 0)->integer;
        *user = authsvc_rows_user(ctx, result, 0, 1);
    }
    return NULL;
}

static authsvc_error_t *sessions_rotate(authsvc_ctx_t *ctx, const authsvc_session_token_t *token,
                                        const authsvc_session_limits_t *limits,
                                        authsvc_user_t **user, apr_int64_t *epoch)
{
    return run_rotation(ctx, &rotate_session, token, limits, user, epoch);
}

static authsvc_error_t *sessions_recover(authsvc_ctx_t *ctx, const authsvc_session_token_t *token,
                                         const authsvc_session_limits_t *limits,
                                         authsvc_user_t **user, apr_int64_t *epoch)
{
    return run_rotation(ctx, &recover_session, token, limits, user, epoch);
}

static authsvc_error_t *sessions_inspect(authsvc_ctx_t *ctx, const authsvc_session_token_t *token,
                                         const authsvc_session_limits_t *limits,
                                         authsvc_session_state_t **state, authsvc_user_t **user)
{
    const authsvc_db_value_t params[] = {
        authsvc_db_uuid(token->session_id),
        authsvc_db_bytes(token->nonce_hash, AUTHSVC_NONCE_HASH_OCTETS),
        authsvc_db_seconds(limits->idle),
        authsvc_db_seconds(limits->absolute),
        authsvc_db_seconds(limits->grace),
    };
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &inspect_session, params, &result));
    *state = NULL;
    *user = NULL;
    if (result->n_rows == 1) {
        authsvc_session_state_t *found = apr_pcalloc(ctx->pool, sizeof(*found));
        found->counter = authsvc_db_cell(result, 0, 0)->integer;
        found->epoch = authsvc_db_cell(result, 0, 1)->integer;
        found->alive = (int)authsvc_db_cell(result, 0, 2)->integer;
        found->within_grace = (int)authsvc_db_cell(result, 0, 3)->integer;
        found->age =
            authsvc_db_cell(result, 0, 4)->integer - authsvc_db_cell(result, 0, 5)->integer;
        *state = found;
        *user = authsvc_rows_user(ctx, result, 0, INSPECT_FIXED);
    }
    return NULL;
}

static authsvc_error_t *sessions_find_user(authsvc_ctx_t *ctx, const authsvc_session_ref_t *session,
                                           const authsvc_session_limits_t *limits,
                                           authsvc_user_t **user)
{
    const authsvc_db_value_t params[] = {
        authsvc_db_uuid(session->session_id), authsvc_db_uuid(session->user_id),
        authsvc_db_int(session->epoch),       authsvc_db_seconds(limits->idle),
        authsvc_db_seconds(limits->absolute),
    };
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &select_user, params, &result));
    *user = result->n_rows == 1 ? authsvc_rows_user(ctx, result, 0, 0) : NULL;
    return NULL;
}

static authsvc_error_t *sessions_list(authsvc_ctx_t *ctx, const authsvc_session_ref_t *session,
                                      const authsvc_session_limits_t *limits,
                                      apr_array_header_t **entries)
{
    const authsvc_db_value_t params[] = {
        authsvc_db_uuid(session->session_id), authsvc_db_uuid(session->user_id),
        authsvc_db_int(session->epoch),       authsvc_db_seconds(limits->idle),
        authsvc_db_seconds(limits->absolute),
    };
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &select_entries, params, &result));
    *entries = apr_array_make(ctx->pool, result->n_rows + 1, sizeof(authsvc_session_entry_t));
    for (int row = 0; row < result->n_rows; row++) {
        const authsvc_db_value_t *ip = authsvc_db_cell(result, row, 3);
        const authsvc_db_value_t *user_agent = authsvc_db_cell(result, row, 4);
        authsvc_session_entry_t *entry = apr_array_push(*entries);

        entry->id = authsvc_db_cell(result, row, 0)->text;
        entry->created_at = authsvc_db_cell(result, row, 1)->integer;
        entry->last_used_at = authsvc_db_cell(result, row, 2)->integer;
        entry->ip = ip->null ? NULL : ip->text;
        entry->user_agent = user_agent->null ? NULL : user_agent->text;
    }
    return NULL;
}

const authsvc_sessions_repository_t authsvc_sessions_repository = {
    .insert = sessions_insert,
    .rotate = sessions_rotate,
    .recover = sessions_recover,
    .inspect = sessions_inspect,
    .find_user = sessions_find_user,
    .list = sessions_list,
    .revoke = authsvc_sessions_revoke,
    .revoke_one = authsvc_sessions_revoke_one,
    .revoke_surplus = authsvc_sessions_revoke_surplus,
    .revoke_all = authsvc_sessions_revoke_all,
    .raise_epochs = authsvc_sessions_raise_epochs,
};
