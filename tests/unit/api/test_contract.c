/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

static authsvc_error_t *do_nothing(authsvc_call_t *call)
{
    authsvc_response_no_content(call);
    return NULL;
}

static const authsvc_binding_t one[] = {{"one", do_nothing}, {NULL, NULL}};

static authsvc_error_t *load(const char *text, const authsvc_binding_t *bindings,
                             const authsvc_api_t **api)
{
    return authsvc_contract_load(unit_pool, text, strlen(text), bindings, api);
}

/* A contract of one path. */
static const char *with_paths(const char *paths)
{
    return apr_pstrcat(unit_pool, "{\"openapi\":\"3.1.0\",\"paths\":{", paths, "}}", NULL);
}

#define BODY(required, media, schema)                                                      \
    "\"/a\":{\"post\":{\"operationId\":\"one\",\"security\":[],\"requestBody\":{" required \
    "\"content\":{" media "\"schema\":" schema "}}}}}"
#define OBJECT "{\"type\":\"object\",\"additionalProperties\":false}"
#define OP(extra) "{\"operationId\":\"one\",\"security\":[]" extra "}"
#define SECURED(alternatives)                                        \
    "{\"operationId\":\"one\",\"security\":[" alternatives "]," \
    "\"x-authsvc-credentials\":true}"
#define PARAM(in, name) ",\"parameters\":[{\"in\":\"" in "\",\"name\":\"" name "\"}]"

static const char *const good[] = {
    "\"/a\":{\"get\":" OP("") "}",
    "\"/a\":{\"put\":" OP(",\"deprecated\":true") "}",
    "\"/a\":{\"delete\":{\"operationId\":\"one\",\"security\":[{\"bearer\":[]}],"
    "\"x-authsvc-credentials\":true}}",
    "\"/a\":{\"delete\":" SECURED("{\"bearer\":[]},{\"cookie\":[]}") "}",
    "\"/a\":{\"post\":" SECURED("{},{\"refreshCookie\":[]}") "}",
    "\"/a/{b}/c\":{\"get\":" OP(PARAM("path", "b")) "}",
    BODY("\"required\":true,", "\"application/json\":{", OBJECT),
};

START_TEST(sound_contract_is_taken)
{
    const authsvc_api_t *api = NULL;
    authsvc_error_t *err = load(with_paths(good[_i]), one, &api);

    ck_assert_msg(!err, "%s", err ? err->internal : "");
    ck_assert_int_eq(api->routes->nelts, 1);
}
END_TEST

static const char *const bad[] = {
    "",
    "\"a\":{\"get\":" OP("") "}",
    "\"/\":{\"get\":" OP("") "}",
    "\"/a/\":{\"get\":" OP("") "}",
    "\"//a\":{\"get\":" OP("") "}",
    "\"/a/{}\":{\"get\":" OP("") "}",
    "\"/a{b}\":{\"get\":" OP(PARAM("path", "b")) "}",
    "\"/a b\":{\"get\":" OP("") "}",
    "\"/1/2/3/4/5/6/7/8/9\":{\"get\":" OP("") "}",
    "\"/a\":{\"trace\":" OP("") "}",
    "\"/a\":{\"parameters\":[],\"get\":" OP("") "}",
    "\"/a\":{\"get\":{\"security\":[]}}",
    "\"/a\":{\"get\":{\"operationId\":\"one\"}}",
    "\"/a\":{\"get\":{\"operationId\":\"one\",\"security\":null}}",
    "\"/a\":{\"get\":{\"operationId\":\"one\",\"security\":{}}}",
    "\"/a\":{\"get\":{\"operationId\":\"one\",\"security\":[{}]}}",
    "\"/a\":{\"get\":{\"operationId\":\"one\",\"security\":[{\"basic\":[]}],"
    "\"x-authsvc-credentials\":true}}",
    "\"/a\":{\"get\":{\"operationId\":\"one\",\"security\":[{\"bearer\":[]},{}],"
    "\"x-authsvc-credentials\":true}}",
    "\"/a\":{\"get\":{\"operationId\":\"one\",\"security\":[{\"bearer\":[]}]}}",
    "\"/a\":{\"get\":{\"operationId\":\"one\",\"security\":[{\"bearer\":[]}],"
    "\"x-authsvc-credentials\":false}}",
    "\"/a\":{\"post\":{\"operationId\":\"one\",\"security\":[{},{\"refreshCookie\":[]}]}}",
    "\"/a\":{\"post\":" OP(",\"x-authsvc-cookies\":true") "}",
    "\"/a\":{\"get\":" SECURED("{\"cookie\":[]}") "}",
    "\"/a\":{\"get\":" SECURED("{\"refreshCookie\":[]}") "}",
    "\"/a\":{\"get\":" SECURED("{\"cookie\":[]},{\"bearer\":[]}") "}",
    "\"/a\":{\"get\":" SECURED("{\"bearer\":[],\"cookie\":[]}") "}",
    "\"/a\":{\"get\":" SECURED("{\"bearer\":[]},{\"refreshCookie\":[]}") "}",
    "\"/a\":{\"get\":" SECURED("{\"bearer\":[]},{\"cookie\":[]},{}") "}",
    "\"/a\":{\"get\":" SECURED("{},{\"cookie\":[]}") "}",
    "\"/a\":{\"get\":" SECURED("{\"refreshCookie\":[]},{}") "}",
    "\"/a\":{\"get\":" SECURED("{\"bearer\":[\"admin\"]}") "}",
    "\"/a\":{\"get\":" SECURED("{\"bearer\":{}}") "}",
    "\"/a\":{\"get\":" SECURED("\"bearer\"") "}",
    "\"/a\":{\"get\":" SECURED("[],{\"refreshCookie\":[]}") "}",
    "\"/a\":{\"get\":" OP(",\"callbacks\":{}") "}",
    "\"/a\":{\"get\":" OP(",\"servers\":[]") "}",
    "\"/a\":{\"get\":" OP(PARAM("query", "a")) "}",
    "\"/a\":{\"get\":" OP(PARAM("path", "a")) "}",
    "\"/{a}\":{\"get\":" OP("") "}",
    "\"/{a}\":{\"get\":" OP(PARAM("path", "b")) "}",
    "\"/{a}\":{\"get\":" OP(PARAM("header", "a")) "}",
    "\"/{a}\":{\"get\":" OP(",\"parameters\":[{\"$ref\":\"#/nowhere\"}]") "}",
    "\"/a\":{\"get\":{\"operationId\":\"two\",\"security\":[]}}",
    "\"/a\":{\"get\":" OP("") ",\"put\":" OP("") "}",
    "\"/a\":{\"get\":" OP(",\"requestBody\":{\"required\":true,\"content\":{"
                          "\"application/json\":{\"schema\":" OBJECT "}}}") "}",
    "\"/a\":{\"post\":" OP(",\"requestBody\":{\"$ref\":\"#/nowhere\"}") "}",
    BODY("", "\"application/json\":{", OBJECT),
    BODY("\"required\":false,", "\"application/json\":{", OBJECT),
    BODY("\"required\":true,", "\"text/plain\":{", OBJECT),
    BODY("\"required\":true,", "\"text/plain\":{},\"application/json\":{", OBJECT),
    BODY("\"required\":true,", "\"application/json\":{", "{\"type\":\"string\"}"),
    BODY("\"required\":true,", "\"application/json\":{", "{\"type\":\"object\"}"),
};

START_TEST(unsound_contract_is_our_fault)
{
    const authsvc_api_t *api = NULL;
    authsvc_error_t *err = load(with_paths(bad[_i]), one, &api);

    ck_assert_msg(err != NULL, "%s", bad[_i]);
    ck_assert_int_eq(err->code, AUTHSVC_E_INTERNAL);
    ck_assert_ptr_null(api);
}
END_TEST

START_TEST(other_document_is_our_fault)
{
    static const char *const texts[] = {"", "{", "[]", "{}", "{\"openapi\":\"3.0.3\",\"paths\":{}}",
                                        "{\"openapi\":\"3.1.0\"}"};
    const authsvc_api_t *api = NULL;
    int i;

    for (i = 0; i < 6; i++) {
        ck_assert_ptr_nonnull(load(texts[i], one, &api));
    }
    ck_assert_ptr_null(api);
}
END_TEST

START_TEST(every_operation_has_its_function)
{
    const authsvc_api_t *api = NULL;
    authsvc_binding_t fewer[64], more[64] = {{"surplus", do_nothing}};
    int count = 0, i;

    while (authsvc_operations[count].id) {
        count++;
    }
    ck_assert_int_lt(count, 62);
    ck_assert_ptr_null(authsvc_contract_load(unit_pool, authsvc_openapi_json,
                                             authsvc_openapi_json_len, authsvc_operations, &api));
    for (i = 0; i < count; i++) {
        memcpy(fewer, authsvc_operations, sizeof(authsvc_operations[0]) * (size_t)(count + 1));
        memmove(&fewer[i], &fewer[i + 1], sizeof(fewer[0]) * (size_t)(count - i));
        ck_assert_ptr_nonnull(authsvc_contract_load(unit_pool, authsvc_openapi_json,
                                                    authsvc_openapi_json_len, fewer, &api));
    }
    memcpy(&more[1], authsvc_operations, sizeof(authsvc_operations[0]) * (size_t)(count + 1));
    ck_assert_ptr_nonnull(authsvc_contract_load(unit_pool, authsvc_openapi_json,
                                                authsvc_openapi_json_len, more, &api));
}
END_TEST

START_TEST(concrete_path_goes_first)
{
    static const authsvc_binding_t bindings[] = {
        {"any", do_nothing}, {"me", do_nothing}, {"end", do_nothing}, {NULL, NULL}};
    const authsvc_api_t *api = NULL;
    const char *text = with_paths(
        "\"/users/{id}\":{\"get\":{\"operationId\":\"any\",\"security\":[]" PARAM("path", "id")
        "}},\"/{x}/me\":{\"get\":{\"operationId\":\"end\",\"security\":[]" PARAM("path", "x")
        "}},\"/users/me\":{\"get\":{\"operationId\":\"me\",\"security\":[]}}");

    ck_assert_ptr_null(load(text, bindings, &api));
    ck_assert_str_eq(authsvc_router_match(api, NULL, "/users/me", NULL)->path, "/users/me");
    ck_assert_str_eq(authsvc_router_match(api, NULL, "/users/you", NULL)->path, "/users/{id}");
    ck_assert_str_eq(authsvc_router_match(api, NULL, "/x/me", NULL)->path, "/{x}/me");
    ck_assert_ptr_null(authsvc_router_match(api, NULL, "/x/you", NULL));
}
END_TEST

/* A path of the route: a parameter is any word. */
static const char *any_path(const authsvc_route_t *route)
{
    const char *parameter = strchr(route->path, '{');

    return parameter ? apr_psprintf(fake.ctx.pool, "%.*sword", (int)(parameter - route->path),
                                    route->path)
                     : route->path;
}

/* What carries a password or a token must not be answered over plain http. */
START_TEST(credentials_are_marked)
{
    int i, j, marked = 0, open = 0;

    for (i = 0; i < world.api->routes->nelts; i++) {
        const authsvc_route_t *route = &APR_ARRAY_IDX(world.api->routes, i, authsvc_route_t);

        for (j = 0; j < route->operations->nelts; j++) {
            const authsvc_operation_t *operation =
                &APR_ARRAY_IDX(route->operations, j, authsvc_operation_t);
            int expected = strncmp(route->path, "/auth/", 6) == 0 ||
                           strncmp(route->path, "/users/", 7) == 0;

            ck_assert_msg(operation->credentials == expected, "%s", operation->id);
            world.plain = 1;
            fake.calls = 0;
            world_send(operation->method, any_path(route), NULL, NULL);
            if (expected) {
                world_expect_problem(403, "tls-required");
                ck_assert_int_eq(fake.calls, 0);
                marked++;
            } else {
                ck_assert_int_ne(world.response.status, 403);
                open++;
            }
        }
    }
    ck_assert_int_eq(marked, 10);
    ck_assert_int_eq(open, 6);
    fake.settings.require_tls = 0;
    world_send("GET", "/users/me", NULL, NULL);
    world_expect_problem(401, "authentication");
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_contract)
{
    Suite *suite = suite_create("contract");
    TCase *tcase = unit_tcase(suite, "load");

    tcase_add_loop_test(tcase, sound_contract_is_taken, 0, sizeof(good) / sizeof(good[0]));
    tcase_add_loop_test(tcase, unsound_contract_is_our_fault, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(tcase, other_document_is_our_fault);
    tcase_add_test(tcase, every_operation_has_its_function);
    tcase_add_test(tcase, concrete_path_goes_first);
    tcase = world_tcase(suite, "real");
    tcase_add_test(tcase, credentials_are_marked);
    return suite;
}
