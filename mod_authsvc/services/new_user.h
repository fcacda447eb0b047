/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_SERVICES_NEW_USER_H
#define AUTHSVC_SERVICES_NEW_USER_H

#include "authsvc/services/services.h"

/** Who is to get an account, as sent: strict UTF-8. */
typedef struct {
    const char *email;
    const char *password;
    apr_size_t password_len;
    const char *name;
    const char *role; /* AUTHSVC_ROLE_* */
} authsvc_new_user_t;

/**
 * Check the input against the policy, hash the password, and make the row, with an id.
 * @param user ready to be inserted, in ctx->pool
 * @return INVALID with fields; UNAVAILABLE "overloaded"
 */
authsvc_error_t *authsvc_new_user_make(authsvc_ctx_t *ctx, const authsvc_new_user_t *input,
                                       authsvc_user_t **user);

/** Insert it. @return CONFLICT "email-exists" */
authsvc_error_t *authsvc_new_user_insert(authsvc_ctx_t *ctx, authsvc_user_t *user);

#endif
