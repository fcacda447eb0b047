/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "api_private.h"

/*
 * The contract is checked as strictly as it is used: a word in it that this code does not enforce
 * would be a promise nobody keeps, so it is refused.
 */

#define MAX_REFERENCES 16 /* in a chain; more is a cycle */

/* What the visitors below share. */
typedef struct {
    apr_pool_t *pool;
    authsvc_api_t *api;
    const authsvc_binding_t *bindings;
    authsvc_route_t *route;         /* the one being read */
    authsvc_operation_t *operation; /* the one being read */
    const authsvc_json_t *params;   /* "parameters" of the one being read */
    authsvc_error_t *err;
} loader_t;

/* Note an error and stop visiting. */
static int fail(loader_t *loader, authsvc_error_t *err)
{
    loader->err = err;
    return 1;
}

/* The value that "#/a/b~1c" points to; NULL if there is none. */
static const authsvc_json_t *point(apr_pool_t *pool, const authsvc_json_t *document,
                                   const char *reference)
{
    const authsvc_json_t *at = document;
    const char *from = reference;

    if (strncmp(from, "#/", 2) != 0) {
        return NULL;
    }
    for (from += 1; at && *from == '/';) {
        apr_size_t len = strcspn(from + 1, "/"), i;
        char *name = apr_palloc(pool, len + 1), *out = name;

        for (i = 1; i <= len; i++) {
            char c = from[i];

            if (c == '~' && i < len && (from[i + 1] == '0' || from[i + 1] == '1')) {
                c = from[i + 1] == '0' ? '~' : '/';
                i++;
            }
            *out++ = c;
        }
        *out = '\0';
        at = authsvc_json_get(at, name);
        from += len + 1;
    }
    return at;
}

authsvc_error_t *authsvc_contract_resolve(apr_pool_t *pool, const authsvc_json_t *document,
                                          const authsvc_json_t *value,
                                          const authsvc_json_t **resolved)
{
    const char *reference = NULL;
    int steps;

    for (steps = 0; steps < MAX_REFERENCES; steps++) {
        reference = authsvc_json_get_string(value, "$ref");
        if (!reference) {
            *resolved = value;
            return NULL;
        }
        value = point(pool, document, reference);
        if (!value) {
            return AUTHSVC_INTERNAL(pool, "contract: %s is nowhere", reference);
        }
    }
    return AUTHSVC_INTERNAL(pool, "contract: %s leads round in a circle", reference);
}

static int read_segments(loader_t *loader, const char *path)
{
    authsvc_route_t *route = loader->route;
    const char *at = path;

    while (*at == '/') {
        authsvc_segment_t *segment = &route->segments[route->n_segments];
        apr_size_t len = strcspn(at + 1, "/");

        if (len == 0 || route->n_segments == AUTHSVC_MAX_SEGMENTS) {
            break;
        }
        segment->is_param = at[1] == '{' && at[len] == '}';
        segment->text = segment->is_param ? apr_pstrndup(loader->pool, at + 2, len - 2)
                                          : apr_pstrndup(loader->pool, at + 1, len);
        if (strpbrk(segment->text, "{}%?# ") || !*segment->text) {
            break;
        }
        route->n_segments++;
        at += len + 1;
    }
    if (*at || route->n_segments == 0) {
        return fail(loader, AUTHSVC_INTERNAL(loader->pool, "contract: the path %s", path));
    }
    return 0;
}

/* Every parameter must be a segment, and every such segment a parameter. */
static int check_params(loader_t *loader)
{
    const authsvc_route_t *route = loader->route;
    apr_size_t i, named = authsvc_json_size(loader->params), segments = 0;
    int s;

    for (s = 0; s < route->n_segments; s++) {
        segments += route->segments[s].is_param ? 1 : 0;
    }
    for (i = 0; i < named; i++) {
        const authsvc_json_t *param = NULL;
        const char *in, *name;

        loader->err = authsvc_contract_resolve(loader->pool, loader->api->document,
                                               authsvc_json_at(loader->params, i), &param);
        if (loader->err) {
            return 1;
        }
        in = authsvc_json_get_string(param, "in");
        name = authsvc_json_get_string(param, "name");
        for (s = 0; name && s < route->n_segments; s++) {
            if (route->segments[s].is_param && strcmp(route->segments[s].text, name) == 0) {
                break;
            }
        }
        if (!in || strcmp(in, "path") != 0 || !name || s == route->n_segments) {
            break;
        }
    }
    if (i < named || named != segments) {
        return fail(loader, AUTHSVC_INTERNAL(loader->pool, "contract: parameters of %s",
                                             loader->operation->id));
    }
    return 0;
}

static int read_body(loader_t *loader, const authsvc_json_t *member)
{
    authsvc_operation_t *operation = loader->operation;
    const authsvc_json_t *document = loader->api->document;
    const authsvc_json_t *body = NULL, *content, *media;

    loader->err = authsvc_contract_resolve(loader->pool, document, member, &body);
    if (loader->err) {
        return 1;
    }
    content = authsvc_json_get(body, "content");
    media = authsvc_json_get(content, "application/json");
    if (!authsvc_json_get(body, "required") ||
        authsvc_json_type(authsvc_json_get(body, "required")) != AUTHSVC_JSON_TRUE ||
        authsvc_json_size(content) != 1 || !media || !authsvc_json_get(media, "schema")) {
        return fail(loader, AUTHSVC_INTERNAL(loader->pool,
                                             "contract: the body of %s must be required and "
                                             "application/json only",
                                             operation->id));
    }
    loader->err = authsvc_schema_compile(loader->pool, document,
                                         authsvc_json_get(media, "schema"), &operation->body);
    if (loader->err) {
        return 1;
    }
    if (!authsvc_schema_is_object(operation->body)) {
        return fail(loader, AUTHSVC_INTERNAL(loader->pool, "contract: the body of %s is no object",
                                             operation->id));
    }
    return 0;
}

/* 1 if the alternative is this scheme alone, without scopes; NULL: {}, which asks for nothing. */
static int is_alternative(const authsvc_json_t *security, apr_size_t at, const char *scheme)
{
    const authsvc_json_t *alternative = authsvc_json_at(security, at);
    const authsvc_json_t *scopes = scheme ? authsvc_json_get(alternative, scheme) : NULL;

    if (!alternative || authsvc_json_type(alternative) != AUTHSVC_JSON_OBJECT ||
        authsvc_json_size(alternative) != (scheme ? 1 : 0)) {
        return 0;
    }
    return !scheme || (scopes && authsvc_json_type(scopes) == AUTHSVC_JSON_ARRAY &&
                       authsvc_json_size(scopes) == 0);
}

/*
 * "security" must be said: forgotten must not mean open. It is [], an access token in the header
 * or also in the cookie, or a refresh token that may be in its cookie.
 */
static int read_security(loader_t *loader, const authsvc_json_t *security)
{
    authsvc_operation_t *operation = loader->operation;
    apr_size_t n = authsvc_json_size(security);

    if (security && authsvc_json_type(security) == AUTHSVC_JSON_ARRAY) {
        operation->bearer = n > 0 && n <= 2 && is_alternative(security, 0, "bearer");
        operation->cookie = n == 2 && operation->bearer && is_alternative(security, 1, "cookie");
        operation->refresh_cookie = n == 2 && is_alternative(security, 0, NULL) &&
                                    is_alternative(security, 1, "refreshCookie");
        if (n == 0 || (n == 1 && operation->bearer) || operation->cookie ||
            operation->refresh_cookie) {
            return 0;
        }
    }
    return fail(loader,
                AUTHSVC_INTERNAL(loader->pool, "contract: security of %s", loader->operation->id));
}

static int read_operation_member(void *baton, const char *name, authsvc_json_t *member)
{
    static const char *const silent[] = {"operationId", "tags",       "summary", "description",
                                         "responses",   "deprecated", NULL};
    loader_t *loader = baton;
    int i;

    if (strcmp(name, "requestBody") == 0) {
        return read_body(loader, member);
    }
    if (strcmp(name, "security") == 0) {
        return read_security(loader, member);
    }
    if (strcmp(name, "parameters") == 0) {
        loader->params = member;
        return 0;
    }
    if (strcmp(name, "x-authsvc-credentials") == 0) {
        loader->operation->credentials = authsvc_json_type(member) == AUTHSVC_JSON_TRUE;
        return 0;
    }
    if (strcmp(name, "x-authsvc-cookies") == 0) {
        loader->operation->cookies = authsvc_json_type(member) == AUTHSVC_JSON_TRUE;
        return 0;
    }
    if (strcmp(name, "x-authsvc-unlimited") == 0) {
        loader->operation->unlimited = authsvc_json_type(member) == AUTHSVC_JSON_TRUE;
        return 0;
    }
    for (i = 0; silent[i]; i++) {
        if (strcmp(name, silent[i]) == 0) {
            return 0;
        }
    }
    return fail(loader, AUTHSVC_INTERNAL(loader->pool, "contract: %s of %s is not supported", name,
                                         loader->operation->id));
}

static int bind_operation(loader_t *loader)
{
    const authsvc_binding_t *binding;

    for (binding = loader->bindings; binding->id; binding++) {
        if (strcmp(binding->id, loader->operation->id) == 0) {
            loader->operation->run = binding->run;
            return 0;
        }
    }
    return fail(loader, AUTHSVC_INTERNAL(loader->pool, "contract: no function for operation %s",
                                         loader->operation->id));
}

static int read_operation(void *baton, const char *name, authsvc_json_t *member)
{
    static const struct {
        const char *key, *method;
    } methods[] = {
        {"get", "GET"}, {"put", "PUT"}, {"post", "POST"}, {"delete", "DELETE"}, {"patch", "PATCH"},
    };
    loader_t *loader = baton;
    authsvc_operation_t *operation = apr_array_push(loader->route->operations);
    apr_size_t i;

    memset(operation, 0, sizeof(*operation));
    loader->operation = operation;
    loader->params = NULL;
    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(name, methods[i].key) == 0) {
            operation->method = methods[i].method;
        }
    }
    operation->id = authsvc_json_get_string(member, "operationId");
    if (!operation->method || !operation->id || !authsvc_json_get(member, "security")) {
        return fail(loader, AUTHSVC_INTERNAL(loader->pool,
                                             "contract: %s of %s is no method that is supported, "
                                             "or has no operationId or no security",
                                             name, loader->route->path));
    }
    if (authsvc_json_each(member, read_operation_member, loader) || check_params(loader)) {
        return 1;
    }
    if ((operation->bearer || operation->refresh_cookie || operation->cookies) &&
        !operation->credentials) {
        return fail(loader, AUTHSVC_INTERNAL(loader->pool,
                                             "contract: %s takes a token, and says no "
                                             "x-authsvc-credentials",
                                             operation->id));
    }
    if (operation->body && strcmp(operation->method, "GET") == 0) {
        return fail(loader, AUTHSVC_INTERNAL(loader->pool, "contract: GET %s takes a body",
                                             operation->id));
    }
    return bind_operation(loader);
}

static const char *allow_field(loader_t *loader)
{
    const apr_array_header_t *operations = loader->route->operations;
    const char *allow = "";
    int i;

    for (i = 0; i < operations->nelts; i++) {
        const char *method = APR_ARRAY_IDX(operations, i, authsvc_operation_t).method;

        allow = apr_pstrcat(loader->pool, allow, method,
                            strcmp(method, "GET") == 0 ? ", HEAD, " : ", ", NULL);
    }
    return apr_pstrcat(loader->pool, allow, "OPTIONS", NULL);
}

static int read_route(void *baton, const char *name, authsvc_json_t *member)
{
    loader_t *loader = baton;

    loader->route = apr_array_push(loader->api->routes);
    memset(loader->route, 0, sizeof(*loader->route));
    loader->route->path = apr_pstrdup(loader->pool, name);
    loader->route->operations = apr_array_make(loader->pool, 2, sizeof(authsvc_operation_t));
    if (read_segments(loader, name) || authsvc_json_each(member, read_operation, loader)) {
        return 1;
    }
    loader->route->allow = allow_field(loader);
    return 0;
}

/* OpenAPI 3.1, Paths Object: concrete paths are matched before templated ones. */
static int more_special(const authsvc_route_t *a, const authsvc_route_t *b)
{
    int i;

    for (i = 0; i < a->n_segments && i < b->n_segments; i++) {
        if (a->segments[i].is_param != b->segments[i].is_param) {
            return b->segments[i].is_param;
        }
    }
    return 0;
}

static void sort_routes(apr_array_header_t *routes)
{
    authsvc_route_t *route = (authsvc_route_t *)(void *)routes->elts;
    int i, j;

    for (i = 1; i < routes->nelts; i++) {
        authsvc_route_t moved = route[i];

        for (j = i; j > 0 && more_special(&moved, &route[j - 1]); j--) {
            route[j] = route[j - 1];
        }
        route[j] = moved;
    }
}

/* The other way round: each function has exactly one operation. */
static authsvc_error_t *check_bindings(apr_pool_t *pool, const authsvc_api_t *api,
                                       const authsvc_binding_t *bindings)
{
    const authsvc_binding_t *binding;

    for (binding = bindings; binding->id; binding++) {
        int found = 0, i, j;

        for (i = 0; i < api->routes->nelts; i++) {
            const authsvc_route_t *route = &APR_ARRAY_IDX(api->routes, i, authsvc_route_t);

            for (j = 0; j < route->operations->nelts; j++) {
                found += strcmp(APR_ARRAY_IDX(route->operations, j, authsvc_operation_t).id,
                                binding->id) == 0;
            }
        }
        if (found != 1) {
            return AUTHSVC_INTERNAL(pool, "contract: function %s has %d operations", binding->id,
                                    found);
        }
    }
    return NULL;
}

authsvc_error_t *authsvc_contract_load(apr_pool_t *pool, const char *text, apr_size_t len,
                                       const authsvc_binding_t *bindings,
                                       const authsvc_api_t **api)
{
    const char *problem = NULL, *version;
    loader_t loader = {.pool = pool, .bindings = bindings};
    authsvc_json_t *document = authsvc_json_parse(pool, text, len, &problem);

    if (!document) {
        return AUTHSVC_INTERNAL(pool, "contract: %s", problem ? problem : "not JSON");
    }
    version = authsvc_json_get_string(document, "openapi");
    if (!version || strncmp(version, "3.1.", 4) != 0) {
        return AUTHSVC_INTERNAL(pool, "contract: not OpenAPI 3.1");
    }
    loader.api = apr_pcalloc(pool, sizeof(*loader.api));
    loader.api->document = document;
    authsvc_document_prepare(pool, document, &loader.api->effective);
    loader.api->routes = apr_array_make(pool, 16, sizeof(authsvc_route_t));
    if (authsvc_json_each(authsvc_json_get(document, "paths"), read_route, &loader)) {
        return loader.err;
    }
    sort_routes(loader.api->routes);
    AUTHSVC_TRY(check_bindings(pool, loader.api, bindings));
    *api = loader.api;
    return NULL;
}
