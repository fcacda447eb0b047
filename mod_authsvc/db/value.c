/* SPDX-License-Identifier: Apache-2.0 */
#include "conn.h"

#include <apr_strings.h>
#include <string.h>

static authsvc_db_value_t octets(authsvc_db_type_t type, const char *text, apr_size_t size)
{
    authsvc_db_value_t value = {.type = type, .null = !text, .text = text, .size = size};
    return value;
}

static authsvc_db_value_t number(authsvc_db_type_t type, apr_int64_t integer)
{
    authsvc_db_value_t value = {.type = type, .integer = integer};
    return value;
}

authsvc_db_value_t authsvc_db_text(const char *text)
{
    return octets(AUTHSVC_DB_TEXT, text, text ? strlen(text) : 0);
}

authsvc_db_value_t authsvc_db_uuid(const char *uuid)
{
    return octets(AUTHSVC_DB_UUID, uuid, uuid ? strlen(uuid) : 0);
}

authsvc_db_value_t authsvc_db_bytes(const void *data, apr_size_t size)
{
    return octets(AUTHSVC_DB_BYTES, data, data ? size : 0);
}

authsvc_db_value_t authsvc_db_int(apr_int64_t integer)
{
    return number(AUTHSVC_DB_INT, integer);
}

authsvc_db_value_t authsvc_db_bool(int flag)
{
    return number(AUTHSVC_DB_BOOL, flag != 0);
}

authsvc_db_value_t authsvc_db_time(apr_time_t time)
{
    return number(AUTHSVC_DB_TIME, time);
}

authsvc_db_value_t authsvc_db_seconds(apr_interval_time_t duration)
{
    return number(AUTHSVC_DB_INT, duration / APR_USEC_PER_SEC);
}

const authsvc_db_value_t *authsvc_db_cell(const authsvc_db_result_t *result, int row, int column)
{
    return &result->cells[(apr_size_t)row * (apr_size_t)result->n_columns + (apr_size_t)column];
}

authsvc_db_result_t *authsvc_db_result_make(apr_pool_t *pool, const authsvc_statement_t *statement,
                                            int n_rows, authsvc_db_value_t **cells)
{
    authsvc_db_result_t *result = apr_pcalloc(pool, sizeof(*result));
    apr_size_t count = (apr_size_t)n_rows * (apr_size_t)statement->n_columns;

    *cells = apr_pcalloc(pool, (count ? count : 1) * sizeof(**cells));
    for (apr_size_t i = 0; i < count; i++) {
        (*cells)[i].type = statement->columns[i % (apr_size_t)statement->n_columns];
        (*cells)[i].null = 1;
    }
    result->n_rows = n_rows;
    result->n_columns = statement->n_columns;
    result->cells = *cells;
    return result;
}

const char *authsvc_db_statement_sql(const authsvc_statement_t *statement,
                                     const authsvc_db_driver_t *driver)
{
    const char *own = driver == &authsvc_db_pgsql ? statement->pgsql : statement->sqlite;
    return own ? own : statement->sql;
}

authsvc_error_t *authsvc_db_check_params(apr_pool_t *pool, const authsvc_statement_t *statement,
                                         const authsvc_db_value_t *params)
{
    if (statement->n_params < 0 || statement->n_params > AUTHSVC_DB_MAX_PARAMS ||
        statement->n_columns < 0 || statement->n_columns > AUTHSVC_DB_MAX_COLUMNS ||
        (statement->n_params > 0 && !params)) {
        return AUTHSVC_INTERNAL(pool, "statement \"%s\" is declared wrongly", statement->name);
    }
    for (int i = 0; i < statement->n_params; i++) {
        unsigned char uuid[AUTHSVC_UUID_OCTETS];
        if (params[i].type != statement->params[i]) {
            return AUTHSVC_INTERNAL(pool, "statement \"%s\": parameter $%d has another type",
                                    statement->name, i + 1);
        }
        if (params[i].type == AUTHSVC_DB_UUID && !params[i].null &&
            !authsvc_uuid_parse(params[i].text, uuid)) {
            return AUTHSVC_INTERNAL(pool, "statement \"%s\": parameter $%d is no UUID",
                                    statement->name, i + 1);
        }
    }
    return NULL;
}

int authsvc_db_milliseconds_left(apr_time_t deadline)
{
    apr_time_t left = deadline - authsvc_clock_monotonic();
    if (left <= 0) {
        return 0;
    }
    left = (left + 999) / 1000;
    return left > 86400000 ? 86400000 : (int)left;
}

const char *authsvc_db_one_line(apr_pool_t *pool, const char *text)
{
    char *line = apr_pstrdup(pool, text ? text : "");
    apr_size_t len = strlen(line);

    while (len && (unsigned char)line[len - 1] <= ' ') {
        line[--len] = '\0';
    }
    for (char *at = line; *at; at++) {
        if ((unsigned char)*at < ' ') {
            *at = ' ';
        }
    }
    return line;
}
