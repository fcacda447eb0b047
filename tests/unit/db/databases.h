/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_TESTS_UNIT_DB_DATABASES_H
#define AUTHSVC_TESTS_UNIT_DB_DATABASES_H

#include "unit.h"

#include "authsvc/core/context.h"
#include "authsvc/db/db.h"
#include "authsvc/db/migrate.h"

/* Engines for loop tests: tcase_add_loop_test(tcase, test, 0, ENGINES), and _i in the test. */
enum { ON_PGSQL, ON_SQLITE, ENGINES };

/** What authsvc_db_open takes. */
typedef struct {
    const char *driver;
    const char *params;
} database_t;

/**
 * Run the suites with a private PostgreSQL cluster and a directory for SQLite files.
 * @return main's exit status: a failure if PostgreSQL cannot be started
 */
int databases_main(const unit_suite_t *suites, size_t count);

/** A new, empty database. */
database_t database_create(apr_pool_t *pool, int engine);

/** A context with a connection of its own and three seconds for its statements. */
authsvc_ctx_t *database_open(apr_pool_t *pool, database_t database);

/** The two above, and all migrations. */
authsvc_ctx_t *database_migrated(apr_pool_t *pool, int engine, database_t *database);

/** Run SQL text on the context's connection; no schema is needed. The test fails if it fails. */
void database_exec(authsvc_ctx_t *ctx, const char *sql);

/** The only cell of the only row of a query, as text. */
const char *database_ask(authsvc_ctx_t *ctx, const char *sql);

/** A migrated database with an empty table t of one integer, and a second connection to it. */
authsvc_ctx_t *database_with_table(apr_pool_t *pool, int engine, authsvc_ctx_t **other);

/** INSERT INTO t, and SELECT COUNT(*) FROM t. */
extern const authsvc_statement_t database_insert_one;
extern const authsvc_statement_t database_count;

/** Insert one row into t, as a request does. */
authsvc_error_t *database_insert(authsvc_ctx_t *ctx);

/** How many rows t has; takes three seconds at most, whatever is left of the budget. */
apr_int64_t database_rows(authsvc_ctx_t *ctx);

/** "freeze", "thaw", "restart" the PostgreSQL cluster of this program. */
void cluster_do(const char *command);

/** Fail with the error's text unless there is none. */
#define ck_assert_ok(expression)                                                        \
    do {                                                                                \
        authsvc_error_t *ck_err = (expression);                                         \
        ck_assert_msg(!ck_err, "%s", ck_err ? authsvc_error_describe(ck_err, unit_pool) : ""); \
    } while (0)

/** Fail unless the expression gives an error of this code. */
#define ck_assert_code(expression, expected)                                              \
    do {                                                                                  \
        authsvc_error_t *ck_err = (expression);                                           \
        ck_assert_msg(ck_err != NULL, "no error");                                        \
        ck_assert_msg(ck_err->code == (expected), "code %d, not %d: %s", (int)ck_err->code, \
                      (int)(expected), authsvc_error_describe(ck_err, unit_pool));        \
    } while (0)

#endif
