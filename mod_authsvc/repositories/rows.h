/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_REPOSITORIES_ROWS_H
#define AUTHSVC_REPOSITORIES_ROWS_H

#include "authsvc/repositories/repositories.h"

/* The columns of a user, always together and in this order: text, types, mapper. */
#define USER_COLUMNS(t)                                                                       \
    t ".id, " t ".email, " t ".password_hash, " t ".name, " t ".role, " t ".email_verified, " t \
      ".created_at, " t ".deleted_at"
#define USER_TYPES                                                                               \
    AUTHSVC_DB_UUID, AUTHSVC_DB_TEXT, AUTHSVC_DB_TEXT, AUTHSVC_DB_TEXT, AUTHSVC_DB_TEXT,         \
        AUTHSVC_DB_BOOL, AUTHSVC_DB_TIME, AUTHSVC_DB_TIME
#define USER_N 8
#define USER_NULLABLE(first) (1U << ((first) + 7)) /* deleted_at */

/* A session that may still be used; n_idle and n_absolute are parameters in seconds. */
#define SESSION_ALIVE(t, n_idle, n_absolute)                             \
    t ".revoked_at IS NULL AND COALESCE(" t ".rotated_at, " t            \
      ".created_at) > authsvc_now(-" n_idle ") AND " t                   \
      ".created_at > authsvc_now(-" n_absolute ")"

/** Map the user that starts at a column of a row, in ctx->pool. */
authsvc_user_t *authsvc_rows_user(authsvc_ctx_t *ctx, const authsvc_db_result_t *result, int row,
                                  int column);

extern const authsvc_users_repository_t authsvc_users_repository;
extern const authsvc_sessions_repository_t authsvc_sessions_repository;
extern const authsvc_node_repository_t authsvc_node_repository;

/* Each repository's statements, NULL-terminated. */
extern const authsvc_statement_t *const authsvc_users_statements[];
extern const authsvc_statement_t *const authsvc_sessions_statements[];
extern const authsvc_statement_t *const authsvc_node_statements[];

#endif
