/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_REPOSITORIES_USERS_H
#define AUTHSVC_REPOSITORIES_USERS_H

#include "authsvc/db/db.h"

/** A row of users. Strings live in the pool of the call's context. */
typedef struct {
    const char *id; /* uuid */
    const char *email;
    const char *password_hash;
    const char *name;
    const char *role; /* "user" or "admin" */
    int email_verified;
    apr_time_t created_at;
    apr_time_t deleted_at; /* 0: it is not */
} authsvc_user_t;

/** The limits of a session's life, microseconds. */
typedef struct {
    apr_interval_time_t idle;
    apr_interval_time_t absolute;
    apr_interval_time_t grace;
} authsvc_session_limits_t;

/** A session as an access token names it. */
typedef struct {
    const char *session_id;
    const char *user_id;
    apr_int64_t epoch;
} authsvc_session_ref_t;

typedef struct {
    /**
     * Insert a user with role "user". Sets created_at, role, email_verified from the row.
     * @param user id, email, password_hash, name are read
     * @param created 0 if the email is taken (nothing is changed then)
     */
    authsvc_error_t *(*insert)(authsvc_ctx_t *ctx, authsvc_user_t *user, int *created);

    /** @param user NULL if there is none; a deleted one is found too */
    authsvc_error_t *(*find_by_email)(authsvc_ctx_t *ctx, const char *email,
                                      authsvc_user_t **user);

    /**
     * Replace a password hash if it is still the old one.
     * @param replaced 0 if it was changed meanwhile
     */
    authsvc_error_t *(*replace_hash)(authsvc_ctx_t *ctx, const char *id, const char *old_hash,
                                     const char *new_hash, int *replaced);

    /**
     * Rename the user of a living session. One statement.
     * @param user the row afterwards; NULL if session or user are not alive, or epochs differ
     */
    authsvc_error_t *(*rename)(authsvc_ctx_t *ctx, const authsvc_session_ref_t *session,
                               const authsvc_session_limits_t *limits, const char *name,
                               authsvc_user_t **user);

    /**
     * Mark deleted if the password hash is still this one.
     * @param deleted 0 if it was not there, deleted already, or its hash changed
     */
    authsvc_error_t *(*mark_deleted)(authsvc_ctx_t *ctx, const char *id, const char *hash,
                                     int *deleted);
} authsvc_users_repository_t;

#endif
