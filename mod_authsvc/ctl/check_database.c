/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "authsvc/core/context.h"
#include "authsvc/db/migrate.h"
#include "check.h"

#define DATABASE_TIME apr_time_from_sec(10)

/* What PostgreSQL gives up by itself, in milliseconds; NULL where this version cannot. */
static const authsvc_statement_t role_settings = {
    .name = "check_role_settings",
    .pgsql = "SELECT (SELECT setting::bigint FROM pg_settings WHERE name = 'statement_timeout'), "
             "(SELECT setting::bigint FROM pg_settings "
             "WHERE name = 'idle_in_transaction_session_timeout'), "
             "(SELECT setting::bigint FROM pg_settings "
             "WHERE name = 'client_connection_check_interval')",
    .reads_only = 1,
    .n_columns = 3,
    .columns = {AUTHSVC_DB_INT, AUTHSVC_DB_INT, AUTHSVC_DB_INT},
    .nullable = 7,
};

static void show_error(ctl_check_t *check, const authsvc_error_t *err)
{
    authsvc_ctl_found(check, CTL_ERROR, "database", "%s",
                      authsvc_error_describe(err, check->ctl->pool));
}

/* @return 1 if there is one that this module can use */
static int check_schema(ctl_check_t *check, authsvc_ctx_t *ctx)
{
    apr_array_header_t *rows;
    authsvc_error_t *err = authsvc_migrate_status(ctx, &rows);
    int newest = 0, missing = 0;

    if (err) {
        show_error(check, err);
        return 0;
    }
    for (int i = 0; i < rows->nelts; i++) {
        const authsvc_migration_status_t *row =
            &APR_ARRAY_IDX(rows, i, authsvc_migration_status_t);

        if (strcmp(row->state, "pending") == 0) {
            missing = missing || row->version <= AUTHSVC_SCHEMA_VERSION;
        } else if (row->version > newest) {
            newest = row->version;
        }
        if (strcmp(row->state, "changed") == 0) {
            authsvc_ctl_found(check, CTL_WARNING, "database",
                              "migration %d is not the one of this version", row->version);
        }
    }
    if (missing) {
        authsvc_ctl_found(check, CTL_ERROR, "database",
                          "the schema is at version %d, and %d is needed; run authsvcctl migrate "
                          "up", newest, AUTHSVC_SCHEMA_VERSION);
        return 0;
    }
    authsvc_ctl_found(check, CTL_FINE, "database", "answers, schema version %d", newest);
    return 1;
}

static void check_setting(ctl_check_t *check, const authsvc_db_value_t *value, const char *name,
                          const char *advice, apr_interval_time_t below)
{
    apr_interval_time_t time = value->integer * 1000;

    if (value->null) {
        return; /* PostgreSQL 13 has no client_connection_check_interval */
    }
    if (time == 0) {
        authsvc_ctl_found(check, CTL_WARNING, "database",
                          "%s is not set: what httpd gives up goes on in PostgreSQL. Run: ALTER "
                          "ROLE .. SET %s = '%s'", name, name, advice);
    } else if (below && time >= below) {
        authsvc_ctl_found(check, CTL_WARNING, "database",
                          "%s is %" APR_INT64_T_FMT "ms, and not below AuthSvcDatabaseTimeout "
                          "(%" APR_INT64_T_FMT "ms)", name, value->integer, below / 1000);
    } else {
        authsvc_ctl_found(check, CTL_FINE, "database", "%s is %" APR_INT64_T_FMT "ms", name,
                          value->integer);
    }
}

/* docs: ALTER ROLE, since options= in the connection's parameters do not get through PgBouncer. */
static void check_role(ctl_check_t *check, authsvc_ctx_t *ctx)
{
    authsvc_db_result_t *result;
    authsvc_error_t *err = authsvc_db_run(ctx, &role_settings, NULL, &result);

    if (err) {
        show_error(check, err);
        return;
    }
    check_setting(check, authsvc_db_cell(result, 0, 0), "statement_timeout", "2900ms",
                  authsvc_ctl_fact(check, "db_timeout"));
    check_setting(check, authsvc_db_cell(result, 0, 1), "idle_in_transaction_session_timeout", "5s",
                  0);
    check_setting(check, authsvc_db_cell(result, 0, 2), "client_connection_check_interval", "1s",
                  0);
}

void authsvc_ctl_check_database(ctl_check_t *check)
{
    authsvc_ctx_t *ctx = apr_pcalloc(check->ctl->pool, sizeof(*ctx));
    authsvc_error_t *err;

    ctx->pool = check->ctl->pool;
    ctx->db_budget = DATABASE_TIME;
    err = authsvc_db_open(ctx->pool, check->server->driver, check->server->params, &ctx->db);
    if (err) {
        show_error(check, err);
    } else if (check_schema(check, ctx) && strcmp(check->server->driver, "pgsql") == 0) {
        check_role(check, ctx);
    }
}
