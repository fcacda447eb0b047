/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#define REGISTER                                                           \
    "{\"email\":\"New@Example.COM\",\"password\":\"" FAKE_PASSWORD "\"," \
    "\"name\":\" Grace \"}"

static const char *login_body(const char *password)
{
    return apr_pstrcat(fake.ctx.pool, "{\"email\":\"ada@example.com\",\"password\":\"", password,
                       "\"}", NULL);
}

static const char *refresh_body(const char *token)
{
    return apr_pstrcat(fake.ctx.pool, "{\"refresh_token\":\"", token, "\"}", NULL);
}

static void expect_user(const authsvc_json_t *user, const char *email, const char *name)
{
    ck_assert_uint_eq(authsvc_json_size(user), 6);
    ck_assert_uint_eq(strlen(authsvc_json_get_string(user, "id")), AUTHSVC_UUID_TEXT);
    ck_assert_pstr_eq(authsvc_json_get_string(user, "email"), email);
    ck_assert_pstr_eq(authsvc_json_get_string(user, "name"), name);
    ck_assert_pstr_eq(authsvc_json_get_string(user, "role"), "user");
    ck_assert_int_eq(authsvc_json_type(authsvc_json_get(user, "email_verified")),
                     AUTHSVC_JSON_FALSE);
    ck_assert_pstr_eq(authsvc_json_get_string(user, "created_at"), "2027-01-15T08:00:00Z");
}

/* @param has_device of a registration and a login, not of a refresh */
static void expect_grant(int status, const char *email, const char *name, int has_device)
{
    apr_int64_t seconds = 0;

    ck_assert_msg(world.response.status == status, "%s", world.response.body);
    ck_assert_pstr_eq(world.response.content_type, "application/json");
    ck_assert_pstr_eq(world_header("Cache-Control"), "no-store");
    ck_assert_ptr_null(world.response.error);
    ck_assert_uint_eq(authsvc_json_size(world.body), has_device ? 6 : 5);
    if (has_device) {
        ck_assert_int_eq(strncmp(world_text("device_token"), "asd1_", 5), 0);
    }
    ck_assert_pstr_eq(world_text("token_type"), "Bearer");
    ck_assert_int_eq(strncmp(world_text("refresh_token"), AUTHSVC_REFRESH_PREFIX, 5), 0);
    ck_assert_int_eq(strncmp(world_text("access_token"), "ey", 2), 0);
    authsvc_json_integer(authsvc_json_get(world.body, "expires_in"), &seconds);
    ck_assert_int_eq((int)seconds, 900);
    expect_user(authsvc_json_get(world.body, "user"), email, name);
}

static void expect_no_content(void)
{
    ck_assert_int_eq(world.response.status, 204);
    ck_assert_ptr_null(world.response.body);
    ck_assert_pstr_eq(world_header("Cache-Control"), "no-store");
}

START_TEST(register_answers_nothing_where_it_is_discreet)
{
    fake.settings.registration_disclosure = 0;
    for (int i = 0; i < 2; i++) {
        world_post("/auth/register", REGISTER);
        ck_assert_int_eq(world.response.status, 202);
        ck_assert_str_eq(world.response.body, "{\"status\":\"received\"}");
        ck_assert_pstr_eq(world_header("Cache-Control"), "no-store");
        ck_assert_ptr_null(world_header("Set-Cookie"));
    }
    ck_assert_int_eq(fake.n_users, 1);
    ck_assert_int_eq(fake.n_sessions, 0);
}
END_TEST

START_TEST(register_answers)
{
    world_post("/auth/register", REGISTER);
    expect_grant(201, "new@example.com", "Grace", 1);
    ck_assert_ptr_null(strstr(world.response.body, "argon2"));
    world_post("/auth/register", REGISTER);
    world_expect_problem(409, "email-exists");
    world_post("/auth/register",
               "{\"email\":\"b@example.com\",\"password\":\"short\",\"name\":\"B\"}");
    world_expect_problem(400, "validation");
    fake.settings.registration_open = 0;
    world_post("/auth/register", REGISTER);
    world_expect_problem(403, "registration-closed");
}
END_TEST

START_TEST(login_answers)
{
    fake_user_t *user = fake_add_user("ada@example.com");

    world_post("/auth/login", login_body(FAKE_PASSWORD));
    expect_grant(200, "ada@example.com", "Ada", 1);
    world_post("/auth/login", login_body("Wrong Horse 9"));
    world_expect_problem(401, "invalid-credentials");
    ck_assert_pstr_eq(world_header("WWW-Authenticate"),
                      "Bearer realm=\"https://example.org/api/v1\"");
    user->row.deleted_at = fake.now;
    world_post("/auth/login", login_body("Wrong Horse 9"));
    world_expect_problem(401, "invalid-credentials");
    world_post("/auth/login", login_body(FAKE_PASSWORD));
    world_expect_problem(401, "account-deactivated");
}
END_TEST

START_TEST(unknown_and_wrong_are_alike)
{
    authsvc_response_t wrong;

    fake_add_user("ada@example.com");
    wrong = *world_post("/auth/login", login_body("Wrong Horse 9"));
    world_post("/auth/login", "{\"email\":\"eve@example.com\",\"password\":\"Wrong Horse 9\"}");
    ck_assert_int_eq(world.response.status, wrong.status);
    ck_assert_str_eq(world.response.body, wrong.body);
    ck_assert_int_eq(apr_table_elts(world.response.headers)->nelts,
                     apr_table_elts(wrong.headers)->nelts);
}
END_TEST

START_TEST(refresh_and_logout_answer)
{
    authsvc_grant_t grant = fake_login(fake_add_user("ada@example.com"));
    const char *token;

    world_post("/auth/refresh", refresh_body(grant.refresh_token));
    expect_grant(200, "ada@example.com", "Ada", 0);
    token = world_text("refresh_token");
    world_post("/auth/refresh", refresh_body("asr1_nonsense"));
    world_expect_problem(401, "invalid-refresh-token");
    world_post("/auth/logout", refresh_body(token));
    expect_no_content();
    world_post("/auth/logout", refresh_body(token));
    expect_no_content();
    world_post("/auth/logout", refresh_body("nonsense"));
    expect_no_content();
    world_post("/auth/refresh", refresh_body(token));
    world_expect_problem(401, "invalid-refresh-token");
}
END_TEST

START_TEST(logout_all_answers)
{
    const char *authorization = world_sign_in();

    world_send("POST", "/auth/logout-all", NULL, "Authorization", authorization, NULL);
    expect_no_content();
    ck_assert_int_ne(fake.sessions[0].revoked_at != 0, 0);
    world_send("POST", "/auth/logout-all", NULL, "Authorization", authorization, NULL);
    world_expect_problem(401, "authentication");
}
END_TEST

START_TEST(me_answers)
{
    const char *authorization = world_sign_in();

    world_send("GET", "/users/me", NULL, "Authorization", authorization, NULL);
    ck_assert_int_eq(world.response.status, 200);
    expect_user(world.body, "ada@example.com", "Ada");
    world_send("PATCH", "/users/me", "{\"name\":\" Ada King\"}", "Authorization", authorization,
               "Content-Type", "application/json", NULL);
    ck_assert_int_eq(world.response.status, 200);
    expect_user(world.body, "ada@example.com", "Ada King");
    ck_assert_pstr_eq(world_header("Cache-Control"), "no-store");
    world_send("PATCH", "/users/me", "{\"name\":\"   \"}", "Authorization", authorization,
               "Content-Type", "application/json", NULL);
    world_expect_field("/name", "too-short");
    world_send("PATCH", "/users/me", "{\"name\":\"x\",\"role\":\"admin\"}", "Authorization",
               authorization, "Content-Type", "application/json", NULL);
    world_expect_field("/role", "unknown-member");
    ck_assert_str_eq(fake.users[0].name, "Ada King");
}
END_TEST

START_TEST(delete_answers)
{
    const char *authorization = world_sign_in();

    world_send("POST", "/users/me/delete", "{\"password\":\"Wrong Horse 9\"}", "Authorization",
               authorization, "Content-Type", "application/json", NULL);
    world_expect_problem(401, "invalid-credentials");
    ck_assert_int_eq(fake.users[0].row.deleted_at != 0, 0);
    world_send("POST", "/users/me/delete", "{\"password\":\"" FAKE_PASSWORD "\"}", "Authorization",
               authorization, "Content-Type", "application/json", NULL);
    expect_no_content();
    ck_assert_int_ne(fake.users[0].row.deleted_at != 0, 0);
}
END_TEST

/* Who is not signed in learns nothing about the body. */
START_TEST(token_is_checked_before_the_body)
{
    world_send("PATCH", "/users/me", "{{{", "Content-Type", "text/plain", NULL);
    world_expect_problem(401, "authentication");
    ck_assert_int_eq(fake.calls, 0);
}
END_TEST

START_TEST(keys_are_published)
{
    const authsvc_json_t *key;

    world_send("GET", "/.well-known/jwks.json", NULL, NULL);
    ck_assert_int_eq(world.response.status, 200);
    ck_assert_pstr_eq(world_header("Cache-Control"), "public, max-age=900");
    key = authsvc_json_at(authsvc_json_get(world.body, "keys"), 0);
    ck_assert_pstr_eq(authsvc_json_get_string(key, "alg"), "ES256");
    ck_assert_ptr_null(authsvc_json_get(key, "d"));
    world_send("GET", "/.well-known/openid-configuration", NULL, NULL);
    ck_assert_int_eq(world.response.status, 200);
    ck_assert_pstr_eq(world_header("Cache-Control"), "public, max-age=900");
    ck_assert_str_eq(world.response.body,
                     "{\"issuer\":\"https://example.org/api/v1\","
                     "\"jwks_uri\":\"https://example.org/api/v1/.well-known/jwks.json\","
                     "\"response_types_supported\":[],\"subject_types_supported\":[\"public\"],"
                     "\"id_token_signing_alg_values_supported\":[\"ES256\"]}");
}
END_TEST

/* No copy in a cache lacks the key that signs, and a client sees the next one in its time. */
START_TEST(keys_are_published_by_the_clock)
{
    fake.settings.keys = fake_rotating_keys(fake.ctx.pool);
    fake.now = apr_time_from_sec(3);
    world_send("GET", "/.well-known/jwks.json", NULL, NULL);
    ck_assert_uint_eq(authsvc_json_size(authsvc_json_get(world.body, "keys")), 1);
    ck_assert_pstr_eq(world_header("Cache-Control"), "public, max-age=7");
    fake.now = apr_time_from_sec(10) - 1;
    world_send("GET", "/.well-known/jwks.json", NULL, NULL);
    ck_assert_uint_eq(authsvc_json_size(authsvc_json_get(world.body, "keys")), 1);
    ck_assert_pstr_eq(world_header("Cache-Control"), "public, max-age=0");
    fake.now = apr_time_from_sec(10);
    world_send("GET", "/.well-known/jwks.json", NULL, NULL);
    ck_assert_uint_eq(authsvc_json_size(authsvc_json_get(world.body, "keys")), 2);
    ck_assert_pstr_eq(world_header("Cache-Control"), "public, max-age=900");
}
END_TEST

START_TEST(a_warning_is_shown_and_the_node_stays_ready)
{
    const authsvc_json_t *check;

    fake.settings.keys = fake_rotating_keys(fake.ctx.pool);
    fake.node.database_now = fake.now = apr_time_from_sec(9);
    world_send("GET", "/health/ready", NULL, NULL);
    ck_assert_int_eq(world.response.status, 200);
    check = authsvc_json_at(authsvc_json_get(world.body, "checks"), 4);
    ck_assert_pstr_eq(authsvc_json_get_string(check, "name"), "keys");
    ck_assert_ptr_null(authsvc_json_get(check, "warning"));
    fake.node.database_now = fake.now = apr_time_from_sec(10);
    world_send("GET", "/health/ready", NULL, NULL);
    ck_assert_int_eq(world.response.status, 200);
    check = authsvc_json_at(authsvc_json_get(world.body, "checks"), 4);
    ck_assert_pstr_eq(authsvc_json_get_string(check, "warning"),
                      "no key is loaded that follows the one that signs");
    ck_assert_int_eq(authsvc_json_type(authsvc_json_get(check, "ok")), AUTHSVC_JSON_TRUE);
}
END_TEST

START_TEST(health_answers)
{
    world_send("GET", "/health/live", NULL, NULL);
    ck_assert_str_eq(world.response.body, "{\"status\":\"ok\"}");
    ck_assert_int_eq(fake.calls, 0);
    fake.node.database_now = fake.now;
    world_send("GET", "/health/ready", NULL, NULL);
    ck_assert_msg(world.response.status == 200, "%s", world.response.body);
    ck_assert_pstr_eq(world_text("status"), "ready");
    ck_assert_uint_eq(authsvc_json_size(authsvc_json_get(world.body, "checks")), 5);
    ck_assert_pstr_eq(world_header("Cache-Control"), "no-store");
    fake.node.database_now = fake.now + apr_time_from_sec(31);
    world_send("GET", "/health/ready", NULL, NULL);
    world_expect_problem(503, "not-ready");
    ck_assert_uint_eq(authsvc_json_size(authsvc_json_get(world.body, "checks")), 5);
    ck_assert_str_eq(world.response.error->internal, "failed checks: clock");
}
END_TEST

/* Every repository call of every operation failing in turn: 503, never anything else. */
START_TEST(database_fault_is_503)
{
    const char *authorization = world_sign_in();
    authsvc_grant_t grant = fake_login(&fake.users[0]);
    const struct {
        const char *method, *path, *body, *slug;
    } requests[] = {
        {"POST", "/auth/register", REGISTER, "unavailable"},
        {"POST", "/auth/login", login_body(FAKE_PASSWORD), "unavailable"},
        {"POST", "/auth/refresh", refresh_body(grant.refresh_token), "unavailable"},
        {"POST", "/auth/logout", refresh_body(grant.refresh_token), "unavailable"},
        {"GET", "/users/me", NULL, "unavailable"},
        {"PATCH", "/users/me", "{\"name\":\"x\"}", "unavailable"},
        {"GET", "/health/ready", NULL, "not-ready"},
        {"POST", "/auth/logout-all", NULL, "unavailable"},
        {"POST", "/users/me/delete", "{\"password\":\"" FAKE_PASSWORD "\"}", "unavailable"},
    };
    int i, failed = 0;

    for (i = 0; i < (int)(sizeof(requests) / sizeof(requests[0])); i++) {
        fake_t before = fake;

        fake.calls = 0;
        fake.fail_at = 1;
        world_send(requests[i].method, requests[i].path, requests[i].body, "Authorization",
                   authorization, "Content-Type", "application/json", NULL);
        world_expect_problem(503, requests[i].slug);
        failed += fake.calls > 0;
        fake = before;
    }
    ck_assert_int_eq(failed, i);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_operations)
{
    Suite *suite = suite_create("operations");
    TCase *tcase = world_tcase(suite, "operations");

    tcase_add_test(tcase, register_answers);
    tcase_add_test(tcase, register_answers_nothing_where_it_is_discreet);
    tcase_add_test(tcase, login_answers);
    tcase_add_test(tcase, unknown_and_wrong_are_alike);
    tcase_add_test(tcase, refresh_and_logout_answer);
    tcase_add_test(tcase, logout_all_answers);
    tcase_add_test(tcase, me_answers);
    tcase_add_test(tcase, delete_answers);
    tcase_add_test(tcase, token_is_checked_before_the_body);
    tcase_add_test(tcase, keys_are_published);
    tcase_add_test(tcase, keys_are_published_by_the_clock);
    tcase_add_test(tcase, a_warning_is_shown_and_the_node_stays_ready);
    tcase_add_test(tcase, health_answers);
    tcase_add_test(tcase, database_fault_is_503);
    return suite;
}
