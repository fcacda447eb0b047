/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "api_private.h"

static const char *joined(apr_pool_t *pool, const char *list, const char *item)
{
    return list ? apr_pstrcat(pool, list, ", ", item, NULL) : item;
}

/*
 * draft-ietf-httpapi-ratelimit-headers-11. Names are of letters, digits, + and -, so that they are
 * Strings as they are. t is the time within which no more than r will be admitted: Retry-After,
 * where r is 0.
 */
void authsvc_limit_fields(authsvc_call_t *call)
{
    const apr_array_header_t *reports = call->ctx->limit_reports;
    apr_pool_t *pool = call->ctx->pool;
    const char *policies = NULL, *limits = NULL;

    for (int i = 0; reports && i < reports->nelts; i++) {
        const authsvc_limit_report_t *report = &APR_ARRAY_IDX(reports, i, authsvc_limit_report_t);
        const authsvc_limit_rule_t *rule = report->rule;

        policies = joined(pool, policies,
                          apr_psprintf(pool, "\"%s\";q=%" APR_INT64_T_FMT ";w=%" APR_TIME_T_FMT,
                                       rule->name, rule->rate.count,
                                       apr_time_sec(rule->rate.window)));
        if (report->is_told) {
            limits = joined(pool, limits,
                            apr_psprintf(pool, "\"%s\";r=%" APR_INT64_T_FMT ";t=%" APR_TIME_T_FMT,
                                         rule->name, report->left,
                                         apr_time_sec(report->next + APR_USEC_PER_SEC - 1)));
        }
    }
    if (policies) {
        apr_table_setn(call->response->headers, "RateLimit-Policy", policies);
    }
    if (limits) {
        apr_table_setn(call->response->headers, "RateLimit", limits);
    }
}
