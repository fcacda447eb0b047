/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "schema.h"

#define MAX_DEPTH 16 /* of nested schemas; more is a cycle */

typedef struct {
    apr_pool_t *pool;
    const authsvc_json_t *document;
    const authsvc_json_t *required; /* array of names, or NULL */
    authsvc_schema_t *schema;
    int depth;
    int closed; /* additionalProperties: false was said */
    authsvc_error_t *err;
} compiler_t;

static authsvc_error_t *compile(apr_pool_t *pool, const authsvc_json_t *document,
                                const authsvc_json_t *source, int depth,
                                const authsvc_schema_t **schema);

static int refuse(compiler_t *compiler, const char *keyword)
{
    compiler->err =
        AUTHSVC_INTERNAL(compiler->pool, "contract: request schema: %s", keyword);
    return 1;
}

static int type_flag(const char *name)
{
    static const struct {
        const char *name;
        int flag;
    } types[] = {
        {"object", SCHEMA_OBJECT},   {"array", SCHEMA_ARRAY},     {"string", SCHEMA_STRING},
        {"integer", SCHEMA_INTEGER}, {"boolean", SCHEMA_BOOLEAN}, {"null", SCHEMA_NULL},
    };
    apr_size_t i;

    for (i = 0; name && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(name, types[i].name) == 0) {
            return types[i].flag;
        }
    }
    return 0;
}

static int take_type(compiler_t *compiler, const authsvc_json_t *value)
{
    apr_size_t i;
    int flag = type_flag(authsvc_json_string(value));

    compiler->schema->types = flag;
    for (i = 0; !authsvc_json_string(value) && i < authsvc_json_size(value); i++) {
        flag = type_flag(authsvc_json_string(authsvc_json_at(value, i)));
        if (!flag) {
            break;
        }
        compiler->schema->types |= flag;
    }
    return flag ? 0 : refuse(compiler, "type");
}

static int take_property(void *baton, const char *name, authsvc_json_t *source)
{
    compiler_t *compiler = baton;
    schema_property_t *property = apr_array_push(compiler->schema->properties);

    property->name = apr_pstrdup(compiler->pool, name);
    property->required = 0;
    compiler->err = compile(compiler->pool, compiler->document, source, compiler->depth + 1,
                            &property->schema);
    return compiler->err != NULL;
}

static int take_format(compiler_t *compiler, const char *name)
{
    static const struct {
        const char *name;
        schema_format_t format;
    } formats[] = {
        {"email", FORMAT_EMAIL}, {"uuid", FORMAT_UUID}, {"date-time", FORMAT_DATE_TIME}};
    apr_size_t i;

    for (i = 0; name && i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(name, formats[i].name) == 0) {
            compiler->schema->format = formats[i].format;
            return 0;
        }
    }
    return refuse(compiler, "format");
}

/* @return 1 if the keyword is one of a number, -1 if its value is wrong, 0 if it is another */
static int take_number(compiler_t *compiler, const char *name, const authsvc_json_t *value)
{
    authsvc_schema_t *schema = compiler->schema;
    const struct {
        const char *name;
        apr_int64_t *number;
        apr_int64_t least;
    } numbers[] = {
        {"minLength", &schema->min_length, 0},     {"maxLength", &schema->max_length, 0},
        {"minItems", &schema->min_items, 0},       {"maxItems", &schema->max_items, 0},
        {"minimum", &schema->minimum, APR_INT64_MIN}, {"maximum", &schema->maximum, APR_INT64_MIN},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strcmp(name, numbers[i].name) == 0) {
            int fits = authsvc_json_integer(value, numbers[i].number) &&
                       *numbers[i].number >= numbers[i].least;

            return fits ? 1 : -1;
        }
    }
    return 0;
}

static int is_annotation(const char *name)
{
    static const char *const names[] = {"title",     "description", "examples",
                                        "writeOnly", "deprecated",  NULL};
    int i;

    for (i = 0; names[i]; i++) {
        if (strcmp(name, names[i]) == 0) {
            return 1;
        }
    }
    return strncmp(name, "x-", 2) == 0;
}

static int take_keyword(void *baton, const char *name, authsvc_json_t *value)
{
    compiler_t *compiler = baton;
    authsvc_schema_t *schema = compiler->schema;
    int number = take_number(compiler, name, value);

    if (number != 0) {
        return number > 0 ? 0 : refuse(compiler, name);
    }
    if (is_annotation(name)) {
        return 0;
    }
    if (strcmp(name, "type") == 0) {
        return take_type(compiler, value);
    }
    if (strcmp(name, "properties") == 0) {
        return authsvc_json_each(value, take_property, compiler);
    }
    if (strcmp(name, "required") == 0) {
        compiler->required = value;
        return 0;
    }
    if (strcmp(name, "additionalProperties") == 0) {
        compiler->closed = authsvc_json_type(value) == AUTHSVC_JSON_FALSE;
        return compiler->closed ? 0 : refuse(compiler, name);
    }
    if (strcmp(name, "enum") == 0 && authsvc_json_type(value) == AUTHSVC_JSON_ARRAY) {
        schema->choices = value;
        return 0;
    }
    if (strcmp(name, "const") == 0) {
        schema->constant = value;
        return 0;
    }
    if (strcmp(name, "items") == 0) {
        compiler->err = compile(compiler->pool, compiler->document, value, compiler->depth + 1,
                                &schema->items);
        return compiler->err != NULL;
    }
    if (strcmp(name, "format") == 0) {
        return take_format(compiler, authsvc_json_string(value));
    }
    return refuse(compiler, name);
}

static int mark_required(compiler_t *compiler)
{
    apr_array_header_t *properties = compiler->schema->properties;
    apr_size_t i;
    int p;

    for (i = 0; i < authsvc_json_size(compiler->required); i++) {
        const char *name = authsvc_json_string(authsvc_json_at(compiler->required, i));

        for (p = 0; name && p < properties->nelts; p++) {
            schema_property_t *property = &APR_ARRAY_IDX(properties, p, schema_property_t);

            if (strcmp(property->name, name) == 0) {
                property->required = 1;
                break;
            }
        }
        if (!name || p == properties->nelts) {
            return refuse(compiler, "required");
        }
    }
    return 0;
}

/* A reference stands alone, but for words about it. */
static int check_beside_reference(void *baton, const char *name, authsvc_json_t *value)
{
    compiler_t *compiler = baton;

    (void)value;
    return strcmp(name, "$ref") == 0 || is_annotation(name) ? 0 : refuse(compiler, name);
}

static authsvc_error_t *compile(apr_pool_t *pool, const authsvc_json_t *document,
                                const authsvc_json_t *source, int depth,
                                const authsvc_schema_t **schema)
{
    compiler_t compiler = {.pool = pool, .document = document, .depth = depth};
    const authsvc_json_t *resolved = NULL;

    if (depth > MAX_DEPTH || authsvc_json_type(source) != AUTHSVC_JSON_OBJECT) {
        return AUTHSVC_INTERNAL(pool, "contract: a request schema is no object or contains itself");
    }
    if (authsvc_json_get(source, "$ref") &&
        authsvc_json_each(source, check_beside_reference, &compiler)) {
        return compiler.err;
    }
    AUTHSVC_TRY(authsvc_contract_resolve(pool, document, source, &resolved));
    compiler.schema = apr_pcalloc(pool, sizeof(*compiler.schema));
    compiler.schema->properties = apr_array_make(pool, 4, sizeof(schema_property_t));
    compiler.schema->max_length = compiler.schema->max_items = APR_INT64_MAX;
    compiler.schema->minimum = APR_INT64_MIN;
    compiler.schema->maximum = APR_INT64_MAX;
    if (authsvc_json_each(resolved, take_keyword, &compiler) || mark_required(&compiler)) {
        return compiler.err;
    }
    if (compiler.schema->types == 0) {
        return AUTHSVC_INTERNAL(pool, "contract: a request schema has no type");
    }
    if ((compiler.schema->types & SCHEMA_OBJECT) && !compiler.closed) {
        return AUTHSVC_INTERNAL(pool,
                                "contract: a request schema lacks additionalProperties: false");
    }
    *schema = compiler.schema;
    return NULL;
}

authsvc_error_t *authsvc_schema_compile(apr_pool_t *pool, const authsvc_json_t *document,
                                        const authsvc_json_t *source,
                                        const authsvc_schema_t **schema)
{
    return compile(pool, document, source, 0, schema);
}

int authsvc_schema_is_object(const authsvc_schema_t *schema)
{
    return schema->types == SCHEMA_OBJECT;
}
