/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <string.h>

#include "authsvc/core/settings.h"
#include "authsvc/core/uuid.h"
#include "authsvc/crypto/cache.h"
#include "authsvc/services/services.h"

static authsvc_error_t *sign(authsvc_ctx_t *ctx, const authsvc_claims_t *of, const char *audience,
                             apr_time_t now, const char **token)
{
    authsvc_claims_t claims = *of;
    claims.audience = audience;
    claims.token_id = authsvc_uuid_v7(ctx->pool, now);
    claims.issued_at = claims.not_before = apr_time_sec(now);
    if (claims.expires_at > claims.issued_at + AUTHSVC_IDENTITY_LIFETIME) {
        claims.expires_at = claims.issued_at + AUTHSVC_IDENTITY_LIFETIME;
    }
    if (!claims.token_id) {
        return AUTHSVC_INTERNAL(ctx->pool, "no random octets for a token id");
    }
    return authsvc_jwt_sign(ctx->pool, ctx->settings->keys, AUTHSVC_TYP_IDENTITY, &claims, token);
}

/* One for each audience and access token, or verdict on Basic credentials: that has no session. */
static authsvc_error_t *make_key(authsvc_ctx_t *ctx, const authsvc_claims_t *claims,
                                 const char *audience, authsvc_cache_key_t *key)
{
    const char *text = apr_pstrcat(ctx->pool, claims->session_id ? claims->session_id : "-", " ",
                                   audience, " ", claims->token_id, NULL);
    return authsvc_cache_key(ctx->identity_cache, ctx->settings, text, strlen(text), key)
               ? NULL
               : AUTHSVC_INTERNAL(ctx->pool, "the name of a token could not be hashed");
}

authsvc_error_t *authsvc_identity_token(authsvc_ctx_t *ctx, const authsvc_principal_t *principal,
                                        const char *audience, const char **token)
{
    const authsvc_claims_t *claims = &principal->claims;
    apr_time_t time = authsvc_clock_now(ctx->clock);
    apr_int64_t now = apr_time_sec(time);
    if (strcmp(audience, ctx->settings->audience) == 0) {
        return AUTHSVC_INTERNAL(ctx->pool, "a backend must have another audience than this "
                                           "service (AuthSvcAudience): %s", audience);
    }
    if (!ctx->identity_cache) {
        return sign(ctx, claims, audience, time, token);
    }
    authsvc_cache_key_t key;
    apr_size_t len;
    AUTHSVC_TRY(make_key(ctx, claims, audience, &key));
    *token = authsvc_cache_get(ctx->identity_cache, ctx->pool, &key, now, &len);
    if (*token) {
        return NULL;
    }
    AUTHSVC_TRY(sign(ctx, claims, audience, time, token));
    authsvc_cache_put(ctx->identity_cache, &key, now,
                      now + AUTHSVC_IDENTITY_LIFETIME - AUTHSVC_IDENTITY_LEFT, *token,
                      strlen(*token) + 1);
    return NULL;
}
