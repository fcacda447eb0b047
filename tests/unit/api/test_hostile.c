/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

/* Whatever comes: an answer of the documented kind, no crash, no 5xx, no success. */

static const char *const methods[] = {"GET",     "HEAD",  "POST",  "PATCH", "PUT", "DELETE",
                                      "OPTIONS", "TRACE", "BREW",  "",      "%s%n", "get"};

static const char *const bodies[] = {
    NULL, "", "{", "}", "[[[[[[[[", "{\"\":{}}", "\"", "\\", "nul", "-", "1e9999", "{\"email\":",
    "{\"email\":{\"email\":{\"email\":{}}},\"password\":[],\"name\":false,\"refresh_token\":0}",
    "{\"email\":\"%s%n%x\",\"password\":\"\\u202e\",\"name\":\"\\r\\n\"}",
    "{\"refresh_token\":\"asr1_\"}", "\xff\xfe{\x00}", "\x1b[31m",
};

static const char *const paths[] = {
    "",  "/", "//", "/.", "/..", "/../../etc/passwd", "/%", "/%0", "/%00", "/%2e%2e/%2f",
    "/auth", "/auth/login", "/auth/login/", "/auth/login%00", "/auth/login\x01", "/auth/%s%n",
    "/auth/register", "/auth/refresh", "/auth/logout-all", "/users/me", "/users/me/delete",
    "/problems/", "/problems/%", "/problems/%f", "/problems/%ff", "/problems/../x",
    "/problems/%2e%2e", "/problems/\xf0\x9f\x98\x80", "/\xff", "*", "auth/login",
    "http://evil.example/auth/login", "/a/b/c/d/e/f/g/h/i/j/k", "?", "#", "/?x",
};

static const char *const authorizations[] = {
    "", "X", "Bearer", "bearer x", "Bearer \t", "Bearer a.b.c", "Bearer eyJ.eyJ.", "Bearer ....",
    "Basic Og==", "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer a, Bearer b", "\xff",
};

/* logout takes any string, so it is left out here. */
static void expect_refusal(const char *method, const char *path)
{
    int status = world.response.status;

    if (strcmp(method, "OPTIONS") == 0 && status == 204) {
        return;
    }
    ck_assert_msg(status >= 400 && status < 500, "%s %s: %d", method, path, status);
    ck_assert_pstr_eq(world.response.content_type, "application/problem+json");
}

START_TEST(nothing_gets_through)
{
    const char *method = methods[_i];
    apr_size_t p, b, a;

    for (p = 0; p < sizeof(paths) / sizeof(paths[0]); p++) {
        for (b = 0; b < sizeof(bodies) / sizeof(bodies[0]); b++) {
            world_send(method, paths[p], bodies[b], "Content-Type", "application/json", NULL);
            expect_refusal(method, paths[p]);
        }
        for (a = 0; a < sizeof(authorizations) / sizeof(authorizations[0]); a++) {
            world_send(method, paths[p], "{\"name\":\"x\"}", "Authorization", authorizations[a],
                       "Content-Type", "application/json", "Origin", authorizations[a], NULL);
            expect_refusal(method, paths[p]);
        }
    }
    ck_assert_int_eq(fake.n_users, 0);
}
END_TEST

START_TEST(long_ones_end_too)
{
    apr_size_t size = 1000000;
    char *text = apr_palloc(fake.ctx.pool, size + 1);

    fake.settings.max_body = 4 * size;
    memset(text, 'a', size);
    text[size] = '\0';
    text[0] = '/';
    world_send("GET", text, NULL, NULL);
    world_expect_problem(404, "not-found");
    world_send("GET", apr_pstrcat(fake.ctx.pool, "/problems", text, NULL), NULL, NULL);
    world_expect_problem(404, "not-found");
    world_send("GET", "/users/me", NULL, "Authorization",
               apr_pstrcat(fake.ctx.pool, "Bearer ", text + 1, NULL), NULL);
    world_expect_problem(401, "authentication");
    world_post("/auth/login", apr_pstrcat(fake.ctx.pool, "{\"", text, "\":1}", NULL));
    world_expect_problem(400, "validation");
    memset(text, '/', size);
    world_send("GET", text, NULL, NULL);
    world_expect_problem(404, "not-found");
    memset(text, '[', size);
    world_post("/auth/login", text);
    world_expect_field("", "json");
}
END_TEST

/* Every octet of a good request's body replaced and every prefix of it: never a 5xx. */
START_TEST(one_octet_off)
{
    static const char body[] = "{\"email\":\"ada@example.com\",\"password\":\"Wrong Horse 9\"}";
    static const char octets[] = "\"\\{}[],:/~%\x01\x7f\xc3\xff";
    apr_size_t i, o;

    for (i = 0; i < sizeof(body) - 1; i++) {
        for (o = 0; o < sizeof(octets) - 1; o++) {
            char *copy = apr_pstrdup(fake.ctx.pool, body);

            copy[i] = octets[o];
            world_post("/auth/login", copy);
            expect_refusal("POST", copy);
        }
        world_post("/auth/login", apr_pstrndup(fake.ctx.pool, body, i));
        expect_refusal("POST", body);
    }
    world_post("/auth/login", body);
    world_expect_problem(401, "invalid-credentials");
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_hostile)
{
    Suite *suite = suite_create("hostile");
    TCase *tcase = world_tcase(suite, "hostile");

    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, nothing_gets_through, 0, sizeof(methods) / sizeof(methods[0]));
    tcase_add_test(tcase, long_ones_end_too);
    tcase_add_test(tcase, one_octet_off);
    return suite;
}
