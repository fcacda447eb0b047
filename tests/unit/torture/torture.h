/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_TESTS_TORTURE_TORTURE_H
#define AUTHSVC_TESTS_TORTURE_TORTURE_H

#include "cases.h"
#include "inject.h"

/** What fails, and how. */
typedef struct {
    inject_kind_t kind;
    inject_mode_t mode;
    int onwards; /* all calls from the n-th on */
    int warm;    /* on a connection that was used before */
    int stride;  /* not every call, but one in so many */
} plan_t;

/** How the tries of a case ended. */
typedef struct {
    long tries;
    long errors;   /* an error of ours was answered, and nothing was changed */
    long ends;     /* the process ended on purpose */
    long absorbed; /* the caller could do without: right answer, whole change */
} tally_t;

/**
 * Do a case once and count the calls of a kind; then once for each of them, with that one failing.
 *
 * Each try has a process and a copy of the database of its own, and must end in one of three ways:
 * an error of ours (5xx) and the database as it was; the answer and the database of the try in
 * which nothing failed; for want of memory or random octets, the end of the process with the
 * database in one of these states. After an error the same connection must serve the next request.
 *
 * To look at one try: TORTURE_AT=n tries only that call, TORTURE_TRACE=1 says where it was made,
 * TORTURE_LOG=1 shows the log.
 *
 * @return NULL, or what is wrong with the first try that ended otherwise; in scene->pool
 */
const char *torture(const scene_t *scene, const torture_case_t *tcase, const plan_t *plan,
                    tally_t *tally);

#endif
