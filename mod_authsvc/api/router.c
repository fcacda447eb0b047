/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api_private.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 3986 §2.3: what needs no escape, so that a parameter has one meaning. */
static int is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

/* Decode into out (NULL, or room for len + 1). @return 0 if it is no parameter's value */
static int decode_param(const char *text, apr_size_t len, char *out)
{
    apr_size_t i, n = 0;

    for (i = 0; i < len; i++) {
        char c = text[i];

        if (c == '%') {
            int high = i + 2 < len ? hex_value(text[i + 1]) : -1;
            int low = i + 2 < len ? hex_value(text[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return 0;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (!is_unreserved(c)) {
            return 0;
        }
        if (out) {
            out[n] = c;
        }
        n++;
    }
    if (out) {
        out[n] = '\0';
    }
    return n > 0;
}

/* Fixed segments are compared as they came: an escape in one is another path. */
static int match(const authsvc_route_t *route, apr_pool_t *pool, const char *path,
                 const char **params)
{
    const char *at = path;
    int i;

    for (i = 0; i < route->n_segments; i++) {
        const authsvc_segment_t *segment = &route->segments[i];
        apr_size_t len;

        if (*at != '/') {
            return 0;
        }
        at++;
        len = strcspn(at, "/");
        if (segment->is_param) {
            char *value = pool ? apr_palloc(pool, len + 1) : NULL;

            if (!decode_param(at, len, value)) {
                return 0;
            }
            if (params) {
                params[i] = value;
            }
        } else if (strlen(segment->text) != len || memcmp(segment->text, at, len) != 0) {
            return 0;
        }
        at += len;
    }
    return *at == '\0';
}

const authsvc_route_t *authsvc_router_match(const authsvc_api_t *api, apr_pool_t *pool,
                                            const char *path, const char **params)
{
    int i;

    for (i = 0; i < api->routes->nelts; i++) {
        const authsvc_route_t *route = &APR_ARRAY_IDX(api->routes, i, authsvc_route_t);

        if (match(route, pool, path, params)) {
            return route;
        }
    }
    return NULL;
}

const authsvc_operation_t *authsvc_router_operation(const authsvc_route_t *route,
                                                    const char *method)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    int i;

    for (i = 0; i < route->operations->nelts; i++) {
        const authsvc_operation_t *operation =
            &APR_ARRAY_IDX(route->operations, i, authsvc_operation_t);

        if (strcmp(operation->method, wanted) == 0) {
            return operation;
        }
    }
    return NULL;
}

const char *authsvc_call_param(const authsvc_call_t *call, const char *name)
{
    int i;

    for (i = 0; call->route && i < call->route->n_segments; i++) {
        const authsvc_segment_t *segment = &call->route->segments[i];

        if (segment->is_param && strcmp(segment->text, name) == 0) {
            return call->params[i];
        }
    }
    return "";
}
