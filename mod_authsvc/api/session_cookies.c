/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "api_private.h"
#include "authsvc/api/cookie.h"

#define AUTH_PATH "/auth" /* below the mount: what takes a refresh or a device token */

static authsvc_error_t *cross_site(const authsvc_call_t *call, const char *why)
{
    return AUTHSVC_ERROR(call->ctx->pool, AUTHSVC_E_FORBIDDEN, "cross-site", NULL, "%s", why);
}

void authsvc_cookies_begin(authsvc_call_t *call)
{
    const authsvc_settings_t *settings = call->ctx->settings;

    if (!settings->cookie) {
        return;
    }
    call->origin = authsvc_origin_judge(settings->origin,
                                        authsvc_request_header(call->request, "Origin"),
                                        authsvc_request_header(call->request, "Sec-Fetch-Site"));
    call->cookies = call->origin != AUTHSVC_ORIGIN_OTHER;
}

authsvc_error_t *authsvc_cookies_admit(const authsvc_call_t *call)
{
    /* Login CSRF: a stranger's page could else sign the visitor in as somebody else. */
    if (call->operation->cookies && call->ctx->settings->cookie && !call->cookies && !call->cors) {
        return cross_site(call, "a page of another origin would set cookies");
    }
    return NULL;
}

static const char *find(const authsvc_call_t *call, const char *name)
{
    return authsvc_cookie_find(call->ctx->pool, authsvc_request_header(call->request, "Cookie"),
                               name);
}

authsvc_error_t *authsvc_cookies_access_token(const authsvc_call_t *call, const char **token)
{
    const authsvc_settings_t *settings = call->ctx->settings;

    *token = NULL;
    if (!settings->cookie || !call->operation->cookie) {
        return NULL;
    }
    *token = find(call, authsvc_cookie_access_name(settings->cookie_secure));
    if (*token && call->origin != AUTHSVC_ORIGIN_OWN &&
        !authsvc_method_is_safe(call->operation->method)) {
        return cross_site(call, "a change by cookie without proof of the site's own page");
    }
    return NULL;
}

authsvc_error_t *authsvc_cookies_refresh_token(authsvc_call_t *call, const char **token)
{
    const authsvc_settings_t *settings = call->ctx->settings;
    authsvc_error_t *err = NULL;

    *token = authsvc_json_get_string(call->body, "refresh_token");
    if (*token) {
        return NULL;
    }
    if (settings->cookie && call->operation->refresh_cookie) {
        *token = find(call, authsvc_cookie_refresh_name(settings->cookie_secure));
    }
    if (!*token) {
        authsvc_error_add_field(call->ctx->pool, &err, "/refresh_token", "required",
                                settings->cookie ? "Must be given here or in a cookie."
                                                 : "Must be given.");
        return err;
    }
    if (call->origin != AUTHSVC_ORIGIN_OWN) {
        return cross_site(call, "a session by cookie without proof of the site's own page");
    }
    call->by_cookie = 1;
    return NULL;
}

const char *authsvc_cookies_device_token(const authsvc_call_t *call)
{
    const char *token = authsvc_json_get_string(call->body, "device_token");

    if (!token && call->cookies) {
        token = find(call, authsvc_cookie_device_name(call->ctx->settings->cookie_secure));
    }
    return token;
}

int authsvc_cookies_omit_tokens(const authsvc_call_t *call)
{
    const authsvc_json_t *omit = authsvc_json_get(call->body, "omit_tokens");

    /* By cookie, whatever is asked for: the site's scripts, which send it, have no token. */
    return call->by_cookie || (omit && authsvc_json_type(omit) == AUTHSVC_JSON_TRUE);
}

void authsvc_cookies_check_body(const authsvc_call_t *call, authsvc_error_t **err)
{
    if (authsvc_cookies_omit_tokens(call) && !call->cookies) {
        authsvc_error_add_field(call->ctx->pool, err, "/omit_tokens", "no-cookies",
                                "No cookie would be set, so that nobody would get the tokens.");
    }
}

/* Below the path under which the request found the mount. */
static const char *auth_path(const authsvc_call_t *call)
{
    const char *instance = call->request->instance;
    apr_size_t len = strlen(instance), below = strlen(call->request->path);

    return apr_pstrcat(call->ctx->pool,
                       apr_pstrmemdup(call->ctx->pool, instance, len > below ? len - below : 0),
                       AUTH_PATH, NULL);
}

void authsvc_cookies_grant(authsvc_call_t *call, const authsvc_grant_t *grant)
{
    const authsvc_settings_t *settings = call->ctx->settings;
    apr_table_t *headers = call->response->headers;
    apr_pool_t *pool = call->ctx->pool;

    if (!call->cookies) {
        return;
    }
    apr_table_addn(headers, "Set-Cookie",
                   authsvc_cookie_set_access(pool, settings->cookie_secure, grant->access_token,
                                             apr_time_from_sec(grant->expires_in)));
    apr_table_addn(headers, "Set-Cookie",
                   authsvc_cookie_set_refresh(pool, settings->cookie_secure, auth_path(call),
                                              grant->refresh_token, settings->refresh_lifetime));
    if (grant->device_token) {
        apr_table_addn(headers, "Set-Cookie",
                       authsvc_cookie_set_device(pool, settings->cookie_secure, auth_path(call),
                                                 grant->device_token, settings->device_lifetime));
    }
}

void authsvc_cookies_clear(authsvc_call_t *call)
{
    int secure = call->ctx->settings->cookie_secure;
    apr_table_t *headers = call->response->headers;
    apr_pool_t *pool = call->ctx->pool;

    if (!call->cookies) {
        return;
    }
    apr_table_addn(headers, "Set-Cookie", authsvc_cookie_clear_access(pool, secure));
    apr_table_addn(headers, "Set-Cookie",
                   authsvc_cookie_clear_refresh(pool, secure, auth_path(call)));
}
