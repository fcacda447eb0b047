/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CORE_UNITS_H
#define AUTHSVC_CORE_UNITS_H

#include <apr_pools.h>
#include <apr_time.h>

/**
 * Read a duration: digits and one optional unit of ms, s, m, h, d, w; without a unit, seconds.
 * No sign, no fraction, no white space; at most 100 years.
 * @return 1 if it was one
 */
int authsvc_duration_parse(const char *text, apr_interval_time_t *duration);

/** Read a size in octets: digits and one optional K, M, G (powers of 1024). @return 1 if so */
int authsvc_size_parse(const char *text, apr_size_t *size);

/** Read a whole number between min and max, digits only. @return 1 if it was one */
int authsvc_integer_parse(const char *text, long min, long max, long *value);

/**
 * RFC 3339 in UTC, to the second: 2026-01-31T23:59:59Z. A time before the year 0 or after 9999 is
 * written as the first or last one of those.
 * @return in pool
 */
const char *authsvc_time_rfc3339(apr_pool_t *pool, apr_time_t time);

#endif
