/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_REPOSITORIES_SESSIONS_H
#define AUTHSVC_REPOSITORIES_SESSIONS_H

#include "authsvc/crypto/refresh_token.h"
#include "authsvc/db/db.h"
#include "authsvc/repositories/revocations.h"
#include "authsvc/repositories/users.h"

/** A new session; its counter and epoch start at 0. */
typedef struct {
    const char *id;
    unsigned char nonce_hash[AUTHSVC_NONCE_HASH_OCTETS];
    const char *ip;         /* may be NULL */
    const char *user_agent; /* may be NULL */
} authsvc_session_t;

/** What a refresh token says of its session. */
typedef struct {
    const char *session_id;
    unsigned char nonce_hash[AUTHSVC_NONCE_HASH_OCTETS];
    apr_int64_t counter;
} authsvc_session_token_t;

/** What a session's row says after it refused to rotate. */
typedef struct {
    apr_int64_t counter;
    apr_int64_t epoch;
    int alive;        /* not revoked, not idle too long, not too old, user not deleted */
    int within_grace; /* rotated less than the grace ago */
    apr_interval_time_t age; /* since it was rotated, or begun */
} authsvc_session_state_t;

/** A living session as its user may see it. */
typedef struct {
    const char *id;
    apr_time_t created_at;
    apr_time_t last_used_at;
    const char *ip;         /* NULL: unknown */
    const char *user_agent; /* NULL: unknown */
} authsvc_session_entry_t;

typedef struct {
    /**
     * Open a session for a user who is not deleted and whose password hash and role are still
     * these.
     * @param user id, password_hash, role are read
     * @param created 0 if the user is gone, deleted, or changed meanwhile
     * @param others living sessions that the user had before, counted up to limits->most
     */
    authsvc_error_t *(*insert)(authsvc_ctx_t *ctx, const authsvc_session_t *session,
                               const authsvc_user_t *user, const authsvc_session_limits_t *limits,
                               int *created, int *others);

    /**
     * Rotate: one conditional statement that holds the user's row FOR SHARE. The counter becomes
     * the token's + 1 if it is the token's now and the last rotation is at least the grace ago.
     * @param user who it belongs to, current; NULL if nothing was rotated
     * @param epoch of the session, if rotated
     */
    authsvc_error_t *(*rotate)(authsvc_ctx_t *ctx, const authsvc_session_token_t *token,
                               const authsvc_session_limits_t *limits, authsvc_user_t **user,
                               apr_int64_t *epoch);

    /**
     * The same for a row that is 1 to 16 behind its token, whatever the grace: the database lost
     * commits (a crash, a failover).
     */
    authsvc_error_t *(*recover)(authsvc_ctx_t *ctx, const authsvc_session_token_t *token,
                                const authsvc_session_limits_t *limits, authsvc_user_t **user,
                                apr_int64_t *epoch);

    /** Why rotate refused. @param state, user NULL if there is no such session and nonce */
    authsvc_error_t *(*inspect)(authsvc_ctx_t *ctx, const authsvc_session_token_t *token,
                                const authsvc_session_limits_t *limits,
                                authsvc_session_state_t **state, authsvc_user_t **user);

    /**
     * The user of a living session, by access token: session and user in one query.
     * @param user NULL if either is not alive, or the session's epoch is not this one
     */
    authsvc_error_t *(*find_user)(authsvc_ctx_t *ctx, const authsvc_session_ref_t *session,
                                  const authsvc_session_limits_t *limits, authsvc_user_t **user);

    /** The living sessions of a user, the one used last first. @param entries empty if find_user
     *  would find nobody; of authsvc_session_entry_t */
    authsvc_error_t *(*list)(authsvc_ctx_t *ctx, const authsvc_session_ref_t *session,
                             const authsvc_session_limits_t *limits,
                             apr_array_header_t **entries);

    /*
     * What ends a session or raises its epoch says so in revocations, in the same statement (or
     * transaction). revoked: of authsvc_revocation_t, what was written there; empty if there was
     * nothing to end.
     */

    /** End one session, by its nonce. */
    authsvc_error_t *(*revoke)(authsvc_ctx_t *ctx, const authsvc_session_token_t *token,
                               apr_array_header_t **revoked);

    /** End a living session of the user of this living one. */
    authsvc_error_t *(*revoke_one)(authsvc_ctx_t *ctx, const char *id,
                                   const authsvc_session_ref_t *session,
                                   const authsvc_session_limits_t *limits,
                                   apr_array_header_t **revoked);

    /** End those of a user's living sessions that are older than the limits->most newest. */
    authsvc_error_t *(*revoke_surplus)(authsvc_ctx_t *ctx, const char *user_id,
                                       const authsvc_session_limits_t *limits,
                                       apr_array_header_t **revoked);

    /** End all sessions of a user. */
    authsvc_error_t *(*revoke_all)(authsvc_ctx_t *ctx, const char *user_id,
                                   apr_array_header_t **revoked);

    /** Raise the epoch of all sessions of a user: the access tokens they gave out are void. */
    authsvc_error_t *(*raise_epochs)(authsvc_ctx_t *ctx, const char *user_id,
                                     apr_array_header_t **revoked);
} authsvc_sessions_repository_t;

#endif
