/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <string.h>

#include <apr_strings.h>

#include "authsvc/core/units.h"

#define DURATION_MAX apr_time_from_sec(APR_INT64_C(36525) * 86400) /* 100 years */

/* All that RFC 3339 can write, seconds since 1970. A database's "infinity" is beyond. */
#define YEAR_0 APR_INT64_C(-62167219200)
#define YEAR_9999_END APR_INT64_C(253402300799)

/* Read digits up to max. @return what follows them, NULL if there are none or it is too much */
static const char *read_digits(const char *text, apr_uint64_t max, apr_uint64_t *value)
{
    apr_uint64_t sum = 0;

    if (*text < '0' || *text > '9') {
        return NULL;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        unsigned int digit = (unsigned int)(*text - '0');

        if (sum > (max - digit) / 10) {
            return NULL;
        }
        sum = sum * 10 + digit;
    }
    *value = sum;
    return text;
}

int authsvc_duration_parse(const char *text, apr_interval_time_t *duration)
{
    static const struct {
        const char *name;
        apr_int64_t microseconds;
    } units[] = {
        {"", APR_USEC_PER_SEC},
        {"s", APR_USEC_PER_SEC},
        {"ms", 1000},
        {"m", 60 * APR_USEC_PER_SEC},
        {"h", 3600 * APR_USEC_PER_SEC},
        {"d", 86400 * APR_USEC_PER_SEC},
        {"w", 7 * 86400 * APR_USEC_PER_SEC},
    };
    apr_uint64_t number;
    const char *unit = read_digits(text, DURATION_MAX, &number);
    size_t i;

    if (!unit) {
        return 0;
    }
    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (!strcmp(unit, units[i].name)) {
            if (number > (apr_uint64_t)(DURATION_MAX / units[i].microseconds)) {
                return 0;
            }
            *duration = (apr_int64_t)number * units[i].microseconds;
            return 1;
        }
    }
    return 0;
}

int authsvc_size_parse(const char *text, apr_size_t *size)
{
    apr_uint64_t number;
    const char *unit = read_digits(text, APR_SIZE_MAX, &number);
    int shift;

    if (!unit) {
        return 0;
    }
    if (!*unit) {
        shift = 0;
    } else if (!strcmp(unit, "K")) {
        shift = 10;
    } else if (!strcmp(unit, "M")) {
        shift = 20;
    } else if (!strcmp(unit, "G")) {
        shift = 30;
    } else {
        return 0;
    }
    if (number > APR_SIZE_MAX >> shift) {
        return 0;
    }
    *size = (apr_size_t)number << shift;
    return 1;
}

int authsvc_integer_parse(const char *text, long min, long max, long *value)
{
    apr_uint64_t number;
    const char *rest = read_digits(text, LONG_MAX, &number);

    if (!rest || *rest || (long)number < min || (long)number > max) {
        return 0;
    }
    *value = (long)number;
    return 1;
}

const char *authsvc_time_rfc3339(apr_pool_t *pool, apr_time_t time)
{
    apr_time_exp_t parts;
    apr_time_t seconds = apr_time_sec(time);

    if (time % APR_USEC_PER_SEC < 0) {
        seconds--; /* before 1970, division rounds up */
    }
    seconds = seconds < YEAR_0 ? YEAR_0 : seconds > YEAR_9999_END ? YEAR_9999_END : seconds;
    if (apr_time_exp_gmt(&parts, apr_time_from_sec(seconds)) != APR_SUCCESS) {
        return "1970-01-01T00:00:00Z";
    }
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02dZ", parts.tm_year + 1900,
                        parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                        parts.tm_sec);
}
