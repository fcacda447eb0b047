/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

static const struct {
    const char *type;
    int ok;
} types[] = {
    {"application/json", 1},
    {"Application/JSON", 1},
    {"application/json;charset=utf-8", 1},
    {"application/json; charset=UTF-8", 1},
    {"application/json ;\tcharset=\"utf-8\"", 1},
    {"application/json;", 1},
    {"application/json ", 1},
    {NULL, 0},
    {"", 0},
    {"application/jso", 0},
    {"application/jsonx", 0},
    {"application/json+x", 0},
    {"application/problem+json", 0},
    {"application/json, text/plain", 0},
    {"application/json, application/json", 0},
    {"application/json; charset=utf-16", 0},
    {"application/json; charset=utf-88", 0},
    {"application/json; charset=\"utf-8", 0},
    {"application/json; charset=utf-8\"", 0},
    {"application/json; charset=utf-8; x=y", 0},
    {"application/json; charset=", 0},
    {"application/json; version=1", 0},
    {"application/json x", 0},
    {"text/plain", 0},
    {"application/x-www-form-urlencoded", 0},
    {"multipart/form-data; boundary=x", 0},
};

START_TEST(content_type_is_json)
{
    ck_assert_msg(authsvc_request_is_json(types[_i].type) == types[_i].ok, "%s", types[_i].type);
}
END_TEST

#define LOGIN "{\"email\":\"nobody@example.com\",\"password\":\"x\"}"

START_TEST(media_is_checked_before_the_body)
{
    world_send("POST", "/auth/login", LOGIN, "Content-Type", types[_i].type, NULL);
    if (types[_i].ok) {
        world_expect_problem(401, "invalid-credentials");
    } else {
        world_expect_problem(415, "unsupported-media-type");
        ck_assert_int_eq(fake.calls, 0);
    }
}
END_TEST

START_TEST(content_coding_is_refused)
{
    world_send("POST", "/auth/login", LOGIN, "Content-Type", "application/json",
               "Content-Encoding", "gzip", NULL);
    world_expect_problem(415, "unsupported-media-type");
    world_send("POST", "/auth/login", LOGIN, "Content-Type", "application/json",
               "Content-Encoding", "identity", NULL);
    world_expect_problem(401, "invalid-credentials");
}
END_TEST

START_TEST(no_body_is_said_so)
{
    world_send("POST", "/auth/login", NULL, NULL);
    world_expect_field("", "required");
    world_send("POST", "/auth/login", "", "Content-Type", "application/json", NULL);
    world_expect_field("", "required");
    world_send("POST", "/auth/login", NULL, "Content-Type", "text/plain", NULL);
    world_expect_problem(415, "unsupported-media-type");
}
END_TEST

static const struct {
    const char *body, *pointer, *code;
} bodies[] = {
    {"{", "", "json"},
    {"{}x", "", "json"},
    {"{} {}", "", "json"},
    {" ", "", "json"},
    {"{'email':1}", "", "json"},
    {"{\"email\":\"a\",\"email\":\"b\"}", "", "json"},
    {"{\"email\":\"a\\u0000\",\"password\":\"x\"}", "", "json"},
    {"{\"email\":\"\xff\",\"password\":\"x\"}", "", "json"},
    {"{\"email\":\"\\ud800\",\"password\":\"x\"}", "", "json"},
    {"\xef\xbb\xbf{}", "", "json"},
    {"{\"email\":1e999}", "", "json"},
    {"[]", "", "type"},
    {"null", "", "type"},
    {"\"x\"", "", "type"},
    {"1", "", "type"},
    {"1.5", "", "type"},
    {"{\"email\":\"a@b.example\"}", "/password", "required"},
    {"{\"email\":\"a@b.example\",\"password\":1}", "/password", "type"},
    {"{\"email\":\"a@b.example\",\"password\":null}", "/password", "type"},
    {"{\"email\":\"a@b.example\",\"password\":\"\"}", "/password", "too-short"},
    {"{\"email\":\"a@b.example\",\"password\":\"x\",\"role\":\"admin\"}", "/role",
     "unknown-member"},
    {"{\"email\":\"a@b.example\",\"password\":\"x\",\"\":1}", "/", "unknown-member"},
    {"{\"email\":\"a@b.example\",\"password\":\"x\",\"a/b~c\":1}", "/a~1b~0c", "unknown-member"},
    {"{\"email\":\"a@b.example\",\"password\":\"x\",\"\\n\\u00e9\":1}", "/\n\xc3\xa9",
     "unknown-member"},
};

START_TEST(wrong_body_is_pointed_at)
{
    world_post("/auth/login", bodies[_i].body);
    world_expect_field(bodies[_i].pointer, bodies[_i].code);
    ck_assert_int_eq(fake.calls, 0);
}
END_TEST

START_TEST(every_wrong_member_is_named)
{
    world_post("/auth/register", "{\"password\":\"\",\"name\":5,\"role\":\"admin\"}");
    world_expect_problem(400, "validation");
    ck_assert_uint_eq(authsvc_json_size(authsvc_json_get(world.body, "errors")), 4);
}
END_TEST

static int is_blamed(const char *pointer, const char *code)
{
    const authsvc_json_t *errors = authsvc_json_get(world.body, "errors"), *entry;
    apr_size_t i;
    int found = 0;

    for (i = 0; (entry = authsvc_json_at(errors, i)) != NULL; i++) {
        found += strcmp(authsvc_json_get_string(entry, "pointer"), pointer) == 0 &&
                 strcmp(authsvc_json_get_string(entry, "code"), code) == 0;
    }
    return found;
}

/* What the contract refuses and what the site's policy refuses come in one answer, each once. */
START_TEST(contract_and_policy_speak_together)
{
    world_post("/auth/register", "{\"email\":\"nobody\",\"password\":\"SHART1\",\"name\":\" \"}");
    world_expect_problem(400, "validation");
    ck_assert_int_eq(is_blamed("/email", "format"), 1);
    ck_assert_int_eq(is_blamed("/password", "too-short"), 1);
    ck_assert_int_eq(is_blamed("/password", "needs-lower"), 1);
    ck_assert_int_eq(is_blamed("/name", "too-short"), 1);
    ck_assert_uint_eq(authsvc_json_size(authsvc_json_get(world.body, "errors")), 4);
    world_post("/auth/register", "{\"email\":\"\\u00e9@b.example\",\"password\":7}");
    world_expect_problem(400, "validation");
    ck_assert_int_eq(is_blamed("/email", "unsupported-local-part"), 1);
    ck_assert_int_eq(is_blamed("/password", "type"), 1);
    ck_assert_int_eq(is_blamed("/name", "required"), 1);
    ck_assert_uint_eq(authsvc_json_size(authsvc_json_get(world.body, "errors")), 3);
    world_post("/auth/register", "[]");
    world_expect_field("", "type");
    world_send("PATCH", "/users/me", "{\"name\":\"a\\u0001\",\"role\":\"admin\"}", "Authorization",
               world_sign_in(), "Content-Type", "application/json", NULL);
    world_expect_problem(400, "validation");
    ck_assert_int_eq(is_blamed("/name", "control-characters"), 1);
    ck_assert_int_eq(is_blamed("/role", "unknown-member"), 1);
}
END_TEST

START_TEST(secret_is_not_sent_back)
{
    world_post("/auth/login", "{\"email\":5,\"password\":\"hunter2-hunter2\"}");
    world_expect_field("/email", "type");
    ck_assert_ptr_null(strstr(world.response.body, "hunter2"));
    world_post("/auth/login", "{\"email\":\"a\",\"password\":hunter2-hunter2}");
    world_expect_field("", "json");
    ck_assert_ptr_null(strstr(world.response.body, "hunter2"));
}
END_TEST

START_TEST(body_limit_holds)
{
    apr_size_t len = strlen(LOGIN);

    fake.settings.max_body = len;
    world_post("/auth/login", LOGIN);
    world_expect_problem(401, "invalid-credentials");
    fake.settings.max_body = len - 1;
    world_post("/auth/login", LOGIN);
    world_expect_problem(413, "body-too-large");
}
END_TEST

static const char *login_with(const char *password)
{
    return apr_pstrcat(fake.ctx.pool, "{\"email\":\"a@b.example\",\"password\":\"", password,
                       "\"}", NULL);
}

START_TEST(lengths_are_code_points)
{
    char *long_enough = apr_pcalloc(fake.ctx.pool, 3 * 1025 + 1);
    int i;

    for (i = 0; i < 1024; i++) {
        memcpy(long_enough + 3 * i, "\xe2\x82\xac", 3);
    }
    world_post("/auth/login", login_with(long_enough));
    world_expect_problem(401, "invalid-credentials");
    memcpy(long_enough + 3 * 1024, "\xe2\x82\xac", 3);
    world_post("/auth/login", login_with(long_enough));
    world_expect_field("/password", "too-long");
}
END_TEST

START_TEST(body_of_a_get_is_not_looked_at)
{
    world_send("GET", "/health/live", "{{{", "Content-Type", "text/plain", NULL);
    ck_assert_int_eq(world.response.status, 200);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_request)
{
    Suite *suite = suite_create("request");
    TCase *tcase = world_tcase(suite, "media");
    const int n_types = sizeof(types) / sizeof(types[0]);

    tcase_add_loop_test(tcase, content_type_is_json, 0, n_types);
    tcase_add_loop_test(tcase, media_is_checked_before_the_body, 0, n_types);
    tcase_add_test(tcase, content_coding_is_refused);
    tcase = world_tcase(suite, "body");
    tcase_add_test(tcase, no_body_is_said_so);
    tcase_add_loop_test(tcase, wrong_body_is_pointed_at, 0, sizeof(bodies) / sizeof(bodies[0]));
    tcase_add_test(tcase, every_wrong_member_is_named);
    tcase_add_test(tcase, contract_and_policy_speak_together);
    tcase_add_test(tcase, secret_is_not_sent_back);
    tcase_add_test(tcase, body_limit_holds);
    tcase_add_test(tcase, lengths_are_code_points);
    tcase_add_test(tcase, body_of_a_get_is_not_looked_at);
    return suite;
}
