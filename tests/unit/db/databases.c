/* SPDX-License-Identifier: Apache-2.0 */
#include "databases.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authsvc/db/provider.h"

/* Of the whole program; set before the first test is forked. */
static char directory[] = "/tmp/authsvc-unit-db-XXXXXX";
static const char *conninfo;

static int run_cluster(const char *command)
{
    char parent[16];
    const char *const argv[] = {UNIT_PG_CLUSTER, command, directory, parent, NULL};
    int status = -1;
    pid_t pid;

    snprintf(parent, sizeof(parent), "%ld", (long)getpid());
    pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);

        if (null >= 0 && dup2(null, STDOUT_FILENO) >= 0) {
            execv(argv[0], (char *const *)argv);
        }
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0) {
        continue;
    }
    return status == 0;
}

int databases_main(const unit_suite_t *suites, size_t count)
{
    static char text[256];
    int status;

    if (!mkdtemp(directory)) {
        perror(directory);
        return EXIT_FAILURE;
    }
    if (!run_cluster("start")) {
        fprintf(stderr, "These tests need a PostgreSQL server of their own, which could not be "
                        "started (see the line above). Nothing was tested.\n");
        run_cluster("stop");
        return EXIT_FAILURE;
    }
    snprintf(text, sizeof(text), "host=%s user=postgres", directory);
    conninfo = text;
    status = authsvc_unit_main(suites, count);
    run_cluster("stop");
    return status;
}

void cluster_do(const char *command)
{
    ck_assert(run_cluster(command));
}

static authsvc_ctx_t *make_ctx(apr_pool_t *pool)
{
    authsvc_ctx_t *ctx = apr_pcalloc(pool, sizeof(*ctx));

    ctx->pool = pool;
    ctx->db_budget = apr_time_from_sec(3);
    return ctx;
}

database_t database_create(apr_pool_t *pool, int engine)
{
    static int number;
    database_t database = {"sqlite3", NULL};
    authsvc_ctx_t *ctx;

    number++;
    if (engine == ON_SQLITE) {
        database.params =
            apr_psprintf(pool, "%s/%ld-%d.sqlite", directory, (long)getpid(), number);
        return database;
    }
    database.driver = "pgsql";
    database.params = apr_psprintf(pool, "%s dbname=postgres", conninfo);
    ctx = database_open(pool, database);
    database_exec(ctx, apr_psprintf(pool, "CREATE DATABASE t%ld_%d", (long)getpid(), number));
    database.params = apr_psprintf(pool, "%s dbname=t%ld_%d", conninfo, (long)getpid(), number);
    return database;
}

authsvc_ctx_t *database_open(apr_pool_t *pool, database_t database)
{
    authsvc_ctx_t *ctx = make_ctx(pool);
    authsvc_error_t *err = authsvc_db_open(pool, database.driver, database.params, &ctx->db);

    ck_assert_msg(!err, "%s", err ? authsvc_error_describe(err, pool) : "");
    ck_assert_int_eq(ctx->db->prepared_statements, 0); /* as authsvcctl has it */
    ctx->db->prepared_statements = 1;                  /* as in httpd */
    return ctx;
}

authsvc_ctx_t *database_migrated(apr_pool_t *pool, int engine, database_t *database)
{
    database_t created = database_create(pool, engine);
    authsvc_ctx_t *ctx = database_open(pool, created);
    authsvc_error_t *err;

    ctx->db_budget = apr_time_from_sec(20);
    err = authsvc_migrate_up(ctx, 0, NULL, NULL, NULL);
    ck_assert_msg(!err, "%s", err ? authsvc_error_describe(err, pool) : "");
    ctx->db_budget = apr_time_from_sec(3);
    if (database) {
        *database = created;
    }
    return ctx;
}

void database_exec(authsvc_ctx_t *ctx, const char *sql)
{
    apr_time_t deadline = authsvc_clock_monotonic() + apr_time_from_sec(20);
    authsvc_db_conn_t *conn;
    authsvc_error_t *err = ctx->db->take(ctx->db, ctx, deadline, &conn);

    if (!err) {
        err = authsvc_db_script(conn, ctx, sql, deadline);
        ctx->db->give(ctx->db, ctx, conn);
    }
    ck_assert_msg(!err, "%s: %s", sql, err ? authsvc_error_describe(err, ctx->pool) : "");
}

const char *database_ask(authsvc_ctx_t *ctx, const char *sql)
{
    authsvc_statement_t *statement = apr_pcalloc(ctx->pool, sizeof(*statement));
    apr_time_t deadline = authsvc_clock_monotonic() + apr_time_from_sec(20);
    authsvc_db_result_t *result = NULL;
    authsvc_db_conn_t *conn;
    authsvc_error_t *err;

    statement->name = "ask";
    statement->sql = apr_psprintf(ctx->pool, "SELECT CAST((%s) AS text)", sql);
    statement->n_columns = 1;
    statement->columns[0] = AUTHSVC_DB_TEXT;
    statement->nullable = 1;
    err = ctx->db->take(ctx->db, ctx, deadline, &conn);
    if (!err) {
        err = authsvc_db_conn_run(conn, ctx, statement, NULL, deadline, &result);
        ctx->db->give(ctx->db, ctx, conn);
    }
    ck_assert_msg(!err, "%s: %s", sql, err ? authsvc_error_describe(err, ctx->pool) : "");
    ck_assert_int_eq(result->n_rows, 1);
    return authsvc_db_cell(result, 0, 0)->text;
}

const authsvc_statement_t database_insert_one = {
    .name = "insert",
    .sql = "INSERT INTO t (a) VALUES ($1)",
    .n_params = 1,
    .params = {AUTHSVC_DB_INT},
};

const authsvc_statement_t database_count = {
    .name = "count",
    .sql = "SELECT COUNT(*) FROM t",
    .reads_only = 1,
    .n_columns = 1,
    .columns = {AUTHSVC_DB_INT},
};

authsvc_ctx_t *database_with_table(apr_pool_t *pool, int engine, authsvc_ctx_t **other)
{
    database_t database;
    authsvc_ctx_t *ctx = database_migrated(pool, engine, &database);
    apr_pool_t *own;

    database_exec(ctx, engine == ON_SQLITE ? "CREATE TABLE t (a INTEGER) STRICT"
                                           : "CREATE TABLE t (a integer)");
    /* of its own, as some tests give it to another thread */
    ck_assert_int_eq(apr_pool_create(&own, pool), APR_SUCCESS);
    *other = database_open(own, database);
    return ctx;
}

authsvc_error_t *database_insert(authsvc_ctx_t *ctx)
{
    const authsvc_db_value_t params[] = {authsvc_db_int(1)};
    authsvc_db_result_t *result;

    return authsvc_db_run(ctx, &database_insert_one, params, &result);
}

apr_int64_t database_rows(authsvc_ctx_t *ctx)
{
    authsvc_db_result_t *result;
    authsvc_error_t *err;

    ctx->db_budget = apr_time_from_sec(3);
    err = authsvc_db_run(ctx, &database_count, NULL, &result);
    ck_assert_msg(!err, "%s", err ? authsvc_error_describe(err, ctx->pool) : "");
    return authsvc_db_cell(result, 0, 0)->integer;
}
