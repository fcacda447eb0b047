/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/services/services.h"
#include "revocation.h"

#define WHOLE_EVERY apr_time_from_sec(60)  /* against histories that changed unseen */
#define RETRY_EVERY apr_time_from_sec(5)   /* when the set has no room for all */
#define PURGE_EVERY apr_time_from_sec(30)
#define PURGE_ROWS 1000
#define TIDY_AGAIN apr_time_from_sec(60)   /* after it failed */
#define CLOCK_STEP apr_time_from_sec(1)

/* Entries end by the wall clock: if that was moved, some have ended too early. */
static int clock_was_moved(authsvc_feed_t *feed, apr_time_t monotonic)
{
    apr_interval_time_t ahead = apr_time_now() - monotonic;
    apr_interval_time_t moved = ahead - feed->clock_ahead;

    feed->clock_ahead = ahead;
    return moved > CLOCK_STEP || moved < -CLOCK_STEP;
}

static int needs_everything(const authsvc_ctx_t *ctx, authsvc_feed_t *feed, apr_time_t now)
{
    if (clock_was_moved(feed, now) || !feed->next || now - feed->whole_at >= WHOLE_EVERY) {
        return 1;
    }
    return authsvc_revocations_is_partial(ctx->revocations) && now - feed->whole_at >= RETRY_EVERY;
}

/* The look began before its query, so that what is committed meanwhile is not counted as seen. */
static authsvc_error_t *look(authsvc_ctx_t *ctx, authsvc_feed_t *feed, int whole, int *is_current)
{
    authsvc_revocation_feed_t found = {0};
    authsvc_revocations_look_t begun;

    authsvc_revocations_begin(ctx->revocations, &begun);
    AUTHSVC_TRY(ctx->repositories->revocations->poll(ctx, whole ? 0 : feed->next, &found));
    if (found.is_standby) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                             "the database is a standby: it may not know yet what was revoked");
    }
    *is_current = whole || (found.next >= feed->next && found.source == feed->source);
    authsvc_revocation_spread(ctx, found.revoked);
    if (*is_current) {
        authsvc_revocations_complete(ctx->revocations, &begun, whole);
        feed->next = found.next;
        feed->source = found.source;
    }
    return NULL;
}

static authsvc_error_t *tidy(authsvc_ctx_t *ctx, authsvc_feed_t *feed, apr_time_t now,
                             apr_interval_time_t lifetime)
{
    apr_int64_t removed = 0;

    if (feed->lifetime != lifetime) {
        AUTHSVC_TRY(ctx->repositories->revocations->record_lifetime(ctx, lifetime));
        feed->lifetime = lifetime;
    }
    if (feed->purged_at && now - feed->purged_at < PURGE_EVERY) {
        return NULL;
    }
    AUTHSVC_TRY(ctx->repositories->revocations->purge(ctx, PURGE_ROWS, &removed));
    /* A full batch: the next look goes on. */
    feed->purged_at = removed < PURGE_ROWS ? now : 0;
    return NULL;
}

static authsvc_error_t *follow(authsvc_ctx_t *ctx, authsvc_feed_t *feed)
{
    apr_time_t now = authsvc_clock_monotonic();
    int whole = needs_everything(ctx, feed, now);
    int is_current = 0;

    AUTHSVC_TRY(look(ctx, feed, whole, &is_current));
    if (!is_current) {
        whole = 1;
        AUTHSVC_TRY(look(ctx, feed, whole, &is_current));
    }
    if (whole) {
        feed->whole_at = now;
    }
    return NULL;
}

authsvc_error_t *authsvc_feed_follow(authsvc_ctx_t *ctx, authsvc_feed_t *feed)
{
    authsvc_error_t *err = follow(ctx, feed);

    if (err) {
        feed->next = 0;
        feed->lifetime = 0; /* another database may answer next */
    }
    return err;
}

authsvc_error_t *authsvc_feed_tidy(authsvc_ctx_t *ctx, authsvc_feed_t *feed,
                                   apr_interval_time_t lifetime)
{
    apr_time_t now = authsvc_clock_monotonic();
    authsvc_error_t *err;

    if (now < feed->tidy_after) {
        return NULL;
    }
    err = tidy(ctx, feed, now, lifetime);
    if (err) {
        feed->tidy_after = now + TIDY_AGAIN;
    }
    return err;
}
