/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CORE_CLOCK_H
#define AUTHSVC_CORE_CLOCK_H

#include <apr_time.h>

/** The node's wall clock, replaceable in tests. */
typedef struct {
    apr_time_t (*now)(void *baton); /* microseconds since 1970 */
    void *baton;
} authsvc_clock_t;

/** The system's clock (apr_time_now). */
extern const authsvc_clock_t authsvc_clock_system;

/** Now, by this clock; NULL is the system's. */
apr_time_t authsvc_clock_now(const authsvc_clock_t *clock);

/** Monotonic microseconds, for deadlines and durations only. */
apr_time_t authsvc_clock_monotonic(void);

#endif
