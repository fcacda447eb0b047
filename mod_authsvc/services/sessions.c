/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions.h"

#include <apr_strings.h>
#include <string.h>

#include "authsvc/core/settings.h"
#include "authsvc/core/text.h"
#include "authsvc/crypto/crypto.h"
#include "event.h"
#include "key_watch.h"
#include "limits.h"
#include "revocation.h"
#include "unanswered.h"

#define USER_AGENT_MAX 255

authsvc_session_limits_t authsvc_sessions_limits(const authsvc_ctx_t *ctx)
{
    const authsvc_session_limits_t limits = {
        .idle = ctx->settings->refresh_lifetime,
        .absolute = ctx->settings->session_lifetime,
        .grace = ctx->settings->refresh_grace,
        .most = ctx->settings->max_sessions,
    };
    return limits;
}

/* For the user's list of sessions: printable ASCII of a bounded length. */
static const char *printable_user_agent(authsvc_ctx_t *ctx)
{
    if (!ctx->user_agent) {
        return NULL;
    }
    char *text = apr_pstrmemdup(ctx->pool, ctx->user_agent,
                                strnlen(ctx->user_agent, USER_AGENT_MAX));
    for (char *c = text; *c; c++) {
        if (*c < ' ' || *c > '~') {
            *c = '?';
        }
    }
    return text;
}

static authsvc_error_t *sign_access_token(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                          const char *session_id, apr_int64_t epoch,
                                          const char **access_token)
{
    const authsvc_settings_t *settings = ctx->settings;
    apr_time_t now = authsvc_clock_now(ctx->clock);
    const authsvc_claims_t claims = {
        .issuer = settings->issuer,
        .subject = user->id,
        .audience = settings->audience,
        .token_id = authsvc_uuid_v7(ctx->pool, now),
        .session_id = session_id,
        .role = user->role,
        .email = user->email,
        .name = user->name,
        .epoch = epoch,
        .email_verified = user->email_verified,
        .issued_at = apr_time_sec(now),
        .not_before = apr_time_sec(now),
        .expires_at = apr_time_sec(now + settings->access_lifetime),
    };
    (void)authsvc_key_watch(ctx);
    if (!claims.token_id) {
        return AUTHSVC_INTERNAL(ctx->pool, "no random octets for a token id");
    }
    return authsvc_jwt_sign(ctx->pool, settings->keys, settings->token_type, &claims,
                            access_token);
}

authsvc_error_t *authsvc_sessions_grant(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                        const authsvc_refresh_token_t *token, apr_int64_t epoch,
                                        authsvc_grant_t *grant)
{
    unsigned char database_id[AUTHSVC_UUID_OCTETS];
    AUTHSVC_TRY(ctx->repositories->identity(ctx, database_id));
    AUTHSVC_TRY(authsvc_refresh_token_encode(ctx->pool, ctx->settings->secrets, database_id, token,
                                             &grant->refresh_token));
    AUTHSVC_TRY(sign_access_token(ctx, user, authsvc_uuid_format(ctx->pool, token->session_id),
                                  epoch, &grant->access_token));
    grant->expires_in = apr_time_sec(ctx->settings->access_lifetime);
    grant->user = user;
    return NULL;
}

authsvc_error_t *authsvc_sessions_open(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                       authsvc_grant_t *grant, const char **session_id,
                                       int *opened)
{
    authsvc_session_t session = {
        .id = authsvc_uuid_v7(ctx->pool, authsvc_clock_now(ctx->clock)),
        .ip = ctx->client_ip,
        .user_agent = printable_user_agent(ctx),
    };
    authsvc_refresh_token_t token = {0};
    if (!session.id || !authsvc_uuid_parse(session.id, token.session_id)) {
        return AUTHSVC_INTERNAL(ctx->pool, "no random octets for a session id");
    }
    authsvc_crypto_random(token.nonce, sizeof(token.nonce));
    authsvc_refresh_token_nonce_hash(token.nonce, session.nonce_hash);
    AUTHSVC_TRY(authsvc_sessions_grant(ctx, user, &token, 0, grant));
    *session_id = session.id;
    const authsvc_session_limits_t limits = authsvc_sessions_limits(ctx);
    int others = 0;
    AUTHSVC_TRY(ctx->repositories->sessions->insert(ctx, &session, user, &limits, opened,
                                                    &others));
    if (*opened && limits.most > 0 && others >= limits.most) {
        authsvc_sessions_end_surplus(ctx, user->id);
    }
    return NULL;
}

/* A refresh token, and what the database is asked about it. */
typedef struct {
    authsvc_refresh_token_t token;
    authsvc_session_token_t asked;
    authsvc_session_limits_t limits;
} exchange_t;

static authsvc_error_t *decode(authsvc_ctx_t *ctx, const char *text, exchange_t *exchange)
{
    unsigned char database_id[AUTHSVC_UUID_OCTETS];
    AUTHSVC_TRY(ctx->repositories->identity(ctx, database_id));
    AUTHSVC_TRY(authsvc_refresh_token_decode(ctx->pool, ctx->settings->secrets, database_id, text,
                                             strlen(text), &exchange->token));
    exchange->asked.session_id = authsvc_uuid_format(ctx->pool, exchange->token.session_id);
    exchange->asked.counter = exchange->token.counter;
    authsvc_refresh_token_nonce_hash(exchange->token.nonce, exchange->asked.nonce_hash);
    exchange->limits = authsvc_sessions_limits(ctx);
    return NULL;
}

authsvc_error_t *authsvc_sessions_logout(authsvc_ctx_t *ctx, const char *refresh_token)
{
    exchange_t exchange;
    authsvc_error_t *err = decode(ctx, refresh_token, &exchange);
    if (err) {
        /* What is no token of ours has no session to end. */
        return err->code == AUTHSVC_E_UNAUTHENTICATED ? NULL : err;
    }
    apr_array_header_t *revoked = NULL;
    AUTHSVC_TRY(ctx->repositories->sessions->revoke(ctx, &exchange.asked, &revoked));
    authsvc_revocation_spread(ctx, revoked);
    if (revoked->nelts > 0) {
        authsvc_event(ctx, "AS0210", "logout", NULL, exchange.asked.session_id);
    }
    return NULL;
}

static authsvc_error_t *invalid_refresh_token(authsvc_ctx_t *ctx, const exchange_t *exchange,
                                              const char *why)
{
    authsvc_event(ctx, "AS0212", "refresh-refused", NULL, exchange->asked.session_id);
    return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAUTHENTICATED, "invalid-refresh-token",
                         "The refresh token is not valid any more.", "%s", why);
}

/* An old token used again outside the grace: either copy may be the thief's, so both end. */
static authsvc_error_t *end_stolen(authsvc_ctx_t *ctx, const exchange_t *exchange,
                                   const authsvc_user_t *user)
{
    apr_array_header_t *revoked = NULL;
    AUTHSVC_TRY(ctx->repositories->sessions->revoke(ctx, &exchange->asked, &revoked));
    authsvc_revocation_spread(ctx, revoked);
    authsvc_event(ctx, "AS0213", "refresh-token-reused", user->id, exchange->asked.session_id);
    return invalid_refresh_token(ctx, exchange, "refresh token used again");
}

/* The successor of the token that was just exchanged. */
static authsvc_error_t *grant_next(authsvc_ctx_t *ctx, exchange_t *exchange,
                                   const authsvc_user_t *user, apr_int64_t epoch,
                                   authsvc_grant_t *grant, int *settled)
{
    *settled = 1;
    authsvc_unanswered_forget(ctx, &exchange->asked);
    exchange->token.counter++;
    return authsvc_sessions_grant(ctx, user, &exchange->token, epoch, grant);
}

/* What came of asking for an exchange. */
static authsvc_error_t *noting(authsvc_ctx_t *ctx, const exchange_t *exchange,
                               authsvc_error_t *err)
{
    if (err && err->unknown_outcome) {
        authsvc_unanswered_note(ctx, &exchange->asked);
    }
    return err;
}

static authsvc_error_t *recover(authsvc_ctx_t *ctx, exchange_t *exchange, authsvc_grant_t *grant,
                                int *settled)
{
    authsvc_user_t *user = NULL;
    apr_int64_t epoch = 0;
    AUTHSVC_TRY(noting(ctx, exchange,
                       ctx->repositories->sessions->recover(ctx, &exchange->asked,
                                                            &exchange->limits, &user, &epoch)));
    if (!user) {
        return NULL;
    }
    authsvc_event(ctx, "AS0214", "session-ahead-of-database", user->id,
                  exchange->asked.session_id);
    return grant_next(ctx, exchange, user, epoch, grant, settled);
}

/* Whoever has the token before the row's may not have been told of that. */
static int is_excused(authsvc_ctx_t *ctx, const exchange_t *exchange,
                      const authsvc_session_state_t *state)
{
    return state->counter - exchange->asked.counter == 1 &&
           (state->within_grace || authsvc_unanswered_has(ctx, &exchange->asked, state->age));
}

/* The token of the row as it is. */
static authsvc_error_t *grant_again(authsvc_ctx_t *ctx, exchange_t *exchange,
                                    const authsvc_session_state_t *state,
                                    const authsvc_user_t *user, authsvc_grant_t *grant)
{
    exchange->token.counter = (apr_uint32_t)state->counter;
    AUTHSVC_TRY(authsvc_sessions_grant(ctx, user, &exchange->token, state->epoch, grant));
    if (!state->within_grace) {
        authsvc_event(ctx, "AS0218", "refresh-excused", user->id, exchange->asked.session_id);
    }
    return NULL;
}

/* The row refused to rotate: tell why. *settled stays 0 if it would rotate now. */
static authsvc_error_t *settle(authsvc_ctx_t *ctx, exchange_t *exchange, authsvc_grant_t *grant,
                               int *settled)
{
    authsvc_session_state_t *state;
    authsvc_user_t *user;
    AUTHSVC_TRY(ctx->repositories->sessions->inspect(ctx, &exchange->asked, &exchange->limits,
                                                     &state, &user));
    if (!state) {
        return invalid_refresh_token(ctx, exchange, "no such session");
    }
    if (!state->alive) {
        return invalid_refresh_token(ctx, exchange, "session ended or expired");
    }
    apr_int64_t ahead = state->counter - exchange->asked.counter;
    if (ahead < 0) {
        return recover(ctx, exchange, grant, settled);
    }
    if (ahead == 0 ? state->within_grace : is_excused(ctx, exchange, state)) {
        *settled = 1;
        return grant_again(ctx, exchange, state, user, grant);
    }
    return ahead > 0 ? end_stolen(ctx, exchange, user) : NULL;
}

static authsvc_error_t *rotate(authsvc_ctx_t *ctx, exchange_t *exchange, authsvc_grant_t *grant,
                               int *settled)
{
    authsvc_user_t *user = NULL;
    apr_int64_t epoch = 0;
    AUTHSVC_TRY(noting(ctx, exchange,
                       ctx->repositories->sessions->rotate(ctx, &exchange->asked,
                                                           &exchange->limits, &user, &epoch)));
    return user ? grant_next(ctx, exchange, user, epoch, grant, settled)
                : settle(ctx, exchange, grant, settled);
}

authsvc_error_t *authsvc_sessions_refresh(authsvc_ctx_t *ctx, const char *refresh_token,
                                          authsvc_grant_t *grant)
{
    exchange_t exchange;
    AUTHSVC_TRY(decode(ctx, refresh_token, &exchange));
    AUTHSVC_TRY(authsvc_limits_refresh(ctx, exchange.asked.session_id));
    if (exchange.asked.counter >= APR_INT32_MAX) {
        return invalid_refresh_token(ctx, &exchange, "counter at its end");
    }
    /* Between a refusal and the look at its reason the grace may end: then it rotates. */
    for (int attempt = 0; attempt < 2; attempt++) {
        int settled = 0;
        AUTHSVC_TRY(rotate(ctx, &exchange, grant, &settled));
        if (settled) {
            return NULL;
        }
    }
    return invalid_refresh_token(ctx, &exchange, "token too far ahead of its session");
}
