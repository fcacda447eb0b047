/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_SERVICES_CREDENTIALS_H
#define AUTHSVC_SERVICES_CREDENTIALS_H

#include "authsvc/crypto/password.h"
#include "lockout.h"

/**
 * The event and the error of wrong credentials, whatever is wrong with them.
 * @param user NULL: nobody's
 */
authsvc_error_t *authsvc_credentials_refuse(authsvc_ctx_t *ctx, const authsvc_user_t *user);

/**
 * Try a password: one Argon2id, whatever comes of it. A wrong one counts.
 * @param lockout of authsvc_lockout_find()
 * @param user NULL: nobody's
 * @param verdict matches only if the password is right, and may be told so
 */
authsvc_error_t *authsvc_credentials_prove(authsvc_ctx_t *ctx, const authsvc_lockout_t *lockout,
                                           const authsvc_user_t *user, const char *password,
                                           apr_size_t password_len,
                                           authsvc_password_verdict_t *verdict);

#endif
