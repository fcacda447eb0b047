/* SPDX-License-Identifier: Apache-2.0 */
#include "pgsql.h"

#include <apr_strings.h>
#include <string.h>

static apr_int64_t big_endian(const char *data, int size)
{
    apr_uint64_t number = (unsigned char)data[0] & 0x80 ? ~(apr_uint64_t)0 : 0;

    for (int i = 0; i < size; i++) {
        number = number << 8 | (unsigned char)data[i];
    }
    return (apr_int64_t)number;
}

static int is_text(Oid oid)
{
    /* An enum is a type of the user's, and its binary form is its label. */
    return oid == PG_TEXT || oid == PG_VARCHAR || oid == PG_BPCHAR || oid == PG_NAME ||
           oid >= PG_FIRST_USER_TYPE;
}

static int type_fits(authsvc_db_type_t type, Oid oid)
{
    switch (type) {
    case AUTHSVC_DB_TEXT:
        return is_text(oid);
    case AUTHSVC_DB_INT:
        return oid == PG_INT8 || oid == PG_INT4 || oid == PG_INT2;
    case AUTHSVC_DB_BOOL:
        return oid == PG_BOOL;
    case AUTHSVC_DB_UUID:
        return oid == PG_UUID;
    case AUTHSVC_DB_BYTES:
        return oid == PG_BYTEA;
    case AUTHSVC_DB_TIME:
        return oid == PG_TIMESTAMPTZ;
    }
    return 0;
}

static int decode_number(const char *data, int size, authsvc_db_value_t *cell)
{
    apr_int64_t number;

    if (size != 1 && size != 2 && size != 4 && size != 8) {
        return 0;
    }
    number = big_endian(data, size);
    if (cell->type == AUTHSVC_DB_TIME) {
        /* 'infinity' and '-infinity' are the ends of the range, and no time of ours. */
        if (size != 8 || number == APR_INT64_MIN || number > APR_INT64_MAX - PG_EPOCH) {
            return 0;
        }
        number += PG_EPOCH;
    }
    cell->integer = number;
    return 1;
}

static int decode(apr_pool_t *pool, const char *data, int size, authsvc_db_value_t *cell)
{
    switch (cell->type) {
    case AUTHSVC_DB_TEXT:
    case AUTHSVC_DB_BYTES:
        cell->text = apr_pstrmemdup(pool, data, (apr_size_t)size);
        cell->size = (apr_size_t)size;
        return 1;
    case AUTHSVC_DB_UUID:
        if (size != AUTHSVC_UUID_OCTETS) {
            return 0;
        }
        cell->text = authsvc_uuid_format(pool, (const unsigned char *)data);
        cell->size = AUTHSVC_UUID_TEXT;
        return 1;
    case AUTHSVC_DB_INT:
    case AUTHSVC_DB_BOOL:
    case AUTHSVC_DB_TIME:
        return decode_number(data, size, cell);
    }
    return 0;
}

static apr_int64_t affected(PGresult *pg_result)
{
    /* PQcmdTuples counts a SELECT's rows too. */
    const char *tag = PQcmdStatus(pg_result);

    if (strncmp(tag, "INSERT", 6) != 0 && strncmp(tag, "UPDATE", 6) != 0 &&
        strncmp(tag, "DELETE", 6) != 0 && strncmp(tag, "MERGE", 5) != 0) {
        return 0;
    }
    tag = strrchr(tag, ' ');
    return tag ? apr_atoi64(tag + 1) : 0;
}

authsvc_error_t *authsvc_pgsql_result(apr_pool_t *pool, const authsvc_statement_t *statement,
                                      PGresult *pg_result, authsvc_db_result_t **result)
{
    int n_rows = PQntuples(pg_result);
    authsvc_db_value_t *cells;

    if (PQnfields(pg_result) != statement->n_columns) {
        return AUTHSVC_INTERNAL(pool, "statement \"%s\" returns %d columns, not %d",
                                statement->name, PQnfields(pg_result), statement->n_columns);
    }
    for (int column = 0; column < statement->n_columns; column++) {
        if (!type_fits(statement->columns[column], PQftype(pg_result, column)) ||
            PQfformat(pg_result, column) != 1) {
            return AUTHSVC_INTERNAL(pool, "statement \"%s\": column %d has the type with oid %u",
                                    statement->name, column + 1, PQftype(pg_result, column));
        }
    }
    *result = authsvc_db_result_make(pool, statement, n_rows, &cells);
    (*result)->affected = affected(pg_result);
    for (int row = 0; row < n_rows; row++) {
        for (int column = 0; column < statement->n_columns; column++, cells++) {
            if (PQgetisnull(pg_result, row, column)) {
                if (statement->nullable & 1U << column) {
                    continue;
                }
                *result = NULL;
                return AUTHSVC_INTERNAL(pool, "statement \"%s\": column %d is NULL",
                                        statement->name, column + 1);
            }
            cells->null = 0;
            if (!decode(pool, PQgetvalue(pg_result, row, column),
                        PQgetlength(pg_result, row, column), cells)) {
                *result = NULL;
                return AUTHSVC_INTERNAL(pool, "statement \"%s\": column %d is out of range",
                                        statement->name, column + 1);
            }
        }
    }
    return NULL;
}

static authsvc_error_code_t classify(const char *sqlstate)
{
    static const char *const unavailable[] = {"08", "40", "53", "55", "57", NULL};

    if (strcmp(sqlstate, "23505") == 0) {
        return AUTHSVC_E_CONFLICT;
    }
    if (strcmp(sqlstate, "25006") == 0 || strcmp(sqlstate, "42P01") == 0 ||
        strcmp(sqlstate, "42703") == 0) {
        return AUTHSVC_E_UNAVAILABLE;
    }
    for (int i = 0; unavailable[i]; i++) {
        if (strncmp(sqlstate, unavailable[i], 2) == 0) {
            return AUTHSVC_E_UNAVAILABLE;
        }
    }
    return AUTHSVC_E_INTERNAL;
}

int authsvc_pgsql_has_sqlstate(const PGresult *pg_result, const char *sqlstate)
{
    const char *own = PQresultErrorField(pg_result, PG_DIAG_SQLSTATE);
    return own && strcmp(own, sqlstate) == 0;
}

/*
 * The primary message only: DETAIL quotes the row ("Key (email)=(...) already exists"), and class
 * 22 quotes the value even in the primary message.
 */
authsvc_error_t *authsvc_pgsql_error(apr_pool_t *pool, const char *name, const PGresult *pg_result)
{
    const char *sqlstate = PQresultErrorField(pg_result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(pg_result, PG_DIAG_MESSAGE_PRIMARY);

    if (!sqlstate) {
        return AUTHSVC_INTERNAL(pool, "statement \"%s\" was answered with %s", name,
                                PQresStatus(PQresultStatus(pg_result)));
    }
    if (!message || strncmp(sqlstate, "22", 2) == 0) {
        message = "data exception";
    }
    return AUTHSVC_ERROR(pool, classify(sqlstate), NULL, NULL, "statement \"%s\": SQLSTATE %s: %s",
                         name, sqlstate, authsvc_db_one_line(pool, message));
}

const char *authsvc_pgsql_message(apr_pool_t *pool, const PGconn *pg)
{
    return authsvc_db_one_line(pool, PQerrorMessage(pg));
}
