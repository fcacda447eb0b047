/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

static const struct {
    const char *path;
    const char *route; /* NULL: none */
    const char *slug;  /* the parameter, if it has one */
} paths[] = {
    {"/auth/login", "/auth/login", NULL},
    {"/users/me", "/users/me", NULL},
    {"/users/me/delete", "/users/me/delete", NULL},
    {"/.well-known/jwks.json", "/.well-known/jwks.json", NULL},
    {"/openapi.json", "/openapi.json", NULL},
    {"/problems/validation", "/problems/{slug}", "validation"},
    {"/problems/a.B_9~-", "/problems/{slug}", "a.B_9~-"},
    {"/problems/%76alidation", "/problems/{slug}", "validation"},
    {"/problems/%7E%2d", "/problems/{slug}", "~-"},
    {"/", NULL, NULL},
    {"", NULL, NULL},
    {"//", NULL, NULL},
    {"auth/login", NULL, NULL},
    {"/auth", NULL, NULL},
    {"/auth/", NULL, NULL},
    {"/auth/login/", NULL, NULL},
    {"/auth//login", NULL, NULL},
    {"//auth/login", NULL, NULL},
    {"/auth/./login", NULL, NULL},
    {"/auth/x/../login", NULL, NULL},
    {"/AUTH/login", NULL, NULL},
    {"/auth/logins", NULL, NULL},
    {"/auth/logi", NULL, NULL},
    {"/auth/login;x", NULL, NULL},
    {"/auth/login?x", NULL, NULL},
    {"/auth/%6cogin", NULL, NULL},
    {"/auth%2flogin", NULL, NULL},
    {"/auth/login%00", NULL, NULL},
    {"/users/me/delete/x", NULL, NULL},
    {"/problems/", NULL, NULL},
    {"/problems", NULL, NULL},
    {"/problems//", NULL, NULL},
    {"/problems/{slug}", NULL, NULL},
    {"/problems/%", NULL, NULL},
    {"/problems/%7", NULL, NULL},
    {"/problems/a%7", NULL, NULL},
    {"/problems/a%", NULL, NULL},
    {"/problems/%zz", NULL, NULL},
    {"/problems/%7/x", NULL, NULL},
    {"/problems/%00", NULL, NULL},
    {"/problems/a%2fb", NULL, NULL},
    {"/problems/a%20b", NULL, NULL},
    {"/problems/%e2%82%ac", NULL, NULL},
    {"/problems/\xe2\x82\xac", NULL, NULL},
    {"/problems/a b", NULL, NULL},
    {"/problems/%2576", NULL, NULL},
    {"/problems/validation/", NULL, NULL},
};

START_TEST(path_finds_its_route)
{
    const char *params[AUTHSVC_MAX_SEGMENTS] = {NULL};
    const authsvc_route_t *route =
        authsvc_router_match(world.api, fake.ctx.pool, paths[_i].path, params);

    ck_assert_msg((route != NULL) == (paths[_i].route != NULL), "%s", paths[_i].path);
    ck_assert_ptr_eq(authsvc_router_match(world.api, NULL, paths[_i].path, NULL), route);
    if (route) {
        authsvc_call_t call = {.route = route};

        memcpy(call.params, params, sizeof(params));
        ck_assert_str_eq(route->path, paths[_i].route);
        ck_assert_str_eq(authsvc_call_param(&call, "slug"), paths[_i].slug ? paths[_i].slug : "");
        ck_assert_str_eq(authsvc_call_param(&call, "other"), "");
    }
}
END_TEST

static const struct {
    const char *method, *path, *operation;
} methods[] = {
    {"GET", "/users/me", "getMe"},        {"HEAD", "/users/me", "getMe"},
    {"PATCH", "/users/me", "updateMe"},   {"POST", "/users/me", NULL},
    {"DELETE", "/users/me", NULL},        {"get", "/users/me", NULL},
    {"", "/users/me", NULL},              {"GETX", "/users/me", NULL},
    {"POST", "/auth/login", "login"},     {"GET", "/auth/login", NULL},
    {"HEAD", "/auth/login", NULL},        {"TRACE", "/health/live", NULL},
    {"PROPFIND", "/health/live", NULL},
};

START_TEST(method_finds_its_operation)
{
    const authsvc_operation_t *operation = authsvc_router_operation(
        authsvc_router_match(world.api, NULL, methods[_i].path, NULL), methods[_i].method);

    ck_assert_pstr_eq(operation ? operation->id : NULL, methods[_i].operation);
}
END_TEST

START_TEST(other_method_is_405_with_allow)
{
    world_send("DELETE", "/users/me", NULL, NULL);
    world_expect_problem(405, "method-not-allowed");
    ck_assert_pstr_eq(world_header("Allow"), "GET, HEAD, PATCH, OPTIONS");
    world_send("HEAD", "/auth/login", NULL, NULL);
    world_expect_problem(405, "method-not-allowed");
    ck_assert_pstr_eq(world_header("Allow"), "POST, OPTIONS");
}
END_TEST

START_TEST(unknown_path_is_404)
{
    world_send("POST", "/auth/login/", "{}", "Content-Type", "application/json", NULL);
    world_expect_problem(404, "not-found");
    ck_assert_ptr_null(world_header("Allow"));
    ck_assert_pstr_eq(world_text("instance"), "/api/v1/auth/login/");
}
END_TEST

START_TEST(head_is_get)
{
    static const char *const gets[] = {"/health/live", "/.well-known/jwks.json", "/users/me",
                                       "/problems/validation", "/problems/nonsense"};
    authsvc_response_t get;
    int i;

    for (i = 0; i < 5; i++) {
        get = *world_send("GET", gets[i], NULL, NULL);
        world_send("HEAD", gets[i], NULL, NULL);
        ck_assert_int_eq(world.response.status, get.status);
        ck_assert_uint_eq(world.response.body_len, get.body_len);
        ck_assert_pstr_eq(world.response.content_type, get.content_type);
        ck_assert_pstr_eq(world_header("Cache-Control"),
                          apr_table_get(get.headers, "Cache-Control"));
    }
}
END_TEST

static const struct {
    const char *method, *path;
    int reads_body;
} expectations[] = {
    {"POST", "/auth/login", 1},      {"POST", "/auth/register", 1}, {"PATCH", "/users/me", 1},
    {"POST", "/users/me/delete", 1}, {"GET", "/users/me", 0},       {"POST", "/auth/logout-all", 0},
    {"GET", "/auth/login", 0},       {"OPTIONS", "/auth/login", 0}, {"POST", "/nowhere", 0},
    {"POST", "", 0},                 {"", "/auth/login", 0},        {"POST", "/problems/%41", 0},
};

START_TEST(handler_knows_whether_to_read)
{
    int reads_body = 9;

    authsvc_api_expects(world.api, expectations[_i].method, expectations[_i].path, &reads_body);
    ck_assert_int_eq(reads_body, expectations[_i].reads_body);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_router)
{
    Suite *suite = suite_create("router");
    TCase *tcase = world_tcase(suite, "router");

    tcase_add_loop_test(tcase, path_finds_its_route, 0, sizeof(paths) / sizeof(paths[0]));
    tcase_add_loop_test(tcase, method_finds_its_operation, 0,
                        sizeof(methods) / sizeof(methods[0]));
    tcase_add_test(tcase, other_method_is_405_with_allow);
    tcase_add_test(tcase, unknown_path_is_404);
    tcase_add_test(tcase, head_is_get);
    tcase_add_loop_test(tcase, handler_knows_whether_to_read, 0,
                        sizeof(expectations) / sizeof(expectations[0]));
    return suite;
}
