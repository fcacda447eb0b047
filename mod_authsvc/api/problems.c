/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "api_private.h"

#define EXPLANATION_SECONDS 900

authsvc_error_t *authsvc_operation_get_problem(authsvc_call_t *call)
{
    apr_pool_t *pool = call->ctx->pool;
    const authsvc_problem_type_t *type = authsvc_problem_find(authsvc_call_param(call, "slug"));
    authsvc_json_t *answer;

    if (!type) {
        return AUTHSVC_ERROR(pool, AUTHSVC_E_NOT_FOUND, NULL, "There is no such problem type.",
                             "unknown problem type");
    }
    answer = authsvc_json_object(pool);
    authsvc_json_set_string(
        answer, "type", apr_pstrcat(pool, call->ctx->settings->problem_base, type->slug, NULL));
    authsvc_json_set_string(answer, "title", type->title);
    authsvc_json_set_integer(answer, "status", type->status);
    authsvc_json_set_string(answer, "description", type->description);
    authsvc_response_json(call, 200, answer);
    authsvc_response_cacheable(call, EXPLANATION_SECONDS);
    return NULL;
}
