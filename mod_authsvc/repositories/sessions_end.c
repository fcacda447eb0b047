/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

/*
 * The end of sessions, and of the tokens they gave out: each change writes its entries. In one
 * statement on PostgreSQL; on SQLite the entries come first, then the change, with the same
 * condition in the same transaction.
 */
#define CHANGE(set, condition) "UPDATE sessions AS s SET " set " WHERE " condition

#define END "revoked_at = authsvc_now()"
#define RAISE "epoch = epoch + 1"

/* epoch: the last one that is void, as the row says it after the change. */
#define ENTRIES_PGSQL(set, condition, epoch, n_seconds)                             \
    "WITH ended AS (" CHANGE(set, condition) " RETURNING s.id, " epoch " AS epoch)" \
    " INSERT INTO revocations (session_id, epoch, expires_at)"                      \
    " SELECT id, epoch, " ENTRY_ENDS_PGSQL(n_seconds) " FROM ended" ENTRY_RETURNING_PGSQL

#define ENTRIES_SQLITE(condition, n_seconds)                                        \
    "INSERT INTO revocations (session_id, epoch, expires_at)"                       \
    " SELECT s.id, s.epoch, " ENTRY_ENDS_SQLITE(n_seconds) " FROM sessions AS s"    \
    " WHERE " condition ENTRY_RETURNING_SQLITE

#define BY_NONCE "s.id = $1 AND s.nonce_hash = $2 AND s.revoked_at IS NULL"

static const authsvc_statement_t end_by_nonce = {
    .name = "sessions_revoke_then",
    .sql = CHANGE(END, BY_NONCE),
    .n_params = 2,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_BYTES},
};

static const authsvc_statement_t revoke_by_nonce = {
    .name = "sessions_revoke",
    .pgsql = ENTRIES_PGSQL(END, BY_NONCE, "s.epoch", "$3"),
    .sqlite = ENTRIES_SQLITE(BY_NONCE, "$3"),
    .sqlite_then = &end_by_nonce,
    .n_params = 3,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_BYTES, AUTHSVC_DB_INT},
    .n_columns = ENTRY_N,
    .columns = {ENTRY_TYPES},
};

/* The asking session is alive by the same rules as in find_user. */
#define BY_OWNER                                                                  \
    "s.id = $1 AND s.user_id = $2 AND " SESSION_ALIVE("s", "$5", "$6")            \
    " AND EXISTS (SELECT 1 FROM sessions c JOIN users u ON u.id = c.user_id"      \
    " WHERE c.id = $3 AND (c.user_id = $2) IS TRUE AND c.epoch = $4"              \
    " AND u.deleted_at IS NULL AND " SESSION_ALIVE("c", "$5", "$6") ")"

static const authsvc_statement_t end_by_owner = {
    .name = "sessions_revoke_one_then",
    .sql = CHANGE(END, BY_OWNER),
    .n_params = 6,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_UUID, AUTHSVC_DB_UUID, AUTHSVC_DB_INT, AUTHSVC_DB_INT,
               AUTHSVC_DB_INT},
};

static const authsvc_statement_t revoke_by_owner = {
    .name = "sessions_revoke_one",
    .pgsql = ENTRIES_PGSQL(END, BY_OWNER, "s.epoch", "$7"),
    .sqlite = ENTRIES_SQLITE(BY_OWNER, "$7"),
    .sqlite_then = &end_by_owner,
    .n_params = 7,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_UUID, AUTHSVC_DB_UUID, AUTHSVC_DB_INT, AUTHSVC_DB_INT,
               AUTHSVC_DB_INT, AUTHSVC_DB_INT},
    .n_columns = ENTRY_N,
    .columns = {ENTRY_TYPES},
};

#define SURPLUS(all)                                                              \
    "s.id IN (SELECT o.id FROM sessions o WHERE o.user_id = $1 AND "              \
    SESSION_ALIVE("o", "$2", "$3") " ORDER BY o.created_at DESC, o.id DESC LIMIT " all " OFFSET $4)"

static const authsvc_statement_t end_surplus = {
    .name = "sessions_revoke_surplus_then",
    .pgsql = CHANGE(END, SURPLUS("ALL")),
    .sqlite = CHANGE(END, SURPLUS("-1")),
    .n_params = 4,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_INT, AUTHSVC_DB_INT, AUTHSVC_DB_INT},
};

static const authsvc_statement_t revoke_surplus = {
    .name = "sessions_revoke_surplus",
    .pgsql = ENTRIES_PGSQL(END, SURPLUS("ALL") " AND s.revoked_at IS NULL", "s.epoch", "$5"),
    .sqlite = ENTRIES_SQLITE(SURPLUS("-1"), "$5"),
    .sqlite_then = &end_surplus,
    .n_params = 5,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_INT, AUTHSVC_DB_INT, AUTHSVC_DB_INT, AUTHSVC_DB_INT},
    .n_columns = ENTRY_N,
    .columns = {ENTRY_TYPES},
};

#define ALL_OF_USER "s.user_id = $1 AND s.revoked_at IS NULL"

static const authsvc_statement_t end_all = {
    .name = "sessions_revoke_all_then",
    .sql = CHANGE(END, ALL_OF_USER),
    .n_params = 1,
    .params = {AUTHSVC_DB_UUID},
};

static const authsvc_statement_t revoke_all = {
    .name = "sessions_revoke_all",
    .pgsql = ENTRIES_PGSQL(END, ALL_OF_USER, "s.epoch", "$2"),
    .sqlite = ENTRIES_SQLITE(ALL_OF_USER, "$2"),
    .sqlite_then = &end_all,
    .n_params = 2,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_INT},
    .n_columns = ENTRY_N,
    .columns = {ENTRY_TYPES},
};

static const authsvc_statement_t raise_all = {
    .name = "sessions_raise_epochs_then",
    .sql = CHANGE(RAISE, ALL_OF_USER),
    .n_params = 1,
    .params = {AUTHSVC_DB_UUID},
};

static const authsvc_statement_t raise_epochs = {
    .name = "sessions_raise_epochs",
    .pgsql = ENTRIES_PGSQL(RAISE, ALL_OF_USER, "s.epoch - 1", "$2"),
    .sqlite = ENTRIES_SQLITE(ALL_OF_USER, "$2"),
    .sqlite_then = &raise_all,
    .n_params = 2,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_INT},
    .n_columns = ENTRY_N,
    .columns = {ENTRY_TYPES},
};

const authsvc_statement_t *const authsvc_sessions_end_statements[] = {
    &end_by_nonce,   &revoke_by_nonce, &end_by_owner, &revoke_by_owner, &end_surplus,
    &revoke_surplus, &end_all,         &revoke_all,   &raise_all,       &raise_epochs,
    NULL,
};

authsvc_error_t *authsvc_sessions_revoke(authsvc_ctx_t *ctx, const authsvc_session_token_t *token,
                                         apr_array_header_t **revoked)
{
    const authsvc_db_value_t params[] = {
        authsvc_db_uuid(token->session_id),
        authsvc_db_bytes(token->nonce_hash, AUTHSVC_NONCE_HASH_OCTETS),
        authsvc_rows_lifetime(ctx),
    };
    return authsvc_rows_revoke(ctx, &revoke_by_nonce, params, revoked);
}

authsvc_error_t *authsvc_sessions_revoke_one(authsvc_ctx_t *ctx, const char *id,
                                             const authsvc_session_ref_t *session,
                                             const authsvc_session_limits_t *limits,
                                             apr_array_header_t **revoked)
{
    const authsvc_db_value_t params[] = {
        authsvc_db_uuid(id),
        authsvc_db_uuid(session->user_id),
        authsvc_db_uuid(session->session_id),
        authsvc_db_int(session->epoch),
        authsvc_db_seconds(limits->idle),
        authsvc_db_seconds(limits->absolute),
        authsvc_rows_lifetime(ctx),
    };
    return authsvc_rows_revoke(ctx, &revoke_by_owner, params, revoked);
}

authsvc_error_t *authsvc_sessions_revoke_surplus(authsvc_ctx_t *ctx, const char *user_id,
                                                 const authsvc_session_limits_t *limits,
                                                 apr_array_header_t **revoked)
{
    const authsvc_db_value_t params[] = {
        authsvc_db_uuid(user_id), authsvc_db_seconds(limits->idle),
        authsvc_db_seconds(limits->absolute), authsvc_db_int(limits->most),
        authsvc_rows_lifetime(ctx),
    };
    return authsvc_rows_revoke(ctx, &revoke_surplus, params, revoked);
}

authsvc_error_t *authsvc_sessions_revoke_all(authsvc_ctx_t *ctx, const char *user_id,
                                             apr_array_header_t **revoked)
{
    const authsvc_db_value_t params[] = {authsvc_db_uuid(user_id), authsvc_rows_lifetime(ctx)};
    return authsvc_rows_revoke(ctx, &revoke_all, params, revoked);
}

authsvc_error_t *authsvc_sessions_raise_epochs(authsvc_ctx_t *ctx, const char *user_id,
                                               apr_array_header_t **revoked)
{
    const authsvc_db_value_t params[] = {authsvc_db_uuid(user_id), authsvc_rows_lifetime(ctx)};
    return authsvc_rows_revoke(ctx, &raise_epochs, params, revoked);
}
