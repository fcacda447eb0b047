/* SPDX-License-Identifier: Apache-2.0 */
#include "databases.h"

#include <sys/stat.h>
#include <unistd.h>

#include "authsvc/db/provider.h"

/* By db.h, as a request does: database_ask looks at no setting of a connection. */
static apr_int64_t rows_of(authsvc_ctx_t *ctx, const char *table)
{
    authsvc_statement_t *statement =
        apr_pmemdup(ctx->pool, &database_count, sizeof(database_count));
    authsvc_db_result_t *result;

    statement->name = table;
    statement->sql = apr_pstrcat(ctx->pool, "SELECT COUNT(*) FROM ", table, NULL);
    ctx->db_budget = apr_time_from_sec(3);
    ck_assert_ok(authsvc_db_run(ctx, statement, NULL, &result));
    return authsvc_db_cell(result, 0, 0)->integer;
}

static authsvc_error_t *insert_in_transaction(authsvc_ctx_t *ctx, void *baton)
{
    (void)baton;
    return database_insert(ctx);
}

START_TEST(a_write_lock_is_waited_for_until_the_deadline)
{
    authsvc_ctx_t *other;
    authsvc_ctx_t *ctx = database_with_table(unit_pool, ON_SQLITE, &other);
    apr_time_t started;

    database_exec(other, "BEGIN IMMEDIATE; INSERT INTO t VALUES (7)");
    for (int i = 0; i < 2; i++) {
        started = authsvc_clock_monotonic();
        ctx->db_budget = apr_time_from_msec(300);
        ck_assert_code(i == 0 ? database_insert(ctx)
                              : authsvc_db_transaction(ctx, insert_in_transaction, NULL),
                       AUTHSVC_E_UNAVAILABLE);
        ck_assert_int_ge(authsvc_clock_monotonic() - started, apr_time_from_msec(200));
        ck_assert_int_lt(authsvc_clock_monotonic() - started, apr_time_from_msec(600));
    }
    /* reads go on beside a writer */
    ck_assert_int_eq(database_rows(ctx), 0);
    database_exec(other, "COMMIT");
    ck_assert_ok(database_insert(ctx));
    ck_assert_ok(authsvc_db_transaction(ctx, insert_in_transaction, NULL));
    ck_assert_int_eq(database_rows(other), 3);
}
END_TEST

/* A statement that is not reset would hold its snapshot, and the log could not be truncated. */
START_TEST(nothing_stays_open_after_a_statement)
{
    static const authsvc_statement_t checkpoint = {
        .name = "checkpoint",
        .sql = "PRAGMA wal_checkpoint(TRUNCATE)",
        .n_columns = 3,
        .columns = {AUTHSVC_DB_INT, AUTHSVC_DB_INT, AUTHSVC_DB_INT},
    };
    authsvc_db_result_t *result;
    authsvc_ctx_t *other;
    authsvc_ctx_t *ctx = database_with_table(unit_pool, ON_SQLITE, &other);

    ck_assert_ok(database_insert(ctx));
    ck_assert_int_eq(database_rows(ctx), 1);
    other->db_budget = apr_time_from_msec(200);
    ck_assert_ok(authsvc_db_run(other, &checkpoint, NULL, &result));
    ck_assert_int_eq(authsvc_db_cell(result, 0, 0)->integer, 0);
    /* the control: a snapshot that is held does keep the log */
    database_exec(ctx, "BEGIN; SELECT * FROM t");
    database_exec(other, "INSERT INTO t VALUES (2)");
    other->db_budget = apr_time_from_msec(200);
    ck_assert_ok(authsvc_db_run(other, &checkpoint, NULL, &result));
    ck_assert_int_eq(authsvc_db_cell(result, 0, 0)->integer, 1);
}
END_TEST

START_TEST(the_settings_hold)
{
    database_t database;
    authsvc_ctx_t *ctx = database_migrated(unit_pool, ON_SQLITE, &database);

    ck_assert_str_eq(database_ask(ctx, "SELECT journal_mode FROM pragma_journal_mode"), "wal");
    ck_assert_str_eq(database_ask(ctx, "SELECT synchronous FROM pragma_synchronous"), "2");
    ck_assert_str_eq(database_ask(ctx, "SELECT foreign_keys FROM pragma_foreign_keys"), "1");
}
END_TEST

START_TEST(database_time_is_the_contexts)
{
    static const authsvc_statement_t now = {
        .name = "now",
        .sql = "SELECT authsvc_now(), authsvc_now(-90), authsvc_now($1)",
        .n_params = 1,
        .params = {AUTHSVC_DB_INT},
        .n_columns = 3,
        .columns = {AUTHSVC_DB_TIME, AUTHSVC_DB_TIME, AUTHSVC_DB_TIME},
        .nullable = 4,
    };
    authsvc_ctx_t *other;
    authsvc_ctx_t *ctx = database_with_table(unit_pool, ON_SQLITE, &other);
    apr_time_t moment = apr_time_from_sec(1000000);
    const authsvc_clock_t clock = {unit_clock_now, &moment};
    authsvc_db_value_t params[] = {authsvc_db_seconds(apr_time_from_sec(60))};
    authsvc_db_result_t *result;

    ctx->clock = &clock;
    ck_assert_ok(authsvc_db_run(ctx, &now, params, &result));
    ck_assert_int_eq(authsvc_db_cell(result, 0, 0)->integer, moment);
    ck_assert_int_eq(authsvc_db_cell(result, 0, 1)->integer, moment - apr_time_from_sec(90));
    ck_assert_int_eq(authsvc_db_cell(result, 0, 2)->integer, moment + apr_time_from_sec(60));
    moment += 5;
    ck_assert_ok(authsvc_db_run(ctx, &now, params, &result));
    ck_assert_int_eq(authsvc_db_cell(result, 0, 0)->integer, moment);
    params[0].null = 1;
    ck_assert_ok(authsvc_db_run(ctx, &now, params, &result));
    ck_assert_int_eq(authsvc_db_cell(result, 0, 2)->null, 1);
    params[0] = authsvc_db_int(APR_INT64_MAX);
    ck_assert_code(authsvc_db_run(ctx, &now, params, &result), AUTHSVC_E_INTERNAL);
    ctx->clock = NULL;
    params[0] = authsvc_db_int(0);
    ck_assert_ok(authsvc_db_run(ctx, &now, params, &result));
    ck_assert_int_gt(authsvc_db_cell(result, 0, 0)->integer, apr_time_now() - apr_time_from_sec(5));
}
END_TEST

START_TEST(parameters_are_found_by_number)
{
    static const authsvc_statement_t order = {
        .name = "order",
        .sql = "SELECT $2, $1, $2",
        .reads_only = 1,
        .n_params = 2,
        .params = {AUTHSVC_DB_INT, AUTHSVC_DB_TEXT},
        .n_columns = 3,
        .columns = {AUTHSVC_DB_TEXT, AUTHSVC_DB_INT, AUTHSVC_DB_TEXT},
    };
    static const authsvc_statement_t extra = {
        .name = "extra",
        .sql = "SELECT $3",
        .n_params = 2,
        .params = {AUTHSVC_DB_INT, AUTHSVC_DB_TEXT},
        .n_columns = 1,
        .columns = {AUTHSVC_DB_INT},
    };
    authsvc_ctx_t *other;
    authsvc_ctx_t *ctx = database_with_table(unit_pool, ON_SQLITE, &other);
    const authsvc_db_value_t params[] = {authsvc_db_int(1), authsvc_db_text("two")};
    authsvc_db_result_t *result;

    ck_assert_ok(authsvc_db_run(ctx, &order, params, &result));
    ck_assert_str_eq(authsvc_db_cell(result, 0, 0)->text, "two");
    ck_assert_int_eq(authsvc_db_cell(result, 0, 1)->integer, 1);
    ck_assert_str_eq(authsvc_db_cell(result, 0, 2)->text, "two");
    ck_assert_code(authsvc_db_run(ctx, &extra, params, &result), AUTHSVC_E_INTERNAL);
}
END_TEST

START_TEST(a_file_that_is_no_database_is_unavailable)
{
    database_t database = database_create(unit_pool, ON_SQLITE);
    FILE *file = fopen(database.params, "w");
    unsigned char id[AUTHSVC_UUID_OCTETS];
    authsvc_ctx_t *ctx;

    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < 2000; i++) {
        fputs("this is no database\n", file);
    }
    fclose(file);
    ctx = database_open(unit_pool, database);
    ck_assert_code(authsvc_db_identity(ctx, id), AUTHSVC_E_UNAVAILABLE);
    database.params = "/nonexistent/authsvc.db";
    ck_assert_code(authsvc_db_open(unit_pool, database.driver, database.params, &ctx->db),
                   AUTHSVC_E_UNAVAILABLE);
}
END_TEST

START_TEST(a_pool_closes_its_database)
{
    database_t database = database_create(unit_pool, ON_SQLITE);
    apr_pool_t *pool;
    char *wal = apr_pstrcat(unit_pool, database.params, "-wal", NULL);
    authsvc_ctx_t *ctx;
    FILE *file;

    ck_assert_int_eq(apr_pool_create(&pool, unit_pool), APR_SUCCESS);
    ctx = database_open(pool, database);
    ck_assert_ok(authsvc_migrate_up(ctx, 0, NULL, NULL, NULL));
    file = fopen(wal, "r");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    apr_pool_destroy(pool);
    /* The last one to leave removes the log, which it cannot while a statement is not finalized. */
    ck_assert_ptr_null(fopen(wal, "r"));
}
END_TEST

/* A directory of the user that the tests of file modes go on as: root has none of its own. */
static database_t as_httpd(void)
{
    char *directory = apr_pstrdup(unit_pool, "/tmp/authsvc-unit-mode-XXXXXX");
    database_t database = {"sqlite3", NULL};

    ck_assert_ptr_nonnull(mkdtemp(directory));
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(directory, 65534, 65534), 0);
        ck_assert_int_eq(seteuid(65534), 0);
    }
    umask(022);
    database.params = apr_pstrcat(unit_pool, directory, "/accounts.db", NULL);
    return database;
}

static const char *beside(database_t database, const char *end)
{
    return apr_pstrcat(unit_pool, database.params, end, NULL);
}

static unsigned mode_of(const char *path)
{
    struct stat status;

    ck_assert_msg(stat(path, &status) == 0, "%s is not there", path);
    return status.st_mode & 07777;
}

static void clean_up(database_t database)
{
    static const char *const ends[] = {"", "-wal", "-shm"};

    if (getuid() == 0) {
        ck_assert_int_eq(seteuid(0), 0);
    }
    for (int i = 0; i < 3; i++) {
        unlink(beside(database, ends[i]));
    }
    rmdir(apr_pstrmemdup(unit_pool, database.params, strlen(database.params) -
                                                         strlen("/accounts.db")));
}

START_TEST(others_get_nothing_of_a_new_file)
{
    database_t database = as_httpd();
    authsvc_ctx_t *ctx = database_open(unit_pool, database);
    unit_log_t lines = {0};
    authsvc_log_t sink = {unit_log_write, &lines};

    /* the control: that is how SQLite makes it */
    ck_assert_uint_eq(mode_of(database.params), 0644);
    ctx->log = &sink;
    ctx->db_budget = apr_time_from_sec(20);
    ck_assert_ok(authsvc_migrate_up(ctx, 0, NULL, NULL, NULL));
    ck_assert_uint_eq(mode_of(database.params), 0640);
    ck_assert_uint_eq(mode_of(beside(database, "-wal")), 0640);
    ck_assert_uint_eq(mode_of(beside(database, "-shm")), 0640);
    ck_assert_int_eq(lines.lines, 0);
    clean_up(database);
}
END_TEST

START_TEST(others_lose_what_they_had_of_old_files)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    database_t database = as_httpd();
    authsvc_ctx_t *ctx = database_open(unit_pool, database);
    authsvc_ctx_t *other;

    ctx->db_budget = apr_time_from_sec(20);
    ck_assert_ok(authsvc_migrate_up(ctx, 0, NULL, NULL, NULL));
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(chmod(beside(database, ends[i]), i == 0 ? 0606 : 0644), 0);
    }
    ck_assert_str_eq(database_ask(ctx, "SELECT count(*) FROM users"), "0");
    /* once for each connection, and a new one does it before anything else */
    ck_assert_uint_eq(mode_of(database.params), 0606);
    other = database_open(unit_pool, database);
    ck_assert_int_eq(rows_of(other, "users"), 0);
    ck_assert_uint_eq(mode_of(database.params), 0600);
    ck_assert_uint_eq(mode_of(beside(database, "-wal")), 0640);
    ck_assert_uint_eq(mode_of(beside(database, "-shm")), 0640);
    clean_up(database);
}
END_TEST

START_TEST(a_file_of_another_is_warned_of_once)
{
    database_t database = as_httpd();
    authsvc_ctx_t *ctx = database_open(unit_pool, database);
    unit_log_t lines = {0};
    authsvc_log_t sink = {unit_log_write, &lines};

    ctx->db_budget = apr_time_from_sec(20);
    ck_assert_ok(authsvc_migrate_up(ctx, 0, NULL, NULL, NULL));
    if (getuid() != 0) {
        clean_up(database);
        return; /* only root can make a file somebody else's */
    }
    ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(chown(database.params, 0, 0), 0);
    ck_assert_int_eq(chmod(database.params, 0666), 0);
    ck_assert_int_eq(seteuid(65534), 0);
    ctx = database_open(unit_pool, database);
    ctx->log = &sink;
    ck_assert_int_eq(rows_of(ctx, "users"), 0);
    ck_assert_int_eq(rows_of(ctx, "users"), 0);
    ck_assert_int_eq(lines.lines, 1);
    ck_assert_int_eq(lines.level, AUTHSVC_LOG_WARNING);
    ck_assert_ptr_nonnull(strstr(lines.last, "AS0105"));
    ck_assert_ptr_nonnull(strstr(lines.last, "chmod o= "));
    ck_assert_uint_eq(mode_of(database.params), 0666);
    clean_up(database);
}
END_TEST

/* Its name is empty, and beside it lies nothing of ours. */
START_TEST(a_database_in_memory_has_no_file)
{
    database_t database = {"sqlite3", ":memory:"};
    authsvc_ctx_t *ctx = database_open(unit_pool, database);
    unit_log_t lines = {0};
    authsvc_log_t sink = {unit_log_write, &lines};

    ctx->log = &sink;
    ctx->db_budget = apr_time_from_sec(20);
    ck_assert_ok(authsvc_migrate_up(ctx, 0, NULL, NULL, NULL));
    ck_assert_int_eq(lines.lines, 0);
}
END_TEST

static void move(database_t database, const char *from, const char *to)
{
    static const char *const ends[] = {"", "-wal", "-shm"};

    for (int i = 0; i < 3; i++) {
        const char *old = apr_pstrcat(unit_pool, database.params, from, ends[i], NULL);

        ck_assert(rename(old, apr_pstrcat(unit_pool, database.params, to, ends[i], NULL)) == 0 ||
                  i > 0);
    }
}

/* SQLite itself goes on writing to where the file is now, or to a file without a name. */
START_TEST(a_file_that_was_moved_away_is_not_written)
{
    database_t database;
    authsvc_ctx_t *ctx = database_migrated(unit_pool, ON_SQLITE, &database);

    database_exec(ctx, "CREATE TABLE t (a INTEGER) STRICT");
    ck_assert_ok(database_insert(ctx));
    move(database, "", ".away");
    for (int i = 0; i < 2; i++) {
        authsvc_error_t *err = database_insert(ctx);
        ck_assert_code(err, AUTHSVC_E_UNAVAILABLE);
        ck_assert_int_eq(err->unknown_outcome, 0);
        ck_assert_code(authsvc_db_transaction(ctx, insert_in_transaction, NULL),
                       AUTHSVC_E_UNAVAILABLE);
    }
    ck_assert_msg(access(database.params, F_OK) != 0, "and no empty one is made in its place");
    move(database, ".away", "");
    ck_assert_int_eq(database_rows(ctx), 1);
    ck_assert_ok(database_insert(ctx));
    ck_assert_int_eq(database_rows(database_open(unit_pool, database)), 2);
}
END_TEST

START_TEST(a_file_that_was_replaced_is_found)
{
    database_t database;
    database_t better;
    authsvc_ctx_t *ctx = database_migrated(unit_pool, ON_SQLITE, &database);
    authsvc_ctx_t *other = database_migrated(unit_pool, ON_SQLITE, &better);
    unsigned char before[AUTHSVC_UUID_OCTETS];
    unsigned char after[AUTHSVC_UUID_OCTETS];

    database_exec(ctx, "CREATE TABLE t (a INTEGER) STRICT");
    database_exec(other, "CREATE TABLE t (a INTEGER) STRICT");
    ck_assert_ok(database_insert(ctx));
    ck_assert_ok(authsvc_db_identity(ctx, before));
    move(database, "", ".away");
    move(better, "", ".moved");
    ck_assert_int_eq(rename(apr_pstrcat(unit_pool, better.params, ".moved", NULL), database.params),
                     0);
    ck_assert_int_eq(rename(apr_pstrcat(unit_pool, better.params, ".moved-wal", NULL),
                            beside(database, "-wal")), 0);
    ck_assert_int_eq(database_rows(ctx), 0);
    ck_assert_ok(database_insert(ctx));
    ck_assert_int_eq(database_rows(database_open(unit_pool, database)), 1);
    ck_assert_ok(authsvc_db_identity(ctx, after));
    ck_assert_int_ne(memcmp(before, after, sizeof(before)), 0);
    ck_assert_str_eq(database_ask(ctx, "SELECT foreign_keys FROM pragma_foreign_keys"), "1");
    ck_assert_str_eq(database_ask(ctx, "SELECT synchronous FROM pragma_synchronous"), "2");
}
END_TEST

static authsvc_error_t *insert_and_lose_the_file(authsvc_ctx_t *ctx, void *baton)
{
    const database_t *database = baton;
    authsvc_error_t *err = database_insert(ctx);

    move(*database, "", ".away");
    return err;
}

START_TEST(a_commit_into_a_file_that_is_gone_is_not_one)
{
    database_t database;
    authsvc_ctx_t *ctx = database_migrated(unit_pool, ON_SQLITE, &database);

    database_exec(ctx, "CREATE TABLE t (a INTEGER) STRICT");
    ck_assert_ok(authsvc_db_transaction(ctx, insert_in_transaction, NULL));
    authsvc_error_t *err = authsvc_db_transaction(ctx, insert_and_lose_the_file, &database);
    ck_assert_code(err, AUTHSVC_E_UNAVAILABLE);
    ck_assert_int_eq(err->unknown_outcome, 1);
}
END_TEST

static void set_modes(database_t database, mode_t mode)
{
    static const char *const ends[] = {"", "-wal", "-shm"};

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(chmod(beside(database, ends[i]), mode), 0);
    }
}

/* A handle that opened it read-only would stay so, and keep others of its process from writing. */
START_TEST(a_file_that_may_be_written_again_is_written)
{
    database_t database = as_httpd();
    authsvc_ctx_t *ctx = database_open(unit_pool, database);
    authsvc_db_t *db;

    ctx->db_budget = apr_time_from_sec(20);
    ck_assert_ok(authsvc_migrate_up(ctx, 0, NULL, NULL, NULL));
    database_exec(ctx, "CREATE TABLE t (a INTEGER) STRICT");
    set_modes(database, 0440);
    ck_assert_code(authsvc_db_open(unit_pool, database.driver, database.params, &db),
                   AUTHSVC_E_UNAVAILABLE);
    /* who has it open goes on, until the file is another one */
    ck_assert_ok(database_insert(ctx));
    move(database, "", ".away");
    move(database, ".away", ".back");
    ck_assert_code(database_insert(ctx), AUTHSVC_E_UNAVAILABLE);
    move(database, ".back", "");
    ck_assert_code(database_insert(ctx), AUTHSVC_E_UNAVAILABLE);
    set_modes(database, 0640);
    ck_assert_ok(database_insert(ctx));
    ck_assert_int_eq(database_rows(database_open(unit_pool, database)), 2);
    clean_up(database);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_sqlite)
{
    Suite *suite = suite_create("sqlite");
    TCase *tcase = unit_tcase(suite, "sqlite");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_write_lock_is_waited_for_until_the_deadline);
    tcase_add_test(tcase, nothing_stays_open_after_a_statement);
    tcase_add_test(tcase, the_settings_hold);
    tcase_add_test(tcase, database_time_is_the_contexts);
    tcase_add_test(tcase, parameters_are_found_by_number);
    tcase_add_test(tcase, a_file_that_is_no_database_is_unavailable);
    tcase_add_test(tcase, a_pool_closes_its_database);
    tcase_add_test(tcase, others_get_nothing_of_a_new_file);
    tcase_add_test(tcase, others_lose_what_they_had_of_old_files);
    tcase_add_test(tcase, a_file_of_another_is_warned_of_once);
    tcase_add_test(tcase, a_database_in_memory_has_no_file);
    tcase_add_test(tcase, a_file_that_was_moved_away_is_not_written);
    tcase_add_test(tcase, a_file_that_was_replaced_is_found);
    tcase_add_test(tcase, a_commit_into_a_file_that_is_gone_is_not_one);
    tcase_add_test(tcase, a_file_that_may_be_written_again_is_written);
    return suite;
}
