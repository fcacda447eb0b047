/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "authsvc/core/clock.h"

static apr_time_t system_now(void *baton)
{
    (void)baton;
    return apr_time_now();
}

const authsvc_clock_t authsvc_clock_system = {system_now, NULL};

apr_time_t authsvc_clock_now(const authsvc_clock_t *clock)
{
    if (!clock) {
        clock = &authsvc_clock_system;
    }
    return clock->now(clock->baton);
}

apr_time_t authsvc_clock_monotonic(void)
{
    struct timespec now;

    /* POSIX lets it fail for an unknown clock only. */
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec((apr_time_t)now.tv_sec) + now.tv_nsec / 1000;
}
