/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#define LATELY "2592000" /* s: 30 days in which a network is known */
#define TODAY "86400"    /* s: a success is written once in it */
#define LISTED "1000"

/*
 * $n_count failures within $n_window seconds are let pass. Below that number they count from the
 * first one on; from then on until as long after the last pause.
 */
#define STALE(of, n_count, n_window)                                                           \
    "((" of "failures < " n_count " AND " of "since <= authsvc_now(-" n_window "))"           \
    " OR (" of "failures >= " n_count " AND " of "paused_until <= authsvc_now(-" n_window ")))"

#define PLACE_FAILURES(t) \
    "COALESCE(CASE WHEN " STALE(t ".", "$5", "$6") " THEN 0 ELSE " t ".failures END, 0)"
/* Without a pause that time means nothing: it may be ahead of a clock that was set back. */
#define IN_PAUSE(t) "(" t ".pauses > 0 AND " t ".paused_until > authsvc_now())"
#define PLACE_PAUSED(t) "COALESCE(" IN_PAUSE(t) ", FALSE)"
#define PLACE_JOIN(t, place) \
    " LEFT JOIN login_failures " t " ON " t ".account = $2 AND " t ".place = " place

#define LOGIN_FIXED 8

/* The row is there whether anything else is or not. */
static const authsvc_statement_t find_login = {
    .name = "login_failures_find",
    .sql = "SELECT authsvc_now(), " PLACE_FAILURES("n") ", " PLACE_PAUSED("n") ","
           " COALESCE(n.succeeded_at > authsvc_now(-" LATELY "), FALSE),"
           " COALESCE(n.succeeded_at > authsvc_now(-" TODAY "), FALSE),"
           " " PLACE_FAILURES("d") ", " PLACE_PAUSED("d") ","
           " COALESCE(CASE WHEN a.since <= authsvc_now(-$7) THEN 0 ELSE a.failures END, 0),"
           " " USER_COLUMNS("users")
           " FROM (SELECT 1) one LEFT JOIN users ON users.email = $1"
           PLACE_JOIN("n", "$3") PLACE_JOIN("d", "$4") PLACE_JOIN("a", "'" AUTHSVC_PLACE_ALL "'"),
    .reads_only = 1,
    .n_params = 7,
    .params = {AUTHSVC_DB_TEXT, AUTHSVC_DB_BYTES, AUTHSVC_DB_TEXT, AUTHSVC_DB_TEXT,
               AUTHSVC_DB_INT, AUTHSVC_DB_INT, AUTHSVC_DB_INT},
    .n_columns = LOGIN_FIXED + USER_N,
    .columns = {AUTHSVC_DB_TIME, AUTHSVC_DB_INT, AUTHSVC_DB_BOOL, AUTHSVC_DB_BOOL,
                AUTHSVC_DB_BOOL, AUTHSVC_DB_INT, AUTHSVC_DB_BOOL, AUTHSVC_DB_INT, USER_TYPES},
    .nullable = ((1U << USER_N) - 1) << LOGIN_FIXED,
};

/* Seconds of the n-th pause. */
#define PAUSE(n) \
    "(CASE WHEN " n " > 16 OR ($6 << (" n " - 1)) > $7 THEN $7 ELSE $6 << (" n " - 1) END)"

/* Sums have no pauses: their first one is 0. */
#define PLACE_OR_SUM_STALE(of, n_count, n_window, n_first)                    \
    "(" n_first " > 0 AND " STALE(of, n_count, n_window)                       \
    " OR " n_first " = 0 AND " of "since <= authsvc_now(-" n_window "))"
#define IS_STALE PLACE_OR_SUM_STALE("f.", "$4", "$5", "$6")
#define NEW_FAILURES "(CASE WHEN " IS_STALE " THEN $3 ELSE f.failures + $3 END)"
#define NEW_PAUSES                                                                      \
    "(CASE WHEN $6 = 0 OR " NEW_FAILURES " < $4 THEN 0 WHEN " IS_STALE " THEN 1"         \
    " WHEN " IN_PAUSE("f") " THEN f.pauses ELSE f.pauses + 1 END)"
#define EXPIRES "authsvc_now($5 + $7)"

/*
 * A failure during a pause was under way when it began: it counts, but begins no other one. The
 * time of the statement stands still, so that it shows which pause has just begun.
 */
static const authsvc_statement_t record_failures = {
    .name = "login_failures_record",
    .sql = "INSERT INTO login_failures AS f"
           " (account, place, failures, pauses, since, paused_until, expires_at)"
           " VALUES ($1, $2, $3, CASE WHEN $6 > 0 AND $3 >= $4 THEN 1 ELSE 0 END, authsvc_now(),"
           " CASE WHEN $6 > 0 AND $3 >= $4 THEN authsvc_now(" PAUSE("1") ")"
           " ELSE authsvc_now() END, " EXPIRES ")"
           " ON CONFLICT (account, place) DO UPDATE SET failures = " NEW_FAILURES ","
           " pauses = " NEW_PAUSES ","
           " since = CASE WHEN " IS_STALE " THEN authsvc_now() ELSE f.since END,"
           " paused_until = CASE WHEN $6 = 0 OR " NEW_FAILURES " < $4 THEN authsvc_now()"
           " WHEN " IN_PAUSE("f") " THEN f.paused_until"
           " ELSE authsvc_now(" PAUSE(NEW_PAUSES) ") END,"
           " expires_at = CASE WHEN f.expires_at > " EXPIRES " THEN f.expires_at"
           " ELSE " EXPIRES " END"
           " RETURNING failures, pauses,"
           " (pauses > 0 AND paused_until = authsvc_now(" PAUSE("pauses") ")), " PAUSE("pauses"),
    .n_params = 7,
    .params = {AUTHSVC_DB_BYTES, AUTHSVC_DB_TEXT, AUTHSVC_DB_INT, AUTHSVC_DB_INT, AUTHSVC_DB_INT,
               AUTHSVC_DB_INT, AUTHSVC_DB_INT},
    .n_columns = 4,
    .columns = {AUTHSVC_DB_INT, AUTHSVC_DB_INT, AUTHSVC_DB_BOOL, AUTHSVC_DB_INT},
};

static const authsvc_statement_t hold_place = {
    .name = "login_failures_hold",
    .sql = "INSERT INTO login_failures AS f"
           " (account, place, failures, pauses, since, paused_until, expires_at)"
           " VALUES ($1, $2, 0, 0, authsvc_now(), authsvc_now(), authsvc_now())"
           " ON CONFLICT (account, place) DO UPDATE SET failures = f.failures"
           " RETURNING CASE WHEN " PLACE_OR_SUM_STALE("", "$3", "$4", "$5") " THEN 0"
           " ELSE failures END",
    .n_params = 5,
    .params = {AUTHSVC_DB_BYTES, AUTHSVC_DB_TEXT, AUTHSVC_DB_INT, AUTHSVC_DB_INT, AUTHSVC_DB_INT},
    .n_columns = 1,
    .columns = {AUTHSVC_DB_INT},
};

#define FORGET \
    "UPDATE login_failures SET failures = 0, pauses = 0, since = authsvc_now()," \
    " paused_until = authsvc_now() WHERE account = $1 AND "
#define FAILED "failures > 0"

static const authsvc_statement_t clear_place = {
    .name = "login_failures_clear",
    .sql = FORGET "place = $2",
    .n_params = 2,
    .params = {AUTHSVC_DB_BYTES, AUTHSVC_DB_TEXT},
};

/* Locked in the order that writers of failures keep to: neither waits for the other in a ring. */
static const authsvc_statement_t clear_account = {
    .name = "login_failures_clear_all",
    .pgsql = FORGET "place IN (SELECT place FROM login_failures WHERE account = $1 AND " FAILED
             " ORDER BY place COLLATE \"C\" FOR UPDATE)",
    .sqlite = FORGET FAILED,
    .n_params = 1,
    .params = {AUTHSVC_DB_BYTES},
};

static const authsvc_statement_t remember_network = {
    .name = "login_failures_remember",
    .sql = "INSERT INTO login_failures AS f"
           " (account, place, failures, pauses, since, paused_until, succeeded_at, expires_at)"
           " VALUES ($1, $2, 0, 0, authsvc_now(), authsvc_now(), authsvc_now(),"
           " authsvc_now(" LATELY "))"
           " ON CONFLICT (account, place) DO UPDATE SET succeeded_at = authsvc_now(),"
           " expires_at = CASE WHEN f.expires_at > authsvc_now(" LATELY ") THEN f.expires_at"
           " ELSE authsvc_now(" LATELY ") END",
    .n_params = 2,
    .params = {AUTHSVC_DB_BYTES, AUTHSVC_DB_TEXT},
};

static const authsvc_statement_t select_account = {
    .name = "login_failures_list",
    .sql = "SELECT place, CASE WHEN place = '" AUTHSVC_PLACE_ALL "' AND since <= authsvc_now(-$2)"
           " THEN 0 ELSE failures END,"
           " CASE WHEN " IN_PAUSE("login_failures") " THEN paused_until END, succeeded_at"
           " FROM login_failures WHERE account = $1 AND expires_at > authsvc_now()"
           " AND place <> '" AUTHSVC_PLACE_REGISTER "'"
           " ORDER BY paused_until DESC, place LIMIT " LISTED,
    .reads_only = 1,
    .n_params = 2,
    .params = {AUTHSVC_DB_BYTES, AUTHSVC_DB_INT},
    .n_columns = 4,
    .columns = {AUTHSVC_DB_TEXT, AUTHSVC_DB_INT, AUTHSVC_DB_TIME, AUTHSVC_DB_TIME},
    .nullable = (1U << 2) | (1U << 3),
};

/* Several nodes may purge at once: each takes what no other has. */
#define EXPIRED \
    "SELECT account, place FROM login_failures WHERE expires_at <= authsvc_now()" \
    " ORDER BY expires_at LIMIT $1"

static const authsvc_statement_t delete_expired = {
    .name = "login_failures_purge",
    .pgsql = "DELETE FROM login_failures WHERE (account, place) IN"
             " (" EXPIRED " FOR UPDATE SKIP LOCKED)",
    .sqlite = "DELETE FROM login_failures WHERE (account, place) IN (" EXPIRED ")",
    .n_params = 1,
    .params = {AUTHSVC_DB_INT},
};

const authsvc_statement_t *const authsvc_login_failures_statements[] = {
    &find_login,    &record_failures,  &hold_place,     &clear_place,
    &clear_account, &remember_network, &select_account, &delete_expired,
    NULL,
};

static authsvc_error_t *failures_find(authsvc_ctx_t *ctx, const authsvc_login_attempt_t *attempt,
                                      const authsvc_failure_limit_t *place,
                                      const authsvc_failure_limit_t *account,
                                      authsvc_login_state_t *state, authsvc_user_t **user)
{
    const authsvc_db_value_t params[] = {
        authsvc_db_text(attempt->email),
        authsvc_db_bytes(attempt->account, AUTHSVC_ACCOUNT_OCTETS),
        authsvc_db_text(attempt->network),
        authsvc_db_text(attempt->device),
        authsvc_db_int(place->failures),
        authsvc_db_seconds(place->window),
        authsvc_db_seconds(account->window),
    };
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &find_login, params, &result));
    if (result->n_rows != 1) {
        return AUTHSVC_INTERNAL(ctx->pool, "a login's state with %d rows", result->n_rows);
    }
    state->network.failures = authsvc_db_cell(result, 0, 1)->integer;
    state->network.paused = (int)authsvc_db_cell(result, 0, 2)->integer;
    state->known = (int)authsvc_db_cell(result, 0, 3)->integer;
    state->recent = (int)authsvc_db_cell(result, 0, 4)->integer;
    state->device.failures = authsvc_db_cell(result, 0, 5)->integer;
    state->device.paused = (int)authsvc_db_cell(result, 0, 6)->integer;
    state->account_failures = authsvc_db_cell(result, 0, 7)->integer;
    *user = NULL;
    if (!authsvc_db_cell(result, 0, LOGIN_FIXED)->null) {
        *user = authsvc_rows_user(ctx, result, 0, LOGIN_FIXED);
        (*user)->read_at = authsvc_db_cell(result, 0, 0)->integer;
    }
    return NULL;
}

static authsvc_error_t *failures_record(authsvc_ctx_t *ctx,
                                        const unsigned char account[AUTHSVC_ACCOUNT_OCTETS],
                                        const char *place, apr_int64_t n,
                                        const authsvc_failure_limit_t *limit,
                                        authsvc_failure_record_t *record)
{
    const authsvc_db_value_t params[] = {
        authsvc_db_bytes(account, AUTHSVC_ACCOUNT_OCTETS),
        authsvc_db_text(place),
        authsvc_db_int(n),
        authsvc_db_int(limit->failures),
        authsvc_db_seconds(limit->window),
        authsvc_db_seconds(limit->first),
        authsvc_db_seconds(limit->longest),
    };
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &record_failures, params, &result));
    if (result->n_rows != 1) {
        return AUTHSVC_INTERNAL(ctx->pool, "a record of failures with %d rows", result->n_rows);
    }
    record->failures = authsvc_db_cell(result, 0, 0)->integer;
    record->pauses = authsvc_db_cell(result, 0, 1)->integer;
    record->begins = (int)authsvc_db_cell(result, 0, 2)->integer;
    record->pause = apr_time_from_sec(authsvc_db_cell(result, 0, 3)->integer);
    return NULL;
}

static authsvc_error_t *failures_hold(authsvc_ctx_t *ctx,
                                      const unsigned char account[AUTHSVC_ACCOUNT_OCTETS],
                                      const char *place, const authsvc_failure_limit_t *limit,
                                      apr_int64_t *failures)
{
    const authsvc_db_value_t params[] = {
        authsvc_db_bytes(account, AUTHSVC_ACCOUNT_OCTETS),
        authsvc_db_text(place),
        authsvc_db_int(limit->failures),
        authsvc_db_seconds(limit->window),
        authsvc_db_seconds(limit->first),
    };
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &hold_place, params, &result));
    if (result->n_rows != 1) {
        return AUTHSVC_INTERNAL(ctx->pool, "a place held with %d rows", result->n_rows);
    }
    *failures = authsvc_db_cell(result, 0, 0)->integer;
    return NULL;
}

static authsvc_error_t *change_place(authsvc_ctx_t *ctx, const authsvc_statement_t *statement,
                                     const unsigned char account[AUTHSVC_ACCOUNT_OCTETS],
                                     const char *place)
{
    const authsvc_db_value_t params[] = {authsvc_db_bytes(account, AUTHSVC_ACCOUNT_OCTETS),
                                         authsvc_db_text(place)};
    authsvc_db_result_t *result;
    return authsvc_db_run(ctx, statement, params, &result);
}

static authsvc_error_t *failures_clear(authsvc_ctx_t *ctx,
                                       const unsigned char account[AUTHSVC_ACCOUNT_OCTETS],
                                       const char *place)
{
    return change_place(ctx, &clear_place, account, place);
}

static authsvc_error_t *failures_remember(authsvc_ctx_t *ctx,
                                          const unsigned char account[AUTHSVC_ACCOUNT_OCTETS],
                                          const char *network)
{
    return change_place(ctx, &remember_network, account, network);
}

static apr_time_t time_of(const authsvc_db_result_t *result, int row, int column)
{
    const authsvc_db_value_t *cell = authsvc_db_cell(result, row, column);
    return cell->null ? 0 : cell->integer;
}

static authsvc_error_t *failures_list(authsvc_ctx_t *ctx,
                                      const unsigned char account[AUTHSVC_ACCOUNT_OCTETS],
                                      const authsvc_failure_limit_t *account_limit,
                                      apr_array_header_t **entries)
{
    const authsvc_db_value_t params[] = {authsvc_db_bytes(account, AUTHSVC_ACCOUNT_OCTETS),
                                         authsvc_db_seconds(account_limit->window)};
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &select_account, params, &result));
    *entries = apr_array_make(ctx->pool, result->n_rows + 1, sizeof(authsvc_failure_entry_t));
    for (int row = 0; row < result->n_rows; row++) {
        authsvc_failure_entry_t *entry = apr_array_push(*entries);

        entry->place = authsvc_db_cell(result, row, 0)->text;
        entry->failures = authsvc_db_cell(result, row, 1)->integer;
        entry->paused_until = time_of(result, row, 2);
        entry->succeeded_at = time_of(result, row, 3);
    }
    return NULL;
}

static authsvc_error_t *failures_clear_all(authsvc_ctx_t *ctx,
                                           const unsigned char account[AUTHSVC_ACCOUNT_OCTETS],
                                           apr_int64_t *cleared)
{
    const authsvc_db_value_t params[] = {authsvc_db_bytes(account, AUTHSVC_ACCOUNT_OCTETS)};
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &clear_account, params, &result));
    *cleared = result->affected;
    return NULL;
}

static authsvc_error_t *failures_purge(authsvc_ctx_t *ctx, int limit, apr_int64_t *removed)
{
    const authsvc_db_value_t params[] = {authsvc_db_int(limit)};
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &delete_expired, params, &result));
    *removed = result->affected;
    return NULL;
}

const authsvc_login_failures_repository_t authsvc_login_failures_repository = {
    .find = failures_find,
    .record = failures_record,
    .hold = failures_hold,
    .clear = failures_clear,
    .remember = failures_remember,
    .list = failures_list,
    .clear_all = failures_clear_all,
    .purge = failures_purge,
};
