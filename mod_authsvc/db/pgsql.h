/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_DB_PGSQL_H
#define AUTHSVC_DB_PGSQL_H

#include <apr_hash.h>
#include <libpq-fe.h>

#include "conn.h"

/* Types of pg_type.h, fixed for ever; its header is the server's. */
enum {
    PG_BOOL = 16,
    PG_BYTEA = 17,
    PG_NAME = 19,
    PG_INT8 = 20,
    PG_INT2 = 21,
    PG_INT4 = 23,
    PG_TEXT = 25,
    PG_BPCHAR = 1042,
    PG_VARCHAR = 1043,
    PG_TIMESTAMPTZ = 1184,
    PG_UUID = 2950,
    PG_FIRST_USER_TYPE = 16384
};

#define PG_SQLSTATE_NO_STATEMENT "26000"
#define PG_SQLSTATE_PLAN_CHANGED "0A000"

/* The driver's part of a connection record. */
typedef struct {
    PGconn *pg;
    int bad;             /* given up: shut down, to be reset before it is used */
    int dying;           /* the server said a last word (FATAL) on an idle connection */
    unsigned generation; /* of prepared statements: those of an older one are gone */
    apr_hash_t *prepared;
} pgsql_session_t;

/* Microseconds from 1970 to PostgreSQL's own epoch, 2000-01-01. */
#define PG_EPOCH APR_INT64_C(946684800000000)

/* Rows in ctx->pool from a PGRES_TUPLES_OK or PGRES_COMMAND_OK, binary. */
authsvc_error_t *authsvc_pgsql_result(apr_pool_t *pool, const authsvc_statement_t *statement,
                                      PGresult *pg_result, authsvc_db_result_t **result);

/* The error of a result that is one. */
authsvc_error_t *authsvc_pgsql_error(apr_pool_t *pool, const char *name, const PGresult *pg_result);

/* 1 if the result is an error with this SQLSTATE. */
int authsvc_pgsql_has_sqlstate(const PGresult *pg_result, const char *sqlstate);

/* What libpq says of the connection, on one line. */
const char *authsvc_pgsql_message(apr_pool_t *pool, const PGconn *pg);

#endif
