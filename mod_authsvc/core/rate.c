/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "authsvc/core/rate.h"
#include "authsvc/core/units.h"

#define SHORTEST 1000 /* us between two tries: what is rounded off is next to nothing */

int authsvc_rate_parse(const char *text, authsvc_rate_t *rate)
{
    const char *slash = strchr(text, '/');
    char number[20];
    apr_interval_time_t window;
    long count;

    if (!slash || (apr_size_t)(slash - text) >= sizeof(number)) {
        return 0;
    }
    apr_cpystrn(number, text, (apr_size_t)(slash - text) + 1);
    if (!authsvc_duration_parse(slash + 1, &window) || window <= 0 ||
        window > AUTHSVC_RATE_WINDOW_MAX || window % APR_USEC_PER_SEC != 0 ||
        !authsvc_integer_parse(number, 1, (long)(window / SHORTEST), &count)) {
        return 0;
    }
    rate->count = count;
    rate->window = window;
    return 1;
}
