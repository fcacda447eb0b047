/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

/* AuthSvcCookie: what sets, takes and removes the session cookies. */

#define OWN "https://example.org"
#define APP "https://app.example"
#define EVIL "https://evil.example"
#define JSON "Content-Type", "application/json"
#define LOGIN "{\"email\":\"ada@example.com\",\"password\":\"" FAKE_PASSWORD "\"}"
#define LOGIN_OMIT \
    "{\"email\":\"ada@example.com\",\"password\":\"" FAKE_PASSWORD "\",\"omit_tokens\":true}"
#define REGISTER \
    "{\"email\":\"new@example.com\",\"password\":\"" FAKE_PASSWORD "\",\"name\":\"Grace\"}"

static fake_user_t *ada;
static authsvc_grant_t grant; /* of ada's session */

static void setup_cookies(void)
{
    fake.settings.cookie = 1;
    ada = fake_add_user("ada@example.com");
    grant = fake_login(ada);
}

/* The Set-Cookie field of the last answer with this beginning; NULL if there is none. */
static const char *set_cookie(const char *name)
{
    const apr_array_header_t *fields = apr_table_elts(world.response.headers);
    const char *found = NULL;
    int i;

    for (i = 0; i < fields->nelts; i++) {
        const apr_table_entry_t *field = &APR_ARRAY_IDX(fields, i, apr_table_entry_t);

        if (strcmp(field->key, "Set-Cookie") == 0 &&
            strncmp(field->val, name, strlen(name)) == 0) {
            ck_assert_ptr_null(found);
            found = field->val;
        }
    }
    return found;
}

static void expect_no_cookies(void)
{
    ck_assert_ptr_null(world_header("Set-Cookie"));
}

static void expect_cookies(void)
{
    const char *access = set_cookie("__Host-authsvc=ey");
    const char *refresh = set_cookie("__Secure-authsvc-refresh=asr1_");

    ck_assert_ptr_nonnull(access);
    ck_assert_ptr_nonnull(refresh);
    ck_assert_ptr_nonnull(
        strstr(access, "; Path=/; Max-Age=900; HttpOnly; Secure; SameSite=Lax"));
    ck_assert_ptr_nonnull(strstr(refresh, "; Path=" WORLD_MOUNT "/auth; Max-Age=2592000; HttpOnly; "
                                          "Secure; SameSite=Strict"));
}

static void expect_cleared(void)
{
    ck_assert_pstr_eq(set_cookie("__Host-authsvc"),
                      "__Host-authsvc=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax");
    ck_assert_pstr_eq(set_cookie("__Secure-authsvc-refresh"),
                      "__Secure-authsvc-refresh=; Path=" WORLD_MOUNT
                      "/auth; Max-Age=0; HttpOnly; Secure; SameSite=Strict");
}

/* What a browser sends back of the last answer's cookies. */
static const char *cookie_field(const char *access, const char *refresh)
{
    return apr_pstrcat(fake.ctx.pool, "x=1; __Host-authsvc=", access,
                       "; __Secure-authsvc-refresh=", refresh, NULL);
}

static const char *ada_cookies(void)
{
    return cookie_field(grant.access_token, grant.refresh_token);
}

static const char *token_body(const char *token)
{
    return apr_pstrcat(fake.ctx.pool, "{\"refresh_token\":\"", token, "\"}", NULL);
}

START_TEST(nothing_happens_when_it_is_off)
{
    fake.settings.cookie = 0;
    world_send("POST", "/auth/login", LOGIN, JSON, "Sec-Fetch-Site", "same-origin", NULL);
    ck_assert_int_eq(world.response.status, 200);
    expect_no_cookies();
    world_send("POST", "/auth/login", LOGIN, JSON, "Sec-Fetch-Site", "cross-site", NULL);
    ck_assert_int_eq(world.response.status, 200);
    world_send("GET", "/users/me", NULL, "Cookie", ada_cookies(), NULL);
    world_expect_problem(401, "authentication");
    world_send("POST", "/auth/refresh", "{}", JSON, "Cookie", ada_cookies(), "Origin", OWN, NULL);
    world_expect_field("/refresh_token", "required");
    world_send("POST", "/auth/logout", "{}", JSON, "Cookie", ada_cookies(), "Origin", OWN, NULL);
    world_expect_field("/refresh_token", "required");
    world_post("/auth/logout", token_body(grant.refresh_token));
    ck_assert_int_eq(world.response.status, 204);
    expect_no_cookies();
}
END_TEST

START_TEST(signing_in_sets_both)
{
    world_post("/auth/login", LOGIN);
    ck_assert_int_eq(world.response.status, 200);
    ck_assert_ptr_nonnull(world_text("access_token"));
    expect_cookies();
    ck_assert_int_eq(strncmp(set_cookie("__Host-authsvc=") + strlen("__Host-authsvc="),
                             world_text("access_token"), strlen(world_text("access_token"))),
                     0);
    world_post("/auth/register", REGISTER);
    ck_assert_int_eq(world.response.status, 201);
    expect_cookies();
    world_post("/auth/refresh", token_body(grant.refresh_token));
    ck_assert_int_eq(world.response.status, 200);
    expect_cookies();
}
END_TEST

START_TEST(refusals_set_none)
{
    world_post("/auth/login",
               "{\"email\":\"ada@example.com\",\"password\":\"Wrong Horse 9\"}");
    world_expect_problem(401, "invalid-credentials");
    expect_no_cookies();
    world_post("/auth/register", "{}");
    world_expect_problem(400, "validation");
    expect_no_cookies();
    world_send("GET", "/users/me", NULL, "Cookie", ada_cookies(), NULL);
    ck_assert_int_eq(world.response.status, 200);
    expect_no_cookies();
}
END_TEST

START_TEST(on_plain_http_the_names_are_bare)
{
    const char *access, *refresh;

    fake.settings.cookie_secure = 0;
    world_post("/auth/login", LOGIN);
    access = set_cookie("authsvc=");
    refresh = set_cookie("authsvc-refresh=");
    ck_assert_ptr_nonnull(strstr(access, "; Max-Age=900; HttpOnly; SameSite=Lax"));
    ck_assert_ptr_nonnull(strstr(refresh, "; Max-Age=2592000; HttpOnly; SameSite=Strict"));
    ck_assert_ptr_null(strstr(access, "Secure"));
    ck_assert_ptr_null(strstr(refresh, "Secure"));
    world_send("GET", "/users/me", NULL, "Cookie",
               apr_pstrcat(fake.ctx.pool, "authsvc=", grant.access_token, NULL), NULL);
    ck_assert_int_eq(world.response.status, 200);
    world_send("GET", "/users/me", NULL, "Cookie", ada_cookies(), NULL);
    world_expect_problem(401, "authentication");
}
END_TEST

START_TEST(tokens_are_omitted_when_asked)
{
    world_post("/auth/login", LOGIN_OMIT);
    ck_assert_int_eq(world.response.status, 200);
    expect_cookies();
    ck_assert_uint_eq(authsvc_json_size(world.body), 2);
    ck_assert_ptr_nonnull(authsvc_json_get(world.body, "user"));
    ck_assert_ptr_nonnull(authsvc_json_get(world.body, "expires_in"));
    ck_assert_ptr_null(strstr(world.response.body, "asr1_"));
    world_send("POST", "/auth/refresh", "{\"omit_tokens\":true}", JSON, "Cookie", ada_cookies(),
               "Origin", OWN, NULL);
    ck_assert_int_eq(world.response.status, 200);
    ck_assert_uint_eq(authsvc_json_size(world.body), 2);
    expect_cookies();
}
END_TEST

/* A script in the site's pages cannot read the cookie: nor get what is in it by sending it. */
START_TEST(refresh_by_cookie_never_tells_tokens)
{
    static const char *const bodies[] = {"{}", "{\"omit_tokens\":false}", "{\"omit_tokens\":true}"};

    world_send("POST", "/auth/refresh", bodies[_i], JSON, "Cookie", ada_cookies(), "Origin", OWN,
               NULL);
    ck_assert_int_eq(world.response.status, 200);
    ck_assert_uint_eq(authsvc_json_size(world.body), 2);
    ck_assert_ptr_nonnull(authsvc_json_get(world.body, "user"));
    ck_assert_ptr_nonnull(authsvc_json_get(world.body, "expires_in"));
    ck_assert_ptr_null(strstr(world.response.body, "asr1_"));
    expect_cookies();
    /* Who has the token, and sends it, is told the next, also beside a cookie. */
    world_send("POST", "/auth/refresh",
               apr_pstrcat(fake.ctx.pool, "{\"refresh_token\":\"", grant.refresh_token, "\"}",
                           NULL),
               JSON, "Cookie", ada_cookies(), "Origin", OWN, NULL);
    ck_assert_int_eq(world.response.status, 200);
    ck_assert_ptr_nonnull(world_text("access_token"));
    ck_assert_ptr_nonnull(world_text("refresh_token"));
    expect_cookies();
}
END_TEST

/* Nobody would have the tokens: refused before a session is opened. */
START_TEST(tokens_are_not_omitted_without_cookies)
{
    int sessions;

    fake.settings.cookie = 0;
    fake.calls = 0;
    world_post("/auth/login", LOGIN_OMIT);
    world_expect_field("/omit_tokens", "no-cookies");
    ck_assert_int_eq(fake.calls, 0);
    world_post("/auth/register", "{\"email\":\"x\",\"password\":\"short\",\"name\":\"B\","
                                 "\"omit_tokens\":true}");
    world_expect_problem(400, "validation");
    sessions = (int)authsvc_json_size(authsvc_json_get(world.body, "errors"));
    ck_assert_int_ge(sessions, 3);
    world_post("/auth/login", "{\"email\":\"ada@example.com\",\"password\":\"" FAKE_PASSWORD
                              "\",\"omit_tokens\":\"yes\"}");
    world_expect_field("/omit_tokens", "type");
}
END_TEST

START_TEST(access_cookie_is_a_credential)
{
    world_send("GET", "/users/me", NULL, "Cookie", ada_cookies(), NULL);
    ck_assert_int_eq(world.response.status, 200);
    /* An Authorization field goes first, whatever is in it. */
    world_send("GET", "/users/me", NULL, "Cookie", ada_cookies(), "Authorization", "Bearer x",
               NULL);
    world_expect_problem(401, "authentication");
    world_send("GET", "/users/me", NULL, "Cookie", ada_cookies(), "Authorization", "Basic eDp5",
               NULL);
    world_expect_problem(401, "authentication");
    world_send("GET", "/users/me", NULL, "Cookie", ada_cookies(), "Authorization", "", NULL);
    world_expect_problem(401, "authentication");
    /* Two that differ are none. */
    world_send("GET", "/users/me", NULL, "Cookie",
               apr_pstrcat(fake.ctx.pool, ada_cookies(), "; __Host-authsvc=other", NULL), NULL);
    world_expect_problem(401, "authentication");
    ck_assert_ptr_null(strstr(world_header("WWW-Authenticate"), "error="));
    world_send("GET", "/users/me", NULL, "Cookie", cookie_field("no.such.token", "x"), NULL);
    world_expect_problem(401, "authentication");
    ck_assert_ptr_nonnull(strstr(world_header("WWW-Authenticate"), "error=\"invalid_token\""));
    /* The refresh token is no access token, in whichever cookie. */
    world_send("GET", "/users/me", NULL, "Cookie",
               cookie_field(grant.refresh_token, grant.access_token), NULL);
    world_expect_problem(401, "authentication");
}
END_TEST

static const struct {
    const char *name, *value;
    int is_proof;
} proofs[] = {
    {"Sec-Fetch-Site", "same-origin", 1}, {"Origin", OWN, 1},
    {"Sec-Fetch-Site", "cross-site", 0},  {"Sec-Fetch-Site", "same-site", 0},
    {"Sec-Fetch-Site", "none", 0},        {"Origin", EVIL, 0},
    {"Origin", "null", 0},                {"Origin", APP, 0},
    {"X-Requested-With", "fetch", 0},     {"Host", "example.org", 0},
};

/* A name, a session, an account: changed by cookie with proof only. */
START_TEST(changes_by_cookie_need_proof)
{
    apr_array_header_t *origins = apr_array_make(fake.ctx.pool, 1, sizeof(const char *));
    const char *name = proofs[_i].name, *value = proofs[_i].value;
    int ok = proofs[_i].is_proof;

    APR_ARRAY_PUSH(origins, const char *) = APP;
    fake.settings.cors_origins = origins;
    world_send("PATCH", "/users/me", "{\"name\":\"Eve\"}", JSON, "Cookie", ada_cookies(), name,
               value, NULL);
    if (ok) {
        ck_assert_int_eq(world.response.status, 200);
    } else {
        world_expect_problem(403, "cross-site");
        ck_assert_str_eq(ada->name, "Ada");
    }
    world_send("POST", "/auth/refresh", "{}", JSON, "Cookie", ada_cookies(), name, value, NULL);
    ck_assert_int_eq(world.response.status, ok ? 200 : 403);
    if (!ok) {
        world_expect_problem(403, "cross-site");
        expect_no_cookies();
        ck_assert_int_eq((int)fake.sessions[0].counter, 0);
    }
    world_send("POST", "/auth/logout", "{}", JSON, "Cookie", ada_cookies(), name, value, NULL);
    ck_assert_int_eq(world.response.status, ok ? 204 : 403);
    ck_assert_int_eq(fake.sessions[0].revoked_at != 0, ok);
    if (!ok) {
        expect_no_cookies();
        world_send("POST", "/auth/logout-all", NULL, "Cookie", ada_cookies(), name, value, NULL);
        world_expect_problem(403, "cross-site");
        world_send("POST", "/users/me/delete", "{\"password\":\"" FAKE_PASSWORD "\"}", JSON,
                   "Cookie", ada_cookies(), name, value, NULL);
        world_expect_problem(403, "cross-site");
        ck_assert_int_eq(ada->row.deleted_at != 0, 0);
        ck_assert_int_eq(fake.sessions[0].revoked_at != 0, 0);
        /* The same page may read, as far as its browser lets it; and a token is proof enough. */
        world_send("GET", "/users/me", NULL, "Cookie", ada_cookies(), name, value, NULL);
        ck_assert_int_eq(world.response.status, 200);
        world_send("PATCH", "/users/me", "{\"name\":\"Ada King\"}", JSON, "Authorization",
                   apr_pstrcat(fake.ctx.pool, "Bearer ", grant.access_token, NULL), name, value,
                   NULL);
        ck_assert_int_eq(world.response.status, 200);
    }
}
END_TEST

/* Without any proof the answer is the same as to a stranger's page. */
START_TEST(changes_by_cookie_alone_are_refused)
{
    world_send("PATCH", "/users/me", "{\"name\":\"Eve\"}", JSON, "Cookie", ada_cookies(), NULL);
    world_expect_problem(403, "cross-site");
    world_send("POST", "/auth/refresh", "{}", JSON, "Cookie", ada_cookies(), NULL);
    world_expect_problem(403, "cross-site");
    world_send("POST", "/auth/logout", "{}", JSON, "Cookie", ada_cookies(), NULL);
    world_expect_problem(403, "cross-site");
}
END_TEST

/* A page of another origin could sign the visitor in as somebody else. */
START_TEST(login_csrf)
{
    static const struct {
        const char *path, *body;
    } requests[] = {{"/auth/login", LOGIN}, {"/auth/register", REGISTER}};
    size_t i;

    for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        fake.calls = 0;
        world_send("POST", requests[i].path, requests[i].body, JSON, "Origin", EVIL, NULL);
        world_expect_problem(403, "cross-site");
        expect_no_cookies();
        world_send("POST", requests[i].path, requests[i].body, JSON, "Origin", OWN,
                   "Sec-Fetch-Site", "cross-site", NULL);
        world_expect_problem(403, "cross-site");
        expect_no_cookies();
        ck_assert_int_eq(fake.calls, 0);
        world_send("POST", requests[i].path, requests[i].body, JSON, "Origin", OWN, NULL);
        ck_assert_int_eq(world.response.status / 100, 2);
        expect_cookies();
    }
    world_send("POST", "/auth/refresh", token_body(grant.refresh_token), JSON, "Origin", EVIL,
               NULL);
    world_expect_problem(403, "cross-site");
    expect_no_cookies();
    world_send("POST", "/auth/logout", token_body(grant.refresh_token), JSON, "Origin", EVIL, NULL);
    world_expect_problem(403, "cross-site");
    expect_no_cookies();
}
END_TEST

/* Pages of the origins that the site names go on with tokens, and get no cookies. */
START_TEST(cors_origins_use_tokens)
{
    apr_array_header_t *origins = apr_array_make(fake.ctx.pool, 1, sizeof(const char *));
    const char *token;

    APR_ARRAY_PUSH(origins, const char *) = APP;
    fake.settings.cors_origins = origins;
    world_send("POST", "/auth/login", LOGIN, JSON, "Origin", APP, "Sec-Fetch-Site", "same-site",
               NULL);
    ck_assert_int_eq(world.response.status, 200);
    ck_assert_pstr_eq(world_header("Access-Control-Allow-Origin"), APP);
    ck_assert_ptr_null(world_header("Access-Control-Allow-Credentials"));
    expect_no_cookies();
    token = world_text("refresh_token");
    world_send("POST", "/auth/login", LOGIN_OMIT, JSON, "Origin", APP, NULL);
    world_expect_field("/omit_tokens", "no-cookies");
    world_send("POST", "/auth/refresh", token_body(token), JSON, "Origin", APP, NULL);
    ck_assert_int_eq(world.response.status, 200);
    expect_no_cookies();
    world_send("POST", "/auth/logout", token_body(token), JSON, "Origin", APP, NULL);
    ck_assert_int_eq(world.response.status, 204);
    expect_no_cookies();
}
END_TEST

START_TEST(refresh_by_cookie)
{
    const char *cookie;

    world_send("POST", "/auth/refresh", "{}", JSON, "Cookie", ada_cookies(), "Origin", OWN, NULL);
    ck_assert_int_eq(world.response.status, 200);
    expect_cookies();
    cookie = set_cookie("__Secure-authsvc-refresh=");
    ck_assert(cookie && !strstr(cookie, grant.refresh_token));
    /* It is the next one. */
    world_send("POST", "/auth/refresh", "{}", JSON, "Cookie",
               apr_pstrmemdup(fake.ctx.pool, cookie, strcspn(cookie, ";")), "Origin", OWN, NULL);
    ck_assert_int_eq(world.response.status, 200);
    world_send("POST", "/auth/refresh", "{}", JSON, "Cookie", "x=1", "Origin", OWN, NULL);
    world_expect_field("/refresh_token", "required");
    world_send("POST", "/auth/refresh", "{}", JSON, NULL);
    world_expect_field("/refresh_token", "required");
}
END_TEST

/* The body's goes first, and is no matter of the cookies' proof. */
START_TEST(body_goes_before_cookie)
{
    authsvc_grant_t other = fake_login(fake_add_user("bob@example.com"));

    world_send("POST", "/auth/refresh", token_body(other.refresh_token), JSON, "Cookie",
               ada_cookies(), NULL);
    ck_assert_int_eq(world.response.status, 200);
    ck_assert_pstr_eq(
        authsvc_json_get_string(authsvc_json_get(world.body, "user"), "email"), "bob@example.com");
    expect_cookies();
    /* What was refused is not the cookie's token. */
    world_send("POST", "/auth/refresh", token_body("asr1_nonsense"), JSON, "Cookie", ada_cookies(),
               "Origin", OWN, NULL);
    world_expect_problem(401, "invalid-refresh-token");
    expect_no_cookies();
    world_send("POST", "/auth/logout", token_body(other.refresh_token), JSON, "Cookie",
               ada_cookies(), "Origin", OWN, NULL);
    ck_assert_int_eq(world.response.status, 204);
    expect_cleared();
    ck_assert_int_eq(fake.sessions[0].revoked_at != 0, 0);
    ck_assert_int_eq(fake.sessions[1].revoked_at != 0, 1);
}
END_TEST

START_TEST(refused_refresh_removes_both)
{
    world_send("POST", "/auth/refresh", "{}", JSON, "Cookie", cookie_field("x", "asr1_nonsense"),
               "Origin", OWN, NULL);
    world_expect_problem(401, "invalid-refresh-token");
    expect_cleared();
    fake.sessions[0].revoked_at = fake.now;
    world_send("POST", "/auth/refresh", "{}", JSON, "Cookie", ada_cookies(), "Origin", OWN, NULL);
    world_expect_problem(401, "invalid-refresh-token");
    expect_cleared();
}
END_TEST

/* A fault of ours must not sign anybody out. */
START_TEST(faults_remove_nothing)
{
    fake.calls = 0;
    fake.fail_at = 1;
    world_send("POST", "/auth/refresh", "{}", JSON, "Cookie", ada_cookies(), "Origin", OWN, NULL);
    world_expect_problem(503, "unavailable");
    expect_no_cookies();
    fake.calls = 0;
    fake.fail_at = 1;
    world_send("POST", "/auth/logout", "{}", JSON, "Cookie", ada_cookies(), "Origin", OWN, NULL);
    world_expect_problem(503, "unavailable");
    expect_no_cookies();
}
END_TEST

START_TEST(logout_removes_both)
{
    world_send("POST", "/auth/logout", "{}", JSON, "Cookie", ada_cookies(), "Origin", OWN, NULL);
    ck_assert_int_eq(world.response.status, 204);
    expect_cleared();
    ck_assert_int_ne(fake.sessions[0].revoked_at != 0, 0);
    world_send("GET", "/users/me", NULL, "Cookie", ada_cookies(), NULL);
    world_expect_problem(401, "authentication");
    world_post("/auth/logout", token_body("nonsense"));
    ck_assert_int_eq(world.response.status, 204);
    expect_cleared();
}
END_TEST

START_TEST(logout_all_removes_both)
{
    world_send("POST", "/auth/logout-all", NULL, "Cookie", ada_cookies(), "Origin", OWN, NULL);
    ck_assert_int_eq(world.response.status, 204);
    expect_cleared();
}
END_TEST

START_TEST(deleting_the_account_removes_both)
{
    world_send("POST", "/users/me/delete", "{\"password\":\"Wrong Horse 9\"}", JSON, "Cookie",
               ada_cookies(), "Origin", OWN, NULL);
    world_expect_problem(401, "invalid-credentials");
    expect_no_cookies();
    world_send("POST", "/users/me/delete", "{\"password\":\"" FAKE_PASSWORD "\"}", JSON, "Cookie",
               ada_cookies(), "Origin", OWN, NULL);
    ck_assert_int_eq(world.response.status, 204);
    expect_cleared();
}
END_TEST

START_TEST(plain_http_goes_first)
{
    world.plain = 1;
    world_send("GET", "/users/me", NULL, "Cookie", ada_cookies(), NULL);
    world_expect_problem(403, "tls-required");
}
END_TEST

/* The refresh token's cookie is sent below this path only. */
START_TEST(what_takes_the_refresh_cookie_is_below_its_path)
{
    int i, j, found = 0;

    for (i = 0; i < world.api->routes->nelts; i++) {
        const authsvc_route_t *route = &APR_ARRAY_IDX(world.api->routes, i, authsvc_route_t);

        for (j = 0; j < route->operations->nelts; j++) {
            const authsvc_operation_t *operation =
                &APR_ARRAY_IDX(route->operations, j, authsvc_operation_t);

            ck_assert_msg(operation->cookie == operation->bearer, "%s", operation->id);
            if (operation->refresh_cookie) {
                ck_assert_msg(strncmp(route->path, "/auth/", 6) == 0, "%s", route->path);
                ck_assert_msg(operation->cookies, "%s", operation->id);
                found++;
            }
        }
    }
    ck_assert_int_eq(found, 2);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_session_cookies)
{
    Suite *suite = suite_create("session cookies");
    TCase *tcase = world_tcase(suite, "session cookies");

    tcase_add_checked_fixture(tcase, setup_cookies, NULL);
    tcase_add_test(tcase, nothing_happens_when_it_is_off);
    tcase_add_test(tcase, signing_in_sets_both);
    tcase_add_test(tcase, refusals_set_none);
    tcase_add_test(tcase, on_plain_http_the_names_are_bare);
    tcase_add_test(tcase, tokens_are_omitted_when_asked);
    tcase_add_loop_test(tcase, refresh_by_cookie_never_tells_tokens, 0, 3);
    tcase_add_test(tcase, tokens_are_not_omitted_without_cookies);
    tcase_add_test(tcase, access_cookie_is_a_credential);
    tcase_add_loop_test(tcase, changes_by_cookie_need_proof, 0,
                        sizeof(proofs) / sizeof(proofs[0]));
    tcase_add_test(tcase, changes_by_cookie_alone_are_refused);
    tcase_add_test(tcase, login_csrf);
    tcase_add_test(tcase, cors_origins_use_tokens);
    tcase_add_test(tcase, refresh_by_cookie);
    tcase_add_test(tcase, body_goes_before_cookie);
    tcase_add_test(tcase, refused_refresh_removes_both);
    tcase_add_test(tcase, faults_remove_nothing);
    tcase_add_test(tcase, logout_removes_both);
    tcase_add_test(tcase, logout_all_removes_both);
    tcase_add_test(tcase, deleting_the_account_removes_both);
    tcase_add_test(tcase, plain_http_goes_first);
    tcase_add_test(tcase, what_takes_the_refresh_cookie_is_below_its_path);
    return suite;
}
