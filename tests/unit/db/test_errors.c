/* SPDX-License-Identifier: Apache-2.0 */
#include "databases.h"

#include "authsvc/db/provider.h"

static const authsvc_statement_t insert = {
    .name = "insert",
    .sql = "INSERT INTO t (a) VALUES ($1)",
    .n_params = 1,
    .params = {AUTHSVC_DB_TEXT},
};

static const authsvc_statement_t count = {
    .name = "count",
    .sql = "SELECT COUNT(*) FROM t",
    .reads_only = 1,
    .n_columns = 1,
    .columns = {AUTHSVC_DB_INT},
};

static authsvc_ctx_t *with_table(int engine)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, engine, NULL);

    database_exec(ctx, engine == ON_PGSQL ? "CREATE TABLE t (a varchar(5) UNIQUE CHECK (a <> 'no'))"
                                          : "CREATE TABLE t (a TEXT UNIQUE CHECK (a <> 'no' AND"
                                            " length(a) <= 5)) STRICT");
    return ctx;
}

static apr_int64_t rows(authsvc_ctx_t *ctx)
{
    authsvc_db_result_t *result;

    ctx->db_budget = apr_time_from_sec(3);
    ck_assert_ok(authsvc_db_run(ctx, &count, NULL, &result));
    return authsvc_db_cell(result, 0, 0)->integer;
}

static authsvc_error_t *insert_text(authsvc_ctx_t *ctx, const char *text)
{
    const authsvc_db_value_t params[] = {authsvc_db_text(text)};
    authsvc_db_result_t *result;

    return authsvc_db_run(ctx, &insert, params, &result);
}

START_TEST(a_taken_value_is_a_conflict)
{
    authsvc_ctx_t *ctx = with_table(_i);
    authsvc_error_t *err;

    ck_assert_ok(insert_text(ctx, "zebra"));
    err = insert_text(ctx, "zebra");
    ck_assert_code(err, AUTHSVC_E_CONFLICT);
    ck_assert_ptr_null(err->detail);
    /* the engine's sentence names the constraint, and never the row */
    ck_assert_ptr_nonnull(strstr(err->internal, _i == ON_PGSQL ? "t_a_key" : "t.a"));
    ck_assert_ptr_null(strstr(authsvc_error_describe(err, unit_pool), "zebra"));
    ck_assert_int_eq(rows(ctx), 1);
}
END_TEST

START_TEST(other_constraints_are_our_fault)
{
    authsvc_ctx_t *ctx = with_table(_i);
    authsvc_error_t *err;

    ck_assert_code(insert_text(ctx, "no"), AUTHSVC_E_INTERNAL);
    err = insert_text(ctx, "much too long");
    ck_assert_code(err, AUTHSVC_E_INTERNAL);
    ck_assert_ptr_null(strstr(authsvc_error_describe(err, unit_pool), "much too"));
    ck_assert_int_eq(rows(ctx), 0);
}
END_TEST

START_TEST(what_is_missing_is_unavailable)
{
    static const authsvc_statement_t no_table = {.name = "no_table", .sql = "DELETE FROM missing"};
    static const authsvc_statement_t no_column = {.name = "no_column",
                                                  .sql = "UPDATE t SET b = a"};
    static const authsvc_statement_t no_target = {.name = "no_target",
                                                  .sql = "INSERT INTO t (b) VALUES ('x')"};
    authsvc_ctx_t *ctx = with_table(_i);
    authsvc_db_result_t *result;

    ck_assert_code(authsvc_db_run(ctx, &no_table, NULL, &result), AUTHSVC_E_UNAVAILABLE);
    ck_assert_code(authsvc_db_run(ctx, &no_column, NULL, &result), AUTHSVC_E_UNAVAILABLE);
    ck_assert_code(authsvc_db_run(ctx, &no_target, NULL, &result), AUTHSVC_E_UNAVAILABLE);
    ck_assert_int_eq(rows(ctx), 0);
}
END_TEST

START_TEST(a_used_up_budget_is_unavailable)
{
    authsvc_ctx_t *ctx = with_table(_i);

    ctx->db_budget = 0;
    ck_assert_code(insert_text(ctx, "a"), AUTHSVC_E_UNAVAILABLE);
    ctx->db_budget = -1;
    ck_assert_code(insert_text(ctx, "a"), AUTHSVC_E_UNAVAILABLE);
    ck_assert_int_eq(rows(ctx), 0);
}
END_TEST

START_TEST(the_budget_is_spent)
{
    authsvc_ctx_t *ctx = with_table(_i);
    apr_interval_time_t before = ctx->db_budget;

    ck_assert_ok(insert_text(ctx, "a"));
    ck_assert_int_lt(ctx->db_budget, before);
    ck_assert_int_gt(ctx->db_budget, before - apr_time_from_sec(1));
}
END_TEST

START_TEST(a_long_statement_ends_at_the_deadline)
{
    static const authsvc_statement_t forever = {
        .name = "forever",
        .pgsql = "SELECT 1 FROM (SELECT pg_sleep(30)) AS s",
        .sqlite = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                  " SELECT MAX(i) FROM n",
        .reads_only = 1,
        .n_columns = 1,
        .columns = {AUTHSVC_DB_INT},
    };
    authsvc_ctx_t *ctx = with_table(_i);
    apr_time_t started = authsvc_clock_monotonic();
    authsvc_db_result_t *result;

    ctx->db_budget = apr_time_from_msec(300);
    ck_assert_code(authsvc_db_run(ctx, &forever, NULL, &result), AUTHSVC_E_UNAVAILABLE);
    ck_assert_int_lt(authsvc_clock_monotonic() - started, apr_time_from_msec(600));
    ck_assert_int_ge(authsvc_clock_monotonic() - started, apr_time_from_msec(290));
    ck_assert_int_eq(ctx->db_budget, 0);
    /* and the next one has a connection that works */
    ck_assert_int_eq(rows(ctx), 0);
}
END_TEST

/* --- transactions --- */

typedef struct {
    int swallow; /* the function hides a failed statement */
    int fail;    /* the function fails by itself */
    int nested;
} plan_t;

static authsvc_error_t *insert_two(authsvc_ctx_t *ctx, void *baton)
{
    const plan_t *plan = baton;
    const plan_t none = {0, 0, 0};

    AUTHSVC_TRY(insert_text(ctx, "one"));
    if (plan->nested) {
        plan_t inner = none;

        inner.fail = plan->fail;
        (void)authsvc_db_transaction(ctx, insert_two, &inner);
        return NULL;
    }
    if (plan->swallow) {
        (void)insert_text(ctx, "no");
        /* On SQLite alone this would be done, and committed. */
        (void)insert_text(ctx, "late");
        return NULL;
    }
    if (plan->fail) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_FORBIDDEN, NULL, NULL, "on purpose");
    }
    return insert_text(ctx, "two");
}

START_TEST(a_transaction_commits)
{
    authsvc_ctx_t *ctx = with_table(_i);
    plan_t plan = {0, 0, 0};

    ck_assert_ok(authsvc_db_transaction(ctx, insert_two, &plan));
    ck_assert_ptr_null(ctx->txn);
    ck_assert_int_eq(rows(ctx), 2);
}
END_TEST

START_TEST(an_error_of_the_function_rolls_back)
{
    authsvc_ctx_t *ctx = with_table(_i);
    plan_t plan = {0, 1, 0};

    ck_assert_code(authsvc_db_transaction(ctx, insert_two, &plan), AUTHSVC_E_FORBIDDEN);
    ck_assert_ptr_null(ctx->txn);
    ck_assert_int_eq(rows(ctx), 0);
    plan.fail = 0;
    ck_assert_ok(authsvc_db_transaction(ctx, insert_two, &plan));
    ck_assert_int_eq(rows(ctx), 2);
}
END_TEST

START_TEST(a_swallowed_error_rolls_back)
{
    authsvc_ctx_t *ctx = with_table(_i);
    plan_t plan = {1, 0, 0};

    ck_assert_code(authsvc_db_transaction(ctx, insert_two, &plan), AUTHSVC_E_INTERNAL);
    ck_assert_int_eq(rows(ctx), 0);
}
END_TEST

START_TEST(an_inner_transaction_shares_the_fate)
{
    authsvc_ctx_t *ctx = with_table(_i);
    plan_t plan = {0, 0, 1};

    /* The inner one inserts "one" again: a conflict, which the outer function swallows. */
    ck_assert_code(authsvc_db_transaction(ctx, insert_two, &plan), AUTHSVC_E_CONFLICT);
    ck_assert_int_eq(rows(ctx), 0);
}
END_TEST

static authsvc_error_t *sleep_past_budget(authsvc_ctx_t *ctx, void *baton)
{
    (void)baton;
    AUTHSVC_TRY(insert_text(ctx, "one"));
    ctx->db_budget = 0;
    return insert_text(ctx, "two");
}

START_TEST(a_transaction_out_of_time_rolls_back)
{
    authsvc_ctx_t *ctx = with_table(_i);

    ck_assert_code(authsvc_db_transaction(ctx, sleep_past_budget, NULL), AUTHSVC_E_UNAVAILABLE);
    ck_assert_int_eq(rows(ctx), 0);
    ck_assert_ok(insert_text(ctx, "three"));
    ck_assert_int_eq(rows(ctx), 1);
}
END_TEST

/* --- schema check and identity --- */

START_TEST(an_empty_database_names_the_command)
{
    static const authsvc_statement_t one = {
        .name = "one", .sql = "SELECT 1", .reads_only = 1, .n_columns = 1};
    authsvc_ctx_t *ctx = database_open(unit_pool, database_create(unit_pool, _i));
    unsigned char id[AUTHSVC_UUID_OCTETS];
    unit_log_t lines = {0};
    const authsvc_log_t log = {unit_log_write, &lines};
    authsvc_statement_t number = one;
    authsvc_db_result_t *result;

    number.columns[0] = AUTHSVC_DB_INT;
    ctx->log = &log;
    ck_assert_code(authsvc_db_run(ctx, &number, NULL, &result), AUTHSVC_E_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(lines.all, "authsvcctl migrate up"));
    ck_assert_code(authsvc_db_identity(ctx, id), AUTHSVC_E_UNAVAILABLE);
    /* one of two migrations is not enough */
    ck_assert_ok(authsvc_migrate_up(ctx, 1, NULL, NULL, NULL));
    memset(&lines, 0, sizeof(lines));
    ck_assert_code(authsvc_db_run(ctx, &number, NULL, &result), AUTHSVC_E_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(lines.all, "authsvcctl migrate up"));
    /* the failure is not remembered: nothing but the schema has to change */
    ck_assert_ok(authsvc_migrate_up(ctx, 0, NULL, NULL, NULL));
    ck_assert_ok(authsvc_db_run(ctx, &number, NULL, &result));
}
END_TEST

START_TEST(a_newer_schema_is_refused_if_it_says_so)
{
    database_t database;
    authsvc_ctx_t *owner = database_migrated(unit_pool, _i, &database);
    authsvc_ctx_t *ctx;
    unsigned char id[AUTHSVC_UUID_OCTETS];
    unit_log_t lines = {0};
    const authsvc_log_t log = {unit_log_write, &lines};

    /* A later migration that this module can live with. */
    database_exec(owner, "INSERT INTO authsvc_schema (version, name, checksum, min_module,"
                         " applied_at) SELECT 99, 'later', checksum, 1, applied_at"
                         " FROM authsvc_schema WHERE version = 1");
    ctx = database_open(unit_pool, database);
    ctx->log = &log;
    ck_assert_ok(authsvc_db_identity(ctx, id));
    database_exec(owner, "UPDATE authsvc_schema SET min_module = 2 WHERE version = 99");
    ctx = database_open(unit_pool, database);
    ctx->log = &log;
    ck_assert_code(authsvc_db_identity(ctx, id), AUTHSVC_E_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(lines.all, "AS0101"));
}
END_TEST

START_TEST(the_identity_is_the_row)
{
    database_t database;
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, &database);
    unsigned char first[AUTHSVC_UUID_OCTETS];
    unsigned char second[AUTHSVC_UUID_OCTETS];

    ck_assert_ok(authsvc_db_identity(ctx, first));
    ck_assert_str_eq(authsvc_uuid_format(unit_pool, first),
                     database_ask(ctx, "SELECT id FROM authsvc_database"));
    ck_assert_ok(authsvc_db_identity(database_open(unit_pool, database), second));
    ck_assert_mem_eq(first, second, sizeof(first));
    ck_assert_ok(authsvc_db_identity(database_migrated(unit_pool, _i, NULL), second));
    ck_assert_mem_ne(first, second, sizeof(first));
}
END_TEST

START_TEST(a_migration_down_is_noticed)
{
    database_t database;
    authsvc_ctx_t *ctx = database_migrated(unit_pool, _i, &database);
    unit_log_t lines = {0};
    const authsvc_log_t log = {unit_log_write, &lines};
    static const authsvc_statement_t sessions = {
        .name = "sessions", .sql = "DELETE FROM sessions"};
    authsvc_db_result_t *result;

    ctx->log = &log;
    ck_assert_ok(authsvc_db_run(ctx, &sessions, NULL, &result));
    ck_assert_ok(authsvc_migrate_down(database_open(unit_pool, database), 1, NULL, NULL));
    ck_assert_code(authsvc_db_run(ctx, &sessions, NULL, &result), AUTHSVC_E_UNAVAILABLE);
    ck_assert_code(authsvc_db_run(ctx, &sessions, NULL, &result), AUTHSVC_E_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(lines.all, "authsvcctl migrate up"));
    ck_assert_ok(authsvc_migrate_up(database_open(unit_pool, database), 0, NULL, NULL, NULL));
    ck_assert_ok(authsvc_db_run(ctx, &sessions, NULL, &result));
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_errors)
{
    Suite *suite = suite_create("errors");
    TCase *tcase = unit_tcase(suite, "mapping");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_taken_value_is_a_conflict, 0, ENGINES);
    tcase_add_loop_test(tcase, other_constraints_are_our_fault, 0, ENGINES);
    tcase_add_loop_test(tcase, what_is_missing_is_unavailable, 0, ENGINES);
    tcase_add_loop_test(tcase, a_used_up_budget_is_unavailable, 0, ENGINES);
    tcase_add_loop_test(tcase, the_budget_is_spent, 0, ENGINES);
    tcase_add_loop_test(tcase, a_long_statement_ends_at_the_deadline, 0, ENGINES);

    tcase = unit_tcase(suite, "transactions");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_transaction_commits, 0, ENGINES);
    tcase_add_loop_test(tcase, an_error_of_the_function_rolls_back, 0, ENGINES);
    tcase_add_loop_test(tcase, a_swallowed_error_rolls_back, 0, ENGINES);
    tcase_add_loop_test(tcase, an_inner_transaction_shares_the_fate, 0, ENGINES);
    tcase_add_loop_test(tcase, a_transaction_out_of_time_rolls_back, 0, ENGINES);

    tcase = unit_tcase(suite, "schema");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, an_empty_database_names_the_command, 0, ENGINES);
    tcase_add_loop_test(tcase, a_newer_schema_is_refused_if_it_says_so, 0, ENGINES);
    tcase_add_loop_test(tcase, the_identity_is_the_row, 0, ENGINES);
    tcase_add_loop_test(tcase, a_migration_down_is_noticed, 0, ENGINES);
    return suite;
}
