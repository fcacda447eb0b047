/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api_private.h"

#define PREFLIGHT_SECONDS "600"

static int is_allowed(const authsvc_settings_t *settings, const char *origin)
{
    int i;

    for (i = 0; i < settings->cors_origins->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(settings->cors_origins, i, const char *), origin) == 0) {
            return 1;
        }
    }
    return 0;
}

int authsvc_cors_apply(authsvc_call_t *call)
{
    const authsvc_settings_t *settings = call->ctx->settings;
    apr_table_t *headers = call->response->headers;
    const char *origin;

    if (settings->cors_origins->nelts == 0) {
        return 0;
    }
    /* Also where there was no origin: a cache must not hand this answer to one. */
    apr_table_setn(headers, "Vary", "Origin");
    origin = authsvc_request_header(call->request, "Origin");
    if (!origin || !is_allowed(settings, origin)) {
        return 0;
    }
    /*
     * No Access-Control-Allow-Credentials: tokens are sent by the page itself. Cookies are for the
     * site's own pages.
     */
    apr_table_setn(headers, "Access-Control-Allow-Origin", origin);
    apr_table_setn(headers, "Access-Control-Expose-Headers",
                   "X-Request-Id, Retry-After, RateLimit, RateLimit-Policy, WWW-Authenticate");
    return 1;
}

void authsvc_cors_options(authsvc_call_t *call)
{
    apr_table_t *headers = call->response->headers;

    authsvc_response_no_content(call);
    apr_table_setn(headers, "Allow", call->route->allow);
    if (apr_table_get(headers, "Access-Control-Allow-Origin") &&
        authsvc_request_header(call->request, "Access-Control-Request-Method")) {
        apr_table_setn(headers, "Access-Control-Allow-Methods", call->route->allow);
        apr_table_setn(headers, "Access-Control-Allow-Headers", "Authorization, Content-Type");
        apr_table_setn(headers, "Access-Control-Max-Age", PREFLIGHT_SECONDS);
        apr_table_unset(headers, "Access-Control-Expose-Headers");
    }
}
