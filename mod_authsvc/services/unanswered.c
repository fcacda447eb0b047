/* SPDX-License-Identifier: Apache-2.0 */
#include "unanswered.h"

#include <apr_strings.h>
#include <string.h>

#include "authsvc/core/limits.h"
#include "authsvc/core/settings.h"
#include "authsvc/crypto/crypto.h"

#define KEPT AUTHSVC_RATE_WINDOW_MAX
#define DRIFT apr_time_from_sec(2) /* of the clocks of node and database against each other */

/*
 * One may be counted for each token in that time: who was, is noted. A session's id is unique, and
 * was authenticated; so a database that is reached by another name meanwhile has the same notes.
 */
static authsvc_try_t try_of(const authsvc_ctx_t *ctx, const authsvc_session_token_t *token)
{
    const char *text = apr_psprintf(ctx->pool, "unanswered %s %" APR_INT64_T_FMT,
                                    token->session_id, token->counter);
    const authsvc_try_t made = {
        .key = authsvc_crypto_short_hash(ctx->limiter->key, text, strlen(text)),
        .rate = {.count = 1, .window = KEPT},
    };
    return made;
}

void authsvc_unanswered_note(const authsvc_ctx_t *ctx, const authsvc_session_token_t *token)
{
    if (ctx->limiter) {
        const authsvc_rate_store_t *notes = ctx->limiter->notes;
        authsvc_try_t try = try_of(ctx, token);
        /* If it was noted before, that stays: the first one may have done it. */
        (void)notes->take(notes->baton, &try, 1);
    }
}

int authsvc_unanswered_has(const authsvc_ctx_t *ctx, const authsvc_session_token_t *token,
                           apr_interval_time_t age)
{
    /* A statement is done as long before its note as it is waited for, or any time after that. */
    apr_interval_time_t slack = ctx->settings->db_timeout + DRIFT;
    const authsvc_rate_store_t *notes;
    authsvc_try_t try;
    if (!ctx->limiter) {
        return 0;
    }
    notes = ctx->limiter->notes;
    try = try_of(ctx, token);
    /* A note's next try is when its time is over. */
    return notes->peek(notes->baton, &try, 1) == 0 && age <= KEPT - try.next + slack;
}

void authsvc_unanswered_forget(const authsvc_ctx_t *ctx, const authsvc_session_token_t *token)
{
    if (ctx->limiter) {
        const authsvc_rate_store_t *notes = ctx->limiter->notes;
        const authsvc_try_t try = try_of(ctx, token);
        notes->give_back(notes->baton, &try, 1);
    }
}
