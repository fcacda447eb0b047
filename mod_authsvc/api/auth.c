/* SPDX-License-Identifier: Apache-2.0 */
#include "api_private.h"

authsvc_error_t *authsvc_operation_register(authsvc_call_t *call)
{
    const authsvc_json_t *password = authsvc_json_get(call->body, "password");
    authsvc_grant_t grant = {0};

    AUTHSVC_TRY(authsvc_registration_register(
        call->ctx, authsvc_json_get_string(call->body, "email"), authsvc_json_string(password),
        authsvc_json_string_size(password), authsvc_json_get_string(call->body, "name"), &grant));
    authsvc_response_json(call, 201, authsvc_response_grant(call->ctx->pool, &grant));
    return NULL;
}

authsvc_error_t *authsvc_operation_login(authsvc_call_t *call)
{
    const authsvc_json_t *password = authsvc_json_get(call->body, "password");
    authsvc_grant_t grant = {0};

    AUTHSVC_TRY(authsvc_login(call->ctx, authsvc_json_get_string(call->body, "email"),
                              authsvc_json_string(password), authsvc_json_string_size(password),
                              &grant));
    authsvc_response_json(call, 200, authsvc_response_grant(call->ctx->pool, &grant));
    return NULL;
}

authsvc_error_t *authsvc_operation_refresh(authsvc_call_t *call)
{
    authsvc_grant_t grant = {0};

    AUTHSVC_TRY(authsvc_sessions_refresh(
        call->ctx, authsvc_json_get_string(call->body, "refresh_token"), &grant));
    authsvc_response_json(call, 200, authsvc_response_grant(call->ctx->pool, &grant));
    return NULL;
}

authsvc_error_t *authsvc_operation_logout(authsvc_call_t *call)
{
    AUTHSVC_TRY(authsvc_sessions_logout(call->ctx,
                                        authsvc_json_get_string(call->body, "refresh_token")));
    authsvc_response_no_content(call);
    return NULL;
}

authsvc_error_t *authsvc_operation_logout_all(authsvc_call_t *call)
{
    AUTHSVC_TRY(authsvc_account_logout_all(call->ctx));
    authsvc_response_no_content(call);
    return NULL;
}
