/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_TESTS_UNIT_H
#define AUTHSVC_TESTS_UNIT_H

/*
 * What every layer's Check program shares.
 *
 *   test_text.c:  AUTHSVC_UNIT_SUITE(suite_text)
 *                 {
 *                     Suite *suite = suite_create("text");
 *                     TCase *tcase = unit_tcase(suite, "length");
 *                     tcase_add_test(tcase, length_counts_code_points);
 *                     return suite;
 *                 }
 *   main.c:       AUTHSVC_UNIT_SUITE(suite_text);
 *                 AUTHSVC_UNIT_SUITE(suite_json);
 *                 AUTHSVC_UNIT_MAIN(suite_text, suite_json)
 *
 * In every test `unit_pool` is a fresh pool. Check's own variables work: CK_RUN_SUITE,
 * CK_RUN_CASE, CK_FORK, CK_VERBOSITY, CK_DEFAULT_TIMEOUT, CK_XML_LOG_FILE_NAME, ...
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_pools.h>
#include <apr_strings.h>
#include <check.h>

#include "authsvc/core/clock.h"
#include "authsvc/core/log.h"

#define UNIT_UNUSED __attribute__((unused))

typedef Suite *(*unit_suite_t)(void);

/** Declare (with ;) or define (with a body) a suite. */
#define AUTHSVC_UNIT_SUITE(name) \
    Suite *name(void);           \
    Suite *name(void)

/* Each test file has its own; the fixtures of unit_tcase() fill it. */
static apr_pool_t *unit_pool UNIT_UNUSED;

/* In tests a pool that runs out of memory ends the test. */
static inline int unit_out_of_memory(int status)
{
    fprintf(stderr, "out of memory (%d)\n", status);
    abort();
}

static inline void unit_setup(void)
{
    if (apr_pool_create_ex(&unit_pool, NULL, unit_out_of_memory, NULL) != APR_SUCCESS) {
        abort();
    }
}

static inline void unit_teardown(void)
{
    apr_pool_destroy(unit_pool);
    unit_pool = NULL;
}

/** A test case in the suite, whose tests each get a fresh unit_pool. */
static inline TCase *unit_tcase(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);

    tcase_add_checked_fixture(tcase, unit_setup, unit_teardown);
    suite_add_tcase(suite, tcase);
    return tcase;
}

/** A clock that stands where a test puts it: { unit_clock_now, &some_apr_time }. */
static inline apr_time_t unit_clock_now(void *baton)
{
    return *(const apr_time_t *)baton;
}

/** Where a test's log lines go: { unit_log_write, &some_unit_log }. */
typedef struct {
    int lines;
    authsvc_log_level_t level; /* of the last line */
    char last[4096];
    char all[16384]; /* every line, one below the other, until it is full */
} unit_log_t;

static inline void unit_log_write(void *baton, authsvc_log_level_t level, const char *line)
{
    unit_log_t *log = baton;
    size_t used = strlen(log->all);

    log->lines++;
    log->level = level;
    snprintf(log->last, sizeof(log->last), "%s", line);
    snprintf(log->all + used, sizeof(log->all) - used, "%s\n", line);
}

/** Run the suites; an empty selection is a failure. @return main's exit status */
static inline int authsvc_unit_main(const unit_suite_t *suites, size_t count)
{
    SRunner *runner;
    size_t i;
    int failed, run;

    if (apr_initialize() != APR_SUCCESS) {
        return EXIT_FAILURE;
    }
    runner = srunner_create(suites[0]());
    for (i = 1; i < count; i++) {
        srunner_add_suite(runner, suites[i]());
    }
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    run = srunner_ntests_run(runner);
    srunner_free(runner);
    apr_terminate();
    return failed == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/** The program's main: run these suites, in this order. */
#define AUTHSVC_UNIT_MAIN(...)                                                    \
    int main(void)                                                                \
    {                                                                             \
        static const unit_suite_t suites[] = {__VA_ARGS__};                       \
                                                                                  \
        return authsvc_unit_main(suites, sizeof(suites) / sizeof(suites[0]));     \
    }

#endif
