/* SPDX-License-Identifier: Apache-2.0 */
#include "unanswered.h"

#include <apr_strings.h>
#include <string.h>

#include "authsvc/core/limits.h"
#include "authsvc/crypto/crypto.h"

/* As long as a statement is waited for, at most: it was done in the slot that is noted, or before. */
#define SLOT apr_time_from_sec(64)

static apr_int64_t slot_of(apr_time_t time)
{
    return time / SLOT;
}

/* One may be counted for each token and slot in a day: who was, is noted. */
static authsvc_try_t try_of(const authsvc_ctx_t *ctx, const authsvc_session_token_t *token,
                            apr_int64_t slot)
{
    const authsvc_limiter_t *limiter = ctx->limiter;
    const char *text = apr_psprintf(ctx->pool,
                                    "%" APR_UINT64_T_HEX_FMT " unanswered %s %" APR_INT64_T_FMT
                                    " %" APR_INT64_T_FMT,
                                    limiter->scope, token->session_id, token->counter, slot);
    const authsvc_try_t made = {
        .key = authsvc_crypto_short_hash(limiter->key, text, strlen(text)),
        .rate = {.count = 1, .window = AUTHSVC_RATE_WINDOW_MAX},
    };
    return made;
}

void authsvc_unanswered_note(const authsvc_ctx_t *ctx, const authsvc_session_token_t *token)
{
    if (ctx->limiter) {
        const authsvc_rate_store_t *store = ctx->limiter->store;
        authsvc_try_t try = try_of(ctx, token, slot_of(authsvc_clock_now(ctx->clock)));
        (void)store->take(store->baton, &try, 1);
    }
}

int authsvc_unanswered_has(const authsvc_ctx_t *ctx, const authsvc_session_token_t *token,
                           apr_interval_time_t age)
{
    apr_int64_t done = slot_of(authsvc_clock_now(ctx->clock) - age);
    int has = 0;
    for (apr_int64_t slot = done; ctx->limiter && !has && slot <= done + 1; slot++) {
        const authsvc_rate_store_t *store = ctx->limiter->store;
        const authsvc_try_t try = try_of(ctx, token, slot);
        has = store->peek(store->baton, &try, 1) == 0;
    }
    return has;
}

void authsvc_unanswered_forget(const authsvc_ctx_t *ctx, const authsvc_session_token_t *token)
{
    apr_int64_t now = slot_of(authsvc_clock_now(ctx->clock));
    for (apr_int64_t slot = now - 1; ctx->limiter && slot <= now; slot++) {
        const authsvc_rate_store_t *store = ctx->limiter->store;
        const authsvc_try_t try = try_of(ctx, token, slot);
        store->give_back(store->baton, &try, 1);
    }
}
