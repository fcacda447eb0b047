/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_TESTS_SERVICES_LIMITER_H
#define AUTHSVC_TESTS_SERVICES_LIMITER_H

#include <apr_pools.h>

#include "authsvc/core/limits.h"

/** A limiter of a small table, by a clock that stands where a test puts it. In pool. */
const authsvc_limiter_t *unit_limiter(apr_pool_t *pool, const apr_time_t *now);

#endif
