/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#define INSERT_USER                                                                  \
    "INSERT INTO users (id, email, password_hash, name, role, email_verified,"       \
    " created_at, updated_at)"                                                       \
    " VALUES ($1, $2, $3, $4, $5, FALSE, authsvc_now(), authsvc_now())"

static const authsvc_statement_t insert_user = {
    .name = "users_insert",
    .sql = INSERT_USER " ON CONFLICT (email) DO NOTHING RETURNING email_verified, created_at",
    .n_params = 5,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_TEXT, AUTHSVC_DB_TEXT, AUTHSVC_DB_TEXT,
               AUTHSVC_DB_TEXT},
    .n_columns = 2,
    .columns = {AUTHSVC_DB_BOOL, AUTHSVC_DB_TIME},
};

/*
 * The same, so that nobody can tell by the time it takes whether the email was taken: a row is
 * written, and the disk waited for, either way. On PostgreSQL that is one without a meaning; on
 * SQLite, where each index is felt, the user's own, as it is: a rowid that is set is written to all
 * of them, be it the same, and, unlike an id, no session is asked about it.
 */
static const authsvc_statement_t insert_unseen = {
    .name = "users_insert_unseen",
    .pgsql = "WITH made AS (" INSERT_USER " ON CONFLICT (email) DO NOTHING RETURNING 1)"
             " INSERT INTO login_failures"
             " (account, place, failures, pauses, since, paused_until, expires_at)"
             " VALUES ($6, '" AUTHSVC_PLACE_REGISTER "', 0, 0, authsvc_now(), authsvc_now(),"
             " authsvc_now(3600))"
             " ON CONFLICT (account, place) DO UPDATE SET expires_at = authsvc_now(3600)"
             " RETURNING (SELECT COUNT(*) FROM made)",
    .sqlite = INSERT_USER " ON CONFLICT (email) DO UPDATE SET rowid = users.rowid"
              " RETURNING id = $1 AND length($6) > 0",
    .n_params = 6,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_TEXT, AUTHSVC_DB_TEXT, AUTHSVC_DB_TEXT,
               AUTHSVC_DB_TEXT, AUTHSVC_DB_BYTES},
    .n_columns = 1,
    .columns = {AUTHSVC_DB_INT},
};

static const authsvc_statement_t select_by_email = {
    .name = "users_find_by_email",
    .sql = "SELECT " USER_COLUMNS("users") ", authsvc_now() FROM users WHERE users.email = $1",
    .reads_only = 1,
    .n_params = 1,
    .params = {AUTHSVC_DB_TEXT},
    .n_columns = USER_N + 1,
    .columns = {USER_TYPES, AUTHSVC_DB_TIME},
    .nullable = USER_NULLABLE(0),
};

static const authsvc_statement_t select_by_id = {
    .name = "users_find_by_id",
    .sql = "SELECT " USER_COLUMNS("users") ", authsvc_now() FROM users WHERE users.id = $1",
    .reads_only = 1,
    .n_params = 1,
    .params = {AUTHSVC_DB_UUID},
    .n_columns = USER_N + 1,
    .columns = {USER_TYPES, AUTHSVC_DB_TIME},
    .nullable = USER_NULLABLE(0),
};

/* The first condition on created_at is the index's; the second orders those of the same moment. */
static const authsvc_statement_t select_page = {
    .name = "users_list",
    .sql = "SELECT " USER_COLUMNS("users") " FROM users"
           " WHERE (CAST(users.role AS TEXT) = $1 OR $1 IS NULL) AND users.created_at >= $2"
           " AND (users.created_at > $2 OR users.id > $3)"
           " ORDER BY users.created_at, users.id LIMIT $4",
    .reads_only = 1,
    .n_params = 4,
    .params = {AUTHSVC_DB_TEXT, AUTHSVC_DB_TIME, AUTHSVC_DB_UUID, AUTHSVC_DB_INT},
    .n_columns = USER_N,
    .columns = {USER_TYPES},
    .nullable = USER_NULLABLE(0),
};

static const authsvc_statement_t update_role = {
    .name = "users_set_role",
    .sql = "UPDATE users SET role = $3, updated_at = authsvc_now() WHERE id = $1 AND role = $2"
           " RETURNING " USER_COLUMNS("users"),
    .n_params = 3,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_TEXT, AUTHSVC_DB_TEXT},
    .n_columns = USER_N,
    .columns = {USER_TYPES},
    .nullable = USER_NULLABLE(0),
};

/* In one order, lest two of them wait for each other. SQLite has one writer at a time anyway. */
#define ACTIVE_ADMINS "SELECT id FROM users WHERE role = 'admin' AND deleted_at IS NULL"

static const authsvc_statement_t lock_admins = {
    .name = "users_lock_admins",
    .pgsql = "WITH admins AS MATERIALIZED (" ACTIVE_ADMINS " ORDER BY id FOR UPDATE)"
             " SELECT COUNT(*) FROM admins WHERE id <> $1",
    .sqlite = "SELECT COUNT(*) FROM (" ACTIVE_ADMINS ") WHERE id <> $1",
    .n_params = 1,
    .params = {AUTHSVC_DB_UUID},
    .n_columns = 1,
    .columns = {AUTHSVC_DB_INT},
};

static const authsvc_statement_t update_hash = {
    .name = "users_replace_hash",
    .sql = "UPDATE users SET password_hash = $3, updated_at = authsvc_now()"
           " WHERE id = $1 AND password_hash = $2",
    .n_params = 3,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_TEXT, AUTHSVC_DB_TEXT},
};

static const authsvc_statement_t update_name = {
    .name = "users_rename",
    .sql = "UPDATE users SET name = $6, updated_at = authsvc_now()"
           " WHERE id = $1 AND deleted_at IS NULL AND EXISTS (SELECT 1 FROM sessions s"
           " WHERE s.id = $2 AND s.user_id = users.id AND s.epoch = $3"
           " AND " SESSION_ALIVE("s", "$4", "$5") ")"
           " RETURNING " USER_COLUMNS("users"),
    .n_params = 6,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_UUID, AUTHSVC_DB_INT, AUTHSVC_DB_INT, AUTHSVC_DB_INT,
               AUTHSVC_DB_TEXT},
    .n_columns = USER_N,
    .columns = {USER_TYPES},
    .nullable = USER_NULLABLE(0),
};

static const authsvc_statement_t update_deleted = {
    .name = "users_mark_deleted",
    .sql = "UPDATE users SET deleted_at = authsvc_now(), updated_at = authsvc_now()"
           " WHERE id = $1 AND password_hash = $2 AND role = $3 AND deleted_at IS NULL",
    .n_params = 3,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_TEXT, AUTHSVC_DB_TEXT},
};

const authsvc_statement_t *const authsvc_users_statements[] = {
    &insert_user, &insert_unseen, &select_by_email, &select_by_id, &select_page,    &update_role,
    &lock_admins, &update_hash,     &update_name,  &update_deleted, NULL,
};

authsvc_user_t *authsvc_rows_user(authsvc_ctx_t *ctx, const authsvc_db_result_t *result, int row,
                                  int column)
{
    authsvc_user_t *user = apr_pcalloc(ctx->pool, sizeof(*user));
    user->id = authsvc_db_cell(result, row, column)->text;
    user->email = authsvc_db_cell(result, row, column + 1)->text;
    user->password_hash = authsvc_db_cell(result, row, column + 2)->text;
    user->name = authsvc_db_cell(result, row, column + 3)->text;
    user->role = authsvc_db_cell(result, row, column + 4)->text;
    user->email_verified = (int)authsvc_db_cell(result, row, column + 5)->integer;
    user->created_at = authsvc_db_cell(result, row, column + 6)->integer;
    const authsvc_db_value_t *deleted_at = authsvc_db_cell(result, row, column + 7);
    user->deleted_at = deleted_at->null ? 0 : deleted_at->integer;
    return user;
}

static authsvc_error_t *users_insert(authsvc_ctx_t *ctx, authsvc_user_t *user, int *created)
{
    const authsvc_db_value_t params[] = {authsvc_db_uuid(user->id), authsvc_db_text(user->email),
                                         authsvc_db_text(user->password_hash),
                                         authsvc_db_text(user->name), authsvc_db_text(user->role)};
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &insert_user, params, &result));
    *created = result->n_rows == 1;
    if (*created) {
        user->email_verified = (int)authsvc_db_cell(result, 0, 0)->integer;
        user->created_at = authsvc_db_cell(result, 0, 1)->integer;
        user->deleted_at = 0;
    }
    return NULL;
}

static authsvc_error_t *users_insert_unseen(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                            const unsigned char account[AUTHSVC_ACCOUNT_OCTETS],
                                            int *created)
{
    const authsvc_db_value_t params[] = {
        authsvc_db_uuid(user->id),   authsvc_db_text(user->email),
        authsvc_db_text(user->password_hash), authsvc_db_text(user->name),
        authsvc_db_text(user->role), authsvc_db_bytes(account, AUTHSVC_ACCOUNT_OCTETS)};
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &insert_unseen, params, &result));
    *created = result->n_rows == 1 && authsvc_db_cell(result, 0, 0)->integer == 1;
    return NULL;
}

/* A statement about one user, whose row comes back if there is one. */
static authsvc_error_t *run_for_user(authsvc_ctx_t *ctx, const authsvc_statement_t *statement,
                                     const authsvc_db_value_t *params, authsvc_user_t **user)
{
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, statement, params, &result));
    *user = result->n_rows == 1 ? authsvc_rows_user(ctx, result, 0, 0) : NULL;
    return NULL;
}

/* The same, of a statement that tells when it read the row, too. */
static authsvc_error_t *read_user(authsvc_ctx_t *ctx, const authsvc_statement_t *statement,
                                  const authsvc_db_value_t *params, authsvc_user_t **user)
{
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, statement, params, &result));
    *user = NULL;
    if (result->n_rows == 1) {
        *user = authsvc_rows_user(ctx, result, 0, 0);
        (*user)->read_at = authsvc_db_cell(result, 0, USER_N)->integer;
    }
    return NULL;
}

static authsvc_error_t *users_find_by_email(authsvc_ctx_t *ctx, const char *email,
                                            authsvc_user_t **user)
{
    const authsvc_db_value_t params[] = {authsvc_db_text(email)};
    return read_user(ctx, &select_by_email, params, user);
}

static authsvc_error_t *users_find_by_id(authsvc_ctx_t *ctx, const char *id, authsvc_user_t **user)
{
    const authsvc_db_value_t params[] = {authsvc_db_uuid(id)};
    return read_user(ctx, &select_by_id, params, user);
}

static authsvc_error_t *users_list(authsvc_ctx_t *ctx, const authsvc_user_page_t *page,
                                   apr_array_header_t **users)
{
    const authsvc_db_value_t params[] = {
        authsvc_db_text(page->role), authsvc_db_time(page->after ? page->after->created_at : 0),
        authsvc_db_uuid(page->after ? page->after->id : "00000000-0000-0000-0000-000000000000"),
        authsvc_db_int(page->limit)};
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &select_page, params, &result));
    *users = apr_array_make(ctx->pool, result->n_rows, sizeof(authsvc_user_t *));
    for (int row = 0; row < result->n_rows; row++) {
        APR_ARRAY_PUSH(*users, authsvc_user_t *) = authsvc_rows_user(ctx, result, row, 0);
    }
    return NULL;
}

static authsvc_error_t *users_set_role(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                       const char *role, authsvc_user_t **changed)
{
    const authsvc_db_value_t params[] = {authsvc_db_uuid(user->id), authsvc_db_text(user->role),
                                         authsvc_db_text(role)};
    return run_for_user(ctx, &update_role, params, changed);
}

static authsvc_error_t *users_lock_admins(authsvc_ctx_t *ctx, const char *id, apr_int64_t *others)
{
    const authsvc_db_value_t params[] = {authsvc_db_uuid(id)};
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &lock_admins, params, &result));
    if (result->n_rows != 1) {
        return AUTHSVC_INTERNAL(ctx->pool, "a count of admins with %d rows", result->n_rows);
    }
    *others = authsvc_db_cell(result, 0, 0)->integer;
    return NULL;
}

static authsvc_error_t *users_replace_hash(authsvc_ctx_t *ctx, const char *id,
                                           const char *old_hash, const char *new_hash,
                                           int *replaced)
{
    const authsvc_db_value_t params[] = {authsvc_db_uuid(id), authsvc_db_text(old_hash),
                                         authsvc_db_text(new_hash)};
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &update_hash, params, &result));
    *replaced = result->affected == 1;
    return NULL;
}

static authsvc_error_t *users_rename(authsvc_ctx_t *ctx, const authsvc_session_ref_t *session,
                                     const authsvc_session_limits_t *limits, const char *name,
                                     authsvc_user_t **user)
{
    const authsvc_db_value_t params[] = {
        authsvc_db_uuid(session->user_id),  authsvc_db_uuid(session->session_id),
        authsvc_db_int(session->epoch),     authsvc_db_seconds(limits->idle),
        authsvc_db_seconds(limits->absolute), authsvc_db_text(name)};
    return run_for_user(ctx, &update_name, params, user);
}

static authsvc_error_t *users_mark_deleted(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                           int *deleted)
{
    const authsvc_db_value_t params[] = {authsvc_db_uuid(user->id),
                                         authsvc_db_text(user->password_hash),
                                         authsvc_db_text(user->role)};
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &update_deleted, params, &result));
    *deleted = result->affected == 1;
    return NULL;
}

const authsvc_users_repository_t authsvc_users_repository = {
    .insert = users_insert,
    .insert_unseen = users_insert_unseen,
    .find_by_email = users_find_by_email,
    .find_by_id = users_find_by_id,
    .list = users_list,
    .set_role = users_set_role,
    .lock_admins = users_lock_admins,
    .replace_hash = users_replace_hash,
    .rename = users_rename,
    .mark_deleted = users_mark_deleted,
};
