/* SPDX-License-Identifier: Apache-2.0 */
#include "api_private.h"

void authsvc_update_me_add_faults(authsvc_call_t *call, authsvc_error_t **err)
{
    const authsvc_json_t *name = authsvc_request_unblamed(call, *err, "name", "/name");
    const char *unused;

    if (name) {
        authsvc_policy_check_name(call->ctx, "/name", authsvc_json_string(name), &unused, err);
    }
}

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
    authsvc_cookies_clear(call);
    return NULL;
}
