/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "api_private.h"
#include "authsvc/core/units.h"

void authsvc_response_init(authsvc_call_t *call)
{
    authsvc_response_t *response = call->response;

    memset(response, 0, sizeof(*response));
    response->headers = apr_table_make(call->ctx->pool, 8);
    apr_table_setn(response->headers, "X-Content-Type-Options", "nosniff");
    /* What may be cached says so; everything else carries secrets or somebody's data. */
    apr_table_setn(response->headers, "Cache-Control", "no-store");
    if (call->ctx->request_id) {
        apr_table_setn(response->headers, "X-Request-Id", call->ctx->request_id);
    }
}

void authsvc_response_json_text(authsvc_call_t *call, int status, const char *text)
{
    authsvc_response_t *response = call->response;

    response->status = status;
    response->content_type = "application/json";
    response->body = text;
    response->body_len = strlen(text);
}

void authsvc_response_json(authsvc_call_t *call, int status, const authsvc_json_t *value)
{
    authsvc_response_json_text(call, status, authsvc_json_dump(call->ctx->pool, value));
}

void authsvc_response_no_content(authsvc_call_t *call)
{
    call->response->status = 204;
    call->response->content_type = NULL;
    call->response->body = NULL;
    call->response->body_len = 0;
}

void authsvc_response_cacheable(authsvc_call_t *call, int seconds)
{
    apr_table_setn(call->response->headers, "Cache-Control",
                   apr_psprintf(call->ctx->pool, "public, max-age=%d", seconds));
}

authsvc_json_t *authsvc_response_user(apr_pool_t *pool, const authsvc_user_t *user)
{
    authsvc_json_t *value = authsvc_json_object(pool);

    authsvc_json_set_string(value, "id", user->id);
    authsvc_json_set_string(value, "email", user->email);
    authsvc_json_set_string(value, "name", user->name);
    authsvc_json_set_string(value, "role", user->role);
    authsvc_json_set_bool(value, "email_verified", user->email_verified);
    authsvc_json_set_string(value, "created_at", authsvc_time_rfc3339(pool, user->created_at));
    return value;
}

authsvc_json_t *authsvc_response_cookie_grant(apr_pool_t *pool, const authsvc_grant_t *grant)
{
    authsvc_json_t *value = authsvc_json_object(pool);

    authsvc_json_set_integer(value, "expires_in", grant->expires_in);
    authsvc_json_set(value, "user", authsvc_response_user(pool, grant->user));
    return value;
}

authsvc_json_t *authsvc_response_grant(apr_pool_t *pool, const authsvc_grant_t *grant)
{
    authsvc_json_t *value = authsvc_json_object(pool);

    authsvc_json_set_string(value, "access_token", grant->access_token);
    authsvc_json_set_string(value, "refresh_token", grant->refresh_token);
    if (grant->device_token) {
        authsvc_json_set_string(value, "device_token", grant->device_token);
    }
    authsvc_json_set_string(value, "token_type", "Bearer");
    authsvc_json_set_integer(value, "expires_in", grant->expires_in);
    authsvc_json_set(value, "user", authsvc_response_user(pool, grant->user));
    return value;
}
