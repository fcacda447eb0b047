/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_TESTS_API_WORLD_H
#define AUTHSVC_TESTS_API_WORLD_H

/*
 * The real contract and the real services on the services' fake repositories: a test sends a
 * request and looks at the answer.
 */

#include "services/fake.h"

#include "api_private.h"

#define WORLD_MOUNT "/api/v1"
#define WORLD_PROBLEMS "https://example.org/api/v1/problems/"

typedef struct {
    const authsvc_api_t *api;
    int plain; /* the next requests come over plain http */
    authsvc_response_t response; /* the last one */
    authsvc_json_t *body;        /* its body, NULL if it is none */
} world_t;

extern world_t world;

/** A test case whose tests start in a fresh world. */
TCase *world_tcase(Suite *suite, const char *name);

/** Ask. @param body may be NULL; then come names and values of header fields, and a NULL */
const authsvc_response_t *world_send(const char *method, const char *path, const char *body, ...)
    __attribute__((sentinel));

/** POST JSON. */
const authsvc_response_t *world_post(const char *path, const char *body);

/** A header field of the last answer; NULL if there is none. */
const char *world_header(const char *name);

/** The Authorization field of a newly signed-in user. */
const char *world_sign_in(void);

/** The last answer is this problem, complete and consistent. */
void world_expect_problem(int status, const char *slug);

/** The last answer is a validation problem with exactly one entry, this one. */
void world_expect_field(const char *pointer, const char *code);

/** A string member of the last answer's body. */
const char *world_text(const char *member);

#endif
