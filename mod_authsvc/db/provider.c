/* SPDX-License-Identifier: Apache-2.0 */
#include "conn.h"

#include <string.h>

const authsvc_db_driver_t *authsvc_db_driver_find(const char *name)
{
    if (name && strcmp(name, authsvc_db_pgsql.name) == 0) {
        return &authsvc_db_pgsql;
    }
    if (name && strcmp(name, authsvc_db_sqlite.name) == 0) {
        return &authsvc_db_sqlite;
    }
    return NULL;
}

authsvc_error_t *authsvc_db_setup(authsvc_db_t *db, apr_pool_t *pool)
{
    apr_status_t status = apr_thread_mutex_create(&db->mutex, APR_THREAD_MUTEX_DEFAULT, pool);

    if (status != APR_SUCCESS) {
        return AUTHSVC_INTERNAL(pool, "no mutex for the database: status %d", (int)status);
    }
    return NULL;
}

static apr_status_t detach(void *data)
{
    authsvc_db_conn_t *conn = data;

    conn->driver->detach(conn);
    return APR_SUCCESS;
}

authsvc_error_t *authsvc_db_attach(const authsvc_db_driver_t *driver, void *native,
                                   authsvc_db_t *db, apr_pool_t *pool, authsvc_db_conn_t **conn)
{
    authsvc_db_conn_t *made = apr_pcalloc(pool, sizeof(*made));

    *conn = NULL;
    made->driver = driver;
    made->native = native;
    made->db = db;
    made->pool = pool;
    AUTHSVC_TRY(driver->attach(made));
    apr_pool_pre_cleanup_register(pool, made, detach);
    *conn = made;
    return NULL;
}

authsvc_db_state_t authsvc_db_conn_state(const authsvc_db_conn_t *conn)
{
    return conn->driver->state(conn);
}

void **authsvc_db_conn_baton(authsvc_db_conn_t *conn)
{
    return &conn->baton;
}
