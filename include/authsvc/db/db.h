/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_DB_DB_H
#define AUTHSVC_DB_DB_H

#include <apr_pools.h>
#include <apr_time.h>

#include "authsvc/core/context.h"
#include "authsvc/core/error.h"
#include "authsvc/core/uuid.h"

/**
 * What repositories see of a database: statements, typed parameters, complete results, and
 * transactions. How a connection is come by (a lease from mod_dbd, one of authsvcctl's own) is
 * the provider's business (db/provider.h).
 */
typedef struct authsvc_db_t authsvc_db_t;
typedef struct authsvc_db_conn_t authsvc_db_conn_t;

typedef enum {
    AUTHSVC_DB_TEXT,  /* UTF-8; the engine infers the column's type (enum, varchar) */
    AUTHSVC_DB_INT,   /* 64-bit */
    AUTHSVC_DB_BOOL,
    AUTHSVC_DB_UUID,  /* 36-character text; SQLite stores it as such */
    AUTHSVC_DB_BYTES,
    AUTHSVC_DB_TIME   /* apr_time_t; timestamptz, on SQLite an INTEGER of microseconds */
} authsvc_db_type_t;

/** A parameter or a cell. */
typedef struct {
    authsvc_db_type_t type;
    int null;
    const char *text;    /* TEXT and UUID, NUL-terminated; BYTES */
    apr_size_t size;     /* octets of text */
    apr_int64_t integer; /* INT, BOOL, TIME */
} authsvc_db_value_t;

authsvc_db_value_t authsvc_db_text(const char *text); /* NULL is SQL NULL, here and below */
authsvc_db_value_t authsvc_db_uuid(const char *uuid);
authsvc_db_value_t authsvc_db_int(apr_int64_t integer);
authsvc_db_value_t authsvc_db_bool(int flag);
authsvc_db_value_t authsvc_db_bytes(const void *data, apr_size_t size);
authsvc_db_value_t authsvc_db_time(apr_time_t time);
/** Seconds for authsvc_now(seconds), from a duration in microseconds. */
authsvc_db_value_t authsvc_db_seconds(apr_interval_time_t duration);

#define AUTHSVC_DB_MAX_PARAMS 16
#define AUTHSVC_DB_MAX_COLUMNS 24

/**
 * One statement, static const beside the function that maps its rows. Parameters are $1, $2 ...
 * Time in SQL is authsvc_now(), or authsvc_now(n): n seconds (may be negative, an integer) from
 * it. Both engines give a column's value in the types named here, whatever their own.
 */
typedef struct authsvc_statement_t authsvc_statement_t;
struct authsvc_statement_t {
    const char *name;   /* unique: "users_find_by_email" */
    const char *sql;    /* for both engines, or NULL */
    const char *pgsql;  /* where they differ */
    const char *sqlite;
    int reads_only; /* may be sent again after its answer was lost */
    int n_params;
    authsvc_db_type_t params[AUTHSVC_DB_MAX_PARAMS];
    int n_columns; /* of each row it returns; 0: none */
    authsvc_db_type_t columns[AUTHSVC_DB_MAX_COLUMNS];
    unsigned nullable; /* bit n: column n may be NULL; any other NULL is INTERNAL */
    /**
     * What follows on SQLite, where a statement changes one table only: in the same transaction,
     * with the same parameters; its result is dropped. NULL: nothing.
     */
    const authsvc_statement_t *sqlite_then;
};

/** A complete result in the caller's pool; it outlives the connection. */
typedef struct {
    int n_rows;
    int n_columns;
    const authsvc_db_value_t *cells; /* row by row */
    apr_int64_t affected;            /* rows inserted, updated or deleted */
} authsvc_db_result_t;

/** The cell of a row and column, both from 0. The column's declared type holds. */
const authsvc_db_value_t *authsvc_db_cell(const authsvc_db_result_t *result, int row, int column);

/**
 * Run one statement: in the open transaction if ctx->txn is set, else on a lease of its own.
 * Subtracts the time it took from ctx->db_budget; never takes longer than what is left of it.
 * Retries once on another (or healed) connection if the first was dead before the statement was
 * sent, or if it only reads; never inside a transaction.
 * @param params as many as the statement has, of its types
 * @param result in ctx->pool
 * @return UNAVAILABLE (no connection, deadline, connection lost, schema too old, locked, disk
 *   full, table or column missing: SQLSTATE classes 08, 25006, 40, 42P01, 42703, 53, 55, 57;
 *   SQLITE_BUSY, LOCKED, FULL, READONLY, IOERR, CANTOPEN, CORRUPT, NOTADB); CONFLICT for a
 *   violated unique constraint (23505); INTERNAL for anything else, a NULL or a type in the
 *   result that the statement does not declare included. Engine text goes to internal only.
 */
authsvc_error_t *authsvc_db_run(authsvc_ctx_t *ctx, const authsvc_statement_t *statement,
                                const authsvc_db_value_t *params, authsvc_db_result_t **result);

/**
 * Run fn inside one transaction (BEGIN IMMEDIATE on SQLite, READ COMMITTED on PostgreSQL) on one
 * lease. Any error of fn or of a statement in it rolls back. A COMMIT whose answer is lost is
 * UNAVAILABLE: its outcome is unknown.
 */
authsvc_error_t *authsvc_db_transaction(authsvc_ctx_t *ctx,
                                        authsvc_error_t *(*fn)(authsvc_ctx_t *ctx, void *baton),
                                        void *baton);

/**
 * The uuid that the first migration gave this database. Known after the first connection; asks
 * for one if there was none yet.
 */
authsvc_error_t *authsvc_db_identity(authsvc_ctx_t *ctx,
                                     unsigned char database_id[AUTHSVC_UUID_OCTETS]);

#endif
