/* SPDX-License-Identifier: Apache-2.0 */
#include "api_private.h"

void authsvc_register_add_faults(authsvc_call_t *call, authsvc_error_t **err)
{
    const authsvc_json_t *email = authsvc_request_unblamed(call, *err, "email", "/email");
    const authsvc_json_t *name = authsvc_request_unblamed(call, *err, "name", "/name");
    const authsvc_json_t *password =
        authsvc_request_unblamed(call, *err, "password", "/password");
    authsvc_person_t person = {NULL, authsvc_json_string(name)};
    const char *unused;

    if (email) {
        authsvc_policy_check_email(call->ctx, "/email", authsvc_json_string(email), &person.email,
                                   err);
    }
    if (password) {
        authsvc_policy_check_password(call->ctx, "/password", authsvc_json_string(password),
                                      authsvc_json_string_size(password), &person, err);
    }
    if (name) {
        authsvc_policy_check_name(call->ctx, "/name", authsvc_json_string(name), &unused, err);
    }
}

/* A session is open: tell it, and let the browser keep it. */
static void answer_grant(authsvc_call_t *call, int status, const authsvc_grant_t *grant)
{
    apr_pool_t *pool = call->ctx->pool;

    authsvc_response_json(call, status,
                          authsvc_cookies_omit_tokens(call)
                              ? authsvc_response_cookie_grant(pool, grant)
                              : authsvc_response_grant(pool, grant));
    authsvc_cookies_grant(call, grant);
}

/* The same words whether there is an account now, or was. No mail is sent that would tell. */
static authsvc_error_t *register_undisclosed(authsvc_call_t *call)
{
    const authsvc_json_t *password = authsvc_json_get(call->body, "password");
    authsvc_json_t *answer = authsvc_json_object(call->ctx->pool);

    AUTHSVC_TRY(authsvc_registration_request(
        call->ctx, authsvc_json_get_string(call->body, "email"), authsvc_json_string(password),
        authsvc_json_string_size(password), authsvc_json_get_string(call->body, "name")));
    authsvc_json_set_string(answer, "status", "received");
    authsvc_response_json(call, 202, answer);
    return NULL;
}

authsvc_error_t *authsvc_operation_register(authsvc_call_t *call)
{
    const authsvc_json_t *password = authsvc_json_get(call->body, "password");
    authsvc_grant_t grant = {0};

    if (!call->ctx->settings->registration_disclosure) {
        return register_undisclosed(call);
    }
    AUTHSVC_TRY(authsvc_registration_register(
        call->ctx, authsvc_json_get_string(call->body, "email"), authsvc_json_string(password),
        authsvc_json_string_size(password), authsvc_json_get_string(call->body, "name"), &grant));
    answer_grant(call, 201, &grant);
    return NULL;
}

authsvc_error_t *authsvc_operation_login(authsvc_call_t *call)
{
    const authsvc_json_t *password = authsvc_json_get(call->body, "password");
    authsvc_grant_t grant = {0};

    call->ctx->device_token = authsvc_cookies_device_token(call);
    AUTHSVC_TRY(authsvc_login(call->ctx, authsvc_json_get_string(call->body, "email"),
                              authsvc_json_string(password), authsvc_json_string_size(password),
                              &grant));
    answer_grant(call, 200, &grant);
    return NULL;
}

authsvc_error_t *authsvc_operation_refresh(authsvc_call_t *call)
{
    authsvc_grant_t grant = {0};
    const char *token;
    authsvc_error_t *err;

    AUTHSVC_TRY(authsvc_cookies_refresh_token(call, &token));
    err = authsvc_sessions_refresh(call->ctx, token, &grant);
    if (err) {
        /* Not for a fault: then the cookie is good for another try. */
        if (call->by_cookie && err->code == AUTHSVC_E_UNAUTHENTICATED) {
            authsvc_cookies_clear(call);
        }
        return err;
    }
    answer_grant(call, 200, &grant);
    return NULL;
}

authsvc_error_t *authsvc_operation_logout(authsvc_call_t *call)
{
    const char *token;

    AUTHSVC_TRY(authsvc_cookies_refresh_token(call, &token));
    AUTHSVC_TRY(authsvc_sessions_logout(call->ctx, token));
    authsvc_response_no_content(call);
    authsvc_cookies_clear(call);
    return NULL;
}

authsvc_error_t *authsvc_operation_logout_all(authsvc_call_t *call)
{
    AUTHSVC_TRY(authsvc_account_logout_all(call->ctx));
    authsvc_response_no_content(call);
    authsvc_cookies_clear(call);
    return NULL;
}
