/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"

#include <stdio.h>

#include "conn.h"
#include "inject.h"

/* The provider's and the driver's own; one database at a time. */
static authsvc_error_t *(*real_take)(authsvc_db_t *db, authsvc_ctx_t *ctx, apr_time_t deadline,
                                     authsvc_db_conn_t **conn);
static const authsvc_db_driver_t *real;
static authsvc_db_driver_t failing;

/* Whether this call fails before it has done anything: then *err is what it answers. */
static int refused(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, const char *what,
                   authsvc_error_t **err, int *spoilt)
{
    *spoilt = 0;
    if (!inject_fails(INJECT_DATABASE, what)) {
        return 0;
    }
    if (inject->mode == INJECT_ANSWER_LOST || inject->mode == INJECT_ANSWER_SPOILT) {
        *spoilt = 1;
        return 0;
    }
    if (conn && inject->mode == INJECT_DEAD) {
        conn->lost = 1;
        conn->unsent = 1;
    }
    *err = AUTHSVC_ERROR(ctx->pool,
                         inject->mode == INJECT_INTERNAL ? AUTHSVC_E_INTERNAL
                                                         : AUTHSVC_E_UNAVAILABLE,
                         NULL, NULL, "made to fail: %s", what);
    return 1;
}

/* What was done looks as if it had failed. */
static authsvc_error_t *spoil(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, const char *what)
{
    if (conn) {
        conn->unsent = 0;
        conn->lost = inject->mode == INJECT_ANSWER_LOST;
    }
    return AUTHSVC_ERROR(ctx->pool,
                         inject->mode == INJECT_ANSWER_LOST ? AUTHSVC_E_UNAVAILABLE
                                                            : AUTHSVC_E_INTERNAL,
                         NULL, NULL, "the answer is lost: %s", what);
}

/* Calls without a result: real_call once, beneath which the real driver stands in conn. */
#define CALL(conn, ctx, what, real_call)                            \
    do {                                                            \
        authsvc_error_t *err;                                       \
        int spoilt;                                                 \
        if (refused((conn), (ctx), (what), &err, &spoilt)) {        \
            return err;                                             \
        }                                                           \
        (conn)->driver = real;                                      \
        err = (real_call);                                          \
        (conn)->driver = &failing;                                  \
        return err || !spoilt ? err : spoil((conn), (ctx), (what)); \
    } while (0)

static authsvc_error_t *ready(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, apr_time_t deadline)
{
    CALL(conn, ctx, "ready", real->ready(conn, ctx, deadline));
}

static authsvc_error_t *configure(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, apr_time_t deadline)
{
    CALL(conn, ctx, "configure", real->configure(conn, ctx, deadline));
}

static authsvc_error_t *run(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx,
                            const authsvc_statement_t *statement, const authsvc_db_value_t *params,
                            apr_time_t deadline, authsvc_db_result_t **result)
{
    long failed = inject->failed;
    authsvc_error_t *err;
    char what[80];
    int spoilt;

    snprintf(what, sizeof(what), "run %s", statement->name);
    if (refused(conn, ctx, what, &err, &spoilt)) {
        return err;
    }
    conn->driver = real;
    err = real->run(conn, ctx, statement, params, deadline, result);
    conn->driver = &failing;
    if (err || !spoilt) {
        return err;
    }
    if (failed == 0 && !ctx->txn && !statement->reads_only) {
        inject->ambiguous = 1;
    }
    *result = NULL;
    return spoil(conn, ctx, what);
}

static authsvc_error_t *script(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, const char *sql,
                               apr_time_t deadline)
{
    CALL(conn, ctx, "script", real->script(conn, ctx, sql, deadline));
}

static authsvc_error_t *begin(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, apr_time_t deadline)
{
    CALL(conn, ctx, "begin", real->begin(conn, ctx, deadline));
}

static authsvc_error_t *commit(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, apr_time_t deadline)
{
    inject->ambiguous |= inject->seen + 1 == inject->at && (inject->mode == INJECT_ANSWER_LOST ||
                                                            inject->mode == INJECT_ANSWER_SPOILT);
    CALL(conn, ctx, "commit", real->commit(conn, ctx, deadline));
}

static void settle(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, apr_time_t deadline)
{
    conn->driver = real;
    real->settle(conn, ctx, deadline);
    conn->driver = &failing;
}

static authsvc_error_t *take(authsvc_db_t *db, authsvc_ctx_t *ctx, apr_time_t deadline,
                             authsvc_db_conn_t **conn)
{
    authsvc_error_t *err;
    int spoilt;

    if (refused(NULL, ctx, "take", &err, &spoilt)) {
        return err;
    }
    err = real_take(db, ctx, deadline, conn);
    if (!err && spoilt) {
        db->give(db, ctx, *conn);
        *conn = NULL;
        err = spoil(NULL, ctx, "take");
    }
    return err;
}

void driver_replace(authsvc_ctx_t *ctx)
{
    authsvc_db_conn_t *conn;

    if (ctx->db->take(ctx->db, ctx, authsvc_db_deadline(ctx), &conn)) {
        return;
    }
    real = conn->driver;
    failing = *real;
    failing.ready = ready;
    failing.configure = configure;
    failing.run = run;
    failing.script = script;
    failing.begin = begin;
    failing.commit = commit;
    failing.settle = settle;
    conn->driver = &failing;
    ctx->db->give(ctx->db, ctx, conn);
    real_take = ctx->db->take;
    ctx->db->take = take;
}
