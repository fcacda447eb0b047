/* SPDX-License-Identifier: Apache-2.0 */
#include "databases.h"

#include <sys/wait.h>
#include <unistd.h>

#include "mod_authsvc/db/migrations.h"

typedef struct {
    int n;
    char all[4096];
} report_t;

static void note(void *baton, const char *line)
{
    report_t *report = baton;
    size_t used = strlen(report->all);

    report->n++;
    snprintf(report->all + used, sizeof(report->all) - used, "%s\n", line);
}

static authsvc_ctx_t *empty(int engine, database_t *database)
{
    authsvc_ctx_t *ctx;

    *database = database_create(unit_pool, engine);
    ctx = database_open(unit_pool, *database);
    ctx->db_budget = apr_time_from_sec(30);
    return ctx;
}

/* Every object with all that the catalog says of it. */
static const char *dump(authsvc_ctx_t *ctx, int engine)
{
    if (engine == ON_SQLITE) {
        return database_ask(ctx, "SELECT group_concat(type || name || tbl_name || sql, x'0a')"
                                 " FROM (SELECT * FROM sqlite_master ORDER BY type, name)");
    }
    return database_ask(
        ctx,
        "SELECT coalesce((SELECT string_agg(format('%s.%s %s %s %s %s', c.relname, a.attname,"
        " format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attnum,"
        " pg_get_expr(d.adbin, d.adrelid)), E'\\n' ORDER BY c.relname, a.attnum)"
        " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
        " LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
        " WHERE c.relnamespace = 'public'::regnamespace), '') ||"
        " coalesce((SELECT string_agg(indexdef, E'\\n' ORDER BY indexname) FROM pg_indexes"
        " WHERE schemaname = 'public'), '') ||"
        " coalesce((SELECT string_agg(conrelid::regclass::text || conname ||"
        " pg_get_constraintdef(oid), E'\\n' ORDER BY conrelid::regclass::text, conname)"
        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace), '') ||"
        " coalesce((SELECT string_agg(pg_get_functiondef(oid), E'\\n' ORDER BY oid::regprocedure)"
        " FROM pg_proc WHERE pronamespace = 'public'::regnamespace), '') ||"
        " coalesce((SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum), '') ||"
        " coalesce((SELECT string_agg(reloptions::text, ',') FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace), '')");
}

START_TEST(up_down_up_is_identical)
{
    database_t database;
    authsvc_ctx_t *ctx = empty(_i, &database);
    report_t report = {0};
    const char *first;

    ck_assert_ok(authsvc_migrate_up(ctx, 0, NULL, note, &report));
    ck_assert_int_eq(report.n, AUTHSVC_SCHEMA_VERSION);
    ck_assert_ptr_nonnull(strstr(report.all, "0001 create_users"));
    first = dump(ctx, _i);
    ck_assert_ptr_nonnull(strstr(first, "idx_users_email"));
    ck_assert_ptr_nonnull(strstr(first, "sessions"));
    /* a second up does nothing */
    ck_assert_ok(authsvc_migrate_up(ctx, 0, NULL, note, &report));
    ck_assert_int_eq(report.n, AUTHSVC_SCHEMA_VERSION);
    /* one down, one up */
    ck_assert_ok(authsvc_migrate_down(ctx, AUTHSVC_SCHEMA_VERSION - 1, note, &report));
    ck_assert_int_eq(report.n, AUTHSVC_SCHEMA_VERSION + 1);
    ck_assert_str_ne(dump(ctx, _i), first);
    ck_assert_ok(authsvc_migrate_up(ctx, 0, NULL, NULL, NULL));
    ck_assert_str_eq(dump(ctx, _i), first);
    /* all the way down leaves nothing, and up again the same */
    ck_assert_ok(authsvc_migrate_down(ctx, 0, NULL, NULL));
    if (_i == ON_PGSQL) {
        ck_assert_str_eq(dump(ctx, _i), "");
    } else {
        ck_assert_ptr_null(dump(ctx, _i));
    }
    ck_assert_ok(authsvc_migrate_down(ctx, 0, NULL, NULL));
    ck_assert_ok(authsvc_migrate_up(ctx, 0, NULL, NULL, NULL));
    ck_assert_str_eq(dump(ctx, _i), first);
}
END_TEST

START_TEST(the_list_is_the_one_the_header_counts)
{
    const authsvc_migration_t *lists[] = {authsvc_migrations_pgsql, authsvc_migrations_sqlite};

    for (int i = 0; i < 2; i++) {
        int n = 0;

        for (; lists[i][n].version; n++) {
            ck_assert_int_eq(lists[i][n].version, n + 1);
            ck_assert_uint_eq(strlen(lists[i][n].checksum), 64);
            ck_assert_str_eq(lists[0][n].name, lists[1][n].name);
        }
        ck_assert_int_eq(n, AUTHSVC_SCHEMA_VERSION);
    }
}
END_TEST

START_TEST(status_tells_each_state)
{
    database_t database;
    authsvc_ctx_t *ctx = empty(_i, &database);
    apr_array_header_t *rows;
    apr_time_t before = apr_time_now() - apr_time_from_sec(1);
    authsvc_migration_status_t *row;

    ck_assert_ok(authsvc_migrate_status(ctx, &rows));
    ck_assert_int_eq(rows->nelts, AUTHSVC_SCHEMA_VERSION);
    row = (authsvc_migration_status_t *)rows->elts;
    ck_assert_str_eq(row[0].state, "pending");
    ck_assert_int_eq(row[0].applied_at, 0);
    ck_assert_ok(authsvc_migrate_up(ctx, 1, NULL, NULL, NULL));
    database_exec(ctx, "INSERT INTO authsvc_schema (version, name, checksum, min_module,"
                       " applied_at) SELECT 99, 'later', checksum, 1, applied_at"
                       " FROM authsvc_schema WHERE version = 1");
    ck_assert_ok(authsvc_migrate_status(ctx, &rows));
    ck_assert_int_eq(rows->nelts, AUTHSVC_SCHEMA_VERSION + 1);
    row = (authsvc_migration_status_t *)rows->elts;
    ck_assert_str_eq(row[0].state, "applied");
    ck_assert_str_eq(row[0].name, "create_users");
    ck_assert_int_gt(row[0].applied_at, before);
    ck_assert_str_eq(row[1].state, "pending");
    ck_assert_str_eq(row[AUTHSVC_SCHEMA_VERSION].state, "unknown");
    ck_assert_str_eq(row[AUTHSVC_SCHEMA_VERSION].name, "later");
    /* what this build does not know, it cannot take down */
    ck_assert_code(authsvc_migrate_down(ctx, 0, NULL, NULL), AUTHSVC_E_CONFLICT);
    database_exec(ctx, "UPDATE authsvc_schema SET checksum = 'x' WHERE version = 1");
    ck_assert_ok(authsvc_migrate_status(ctx, &rows));
    ck_assert_str_eq(((authsvc_migration_status_t *)rows->elts)[0].state, "changed");
}
END_TEST

/* The embedded ones with another second migration. */
static authsvc_migration_t *changed(int engine, const char *up, const char *down)
{
    const authsvc_migration_t *own =
        engine == ON_PGSQL ? authsvc_migrations_pgsql : authsvc_migrations_sqlite;
    authsvc_migration_t *list = apr_pcalloc(unit_pool, 3 * sizeof(*list));

    list[0] = own[0];
    list[1].version = 2;
    list[1].name = "other";
    list[1].up = up;
    list[1].down = down;
    list[1].checksum = "0000000000000000000000000000000000000000000000000000000000000000";
    return list;
}

START_TEST(a_changed_migration_is_refused)
{
    database_t database;
    authsvc_ctx_t *ctx = empty(_i, &database);
    const authsvc_migration_t *list =
        changed(_i, "-- min_module: 1\nCREATE TABLE x (a integer);\n", "DROP TABLE x;\n");
    const char *before;
    authsvc_error_t *err;

    ck_assert_ok(authsvc_migrate_up(ctx, 0, NULL, NULL, NULL));
    before = dump(ctx, _i);
    err = authsvc_migrations_up(ctx, list, 0, NULL, NULL, NULL);
    ck_assert_code(err, AUTHSVC_E_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err->detail, "0002_other"));
    ck_assert_code(authsvc_migrations_down(ctx, list, 0, NULL, NULL), AUTHSVC_E_CONFLICT);
    ck_assert_str_eq(dump(ctx, _i), before);
    /* the control: where it is the one that was applied, it goes up and down */
    ctx = empty(_i, &database);
    ck_assert_ok(authsvc_migrations_up(ctx, list, 0, NULL, NULL, NULL));
    ck_assert_str_eq(database_ask(ctx, "SELECT COUNT(*) FROM x"), "0");
    ck_assert_ok(authsvc_migrations_down(ctx, list, 0, NULL, NULL));
}
END_TEST

START_TEST(a_failing_migration_leaves_nothing)
{
    database_t database;
    authsvc_ctx_t *ctx = empty(_i, &database);
    const authsvc_migration_t *list =
        changed(_i, "-- min_module: 1\nCREATE TABLE x (a integer);\nCREATE TABLE x (a integer);\n",
                "DROP TABLE x;\n");
    apr_array_header_t *rows;
    authsvc_error_t *err;

    err = authsvc_migrations_up(ctx, list, 0, NULL, NULL, NULL);
    ck_assert_ptr_nonnull(err);
    ck_assert_ptr_nonnull(strstr(err->internal, "0002_other"));
    ck_assert_str_eq(database_ask(ctx, _i == ON_PGSQL
                                           ? "SELECT COUNT(*) FROM pg_class WHERE relname = 'x'"
                                           : "SELECT COUNT(*) FROM sqlite_master WHERE name = 'x'"),
                     "0");
    ck_assert_ok(authsvc_migrations_status(ctx, list, &rows));
    ck_assert_str_eq(((authsvc_migration_status_t *)rows->elts)[0].state, "applied");
    ck_assert_str_eq(((authsvc_migration_status_t *)rows->elts)[1].state, "pending");
    ck_assert_ok(authsvc_migrate_up(ctx, 0, NULL, NULL, NULL));
}
END_TEST

START_TEST(numbers_out_of_range_are_refused)
{
    database_t database;
    authsvc_ctx_t *ctx = empty(_i, &database);

    ck_assert_code(authsvc_migrate_up(ctx, AUTHSVC_SCHEMA_VERSION + 1, NULL, NULL, NULL),
                   AUTHSVC_E_INVALID);
    ck_assert_code(authsvc_migrate_up(ctx, -1, NULL, NULL, NULL), AUTHSVC_E_INVALID);
    ck_assert_code(authsvc_migrate_down(ctx, -1, NULL, NULL), AUTHSVC_E_INVALID);
    ck_assert_ok(authsvc_migrate_up(ctx, AUTHSVC_SCHEMA_VERSION, NULL, NULL, NULL));
}
END_TEST

/*
 * Each child migrates on a connection of its own; its steps are its exit status. It looks first:
 * what it sees then must not be what it goes by after it waited for the others.
 */
static int migrate_in_child(database_t database)
{
    apr_array_header_t *rows;
    report_t report = {0};
    apr_pool_t *pool;
    authsvc_ctx_t *ctx;
    authsvc_error_t *err;

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 100;
    }
    ctx = database_open(pool, database);
    ctx->db_budget = apr_time_from_sec(30);
    err = authsvc_migrate_status(ctx, &rows);
    if (!err) {
        err = authsvc_migrate_up(ctx, 0, NULL, note, &report);
    }
    if (err) {
        fprintf(stderr, "%s\n", authsvc_error_describe(err, pool));
    }
    apr_pool_destroy(pool);
    return err ? 100 : report.n;
}

START_TEST(two_at_once_are_safe)
{
    for (int round = 0; round < 4; round++) {
        database_t database = database_create(unit_pool, _i);
        pid_t children[4];
        int steps = 0;

        for (int i = 0; i < 4; i++) {
            children[i] = fork();
            ck_assert_int_ge(children[i], 0);
            if (children[i] == 0) {
                _exit(migrate_in_child(database));
            }
        }
        for (int i = 0; i < 4; i++) {
            int status;

            ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
            ck_assert(WIFEXITED(status));
            ck_assert_int_lt(WEXITSTATUS(status), 100);
            steps += WEXITSTATUS(status);
        }
        ck_assert_int_eq(steps, AUTHSVC_SCHEMA_VERSION);
    }
}
END_TEST

START_TEST(the_runtime_role_gets_rows_and_no_more)
{
    database_t database;
    authsvc_ctx_t *ctx = empty(ON_PGSQL, &database);
    const char *role = apr_psprintf(unit_pool, "Web \"%ld", (long)getpid());
    authsvc_ctx_t *web;
    unsigned char id[AUTHSVC_UUID_OCTETS];

    database_exec(ctx, apr_psprintf(unit_pool, "CREATE ROLE \"Web \"\"%ld\" LOGIN",
                                    (long)getpid()));
    ck_assert_code(authsvc_migrate_up(ctx, 0, "nobody_of_that_name", NULL, NULL),
                   AUTHSVC_E_INVALID);
    ck_assert_ok(authsvc_migrate_up(ctx, 1, role, NULL, NULL));
    ck_assert_ok(authsvc_migrate_up(ctx, 0, NULL, NULL, NULL));
    database.params =
        apr_psprintf(unit_pool, "%s user='Web \"%ld'", database.params, (long)getpid());
    web = database_open(unit_pool, database);
    ck_assert_ok(authsvc_db_identity(web, id));
    ck_assert_str_eq(database_ask(web, "SELECT has_table_privilege('users', 'DELETE')"), "true");
    ck_assert_str_eq(database_ask(web, "SELECT has_table_privilege('users', 'TRUNCATE')"),
                     "false");
    ck_assert_str_eq(database_ask(web, "SELECT has_table_privilege('authsvc_schema', 'UPDATE')"),
                     "false");
    ck_assert_str_eq(database_ask(web, "SELECT has_table_privilege('sessions', 'INSERT')"),
                     "false");
    /* named afterwards, it gets all that is there */
    ck_assert_ok(authsvc_migrate_up(ctx, 0, role, NULL, NULL));
    ck_assert_str_eq(database_ask(web, "SELECT has_table_privilege('sessions', 'INSERT')"),
                     "true");
    ctx = empty(ON_SQLITE, &database);
    ck_assert_code(authsvc_migrate_up(ctx, 0, role, NULL, NULL), AUTHSVC_E_INVALID);
}
END_TEST

START_TEST(the_columns_are_the_seeds)
{
    database_t database;
    authsvc_ctx_t *ctx = database_migrated(unit_pool, ON_PGSQL, &database);

    ck_assert_str_eq(
        database_ask(ctx,
                     "SELECT string_agg(column_name || ' ' || udt_name ||"
                     " coalesce('(' || character_maximum_length || ')', '') ||"
                     " CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END ||"
                     " coalesce(' ' || column_default, ''), ', ' ORDER BY ordinal_position)"
                     " FROM information_schema.columns WHERE table_name = 'users'"),
        "id uuid not null gen_random_uuid(), email varchar(255) not null, "
        "password_hash varchar(255) not null, name varchar(100) not null, "
        "role user_role not null 'user'::user_role, email_verified bool not null false, "
        "created_at timestamptz not null now(), updated_at timestamptz not null now(), "
        "deleted_at timestamptz");
    ck_assert_code(authsvc_migrate_up(ctx, 1, "", NULL, NULL), AUTHSVC_E_INVALID);
}
END_TEST

/* What a rotation writes is in no index, and pages have room: it stays a heap-only update. */
START_TEST(rotation_touches_no_index)
{
    static const char indexed[] =
        "SELECT COUNT(*) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid"
        " AND a.attnum = ANY (i.indkey) WHERE i.indrelid = 'sessions'::regclass AND a.attname %s";
    database_t database;
    authsvc_ctx_t *ctx = database_migrated(unit_pool, ON_PGSQL, &database);

    ck_assert_str_eq(database_ask(ctx, apr_psprintf(unit_pool, indexed,
                                                    "IN ('counter', 'rotated_at', 'revoked_at')")),
                     "0");
    ck_assert_str_eq(database_ask(ctx, apr_psprintf(unit_pool, indexed, "= 'user_id'")), "1");
    ck_assert_str_eq(
        database_ask(ctx, "SELECT reloptions FROM pg_class WHERE relname = 'sessions'"),
        "{fillfactor=67}");
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_migrate)
{
    Suite *suite = suite_create("migrate");
    TCase *tcase = unit_tcase(suite, "migrate");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, up_down_up_is_identical, 0, ENGINES);
    tcase_add_test(tcase, the_list_is_the_one_the_header_counts);
    tcase_add_loop_test(tcase, status_tells_each_state, 0, ENGINES);
    tcase_add_loop_test(tcase, a_changed_migration_is_refused, 0, ENGINES);
    tcase_add_loop_test(tcase, a_failing_migration_leaves_nothing, 0, ENGINES);
    tcase_add_loop_test(tcase, numbers_out_of_range_are_refused, 0, ENGINES);
    tcase_add_loop_test(tcase, two_at_once_are_safe, 0, ENGINES);
    tcase_add_test(tcase, the_runtime_role_gets_rows_and_no_more);
    tcase_add_test(tcase, the_columns_are_the_seeds);
    tcase_add_test(tcase, rotation_touches_no_index);
    return suite;
}
