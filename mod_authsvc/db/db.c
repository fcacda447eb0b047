/* SPDX-License-Identifier: Apache-2.0 */
#include "conn.h"

#include <string.h>

#include "authsvc/db/migrate.h"

enum { CHECK_VERSION, CHECK_MIN_MODULE, CHECK_ID };

/* One round trip for all that a connection must know before its first use. */
static const authsvc_statement_t schema_check = {
    .name = "schema_check",
    .sql = "SELECT COALESCE(MAX(s.version), 0), COALESCE(MAX(s.min_module), 0), d.id"
           " FROM authsvc_database d LEFT JOIN authsvc_schema s ON s.version > 0 GROUP BY d.id",
    .reads_only = 1,
    .n_columns = 3,
    .columns = {AUTHSVC_DB_INT, AUTHSVC_DB_INT, AUTHSVC_DB_UUID},
};

apr_time_t authsvc_db_deadline(const authsvc_ctx_t *ctx)
{
    return authsvc_clock_monotonic() + (ctx->db_budget > 0 ? ctx->db_budget : 0);
}

void authsvc_db_spend(authsvc_ctx_t *ctx, apr_time_t started)
{
    apr_interval_time_t spent = authsvc_clock_monotonic() - started;
    ctx->db_budget = ctx->db_budget > spent ? ctx->db_budget - spent : 0;
}

static authsvc_error_t *no_time(authsvc_ctx_t *ctx)
{
    return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                         "the request's time for the database is used up");
}

static void learn_identity(authsvc_db_t *db, const authsvc_db_value_t *id)
{
    unsigned char octets[AUTHSVC_UUID_OCTETS];

    if (authsvc_uuid_parse(id->text, octets)) {
        apr_thread_mutex_lock(db->mutex);
        memcpy(db->identity, octets, sizeof(octets));
        db->identity_known = 1;
        apr_thread_mutex_unlock(db->mutex);
    }
}

static authsvc_error_t *schema_refused(authsvc_ctx_t *ctx, apr_int64_t version,
                                       apr_int64_t min_module)
{
    if (min_module > AUTHSVC_MODULE_LEVEL) {
        authsvc_log(ctx->log, AUTHSVC_LOG_ERROR, "AS0101",
                    "the database's schema (version %d) needs a newer mod_authsvc: level %d, and "
                    "this one is %d; install it, or run \"authsvcctl migrate down --to %d\"",
                    (int)version, (int)min_module, AUTHSVC_MODULE_LEVEL, AUTHSVC_SCHEMA_VERSION);
    } else {
        authsvc_log(ctx->log, AUTHSVC_LOG_ERROR, "AS0102",
                    "the database's schema has version %d, and version %d is needed: run "
                    "\"authsvcctl migrate up\"",
                    (int)version, AUTHSVC_SCHEMA_VERSION);
    }
    return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                         "the database's schema does not fit: version %d, needed %d; module level "
                         "%d, needed %d",
                         (int)version, AUTHSVC_SCHEMA_VERSION, AUTHSVC_MODULE_LEVEL,
                         (int)min_module);
}

/*
 * A failing check is not remembered: the next lease asks again, and finds the schema as soon as
 * it was migrated.
 */
static authsvc_error_t *check_schema(authsvc_ctx_t *ctx, authsvc_db_conn_t *conn,
                                     apr_time_t deadline)
{
    authsvc_db_result_t *result;
    authsvc_error_t *err;
    apr_int64_t version;
    apr_int64_t min_module;

    err = authsvc_db_conn_run(conn, ctx, &schema_check, NULL, deadline, &result);
    if (err) {
        if (!conn->lost && conn->driver->state(conn) == AUTHSVC_DB_CLEAN) {
            authsvc_log(ctx->log, AUTHSVC_LOG_ERROR, "AS0103",
                        "the database's schema cannot be read (%s): run \"authsvcctl migrate up\", "
                        "on PostgreSQL with --grant and the role that httpd connects as",
                        err->internal);
        }
        return authsvc_error_cause(AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                                                 "the database's schema could not be checked"),
                                   err);
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): no error is a result */
    if (result->n_rows != 1) {
        return schema_refused(ctx, 0, 0);
    }
    version = authsvc_db_cell(result, 0, CHECK_VERSION)->integer;
    min_module = authsvc_db_cell(result, 0, CHECK_MIN_MODULE)->integer;
    if (version < AUTHSVC_SCHEMA_VERSION || min_module > AUTHSVC_MODULE_LEVEL) {
        return schema_refused(ctx, version, min_module);
    }
    AUTHSVC_TRY(conn->driver->configure(conn, ctx, deadline));
    learn_identity(conn->db, authsvc_db_cell(result, 0, CHECK_ID));
    conn->checked = 1;
    return NULL;
}

authsvc_error_t *authsvc_db_lease_unchecked(authsvc_ctx_t *ctx, apr_time_t deadline,
                                            authsvc_db_conn_t **conn)
{
    authsvc_db_t *db = ctx->db;
    authsvc_error_t *err;

    *conn = NULL;
    if (deadline <= authsvc_clock_monotonic()) {
        return no_time(ctx);
    }
    AUTHSVC_TRY(db->take(db, ctx, deadline, conn));
    err = (*conn)->driver->ready(*conn, ctx, deadline);
    if (err) {
        db->give(db, ctx, *conn);
        *conn = NULL;
    }
    return err;
}

authsvc_error_t *authsvc_db_lease(authsvc_ctx_t *ctx, apr_time_t deadline,
                                  authsvc_db_conn_t **conn)
{
    authsvc_error_t *err = NULL;

    /* Twice, because the check may be what finds out that the connection is dead. */
    for (int attempt = 0; attempt < 2; attempt++) {
        AUTHSVC_TRY(authsvc_db_lease_unchecked(ctx, deadline, conn));
        if ((*conn)->checked) {
            return NULL;
        }
        err = check_schema(ctx, *conn, deadline);
        if (!err) {
            return NULL;
        }
        int again = (*conn)->lost;
        authsvc_db_release(ctx, *conn, deadline);
        *conn = NULL;
        if (!again || deadline <= authsvc_clock_monotonic()) {
            break;
        }
    }
    return err;
}

void authsvc_db_release(authsvc_ctx_t *ctx, authsvc_db_conn_t *conn, apr_time_t deadline)
{
    conn->driver->settle(conn, ctx, deadline);
    conn->failed = NULL;
    ctx->db->give(ctx->db, ctx, conn);
}

authsvc_error_t *authsvc_db_conn_run(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx,
                                     const authsvc_statement_t *statement,
                                     const authsvc_db_value_t *params, apr_time_t deadline,
                                     authsvc_db_result_t **result)
{
    authsvc_error_t *err;

    conn->unsent = 1;
    conn->lost = 0;
    *result = NULL;
    AUTHSVC_TRY(authsvc_db_check_params(ctx->pool, statement, params));
    if (deadline <= authsvc_clock_monotonic()) {
        return no_time(ctx);
    }
    err = conn->driver->run(conn, ctx, statement, params, deadline, result);
    if (err && err->code == AUTHSVC_E_UNAVAILABLE) {
        /* It may be that a table is gone: let the next lease look, and name the command. */
        conn->checked = 0;
    }
    return err;
}

authsvc_error_t *authsvc_db_script(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, const char *sql,
                                   apr_time_t deadline)
{
    conn->unsent = 1;
    conn->lost = 0;
    if (deadline <= authsvc_clock_monotonic()) {
        return no_time(ctx);
    }
    return conn->driver->script(conn, ctx, sql, deadline);
}

static int has_second_part(const authsvc_db_conn_t *conn, const authsvc_statement_t *statement)
{
    return statement->sqlite_then && conn->driver == &authsvc_db_sqlite;
}

/*
 * SQLite would carry on after a failed statement, and commit the rest; so the failure is noted
 * here, for both engines.
 */
static authsvc_error_t *run_in_transaction(authsvc_ctx_t *ctx, const authsvc_statement_t *statement,
                                           const authsvc_db_value_t *params, apr_time_t deadline,
                                           authsvc_db_result_t **result)
{
    authsvc_db_conn_t *conn = ctx->txn;

    *result = NULL;
    if (conn->failed) {
        return authsvc_error_cause(AUTHSVC_ERROR(ctx->pool, conn->failed->code, NULL, NULL,
                                                 "the transaction had failed before \"%s\"",
                                                 statement->name),
                                   conn->failed);
    }
    conn->failed = authsvc_db_conn_run(conn, ctx, statement, params, deadline, result);
    if (!conn->failed && has_second_part(conn, statement)) {
        authsvc_db_result_t *dropped;

        conn->failed = authsvc_db_conn_run(conn, ctx, statement->sqlite_then, params, deadline,
                                           &dropped);
    }
    return conn->failed;
}

/* Two parts, neither of them without the other. After an error, release rolls back. */
static authsvc_error_t *run_both_parts(authsvc_ctx_t *ctx, authsvc_db_conn_t *conn,
                                       const authsvc_statement_t *statement,
                                       const authsvc_db_value_t *params, apr_time_t deadline,
                                       authsvc_db_result_t **result)
{
    authsvc_error_t *err;

    conn->failed = NULL;
    conn->lost = 0;
    AUTHSVC_TRY(conn->driver->begin(conn, ctx, deadline));
    ctx->txn = conn;
    err = run_in_transaction(ctx, statement, params, deadline, result);
    ctx->txn = NULL;
    return err ? err : conn->driver->commit(conn, ctx, deadline);
}

static authsvc_error_t *run_alone(authsvc_ctx_t *ctx, const authsvc_statement_t *statement,
                                  const authsvc_db_value_t *params, apr_time_t deadline,
                                  authsvc_db_result_t **result)
{
    for (int attempt = 0;; attempt++) {
        authsvc_db_conn_t *conn;
        authsvc_error_t *err;
        int again;

        AUTHSVC_TRY(authsvc_db_lease(ctx, deadline, &conn));
        err = has_second_part(conn, statement)
                  ? run_both_parts(ctx, conn, statement, params, deadline, result)
                  : authsvc_db_conn_run(conn, ctx, statement, params, deadline, result);
        again = err && conn->lost && (conn->unsent || statement->reads_only) && attempt == 0;
        authsvc_db_release(ctx, conn, deadline);
        if (!again || deadline <= authsvc_clock_monotonic()) {
            return err;
        }
    }
}

authsvc_error_t *authsvc_db_run(authsvc_ctx_t *ctx, const authsvc_statement_t *statement,
                                const authsvc_db_value_t *params, authsvc_db_result_t **result)
{
    apr_time_t started = authsvc_clock_monotonic();
    apr_time_t deadline = authsvc_db_deadline(ctx);
    authsvc_error_t *err = ctx->txn ? run_in_transaction(ctx, statement, params, deadline, result)
                                    : run_alone(ctx, statement, params, deadline, result);

    authsvc_db_spend(ctx, started);
    return err;
}

static authsvc_error_t *begin(authsvc_ctx_t *ctx, authsvc_db_conn_t *conn)
{
    apr_time_t started = authsvc_clock_monotonic();
    authsvc_error_t *err;

    conn->failed = NULL;
    conn->lost = 0;
    err = conn->driver->begin(conn, ctx, authsvc_db_deadline(ctx));
    authsvc_db_spend(ctx, started);
    return err;
}

/* Between BEGIN and COMMIT. After an error, authsvc_db_release rolls back. */
static authsvc_error_t *run_body(authsvc_ctx_t *ctx, authsvc_db_conn_t *conn,
                                 authsvc_error_t *(*fn)(authsvc_ctx_t *ctx, void *baton),
                                 void *baton)
{
    authsvc_error_t *err;
    apr_time_t started;

    ctx->txn = conn;
    err = fn(ctx, baton);
    ctx->txn = NULL;
    if (!err) {
        err = conn->failed;
    }
    if (!err) {
        started = authsvc_clock_monotonic();
        err = conn->driver->commit(conn, ctx, authsvc_db_deadline(ctx));
        authsvc_db_spend(ctx, started);
    }
    return err;
}

authsvc_error_t *authsvc_db_conn_transaction(authsvc_ctx_t *ctx, authsvc_db_conn_t *conn,
                                             authsvc_error_t *(*fn)(authsvc_ctx_t *ctx,
                                                                    void *baton),
                                             void *baton)
{
    AUTHSVC_TRY(begin(ctx, conn));
    return run_body(ctx, conn, fn, baton);
}

/* Within a transaction already: the outer one decides, and an error dooms it. */
static authsvc_error_t *join(authsvc_ctx_t *ctx,
                             authsvc_error_t *(*fn)(authsvc_ctx_t *ctx, void *baton), void *baton)
{
    authsvc_db_conn_t *conn = ctx->txn;
    authsvc_error_t *err = fn(ctx, baton);

    if (!err) {
        err = conn->failed;
    } else if (!conn->failed) {
        conn->failed = err;
    }
    return err;
}

static void release_and_spend(authsvc_ctx_t *ctx, authsvc_db_conn_t *conn)
{
    apr_time_t started = authsvc_clock_monotonic();

    authsvc_db_release(ctx, conn, authsvc_db_deadline(ctx));
    authsvc_db_spend(ctx, started);
}

/* A BEGIN that met a dead connection has done nothing: once more, on another or a healed one. */
static authsvc_error_t *lease_and_begin(authsvc_ctx_t *ctx, authsvc_db_conn_t **conn)
{
    for (int attempt = 0;; attempt++) {
        apr_time_t started = authsvc_clock_monotonic();
        authsvc_error_t *err = authsvc_db_lease(ctx, authsvc_db_deadline(ctx), conn);
        int again;

        authsvc_db_spend(ctx, started);
        if (err) {
            return err;
        }
        err = begin(ctx, *conn);
        if (!err) {
            return NULL;
        }
        again = (*conn)->lost && attempt == 0 && ctx->db_budget > 0;
        release_and_spend(ctx, *conn);
        if (!again) {
            return err;
        }
    }
}

authsvc_error_t *authsvc_db_transaction(authsvc_ctx_t *ctx,
                                        authsvc_error_t *(*fn)(authsvc_ctx_t *ctx, void *baton),
                                        void *baton)
{
    authsvc_db_conn_t *conn;
    authsvc_error_t *err;

    if (ctx->txn) {
        return join(ctx, fn, baton);
    }
    AUTHSVC_TRY(lease_and_begin(ctx, &conn));
    err = run_body(ctx, conn, fn, baton);
    release_and_spend(ctx, conn);
    return err;
}

authsvc_error_t *authsvc_db_identity(authsvc_ctx_t *ctx,
                                     unsigned char database_id[AUTHSVC_UUID_OCTETS])
{
    authsvc_db_t *db = ctx->db;
    int known;

    apr_thread_mutex_lock(db->mutex);
    known = db->identity_known;
    apr_thread_mutex_unlock(db->mutex);
    if (!known) {
        apr_time_t started = authsvc_clock_monotonic();
        apr_time_t deadline = authsvc_db_deadline(ctx);
        authsvc_db_conn_t *conn;
        authsvc_error_t *err = authsvc_db_lease(ctx, deadline, &conn);

        if (!err) {
            authsvc_db_release(ctx, conn, deadline);
        }
        authsvc_db_spend(ctx, started);
        if (err) {
            return err;
        }
    }
    apr_thread_mutex_lock(db->mutex);
    memcpy(database_id, db->identity, AUTHSVC_UUID_OCTETS);
    apr_thread_mutex_unlock(db->mutex);
    return NULL;
}
