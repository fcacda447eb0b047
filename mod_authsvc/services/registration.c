/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/core/settings.h"
#include "authsvc/crypto/password.h"
#include "authsvc/services/services.h"
#include "event.h"

typedef struct {
    authsvc_user_t *user;
    authsvc_refresh_token_t token;
} registration_t;

/* In one transaction: no user without the session that the answer promises, and none twice. */
static authsvc_error_t *insert_user_and_session(authsvc_ctx_t *ctx, void *baton)
{
    registration_t *registration = baton;
    int created = 0;
    AUTHSVC_TRY(ctx->repositories->users->insert(ctx, registration->user, &created));
    if (!created) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_CONFLICT, "email-exists",
                             "An account with this email address exists already.",
                             "registration of a known email");
    }
    int opened = 0;
    AUTHSVC_TRY(authsvc_sessions_open(ctx, registration->user, &registration->token, &opened));
    if (!opened) {
        return AUTHSVC_INTERNAL(ctx->pool, "no session for the user just inserted");
    }
    return NULL;
}

authsvc_error_t *authsvc_registration_register(authsvc_ctx_t *ctx, const char *email,
                                               const char *password, apr_size_t password_len,
                                               const char *name, authsvc_grant_t *grant)
{
    if (!ctx->settings->registration_open) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_FORBIDDEN, "registration-closed",
                             "This site does not take new accounts.", "registration is off");
    }
    authsvc_error_t *err = NULL;
    authsvc_user_t *user = apr_pcalloc(ctx->pool, sizeof(*user));
    authsvc_policy_check_email(ctx, "/email", email, &user->email, &err);
    authsvc_policy_check_password(ctx, "/password", password, password_len, &err);
    authsvc_policy_check_name(ctx, "/name", name, &user->name, &err);
    if (err) {
        return err;
    }

    user->id = authsvc_uuid_v7(ctx->pool, authsvc_clock_now(ctx->clock));
    if (!user->id) {
        return AUTHSVC_INTERNAL(ctx->pool, "no random octets for a user id");
    }
    AUTHSVC_TRY(authsvc_password_hash(ctx, password, password_len, &user->password_hash));

    registration_t registration = {.user = user};
    err = ctx->repositories->transaction(ctx, insert_user_and_session, &registration);
    if (err) {
        return err;
    }
    authsvc_event(ctx, "AS0201", "registered", user->id,
                  authsvc_uuid_format(ctx->pool, registration.token.session_id));
    return authsvc_sessions_grant(ctx, user, &registration.token, 0, grant);
}
