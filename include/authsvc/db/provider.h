/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_DB_PROVIDER_H
#define AUTHSVC_DB_PROVIDER_H

#include <apr_thread_mutex.h>

#include "authsvc/db/db.h"

/**
 * The other side of db.h: for those who bring connections (httpd's lease, authsvcctl, tests) and
 * for the two drivers.
 */
typedef struct authsvc_db_driver_t authsvc_db_driver_t;

extern const authsvc_db_driver_t authsvc_db_pgsql;
extern const authsvc_db_driver_t authsvc_db_sqlite;

/** The driver of an apr_dbd driver name ("pgsql", "sqlite3"); NULL if we have none. */
const authsvc_db_driver_t *authsvc_db_driver_find(const char *name);

/** State of a leased connection when it is given back. */
typedef enum {
    AUTHSVC_DB_CLEAN, /* idle, no transaction: the next one may have it */
    AUTHSVC_DB_BAD    /* must be healed before use */
} authsvc_db_state_t;

/**
 * A database. The provider fills it in (zeroed first) and calls authsvc_db_setup.
 */
struct authsvc_db_t {
    /**
     * Take a connection before the deadline (monotonic, authsvc_clock_monotonic). The connection
     * may still be BAD: db.h's functions prepare it.
     * @return UNAVAILABLE if there is none in time
     */
    authsvc_error_t *(*take)(authsvc_db_t *db, authsvc_ctx_t *ctx, apr_time_t deadline,
                             authsvc_db_conn_t **conn);
    /** Give it back; state as authsvc_db_conn_state tells. */
    void (*give)(authsvc_db_t *db, authsvc_ctx_t *ctx, authsvc_db_conn_t *conn);
    void *provider;          /* the provider's own */
    int prepared_statements; /* 0: unnamed ones only, for PgBouncer in transaction mode */
    /* below: db layer's own */
    apr_thread_mutex_t *mutex;
    int identity_known;
    unsigned char identity[AUTHSVC_UUID_OCTETS];
};

/** Complete a database whose take, give, provider and options are set. @param pool its life */
authsvc_error_t *authsvc_db_setup(authsvc_db_t *db, apr_pool_t *pool);

/**
 * Take a native connection (PGconn *, sqlite3 *) into use: makes our record of it.
 * The caller goes on owning the native connection and closes it after the pool's pre-cleanup.
 * @param pool the connection's own; a pre-cleanup finalizes statements before apr_dbd closes
 */
authsvc_error_t *authsvc_db_attach(const authsvc_db_driver_t *driver, void *native,
                                   authsvc_db_t *db, apr_pool_t *pool, authsvc_db_conn_t **conn);

/** Whether it may be used by the next one as it is. */
authsvc_db_state_t authsvc_db_conn_state(const authsvc_db_conn_t *conn);

/** The provider's own pointer beside a connection, NULL at first. */
void **authsvc_db_conn_baton(authsvc_db_conn_t *conn);

/**
 * Open a connection of our own, without mod_dbd: authsvcctl and the unit tests.
 * @param driver "pgsql" or "sqlite3"
 * @param params as in DBDParams (a libpq conninfo string; a path, ":memory:")
 * @param db one connection, closed with pool; take waits for nothing. No prepared statements: what
 *   runs each once gains nothing by them, and may go through PgBouncer in transaction mode
 */
authsvc_error_t *authsvc_db_open(apr_pool_t *pool, const char *driver, const char *params,
                                 authsvc_db_t **db);

/**
 * Run SQL text of one or more statements without parameters and results (migrations, BEGIN).
 * @param deadline monotonic
 */
authsvc_error_t *authsvc_db_script(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, const char *sql,
                                   apr_time_t deadline);

/** Run one statement on a given connection, no retry, no budget: what db.h builds on. */
authsvc_error_t *authsvc_db_conn_run(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx,
                                     const authsvc_statement_t *statement,
                                     const authsvc_db_value_t *params, apr_time_t deadline,
                                     authsvc_db_result_t **result);

#endif
