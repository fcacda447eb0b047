/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"
#include "lockout.h"

#define PURGE_EVERY apr_time_from_sec(30)
#define PURGE_ROWS 1000

authsvc_error_t *authsvc_lockout_tidy(authsvc_ctx_t *ctx, apr_time_t *purged_at)
{
    apr_time_t now = authsvc_clock_monotonic();
    apr_int64_t removed = 0;

    if (*purged_at && now - *purged_at < PURGE_EVERY) {
        return NULL;
    }
    *purged_at = now;
    AUTHSVC_TRY(ctx->repositories->failures->purge(ctx, PURGE_ROWS, &removed));
    if (removed >= PURGE_ROWS) {
        *purged_at = 0; /* a full batch: the next look goes on */
    }
    return NULL;
}

authsvc_error_t *authsvc_lockout_list(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                      apr_array_header_t **entries)
{
    const authsvc_failure_limit_t limit = authsvc_lockout_account_limit(ctx);
    unsigned char account[AUTHSVC_ACCOUNT_OCTETS];

    AUTHSVC_TRY(authsvc_account_hash(ctx->pool, ctx->settings->secrets, user->email, account));
    return ctx->repositories->failures->list(ctx, account, &limit, entries);
}

authsvc_error_t *authsvc_lockout_clear(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                       apr_int64_t *cleared)
{
    unsigned char account[AUTHSVC_ACCOUNT_OCTETS];

    AUTHSVC_TRY(authsvc_account_hash(ctx->pool, ctx->settings->secrets, user->email, account));
    AUTHSVC_TRY(ctx->repositories->failures->clear_all(ctx, account, cleared));
    authsvc_event(ctx, "AS0283", "login-unpaused", user->id, NULL);
    return NULL;
}
