/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>

#include "world.h"

/* The seam: this stands before jansson's, and adds up the octets of what was dumped. */
static size_t dumped;

char *json_dumps(const void *value, size_t flags);

char *json_dumps(const void *value, size_t flags)
{
    char *(*real)(const void *, size_t);
    char *text;

    *(void **)&real = dlsym(RTLD_NEXT, "json_dumps");
    text = real(value, flags);
    dumped += text ? strlen(text) : 0;
    return text;
}

static const authsvc_json_t *password_of(const authsvc_json_t *document)
{
    static const char *const path[] = {"components", "schemas", "RegisterRequest", "properties",
                                       "password"};
    int i;

    for (i = 0; i < 5; i++) {
        document = authsvc_json_get(document, path[i]);
    }
    ck_assert_ptr_nonnull(document);
    return document;
}

static int number(const authsvc_json_t *object, const char *name)
{
    apr_int64_t value = -1;

    authsvc_json_integer(authsvc_json_get(object, name), &value);
    return (int)value;
}

START_TEST(effective_values_are_served)
{
    const authsvc_json_t *password, *kinds;

    fake.settings.password_min = 15;
    fake.settings.password_max = 64;
    fake.settings.password_require = AUTHSVC_REQUIRE_LOWER | AUTHSVC_REQUIRE_SYMBOL;
    world_send("GET", "/openapi.json", NULL, NULL);
    ck_assert_int_eq(world.response.status, 200);
    ck_assert_pstr_eq(world.response.content_type, "application/json");
    ck_assert_pstr_eq(world_header("Cache-Control"), "public, max-age=300");
    password = password_of(world.body);
    ck_assert_int_eq(number(password, "minLength"), 15);
    ck_assert_int_eq(number(password, "maxLength"), 64);
    kinds = authsvc_json_get(password, "x-authsvc-password-requires");
    ck_assert_str_eq(authsvc_json_dump(fake.ctx.pool, kinds), "[\"lower\",\"symbol\"]");
}
END_TEST

/* What a site says that takes registrations and uses no cookies. */
static void set_site(authsvc_json_t *document)
{
    authsvc_json_t *site = authsvc_json_object(fake.ctx.pool);

    authsvc_json_set_bool(site, "registration", 1);
    authsvc_json_set_bool(site, "cookies", 0);
    authsvc_json_set(authsvc_json_get(document, "info"), "x-authsvc-site", site);
}

START_TEST(site_says_what_it_offers)
{
    const authsvc_json_t *info;
    int registration, cookies;

    for (registration = 0; registration <= 1; registration++) {
        for (cookies = 0; cookies <= 1; cookies++) {
            fake.settings.registration_open = registration;
            fake.settings.cookie = cookies;
            world_send("GET", "/openapi.json", NULL, NULL);
            info = authsvc_json_get(world.body, "info");
            ck_assert_str_eq(
                authsvc_json_dump(fake.ctx.pool, authsvc_json_get(info, "x-authsvc-site")),
                apr_pstrcat(fake.ctx.pool, "{\"registration\":", registration ? "true" : "false",
                            ",\"cookies\":", cookies ? "true" : "false", "}", NULL));
        }
    }
}
END_TEST

START_TEST(all_else_is_the_contract)
{
    authsvc_json_t *contract, *copy;

    world_send("GET", "/openapi.json", NULL, NULL);
    contract =
        authsvc_json_parse(fake.ctx.pool, authsvc_openapi_json, authsvc_openapi_json_len, NULL);
    copy = authsvc_json_copy(fake.ctx.pool, contract);
    ck_assert(!authsvc_json_equal(contract, world.body));
    authsvc_json_set_integer((authsvc_json_t *)(uintptr_t)password_of(copy), "minLength", 8);
    authsvc_json_set_integer((authsvc_json_t *)(uintptr_t)password_of(copy), "maxLength", 128);
    authsvc_json_set(
        (authsvc_json_t *)(uintptr_t)password_of(copy), "x-authsvc-password-requires",
        authsvc_json_parse(fake.ctx.pool, "[\"upper\",\"lower\",\"digit\"]", 25, NULL));
    set_site(copy);
    ck_assert(authsvc_json_equal(copy, world.body));
    ck_assert_str_eq(
        authsvc_json_get_string(authsvc_json_at(authsvc_json_get(world.body, "servers"), 0), "url"),
        ".");
}
END_TEST

/* Of one virtual host; the next one has its own. */
START_TEST(contract_itself_stays)
{
    fake.settings.password_min = 99;
    world_send("GET", "/openapi.json", NULL, NULL);
    ck_assert_int_eq(number(password_of(world.body), "minLength"), 99);
    ck_assert_int_eq(number(password_of(world.api->document), "minLength"), 1);
    ck_assert_int_eq(number(password_of(world.api->document), "maxLength"), 1024);
}
END_TEST

/* Neither a member's place nor a space differs from the contract's own text, patched. */
START_TEST(text_is_that_of_the_whole_document)
{
    static const char *const path[] = {"components", "schemas", "RegisterRequest", "properties",
                                       "password"};
    authsvc_json_t *whole = authsvc_json_copy(fake.ctx.pool, world.api->document);
    authsvc_json_t *password = whole;
    int i;

    for (i = 0; i < 5; i++) {
        password = authsvc_json_get(password, path[i]);
    }
    fake.settings.password_min = 15;
    fake.settings.password_max = 64;
    fake.settings.password_require = 0;
    authsvc_json_set_integer(password, "minLength", 15);
    authsvc_json_set_integer(password, "maxLength", 64);
    authsvc_json_set(password, "x-authsvc-password-requires", authsvc_json_array(fake.ctx.pool));
    set_site(whole);
    world_send("GET", "/openapi.json", NULL, NULL);
    ck_assert_str_eq(world.response.body, authsvc_json_dump(fake.ctx.pool, whole));
    ck_assert_uint_eq(world.response.body_len, strlen(world.response.body));
}
END_TEST

/* Anybody may ask for it, as often as he likes: so not even one dump of it for each request. */
START_TEST(a_request_dumps_the_passwords_schema_alone)
{
    authsvc_response_t response = {0};
    authsvc_call_t call = {.api = world.api, .ctx = &fake.ctx, .response = &response};

    response.headers = apr_table_make(fake.ctx.pool, 8);
    dumped = 0;
    ck_assert_ok(authsvc_operation_get_openapi(&call));
    ck_assert_uint_gt(dumped, 0);
    ck_assert_uint_lt(dumped, response.body_len / 50);
    dumped = 0;
    authsvc_json_dump(fake.ctx.pool, world.api->document);
    ck_assert_uint_gt(dumped, response.body_len / 2);
}
END_TEST

START_TEST(contract_without_the_schema_is_our_fault)
{
    static const authsvc_binding_t bindings[] = {{"getOpenapi", authsvc_operation_get_openapi},
                                                 {NULL, NULL}};
    static const char text[] = "{\"openapi\":\"3.1.0\",\"paths\":{\"/openapi.json\":{\"get\":"
                               "{\"operationId\":\"getOpenapi\",\"security\":[]}}}}";

    ck_assert_ok(
        authsvc_contract_load(fake.ctx.pool, text, strlen(text), bindings, &world.api));
    world_send("GET", "/openapi.json", NULL, NULL);
    world_expect_problem(500, "internal");
    ck_assert_ptr_nonnull(strstr(world.response.error->internal, "RegisterRequest"));
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_document)
{
    Suite *suite = suite_create("document");
    TCase *tcase = world_tcase(suite, "document");

    tcase_add_test(tcase, effective_values_are_served);
    tcase_add_test(tcase, site_says_what_it_offers);
    tcase_add_test(tcase, all_else_is_the_contract);
    tcase_add_test(tcase, contract_itself_stays);
    tcase_add_test(tcase, text_is_that_of_the_whole_document);
    tcase_add_test(tcase, a_request_dumps_the_passwords_schema_alone);
    tcase_add_test(tcase, contract_without_the_schema_is_our_fault);
    return suite;
}
