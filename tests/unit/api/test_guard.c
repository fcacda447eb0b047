/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "authsvc/api/guard.h"

/* A request's fields: name, value, ..., NULL. */
static const char *find_field(void *baton, const char *name)
{
    const char *const *fields = baton;

    for (; fields[0]; fields += 2) {
        if (strcasecmp(fields[0], name) == 0) {
            return fields[1];
        }
    }
    return NULL;
}

static authsvc_request_t request_with(const char *method, const char *const *fields)
{
    const authsvc_request_t request = {
        .method = method,
        .path = "/",
        .instance = "/members/a.txt",
        .secure = 1,
        .header = find_field,
        .baton = (void *)(uintptr_t)(const void *)fields,
    };

    return request;
}

START_TEST(the_credential_is_one_bearer_token)
{
    static const char *const bad[] = {"",         "Bearer",           "Bearer a b", "Basic YTpi",
                                      "bearera",  "Bearer a, Bearer a", "X",        "Bearer a,b",
                                      "a.b.c",    "Basic x, Bearer a"};
    const char *fields[] = {"Authorization", "Bearer abc", NULL};
    const char *none[] = {NULL};
    authsvc_request_t request = request_with("GET", fields);
    authsvc_credential_t credential;
    size_t i;

    ck_assert_ok(authsvc_guard_credential(&fake.ctx, &request, &credential));
    ck_assert_int_eq(credential.sent, 1);
    ck_assert_uint_eq(credential.len, 3);
    ck_assert_int_eq(strncmp(credential.token, "abc", 3), 0);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fields[1] = bad[i];
        ck_assert_problem(authsvc_guard_credential(&fake.ctx, &request, &credential),
                          AUTHSVC_E_UNAUTHENTICATED, "authentication");
        ck_assert_int_eq(credential.sent, 1);
        ck_assert_ptr_null(credential.token);
    }
    request = request_with("GET", none);
    ck_assert_ok(authsvc_guard_credential(&fake.ctx, &request, &credential));
    ck_assert_ptr_null(credential.token);
    ck_assert_int_eq(credential.sent, 0);
}
END_TEST

START_TEST(the_cookie_counts_where_the_site_uses_it)
{
    const char *fields[] = {"Cookie", "a=b; __Host-authsvc=x.y.z", NULL, NULL, NULL};
    authsvc_request_t request = request_with("GET", fields);
    authsvc_credential_t credential;

    fake.settings.origin = "https://example.org";
    ck_assert_ok(authsvc_guard_credential(&fake.ctx, &request, &credential));
    ck_assert_int_eq(credential.sent, 0);
    fake.settings.cookie = fake.settings.cookie_secure = 1;
    ck_assert_ok(authsvc_guard_credential(&fake.ctx, &request, &credential));
    ck_assert_int_eq(credential.by_cookie && credential.sent, 1);
    ck_assert_uint_eq(credential.len, 5);

    request.method = "POST";
    ck_assert_int_eq(authsvc_guard_credential(&fake.ctx, &request, &credential)->code,
                     AUTHSVC_E_FORBIDDEN);
    ck_assert_ptr_null(credential.token);
    fields[2] = "Sec-Fetch-Site";
    fields[3] = "cross-site";
    ck_assert_int_eq(authsvc_guard_credential(&fake.ctx, &request, &credential)->code,
                     AUTHSVC_E_FORBIDDEN);
    fields[3] = "same-origin";
    ck_assert_ok(authsvc_guard_credential(&fake.ctx, &request, &credential));
    ck_assert_ptr_nonnull(credential.token);

    fake.settings.cookie_secure = 0;
    ck_assert_ok(authsvc_guard_credential(&fake.ctx, &request, &credential));
    ck_assert_int_eq(credential.sent, 0);
}
END_TEST

/* By the cookie alone, a page of another origin of the same site could talk through one. */
START_TEST(web_sockets_by_cookie_need_proof)
{
    const char *fields[] = {"Cookie", "__Host-authsvc=x.y.z", "Origin", "https://example.org",
                            NULL, NULL, NULL};
    authsvc_request_t request = request_with("GET", fields);
    authsvc_credential_t credential;

    fake.settings.origin = "https://example.org";
    fake.settings.cookie = fake.settings.cookie_secure = 1;
    fields[3] = "https://other.example.org";
    ck_assert_ok(authsvc_guard_credential(&fake.ctx, &request, &credential));
    fields[4] = "Upgrade";
    fields[5] = "websocket";
    ck_assert_problem(authsvc_guard_credential(&fake.ctx, &request, &credential),
                      AUTHSVC_E_FORBIDDEN, "cross-site");
    ck_assert_ptr_null(credential.token);
    fields[3] = "https://example.org";
    ck_assert_ok(authsvc_guard_credential(&fake.ctx, &request, &credential));
    ck_assert_ptr_nonnull(credential.token);
    fields[2] = "X-Origin";
    ck_assert_problem(authsvc_guard_credential(&fake.ctx, &request, &credential),
                      AUTHSVC_E_FORBIDDEN, "cross-site");
}
END_TEST

START_TEST(two_different_tokens_are_refused)
{
    const char *fields[] = {"Cookie", "__Host-authsvc=x.y.z", "Authorization", "Bearer x.y.z",
                            NULL};
    const authsvc_request_t request = request_with("GET", fields);
    authsvc_credential_t credential;

    fake.settings.cookie = fake.settings.cookie_secure = 1;
    ck_assert_ok(authsvc_guard_credential(&fake.ctx, &request, &credential));
    ck_assert_int_eq(credential.by_cookie, 0);
    fields[3] = "Bearer x.y.w";
    ck_assert_problem(authsvc_guard_credential(&fake.ctx, &request, &credential),
                      AUTHSVC_E_UNAUTHENTICATED, "authentication");
    fields[3] = "Basic YTpi";
    ck_assert_problem(authsvc_guard_credential(&fake.ctx, &request, &credential),
                      AUTHSVC_E_UNAUTHENTICATED, "authentication");
    /* Two cookies that differ are none. */
    fields[1] = "__Host-authsvc=x.y.z; __Host-authsvc=u.v.w";
    fields[2] = NULL;
    ck_assert_ok(authsvc_guard_credential(&fake.ctx, &request, &credential));
    ck_assert_ptr_null(credential.token);
}
END_TEST

static const struct {
    const char *field;
    const char *rest;
} cookies[] = {
    {"a=b", "a=b"},
    {"", ""},
    {"a=b; authsvcx=1; xauthsvc=2; Host-authsvc-x", "a=b; authsvcx=1; xauthsvc=2; Host-authsvc-x"},
    {"__Host-authsvc=t", NULL},
    {"__Host-authsvc=t;", NULL},
    {" __Host-authsvc = t ; ", NULL},
    {"a=b; __Host-authsvc=t", "a=b"},
    {"__Host-authsvc=t; a=b", "a=b"},
    {"a=b;__Secure-authsvc-refresh=u;c=d", "a=b;c=d"},
    {"a=b; authsvc=t; authsvc-refresh=u; c=d", "a=b; c=d"},
    {"a=b, __Host-authsvc=t, c=d", "a=b, c=d"},
    {"__host-AUTHSVC=t; a=b", "a=b"},
    {"__Host-authsvc", NULL},
    {"__Host-authsvc=t; __Host-authsvc=u", NULL},
};

START_TEST(backends_do_not_see_our_cookies)
{
    const char *rest = authsvc_guard_without_cookies(fake.ctx.pool, cookies[_i].field);

    if (cookies[_i].rest) {
        ck_assert_pstr_eq(rest, cookies[_i].rest);
    } else {
        ck_assert_ptr_null(rest);
    }
}
END_TEST

static void refuse(authsvc_error_code_t code, int sent)
{
    const char *none[] = {NULL};
    const authsvc_request_t request = request_with("GET", none);
    const authsvc_error_t *err = AUTHSVC_ERROR(fake.ctx.pool, code, NULL, NULL, "why");

    authsvc_guard_refuse(world.api, &fake.ctx, &request, err, sent, &world.response);
    world.body = authsvc_json_parse(fake.ctx.pool, world.response.body, world.response.body_len,
                                    NULL);
    ck_assert_ptr_nonnull(world.body);
    ck_assert_pstr_eq(world.response.content_type, "application/problem+json");
    ck_assert_pstr_eq(world_header("Cache-Control"), "no-store");
    ck_assert_pstr_eq(world_text("instance"), "/members/a.txt");
}

START_TEST(refusals_are_problems)
{
    refuse(AUTHSVC_E_UNAUTHENTICATED, 0);
    ck_assert_int_eq(world.response.status, 401);
    ck_assert_ptr_null(strstr(world_header("WWW-Authenticate"), "error="));
    refuse(AUTHSVC_E_UNAUTHENTICATED, 1);
    ck_assert_ptr_nonnull(strstr(world_header("WWW-Authenticate"), "error=\"invalid_token\""));
    refuse(AUTHSVC_E_FORBIDDEN, 1);
    ck_assert_int_eq(world.response.status, 403);
    ck_assert_pstr_eq(world_text("type"), WORLD_PROBLEMS "insufficient-rights");
    ck_assert_ptr_null(world_header("WWW-Authenticate"));
    refuse(AUTHSVC_E_UNAVAILABLE, 1);
    ck_assert_int_eq(world.response.status, 503);
    ck_assert_ptr_nonnull(world_header("Retry-After"));
    refuse(AUTHSVC_E_INTERNAL, 1);
    ck_assert_int_eq(world.response.status, 500);
}
END_TEST

static const struct {
    const char *method;
    const char *fields[7];
    int expected;
} navigations[] = {
    {"GET", {"Sec-Fetch-Mode", "navigate", NULL}, 1},
    {"HEAD", {"Sec-Fetch-Mode", "navigate", NULL}, 1},
    {"GET", {"Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", NULL}, 1},
    {"GET", {"Accept", "application/xml , TEXT/HTML;q=0.9", NULL}, 1},
    {"POST", {"Sec-Fetch-Mode", "navigate", NULL}, 0},
    {"POST", {"Accept", "text/html", NULL}, 0},
    {"PROPFIND", {"Accept", "text/html", NULL}, 0},
    {"GET", {"Sec-Fetch-Mode", "cors", "Accept", "text/html", NULL}, 0},
    {"GET", {"Sec-Fetch-Mode", "no-cors", "Accept", "text/html", NULL}, 0},
    {"GET", {"Sec-Fetch-Mode", "navigate, cors", NULL}, 0},
    {"GET", {"Accept", "text/html", "X-Requested-With", "XMLHttpRequest", NULL}, 0},
    {"GET", {"Accept", "*/*", NULL}, 0},
    {"GET", {"Accept", "application/json, text/htmlx, x/text/html", NULL}, 0},
    {"GET", {"Accept", ";x,, text/html", NULL}, 1},
    {"GET", {"Accept", "", NULL}, 0},
    {"GET", {NULL}, 0},
};

START_TEST(people_navigate_and_programs_do_not)
{
    const authsvc_request_t request =
        request_with(navigations[_i].method, navigations[_i].fields);

    ck_assert_int_eq(authsvc_guard_is_navigation(&request), navigations[_i].expected);
}
END_TEST

START_TEST(return_paths_stay_on_this_host)
{
    static const char *const good[] = {"/", "/a", "/a/b?c=d&e=//f", "/%2f%2fevil.example", "/a//b"};
    static const char *const bad[] = {"",        "//evil.example", "/\\evil.example", "\\/x",
                                      "http://evil.example/", "evil", "/a\r\nX: y", "/a b", "/a\tb",
                                      "/\xc3\xb6", "*", "/\x7f", "javascript:alert(1)"};
    char *lengthy = apr_palloc(fake.ctx.pool, 2050);
    size_t i;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ck_assert_msg(authsvc_guard_is_return_path(good[i]), "%s", good[i]);
    }
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(!authsvc_guard_is_return_path(bad[i]), "%s", bad[i]);
        ck_assert_str_eq(authsvc_guard_login_location(fake.ctx.pool, "/login/", bad[i]),
                         "/login/");
    }
    memset(lengthy, '/', 2049);
    lengthy[1] = 'a';
    lengthy[2049] = '\0';
    ck_assert_int_eq(authsvc_guard_is_return_path(lengthy), 0);
    lengthy[2048] = '\0';
    ck_assert_int_eq(authsvc_guard_is_return_path(lengthy), 1);
    ck_assert_str_eq(authsvc_guard_login_location(fake.ctx.pool, "/login/", "/a/b?c=d&e=%2f#f"),
                     "/login/?return_to=/a/b%3Fc%3Dd%26e%3D%252f%23f");
    ck_assert_str_eq(authsvc_guard_login_location(fake.ctx.pool, "/login/", NULL), "/login/");
}
END_TEST

START_TEST(reserved_fields_in_any_spelling)
{
    static const char *const reserved[] = {
        "X-AuthSvc-Sub", "x_authsvc_sub",  "X-AUTHSVC_ROLE", "x.authsvc!sub", "AuthSvc-Sub",
        "AUTHSVC_SUB",   "X-AuthSvc-Token", "X-AuthSvc-",    "Remote-User",   "REMOTE_USER",
        "x-remote-user", "X_Remote.User",  "X-AuthSvc-Anything"};
    static const char *const free_for_all[] = {"Authorization", "X-AuthSvc", "X-AuthSvcx-Sub",
                                               "AuthSvcSub",    "X-Remote-Users", "Remote",
                                               "XAuthSvc-Sub",  "",          "X-", "Cookie",
                                               "X-X-AuthSvc-Sub", "RemoteUser"};
    size_t i;

    for (i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        ck_assert_msg(authsvc_guard_is_reserved_field(reserved[i]), "%s", reserved[i]);
    }
    for (i = 0; i < sizeof(free_for_all) / sizeof(free_for_all[0]); i++) {
        ck_assert_msg(!authsvc_guard_is_reserved_field(free_for_all[i]), "%s", free_for_all[i]);
    }
}
END_TEST

START_TEST(each_field_we_send_is_reserved)
{
    const authsvc_claims_t claims = {.subject = "s", .email_verified = 1};
    authsvc_identity_t list[AUTHSVC_IDENTITIES + 1];
    int i;

    authsvc_guard_identities(&claims, list);
    for (i = 0; list[i].variable; i++) {
        ck_assert_int_eq(authsvc_guard_is_reserved_field(list[i].field), 1);
        ck_assert_int_eq(authsvc_guard_is_reserved_field(list[i].variable), 1);
    }
    ck_assert_int_eq(i, AUTHSVC_IDENTITIES);
    ck_assert_int_eq(authsvc_guard_is_reserved_field(AUTHSVC_IDENTITY_TOKEN_FIELD), 1);
    ck_assert_pstr_eq(list[0].value, "s");
    ck_assert_ptr_null(list[1].value);
}
END_TEST

START_TEST(field_values_are_printable_ascii)
{
    ck_assert_str_eq(authsvc_guard_field_value(fake.ctx.pool, "Ada \"L\" 100%\r\nX: \xc3\x96\x7f"),
                     "Ada \"L\" 100%25%0D%0AX: %C3%96%7F");
    ck_assert_str_eq(authsvc_guard_field_value(fake.ctx.pool, ""), "");
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_guard)
{
    Suite *suite = suite_create("guard");
    TCase *tcase = world_tcase(suite, "guard");

    tcase_add_test(tcase, the_credential_is_one_bearer_token);
    tcase_add_test(tcase, the_cookie_counts_where_the_site_uses_it);
    tcase_add_test(tcase, web_sockets_by_cookie_need_proof);
    tcase_add_test(tcase, two_different_tokens_are_refused);
    tcase_add_loop_test(tcase, backends_do_not_see_our_cookies, 0,
                        (int)(sizeof(cookies) / sizeof(cookies[0])));
    tcase_add_test(tcase, refusals_are_problems);
    tcase_add_loop_test(tcase, people_navigate_and_programs_do_not, 0,
                        (int)(sizeof(navigations) / sizeof(navigations[0])));
    tcase_add_test(tcase, return_paths_stay_on_this_host);
    tcase_add_test(tcase, reserved_fields_in_any_spelling);
    tcase_add_test(tcase, each_field_we_send_is_reserved);
    tcase_add_test(tcase, field_values_are_printable_ascii);
    return suite;
}
