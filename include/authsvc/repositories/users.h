/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_REPOSITORIES_USERS_H
#define AUTHSVC_REPOSITORIES_USERS_H

#include "authsvc/db/db.h"

#define AUTHSVC_ACCOUNT_OCTETS 16 /* of authsvc_account_hash */

#define AUTHSVC_ROLE_USER "user"
#define AUTHSVC_ROLE_ADMIN "admin"

/** A row of users. Strings live in the pool of the call's context. */
typedef struct {
    const char *id; /* uuid */
    const char *email;
    const char *password_hash;
    const char *name;
    const char *role; /* AUTHSVC_ROLE_* */
    int email_verified;
    apr_time_t created_at;
    apr_time_t deleted_at; /* 0: it is not */
    apr_time_t read_at;    /* the database's time, of a row that find_by_* found; else 0 */
} authsvc_user_t;

/** Which users to list, and from where: the page after a user, in order of creation. */
typedef struct {
    const char *role;          /* NULL: any */
    const authsvc_user_t *after; /* the last one of the page before; NULL: from the beginning */
    int limit;
} authsvc_user_page_t;

/** The limits of a session's life, microseconds. */
typedef struct {
    apr_interval_time_t idle;
    apr_interval_time_t absolute;
    apr_interval_time_t grace;
    int most; /* that a user may have; 0: any number */
} authsvc_session_limits_t;

/** A session as an access token names it. */
typedef struct {
    const char *session_id;
    const char *user_id;
    apr_int64_t epoch;
} authsvc_session_ref_t;

typedef struct {
    /**
     * Insert a user. Sets created_at and email_verified from the row.
     * @param user id, email, password_hash, name, role are read
     * @param created 0 if the email is taken (nothing is changed then)
     */
    authsvc_error_t *(*insert)(authsvc_ctx_t *ctx, authsvc_user_t *user, int *created);

    /**
     * Insert a user, with the same work whether the email is taken or not. One statement.
     * @param user id, email, password_hash, name, role are read
     * @param account what stands for it in the table of login failures
     * @param created 0 if the email is taken
     */
    authsvc_error_t *(*insert_unseen)(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                      const unsigned char account[AUTHSVC_ACCOUNT_OCTETS],
                                      int *created);

    /** @param user NULL if there is none; a deleted one is found too */
    authsvc_error_t *(*find_by_email)(authsvc_ctx_t *ctx, const char *email,
                                      authsvc_user_t **user);

    /** @param user NULL if there is none; a deleted one is found too */
    authsvc_error_t *(*find_by_id)(authsvc_ctx_t *ctx, const char *id, authsvc_user_t **user);

    /** A page of users, deleted ones too, the oldest first. @param users of authsvc_user_t * */
    authsvc_error_t *(*list)(authsvc_ctx_t *ctx, const authsvc_user_page_t *page,
                             apr_array_header_t **users);

    /**
     * Set the role if it is still what it was.
     * @param user id and role are read
     * @param changed the row afterwards; NULL if it is gone, or has another role by now
     */
    authsvc_error_t *(*set_role)(authsvc_ctx_t *ctx, const authsvc_user_t *user, const char *role,
                                 authsvc_user_t **changed);

    /**
     * Lock the rows of all active admins until the transaction ends, so that no two of them go at
     * the same time, each relying on the other.
     * @param others how many there are beside this user
     */
    authsvc_error_t *(*lock_admins)(authsvc_ctx_t *ctx, const char *id, apr_int64_t *others);

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
     * Mark deleted if password hash and role are still what they were.
     * @param user id, password_hash, role are read
     * @param deleted 0 if it was not there, deleted already, or changed
     */
    authsvc_error_t *(*mark_deleted)(authsvc_ctx_t *ctx, const authsvc_user_t *user, int *deleted);
} authsvc_users_repository_t;

#endif
