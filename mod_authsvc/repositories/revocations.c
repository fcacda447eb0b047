/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/core/settings.h"
#include "rows.h"

/*
 * All in one snapshot: what is committed later has a transaction id of at least `next`. The row is
 * there even if no entry is.
 */
static const authsvc_statement_t poll_feed = {
    .name = "revocations_poll",
    .pgsql = "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint),"
             " pg_is_in_recovery(),"
             " CAST(EXTRACT(EPOCH FROM pg_postmaster_start_time()) * 1000000 AS bigint),"
             " r.session_id, r.epoch, " ENTRY_LIFE_PGSQL("r")
             " FROM (SELECT 1) one LEFT JOIN revocations r"
             " ON r.xid >= CAST(CAST($1 AS text) AS xid8) AND r.expires_at > authsvc_now()",
    .sqlite = "SELECT (SELECT COALESCE(MAX(sequence), 0) + 1 FROM revocations), FALSE, 0,"
              " r.session_id, r.epoch, " ENTRY_LIFE_SQLITE("r")
              " FROM (SELECT 1) one LEFT JOIN revocations r"
              " ON r.sequence >= $1 AND r.expires_at > authsvc_now()",
    .reads_only = 1,
    .n_params = 1,
    .params = {AUTHSVC_DB_INT},
    .n_columns = 3 + ENTRY_N,
    .columns = {AUTHSVC_DB_INT, AUTHSVC_DB_BOOL, AUTHSVC_DB_INT, ENTRY_TYPES},
    .nullable = (1U << 3) | (1U << 4) | (1U << 5),
};

/* Until the change is committed, others read the user as he was: that counts, too. */
#define COMMIT_SECONDS "10"

static const authsvc_statement_t insert_of_user = {
    .name = "revocations_add_user",
    .pgsql = "INSERT INTO revocations (session_id, epoch, expires_at)"
             " VALUES ($1, " COMMIT_SECONDS
             " + CAST(FLOOR(EXTRACT(EPOCH FROM authsvc_now())) AS bigint), "
             ENTRY_ENDS_PGSQL("$2") ")" ENTRY_RETURNING_PGSQL,
    .sqlite = "INSERT INTO revocations (session_id, epoch, expires_at)"
              " VALUES ($1, " COMMIT_SECONDS " + authsvc_now() / 1000000, "
              ENTRY_ENDS_SQLITE("$2") ")"
              ENTRY_RETURNING_SQLITE,
    .n_params = 2,
    .params = {AUTHSVC_DB_UUID, AUTHSVC_DB_INT},
    .n_columns = ENTRY_N,
    .columns = {ENTRY_TYPES},
};

static const authsvc_statement_t update_lifetime = {
    .name = "revocations_record_lifetime",
    .sql = "UPDATE authsvc_revocation_feed SET token_lifetime = $1 WHERE token_lifetime < $1",
    .n_params = 1,
    .params = {AUTHSVC_DB_INT},
};

/* Several nodes may purge at once: each takes what no other has. */
static const authsvc_statement_t delete_expired = {
    .name = "revocations_purge",
    .pgsql = "DELETE FROM revocations WHERE (xid, session_id, epoch) IN"
             " (SELECT xid, session_id, epoch FROM revocations WHERE expires_at <= authsvc_now()"
             " ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)",
    .sqlite = "DELETE FROM revocations WHERE sequence IN"
              " (SELECT sequence FROM revocations WHERE expires_at <= authsvc_now()"
              " AND sequence < (SELECT MAX(sequence) FROM revocations)"
              " ORDER BY expires_at LIMIT $1)",
    .n_params = 1,
    .params = {AUTHSVC_DB_INT},
};

const authsvc_statement_t *const authsvc_revocations_statements[] = {
    &poll_feed, &insert_of_user, &update_lifetime, &delete_expired, NULL,
};

void authsvc_rows_revocation(const authsvc_db_result_t *result, int row, int column,
                             authsvc_revocation_t *entry)
{
    entry->id = authsvc_db_cell(result, row, column)->text;
    entry->epoch = authsvc_db_cell(result, row, column + 1)->integer;
    entry->lifetime = apr_time_from_sec(authsvc_db_cell(result, row, column + 2)->integer);
}

authsvc_error_t *authsvc_rows_revoke(authsvc_ctx_t *ctx, const authsvc_statement_t *statement,
                                     const authsvc_db_value_t *params,
                                     apr_array_header_t **revoked)
{
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, statement, params, &result));
    *revoked = apr_array_make(ctx->pool, result->n_rows + 1, sizeof(authsvc_revocation_t));
    for (int row = 0; row < result->n_rows; row++) {
        authsvc_rows_revocation(result, row, 0, apr_array_push(*revoked));
    }
    return NULL;
}

authsvc_db_value_t authsvc_rows_lifetime(const authsvc_ctx_t *ctx)
{
    return authsvc_db_seconds(ctx->settings ? ctx->settings->access_lifetime : 0);
}

static authsvc_error_t *revocations_poll(authsvc_ctx_t *ctx, apr_int64_t from,
                                         authsvc_revocation_feed_t *feed)
{
    const authsvc_db_value_t params[] = {authsvc_db_int(from)};
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &poll_feed, params, &result));
    if (result->n_rows < 1) {
        return AUTHSVC_INTERNAL(ctx->pool, "a look at the revocations without a row");
    }
    feed->next = authsvc_db_cell(result, 0, 0)->integer;
    feed->is_standby = (int)authsvc_db_cell(result, 0, 1)->integer;
    feed->source = authsvc_db_cell(result, 0, 2)->integer;
    feed->revoked = apr_array_make(ctx->pool, result->n_rows, sizeof(authsvc_revocation_t));
    for (int row = 0; row < result->n_rows; row++) {
        if (!authsvc_db_cell(result, row, 3)->null) {
            authsvc_rows_revocation(result, row, 3, apr_array_push(feed->revoked));
        }
    }
    return NULL;
}

static authsvc_error_t *revocations_add_user(authsvc_ctx_t *ctx, const char *user_id,
                                             apr_array_header_t **revoked)
{
    const authsvc_db_value_t params[] = {authsvc_db_uuid(user_id), authsvc_rows_lifetime(ctx)};
    return authsvc_rows_revoke(ctx, &insert_of_user, params, revoked);
}

static authsvc_error_t *revocations_record_lifetime(authsvc_ctx_t *ctx,
                                                    apr_interval_time_t lifetime)
{
    const authsvc_db_value_t params[] = {authsvc_db_seconds(lifetime)};
    authsvc_db_result_t *result;
    return authsvc_db_run(ctx, &update_lifetime, params, &result);
}

static authsvc_error_t *revocations_purge(authsvc_ctx_t *ctx, int limit, apr_int64_t *removed)
{
    const authsvc_db_value_t params[] = {authsvc_db_int(limit)};
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &delete_expired, params, &result));
    *removed = result->affected;
    return NULL;
}

const authsvc_revocations_repository_t authsvc_revocations_repository = {
    .poll = revocations_poll,
    .add_user = revocations_add_user,
    .record_lifetime = revocations_record_lifetime,
    .purge = revocations_purge,
};
