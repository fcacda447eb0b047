/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_TESTS_TORTURE_CASES_H
#define AUTHSVC_TESTS_TORTURE_CASES_H

#include "scene.h"

/** What came of a call. */
typedef struct {
    int status;       /* the response's; of a service: 200, or what its error is answered with */
    const char *text; /* the response's body, or whatever a service gave; may be NULL */
} answer_t;

/** One thing to be done while something fails. */
typedef struct {
    const char *name; /* the operationId, or the service's function; then perhaps ": variant" */
    void (*run)(scene_t *scene, answer_t *answer);
    int status; /* when nothing fails */
    int again;  /* what the same call answers after its change was made; 0: the same */
    /**
     * Why the change may be there although the answer is an error. NULL: it may not, unless what
     * failed was the very answer of the database.
     */
    const char *may_be_done;
    /**
     * Why what happens to the users' rows is a change of its own, which may be made or not whatever
     * becomes of the rest. NULL: it is not.
     */
    const char *users_aside;
} torture_case_t;

/** All operations of the contract; ends with a NULL name. */
extern const torture_case_t torture_operations[];

/** All functions of services.h; ends with a NULL name. */
extern const torture_case_t torture_services[];

#endif
