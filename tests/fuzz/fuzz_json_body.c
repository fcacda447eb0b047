/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: an octet that chooses an operation of the contract that takes a body (by number, from
 * '0'), or 's' for a schema that uses every word the server knows; then the body.
 */
#include "fuzz.h"

#include "api_private.h"
#include "schema_oracle.h"

#define OPERATIONS_MAX 10

static const char everything[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"i\"],\"properties\":{"
    "\"i\":{\"type\":\"integer\",\"minimum\":-2,\"maximum\":9},"
    "\"s\":{\"type\":[\"string\",\"null\"],\"minLength\":2,\"maxLength\":4},"
    "\"u\":{\"type\":\"string\",\"format\":\"uuid\"},"
    "\"d\":{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"m\":{\"type\":\"string\",\"format\":\"email\"},"
    "\"e\":{\"type\":[\"string\",\"integer\"],\"enum\":[\"x\",\"y\",7]},"
    "\"c\":{\"type\":\"boolean\",\"const\":true},"
    "\"a\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":3,\"items\":{\"type\":\"object\","
    "\"additionalProperties\":false,\"properties\":{\"~/\":{\"type\":\"boolean\"}}}}}}";

static const authsvc_api_t *api;
static authsvc_settings_t settings;
static json_t *document, *sources[OPERATIONS_MAX], *made_up;
static const authsvc_operation_t *operations[OPERATIONS_MAX];
static authsvc_operation_t made_up_operation;
static int count;

static void add_operation(const authsvc_route_t *route, const authsvc_operation_t *operation)
{
    const char *method = apr_pstrdup(fuzz_lasting_pool(), operation->method);
    json_t *item = json_object_get(json_object_get(document, "paths"), route->path);
    char *c;

    for (c = (char *)(uintptr_t)method; *c; c++) {
        *c |= 0x20;
    }
    item = json_object_get(json_object_get(item, method), "requestBody");
    item = json_object_get(oracle_resolve(fuzz_lasting_pool(), document, item), "content");
    item = json_object_get(json_object_get(item, "application/json"), "schema");
    FUZZ_MUST(item && count < OPERATIONS_MAX);
    sources[count] = item;
    operations[count++] = operation;
}

static void drop(void)
{
    json_decref(document);
    json_decref(made_up);
}

static void make_contracts(void)
{
    apr_pool_t *pool = fuzz_lasting_pool();
    int i, j;

    document = json_loadb(authsvc_openapi_json, authsvc_openapi_json_len, 0, NULL);
    made_up = json_loads(everything, 0, NULL);
    FUZZ_MUST(document && made_up && atexit(drop) == 0);
    FUZZ_OK(authsvc_api_create(pool, &api));
    for (i = 0; i < api->routes->nelts; i++) {
        const authsvc_route_t *route = &APR_ARRAY_IDX(api->routes, i, authsvc_route_t);

        for (j = 0; j < route->operations->nelts; j++) {
            const authsvc_operation_t *operation =
                &APR_ARRAY_IDX(route->operations, j, authsvc_operation_t);

            if (operation->body) {
                add_operation(route, operation);
            }
        }
    }
    FUZZ_MUST(count > 0);
    made_up_operation.id = "made up";
    FUZZ_OK(authsvc_schema_compile(pool, authsvc_json_object(pool),
                                   authsvc_json_parse(pool, everything, strlen(everything), NULL),
                                   &made_up_operation.body));
    authsvc_settings_init(&settings, pool);
    settings.max_body = 4096;
}

static const char *header(void *baton, const char *name)
{
    (void)baton;
    return strcmp(name, "Content-Type") == 0 ? "application/json" : NULL;
}

/* Each entry points to something in the body; or, for what is missing, to where it should be. */
static void check_fields(apr_pool_t *pool, json_t *body, const authsvc_error_t *err)
{
    int i, j;

    FUZZ_MUST(err->code == AUTHSVC_E_INVALID && err->fields && err->fields->nelts > 0);
    FUZZ_MUST(err->fields->nelts <= AUTHSVC_MAX_FIELDS);
    for (i = 0; i < err->fields->nelts; i++) {
        const authsvc_error_field_t *field = &APR_ARRAY_IDX(err->fields, i, authsvc_error_field_t);
        json_t *parent = NULL, *value = oracle_point(pool, body, field->pointer, &parent);

        FUZZ_MUST(*field->code && *field->detail);
        if (strcmp(field->code, "required") == 0) {
            FUZZ_MUST(!value && json_is_object(parent));
        } else {
            FUZZ_MUST(value);
        }
        for (j = 0; j < i; j++) {
            const authsvc_error_field_t *other =
                &APR_ARRAY_IDX(err->fields, j, authsvc_error_field_t);

            FUZZ_MUST(strcmp(field->pointer, other->pointer) != 0 ||
                      strcmp(field->code, other->code) != 0);
        }
    }
}

static void check_refusal(apr_pool_t *pool, const authsvc_error_t *err, const char *code)
{
    const authsvc_error_field_t *field;

    (void)pool;
    FUZZ_MUST(err && err->code == AUTHSVC_E_INVALID && err->fields && err->fields->nelts == 1);
    field = &APR_ARRAY_IDX(err->fields, 0, authsvc_error_field_t);
    FUZZ_MUST(strcmp(field->pointer, "") == 0 && strcmp(field->code, code) == 0);
}

static void check(apr_pool_t *pool, authsvc_call_t *call, json_t *schema)
{
    const authsvc_request_t *request = call->request;
    authsvc_error_t *err = authsvc_request_read_body(call);
    json_t *body = json_loadb(request->body, request->body_len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);

    if (request->body_len == 0) {
        check_refusal(pool, err, "required");
    } else if (request->body_len > settings.max_body) {
        FUZZ_MUST(err && err->code == AUTHSVC_E_TOO_LARGE);
    } else if (!body) {
        check_refusal(pool, err, "json");
        FUZZ_MUST(call->body == NULL);
    } else {
        FUZZ_MUST((err == NULL) == oracle_fits(pool, document, schema, body));
        FUZZ_MUST(json_equal(body, (const json_t *)(const void *)call->body));
        if (err) {
            check_fields(pool, body, err);
        }
    }
    json_decref(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;
    fuzz_input_t input = {data, size};
    uint8_t which = fuzz_octet(&input);
    authsvc_request_t request = {.method = "POST", .path = "/", .instance = "/", .header = header};
    authsvc_ctx_t ctx = {.settings = &settings};
    authsvc_response_t response;
    authsvc_call_t call = {.request = &request, .response = &response, .ctx = &ctx};
    int number = (which - '0') & 0xff;

    if (!api) {
        make_contracts();
    }
    pool = fuzz_pool();
    ctx.pool = pool;
    call.api = api;
    call.operation = which == 's' ? &made_up_operation : operations[number % count];
    request.body = fuzz_rest(pool, &input, &request.body_len);
    check(pool, &call, which == 's' ? made_up : sources[number % count]);
    apr_pool_destroy(pool);
    return 0;
}
