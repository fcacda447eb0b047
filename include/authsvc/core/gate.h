/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CORE_GATE_H
#define AUTHSVC_CORE_GATE_H

#include <apr.h>

/**
 * How many threads of this process may wait (for a database connection or for hashing) at the
 * same time. The site's own pages keep the rest.
 */
typedef struct {
    volatile apr_uint32_t inside;
    apr_uint32_t limit;
} authsvc_gate_t;

/** Open a gate for limit threads (at least 1). */
void authsvc_gate_init(authsvc_gate_t *gate, apr_uint32_t limit);

/** Go in without waiting. NULL is always open. @return 1: inside, leave it later; 0: full */
int authsvc_gate_enter(authsvc_gate_t *gate);

/** 1 if nobody could go in at this moment. */
int authsvc_gate_is_full(const authsvc_gate_t *gate);

/** Leave what was entered. */
void authsvc_gate_leave(authsvc_gate_t *gate);

#endif
