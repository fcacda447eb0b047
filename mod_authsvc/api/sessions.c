/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api_private.h"
#include "authsvc/core/units.h"

/* The contract's Session. */
static authsvc_json_t *describe(const authsvc_call_t *call, const authsvc_session_entry_t *entry)
{
    apr_pool_t *pool = call->ctx->pool;
    authsvc_json_t *value = authsvc_json_object(pool);

    authsvc_json_set_string(value, "id", entry->id);
    authsvc_json_set_string(value, "created_at", authsvc_time_rfc3339(pool, entry->created_at));
    authsvc_json_set_string(value, "last_used_at",
                            authsvc_time_rfc3339(pool, entry->last_used_at));
    if (entry->ip) {
        authsvc_json_set_string(value, "ip", entry->ip);
    }
    if (entry->user_agent) {
        authsvc_json_set_string(value, "user_agent", entry->user_agent);
    }
    authsvc_json_set_bool(value, "current",
                          strcmp(entry->id, call->ctx->principal->session.session_id) == 0);
    return value;
}

authsvc_error_t *authsvc_operation_list_sessions(authsvc_call_t *call)
{
    authsvc_json_t *answer = authsvc_json_object(call->ctx->pool);
    authsvc_json_t *list = authsvc_json_array(call->ctx->pool);
    apr_array_header_t *entries = NULL;

    AUTHSVC_TRY(authsvc_sessions_list(call->ctx, &entries));
    for (int i = 0; i < entries->nelts; i++) {
        authsvc_json_append(list,
                            describe(call, &APR_ARRAY_IDX(entries, i, authsvc_session_entry_t)));
    }
    authsvc_json_set(answer, "sessions", list);
    authsvc_response_json(call, 200, answer);
    return NULL;
}

authsvc_error_t *authsvc_operation_end_session(authsvc_call_t *call)
{
    AUTHSVC_TRY(authsvc_sessions_end(call->ctx, authsvc_call_param(call, "id")));
    authsvc_response_no_content(call);
    return NULL;
}
