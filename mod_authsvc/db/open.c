/* SPDX-License-Identifier: Apache-2.0 */
#include "conn.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sqlite3.h>
#include <string.h>

#define CONNECT_TIMEOUT apr_time_from_sec(5)

/* A database of one connection, opened here rather than by mod_dbd. */
typedef struct {
    authsvc_db_t db;
    authsvc_db_conn_t *conn;
    int taken;
} single_t;

static authsvc_error_t *take(authsvc_db_t *db, authsvc_ctx_t *ctx, apr_time_t deadline,
                             authsvc_db_conn_t **conn)
{
    single_t *single = db->provider;

    (void)deadline;
    if (single->taken) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                             "the only database connection is in use");
    }
    single->taken = 1;
    *conn = single->conn;
    return NULL;
}

static void give(authsvc_db_t *db, authsvc_ctx_t *ctx, authsvc_db_conn_t *conn)
{
    single_t *single = db->provider;

    (void)ctx;
    (void)conn;
    single->taken = 0;
}

static apr_status_t close_pgsql(void *native)
{
    PQfinish(native);
    return APR_SUCCESS;
}

static apr_status_t close_sqlite(void *native)
{
    sqlite3_close_v2(native);
    return APR_SUCCESS;
}

static authsvc_error_t *no_connection(apr_pool_t *pool, const char *reason)
{
    return AUTHSVC_ERROR(pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                         "the database could not be opened: %s", authsvc_db_one_line(pool, reason));
}

static authsvc_error_t *open_pgsql(apr_pool_t *pool, const char *params, void **native)
{
    apr_time_t deadline = authsvc_clock_monotonic() + CONNECT_TIMEOUT;
    PostgresPollingStatusType step = PGRES_POLLING_WRITING;
    PQconninfoOption *options = PQconninfoParse(params, NULL);
    PGconn *pg;

    if (!options) {
        /* libpq's own sentence would quote the string, and a password may be in it. */
        return AUTHSVC_ERROR(pool, AUTHSVC_E_INVALID, NULL,
                             "The PostgreSQL connection string is malformed.",
                             "malformed connection string");
    }
    PQconninfoFree(options);
    pg = PQconnectStart(params);
    if (!pg) {
        return AUTHSVC_INTERNAL(pool, "libpq has no memory");
    }
    *native = pg;
    apr_pool_cleanup_register(pool, pg, close_pgsql, apr_pool_cleanup_null);
    if (PQstatus(pg) == CONNECTION_BAD) {
        step = PGRES_POLLING_FAILED;
    }
    while (step != PGRES_POLLING_OK) {
        struct pollfd entry = {.fd = PQsocket(pg),
                               .events = step == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        int left = authsvc_db_milliseconds_left(deadline);

        if (step == PGRES_POLLING_FAILED) {
            return no_connection(pool, PQerrorMessage(pg));
        }
        if (left == 0) {
            return no_connection(pool, "no answer within 5 seconds");
        }
        if (poll(&entry, 1, left) > 0) {
            step = PQconnectPoll(pg);
        }
    }
    return NULL;
}

static authsvc_error_t *open_sqlite(apr_pool_t *pool, const char *params, void **native)
{
    sqlite3 *handle = NULL;
    int code = sqlite3_open_v2(params, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);

    if (handle) {
        *native = handle;
        apr_pool_cleanup_register(pool, handle, close_sqlite, apr_pool_cleanup_null);
    }
    return code == SQLITE_OK ? NULL : no_connection(pool, sqlite3_errstr(code));
}

authsvc_error_t *authsvc_db_open(apr_pool_t *pool, const char *driver, const char *params,
                                 authsvc_db_t **db)
{
    const authsvc_db_driver_t *found = authsvc_db_driver_find(driver);
    single_t *single = apr_pcalloc(pool, sizeof(*single));
    void *native = NULL;

    *db = NULL;
    if (!found) {
        return AUTHSVC_ERROR(pool, AUTHSVC_E_INVALID, NULL,
                             "The database driver must be pgsql or sqlite3.", "unknown driver");
    }
    single->db.take = take;
    single->db.give = give;
    single->db.provider = single;
    AUTHSVC_TRY(authsvc_db_setup(&single->db, pool));
    AUTHSVC_TRY(found == &authsvc_db_pgsql ? open_pgsql(pool, params, &native)
                                           : open_sqlite(pool, params, &native));
    AUTHSVC_TRY(authsvc_db_attach(found, native, &single->db, pool, &single->conn));
    *db = &single->db;
    return NULL;
}
