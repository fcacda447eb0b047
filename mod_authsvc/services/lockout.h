/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_SERVICES_LOCKOUT_H
#define AUTHSVC_SERVICES_LOCKOUT_H

#include "authsvc/crypto/device_token.h"
#include "authsvc/services/services.h"

/* Who may try a password, and who has to wait: docs/brute-force.md. */

/** One try, from the look-up of the account to its outcome. */
typedef struct {
    int counts;    /* 0: nothing is counted */
    int is_device; /* by a token of this account: it has a counter of its own */
    int is_inside; /* whoever tries is signed in already: the account's sum does not matter */
    authsvc_login_attempt_t attempt;
    authsvc_login_state_t state;
    /* Of the failures that this node counts, before the state was read. */
    authsvc_failures_mark_t network_mark;
    authsvc_failures_mark_t device_mark;
    authsvc_failures_mark_t account_mark;
} authsvc_lockout_t;

/** The limits of a place, and of the sum of all places of an account, by the settings. */
authsvc_failure_limit_t authsvc_lockout_place_limit(const authsvc_ctx_t *ctx);
authsvc_failure_limit_t authsvc_lockout_account_limit(const authsvc_ctx_t *ctx);

/**
 * The device that ctx->device_token names, before anything is looked up: so it may be a device of
 * another account. No query, once the database's identity is known.
 * @return NULL if there is none, or it cannot be found out
 */
const char *authsvc_lockout_device(authsvc_ctx_t *ctx);

/**
 * Find an account, and what is known about tries at it from here: by one query, as without.
 * @param email normalized
 * @param user NULL if there is none
 */
authsvc_error_t *authsvc_lockout_find(authsvc_ctx_t *ctx, const char *email,
                                      authsvc_lockout_t *lockout, authsvc_user_t **user);

/**
 * Whether the try has to be refused, right password or not. To be asked before the hash, and again
 * after it, right password or not: others may have failed meanwhile. No database.
 * @return UNAVAILABLE if this node's count was not to be had, or is lost
 */
authsvc_error_t *authsvc_lockout_check(authsvc_ctx_t *ctx, const authsvc_lockout_t *lockout,
                                       int *paused);

/** The password was wrong. @param user NULL if there is none */
authsvc_error_t *authsvc_lockout_failed(authsvc_ctx_t *ctx, const authsvc_lockout_t *lockout,
                                        const authsvc_user_t *user);

/**
 * It was right: its counter is cleared, and the network remembered. Mostly nothing is to do. That
 * it cannot be written (a database that only reads, a full disk) is no reason to refuse: it is
 * logged.
 */
void authsvc_lockout_succeeded(authsvc_ctx_t *ctx, const authsvc_lockout_t *lockout,
                               const authsvc_user_t *user);

/** The network from which an account was made is known from then on. In a transaction, too. */
authsvc_error_t *authsvc_lockout_begin_account(authsvc_ctx_t *ctx, const authsvc_user_t *user);

/**
 * A token for the device that has just signed in: the same device if ctx->device_token is one of
 * this user's, else a new one.
 * @param text in ctx->pool; NULL if there are none
 */
authsvc_error_t *authsvc_lockout_device_token(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                              const char **text);

#endif
