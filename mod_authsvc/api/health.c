/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "api_private.h"

authsvc_error_t *authsvc_operation_get_liveness(authsvc_call_t *call)
{
    authsvc_json_t *answer = authsvc_json_object(call->ctx->pool);

    authsvc_json_set_string(answer, "status", "ok");
    authsvc_response_json(call, 200, answer);
    return NULL;
}

authsvc_error_t *authsvc_operation_get_readiness(authsvc_call_t *call)
{
    apr_pool_t *pool = call->ctx->pool;
    apr_array_header_t *checks = NULL;
    authsvc_json_t *list = authsvc_json_array(pool), *answer;
    const char *failed = "";
    int ready = authsvc_readiness(call->ctx, &checks), i;

    for (i = 0; i < checks->nelts; i++) {
        const authsvc_readiness_check_t *check =
            &APR_ARRAY_IDX(checks, i, authsvc_readiness_check_t);
        authsvc_json_t *entry = authsvc_json_object(pool);

        authsvc_json_set_string(entry, "name", check->name);
        authsvc_json_set_bool(entry, "ok", check->ok);
        if (!check->ok) {
            failed = apr_pstrcat(pool, failed, *failed ? ", " : "", check->name, NULL);
            if (check->detail) {
                authsvc_json_set_string(entry, "detail", check->detail);
            }
        }
        if (check->warning) {
            authsvc_json_set_string(entry, "warning", check->warning);
        }
        authsvc_json_append(list, entry);
    }
    if (!ready) {
        authsvc_problem_answer(call,
                               AUTHSVC_ERROR(pool, AUTHSVC_E_UNAVAILABLE, "not-ready", NULL,
                                             "failed checks: %s", failed),
                               "checks", list);
        return NULL;
    }
    answer = authsvc_json_object(pool);
    authsvc_json_set_string(answer, "status", "ready");
    authsvc_json_set(answer, "checks", list);
    authsvc_response_json(call, 200, answer);
    return NULL;
}
