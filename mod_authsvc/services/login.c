/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/services/services.h"
#include "event.h"
#include "lockout.h"

authsvc_error_t *authsvc_login(authsvc_ctx_t *ctx, const char *email, const char *password,
                               apr_size_t password_len, authsvc_grant_t *grant)
{
    /* A parallel login's rehash, or a new password: what is stored now decides. */
    for (int attempt = 0; attempt < 3; attempt++) {
        const authsvc_user_t *user = NULL;
        const char *session_id = NULL;
        int opened = 0;
        AUTHSVC_TRY(authsvc_credentials_check(ctx, email, password, password_len, &user));
        AUTHSVC_TRY(authsvc_lockout_device_token(ctx, user, &grant->device_token));
        AUTHSVC_TRY(authsvc_sessions_open(ctx, user, grant, &session_id, &opened));
        if (opened) {
            authsvc_event(ctx, "AS0205", "login", user->id, session_id);
            return NULL;
        }
    }
    return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                         "the account kept changing during login");
}
