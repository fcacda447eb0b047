/* SPDX-License-Identifier: Apache-2.0 */
#include "databases.h"

#include <pthread.h>

#include "authsvc/db/provider.h"

/* What a PostgreSQL server may do to a connection, and what the caller sees of it. */

/* All backends of this database but the killer's own; waits until they are gone. */
static void terminate_others(authsvc_ctx_t *killer)
{
    database_ask(killer, "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity"
                         " WHERE datname = current_database() AND pid <> pg_backend_pid()");
    for (int i = 0; i < 500; i++) {
        if (strcmp(database_ask(killer,
                                "SELECT COUNT(*) FROM pg_stat_activity"
                                " WHERE datname = current_database() AND pid <> pg_backend_pid()"),
                   "0") == 0) {
            return;
        }
        apr_sleep(10000);
    }
    ck_abort_msg("the backends do not end");
}

START_TEST(a_killed_idle_connection_heals)
{
    authsvc_ctx_t *killer;
    authsvc_ctx_t *ctx = database_with_table(unit_pool, ON_PGSQL, &killer);
    unit_log_t lines = {0};
    const authsvc_log_t log = {unit_log_write, &lines};

    ctx->log = &log;
    for (int i = 1; i <= 5; i++) {
        ck_assert_ok(database_insert(ctx));
        ck_assert_int_eq(database_rows(killer), i);
        terminate_others(killer);
    }
    ck_assert_int_eq(database_rows(ctx), 5);
    ck_assert_ptr_nonnull(strstr(lines.all, "AS0104"));
}
END_TEST

static authsvc_error_t *insert_twice(authsvc_ctx_t *ctx, void *baton)
{
    AUTHSVC_TRY(database_insert(ctx));
    if (baton) {
        terminate_others(baton);
    }
    return database_insert(ctx);
}

START_TEST(a_killed_transaction_is_an_error)
{
    authsvc_ctx_t *killer;
    authsvc_ctx_t *ctx = database_with_table(unit_pool, ON_PGSQL, &killer);

    ck_assert_code(authsvc_db_transaction(ctx, insert_twice, killer), AUTHSVC_E_UNAVAILABLE);
    ck_assert_ptr_null(ctx->txn);
    ck_assert_int_eq(database_rows(killer), 0);
    ck_assert_ok(authsvc_db_transaction(ctx, insert_twice, NULL));
    ck_assert_int_eq(database_rows(killer), 2);
    terminate_others(killer);
    ck_assert_ok(authsvc_db_transaction(ctx, insert_twice, NULL));
    ck_assert_int_eq(database_rows(killer), 4);
}
END_TEST

typedef struct {
    authsvc_ctx_t *killer;
    const char *marker;
} kill_t;

/* Kill the backend that runs a statement with the marker in it, as soon as it sleeps there. */
static void *kill_running(void *baton)
{
    kill_t *kill = baton;
    const char *sql = apr_psprintf(kill->killer->pool,
                                   "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity"
                                   " WHERE wait_event = 'PgSleep' AND query LIKE '%%%s%%'"
                                   " AND datname = current_database()"
                                   " AND pid <> pg_backend_pid()",
                                   kill->marker);

    for (int i = 0; i < 200; i++) {
        if (strcmp(database_ask(kill->killer, sql), "0") != 0) {
            return kill;
        }
        apr_sleep(10000);
    }
    return NULL;
}

START_TEST(a_lost_answer_is_retried_for_reads_only)
{
    /* Sleeps in its first run only: the sequence survives the rollback. */
    static const authsvc_statement_t slow_read = {
        .name = "slow_read",
        .sql = "SELECT a FROM t WHERE a >= 0 OR (nextval('runs') = 1 AND"
               " pg_sleep(2) IS NULL /* marker_r */)",
        .reads_only = 1,
        .n_columns = 1,
        .columns = {AUTHSVC_DB_INT},
    };
    static const authsvc_statement_t slow_write = {
        .name = "slow_write",
        .sql = "UPDATE t SET a = 5 WHERE nextval('runs') = 1 AND"
               " pg_sleep(2) IS NULL /* marker_w */",
    };
    authsvc_ctx_t *killer;
    authsvc_ctx_t *ctx = database_with_table(unit_pool, ON_PGSQL, &killer);
    authsvc_db_result_t *result;
    kill_t kill = {killer, "marker_r"};
    pthread_t thread;
    void *killed;

    database_exec(ctx, "CREATE SEQUENCE runs; INSERT INTO t VALUES (-1)");
    ck_assert_int_eq(pthread_create(&thread, NULL, kill_running, &kill), 0);
    ck_assert_ok(authsvc_db_run(ctx, &slow_read, NULL, &result));
    pthread_join(thread, &killed);
    ck_assert_ptr_nonnull(killed);
    ck_assert_int_eq(result->n_rows, 0);
    ck_assert_str_eq(database_ask(killer, "SELECT last_value FROM runs"), "2");

    database_exec(ctx, "SELECT setval('runs', 1, false)");
    kill.marker = "marker_w";
    ck_assert_int_eq(pthread_create(&thread, NULL, kill_running, &kill), 0);
    ck_assert_code(authsvc_db_run(ctx, &slow_write, NULL, &result), AUTHSVC_E_UNAVAILABLE);
    pthread_join(thread, &killed);
    ck_assert_ptr_nonnull(killed);
    ck_assert_str_eq(database_ask(killer, "SELECT last_value FROM runs"), "1");
}
END_TEST

START_TEST(forgotten_statements_are_prepared_again)
{
    static const char named_inserts[] =
        "SELECT COUNT(*) FROM pg_prepared_statements WHERE statement LIKE 'INSERT%'";
    authsvc_ctx_t *other;
    authsvc_ctx_t *ctx = database_with_table(unit_pool, ON_PGSQL, &other);

    ck_assert_ok(database_insert(ctx));
    ck_assert_str_ne(database_ask(ctx, "SELECT COUNT(*) FROM pg_prepared_statements"), "0");
    for (int i = 0; i < 3; i++) {
        database_exec(ctx, "DISCARD ALL");
        ck_assert_ok(database_insert(ctx));
    }
    ck_assert_int_eq(database_rows(ctx), 4);
    /* the second try has no name that could be forgotten, too; the next one is prepared again */
    ck_assert_ok(database_insert(ctx));
    ck_assert_str_eq(database_ask(ctx, named_inserts), "1");
    database_exec(ctx, "DISCARD ALL");
    ck_assert_ok(database_insert(ctx));
    ck_assert_str_eq(database_ask(ctx, named_inserts), "0");
    ck_assert_ok(database_insert(ctx));
    ck_assert_str_eq(database_ask(ctx, named_inserts), "1");
    /* a transaction depends on no name at all */
    database_exec(ctx, "DISCARD ALL");
    ck_assert_ok(authsvc_db_transaction(ctx, insert_twice, NULL));
    ck_assert_int_eq(database_rows(ctx), 9);
    ck_assert_str_eq(database_ask(ctx, named_inserts), "0");
}
END_TEST

START_TEST(a_changed_plan_is_made_again)
{
    static const authsvc_statement_t star = {
        .name = "star",
        .sql = "SELECT * FROM t",
        .reads_only = 1,
        .n_columns = 1,
        .columns = {AUTHSVC_DB_INT},
    };
    authsvc_ctx_t *other;
    authsvc_ctx_t *ctx = database_with_table(unit_pool, ON_PGSQL, &other);
    authsvc_db_result_t *result;

    ck_assert_ok(authsvc_db_run(ctx, &star, NULL, &result));
    database_exec(other, "ALTER TABLE t ALTER COLUMN a TYPE bigint");
    ck_assert_ok(authsvc_db_run(ctx, &star, NULL, &result));
}
END_TEST

START_TEST(nothing_is_prepared_if_so_told)
{
    authsvc_ctx_t *other;
    authsvc_ctx_t *ctx = database_with_table(unit_pool, ON_PGSQL, &other);

    database_exec(ctx, "DEALLOCATE ALL");
    ctx->db->prepared_statements = 0;
    ck_assert_ok(database_insert(ctx));
    ck_assert_ok(authsvc_db_transaction(ctx, insert_twice, NULL));
    ck_assert_int_eq(database_rows(ctx), 3);
    ck_assert_str_eq(database_ask(ctx, "SELECT COUNT(*) FROM pg_prepared_statements"), "0");
}
END_TEST

START_TEST(a_frozen_server_is_waited_for_until_the_deadline)
{
    authsvc_ctx_t *other;
    authsvc_ctx_t *ctx = database_with_table(unit_pool, ON_PGSQL, &other);
    apr_time_t started;

    ck_assert_ok(database_insert(ctx));
    cluster_do("freeze");
    started = authsvc_clock_monotonic();
    ctx->db_budget = apr_time_from_msec(400);
    authsvc_error_t *err = database_insert(ctx);
    ck_assert_code(err, AUTHSVC_E_UNAVAILABLE);
    ck_assert_int_eq(err->unknown_outcome, 1);
    ck_assert_int_lt(authsvc_clock_monotonic() - started, apr_time_from_msec(700));
    /* now it is BAD, and healing waits for the server as well */
    started = authsvc_clock_monotonic();
    ctx->db_budget = apr_time_from_msec(400);
    err = database_insert(ctx);
    ck_assert_code(err, AUTHSVC_E_UNAVAILABLE);
    ck_assert_int_eq(err->unknown_outcome, 0);
    ck_assert_int_lt(authsvc_clock_monotonic() - started, apr_time_from_msec(700));
    cluster_do("thaw");
    ctx->db_budget = apr_time_from_sec(10);
    ck_assert_ok(database_insert(ctx));
}
END_TEST

START_TEST(a_restarted_server_is_found_again)
{
    authsvc_ctx_t *other;
    authsvc_ctx_t *ctx = database_with_table(unit_pool, ON_PGSQL, &other);

    ck_assert_ok(database_insert(ctx));
    cluster_do("restart");
    ck_assert_ok(database_insert(ctx));
    ck_assert_int_eq(database_rows(other), 2);
}
END_TEST

START_TEST(an_open_transaction_is_rolled_back_on_return)
{
    authsvc_ctx_t *other;
    authsvc_ctx_t *ctx = database_with_table(unit_pool, ON_PGSQL, &other);

    database_exec(ctx, "BEGIN; INSERT INTO t VALUES (9)");
    ck_assert_int_eq(database_rows(ctx), 0);
    ck_assert_ok(database_insert(ctx));
    ck_assert_int_eq(database_rows(other), 1);
}
END_TEST

START_TEST(notices_and_notifications_do_no_harm)
{
    authsvc_ctx_t *other;
    authsvc_ctx_t *ctx = database_with_table(unit_pool, ON_PGSQL, &other);

    database_exec(ctx, "LISTEN news");
    database_exec(ctx, "DO $$ BEGIN RAISE WARNING 'hot'; END $$");
    for (int i = 0; i < 50; i++) {
        database_exec(other, "NOTIFY news, 'x'");
    }
    ck_assert_ok(database_insert(ctx));
    ck_assert_int_eq(database_rows(ctx), 1);
    ck_assert_str_eq(database_ask(ctx, "SELECT COUNT(*) FROM pg_listening_channels()"), "1");
}
END_TEST

START_TEST(text_is_utf8_whatever_the_client_says)
{
    static const authsvc_statement_t length = {
        .name = "length",
        .sql = "SELECT char_length($1), CAST($1 AS text)",
        .reads_only = 1,
        .n_params = 1,
        .params = {AUTHSVC_DB_TEXT},
        .n_columns = 2,
        .columns = {AUTHSVC_DB_INT, AUTHSVC_DB_TEXT},
    };
    database_t database;
    const authsvc_db_value_t params[] = {authsvc_db_text("\xc3\xbc")};
    authsvc_ctx_t *ctx;
    authsvc_db_result_t *result;

    database_migrated(unit_pool, ON_PGSQL, &database);
    database.params =
        apr_pstrcat(unit_pool, database.params, " client_encoding=LATIN1", NULL);
    ctx = database_open(unit_pool, database);
    ck_assert_str_eq(database_ask(ctx, "SELECT current_setting('client_encoding')"), "LATIN1");
    ck_assert_ok(authsvc_db_run(ctx, &length, params, &result));
    ck_assert_int_eq(authsvc_db_cell(result, 0, 0)->integer, 1);
    ck_assert_str_eq(authsvc_db_cell(result, 0, 1)->text, "\xc3\xbc");
}
END_TEST

START_TEST(a_locked_row_is_unavailable_at_the_deadline)
{
    authsvc_ctx_t *other;
    authsvc_ctx_t *ctx = database_with_table(unit_pool, ON_PGSQL, &other);
    static const authsvc_statement_t update = {.name = "update", .sql = "UPDATE t SET a = 2"};
    authsvc_db_result_t *result;

    ck_assert_ok(database_insert(ctx));
    database_exec(other, "BEGIN; UPDATE t SET a = 3");
    ctx->db_budget = apr_time_from_msec(300);
    ck_assert_code(authsvc_db_run(ctx, &update, NULL, &result), AUTHSVC_E_UNAVAILABLE);
    database_exec(other, "COMMIT");
    ctx->db_budget = apr_time_from_sec(3);
    ck_assert_ok(authsvc_db_run(ctx, &update, NULL, &result));
    ck_assert_int_eq(result->affected, 1);
}
END_TEST

START_TEST(database_time_is_the_statements)
{
    static const authsvc_statement_t now = {
        .name = "now",
        .sql = "SELECT authsvc_now(), authsvc_now(-90)",
        .n_columns = 2,
        .columns = {AUTHSVC_DB_TIME, AUTHSVC_DB_TIME},
    };
    authsvc_ctx_t *other;
    authsvc_ctx_t *ctx = database_with_table(unit_pool, ON_PGSQL, &other);
    authsvc_db_result_t *result;
    apr_time_t before = apr_time_now();

    ck_assert_ok(authsvc_db_run(ctx, &now, NULL, &result));
    ck_assert_int_ge(authsvc_db_cell(result, 0, 0)->integer, before);
    ck_assert_int_le(authsvc_db_cell(result, 0, 0)->integer, apr_time_now());
    ck_assert_int_eq(authsvc_db_cell(result, 0, 0)->integer -
                         authsvc_db_cell(result, 0, 1)->integer,
                     apr_time_from_sec(90));
}
END_TEST

START_TEST(a_connection_string_is_never_quoted)
{
    authsvc_db_t *db;
    authsvc_error_t *err = authsvc_db_open(unit_pool, "pgsql", "host=/tmp hush-hush", &db);

    ck_assert_code(err, AUTHSVC_E_INVALID);
    ck_assert_ptr_null(strstr(authsvc_error_describe(err, unit_pool), "hush"));
    ck_assert_code(authsvc_db_open(unit_pool, "pgsql", "host=/nonexistent", &db),
                   AUTHSVC_E_UNAVAILABLE);
    ck_assert_code(authsvc_db_open(unit_pool, "mysql", "host=/tmp", &db), AUTHSVC_E_INVALID);
}
END_TEST

START_TEST(a_database_that_is_not_utf8_is_refused)
{
    database_t database = database_create(unit_pool, ON_PGSQL);
    authsvc_ctx_t *ctx = database_open(unit_pool, database);
    authsvc_error_t *err;

    ck_assert_ok(authsvc_migrate_up(ctx, 0, NULL, NULL, NULL));
    database_exec(ctx, "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
                       " TEMPLATE template0");
    /* Of two, libpq takes the last. */
    database.params = apr_pstrcat(unit_pool, database.params, " dbname=latin", NULL);
    err = authsvc_migrate_up(database_open(unit_pool, database), 0, NULL, NULL, NULL);
    ck_assert_code(err, AUTHSVC_E_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(err->detail, "createdb -E UTF8"));
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_pgsql)
{
    Suite *suite = suite_create("pgsql");
    TCase *tcase = unit_tcase(suite, "faults");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_database_that_is_not_utf8_is_refused);
    tcase_add_test(tcase, a_killed_idle_connection_heals);
    tcase_add_test(tcase, a_killed_transaction_is_an_error);
    tcase_add_test(tcase, a_lost_answer_is_retried_for_reads_only);
    tcase_add_test(tcase, forgotten_statements_are_prepared_again);
    tcase_add_test(tcase, a_changed_plan_is_made_again);
    tcase_add_test(tcase, nothing_is_prepared_if_so_told);
    tcase_add_test(tcase, a_frozen_server_is_waited_for_until_the_deadline);
    tcase_add_test(tcase, a_restarted_server_is_found_again);
    tcase_add_test(tcase, an_open_transaction_is_rolled_back_on_return);
    tcase_add_test(tcase, notices_and_notifications_do_no_harm);
    tcase_add_test(tcase, text_is_utf8_whatever_the_client_says);
    tcase_add_test(tcase, a_locked_row_is_unavailable_at_the_deadline);
    tcase_add_test(tcase, database_time_is_the_statements);
    tcase_add_test(tcase, a_connection_string_is_never_quoted);
    return suite;
}
