/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_SERVICES_SERVICES_H
#define AUTHSVC_SERVICES_SERVICES_H

#include "authsvc/core/context.h"
#include "authsvc/core/error.h"
#include "authsvc/crypto/jwt.h"
#include "authsvc/repositories/repositories.h"

/** Who an access token names, and what else it says. */
typedef struct authsvc_principal_t {
    authsvc_session_ref_t session; /* all that the database needs */
    authsvc_claims_t claims;
} authsvc_principal_t;

/** What a sign-in or a refresh gives. In ctx->pool. */
typedef struct {
    const char *access_token;
    const char *refresh_token;
    const char *device_token; /* NULL if none was made */
    apr_int64_t expires_in; /* seconds */
    const authsvc_user_t *user;
} authsvc_grant_t;

/* services/registration.c */

/**
 * Register a user and sign them in.
 * @param email, password, name as sent, strict UTF-8
 * @return FORBIDDEN "registration-closed"; THROTTLED; INVALID with fields; CONFLICT "email-exists";
 *   UNAVAILABLE (a later try may meet CONFLICT)
 */
authsvc_error_t *authsvc_registration_register(authsvc_ctx_t *ctx, const char *email,
                                               const char *password, apr_size_t password_len,
                                               const char *name, authsvc_grant_t *grant);

/**
 * The same where nobody is to learn whether there is such an account: nobody is signed in, and
 * known and new addresses meet the same work and the same answer.
 * @return FORBIDDEN "registration-closed"; INVALID with fields; UNAVAILABLE
 */
authsvc_error_t *authsvc_registration_request(authsvc_ctx_t *ctx, const char *email,
                                              const char *password, apr_size_t password_len,
                                              const char *name);

/* services/policy.c */

/** Whose password it is to be, as far as that is known: a member may be NULL. */
typedef struct {
    const char *email;
    const char *name;
} authsvc_person_t;

/**
 * Check a new password against the settings' policy, and look it up among those that are tried
 * first; what is wrong with it is added to *err as fields.
 */
void authsvc_policy_check_password(authsvc_ctx_t *ctx, const char *pointer, const char *password,
                                   apr_size_t len, const authsvc_person_t *person,
                                   authsvc_error_t **err);

/** Trim and check a display name: 1-100 code points, no control characters. */
void authsvc_policy_check_name(authsvc_ctx_t *ctx, const char *pointer, const char *name,
                               const char **trimmed, authsvc_error_t **err);

/** Normalize and check an email address. */
void authsvc_policy_check_email(authsvc_ctx_t *ctx, const char *pointer, const char *email,
                                const char **normalized, authsvc_error_t **err);

/* services/credentials.c */

/**
 * Whose email address and password these are, and whether they may sign in. Opens no session.
 * Exactly one Argon2id on every path (and a second one where the hash is renewed); no lease is held
 * meanwhile.
 * @param email, password as sent
 * @param user in ctx->pool
 * @return UNAUTHENTICATED "invalid-credentials" (unknown email and wrong password alike),
 *   "account-deactivated" (after the right password only); THROTTLED; UNAVAILABLE
 */
authsvc_error_t *authsvc_credentials_check(authsvc_ctx_t *ctx, const char *email,
                                           const char *password, apr_size_t password_len,
                                           const authsvc_user_t **user);

/* services/basic.c */

/**
 * Authenticate by HTTP Basic (RFC 7617): authsvc_credentials_check, with ctx->basic_cache in front
 * of it. Only "yes" is kept, for settings->basic_cache and the client's network, and not looked at
 * while a rate limit is used up; ctx->revocations end it, and where they know nothing, the database
 * is asked for the user's row. A wrong password costs its Argon2id each time; one that nobody can
 * have (empty, not UTF-8, longer than 1024 code points) costs none.
 * @param email, password octets as sent
 * @param principal in ctx->pool; without a session
 * @return UNAUTHENTICATED as authsvc_credentials_check; NOT_FOUND if the name can be no account's,
 *   whatever accounts there are; UNAVAILABLE
 */
authsvc_error_t *authsvc_basic_authenticate(authsvc_ctx_t *ctx, const char *email,
                                            const char *password, apr_size_t password_len,
                                            const authsvc_principal_t **principal);

/** Octets of a value in ctx->basic_cache. */
#define AUTHSVC_BASIC_CACHED 1024

/* services/login.c */

/**
 * Sign in. Exactly one Argon2id on every path; no lease is held meanwhile.
 * @return UNAUTHENTICATED "invalid-credentials" (unknown email and wrong password alike),
 *   "account-deactivated" (after the right password only); THROTTLED; UNAVAILABLE
 */
authsvc_error_t *authsvc_login(authsvc_ctx_t *ctx, const char *email, const char *password,
                               apr_size_t password_len, authsvc_grant_t *grant);

/* services/sessions.c */

/**
 * Open a session for a user: make its first tokens, then insert its row, which is the last thing
 * that can fail. Also inside a transaction.
 * @param session_id uuid, in ctx->pool
 * @param opened 0 if the user was deleted, or password or role changed meanwhile: then there is
 *   no session, and the tokens are of no use
 */
authsvc_error_t *authsvc_sessions_open(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                       authsvc_grant_t *grant, const char **session_id,
                                       int *opened);

/** Make the tokens of a session. No database, but for its identity if that is not known yet. */
authsvc_error_t *authsvc_sessions_grant(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                        const authsvc_refresh_token_t *token, apr_int64_t epoch,
                                        authsvc_grant_t *grant);

/** Exchange a refresh token. @return UNAUTHENTICATED "invalid-refresh-token"; THROTTLED */
authsvc_error_t *authsvc_sessions_refresh(authsvc_ctx_t *ctx, const char *refresh_token,
                                          authsvc_grant_t *grant);

/** End the session of a refresh token; any string that is none is a success. */
authsvc_error_t *authsvc_sessions_logout(authsvc_ctx_t *ctx, const char *refresh_token);

/**
 * The living sessions of ctx->principal's user: that session first, then the one used last.
 * @param entries of authsvc_session_entry_t
 * @return UNAUTHENTICATED if the session is over
 */
authsvc_error_t *authsvc_sessions_list(authsvc_ctx_t *ctx, apr_array_header_t **entries);

/**
 * End a session of ctx->principal's user, its own included.
 * @param id as sent
 * @return UNAUTHENTICATED if the session is over; NOT_FOUND if the user has none of that id
 */
authsvc_error_t *authsvc_sessions_end(authsvc_ctx_t *ctx, const char *id);

/* services/authentication.c */

/**
 * Verify an access token (no database) and say who it names.
 * @param principal in ctx->pool
 * @return UNAUTHENTICATED "authentication"
 */
authsvc_error_t *authsvc_authentication_verify(authsvc_ctx_t *ctx, const char *token,
                                               apr_size_t len,
                                               const authsvc_principal_t **principal);

/**
 * Verify an access token, and that its session has not ended.
 * @param principal in ctx->pool
 * @return UNAUTHENTICATED "authentication"; UNAVAILABLE if that could not be found out
 */
authsvc_error_t *authsvc_authentication_authorize(authsvc_ctx_t *ctx, const char *token,
                                                  apr_size_t len,
                                                  const authsvc_principal_t **principal);

/* services/identity.c */

/** How long a token for a backend is valid, seconds, and how much of that is left at least. */
#define AUTHSVC_IDENTITY_LIFETIME 60
#define AUTHSVC_IDENTITY_LEFT 30

/** The most octets of a token that is kept; longer ones are signed anew each time. */
#define AUTHSVC_IDENTITY_CACHED 2048

/**
 * A token that tells a backend who it is: the claims of an access token, which it does not outlive
 * (then less may be left than AUTHSVC_IDENTITY_LEFT), for another audience, and of a type that
 * opens nothing here.
 * @param audience the backend's name; not this service's own
 * @param token in ctx->pool
 * @return INTERNAL
 */
authsvc_error_t *authsvc_identity_token(authsvc_ctx_t *ctx, const authsvc_principal_t *principal,
                                        const char *audience, const char **token);

/* services/limits.c */

/**
 * Count a request of ctx->principal, whose token was verified; not if its session is known to have
 * ended, for that would be somebody else's limit. No database.
 * @return THROTTLED "rate-limited" if there were too many; UNAUTHENTICATED if the session has ended
 */
authsvc_error_t *authsvc_limits_api(authsvc_ctx_t *ctx);

/* services/account.c: of ctx->principal, whose session must be alive, else UNAUTHENTICATED */

authsvc_error_t *authsvc_account_get(authsvc_ctx_t *ctx, const authsvc_user_t **user);

/** Change the display name. @return INVALID with fields */
authsvc_error_t *authsvc_account_rename(authsvc_ctx_t *ctx, const char *name,
                                        const authsvc_user_t **user);

/** End all sessions of the user. */
authsvc_error_t *authsvc_account_logout_all(authsvc_ctx_t *ctx);

/**
 * Deactivate the account and end all its sessions.
 * @return UNAUTHENTICATED "invalid-credentials" for a wrong password; CONFLICT "last-admin"
 */
authsvc_error_t *authsvc_account_delete(authsvc_ctx_t *ctx, const char *password,
                                        apr_size_t password_len);

/* services/administration.c: the caller has made sure that whoever asks may do so */

/**
 * Make an account, by the rules of a registration, open or closed. It is not signed in.
 * @param role AUTHSVC_ROLE_*
 * @param user in ctx->pool
 * @return INVALID, with fields for all but an unknown role; CONFLICT "email-exists"
 */
authsvc_error_t *authsvc_administration_create(authsvc_ctx_t *ctx, const char *email,
                                               const char *password, apr_size_t password_len,
                                               const char *name, const char *role,
                                               const authsvc_user_t **user);

/** Find a user, deactivated or not, by id or email address. @return NOT_FOUND */
authsvc_error_t *authsvc_administration_find(authsvc_ctx_t *ctx, const char *id_or_email,
                                             const authsvc_user_t **user);

/** A page of users. @param users of authsvc_user_t * @return INVALID for an unknown role */
authsvc_error_t *authsvc_administration_list(authsvc_ctx_t *ctx, const authsvc_user_page_t *page,
                                             apr_array_header_t **users);

/**
 * Set a user's role. Access tokens with the old one are void for this service; a refresh gives one
 * with the new role.
 * @param user as it is afterwards
 * @return INVALID for an unknown role; NOT_FOUND; CONFLICT "last-admin": nobody would be left who
 *   may undo it
 */
authsvc_error_t *authsvc_administration_set_role(authsvc_ctx_t *ctx, const char *id_or_email,
                                                 const char *role, const authsvc_user_t **user);

/* services/feed.c */

/** Where a reader of the feed of revocations is. Zeroed: at its beginning. */
typedef struct {
    apr_int64_t next;
    apr_int64_t source;
    apr_interval_time_t clock_ahead; /* of the wall clock, before the monotonic one */
    apr_time_t whole_at;             /* monotonic: when all were read last; 0: not yet */
    apr_time_t purged_at;
    apr_time_t tidy_after;           /* monotonic: it failed, and is not tried before */
    apr_interval_time_t lifetime;    /* that was recorded */
} authsvc_feed_t;

/**
 * Bring ctx->revocations up to date, by one query: with what is new, or with everything if that is
 * needed.
 * @return UNAVAILABLE, also for a replica; then the next one reads everything
 */
authsvc_error_t *authsvc_feed_follow(authsvc_ctx_t *ctx, authsvc_feed_t *feed);

/**
 * After a look that succeeded: have this node's lifetime recorded, and now and then expired entries
 * removed from the database. Mostly nothing is due. What fails is tried again after a minute; what
 * is looked at, and believed, does not depend on it.
 * @param lifetime of the access tokens of this node
 */
authsvc_error_t *authsvc_feed_tidy(authsvc_ctx_t *ctx, authsvc_feed_t *feed,
                                   apr_interval_time_t lifetime);

/* services/lockout.c, lockout_support.c: docs/brute-force.md */

/**
 * Write what ctx->failures counted, if that is due: at most once a second for a node, and 200 rows,
 * 20 at once, until ctx->db_budget ends. What fails stays, and is tried again.
 */
authsvc_error_t *authsvc_lockout_write(authsvc_ctx_t *ctx);

/**
 * Now and then, remove expired rows. Mostly nothing is due.
 * @param purged_at the caller keeps it; 0 at first
 */
authsvc_error_t *authsvc_lockout_tidy(authsvc_ctx_t *ctx, apr_time_t *purged_at);

/**
 * What is written about tries at an account. The caller has made sure that whoever asks may know.
 * @param entries of authsvc_failure_entry_t
 */
authsvc_error_t *authsvc_lockout_list(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                      apr_array_header_t **entries);

/** Forget all failures of an account. The same. @param cleared of how many places */
authsvc_error_t *authsvc_lockout_clear(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                       apr_int64_t *cleared);

/* services/readiness.c */

/** Outcome of one readiness check. */
typedef struct {
    const char *name; /* "database", "clock", "secret", "hashing", "keys" */
    int ok;
    const char *detail;  /* public; NULL if ok */
    const char *warning; /* public; what has to be done soon, although it is ok; or NULL */
} authsvc_readiness_check_t;

/**
 * Whether this node can serve: database and schema, clock within 30 s of the database's, secret
 * known to the other nodes, semaphores for hashing still there. Never an error: each failure is a
 * check that is not ok. That no key follows the one that signs is a warning.
 * @param checks of authsvc_readiness_check_t, in ctx->pool
 * @return 1 if all are ok
 */
int authsvc_readiness(authsvc_ctx_t *ctx, apr_array_header_t **checks);

#endif
