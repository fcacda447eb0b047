/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/core/settings.h"
#include "authsvc/core/text.h"
#include "event.h"
#include "lockout.h"
#include "limits.h"
#include "new_user.h"

typedef struct {
    authsvc_user_t *user;
    authsvc_grant_t *grant;
    const char *session_id;
} registration_t;

/*
 * In one transaction: no user without the session and the tokens that the answer promises, and
 * none twice.
 */
static authsvc_error_t *insert_user_and_session(authsvc_ctx_t *ctx, void *baton)
{
    registration_t *registration = baton;
    int opened = 0;
    AUTHSVC_TRY(authsvc_new_user_insert(ctx, registration->user));
    AUTHSVC_TRY(authsvc_sessions_open(ctx, registration->user, registration->grant,
                                      &registration->session_id, &opened));
    if (!opened) {
        return AUTHSVC_INTERNAL(ctx->pool, "no session for the user just inserted");
    }
    return authsvc_lockout_begin_account(ctx, registration->user);
}

static void tell(authsvc_ctx_t *ctx, const authsvc_user_t *user, const char *session_id)
{
    authsvc_event(ctx, "AS0201", "registered", user->id, session_id);
}

static authsvc_error_t *refuse_if_closed(authsvc_ctx_t *ctx)
{
    if (ctx->settings->registration_open) {
        return NULL;
    }
    return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_FORBIDDEN, "registration-closed",
                         "This site does not take new accounts.", "registration is off");
}

/*
 * Closed, or too often: before anything is hashed or looked up. What cannot be an address is
 * counted as it was sent.
 */
static authsvc_error_t *admit(authsvc_ctx_t *ctx, const char *email)
{
    const char *normalized = NULL;
    AUTHSVC_TRY(refuse_if_closed(ctx));
    if (authsvc_email_normalize(ctx->pool, email, ctx->settings->email_utf8, &normalized)) {
        normalized = email;
    }
    return authsvc_limits_claimed(ctx, AUTHSVC_LIMIT_REGISTER, normalized);
}

authsvc_error_t *authsvc_registration_register(authsvc_ctx_t *ctx, const char *email,
                                               const char *password, apr_size_t password_len,
                                               const char *name, authsvc_grant_t *grant)
{
    const authsvc_new_user_t input = {email, password, password_len, name, AUTHSVC_ROLE_USER};
    registration_t registration = {.grant = grant};
    AUTHSVC_TRY(admit(ctx, email));
    AUTHSVC_TRY(authsvc_new_user_make(ctx, &input, &registration.user));
    AUTHSVC_TRY(authsvc_lockout_device_token(ctx, registration.user, &grant->device_token));
    AUTHSVC_TRY(ctx->repositories->transaction(ctx, insert_user_and_session, &registration));
    tell(ctx, registration.user, registration.session_id);
    return NULL;
}

authsvc_error_t *authsvc_registration_request(authsvc_ctx_t *ctx, const char *email,
                                              const char *password, apr_size_t password_len,
                                              const char *name)
{
    const authsvc_new_user_t input = {email, password, password_len, name, AUTHSVC_ROLE_USER};
    unsigned char account[AUTHSVC_ACCOUNT_OCTETS];
    authsvc_user_t *user = NULL;
    int created = 0;
    AUTHSVC_TRY(admit(ctx, email));
    AUTHSVC_TRY(authsvc_new_user_make(ctx, &input, &user));
    AUTHSVC_TRY(authsvc_account_hash(ctx->pool, ctx->settings->secrets, user->email, account));
    AUTHSVC_TRY(ctx->repositories->users->insert_unseen(ctx, user, account, &created));
    if (created) {
        tell(ctx, user, NULL);
    } else {
        authsvc_event(ctx, "AS0284", "registration-of-known-address", NULL, NULL);
    }
    return NULL;
}
