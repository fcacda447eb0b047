/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: octets for code, slug, retry_after and the number of fields; then strings, each up to a
 * NUL: instance, detail, Origin, and pointer, code and detail of each field.
 * What is answered must be a problem by RFC 9457 and the contract, whatever was in them.
 */
#include "fuzz.h"

#include <jansson.h>
#include <unistr.h>

#include "api_private.h"

#define SECRET "what-only-the-log-may-tell"
#define BASE "https://a.example/problems/"
#define URI_PATH "([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*"

static const authsvc_api_t *api;
static authsvc_settings_t settings;

static void make_api(void)
{
    apr_pool_t *pool = fuzz_lasting_pool();
    apr_array_header_t *origins;

    FUZZ_OK(authsvc_api_create(pool, &api));
    authsvc_settings_init(&settings, pool);
    settings.issuer = "https://a.example";
    settings.problem_base = BASE;
    origins = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(origins, const char *) = "https://b.example";
    settings.cors_origins = origins;
}

static const char *header(void *baton, const char *name)
{
    return strcmp(name, "Origin") == 0 ? baton : NULL;
}

/* The text, or what the standard's replacement makes of octets that are no text. */
static void check_text(const json_t *value, const char *text)
{
    const char *answered = json_string_value(value);

    FUZZ_MUST(answered);
    if (u8_check((const uint8_t *)text, strlen(text)) == NULL) {
        FUZZ_MUST(strcmp(answered, text) == 0);
    } else {
        FUZZ_MUST(strstr(answered, "\xef\xbf\xbd"));
    }
}

static void check_fields(const json_t *errors, const authsvc_error_t *err)
{
    int count = err->fields ? err->fields->nelts : 0, i;

    FUZZ_MUST(json_is_array(errors));
    FUZZ_MUST(json_array_size(errors) == (size_t)(count > 0 ? count : 1));
    for (i = 0; i < count; i++) {
        const authsvc_error_field_t *field = &APR_ARRAY_IDX(err->fields, i, authsvc_error_field_t);
        const json_t *entry = json_array_get(errors, (size_t)i);

        FUZZ_MUST(json_object_size(entry) == 3);
        check_text(json_object_get(entry, "pointer"), field->pointer);
        check_text(json_object_get(entry, "code"), field->code);
        check_text(json_object_get(entry, "detail"), field->detail);
    }
}

static int check_header(void *baton, const char *name, const char *value)
{
    (void)baton;
    FUZZ_MUST(fuzz_matches("[A-Za-z-]+", name) && fuzz_matches("[ -~]+", value));
    return 1;
}

static void check_headers(const apr_table_t *headers, int status, const char *origin)
{
    const char *retry = apr_table_get(headers, "Retry-After");
    const char *challenge = apr_table_get(headers, "WWW-Authenticate");
    const char *allowed = apr_table_get(headers, "Access-Control-Allow-Origin");

    apr_table_do(check_header, NULL, headers, NULL);
    FUZZ_MUST((retry != NULL) == (status == 503 || status == 429));
    FUZZ_MUST(!retry || fuzz_matches("[1-9][0-9]*", retry));
    FUZZ_MUST((challenge != NULL) == (status == 401));
    FUZZ_MUST(strcmp(apr_table_get(headers, "Cache-Control"), "no-store") == 0);
    FUZZ_MUST((allowed != NULL) == (strcmp(origin, "https://b.example") == 0));
}

static void check_answer(const authsvc_response_t *response, const authsvc_error_t *err,
                         const char *origin)
{
    json_t *body = json_loadb(response->body, response->body_len, JSON_REJECT_DUPLICATES, NULL);
    const char *type = json_string_value(json_object_get(body, "type"));
    const authsvc_problem_type_t *known;
    int status = response->status;

    FUZZ_MUST(json_is_object(body));
    FUZZ_MUST(strcmp(response->content_type, "application/problem+json") == 0);
    FUZZ_MUST(type && strncmp(type, BASE, strlen(BASE)) == 0);
    known = authsvc_problem_find(type + strlen(BASE));
    FUZZ_MUST(known && known->status == status && known->code == err->code);
    FUZZ_MUST(!err->slug || !authsvc_problem_find(err->slug) ||
              authsvc_problem_find(err->slug)->code != err->code ||
              strcmp(known->slug, err->slug) == 0);
    FUZZ_MUST(json_integer_value(json_object_get(body, "status")) == status);
    check_text(json_object_get(body, "title"), known->title);
    check_text(json_object_get(body, "request_id"), "request-1");
    check_text(json_object_get(body, "detail"),
               err->detail && status != 500 ? err->detail : known->detail);
    FUZZ_MUST(fuzz_matches(URI_PATH, json_string_value(json_object_get(body, "instance"))));
    FUZZ_MUST(json_object_size(body) == (status == 400 ? 7 : 6));
    if (status == 400) {
        check_fields(json_object_get(body, "errors"), err);
    }
    check_headers(response->headers, status, origin);
    json_decref(body);
}

static authsvc_error_t *make_error(apr_pool_t *pool, fuzz_input_t *input, const char **instance,
                                   const char **origin)
{
    authsvc_error_code_t code = (authsvc_error_code_t)(fuzz_octet(input) %
                                                       (AUTHSVC_E_INTERNAL + 1));
    uint8_t slug = fuzz_octet(input), retry = fuzz_octet(input), fields = fuzz_octet(input);
    const char *detail;
    authsvc_error_t *err;
    int types = 0;

    while (authsvc_problem_types[types].slug) {
        types++;
    }
    if (code == AUTHSVC_E_FORBIDDEN || code == AUTHSVC_E_CONFLICT) {
        /* kinds without a default type: the slug must be one of theirs */
        code = AUTHSVC_E_NOT_FOUND;
    }
    *instance = fuzz_string(pool, input);
    detail = fuzz_string(pool, input);
    *origin = fuzz_string(pool, input);
    err = AUTHSVC_ERROR(pool, code,
                        slug < types ? authsvc_problem_types[slug].slug : slug == 255 ? "odd"
                                                                                      : NULL,
                        *detail ? detail : NULL, SECRET);
    if (slug < types && slug % 2) {
        err->code = authsvc_problem_types[slug].code;
    }
    err->retry_after = retry;
    for (fields %= AUTHSVC_MAX_FIELDS + 1; err->code == AUTHSVC_E_INVALID && fields > 0; fields--) {
        const char *pointer = fuzz_string(pool, input), *name = fuzz_string(pool, input);

        authsvc_error_add_field(pool, &err, pointer, name, fuzz_string(pool, input));
    }
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;
    fuzz_input_t input = {data, size};
    authsvc_request_t request = {.method = "GET", .path = "/users/me", .header = header};
    authsvc_response_t response;
    authsvc_ctx_t ctx = {.settings = &settings, .request_id = "request-1"};
    authsvc_error_t *err;
    const char *origin;

    if (!api) {
        make_api();
    }
    pool = fuzz_pool();
    err = make_error(pool, &input, &request.instance, &origin);
    request.baton = (void *)(uintptr_t)origin;
    ctx.pool = pool;
    authsvc_api_problem(api, &ctx, &request, err, &response);
    check_answer(&response, err, origin);
    FUZZ_MUST(!strstr(response.body, SECRET) ||
              (size > 0 && memmem(data, size, SECRET, strlen(SECRET))));
    apr_pool_destroy(pool);
    return 0;
}
