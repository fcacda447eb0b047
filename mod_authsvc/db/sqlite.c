/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite.h"

#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

/* How many virtual machine steps go between two looks at the clock. */
#define PROGRESS_STEPS 1000

static sqlite_session_t *session_of(const authsvc_db_conn_t *conn)
{
    return conn->session;
}

static authsvc_error_code_t classify(int code, const char *message)
{
    if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
        code == SQLITE_CONSTRAINT_ROWID) {
        return AUTHSVC_E_CONFLICT;
    }
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_READONLY:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:  /* the others recovered the log for too long */
    case SQLITE_INTERRUPT: /* our deadline */
        return AUTHSVC_E_UNAVAILABLE;
    case SQLITE_ERROR:
        /* There is no code for these two. */
        if (strncmp(message, "no such table", 13) == 0 ||
            strncmp(message, "no such column", 14) == 0 ||
            strstr(message, " has no column named ")) {
            return AUTHSVC_E_UNAVAILABLE;
        }
        break;
    default:
        break;
    }
    return AUTHSVC_E_INTERNAL;
}

/* What a handle keeps although the file may have changed: its rights, and what it read of it. */
static int is_doubtful(int code)
{
    switch (code & 0xff) {
    case SQLITE_READONLY:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_PROTOCOL:
        return 1;
    default:
        return 0;
    }
}

static authsvc_error_t *failure(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, const char *name,
                                int code)
{
    const char *message = sqlite3_errmsg(session_of(conn)->handle);

    session_of(conn)->doubtful |= session_of(conn)->path && is_doubtful(code);
    return AUTHSVC_ERROR(ctx->pool, classify(code, message), NULL, NULL,
                         "statement \"%s\": SQLite code %d: %s", name, code,
                         authsvc_db_one_line(ctx->pool, message));
}

static int on_progress(void *baton)
{
    const sqlite_session_t *session = baton;
    return authsvc_clock_monotonic() > session->deadline;
}

/* Everything on the handle between these two ends by the deadline, and sees one time. */
static void start(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, apr_time_t deadline)
{
    sqlite_session_t *session = session_of(conn);

    session->deadline = deadline;
    session->now = authsvc_clock_now(ctx->clock);
    sqlite3_busy_timeout(session->handle, authsvc_db_milliseconds_left(deadline));
    sqlite3_progress_handler(session->handle, PROGRESS_STEPS, on_progress, session);
}

static void stop(authsvc_db_conn_t *conn)
{
    sqlite3_progress_handler(session_of(conn)->handle, 0, NULL, NULL);
    sqlite3_busy_timeout(session_of(conn)->handle, 0);
}

static int map_params(sqlite3_stmt *stmt, int n_params, int index[AUTHSVC_DB_MAX_PARAMS])
{
    int used = 0;

    for (int i = 0; i < n_params; i++) {
        char name[16];

        snprintf(name, sizeof(name), "$%d", i + 1);
        index[i] = sqlite3_bind_parameter_index(stmt, name);
        used += index[i] != 0;
    }
    return used == sqlite3_bind_parameter_count(stmt);
}

/* A text is compiled once per connection: apr_dbd's own statements would be kept for ever too. */
static authsvc_error_t *prepare(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx,
                                const authsvc_statement_t *statement, sqlite_prepared_t **prepared)
{
    sqlite_session_t *session = session_of(conn);
    const char *sql = authsvc_db_statement_sql(statement, conn->driver);
    const authsvc_statement_t **key;
    sqlite3_stmt *stmt;
    int code;

    *prepared = apr_hash_get(session->prepared, &statement, STATEMENT_KEY);
    if (*prepared && (*prepared)->stmt) {
        return NULL;
    }
    if (!sql) {
        return AUTHSVC_INTERNAL(ctx->pool, "statement \"%s\" has no text for SQLite",
                                statement->name);
    }
    code = sqlite3_prepare_v3(session->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    if (code != SQLITE_OK) {
        return failure(conn, ctx, statement->name, code);
    }
    if (!*prepared) {
        key = apr_palloc(conn->pool, STATEMENT_KEY);
        *key = statement;
        *prepared = apr_pcalloc(conn->pool, sizeof(**prepared));
        apr_hash_set(session->prepared, key, STATEMENT_KEY, *prepared);
    }
    if (!map_params(stmt, statement->n_params, (*prepared)->index)) {
        sqlite3_finalize(stmt);
        return AUTHSVC_INTERNAL(ctx->pool, "statement \"%s\" has other parameters than declared",
                                statement->name);
    }
    (*prepared)->stmt = stmt;
    return NULL;
}

static int bind_uuid(sqlite3_stmt *stmt, int index, apr_pool_t *pool, const char *text)
{
    unsigned char octets[AUTHSVC_UUID_OCTETS];

    /* Here a UUID is text, and has only one form in which it is stored and found. */
    if (!authsvc_uuid_parse(text, octets)) {
        return SQLITE_MISMATCH;
    }
    return sqlite3_bind_text(stmt, index, authsvc_uuid_format(pool, octets), AUTHSVC_UUID_TEXT,
                             SQLITE_STATIC);
}

static int bind_value(sqlite3_stmt *stmt, int index, apr_pool_t *pool,
                      const authsvc_db_value_t *value)
{
    if (index == 0) {
        return SQLITE_OK;
    }
    if (value->null) {
        return sqlite3_bind_null(stmt, index);
    }
    switch (value->type) {
    case AUTHSVC_DB_TEXT:
        return sqlite3_bind_text64(stmt, index, value->text, value->size, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case AUTHSVC_DB_UUID:
        return bind_uuid(stmt, index, pool, value->text);
    case AUTHSVC_DB_BYTES:
        return sqlite3_bind_blob64(stmt, index, value->text, value->size, SQLITE_STATIC);
    case AUTHSVC_DB_INT:
    case AUTHSVC_DB_TIME:
        return sqlite3_bind_int64(stmt, index, value->integer);
    case AUTHSVC_DB_BOOL:
        return sqlite3_bind_int(stmt, index, value->integer != 0);
    }
    return SQLITE_MISMATCH;
}

/* @return 0 if the column has another type, or a value that the type does not know */
static int decode(apr_pool_t *pool, sqlite3_stmt *stmt, int column, authsvc_db_value_t *cell)
{
    int type = sqlite3_column_type(stmt, column);
    const void *data;

    if (type == SQLITE_NULL) {
        return 1;
    }
    cell->null = 0;
    switch (cell->type) {
    case AUTHSVC_DB_INT:
    case AUTHSVC_DB_TIME:
    case AUTHSVC_DB_BOOL:
        cell->integer = sqlite3_column_int64(stmt, column);
        return type == SQLITE_INTEGER &&
               (cell->type != AUTHSVC_DB_BOOL || cell->integer == 0 || cell->integer == 1);
    case AUTHSVC_DB_TEXT:
    case AUTHSVC_DB_UUID:
    case AUTHSVC_DB_BYTES:
        if (type != (cell->type == AUTHSVC_DB_BYTES ? SQLITE_BLOB : SQLITE_TEXT)) {
            return 0;
        }
        data = type == SQLITE_BLOB ? sqlite3_column_blob(stmt, column)
                                   : (const void *)sqlite3_column_text(stmt, column);
        cell->size = (apr_size_t)sqlite3_column_bytes(stmt, column);
        cell->text = apr_pstrmemdup(pool, data ? data : "", cell->size);
        return cell->type != AUTHSVC_DB_UUID || cell->size == AUTHSVC_UUID_TEXT;
    }
    return 0;
}

/* Cells of a growing number of rows, then as one result. */
static authsvc_error_t *read_rows(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, sqlite3_stmt *stmt,
                                  const authsvc_statement_t *statement, int *n_rows,
                                  apr_array_header_t *cells)
{
    int code;

    *n_rows = 0;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        for (int column = 0; column < statement->n_columns; column++) {
            authsvc_db_value_t *cell = apr_array_push(cells);

            memset(cell, 0, sizeof(*cell));
            cell->type = statement->columns[column];
            cell->null = 1;
            if (!decode(ctx->pool, stmt, column, cell)) {
                return AUTHSVC_INTERNAL(ctx->pool, "statement \"%s\": column %d has another type",
                                        statement->name, column + 1);
            }
            if (cell->null && !(statement->nullable & 1U << column)) {
                return AUTHSVC_INTERNAL(ctx->pool, "statement \"%s\": column %d is NULL",
                                        statement->name, column + 1);
            }
        }
        (*n_rows)++;
    }
    return code == SQLITE_DONE ? NULL : failure(conn, ctx, statement->name, code);
}

static authsvc_error_t *execute(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, sqlite3_stmt *stmt,
                                const authsvc_statement_t *statement, authsvc_db_result_t **result)
{
    sqlite3 *handle = session_of(conn)->handle;
    sqlite3_int64 before = sqlite3_total_changes64(handle);
    apr_array_header_t *cells;
    authsvc_db_result_t *made;
    int n_rows;

    if (sqlite3_column_count(stmt) != statement->n_columns) {
        return AUTHSVC_INTERNAL(ctx->pool, "statement \"%s\" returns %d columns, not %d",
                                statement->name, sqlite3_column_count(stmt), statement->n_columns);
    }
    cells = apr_array_make(ctx->pool, statement->n_columns ? statement->n_columns : 1,
                           sizeof(authsvc_db_value_t));
    AUTHSVC_TRY(read_rows(conn, ctx, stmt, statement, &n_rows, cells));
    made = apr_pcalloc(ctx->pool, sizeof(*made));
    made->n_rows = n_rows;
    made->n_columns = statement->n_columns;
    made->cells = (const authsvc_db_value_t *)cells->elts;
    if (!sqlite3_stmt_readonly(stmt) && sqlite3_total_changes64(handle) != before) {
        made->affected = sqlite3_changes64(handle);
    }
    *result = made;
    return NULL;
}

/*
 * After a write: without this look, a change of a file that was removed or replaced meanwhile would
 * be called done, and nobody would ever see it.
 */
static authsvc_error_t *check_place(const authsvc_db_conn_t *conn, authsvc_ctx_t *ctx,
                                    const char *name)
{
    authsvc_error_t *err;

    if (!authsvc_sqlite_has_moved(session_of(conn))) {
        return NULL;
    }
    err = AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                        "statement \"%s\": the database's file was moved, replaced or removed",
                        name);
    err->unknown_outcome = 1; /* it is done in the file that may come back */
    return err;
}

static authsvc_error_t *sqlite_run(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx,
                                   const authsvc_statement_t *statement,
                                   const authsvc_db_value_t *params, apr_time_t deadline,
                                   authsvc_db_result_t **result)
{
    sqlite_prepared_t *prepared;
    authsvc_error_t *err;

    start(conn, ctx, deadline);
    err = prepare(conn, ctx, statement, &prepared);
    if (!err) {
        for (int i = 0; i < statement->n_params && !err; i++) {
            int code = bind_value(prepared->stmt, prepared->index[i], ctx->pool, &params[i]);
            if (code != SQLITE_OK) {
                err = failure(conn, ctx, statement->name, code);
            }
        }
        if (!err) {
            err = execute(conn, ctx, prepared->stmt, statement, result);
        }
        if (!err && !sqlite3_stmt_readonly(prepared->stmt) &&
            sqlite3_get_autocommit(session_of(conn)->handle)) {
            err = check_place(conn, ctx, statement->name);
        }
        /* Without this a read would go on holding its snapshot, and the WAL would grow. */
        sqlite3_reset(prepared->stmt);
        sqlite3_clear_bindings(prepared->stmt);
    }
    stop(conn);
    return err;
}

/* Each statement of a text, stepped to its end; rows are dropped. */
static authsvc_error_t *run_text(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, const char *name,
                                 const char *sql)
{
    sqlite3 *handle = session_of(conn)->handle;

    while (*sql) {
        authsvc_error_t *err = NULL;
        sqlite3_stmt *stmt;
        int code = sqlite3_prepare_v2(handle, sql, -1, &stmt, &sql);

        if (code != SQLITE_OK) {
            return failure(conn, ctx, name, code);
        }
        if (!stmt) {
            continue; /* white space or a comment */
        }
        while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
            continue;
        }
        if (code != SQLITE_DONE) {
            err = failure(conn, ctx, name, code);
        }
        sqlite3_finalize(stmt);
        if (err) {
            return err;
        }
    }
    return NULL;
}

static authsvc_error_t *timed_text(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, const char *name,
                                   const char *sql, apr_time_t deadline)
{
    authsvc_error_t *err;

    start(conn, ctx, deadline);
    err = run_text(conn, ctx, name, sql);
    stop(conn);
    return err;
}

static authsvc_error_t *sqlite_script(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, const char *sql,
                                      apr_time_t deadline)
{
    return timed_text(conn, ctx, "script", sql, deadline);
}

static authsvc_error_t *sqlite_begin(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx,
                                     apr_time_t deadline)
{
    /* A deferred one that reads first cannot wait for the write lock: it would fail at once. */
    return timed_text(conn, ctx, "BEGIN", "BEGIN IMMEDIATE", deadline);
}

static authsvc_error_t *sqlite_commit(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx,
                                      apr_time_t deadline)
{
    AUTHSVC_TRY(timed_text(conn, ctx, "COMMIT", "COMMIT", deadline));
    return check_place(conn, ctx, "COMMIT");
}

static void sqlite_settle(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, apr_time_t deadline)
{
    const sqlite_session_t *session = session_of(conn);

    (void)deadline;
    if (session->handle && !sqlite3_get_autocommit(session->handle)) {
        /* Local work, and never left for the next one: so without a deadline. */
        (void)run_text(conn, ctx, "ROLLBACK", "ROLLBACK");
    }
    authsvc_sqlite_drop_unfit(conn);
}

static authsvc_db_state_t sqlite_state(const authsvc_db_conn_t *conn)
{
    const sqlite_session_t *session = session_of(conn);

    return !session->handle || (sqlite3_get_autocommit(session->handle) && !session->doubtful)
               ? AUTHSVC_DB_CLEAN
               : AUTHSVC_DB_BAD;
}

static authsvc_error_t *sqlite_ready(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx,
                                     apr_time_t deadline)
{
    sqlite_session_t *session = session_of(conn);

    sqlite_settle(conn, ctx, deadline);
    if (sqlite_state(conn) == AUTHSVC_DB_BAD) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                             "an open transaction cannot be rolled back: %s",
                             authsvc_db_one_line(ctx->pool, sqlite3_errmsg(session->handle)));
    }
    AUTHSVC_TRY(authsvc_sqlite_open(conn, ctx->pool));
    authsvc_sqlite_guard(session, ctx);
    if (!session->configured) {
        authsvc_error_t *err = timed_text(conn, ctx, "settings",
                                          "PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL",
                                          deadline);

        if (err) {
            authsvc_sqlite_drop_unfit(conn);
            return err;
        }
        session->configured = 1;
    }
    return NULL;
}

/* The journal mode is the file's, set by the migrations; somebody may have changed it since. */
static authsvc_error_t *sqlite_configure(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx,
                                         apr_time_t deadline)
{
    return timed_text(conn, ctx, "settings", "PRAGMA journal_mode=WAL", deadline);
}

static authsvc_error_t *sqlite_attach(authsvc_db_conn_t *conn)
{
    sqlite_session_t *session = apr_pcalloc(conn->pool, sizeof(*session));

    session->prepared = apr_hash_make(conn->pool);
    conn->session = session;
    authsvc_sqlite_adopt(conn, conn->pool);
    return authsvc_sqlite_open(conn, conn->pool);
}

const authsvc_db_driver_t authsvc_db_sqlite = {
    .name = "sqlite3",
    .attach = sqlite_attach,
    .detach = authsvc_sqlite_close,
    .ready = sqlite_ready,
    .configure = sqlite_configure,
    .run = sqlite_run,
    .script = sqlite_script,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .settle = sqlite_settle,
    .state = sqlite_state,
};
