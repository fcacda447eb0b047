/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_SERVICES_LIMITS_H
#define AUTHSVC_SERVICES_LIMITS_H

#include "authsvc/services/services.h"

/*
 * Each counts the request by its policy's rules, once, and refuses it if there were too many:
 * THROTTLED. It must come before anything that tells whether an account exists, and before
 * anything that costs.
 */

/**
 * By the account that somebody claims: whether it exists is not looked at.
 * @param policy AUTHSVC_LIMIT_REGISTER
 * @param email normalized; or as sent, if it cannot be
 */
authsvc_error_t *authsvc_limits_claimed(authsvc_ctx_t *ctx, authsvc_limit_policy_t policy,
                                        const char *email);

/**
 * Whether authsvc_limits_claimed would refuse the request now. Counts nothing, so that it may come
 * before what need not be counted.
 */
int authsvc_limits_is_used_up(const authsvc_ctx_t *ctx, authsvc_limit_policy_t policy,
                              const char *email);

/**
 * Take back what authsvc_limits_claimed counted and admitted: the request is as if it had not been
 * counted, and its answer tells nothing of limits.
 */
void authsvc_limits_give_back(authsvc_ctx_t *ctx, authsvc_limit_policy_t policy);

/**
 * The same for a sign-in. Who comes from a device that is known has not to share what is counted
 * for an account from an address with whoever else is there; what is counted for the address, yes.
 * @param device that a token of ours names, whosever it is; or NULL
 */
authsvc_error_t *authsvc_limits_login(authsvc_ctx_t *ctx, const char *email, const char *device);

/** A refresh. @param session_id of a token that is ours: nobody else's may be counted */
authsvc_error_t *authsvc_limits_refresh(authsvc_ctx_t *ctx, const char *session_id);

#endif
