/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <strings.h>

#define MAX_HEADERS 8

world_t world;

typedef struct {
    const char *name[MAX_HEADERS];
    const char *value[MAX_HEADERS];
    int count;
} headers_t;

static const char *find_header(void *baton, const char *name)
{
    const headers_t *headers = baton;
    int i;

    for (i = 0; i < headers->count; i++) {
        if (strcasecmp(headers->name[i], name) == 0) {
            return headers->value[i];
        }
    }
    return NULL;
}

static void setup(void)
{
    fake_setup();
    memset(&world, 0, sizeof(world));
    fake.settings.problem_base = WORLD_PROBLEMS;
    ck_assert_ok(authsvc_api_create(fake.ctx.pool, &world.api));
}

TCase *world_tcase(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);

    tcase_add_checked_fixture(tcase, setup, fake_teardown);
    suite_add_tcase(suite, tcase);
    return tcase;
}

static void ask(const char *method, const char *path, const char *body, headers_t *headers)
{
    apr_pool_t *pool = fake.ctx.pool;
    authsvc_request_t request = {
        .method = method,
        .path = path,
        .instance = apr_pstrcat(pool, WORLD_MOUNT, path, NULL),
        .secure = !world.plain,
        .body = body,
        .body_len = body ? strlen(body) : 0,
        .header = find_header,
        .baton = headers,
    };

    fake.ctx.principal = NULL;
    fake.ctx.counted = 0;
    fake.ctx.limit_reports = NULL;
    memset(&world.response, 0x5a, sizeof(world.response));
    authsvc_api_handle(world.api, &fake.ctx, &request, &world.response);
    world.body = NULL;
    ck_assert_ptr_nonnull(world.response.headers);
    ck_assert_pstr_eq(world_header("X-Content-Type-Options"), "nosniff");
    ck_assert_pstr_eq(world_header("X-Request-Id"), "request-1");
    ck_assert_ptr_nonnull(world_header("Cache-Control"));
    if (world.response.body) {
        ck_assert_ptr_nonnull(world.response.content_type);
        world.body =
            authsvc_json_parse(pool, world.response.body, world.response.body_len, NULL);
        ck_assert_ptr_nonnull(world.body);
    } else {
        ck_assert_ptr_null(world.response.content_type);
        ck_assert_uint_eq(world.response.body_len, 0);
    }
}

const authsvc_response_t *world_send(const char *method, const char *path, const char *body, ...)
{
    headers_t headers = {.count = 0};
    const char *name;
    va_list args;

    va_start(args, body);
    while ((name = va_arg(args, const char *)) != NULL) {
        ck_assert_int_lt(headers.count, MAX_HEADERS);
        headers.name[headers.count] = name;
        headers.value[headers.count++] = va_arg(args, const char *);
    }
    va_end(args);
    ask(method, path, body, &headers);
    return &world.response;
}

const authsvc_response_t *world_post(const char *path, const char *body)
{
    return world_send("POST", path, body, "Content-Type", "application/json", NULL);
}

const char *world_header(const char *name)
{
    return apr_table_get(world.response.headers, name);
}

const char *world_sign_in(void)
{
    authsvc_grant_t grant = fake_login(fake_add_user("ada@example.com"));

    return apr_pstrcat(fake.ctx.pool, "Bearer ", grant.access_token, NULL);
}

const char *world_text(const char *member)
{
    return authsvc_json_get_string(world.body, member);
}

void world_expect_problem(int status, const char *slug)
{
    apr_int64_t number = 0;

    ck_assert_msg(world.response.status == status, "%d instead of %d %s: %s",
                  world.response.status, status, slug,
                  world.response.body ? world.response.body : "");
    ck_assert_pstr_eq(world.response.content_type, "application/problem+json");
    ck_assert_pstr_eq(world_text("type"), apr_pstrcat(fake.ctx.pool, WORLD_PROBLEMS, slug, NULL));
    ck_assert_int_eq(authsvc_json_integer(authsvc_json_get(world.body, "status"), &number), 1);
    ck_assert_int_eq((int)number, status);
    ck_assert_pstr_ne(world_text("title"), "");
    ck_assert_pstr_ne(world_text("detail"), "");
    ck_assert_pstr_eq(world_text("request_id"), "request-1");
    ck_assert_ptr_nonnull(strstr(world_text("instance"), WORLD_MOUNT));
    ck_assert_pstr_eq(world_header("Cache-Control"), "no-store");
    ck_assert_ptr_nonnull(world.response.error);
    ck_assert_int_eq(world_header("Retry-After") != NULL, status == 503 || status == 429);
    ck_assert_int_eq(world_header("WWW-Authenticate") != NULL, status == 401);
    ck_assert_int_eq(authsvc_json_get(world.body, "errors") != NULL, status == 400);
}

void world_expect_field(const char *pointer, const char *code)
{
    const authsvc_json_t *errors, *entry;

    world_expect_problem(400, "validation");
    errors = authsvc_json_get(world.body, "errors");
    ck_assert_msg(authsvc_json_size(errors) == 1, "%s", world.response.body);
    entry = authsvc_json_at(errors, 0);
    ck_assert_pstr_eq(authsvc_json_get_string(entry, "pointer"), pointer);
    ck_assert_pstr_eq(authsvc_json_get_string(entry, "code"), code);
    ck_assert_pstr_ne(authsvc_json_get_string(entry, "detail"), "");
}
