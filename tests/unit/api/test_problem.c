/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

static int n_types(void)
{
    int count = 0;

    while (authsvc_problem_types[count].slug) {
        count++;
    }
    return count;
}

/* Send an error as the handler does. */
static void answer(const authsvc_error_t *err)
{
    authsvc_request_t request = {
        .method = "GET", .path = "/users/me", .instance = WORLD_MOUNT "/users/me", .secure = 1};

    authsvc_api_problem(world.api, &fake.ctx, &request, err, &world.response);
    world.body = authsvc_json_parse(fake.ctx.pool, world.response.body, world.response.body_len,
                                    NULL);
    ck_assert_ptr_nonnull(world.body);
}

START_TEST(every_type_is_rendered)
{
    const authsvc_problem_type_t *type;

    for (type = authsvc_problem_types; type->slug; type++) {
        authsvc_error_t *err =
            AUTHSVC_ERROR(fake.ctx.pool, type->code, type->slug, NULL, "secret: %d", 1);

        answer(err);
        world_expect_problem(type->status, type->slug);
        ck_assert_pstr_eq(world_text("title"), type->title);
        ck_assert_pstr_eq(world_text("detail"), type->detail);
        ck_assert_ptr_eq(world.response.error, err);
        ck_assert_ptr_null(strstr(world.response.body, "secret"));
        if (type->status == 503) {
            ck_assert_pstr_eq(world_header("Retry-After"),
                              apr_itoa(fake.ctx.pool, type->retry_after));
            err->retry_after = 77;
            answer(err);
            ck_assert_pstr_eq(world_header("Retry-After"), "77");
        }
    }
}
END_TEST

START_TEST(every_type_is_explained)
{
    const authsvc_problem_type_t *type;

    for (type = authsvc_problem_types; type->slug; type++) {
        apr_int64_t status = 0;

        world_send("GET", apr_pstrcat(fake.ctx.pool, "/problems/", type->slug, NULL), NULL, NULL);
        ck_assert_int_eq(world.response.status, 200);
        ck_assert_pstr_eq(world_text("type"),
                          apr_pstrcat(fake.ctx.pool, WORLD_PROBLEMS, type->slug, NULL));
        ck_assert_pstr_eq(world_text("title"), type->title);
        ck_assert_pstr_eq(world_text("description"), type->description);
        authsvc_json_integer(authsvc_json_get(world.body, "status"), &status);
        ck_assert_int_eq((int)status, type->status);
        ck_assert_pstr_eq(world_header("Cache-Control"), "public, max-age=900");
    }
    world_send("GET", "/problems/nonsense", NULL, NULL);
    world_expect_problem(404, "not-found");
}
END_TEST

START_TEST(slugs_differ_and_a_code_has_one_default)
{
    int i, j;

    for (i = 0; i < n_types(); i++) {
        ck_assert_ptr_eq(authsvc_problem_find(authsvc_problem_types[i].slug),
                         &authsvc_problem_types[i]);
        for (j = 0; j < i; j++) {
            ck_assert(!authsvc_problem_types[i].is_default ||
                      !authsvc_problem_types[j].is_default ||
                      authsvc_problem_types[i].code != authsvc_problem_types[j].code);
        }
    }
}
END_TEST

static const struct {
    authsvc_error_code_t code;
    const char *slug;     /* of the error */
    const char *expected; /* of the answer */
} fallbacks[] = {
    {AUTHSVC_E_INVALID, NULL, "validation"},
    {AUTHSVC_E_UNAUTHENTICATED, NULL, "authentication"},
    {AUTHSVC_E_UNAUTHENTICATED, "unheard-of", "authentication"},
    {AUTHSVC_E_NOT_FOUND, NULL, "not-found"},
    {AUTHSVC_E_FORBIDDEN, NULL, "insufficient-rights"},
    {AUTHSVC_E_METHOD_NOT_ALLOWED, NULL, "method-not-allowed"},
    {AUTHSVC_E_MEDIA_TYPE, NULL, "unsupported-media-type"},
    {AUTHSVC_E_TOO_LARGE, NULL, "body-too-large"},
    {AUTHSVC_E_THROTTLED, NULL, "rate-limited"},
    {AUTHSVC_E_UNAVAILABLE, NULL, "unavailable"},
    {AUTHSVC_E_INTERNAL, NULL, "internal"},
    {AUTHSVC_E_INTERNAL, "email-exists", "internal"},
    {AUTHSVC_E_UNAVAILABLE, "email-exists", "unavailable"},
    /* No type of their own, so nobody should make them: our fault. */
    {AUTHSVC_E_CONFLICT, NULL, "internal"},
    {(authsvc_error_code_t)999, NULL, "internal"},
};

START_TEST(code_finds_its_type)
{
    const authsvc_error_t *err = AUTHSVC_ERROR(fake.ctx.pool, fallbacks[_i].code,
                                               fallbacks[_i].slug, "own words", "internal text");

    ck_assert_str_eq(authsvc_problem_of(err)->slug, fallbacks[_i].expected);
    answer(err);
    world_expect_problem(authsvc_problem_find(fallbacks[_i].expected)->status,
                         fallbacks[_i].expected);
    ck_assert_ptr_null(strstr(world.response.body, "internal text"));
    ck_assert_int_eq(strcmp(world_text("detail"), "own words") == 0,
                     strcmp(fallbacks[_i].expected, "internal") != 0);
}
END_TEST

START_TEST(fields_are_listed)
{
    authsvc_error_t *err = NULL;
    const authsvc_json_t *errors;

    authsvc_error_add_field(fake.ctx.pool, &err, "/a", "required", "must be given");
    authsvc_error_add_field(fake.ctx.pool, &err, "/b", "type", "must be a string");
    answer(err);
    world_expect_problem(400, "validation");
    errors = authsvc_json_get(world.body, "errors");
    ck_assert_str_eq(authsvc_json_dump(fake.ctx.pool, errors),
                     "[{\"pointer\":\"/a\",\"code\":\"required\",\"detail\":\"must be given\"},"
                     "{\"pointer\":\"/b\",\"code\":\"type\",\"detail\":\"must be a string\"}]");
    answer(AUTHSVC_ERROR(fake.ctx.pool, AUTHSVC_E_INVALID, NULL, "The body ended early.", "x"));
    world_expect_field("", "invalid");
}
END_TEST

START_TEST(instance_is_a_uri_reference)
{
    world_send("GET", "/a\"<b> \xc3\xa9\xff%41\\|^`{}[]\x7f", NULL, NULL);
    world_expect_problem(404, "not-found");
    ck_assert_pstr_eq(world_text("instance"),
                      "/api/v1/a%22%3Cb%3E%20%C3%A9%FF%41%5C%7C%5E%60%7B%7D%5B%5D%7F");
    /* a percent sign that starts no escape */
    world_send("GET", "/a%zz%4%", NULL, NULL);
    world_expect_problem(404, "not-found");
    ck_assert_pstr_eq(world_text("instance"), "/api/v1/a%25zz%254%25");
}
END_TEST

/* The contract shows each problem type as an example named by its slug. */

typedef struct {
    int seen[64];
    int count;
} examples_t;

static int visit_example(void *baton, const char *slug, authsvc_json_t *example)
{
    examples_t *examples = baton;
    const authsvc_json_t *value = authsvc_json_get(example, "value");
    const authsvc_problem_type_t *type = authsvc_problem_find(slug);
    apr_int64_t status = 0;

    ck_assert_msg(type != NULL, "the contract shows %s, which there is not", slug);
    authsvc_json_integer(authsvc_json_get(value, "status"), &status);
    ck_assert_msg((int)status == type->status, "%s", slug);
    ck_assert_str_eq(authsvc_json_get_string(value, "title"), type->title);
    ck_assert_str_eq(authsvc_json_get_string(value, "type"),
                     apr_pstrcat(fake.ctx.pool, "https://example.com/api/v1/problems/", slug,
                                 NULL));
    examples->seen[type - authsvc_problem_types] = 1;
    examples->count++;
    return 0;
}

static int visit_any(void *baton, const char *name, authsvc_json_t *member)
{
    if (strcmp(name, "application/problem+json") == 0) {
        return authsvc_json_each(authsvc_json_get(member, "examples"), visit_example, baton);
    }
    return authsvc_json_each(member, visit_any, baton);
}

START_TEST(contract_shows_every_type)
{
    examples_t examples = {.count = 0};
    int i;

    authsvc_json_each(world.api->document, visit_any, &examples);
    for (i = 0; i < n_types(); i++) {
        /* 405 belongs to no operation, and the other to guarded paths outside the API. */
        int expected = strcmp(authsvc_problem_types[i].slug, "method-not-allowed") != 0 &&
                       strcmp(authsvc_problem_types[i].slug, "insufficient-rights") != 0;

        ck_assert_msg(examples.seen[i] == expected, "%s", authsvc_problem_types[i].slug);
    }
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_problem)
{
    Suite *suite = suite_create("problem");
    TCase *tcase = world_tcase(suite, "problem");

    tcase_add_test(tcase, every_type_is_rendered);
    tcase_add_test(tcase, every_type_is_explained);
    tcase_add_test(tcase, slugs_differ_and_a_code_has_one_default);
    tcase_add_loop_test(tcase, code_finds_its_type, 0, sizeof(fallbacks) / sizeof(fallbacks[0]));
    tcase_add_test(tcase, fields_are_listed);
    tcase_add_test(tcase, instance_is_a_uri_reference);
    tcase_add_test(tcase, contract_shows_every_type);
    return suite;
}
