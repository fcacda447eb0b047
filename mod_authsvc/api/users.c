/* SPDX-License-Identifier: Apache-2.0 */
#include "api_private.h"

authsvc_error_t *authsvc_operation_get_me(authsvc_call_t *call)
{
    const authsvc_user_t *user = NULL;

    AUTHSVC_TRY(authsvc_account_get(call->ctx, &user));
    authsvc_response_json(call, 200, authsvc_response_user(call->ctx->pool, user));
    return NULL;
}

authsvc_error_t *authsvc_operation_update_me(authsvc_call_t *call)
{
    const authsvc_user_t *user = NULL;

    AUTHSVC_TRY(
        authsvc_account_rename(call->ctx, authsvc_json_get_string(call->body, "name"), &user));
    authsvc_response_json(call, 200, authsvc_response_user(call->ctx->pool, user));
    return NULL;
}

authsvc_error_t *authsvc_operation_delete_me(authsvc_call_t *call)
{
    const authsvc_json_t *password = authsvc_json_get(call->body, "password");

    AUTHSVC_TRY(authsvc_account_delete(call->ctx, authsvc_json_string(password),
                                       authsvc_json_string_size(password)));
    authsvc_response_no_content(call);
    return NULL;
}
