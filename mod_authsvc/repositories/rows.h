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

/*
 * When an entry may be forgotten: after the longest life of an access token, and a minute for
 * clocks that differ. n_seconds: how long one of this node lives.
 */
#define ENTRY_ENDS(n_seconds, greatest)                 \
    "authsvc_now(60 + " greatest "(" n_seconds          \
    ", (SELECT token_lifetime FROM authsvc_revocation_feed)))"
#define ENTRY_ENDS_PGSQL(n_seconds) ENTRY_ENDS(n_seconds, "GREATEST")
#define ENTRY_ENDS_SQLITE(n_seconds) ENTRY_ENDS(n_seconds, "MAX")

/* Seconds until then, rounded up. */
#define ENTRY_LIFE_PGSQL(t) \
    "CAST(CEIL(EXTRACT(EPOCH FROM " t ".expires_at - authsvc_now())) AS bigint)"
#define ENTRY_LIFE_SQLITE(t) "((" t ".expires_at - authsvc_now() + 999999) / 1000000)"

/* What a statement that writes entries returns. */
#define ENTRY_N 3
#define ENTRY_TYPES AUTHSVC_DB_UUID, AUTHSVC_DB_INT, AUTHSVC_DB_INT
#define ENTRY_RETURNING_PGSQL " RETURNING session_id, epoch, " ENTRY_LIFE_PGSQL("revocations")
#define ENTRY_RETURNING_SQLITE " RETURNING session_id, epoch, " ENTRY_LIFE_SQLITE("revocations")

/** Map the entry that starts at a column of a row. */
void authsvc_rows_revocation(const authsvc_db_result_t *result, int row, int column,
                             authsvc_revocation_t *entry);

/** Run a statement that returns entries. @param revoked of authsvc_revocation_t, in ctx->pool */
authsvc_error_t *authsvc_rows_revoke(authsvc_ctx_t *ctx, const authsvc_statement_t *statement,
                                     const authsvc_db_value_t *params,
                                     apr_array_header_t **revoked);

/** How long an access token of this node lives, as a parameter of ENTRY_ENDS. */
authsvc_db_value_t authsvc_rows_lifetime(const authsvc_ctx_t *ctx);

/** Map the user that starts at a column of a row, in ctx->pool. */
authsvc_user_t *authsvc_rows_user(authsvc_ctx_t *ctx, const authsvc_db_result_t *result, int row,
                                  int column);

extern const authsvc_users_repository_t authsvc_users_repository;
/* sessions_end.c's part of the sessions' repository. */
authsvc_error_t *authsvc_sessions_revoke(authsvc_ctx_t *ctx, const authsvc_session_token_t *token,
                                         apr_array_header_t **revoked);
authsvc_error_t *authsvc_sessions_revoke_one(authsvc_ctx_t *ctx, const char *id,
                                             const authsvc_session_ref_t *session,
                                             const authsvc_session_limits_t *limits,
                                             apr_array_header_t **revoked);
authsvc_error_t *authsvc_sessions_revoke_surplus(authsvc_ctx_t *ctx, const char *user_id,
                                                 const authsvc_session_limits_t *limits,
                                                 apr_array_header_t **revoked);
authsvc_error_t *authsvc_sessions_revoke_all(authsvc_ctx_t *ctx, const char *user_id,
                                             apr_array_header_t **revoked);
authsvc_error_t *authsvc_sessions_raise_epochs(authsvc_ctx_t *ctx, const char *user_id,
                                               apr_array_header_t **revoked);

extern const authsvc_sessions_repository_t authsvc_sessions_repository;
extern const authsvc_node_repository_t authsvc_node_repository;
extern const authsvc_revocations_repository_t authsvc_revocations_repository;
extern const authsvc_login_failures_repository_t authsvc_login_failures_repository;

/* Each repository's statements, NULL-terminated. */
extern const authsvc_statement_t *const authsvc_users_statements[];
extern const authsvc_statement_t *const authsvc_sessions_statements[];
extern const authsvc_statement_t *const authsvc_sessions_end_statements[];
extern const authsvc_statement_t *const authsvc_revocations_statements[];
extern const authsvc_statement_t *const authsvc_login_failures_statements[];
extern const authsvc_statement_t *const authsvc_node_statements[];

#endif
