/* SPDX-License-Identifier: Apache-2.0 */
#include "databases.h"

#define ID "0190a000-1234-7abc-8def-0123456789ab"

static const authsvc_statement_t insert_all = {
    .name = "insert_all",
    .sql = "INSERT INTO t (a, b, c, d, e, f) VALUES ($1, $2, $3, $4, $5, $6)"
           " RETURNING a, b, c, d, e, f",
    .n_params = 6,
    .params = {AUTHSVC_DB_TEXT, AUTHSVC_DB_INT, AUTHSVC_DB_BOOL, AUTHSVC_DB_UUID, AUTHSVC_DB_BYTES,
               AUTHSVC_DB_TIME},
    .n_columns = 6,
    .columns = {AUTHSVC_DB_TEXT, AUTHSVC_DB_INT, AUTHSVC_DB_BOOL, AUTHSVC_DB_UUID,
                AUTHSVC_DB_BYTES, AUTHSVC_DB_TIME},
    .nullable = 63,
};

static const authsvc_statement_t select_all = {
    .name = "select_all",
    .sql = "SELECT a, b, c, d, e, f FROM t",
    .reads_only = 1,
    .n_columns = 6,
    .columns = {AUTHSVC_DB_TEXT, AUTHSVC_DB_INT, AUTHSVC_DB_BOOL, AUTHSVC_DB_UUID,
                AUTHSVC_DB_BYTES, AUTHSVC_DB_TIME},
    .nullable = 63,
};

static authsvc_ctx_t *with_table(int engine)
{
    authsvc_ctx_t *ctx = database_migrated(unit_pool, engine, NULL);

    database_exec(ctx, engine == ON_PGSQL
                           ? "CREATE TABLE t (a varchar(2000000), b bigint, c boolean, d uuid,"
                             " e bytea, f timestamptz, s smallint, i integer, r user_role)"
                           : "CREATE TABLE t (a TEXT, b INTEGER, c INTEGER, d TEXT, e BLOB,"
                             " f INTEGER, s INTEGER, i INTEGER, r TEXT) STRICT");
    return ctx;
}

static void same(const authsvc_db_value_t *cell, const authsvc_db_value_t *sent)
{
    ck_assert_int_eq(cell->type, sent->type);
    ck_assert_int_eq(cell->null, sent->null);
    if (sent->null) {
        return;
    }
    switch (sent->type) {
    case AUTHSVC_DB_TEXT:
    case AUTHSVC_DB_UUID:
    case AUTHSVC_DB_BYTES:
        ck_assert_uint_eq(cell->size, sent->size);
        ck_assert_int_eq(memcmp(cell->text, sent->text, sent->size), 0);
        ck_assert_int_eq(cell->text[cell->size], '\0');
        break;
    case AUTHSVC_DB_INT:
    case AUTHSVC_DB_BOOL:
    case AUTHSVC_DB_TIME:
        ck_assert_int_eq(cell->integer, sent->integer);
        break;
    }
}

/* What is sent is what RETURNING says, and what a later SELECT says. */
static void round_trip(authsvc_ctx_t *ctx, const authsvc_db_value_t *sent)
{
    authsvc_db_result_t *result;

    database_exec(ctx, "DELETE FROM t");
    ctx->db_budget = apr_time_from_sec(3);
    ck_assert_ok(authsvc_db_run(ctx, &insert_all, sent, &result));
    ck_assert_int_eq(result->n_rows, 1);
    ck_assert_int_eq(result->affected, 1);
    for (int i = 0; i < 6; i++) {
        same(authsvc_db_cell(result, 0, i), &sent[i]);
    }
    ck_assert_ok(authsvc_db_run(ctx, &select_all, NULL, &result));
    ck_assert_int_eq(result->n_rows, 1);
    ck_assert_int_eq(result->affected, 0);
    for (int i = 0; i < 6; i++) {
        same(authsvc_db_cell(result, 0, i), &sent[i]);
    }
}

START_TEST(every_type_comes_back)
{
    authsvc_ctx_t *ctx = with_table(_i);
    const authsvc_db_value_t usual[] = {
        authsvc_db_text("Z\xc3\xbcrich \xf0\x9f\x94\x91 'quoted' \\ \"x\""),
        authsvc_db_int(-42),
        authsvc_db_bool(1),
        authsvc_db_uuid(ID),
        authsvc_db_bytes("\0\1\xff", 3),
        authsvc_db_time(APR_INT64_C(1785000000123456)),
    };
    round_trip(ctx, usual);
}
END_TEST

START_TEST(nulls_come_back)
{
    authsvc_ctx_t *ctx = with_table(_i);
    const authsvc_db_value_t number = {.type = AUTHSVC_DB_INT, .null = 1};
    const authsvc_db_value_t flag = {.type = AUTHSVC_DB_BOOL, .null = 1};
    const authsvc_db_value_t moment = {.type = AUTHSVC_DB_TIME, .null = 1};
    const authsvc_db_value_t nothing[] = {
        authsvc_db_text(NULL), number, flag, authsvc_db_uuid(NULL), authsvc_db_bytes(NULL, 0),
        moment,
    };
    round_trip(ctx, nothing);
}
END_TEST

START_TEST(empty_is_not_null)
{
    authsvc_ctx_t *ctx = with_table(_i);
    const authsvc_db_value_t empty[] = {
        authsvc_db_text(""), authsvc_db_int(0), authsvc_db_bool(0), authsvc_db_uuid(ID),
        authsvc_db_bytes("", 0), authsvc_db_time(0),
    };
    round_trip(ctx, empty);
}
END_TEST

START_TEST(extremes_come_back)
{
    authsvc_ctx_t *ctx = with_table(_i);
    apr_size_t size = 1024 * 1024;
    char *text = apr_palloc(unit_pool, size + 1);
    unsigned char *octets = apr_palloc(unit_pool, size);
    authsvc_db_value_t values[] = {
        authsvc_db_text(NULL), authsvc_db_int(APR_INT64_MAX), authsvc_db_bool(1),
        authsvc_db_uuid("ffffffff-ffff-ffff-ffff-ffffffffffff"), authsvc_db_bytes(octets, size),
        authsvc_db_time(APR_INT64_C(253402300799999999)), /* the end of the year 9999 */
    };

    for (apr_size_t i = 0; i < size; i++) {
        text[i] = (char)('a' + i % 26);
        octets[i] = (unsigned char)(i * 7);
    }
    text[size] = '\0';
    values[0] = authsvc_db_text(text);
    round_trip(ctx, values);
    values[1] = authsvc_db_int(APR_INT64_MIN);
    values[5] = authsvc_db_time(APR_INT64_C(-1));
    round_trip(ctx, values);
}
END_TEST

START_TEST(narrow_columns_are_integers_too)
{
    static const authsvc_statement_t narrow = {
        .name = "narrow",
        .sql = "INSERT INTO t (s, i, r) VALUES ($1, $2, $3) RETURNING s, i, r",
        .n_params = 3,
        .params = {AUTHSVC_DB_INT, AUTHSVC_DB_INT, AUTHSVC_DB_TEXT},
        .n_columns = 3,
        .columns = {AUTHSVC_DB_INT, AUTHSVC_DB_INT, AUTHSVC_DB_TEXT},
    };
    authsvc_ctx_t *ctx = with_table(_i);
    const authsvc_db_value_t params[] = {authsvc_db_int(-32768), authsvc_db_int(2147483647),
                                         authsvc_db_text("admin")};
    authsvc_db_result_t *result;

    ck_assert_ok(authsvc_db_run(ctx, &narrow, params, &result));
    ck_assert_int_eq(authsvc_db_cell(result, 0, 0)->integer, -32768);
    ck_assert_int_eq(authsvc_db_cell(result, 0, 1)->integer, 2147483647);
    ck_assert_str_eq(authsvc_db_cell(result, 0, 2)->text, "admin");
}
END_TEST

START_TEST(a_uuid_has_one_form)
{
    static const authsvc_statement_t find = {
        .name = "find",
        .sql = "SELECT d FROM t WHERE d = $1",
        .reads_only = 1,
        .n_params = 1,
        .params = {AUTHSVC_DB_UUID},
        .n_columns = 1,
        .columns = {AUTHSVC_DB_UUID},
    };
    authsvc_ctx_t *ctx = with_table(_i);
    authsvc_db_value_t params[] = {authsvc_db_uuid("0190A000-1234-7ABC-8DEF-0123456789AB")};
    authsvc_db_result_t *result;

    database_exec(ctx, "INSERT INTO t (d) VALUES ('" ID "')");
    ck_assert_ok(authsvc_db_run(ctx, &find, params, &result));
    ck_assert_int_eq(result->n_rows, 1);
    ck_assert_str_eq(authsvc_db_cell(result, 0, 0)->text, ID);
    params[0] = authsvc_db_uuid("not-a-uuid");
    ck_assert_code(authsvc_db_run(ctx, &find, params, &result), AUTHSVC_E_INTERNAL);
}
END_TEST

START_TEST(many_rows_come_in_order)
{
    static const authsvc_statement_t rows = {
        .name = "rows",
        .sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
               " SELECT i, i * 2 FROM n ORDER BY i",
        .reads_only = 1,
        .n_columns = 2,
        .columns = {AUTHSVC_DB_INT, AUTHSVC_DB_INT},
    };
    authsvc_ctx_t *ctx = with_table(_i);
    authsvc_db_result_t *result;

    ck_assert_ok(authsvc_db_run(ctx, &rows, NULL, &result));
    ck_assert_int_eq(result->n_rows, 5000);
    ck_assert_int_eq(result->n_columns, 2);
    for (int i = 0; i < 5000; i++) {
        ck_assert_int_eq(authsvc_db_cell(result, i, 0)->integer, i + 1);
        ck_assert_int_eq(authsvc_db_cell(result, i, 1)->integer, 2 * (i + 1));
    }
}
END_TEST

START_TEST(affected_counts_changes_only)
{
    static const authsvc_statement_t update = {
        .name = "update",
        .sql = "UPDATE t SET b = b + $1",
        .n_params = 1,
        .params = {AUTHSVC_DB_INT},
    };
    static const authsvc_statement_t no_conflict = {
        .name = "no_conflict",
        .sql = "INSERT INTO t (a) VALUES ($1) ON CONFLICT DO NOTHING",
        .n_params = 1,
        .params = {AUTHSVC_DB_TEXT},
    };
    authsvc_ctx_t *ctx = with_table(_i);
    const authsvc_db_value_t one[] = {authsvc_db_int(1)};
    const authsvc_db_value_t text[] = {authsvc_db_text("twice")};
    authsvc_db_result_t *result;

    database_exec(ctx, "INSERT INTO t (b) VALUES (1), (2), (3)");
    ck_assert_ok(authsvc_db_run(ctx, &update, one, &result));
    ck_assert_int_eq(result->affected, 3);
    ck_assert_int_eq(result->n_rows, 0);
    database_exec(ctx, "CREATE UNIQUE INDEX t_a ON t (a)");
    ck_assert_ok(authsvc_db_run(ctx, &no_conflict, text, &result));
    ck_assert_int_eq(result->affected, 1);
    ck_assert_ok(authsvc_db_run(ctx, &no_conflict, text, &result));
    ck_assert_int_eq(result->affected, 0);
}
END_TEST

/* A declaration that the database contradicts is our own fault, and is seen. */
START_TEST(wrong_declarations_are_refused)
{
    static const authsvc_statement_t statements[] = {
        {.name = "type", .sql = "SELECT a FROM t", .n_columns = 1, .columns = {AUTHSVC_DB_INT}},
        {.name = "bytes", .sql = "SELECT a FROM t", .n_columns = 1, .columns = {AUTHSVC_DB_BYTES}},
        {.name = "number", .sql = "SELECT b FROM t", .n_columns = 1, .columns = {AUTHSVC_DB_TEXT}},
        {.name = "few", .sql = "SELECT a, b FROM t", .n_columns = 1, .columns = {AUTHSVC_DB_TEXT}},
        {.name = "many",
         .sql = "SELECT a FROM t",
         .n_columns = 2,
         .columns = {AUTHSVC_DB_TEXT, AUTHSVC_DB_INT}},
        {.name = "null", .sql = "SELECT e FROM t", .n_columns = 1, .columns = {AUTHSVC_DB_BYTES}},
        {.name = "syntax", .sql = "SELEKT"},
    };
    static const authsvc_statement_t right = {
        .name = "right", .sql = "SELECT a FROM t", .n_columns = 1, .columns = {AUTHSVC_DB_TEXT}};
    authsvc_ctx_t *ctx = with_table(_i);
    authsvc_db_result_t *result;

    database_exec(ctx, "INSERT INTO t (a, b) VALUES ('x', 1)");
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        ck_assert_code(authsvc_db_run(ctx, &statements[i], NULL, &result), AUTHSVC_E_INTERNAL);
        ck_assert_ptr_null(result);
        /* and the connection is as good as before */
        ck_assert_ok(authsvc_db_run(ctx, &right, NULL, &result));
        ck_assert_str_eq(authsvc_db_cell(result, 0, 0)->text, "x");
    }
}
END_TEST

START_TEST(parameters_have_their_types)
{
    static const authsvc_statement_t find = {
        .name = "find",
        .sql = "SELECT b FROM t WHERE b = $1",
        .n_params = 1,
        .params = {AUTHSVC_DB_INT},
        .n_columns = 1,
        .columns = {AUTHSVC_DB_INT},
    };
    static const authsvc_statement_t undeclared = {
        .name = "undeclared",
        .sql = "SELECT b FROM t WHERE b = $1",
        .n_columns = 1,
        .columns = {AUTHSVC_DB_INT},
    };
    authsvc_ctx_t *ctx = with_table(_i);
    const authsvc_db_value_t wrong[] = {authsvc_db_text("1")};
    const authsvc_db_value_t right[] = {authsvc_db_int(1)};
    authsvc_db_result_t *result;

    ck_assert_code(authsvc_db_run(ctx, &find, wrong, &result), AUTHSVC_E_INTERNAL);
    ck_assert_code(authsvc_db_run(ctx, &find, NULL, &result), AUTHSVC_E_INTERNAL);
    /* PostgreSQL calls it a protocol violation, 08P01, and so does PgBouncer when it is down. */
    ck_assert_ptr_nonnull(authsvc_db_run(ctx, &undeclared, NULL, &result));
    ck_assert_ok(authsvc_db_run(ctx, &find, right, &result));
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_values)
{
    Suite *suite = suite_create("values");
    TCase *tcase = unit_tcase(suite, "values");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, every_type_comes_back, 0, ENGINES);
    tcase_add_loop_test(tcase, nulls_come_back, 0, ENGINES);
    tcase_add_loop_test(tcase, empty_is_not_null, 0, ENGINES);
    tcase_add_loop_test(tcase, extremes_come_back, 0, ENGINES);
    tcase_add_loop_test(tcase, narrow_columns_are_integers_too, 0, ENGINES);
    tcase_add_loop_test(tcase, a_uuid_has_one_form, 0, ENGINES);
    tcase_add_loop_test(tcase, many_rows_come_in_order, 0, ENGINES);
    tcase_add_loop_test(tcase, affected_counts_changes_only, 0, ENGINES);
    tcase_add_loop_test(tcase, wrong_declarations_are_refused, 0, ENGINES);
    tcase_add_loop_test(tcase, parameters_have_their_types, 0, ENGINES);
    return suite;
}
