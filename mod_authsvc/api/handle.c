/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api_private.h"

authsvc_error_t *authsvc_api_create(apr_pool_t *pool, const authsvc_api_t **api)
{
    return authsvc_contract_load(pool, authsvc_openapi_json, authsvc_openapi_json_len,
                                 authsvc_operations, api);
}

void authsvc_api_expects(const authsvc_api_t *api, const char *method, const char *path,
                         int *reads_body)
{
    const authsvc_route_t *route = authsvc_router_match(api, NULL, path, NULL);
    const authsvc_operation_t *operation = route ? authsvc_router_operation(route, method) : NULL;

    *reads_body = operation && operation->body;
}

/* Find out what the request asks for, and start the answer. */
static void begin(authsvc_call_t *call, const authsvc_api_t *api, authsvc_ctx_t *ctx,
                  const authsvc_request_t *request, authsvc_response_t *response)
{
    memset(call, 0, sizeof(*call));
    call->api = api;
    call->ctx = ctx;
    call->request = request;
    call->response = response;
    call->route = authsvc_router_match(api, ctx->pool, request->path, call->params);
    if (call->route) {
        call->operation = authsvc_router_operation(call->route, request->method);
    }
    authsvc_response_init(call);
    call->cors = authsvc_cors_apply(call);
    authsvc_cookies_begin(call);
}

static authsvc_error_t *answer(authsvc_call_t *call)
{
    authsvc_ctx_t *ctx = call->ctx;
    const authsvc_operation_t *operation = call->operation;

    if (!call->route) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_NOT_FOUND, NULL, NULL, "no such path");
    }
    if (strcmp(call->request->method, "OPTIONS") == 0) {
        authsvc_cors_options(call);
        return NULL;
    }
    if (!operation) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_METHOD_NOT_ALLOWED, NULL, NULL,
                             "no such method on %s", call->route->path);
    }
    if (operation->credentials && ctx->settings->require_tls && !call->request->secure) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_FORBIDDEN, "tls-required", NULL,
                             "%s over plain http", operation->id);
    }
    AUTHSVC_TRY(authsvc_cookies_admit(call));
    /* Before the body: who is not signed in learns nothing about it. */
    if (operation->bearer) {
        AUTHSVC_TRY(authsvc_bearer_authenticate(call));
        /* Not what ends sessions: a thief could use up the limit, and stay. */
        if (!operation->unlimited) {
            AUTHSVC_TRY(authsvc_limits_api(ctx));
        }
    }
    if (operation->body) {
        AUTHSVC_TRY(authsvc_request_read_body(call));
    }
    return operation->run(call);
}

void authsvc_api_handle(const authsvc_api_t *api, authsvc_ctx_t *ctx,
                        const authsvc_request_t *request, authsvc_response_t *response)
{
    authsvc_call_t call;
    authsvc_error_t *err;

    begin(&call, api, ctx, request, response);
    err = answer(&call);
    if (err) {
        authsvc_problem_answer(&call, err, NULL, NULL);
    }
    authsvc_limit_fields(&call);
}

void authsvc_api_problem(const authsvc_api_t *api, authsvc_ctx_t *ctx,
                         const authsvc_request_t *request, const authsvc_error_t *err,
                         authsvc_response_t *response)
{
    authsvc_call_t call;

    begin(&call, api, ctx, request, response);
    authsvc_problem_answer(&call, err, NULL, NULL);
}
