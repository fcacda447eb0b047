/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions.h"

#include "authsvc/core/settings.h"
#include "authsvc/core/uuid.h"
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

/*
 * What another node issued for longer than we do may outlive the entry that revoked it: that lives
 * as long as the longest token anybody recorded, and a node without mod_watchdog records none.
 */
static int outlives_entries(const authsvc_ctx_t *ctx, const authsvc_claims_t *claims)
{
    return claims->expires_at - claims->issued_at > apr_time_sec(ctx->settings->access_lifetime);
}

authsvc_session_verdict_t authsvc_authentication_verdict(const authsvc_ctx_t *ctx,
                                                         const authsvc_session_ref_t *session)
{
    unsigned char id[AUTHSVC_UUID_OCTETS];
    return authsvc_uuid_parse(session->session_id, id)
               ? authsvc_revocations_verdict(ctx->revocations, id, session->epoch,
                                             authsvc_clock_now(ctx->clock))
               : AUTHSVC_SESSION_UNKNOWN;
}

/* What was revoked lately is known without a query; what is not known for sure is asked. */
static authsvc_error_t *check_session(authsvc_ctx_t *ctx, const authsvc_principal_t *named)
{
    const authsvc_session_ref_t *session = &named->session;
    authsvc_session_verdict_t verdict = authsvc_authentication_verdict(ctx, session);
    if (verdict == AUTHSVC_SESSION_ALIVE && outlives_entries(ctx, &named->claims)) {
        verdict = AUTHSVC_SESSION_UNKNOWN;
    }
    if (verdict == AUTHSVC_SESSION_ALIVE) {
        return NULL;
    }
    authsvc_user_t *user = NULL;
    if (verdict == AUTHSVC_SESSION_UNKNOWN) {
        const authsvc_session_limits_t limits = authsvc_sessions_limits(ctx);
        AUTHSVC_TRY(ctx->repositories->sessions->find_user(ctx, session, &limits, &user));
    }
    return user ? NULL : authsvc_authentication_session_ended(ctx);
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
    AUTHSVC_TRY(check_session(ctx, named));
    *principal = named;
    return NULL;
}
