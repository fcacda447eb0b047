/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

/* The rule of the table of login failures once more, in C, on a few rows in memory. */

static fake_failures_t *row_of(const unsigned char *account, const char *place)
{
    for (int i = 0; i < fake.n_failures; i++) {
        if (!memcmp(fake.failures[i].account, account, AUTHSVC_ACCOUNT_OCTETS) &&
            !strcmp(fake.failures[i].place, place)) {
            return &fake.failures[i];
        }
    }
    return NULL;
}

static fake_failures_t *make_row(const unsigned char *account, const char *place)
{
    fake_failures_t *row = row_of(account, place);
    if (!row) {
        ck_assert_int_lt(fake.n_failures, FAKE_FAILURES);
        row = &fake.failures[fake.n_failures++];
        memset(row, 0, sizeof(*row));
        memcpy(row->account, account, AUTHSVC_ACCOUNT_OCTETS);
        apr_cpystrn(row->place, place, sizeof(row->place));
        row->since = row->paused_until = fake.now;
    }
    return row;
}

static int is_stale(const fake_failures_t *row, const authsvc_failure_limit_t *limit)
{
    apr_time_t from = limit->first > 0 && row->failures >= limit->failures ? row->paused_until
                                                                           : row->since;
    return from <= fake.now - limit->window;
}

static apr_int64_t counting(const fake_failures_t *row, const authsvc_failure_limit_t *limit)
{
    return row && !is_stale(row, limit) ? row->failures : 0;
}

static int in_pause(const fake_failures_t *row)
{
    return row->pauses > 0 && row->paused_until > fake.now;
}

static void look(const unsigned char *account, const char *place,
                 const authsvc_failure_limit_t *limit, authsvc_place_state_t *state)
{
    const fake_failures_t *row = place ? row_of(account, place) : NULL;
    state->failures = counting(row, limit);
    state->paused = row && in_pause(row);
}

static authsvc_error_t *find(authsvc_ctx_t *ctx, const authsvc_login_attempt_t *attempt,
                             const authsvc_failure_limit_t *place,
                             const authsvc_failure_limit_t *account,
                             authsvc_login_state_t *state, authsvc_user_t **user)
{
    const fake_failures_t *row = row_of(attempt->account, attempt->network);
    AUTHSVC_TRY(ctx->repositories->users->find_by_email(ctx, attempt->email, user));
    look(attempt->account, attempt->network, place, &state->network);
    look(attempt->account, attempt->device, place, &state->device);
    state->account_failures = counting(row_of(attempt->account, AUTHSVC_PLACE_ALL), account);
    state->known = row && row->succeeded_at > fake.now - apr_time_from_sec(30 * 86400);
    state->recent = row && row->succeeded_at > fake.now - apr_time_from_sec(86400);
    if (fake.after_find) {
        fake.after_find();
    }
    return NULL;
}

static authsvc_error_t *record(authsvc_ctx_t *ctx, const unsigned char *account, const char *place,
                               apr_int64_t n, const authsvc_failure_limit_t *limit,
                               authsvc_failure_record_t *done)
{
    AUTHSVC_TRY(fake_called(ctx));
    if (fake.record_time > ctx->db_budget) {
        ctx->db_budget = 0;
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL, "no time is left");
    }
    ctx->db_budget -= fake.record_time;
    if (fake.before_record) {
        fake.before_record();
    }
    fake_failures_t *row = make_row(account, place);
    if (is_stale(row, limit)) {
        row->failures = 0;
        row->pauses = 0;
        row->since = fake.now;
    }
    row->failures += n;
    done->begins = limit->first > 0 && row->failures >= limit->failures &&
                   !in_pause(row);
    if (done->begins) {
        apr_interval_time_t pause = limit->first << row->pauses++;
        row->paused_until = fake.now + (pause < limit->longest ? pause : limit->longest);
    }
    done->failures = row->failures;
    done->pauses = row->pauses;
    done->pause = row->paused_until - fake.now;
    fake.records++;
    return NULL;
}

static authsvc_error_t *hold(authsvc_ctx_t *ctx, const unsigned char *account, const char *place,
                             const authsvc_failure_limit_t *limit, apr_int64_t *failures)
{
    AUTHSVC_TRY(fake_called(ctx));
    *failures = counting(make_row(account, place), limit);
    return NULL;
}

static void forget(fake_failures_t *row)
{
    row->failures = row->pauses = 0;
    row->since = row->paused_until = fake.now;
}

static authsvc_error_t *clear(authsvc_ctx_t *ctx, const unsigned char *account, const char *place)
{
    AUTHSVC_TRY(fake_called(ctx));
    fake_failures_t *row = row_of(account, place);
    if (row) {
        forget(row);
    }
    return NULL;
}

static authsvc_error_t *remember(authsvc_ctx_t *ctx, const unsigned char *account,
                                 const char *network)
{
    AUTHSVC_TRY(fake_called(ctx));
    make_row(account, network)->succeeded_at = fake.now;
    return NULL;
}

static authsvc_error_t *list(authsvc_ctx_t *ctx, const unsigned char *account,
                             const authsvc_failure_limit_t *account_limit,
                             apr_array_header_t **entries)
{
    AUTHSVC_TRY(fake_called(ctx));
    ck_assert_int_gt(account_limit->window, 0);
    *entries = apr_array_make(ctx->pool, FAKE_FAILURES, sizeof(authsvc_failure_entry_t));
    for (int i = 0; i < fake.n_failures; i++) {
        const fake_failures_t *row = &fake.failures[i];
        if (!memcmp(row->account, account, AUTHSVC_ACCOUNT_OCTETS)) {
            authsvc_failure_entry_t *entry = apr_array_push(*entries);
            entry->place = apr_pstrdup(ctx->pool, row->place);
            entry->failures = row->failures;
            entry->paused_until = in_pause(row) ? row->paused_until : 0;
            entry->succeeded_at = row->succeeded_at;
        }
    }
    return NULL;
}

static authsvc_error_t *clear_all(authsvc_ctx_t *ctx, const unsigned char *account,
                                  apr_int64_t *cleared)
{
    AUTHSVC_TRY(fake_called(ctx));
    *cleared = 0;
    for (int i = 0; i < fake.n_failures; i++) {
        if (!memcmp(fake.failures[i].account, account, AUTHSVC_ACCOUNT_OCTETS) &&
            fake.failures[i].failures > 0) {
            forget(&fake.failures[i]);
            ++*cleared;
        }
    }
    return NULL;
}

static authsvc_error_t *purge(authsvc_ctx_t *ctx, int limit, apr_int64_t *removed)
{
    AUTHSVC_TRY(fake_called(ctx));
    ck_assert_int_gt(limit, 0);
    fake.purges++;
    *removed = fake.purged;
    return NULL;
}

const authsvc_login_failures_repository_t fake_failures_repository = {
    find, record, hold, clear, remember, list, clear_all, purge};
