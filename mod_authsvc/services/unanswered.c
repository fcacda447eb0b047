/* SPDX-License-Identifier: Apache-2.0 */
#include "unanswered.h"

#include <apr_strings.h>
#include <string.h>

#include "authsvc/core/limits.h"
#include "authsvc/crypto/crypto.h"

/* One may be counted for each token in that time: who was, is noted. */
static authsvc_try_t try_of(const authsvc_ctx_t *ctx, const char *session_id, apr_int64_t counter)
{
    const authsvc_limiter_t *limiter = ctx->limiter;
    const char *text = apr_psprintf(ctx->pool,
                                    "%" APR_UINT64_T_HEX_FMT " unanswered %s %" APR_INT64_T_FMT,
                                    limiter->scope, session_id, counter);
    const authsvc_try_t made = {
        .key = authsvc_crypto_short_hash(limiter->key, text, strlen(text)),
        .rate = {.count = 1, .window = AUTHSVC_RATE_WINDOW_MAX},
    };
    return made;
}

void authsvc_unanswered_note(const authsvc_ctx_t *ctx, const char *session_id, apr_int64_t counter)
{
    if (ctx->limiter) {
        const authsvc_rate_store_t *store = ctx->limiter->store;
        authsvc_try_t try = try_of(ctx, session_id, counter);
        (void)store->take(store->baton, &try, 1);
    }
}

int authsvc_unanswered_has(const authsvc_ctx_t *ctx, const char *session_id, apr_int64_t counter)
{
    if (!ctx->limiter) {
        return 0;
    }
    const authsvc_rate_store_t *store = ctx->limiter->store;
    const authsvc_try_t try = try_of(ctx, session_id, counter);
    return store->peek(store->baton, &try, 1) == 0;
}

void authsvc_unanswered_forget(const authsvc_ctx_t *ctx, const char *session_id,
                               apr_int64_t counter)
{
    if (ctx->limiter) {
        const authsvc_rate_store_t *store = ctx->limiter->store;
        const authsvc_try_t try = try_of(ctx, session_id, counter);
        store->give_back(store->baton, &try, 1);
    }
}
