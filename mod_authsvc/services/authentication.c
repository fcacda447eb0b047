/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions.h"

#include "authsvc/core/settings.h"
#include "authsvc/crypto/token_cache.h"

#define LEEWAY_SECONDS 30 /* for the clocks of the nodes that sign */

authsvc_error_t *authsvc_authentication_verify(authsvc_ctx_t *ctx, const char *token,
                                               apr_size_t len,
                                               const authsvc_principal_t **principal)
{
    const authsvc_settings_t *settings = ctx->settings;
    const authsvc_jwt_expectation_t expected = {
        .issuer = settings->issuer,
        .audience = settings->audience,
        .type = settings->token_type,
        .now = apr_time_sec(authsvc_clock_now(ctx->clock)),
        .leeway = LEEWAY_SECONDS,
    };
    authsvc_principal_t *found = apr_pcalloc(ctx->pool, sizeof(*found));
    AUTHSVC_TRY(authsvc_token_cache_verify(ctx->token_cache, settings, ctx->pool, settings->keys,
                                           &expected, token, len, &found->claims));
    found->session.session_id = found->claims.session_id;
    found->session.user_id = found->claims.subject;
    found->session.epoch = found->claims.epoch;
    *principal = found;
    return NULL;
}

authsvc_error_t *authsvc_authentication_session_ended(authsvc_ctx_t *ctx)
{
    return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAUTHENTICATED, "authentication",
                         "The session of this access token has ended.",
                         "session or user not alive");
}

authsvc_error_t *authsvc_authentication_authorize(authsvc_ctx_t *ctx, const char *token,
                                                  apr_size_t len,
                                                  const authsvc_principal_t **principal)
{
    const authsvc_principal_t *named = NULL;
    AUTHSVC_TRY(authsvc_authentication_verify(ctx, token, len, &named));
    if (!named) {
        return AUTHSVC_INTERNAL(ctx->pool, "an accepted token names nobody");
    }
    const authsvc_session_limits_t limits = authsvc_sessions_limits(ctx);
    authsvc_user_t *user = NULL;
    AUTHSVC_TRY(ctx->repositories->sessions->find_user(ctx, &named->session, &limits, &user));
    if (!user) {
        return authsvc_authentication_session_ended(ctx);
    }
    *principal = named;
    return NULL;
}
