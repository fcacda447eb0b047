/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_DB_SQLITE_H
#define AUTHSVC_DB_SQLITE_H

#include <apr_hash.h>
#include <sqlite3.h>

#include "conn.h"

typedef struct {
    sqlite3_stmt *stmt;
    int index[AUTHSVC_DB_MAX_PARAMS]; /* of $1, $2 ... in this text; 0: not used there */
} sqlite_prepared_t;

/*
 * The driver's part of a connection record.
 *
 * The native handle only tells which file it is. A handle stays with the file that it opened, and
 * with the rights it had then, until it is closed, and mod_dbd's cannot be closed from here; so
 * statements run on one of our own.
 */
typedef struct {
    sqlite3 *handle; /* NULL: to be opened before use */
    char *path;      /* NULL: no file, or a URI's parameters; then the handle is the native one */
    apr_hash_t *prepared;
    apr_time_t deadline; /* of the statement that runs */
    apr_time_t now;      /* what authsvc_now() says in it */
    int guarded;         /* its files were looked at */
    int configured;
    int doubtful; /* a new handle may find the file in a better state */
} sqlite_session_t;

/* Find out which file the native handle has; opens nothing. */
void authsvc_sqlite_adopt(authsvc_db_conn_t *conn, apr_pool_t *pool);

/*
 * Have a handle for what is at the path now: opens one if there is none, or if the file of the one
 * there is was moved, replaced or removed.
 *
 * @return UNAVAILABLE: there is no file, or it may not be written
 */
authsvc_error_t *authsvc_sqlite_open(authsvc_db_conn_t *conn, apr_pool_t *pool);

/* Finalize what is prepared, and close the handle if it is ours. */
void authsvc_sqlite_close(authsvc_db_conn_t *conn);

/* Close a handle that is of no use to the next lease: read-only, in a transaction, doubtful. */
void authsvc_sqlite_drop_unfit(authsvc_db_conn_t *conn);

/* @return 1 if what is written to the handle is not in the file at the path */
int authsvc_sqlite_has_moved(const sqlite_session_t *session);

/* Take the files from other users of the machine, once for each file. */
void authsvc_sqlite_guard(sqlite_session_t *session, authsvc_ctx_t *ctx);

#endif
