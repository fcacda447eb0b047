/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: an octet that chooses one of two contracts, then a method, a space, and a path. The
 * other opinion: each path template as a regular expression.
 */
#include "fuzz.h"

#include "api_private.h"

#define OP(id) "{\"operationId\":\"" id "\",\"security\":[]"
#define PARAM(name) "{\"in\":\"path\",\"name\":\"" name "\"}"
#define GET(path, id, params) \
    "\"" path "\":{\"get\":" OP(id) ",\"parameters\":[" params "]}}"
/* RFC 3986 §2.3: unreserved, escaped or not */
#define VALUE "([A-Za-z0-9._~-]|%2[DdEe]|%3[0-9]|%4[1-9A-Fa-f]|%5[0-9AaFf]|%6[1-9A-Fa-f]" \
              "|%7[0-9AaEe])+"

/* More templates than ours has, so that they get in one another's way. */
static const char made_up[] =
    "{\"openapi\":\"3.1.0\",\"paths\":{" GET("/{x}/b", "one", PARAM("x")) ","
    GET("/a/{y}", "two", PARAM("y")) "," GET("/a/b", "three", "") ","
    GET("/a/{y}/c/{z}", "four", PARAM("y") "," PARAM("z")) ","
    GET("/{p}/{q}/{r}/{s}/{t}/{u}/{v}/{w}", "five",
        PARAM("p") "," PARAM("q") "," PARAM("r") "," PARAM("s") "," PARAM("t") "," PARAM("u") ","
        PARAM("v") "," PARAM("w")) ","
    "\"/a\":{\"put\":" OP("six") "},\"delete\":" OP("seven") "}}}}";

static authsvc_error_t *never(authsvc_call_t *call)
{
    return AUTHSVC_INTERNAL(call->ctx->pool, "not called here");
}

static const authsvc_binding_t bindings[] = {
    {"one", never},  {"two", never}, {"three", never}, {"four", never},
    {"five", never}, {"six", never}, {"seven", never}, {NULL, NULL},
};

static const authsvc_api_t *apis[2];

/* "/a/{b}" as a regular expression */
static const char *template(apr_pool_t *pool, const char *path)
{
    const char *pattern = "";

    while (*path) {
        size_t len = strcspn(path, "{");

        for (; len > 0; len--, path++) {
            pattern = apr_psprintf(pool, "%s[%c]", pattern, *path);
        }
        if (*path) {
            pattern = apr_pstrcat(pool, pattern, VALUE, NULL);
            path = strchr(path, '}') + 1;
        }
    }
    return pattern;
}

/* Is the path's n-th segment this value, escaped or not? */
static int says(const char *path, int n, const char *value)
{
    for (; n >= 0; n--) {
        path = strchr(path, '/') + 1;
    }
    for (; *value; value++) {
        char c = *path++;

        if (c == '%') {
            char digits[3] = {path[0], path[1], '\0'};

            c = (char)strtol(digits, NULL, 16);
            path += 2;
        }
        if (c != *value) {
            return 0;
        }
    }
    return *path == '/' || *path == '\0';
}

/* 1 if a is chosen before b where both fit: the first segment in which they differ in kind */
static int goes_before(const char *a, const char *b)
{
    while (a && b) {
        int a_param = a[1] == '{', b_param = b[1] == '{';

        if (a_param != b_param) {
            return b_param;
        }
        a = strchr(a + 1, '/');
        b = strchr(b + 1, '/');
    }
    return 0;
}

static void check_route(apr_pool_t *pool, const authsvc_api_t *api, const authsvc_route_t *route,
                        const char *path, const char **params)
{
    int i, fit = 0;

    for (i = 0; i < api->routes->nelts; i++) {
        const authsvc_route_t *other = &APR_ARRAY_IDX(api->routes, i, authsvc_route_t);
        int fits = fuzz_matches(template(pool, other->path), path);

        fit += fits;
        FUZZ_MUST(fits || other != route);
        FUZZ_MUST(!fits || (route && !goes_before(other->path, route->path)));
    }
    FUZZ_MUST((route != NULL) == (fit > 0));
    for (i = 0; route && i < route->n_segments; i++) {
        const authsvc_segment_t *segment = &route->segments[i];

        if (segment->is_param) {
            authsvc_call_t call = {.route = route};

            FUZZ_MUST(says(path, i, params[i]) && *params[i]);
            memcpy(call.params, params, sizeof(call.params));
            FUZZ_MUST(strcmp(authsvc_call_param(&call, segment->text), params[i]) == 0);
        }
    }
}

static void check_method(const authsvc_api_t *api, const authsvc_route_t *route,
                         const char *method, const char *path)
{
    const authsvc_operation_t *operation = route ? authsvc_router_operation(route, method) : NULL;
    int reads_body = -1;

    authsvc_api_expects(api, method, path, &reads_body);
    FUZZ_MUST(reads_body == (operation && operation->body ? 1 : 0));
    if (operation) {
        const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;

        FUZZ_MUST(strcmp(operation->method, wanted) == 0);
        FUZZ_MUST(strstr(route->allow, method));
    } else if (route && fuzz_matches("GET|HEAD|PUT|POST|DELETE|PATCH", method)) {
        FUZZ_MUST(!strstr(route->allow, method));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_lasting_pool();
    fuzz_input_t input = {data, size};
    const char *params[AUTHSVC_MAX_SEGMENTS] = {NULL};
    const authsvc_route_t *route;
    const authsvc_api_t *api;
    char *method, *path;

    if (!apis[0]) {
        FUZZ_OK(authsvc_api_create(pool, &apis[0]));
        FUZZ_OK(authsvc_contract_load(pool, made_up, strlen(made_up), bindings, &apis[1]));
    }
    pool = fuzz_pool();
    api = apis[fuzz_octet(&input) & 1];
    method = fuzz_string(pool, &input);
    path = strchr(method, ' ');
    path = path ? path : method + strlen(method);
    if (*path) {
        *path++ = '\0';
    }
    path = apr_pstrdup(pool, path);
    route = authsvc_router_match(api, pool, path, params);
    FUZZ_MUST(authsvc_router_match(api, NULL, path, NULL) == route);
    check_route(pool, api, route, path, params);
    check_method(api, route, method, path);
    apr_pool_destroy(pool);
    return 0;
}
