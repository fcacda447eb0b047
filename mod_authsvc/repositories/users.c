/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

static const authsvc_statement_t insert_user = {
    .name = "users_insert",
    .sql = "INSERT INTO users (id, email, password_hash, name, role, email_verified,"
           " created_at, updated_at)"
           " VALUES ($1, $2, $3, $4, 'user', FALSE, authsvc_now(), authsvc_now())"
           " ON CONFLICT (email) DO NOTHING"
           " RETURNING role, email_verified, created_at",
    .n_params = 4,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_TEXT, AUTHSVC_DB_TEXT, AUTHSVC_DB_TEXT},
    .n_columns = 3,
    .columns = {AUTHSVC_DB_TEXT, AUTHSVC_DB_BOOL, AUTHSVC_DB_TIME},
};

static const authsvc_statement_t select_by_email = {
    .name = "users_find_by_email",
    .sql = "SELECT " USER_COLUMNS("users") " FROM users WHERE users.email = $1",
    .reads_only = 1,
    .n_params = 1,
    .params = {AUTHSVC_DB_TEXT},
    .n_columns = USER_N,
    .columns = {USER_TYPES},
    .nullable = USER_NULLABLE(0),
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
           " WHERE id = $1 AND password_hash = $2 AND deleted_at IS NULL",
    .n_params = 2,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_TEXT},
};

const authsvc_statement_t *const authsvc_users_statements[] = {
    &insert_user, &select_by_email, &update_hash, &update_name, &update_deleted, NULL,
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
                                         authsvc_db_text(user->name)};
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &insert_user, params, &result));
    *created = result->n_rows == 1;
    if (*created) {
        user->role = authsvc_db_cell(result, 0, 0)->text;
        user->email_verified = (int)authsvc_db_cell(result, 0, 1)->integer;
        user->created_at = authsvc_db_cell(result, 0, 2)->integer;
        user->deleted_at = 0;
    }
    return NULL;
}

static authsvc_error_t *users_find_by_email(authsvc_ctx_t *ctx, const char *email,
                                            authsvc_user_t **user)
{
    const authsvc_db_value_t params[] = {authsvc_db_text(email)};
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &select_by_email, params, &result));
    *user = result->n_rows == 1 ? authsvc_rows_user(ctx, result, 0, 0) : NULL;
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
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &update_name, params, &result));
    *user = result->n_rows == 1 ? authsvc_rows_user(ctx, result, 0, 0) : NULL;
    return NULL;
}

static authsvc_error_t *users_mark_deleted(authsvc_ctx_t *ctx, const char *id, const char *hash,
                                           int *deleted)
{
    const authsvc_db_value_t params[] = {authsvc_db_uuid(id), authsvc_db_text(hash)};
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &update_deleted, params, &result));
    *deleted = result->affected == 1;
    return NULL;
}

const authsvc_users_repository_t authsvc_users_repository = {
    .insert = users_insert,
    .find_by_email = users_find_by_email,
    .replace_hash = users_replace_hash,
    .rename = users_rename,
    .mark_deleted = users_mark_deleted,
};
