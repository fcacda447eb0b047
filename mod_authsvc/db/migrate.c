/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/db/migrate.h"

#include <apr_strings.h>
#include <string.h>

#include "authsvc/core/units.h"
#include "conn.h"
#include "migrations.h"

/*
 * Held until the transaction ends, across the look at what is applied and the change. The number
 * means nothing. The time-outs that the role has for requests are not meant for migrations.
 */
#define PGSQL_LOCK                                         \
    "SET LOCAL statement_timeout = 0;"                     \
    " SET LOCAL idle_in_transaction_session_timeout = 0;"  \
    " SELECT pg_advisory_xact_lock(7021787460110327401)"

typedef void report_fn(void *baton, const char *line);

/* One run of up or down. */
typedef struct {
    authsvc_db_conn_t *conn;
    const authsvc_migration_t *migrations;
    int to;
    const char *runtime_role;
    const authsvc_migration_t *done; /* by the last step; NULL: there was nothing to do */
    int n_done;
} run_t;

/* A row of authsvc_schema. */
typedef struct {
    int version;
    const char *name;
    const char *checksum;
    apr_time_t applied_at;
} applied_t;

/*
 * By a query of the catalog, not by to_regclass: that would answer from what the connection saw
 * before it waited for another's migration.
 */
static const authsvc_statement_t schema_exists = {
    .name = "migrate_schema_exists",
    .pgsql = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class c"
             " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
             " WHERE c.relname = 'authsvc_schema' AND n.nspname = ANY (current_schemas(false)))",
    .sqlite = "SELECT EXISTS (SELECT 1 FROM sqlite_master"
              " WHERE type = 'table' AND name = 'authsvc_schema')",
    .reads_only = 1,
    .n_columns = 1,
    .columns = {AUTHSVC_DB_BOOL},
};

static const authsvc_statement_t select_applied = {
    .name = "migrate_select_applied",
    .sql = "SELECT version, name, checksum, applied_at FROM authsvc_schema ORDER BY version",
    .reads_only = 1,
    .n_columns = 4,
    .columns = {AUTHSVC_DB_INT, AUTHSVC_DB_TEXT, AUTHSVC_DB_TEXT, AUTHSVC_DB_TIME},
};

static const authsvc_statement_t insert_applied = {
    .name = "migrate_insert_applied",
    .sql = "INSERT INTO authsvc_schema (version, name, checksum, min_module, applied_at)"
           " VALUES ($1, $2, $3, $4, authsvc_now())",
    .n_params = 4,
    .params = {AUTHSVC_DB_INT, AUTHSVC_DB_TEXT, AUTHSVC_DB_TEXT, AUTHSVC_DB_INT},
};

static const authsvc_statement_t delete_applied = {
    .name = "migrate_delete_applied",
    .sql = "DELETE FROM authsvc_schema WHERE version = $1",
    .n_params = 1,
    .params = {AUTHSVC_DB_INT},
};

static const authsvc_statement_t select_role = {
    .name = "migrate_select_role",
    .pgsql = "SELECT quote_ident(r.rolname), quote_ident(current_schema()),"
             " has_schema_privilege(r.oid, current_schema(), 'USAGE')"
             " FROM pg_catalog.pg_roles r WHERE r.rolname = $1",
    .reads_only = 1,
    .n_params = 1,
    .params = {AUTHSVC_DB_TEXT},
    .n_columns = 3,
    .columns = {AUTHSVC_DB_TEXT, AUTHSVC_DB_TEXT, AUTHSVC_DB_BOOL},
};

static int is_pgsql(const authsvc_db_conn_t *conn)
{
    return conn->driver == &authsvc_db_pgsql;
}

static authsvc_error_t *run_script(authsvc_ctx_t *ctx, authsvc_db_conn_t *conn, const char *sql)
{
    apr_time_t started = authsvc_clock_monotonic();
    authsvc_error_t *err = authsvc_db_script(conn, ctx, sql, authsvc_db_deadline(ctx));

    authsvc_db_spend(ctx, started);
    return err;
}

/* On the given connection, whether in a transaction or not. */
static authsvc_error_t *run(authsvc_ctx_t *ctx, authsvc_db_conn_t *conn,
                            const authsvc_statement_t *statement, const authsvc_db_value_t *params,
                            authsvc_db_result_t **result)
{
    apr_time_t started = authsvc_clock_monotonic();
    authsvc_error_t *err =
        authsvc_db_conn_run(conn, ctx, statement, params, authsvc_db_deadline(ctx), result);

    authsvc_db_spend(ctx, started);
    return err;
}

static int newest(const authsvc_migration_t *migrations)
{
    int n = 0;

    while (migrations[n].version) {
        n++;
    }
    return n;
}

static const applied_t *find_applied(const apr_array_header_t *applied, int version)
{
    for (int i = 0; i < applied->nelts; i++) {
        const applied_t *row = &APR_ARRAY_IDX(applied, i, applied_t);
        if (row->version == version) {
            return row;
        }
    }
    return NULL;
}

static authsvc_error_t *read_applied(authsvc_ctx_t *ctx, authsvc_db_conn_t *conn,
                                     apr_array_header_t **applied)
{
    authsvc_db_result_t *result;

    *applied = apr_array_make(ctx->pool, 8, sizeof(applied_t));
    AUTHSVC_TRY(run(ctx, conn, &schema_exists, NULL, &result));
    if (result->n_rows != 1 || !authsvc_db_cell(result, 0, 0)->integer) {
        return NULL;
    }
    AUTHSVC_TRY(run(ctx, conn, &select_applied, NULL, &result));
    for (int i = 0; i < result->n_rows; i++) {
        applied_t *row = apr_array_push(*applied);

        row->version = (int)authsvc_db_cell(result, i, 0)->integer;
        row->name = authsvc_db_cell(result, i, 1)->text;
        row->checksum = authsvc_db_cell(result, i, 2)->text;
        row->applied_at = authsvc_db_cell(result, i, 3)->integer;
    }
    return NULL;
}

static authsvc_error_t *refuse_changed(authsvc_ctx_t *ctx, const run_t *state,
                                       const apr_array_header_t *applied)
{
    for (const authsvc_migration_t *migration = state->migrations; migration->version;
         migration++) {
        const applied_t *row = find_applied(applied, migration->version);

        if (row && strcmp(row->checksum, migration->checksum) != 0) {
            return AUTHSVC_ERROR(
                ctx->pool, AUTHSVC_E_CONFLICT, NULL,
                apr_psprintf(ctx->pool,
                             "Migration %04d_%s is not the one that was applied to this database: "
                             "its checksum differs.",
                             migration->version, migration->name),
                "checksum of migration %d: applied %s, embedded %s", migration->version,
                row->checksum, migration->checksum);
        }
    }
    return NULL;
}

/*
 * The next comment line "-- KEY: VALUE" of a migration, from *at on.
 * @return its value in pool, NULL if there is none; *at is moved behind it
 */
static const char *header_line(apr_pool_t *pool, const char **at, const char *key)
{
    const char *start = apr_pstrcat(pool, "-- ", key, ": ", NULL);
    apr_size_t len = strlen(start);

    while (**at) {
        const char *line = *at;
        const char *end = strchr(line, '\n');

        if (!end) {
            end = line + strlen(line);
        }
        *at = *end ? end + 1 : end;
        if (strncmp(line, start, len) == 0) {
            return apr_pstrmemdup(pool, line + len, (apr_size_t)(end - line) - len);
        }
    }
    return NULL;
}

static authsvc_error_t *read_min_module(authsvc_ctx_t *ctx, const authsvc_migration_t *migration,
                                        long *min_module)
{
    const char *at = migration->up;
    const char *text = header_line(ctx->pool, &at, "min_module");

    if (!text || !authsvc_integer_parse(text, 1, 1000000, min_module)) {
        return AUTHSVC_INTERNAL(ctx->pool, "migration %04d_%s has no min_module",
                                migration->version, migration->name);
    }
    return NULL;
}

static authsvc_error_t *grant_migration(authsvc_ctx_t *ctx, authsvc_db_conn_t *conn,
                                        const authsvc_migration_t *migration, const char *role)
{
    const char *at = migration->up;
    const char *what;

    while ((what = header_line(ctx->pool, &at, "grant"))) {
        AUTHSVC_TRY(run_script(ctx, conn,
                               apr_pstrcat(ctx->pool, "GRANT ", what, " TO ", role, NULL)));
    }
    return NULL;
}

/* What is applied, or was a moment ago, to the role that httpd connects as. */
static authsvc_error_t *grant(authsvc_ctx_t *ctx, const run_t *state,
                              const apr_array_header_t *applied)
{
    const authsvc_db_value_t params[] = {authsvc_db_text(state->runtime_role)};
    authsvc_db_result_t *result;
    const char *role;

    AUTHSVC_TRY(run(ctx, state->conn, &select_role, params, &result));
    if (result->n_rows != 1) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_INVALID, NULL,
                             apr_psprintf(ctx->pool, "The database has no role \"%s\".",
                                          state->runtime_role),
                             "no such role");
    }
    role = authsvc_db_cell(result, 0, 0)->text;
    if (!authsvc_db_cell(result, 0, 2)->integer) {
        AUTHSVC_TRY(run_script(ctx, state->conn,
                               apr_pstrcat(ctx->pool, "GRANT USAGE ON SCHEMA ",
                                           authsvc_db_cell(result, 0, 1)->text, " TO ", role,
                                           NULL)));
    }
    for (const authsvc_migration_t *migration = state->migrations; migration->version;
         migration++) {
        if (migration == state->done || find_applied(applied, migration->version)) {
            AUTHSVC_TRY(grant_migration(ctx, state->conn, migration, role));
        }
    }
    return NULL;
}

static authsvc_error_t *in_migration(authsvc_ctx_t *ctx, const authsvc_migration_t *migration,
                                     const char *direction, authsvc_error_t *cause)
{
    if (!cause) {
        return NULL;
    }
    return authsvc_error_cause(AUTHSVC_ERROR(ctx->pool, cause->code, NULL, NULL,
                                             "migration %04d_%s, %s", migration->version,
                                             migration->name, direction),
                               cause);
}

/* Lock, and read what is applied under the lock. */
static authsvc_error_t *look(authsvc_ctx_t *ctx, run_t *state, apr_array_header_t **applied)
{
    state->done = NULL;
    if (is_pgsql(state->conn)) {
        AUTHSVC_TRY(run_script(ctx, state->conn, PGSQL_LOCK));
    }
    AUTHSVC_TRY(read_applied(ctx, state->conn, applied));
    return refuse_changed(ctx, state, *applied);
}

static authsvc_error_t *apply(authsvc_ctx_t *ctx, run_t *state,
                              const authsvc_migration_t *migration)
{
    authsvc_db_value_t params[4];
    authsvc_db_result_t *result;
    long min_module;

    AUTHSVC_TRY(read_min_module(ctx, migration, &min_module));
    AUTHSVC_TRY(run_script(ctx, state->conn, migration->up));
    params[0] = authsvc_db_int(migration->version);
    params[1] = authsvc_db_text(migration->name);
    params[2] = authsvc_db_text(migration->checksum);
    params[3] = authsvc_db_int(min_module);
    return run(ctx, state->conn, &insert_applied, params, &result);
}

/* One transaction of up: the lowest migration that is missing. */
static authsvc_error_t *step_up(authsvc_ctx_t *ctx, void *baton)
{
    run_t *state = baton;
    const authsvc_migration_t *migration = state->migrations;
    apr_array_header_t *applied;

    AUTHSVC_TRY(look(ctx, state, &applied));
    while (migration->version && find_applied(applied, migration->version)) {
        migration++;
    }
    if (migration->version && migration->version <= state->to) {
        AUTHSVC_TRY(in_migration(ctx, migration, "up", apply(ctx, state, migration)));
        state->done = migration;
    }
    if (state->runtime_role && (state->done || state->n_done == 0)) {
        AUTHSVC_TRY(grant(ctx, state, applied));
    }
    return NULL;
}

static authsvc_error_t *revert(authsvc_ctx_t *ctx, run_t *state,
                               const authsvc_migration_t *migration)
{
    const authsvc_db_value_t params[] = {authsvc_db_int(migration->version)};
    authsvc_db_result_t *result;

    /* The row first: the last script takes the table away. */
    AUTHSVC_TRY(run(ctx, state->conn, &delete_applied, params, &result));
    return run_script(ctx, state->conn, migration->down);
}

/* One transaction of down: the highest migration that is applied. */
static authsvc_error_t *step_down(authsvc_ctx_t *ctx, void *baton)
{
    run_t *state = baton;
    const authsvc_migration_t *migration;
    apr_array_header_t *applied;
    int version;

    AUTHSVC_TRY(look(ctx, state, &applied));
    version = applied->nelts ? APR_ARRAY_IDX(applied, applied->nelts - 1, applied_t).version : 0;
    if (version <= state->to) {
        return NULL;
    }
    if (version > newest(state->migrations)) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_CONFLICT, NULL,
                             apr_psprintf(ctx->pool,
                                          "Migration %d was applied by a newer release: take it "
                                          "down with that one.",
                                          version),
                             "migration %d is not embedded", version);
    }
    migration = &state->migrations[version - 1];
    AUTHSVC_TRY(in_migration(ctx, migration, "down", revert(ctx, state, migration)));
    state->done = migration;
    return NULL;
}

static authsvc_error_t *run_steps(authsvc_ctx_t *ctx, run_t *state,
                                  authsvc_error_t *(*step)(authsvc_ctx_t *ctx, void *baton),
                                  const char *done, report_fn *report, void *baton)
{
    for (;;) {
        AUTHSVC_TRY(authsvc_db_conn_transaction(ctx, state->conn, step, state));
        if (!state->done) {
            return NULL;
        }
        state->n_done++;
        if (report) {
            report(baton, apr_psprintf(ctx->pool, "%04d %s: %s", state->done->version,
                                       state->done->name, done));
        }
    }
}

/*
 * Before the first table: SQLite's write-ahead log. No busy time-out helps when two want to
 * switch to it at the same moment, so try again.
 */
static authsvc_error_t *configure(authsvc_ctx_t *ctx, authsvc_db_conn_t *conn)
{
    apr_time_t deadline = authsvc_db_deadline(ctx);

    for (;;) {
        authsvc_error_t *err = conn->driver->configure(conn, ctx, deadline);

        if (!err || is_pgsql(conn) || err->code != AUTHSVC_E_UNAVAILABLE ||
            deadline - authsvc_clock_monotonic() < apr_time_from_msec(20)) {
            return err;
        }
        apr_sleep(apr_time_from_msec(20));
    }
}

static authsvc_error_t *start(authsvc_ctx_t *ctx, const authsvc_migration_t *migrations,
                              authsvc_db_conn_t **conn, run_t *state)
{
    apr_time_t started = authsvc_clock_monotonic();
    authsvc_error_t *err = authsvc_db_lease_unchecked(ctx, authsvc_db_deadline(ctx), conn);

    authsvc_db_spend(ctx, started);
    if (err) {
        return err;
    }
    memset(state, 0, sizeof(*state));
    state->conn = *conn;
    /* The schema that this connection has seen, if it has, is about to change. */
    (*conn)->checked = 0;
    state->migrations = migrations;
    if (!migrations) {
        state->migrations = is_pgsql(*conn) ? authsvc_migrations_pgsql : authsvc_migrations_sqlite;
    }
    return NULL;
}

authsvc_error_t *authsvc_migrations_up(authsvc_ctx_t *ctx, const authsvc_migration_t *migrations,
                                       int to, const char *runtime_role, report_fn *report,
                                       void *baton)
{
    authsvc_db_conn_t *conn;
    authsvc_error_t *err;
    run_t state;

    AUTHSVC_TRY(start(ctx, migrations, &conn, &state));
    state.to = to ? to : newest(state.migrations);
    state.runtime_role = runtime_role;
    if (state.to < 0 || state.to > newest(state.migrations)) {
        err = AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_INVALID, NULL,
                            "There is no migration of that number.", "up to %d", to);
    } else if (runtime_role && !is_pgsql(conn)) {
        err = AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_INVALID, NULL,
                            "SQLite has no roles to grant anything to.", "grant on SQLite");
    } else {
        err = configure(ctx, conn);
        if (!err) {
            err = run_steps(ctx, &state, step_up, "applied", report, baton);
        }
    }
    authsvc_db_release(ctx, conn, authsvc_db_deadline(ctx));
    return err;
}

authsvc_error_t *authsvc_migrations_down(authsvc_ctx_t *ctx, const authsvc_migration_t *migrations,
                                         int to, report_fn *report, void *baton)
{
    authsvc_db_conn_t *conn;
    authsvc_error_t *err;
    run_t state;

    AUTHSVC_TRY(start(ctx, migrations, &conn, &state));
    state.to = to;
    if (to < 0 || to > newest(state.migrations)) {
        err = AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_INVALID, NULL,
                            "There is no migration of that number.", "down to %d", to);
    } else {
        err = run_steps(ctx, &state, step_down, "taken down", report, baton);
    }
    authsvc_db_release(ctx, conn, authsvc_db_deadline(ctx));
    return err;
}

static void describe(apr_array_header_t *rows, const authsvc_migration_t *migration,
                     const applied_t *applied)
{
    authsvc_migration_status_t *row = apr_array_push(rows);

    row->applied_at = 0;
    if (applied) {
        row->version = applied->version;
        row->name = applied->name;
        row->applied_at = applied->applied_at;
    }
    if (migration) {
        row->version = migration->version;
        row->name = migration->name;
    }
    if (!migration) {
        row->state = "unknown";
    } else if (!applied) {
        row->state = "pending";
    } else {
        row->state = strcmp(applied->checksum, migration->checksum) == 0 ? "applied" : "changed";
    }
}

authsvc_error_t *authsvc_migrations_status(authsvc_ctx_t *ctx,
                                           const authsvc_migration_t *migrations,
                                           apr_array_header_t **rows)
{
    apr_array_header_t *applied;
    authsvc_db_conn_t *conn;
    authsvc_error_t *err;
    run_t state;

    *rows = apr_array_make(ctx->pool, 8, sizeof(authsvc_migration_status_t));
    AUTHSVC_TRY(start(ctx, migrations, &conn, &state));
    err = read_applied(ctx, conn, &applied);
    authsvc_db_release(ctx, conn, authsvc_db_deadline(ctx));
    if (err) {
        return err;
    }
    for (const authsvc_migration_t *migration = state.migrations; migration->version; migration++) {
        describe(*rows, migration, find_applied(applied, migration->version));
    }
    for (int i = 0; i < applied->nelts; i++) {
        const applied_t *row = &APR_ARRAY_IDX(applied, i, applied_t);

        if (row->version > newest(state.migrations)) {
            describe(*rows, NULL, row);
        }
    }
    return NULL;
}

/* Add to *lost what holds rows among a migration's data. */
static authsvc_error_t *add_losses(authsvc_ctx_t *ctx, authsvc_db_conn_t *conn,
                                   const authsvc_migration_t *migration, const char **lost)
{
    const char *at = migration->up;
    const char *what;

    while ((what = header_line(ctx->pool, &at, "data"))) {
        authsvc_statement_t *query = apr_pcalloc(ctx->pool, sizeof(*query));
        authsvc_db_result_t *result;

        query->name = "migrate_losses";
        query->sql =
            apr_pstrcat(ctx->pool, "SELECT EXISTS (SELECT 1 FROM ", what, ")", NULL);
        query->n_columns = 1;
        query->columns[0] = AUTHSVC_DB_BOOL;
        AUTHSVC_TRY(run(ctx, conn, query, NULL, &result));
        if (result->n_rows == 1 && authsvc_db_cell(result, 0, 0)->integer) {
            *lost = *lost ? apr_pstrcat(ctx->pool, *lost, ", ", what, NULL) : what;
        }
    }
    return NULL;
}

authsvc_error_t *authsvc_migrate_losses(authsvc_ctx_t *ctx, int to, const char **lost)
{
    apr_array_header_t *applied;
    authsvc_db_conn_t *conn;
    authsvc_error_t *err;
    run_t state;

    *lost = NULL;
    AUTHSVC_TRY(start(ctx, NULL, &conn, &state));
    err = read_applied(ctx, conn, &applied);
    for (int i = 0; !err && i < applied->nelts; i++) {
        int version = APR_ARRAY_IDX(applied, i, applied_t).version;

        if (version > to && version <= newest(state.migrations)) {
            err = add_losses(ctx, conn, &state.migrations[version - 1], lost);
        }
    }
    authsvc_db_release(ctx, conn, authsvc_db_deadline(ctx));
    return err;
}

authsvc_error_t *authsvc_migrate_up(authsvc_ctx_t *ctx, int to, const char *runtime_role,
                                    void (*report)(void *baton, const char *line), void *baton)
{
    return authsvc_migrations_up(ctx, NULL, to, runtime_role, report, baton);
}

authsvc_error_t *authsvc_migrate_down(authsvc_ctx_t *ctx, int to,
                                      void (*report)(void *baton, const char *line), void *baton)
{
    return authsvc_migrations_down(ctx, NULL, to, report, baton);
}

authsvc_error_t *authsvc_migrate_status(authsvc_ctx_t *ctx, apr_array_header_t **rows)
{
    return authsvc_migrations_status(ctx, NULL, rows);
}
