/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite.h"

/* The database, its log, and the log's index. */
static const char *const file_ends[] = {"", "-wal", "-shm"};
#define N_FILES (sizeof(file_ends) / sizeof(file_ends[0]))

static void sql_now(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    const sqlite_session_t *session = sqlite3_user_data(context);
    sqlite3_int64 seconds = 0;
    sqlite3_int64 time;

    if (argc == 1) {
        if (sqlite3_value_type(argv[0]) == SQLITE_NULL) {
            sqlite3_result_null(context);
            return;
        }
        if (sqlite3_value_type(argv[0]) != SQLITE_INTEGER) {
            sqlite3_result_error(context, "authsvc_now(seconds): an integer is needed", -1);
            return;
        }
        seconds = sqlite3_value_int64(argv[0]);
    }
    if (__builtin_mul_overflow(seconds, (sqlite3_int64)APR_USEC_PER_SEC, &time) ||
        __builtin_add_overflow(time, (sqlite3_int64)session->now, &time)) {
        sqlite3_result_error(context, "authsvc_now(seconds): out of range", -1);
        return;
    }
    sqlite3_result_int64(context, time);
}

/* session NULL: take the functions away. */
static int set_functions(sqlite3 *handle, sqlite_session_t *session)
{
    int flags = SQLITE_UTF8 | (session ? SQLITE_DIRECTONLY : 0);
    int code = SQLITE_OK;

    for (int n_args = 0; n_args <= 1 && code == SQLITE_OK; n_args++) {
        code = sqlite3_create_function_v2(handle, "authsvc_now", n_args, flags, session,
                                          session ? sql_now : NULL, NULL, NULL, NULL);
    }
    return code;
}

void authsvc_sqlite_adopt(authsvc_db_conn_t *conn, apr_pool_t *pool)
{
    sqlite_session_t *session = conn->session;
    const char *name = sqlite3_db_filename(conn->native, "main");

    if (name && *name && !sqlite3_uri_key(name, 0)) {
        session->path = apr_pstrdup(pool, name);
    }
}

int authsvc_sqlite_has_moved(const sqlite_session_t *session)
{
    int moved = 0;

    return session->path &&
           sqlite3_file_control(session->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved) ==
               SQLITE_OK &&
           moved;
}

/*
 * SQLite opens read-only what it may not write, and the handles of a process share the log's index:
 * as long as one of them lives, no other one would write again. So none is opened.
 */
static int may_write(const sqlite_session_t *session, apr_pool_t *pool)
{
    for (size_t i = 0; session->path && i < N_FILES; i++) {
        const char *name = apr_pstrcat(pool, session->path, file_ends[i], NULL);

        if (faccessat(AT_FDCWD, name, W_OK, AT_EACCESS) != 0 && errno != ENOENT) {
            return 0;
        }
    }
    return 1;
}

static int open_handle(authsvc_db_conn_t *conn)
{
    sqlite_session_t *session = conn->session;
    int code = SQLITE_OK;

    if (session->path) {
        /* Without SQLITE_OPEN_CREATE: an empty database in place of a missing one helps nobody. */
        code = sqlite3_open_v2(session->path, &session->handle, SQLITE_OPEN_READWRITE, NULL);
    } else {
        session->handle = conn->native;
    }
    if (code == SQLITE_OK) {
        sqlite3_extended_result_codes(session->handle, 1);
        code = set_functions(session->handle, session);
    }
    return code;
}

authsvc_error_t *authsvc_sqlite_open(authsvc_db_conn_t *conn, apr_pool_t *pool)
{
    sqlite_session_t *session = conn->session;
    int code;

    if (session->handle && authsvc_sqlite_has_moved(session)) {
        authsvc_sqlite_close(conn);
        session->guarded = 0;
    }
    if (session->handle) {
        return NULL;
    }
    if (!may_write(session, pool)) {
        return AUTHSVC_ERROR(pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                             "the database %s, its -wal or its -shm may not be written by this "
                             "user", session->path);
    }
    session->configured = 0;
    session->doubtful = 0;
    conn->checked = 0;
    code = open_handle(conn);
    if (code != SQLITE_OK) {
        authsvc_sqlite_close(conn);
        return AUTHSVC_ERROR(pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                             "the database %s cannot be opened: SQLite code %d: %s",
                             session->path ? session->path : "in memory", code,
                             sqlite3_errstr(code));
    }
    return NULL;
}

void authsvc_sqlite_close(authsvc_db_conn_t *conn)
{
    sqlite_session_t *session = conn->session;

    for (apr_hash_index_t *at = apr_hash_first(NULL, session->prepared); at;
         at = apr_hash_next(at)) {
        sqlite_prepared_t *prepared = apr_hash_this_val(at);

        sqlite3_finalize(prepared->stmt);
        prepared->stmt = NULL;
    }
    if (session->path) {
        sqlite3_close_v2(session->handle);
    } else if (session->handle) {
        sqlite3_progress_handler(session->handle, 0, NULL, NULL);
        sqlite3_busy_timeout(session->handle, 0);
        (void)set_functions(session->handle, NULL);
    }
    session->handle = NULL;
}

void authsvc_sqlite_drop_unfit(authsvc_db_conn_t *conn)
{
    const sqlite_session_t *session = conn->session;

    /* Read-only (the rights changed after the look at them): it would stay so. */
    if (session->path && session->handle &&
        (session->doubtful || !sqlite3_get_autocommit(session->handle) ||
         sqlite3_db_readonly(session->handle, "main") != 0)) {
        authsvc_sqlite_close(conn);
    }
}

/* @return 0 if others may use the file, and it is not ours to change that */
static int take_from_others(const char *path)
{
    struct stat status;

    if (lstat(path, &status) != 0 || !S_ISREG(status.st_mode) || !(status.st_mode & S_IRWXO)) {
        return 1;
    }
    /*
     * By name: SQLite loses its locks when a descriptor of the file is closed here. Not as root,
     * who does not own the directory, and could be led to any file by its owner.
     */
    return geteuid() != 0 && status.st_uid == geteuid() &&
           chmod(path, status.st_mode & 07770) == 0;
}

/*
 * Whoever made the file, be it SQLite or apr_dbd with the process's umask: password hashes are in
 * it. The log and its index get the mode of the database when they are made.
 */
void authsvc_sqlite_guard(sqlite_session_t *session, authsvc_ctx_t *ctx)
{
    for (size_t i = 0; session->path && !session->guarded && i < N_FILES; i++) {
        const char *name = apr_pstrcat(ctx->pool, session->path, file_ends[i], NULL);

        if (!take_from_others(name)) {
            authsvc_log(ctx->log, AUTHSVC_LOG_WARNING, "AS0105",
                        "the database holds password hashes, and every user of this machine may "
                        "use its files: run \"chmod o= %s*\"", session->path);
            break;
        }
    }
    session->guarded = 1;
}
