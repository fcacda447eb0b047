/* SPDX-License-Identifier: Apache-2.0 */
#include "lockout.h"

#include <apr_strings.h>
#include <string.h>

#include "authsvc/core/network.h"
#include "authsvc/core/settings.h"
#include "authsvc/crypto/crypto.h"

#define AT_ONCE 200 /* rows that a turn writes */
#define CHUNK 20    /* of them in a transaction, at most: what is written of them, stays */

_Static_assert(AUTHSVC_FAILURES_PLACE >= AUTHSVC_PLACE_MAX, "a place does not fit");
_Static_assert(AUTHSVC_FAILURES_ACCOUNT == AUTHSVC_ACCOUNT_OCTETS &&
                   AUTHSVC_ACCOUNT_HASH_OCTETS == AUTHSVC_ACCOUNT_OCTETS,
               "accounts differ");

authsvc_failure_limit_t authsvc_lockout_place_limit(const authsvc_ctx_t *ctx)
{
    const authsvc_failure_limit_t limit = {
        .failures = ctx->settings->login_failures,
        .window = ctx->settings->login_failures_window,
        .first = ctx->settings->login_pause,
        .longest = ctx->settings->login_pause_max,
    };
    return limit;
}

authsvc_failure_limit_t authsvc_lockout_account_limit(const authsvc_ctx_t *ctx)
{
    const authsvc_failure_limit_t limit = {
        .failures = ctx->settings->account_failures,
        .window = ctx->settings->account_failures_window,
    };
    return limit;
}

static authsvc_failure_limit_t limit_of(const authsvc_ctx_t *ctx, const char *place)
{
    return strcmp(place, AUTHSVC_PLACE_ALL) == 0 ? authsvc_lockout_account_limit(ctx)
                                                 : authsvc_lockout_place_limit(ctx);
}

static const char *network_place(const authsvc_ctx_t *ctx)
{
    return apr_pstrcat(ctx->pool, "ip ", authsvc_network(ctx->pool, ctx->client_ip), NULL);
}

/* What the client's token says, if it is one of ours, and not too old. */
static authsvc_error_t *read_device(authsvc_ctx_t *ctx, authsvc_device_token_t *token, int *valid)
{
    const authsvc_settings_t *settings = ctx->settings;
    unsigned char database_id[AUTHSVC_UUID_OCTETS];
    apr_interval_time_t age;

    *valid = 0;
    if (!ctx->device_token || settings->device_lifetime == 0) {
        return NULL;
    }
    AUTHSVC_TRY(ctx->repositories->identity(ctx, database_id));
    AUTHSVC_TRY(authsvc_device_token_decode(ctx->pool, settings->secrets, database_id,
                                            ctx->device_token, token, valid));
    age = authsvc_clock_now(ctx->clock) - token->issued_at;
    *valid = *valid && age < settings->device_lifetime;
    return NULL;
}

const char *authsvc_lockout_device(authsvc_ctx_t *ctx)
{
    authsvc_device_token_t token;
    int valid = 0;

    /* Where no pauses hold, a token must not be a way around the limits. */
    if (ctx->settings->login_failures == 0 || read_device(ctx, &token, &valid) || !valid) {
        return NULL;
    }
    return authsvc_uuid_format(ctx->pool, token.device_id);
}

static int is_of(const authsvc_device_token_t *token, const authsvc_user_t *user)
{
    unsigned char id[AUTHSVC_UUID_OCTETS];

    return authsvc_uuid_parse(user->id, id) && memcmp(id, token->user_id, sizeof(id)) == 0;
}

static authsvc_error_t *not_known(const authsvc_ctx_t *ctx)
{
    return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                         "what failed lately is not known");
}

/*
 * Before the database is asked: what is written while the try waits for its hash is neither in the
 * answer nor among what is still to be written, and counts all the same.
 */
static authsvc_error_t *mark(authsvc_ctx_t *ctx, authsvc_lockout_t *lockout)
{
    const authsvc_login_attempt_t *attempt = &lockout->attempt;
    int done = authsvc_failures_mark(ctx->failures, attempt->account, AUTHSVC_PLACE_ALL,
                                     &lockout->account_mark) &&
               authsvc_failures_mark(ctx->failures, attempt->account, attempt->network,
                                     &lockout->network_mark) &&
               (!attempt->device ||
                authsvc_failures_mark(ctx->failures, attempt->account, attempt->device,
                                      &lockout->device_mark));

    return done ? NULL : not_known(ctx);
}

static void settle(authsvc_ctx_t *ctx, authsvc_lockout_t *lockout)
{
    const authsvc_login_attempt_t *attempt = &lockout->attempt;
    const authsvc_login_state_t *state = &lockout->state;

    authsvc_failures_settle(ctx->failures, attempt->account, AUTHSVC_PLACE_ALL,
                            state->account_failures, &lockout->account_mark);
    authsvc_failures_settle(ctx->failures, attempt->account, attempt->network,
                            state->network.failures, &lockout->network_mark);
    if (attempt->device) {
        authsvc_failures_settle(ctx->failures, attempt->account, attempt->device,
                                state->device.failures, &lockout->device_mark);
    }
}

authsvc_error_t *authsvc_lockout_find(authsvc_ctx_t *ctx, const char *email,
                                      authsvc_lockout_t *lockout, authsvc_user_t **user)
{
    const authsvc_failure_limit_t place = authsvc_lockout_place_limit(ctx);
    const authsvc_failure_limit_t account = authsvc_lockout_account_limit(ctx);
    authsvc_login_attempt_t *attempt = &lockout->attempt;
    authsvc_device_token_t token;
    int has_token = 0;

    memset(lockout, 0, sizeof(*lockout));
    lockout->counts = place.failures > 0;
    if (!lockout->counts) {
        return ctx->repositories->users->find_by_email(ctx, email, user);
    }
    AUTHSVC_TRY(read_device(ctx, &token, &has_token));
    attempt->email = email;
    attempt->network = network_place(ctx);
    if (has_token) {
        attempt->device = apr_pstrcat(ctx->pool, "device ",
                                      authsvc_uuid_format(ctx->pool, token.device_id), NULL);
    }
    AUTHSVC_TRY(authsvc_account_hash(ctx->pool, ctx->settings->secrets, email, attempt->account));
    AUTHSVC_TRY(mark(ctx, lockout));
    AUTHSVC_TRY(ctx->repositories->failures->find(ctx, attempt, &place, &account, &lockout->state,
                                                  user));
    settle(ctx, lockout);
    lockout->is_device = has_token && *user && is_of(&token, *user);
    return NULL;
}

static const char *place_of(const authsvc_lockout_t *lockout)
{
    return lockout->is_device ? lockout->attempt.device : lockout->attempt.network;
}

static const authsvc_place_state_t *state_of(const authsvc_lockout_t *lockout)
{
    return lockout->is_device ? &lockout->state.device : &lockout->state.network;
}

static const authsvc_failures_mark_t *mark_of(const authsvc_lockout_t *lockout)
{
    return lockout->is_device ? &lockout->device_mark : &lockout->network_mark;
}

/* How many failed since the state was read that it does not know of. */
static authsvc_error_t *count_since(authsvc_ctx_t *ctx, const authsvc_lockout_t *lockout,
                                    const char *place, const authsvc_failures_mark_t *from,
                                    apr_int64_t *n)
{
    return authsvc_failures_since(ctx->failures, lockout->attempt.account, place, from, n)
               ? NULL
               : not_known(ctx);
}

authsvc_error_t *authsvc_lockout_check(authsvc_ctx_t *ctx, const authsvc_lockout_t *lockout,
                                       int *paused)
{
    const authsvc_failure_limit_t place = authsvc_lockout_place_limit(ctx);
    const authsvc_failure_limit_t account = authsvc_lockout_account_limit(ctx);
    const authsvc_place_state_t *state = state_of(lockout);
    apr_int64_t more;

    *paused = 0;
    if (!lockout->counts) {
        return NULL;
    }
    /* What the state does not know yet begins a pause as soon as it is written, or has begun it. */
    AUTHSVC_TRY(count_since(ctx, lockout, place_of(lockout), mark_of(lockout), &more));
    *paused = state->paused || (more > 0 && state->failures + more >= place.failures);
    if (*paused || account.failures == 0 || lockout->is_device || lockout->is_inside ||
        lockout->state.known) {
        return NULL;
    }
    AUTHSVC_TRY(count_since(ctx, lockout, AUTHSVC_PLACE_ALL, &lockout->account_mark, &more));
    *paused = lockout->state.account_failures + more >= account.failures;
    return NULL;
}

/* What is written of a place. */
typedef struct {
    apr_int64_t n; /* as many; 0: there was nothing left to be written */
    authsvc_failure_record_t record;
} entry_t;

/* What a record began, once. */
static void tell(authsvc_ctx_t *ctx, const authsvc_failures_due_t *due, const entry_t *entry)
{
    const authsvc_failure_record_t *record = &entry->record;
    const char *user = due->user_id[0] ? due->user_id : "-";
    apr_int64_t limit = due->limit.failures;

    if (record->begins) {
        authsvc_log(ctx->log, AUTHSVC_LOG_NOTICE, "AS0280",
                    "event=login-paused user=%s place=\"%s\" failures=%" APR_INT64_T_FMT
                    " seconds=%" APR_INT64_T_FMT,
                    user, due->place, record->failures, (apr_int64_t)apr_time_sec(record->pause));
    } else if (strcmp(due->place, AUTHSVC_PLACE_ALL) == 0 && record->failures >= limit &&
               record->failures - entry->n < limit) {
        authsvc_log(ctx->log, AUTHSVC_LOG_NOTICE, "AS0281",
                    "event=login-paused-elsewhere user=%s failures=%" APR_INT64_T_FMT
                    ": networks and devices that are new to this account have to wait",
                    user, record->failures);
    }
}

static authsvc_error_t *hold(authsvc_ctx_t *ctx, const authsvc_failures_due_t *due,
                             apr_int64_t *failures)
{
    return ctx->repositories->failures->hold(ctx, due->account, due->place, &due->limit, failures);
}

/*
 * A commit of before whose outcome nobody was told may have brought some of them: the row shows it.
 * It is held meanwhile, so that a commit that is still under way is waited for. What other nodes
 * brought looks the same: then too few are written rather than pauses begun by few typos.
 */
static authsvc_error_t *leave_out_what_is_there(authsvc_ctx_t *ctx, authsvc_failures_due_t *due)
{
    apr_int64_t failures;

    AUTHSVC_TRY(hold(ctx, due, &failures));
    authsvc_failures_held(ctx->failures, due, failures);
    return NULL;
}

/*
 * The right password was given when they were on their way to the row: it did not see them. If
 * there are others than those, they did not come, or somebody else's came after them.
 */
static authsvc_error_t *clear_what_was_dropped(authsvc_ctx_t *ctx,
                                               const authsvc_failures_due_t *due)
{
    apr_int64_t failures;

    AUTHSVC_TRY(hold(ctx, due, &failures));
    return failures == due->row
               ? ctx->repositories->failures->clear(ctx, due->account, due->place)
               : NULL;
}

static authsvc_error_t *write_one(authsvc_ctx_t *ctx, authsvc_failures_due_t *due, entry_t *entry)
{
    if (due->clears) {
        return clear_what_was_dropped(ctx, due);
    }
    if (due->unsure > 0) {
        AUTHSVC_TRY(leave_out_what_is_there(ctx, due));
    }
    entry->n = authsvc_failures_left(ctx->failures, due);
    if (entry->n == 0) {
        return NULL;
    }
    AUTHSVC_TRY(ctx->repositories->failures->record(ctx, due->account, due->place, entry->n,
                                                    &due->limit, &entry->record));
    return authsvc_failures_in_row(ctx->failures, due, entry->record.failures) ? NULL
                                                                                : not_known(ctx);
}

typedef struct {
    const apr_array_header_t *due; /* of authsvc_failures_due_t */
    entry_t *entries;
    int is_whole; /* all of them are in their rows: the commit decides */
} batch_t;

static authsvc_error_t *write_batch(authsvc_ctx_t *ctx, void *baton)
{
    batch_t *batch = baton;

    for (int i = 0; i < batch->due->nelts; i++) {
        AUTHSVC_TRY(write_one(ctx, &APR_ARRAY_IDX(batch->due, i, authsvc_failures_due_t),
                              &batch->entries[i]));
    }
    if (ctx->db_budget <= 0) { /* the commit would not be sent, which is not the same as unknown */
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                             "no time is left to commit login failures");
    }
    batch->is_whole = 1;
    return NULL;
}

static authsvc_error_t *write_all(authsvc_ctx_t *ctx, const apr_array_header_t *due)
{
    batch_t batch = {.due = due,
                     .entries = apr_pcalloc(ctx->pool, (apr_size_t)due->nelts * sizeof(entry_t))};
    authsvc_error_t *err = ctx->repositories->transaction(ctx, write_batch, &batch);

    if (!err) {
        authsvc_failures_written(ctx->failures, due);
    } else if (!batch.is_whole) {
        authsvc_failures_not_in_row(ctx->failures, due);
    }
    for (int i = 0; !err && i < due->nelts; i++) {
        tell(ctx, &APR_ARRAY_IDX(due, i, authsvc_failures_due_t), &batch.entries[i]);
    }
    return err;
}

/* As many rows as half of the time is enough for, if each takes as long as those before. */
static int next_size(const authsvc_ctx_t *ctx, int size, apr_interval_time_t took)
{
    apr_interval_time_t each = took / size + 1, fitting = ctx->db_budget / (2 * each);
    int next = 2 * size < CHUNK ? 2 * size : CHUNK;

    return fitting < next ? (int)fitting : next;
}

/*
 * One at first, and then as many at a time as go well, so that a slow database, too, makes
 * progress. What there was no time for waits for its next turn.
 */
static authsvc_error_t *write_due(authsvc_ctx_t *ctx, apr_uint64_t turn)
{
    int left = AT_ONCE;

    for (int size = 1; size > 0 && left > 0;) {
        apr_interval_time_t before = ctx->db_budget;
        apr_array_header_t *due = authsvc_failures_due(ctx->failures, turn, ctx->pool,
                                                       size < left ? size : left);

        if (due->nelts == 0) {
            break;
        }
        AUTHSVC_TRY(write_all(ctx, due));
        size = next_size(ctx, due->nelts, before - ctx->db_budget);
        left -= due->nelts;
    }
    return NULL;
}

authsvc_error_t *authsvc_lockout_write(authsvc_ctx_t *ctx)
{
    apr_uint64_t turn = authsvc_failures_turn(ctx->failures, ctx->db_budget);

    return turn ? write_due(ctx, turn) : NULL;
}

/* Where no memory counts, it is noted for the database, at once. */
static void count(authsvc_ctx_t *ctx, const authsvc_lockout_t *lockout, const authsvc_user_t *user,
                  const char *place, int is_due, apr_array_header_t *uncounted)
{
    const authsvc_failure_limit_t limit = limit_of(ctx, place);
    authsvc_failures_due_t *due;

    if (authsvc_failures_add(ctx->failures, lockout->attempt.account, place,
                             user ? user->id : NULL, &limit, is_due)) {
        return;
    }
    due = apr_array_push(uncounted);
    memset(due, 0, sizeof(*due));
    memcpy(due->account, lockout->attempt.account, sizeof(due->account));
    apr_cpystrn(due->place, place, sizeof(due->place));
    apr_cpystrn(due->user_id, user ? user->id : "", sizeof(due->user_id));
    due->limit = limit;
    due->n = 1;
}

authsvc_error_t *authsvc_lockout_failed(authsvc_ctx_t *ctx, const authsvc_lockout_t *lockout,
                                        const authsvc_user_t *user)
{
    apr_array_header_t *uncounted;
    authsvc_error_t *err;

    if (!lockout->counts) {
        return NULL;
    }
    uncounted = apr_array_make(ctx->pool, 2, sizeof(authsvc_failures_due_t));
    if (ctx->settings->account_failures > 0) {
        count(ctx, lockout, user, AUTHSVC_PLACE_ALL, lockout->state.account_failures > 0,
              uncounted);
    }
    /* Few are lost if nobody writes them; but those that a row waits for, or a pause, are due. */
    count(ctx, lockout, user, place_of(lockout),
          state_of(lockout)->failures > 0 ||
              ctx->settings->login_failures <= AUTHSVC_FAILURES_WORTH, uncounted);
    if (uncounted->nelts > 0) {
        AUTHSVC_TRY(write_all(ctx, uncounted));
    }
    if (authsvc_failures_is_late(ctx->failures)) {
        err = authsvc_lockout_write(ctx);
        if (err) { /* they count here, and stay */
            authsvc_log(ctx->log, AUTHSVC_LOG_WARNING, "AS0282",
                        "login failures could not be written; again in a second: %s",
                        authsvc_error_describe(err, ctx->pool));
        }
    }
    return NULL;
}

/* @param has_row 1: there are failures in the row */
static authsvc_error_t *write_success(authsvc_ctx_t *ctx, const authsvc_lockout_t *lockout,
                                      int has_row)
{
    const authsvc_login_attempt_t *attempt = &lockout->attempt;

    if (has_row) {
        AUTHSVC_TRY(ctx->repositories->failures->clear(ctx, attempt->account, place_of(lockout)));
    }
    if (!lockout->state.recent) {
        AUTHSVC_TRY(ctx->repositories->failures->remember(ctx, attempt->account,
                                                          attempt->network));
    }
    return NULL;
}

void authsvc_lockout_succeeded(authsvc_ctx_t *ctx, const authsvc_lockout_t *lockout,
                               const authsvc_user_t *user)
{
    authsvc_error_t *err;
    int came;

    if (!lockout->counts) {
        return;
    }
    came = authsvc_failures_drop(ctx->failures, lockout->attempt.account, place_of(lockout),
                                 mark_of(lockout));
    err = write_success(ctx, lockout, came || state_of(lockout)->failures > 0);
    if (err) {
        authsvc_log(ctx->log, AUTHSVC_LOG_WARNING, "AS0285",
                    "the login failures of %s stay, or its network is not known: %s", user->id,
                    authsvc_error_describe(err, ctx->pool));
    }
}

authsvc_error_t *authsvc_lockout_begin_account(authsvc_ctx_t *ctx, const authsvc_user_t *user)
{
    unsigned char account[AUTHSVC_ACCOUNT_OCTETS];

    if (ctx->settings->login_failures == 0) {
        return NULL;
    }
    AUTHSVC_TRY(authsvc_account_hash(ctx->pool, ctx->settings->secrets, user->email, account));
    return ctx->repositories->failures->remember(ctx, account, network_place(ctx));
}

authsvc_error_t *authsvc_lockout_device_token(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                              const char **text)
{
    unsigned char database_id[AUTHSVC_UUID_OCTETS];
    authsvc_device_token_t token;
    int is_known = 0;

    *text = NULL;
    if (ctx->settings->device_lifetime == 0 || ctx->settings->login_failures == 0) {
        return NULL;
    }
    AUTHSVC_TRY(read_device(ctx, &token, &is_known));
    if (!is_known || !is_of(&token, user)) {
        authsvc_crypto_random(token.device_id, sizeof(token.device_id));
        if (!authsvc_uuid_parse(user->id, token.user_id)) {
            return AUTHSVC_INTERNAL(ctx->pool, "a user's id is no uuid");
        }
    }
    token.issued_at = authsvc_clock_now(ctx->clock);
    AUTHSVC_TRY(ctx->repositories->identity(ctx, database_id));
    return authsvc_device_token_encode(ctx->pool, ctx->settings->secrets, database_id, &token,
                                       text);
}
