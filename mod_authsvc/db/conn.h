/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_DB_CONN_H
#define AUTHSVC_DB_CONN_H

#include "authsvc/core/clock.h"
#include "authsvc/db/provider.h"

/* Prepared statements are kept in hashes by the statement's address. */
#define STATEMENT_KEY sizeof(const void *)

/*
 * Between db.c and the drivers. A deadline is monotonic everywhere (authsvc_clock_monotonic).
 */
struct authsvc_db_driver_t {
    const char *name; /* apr_dbd's */
    authsvc_error_t *(*attach)(authsvc_db_conn_t *conn);
    void (*detach)(authsvc_db_conn_t *conn);

    /* Make it fit for use: notice that it died, heal it. */
    authsvc_error_t *(*ready)(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, apr_time_t deadline);
    /* What each new session needs, once, after the schema was found good. */
    authsvc_error_t *(*configure)(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, apr_time_t deadline);
    authsvc_error_t *(*run)(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx,
                            const authsvc_statement_t *statement, const authsvc_db_value_t *params,
                            apr_time_t deadline, authsvc_db_result_t **result);
    authsvc_error_t *(*script)(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, const char *sql,
                               apr_time_t deadline);
    authsvc_error_t *(*begin)(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, apr_time_t deadline);
    authsvc_error_t *(*commit)(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, apr_time_t deadline);
    /* Before it is given back: no open transaction, nothing pending; else BAD. */
    void (*settle)(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, apr_time_t deadline);
    authsvc_db_state_t (*state)(const authsvc_db_conn_t *conn);
};

struct authsvc_db_conn_t {
    const authsvc_db_driver_t *driver;
    void *native;
    void *session; /* the driver's own */
    authsvc_db_t *db;
    apr_pool_t *pool;
    void *baton;
    int checked; /* since it was last made, it has seen a schema that it can work with */
    int unsent;  /* the last run failed before the server could have seen the statement */
    int lost;    /* the last run failed because the connection did */
    authsvc_error_t *failed; /* the first failure in the open transaction */
};

/* Take, make ready, check the schema if it was not yet. */
authsvc_error_t *authsvc_db_lease(authsvc_ctx_t *ctx, apr_time_t deadline,
                                  authsvc_db_conn_t **conn);
/* The same without a look at the schema: for migrations. */
authsvc_error_t *authsvc_db_lease_unchecked(authsvc_ctx_t *ctx, apr_time_t deadline,
                                            authsvc_db_conn_t **conn);
void authsvc_db_release(authsvc_ctx_t *ctx, authsvc_db_conn_t *conn, apr_time_t deadline);

/* Run fn between BEGIN and COMMIT on a leased connection; any error leaves it to release. */
authsvc_error_t *authsvc_db_conn_transaction(authsvc_ctx_t *ctx, authsvc_db_conn_t *conn,
                                             authsvc_error_t *(*fn)(authsvc_ctx_t *ctx,
                                                                    void *baton),
                                             void *baton);

/* When the context's budget ends. */
apr_time_t authsvc_db_deadline(const authsvc_ctx_t *ctx);
/* Take what went by since started off the context's budget. */
void authsvc_db_spend(authsvc_ctx_t *ctx, apr_time_t started);

/* The text of a statement for an engine; NULL if it has none. */
const char *authsvc_db_statement_sql(const authsvc_statement_t *statement,
                                     const authsvc_db_driver_t *driver);

/* Check the parameters' types against the statement's. */
authsvc_error_t *authsvc_db_check_params(apr_pool_t *pool, const authsvc_statement_t *statement,
                                         const authsvc_db_value_t *params);

/* Room for n_rows rows of the statement's columns, each cell typed and NULL. */
authsvc_db_result_t *authsvc_db_result_make(apr_pool_t *pool, const authsvc_statement_t *statement,
                                            int n_rows, authsvc_db_value_t **cells);

/* Milliseconds until a deadline, rounded up, for poll(2); 0 if it is past. */
int authsvc_db_milliseconds_left(apr_time_t deadline);

/* One line: control characters become spaces, trimmed. In pool. */
const char *authsvc_db_one_line(apr_pool_t *pool, const char *text);

#endif
