/* SPDX-License-Identifier: Apache-2.0 */
#include "api_private.h"

void authsvc_register_add_faults(authsvc_call_t *call, authsvc_error_t **err)
{
    const authsvc_json_t *email = authsvc_request_unblamed(call, *err, "email", "/email");
    const authsvc_json_t *name = authsvc_request_unblamed(call, *err, "name", "/name");
    const authsvc_json_t *password =
        authsvc_request_unblamed(call, *err, "password", "/password");
    const char *unused;

    if (email) {
        authsvc_policy_check_email(call->ctx, "/email", authsvc_json_string(email), &unused, err);
    }
    if (password) {
        authsvc_policy_check_password(call->ctx, "/password", authsvc_json_string(password),
                                      authsvc_json_string_size(password), err);
    }
    if (name) {
        authsvc_policy_check_name(call->ctx, "/name", authsvc_json_string(name), &unused, err);
    }
}

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
