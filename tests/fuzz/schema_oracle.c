/* SPDX-License-Identifier: Apache-2.0 */
#include "schema_oracle.h"

#include <stdlib.h>
#include <unistr.h>

#include "authsvc/core/text.h"
#include "fuzz.h"

#define DATE "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
#define CLOCK "([01][0-9]|2[0-3]):[0-5][0-9]"
#define DATE_TIME DATE "[Tt]" CLOCK ":([0-5][0-9]|60)([.][0-9]+)?([Zz]|[+-]" CLOCK ")"
#define UUID "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"

json_t *oracle_point(apr_pool_t *pool, json_t *value, const char *pointer, json_t **parent)
{
    while (value && *pointer == '/') {
        size_t len = strcspn(++pointer, "/");
        char *name = apr_pstrmemdup(pool, pointer, len), *in, *out = name;

        for (in = name; *in; in++) {
            if (*in == '~') {
                FUZZ_MUST(in[1] == '0' || in[1] == '1');
                *out++ = *++in == '0' ? '~' : '/';
            } else {
                *out++ = *in;
            }
        }
        *out = '\0';
        if (parent) {
            *parent = value;
        }
        value = json_is_array(value) ? json_array_get(value, strtoul(name, NULL, 10))
                                     : json_object_get(value, name);
        pointer += len;
    }
    return *pointer ? NULL : value;
}

json_t *oracle_resolve(apr_pool_t *pool, json_t *document, json_t *schema)
{
    const char *reference;

    while ((reference = json_string_value(json_object_get(schema, "$ref"))) != NULL) {
        schema = oracle_point(pool, document, reference + 1, NULL);
    }
    return schema;
}

static int is_type(const char *name, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return strcmp(name, "object") == 0;
    case JSON_ARRAY:
        return strcmp(name, "array") == 0;
    case JSON_STRING:
        return strcmp(name, "string") == 0;
    case JSON_INTEGER:
        return strcmp(name, "integer") == 0;
    case JSON_TRUE:
    case JSON_FALSE:
        return strcmp(name, "boolean") == 0;
    case JSON_NULL:
        return strcmp(name, "null") == 0;
    case JSON_REAL:
        break;
    }
    return 0;
}

static int fits_type(json_t *type, const json_t *value)
{
    size_t i;

    if (json_is_string(type)) {
        return is_type(json_string_value(type), value);
    }
    for (i = 0; i < json_array_size(type); i++) {
        if (is_type(json_string_value(json_array_get(type, i)), value)) {
            return 1;
        }
    }
    return 0;
}

/* A number of something, or the value itself, between two of the schema's words. */
static int between(json_t *schema, const char *low, const char *high, json_int_t number)
{
    const json_t *least = json_object_get(schema, low), *most = json_object_get(schema, high);

    return (!least || number >= json_integer_value(least)) &&
           (!most || number <= json_integer_value(most));
}

static int is_date_time(const char *text)
{
    long year, month, day;

    if (!fuzz_matches(DATE_TIME, text)) {
        return 0;
    }
    year = strtol(text, NULL, 10);
    month = strtol(text + 5, NULL, 10);
    day = strtol(text + 8, NULL, 10);
    if (month == 2) {
        return day <= (year % 4 || (year % 100 == 0 && year % 400) ? 28 : 29);
    }
    return day <= (month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31);
}

static int fits_format(apr_pool_t *pool, const char *format, const char *text)
{
    const char *code, *normalized;

    if (strcmp(format, "uuid") == 0) {
        return fuzz_matches(UUID, text);
    }
    if (strcmp(format, "date-time") == 0) {
        return is_date_time(text);
    }
    code = authsvc_email_normalize(pool, text, 1, &normalized); /* has a target of its own */
    return !code || strcmp(code, "format") != 0;
}

static int fits_object(apr_pool_t *pool, json_t *document, json_t *schema, json_t *value)
{
    json_t *properties = json_object_get(schema, "properties");
    json_t *required = json_object_get(schema, "required"), *member;
    const char *name;
    size_t i;

    json_object_foreach(value, name, member) {
        json_t *inner = json_object_get(properties, name);

        if (!inner || !oracle_fits(pool, document, inner, member)) {
            return 0;
        }
    }
    for (i = 0; i < json_array_size(required); i++) {
        if (!json_object_get(value, json_string_value(json_array_get(required, i)))) {
            return 0;
        }
    }
    return 1;
}

static int fits_array(apr_pool_t *pool, json_t *document, json_t *schema, json_t *value)
{
    json_t *items = json_object_get(schema, "items");
    size_t i;

    for (i = 0; items && i < json_array_size(value); i++) {
        if (!oracle_fits(pool, document, items, json_array_get(value, i))) {
            return 0;
        }
    }
    return between(schema, "minItems", "maxItems", (json_int_t)json_array_size(value));
}

static int is_choice(json_t *choices, json_t *value)
{
    size_t i;

    for (i = 0; i < json_array_size(choices); i++) {
        if (json_equal(json_array_get(choices, i), value)) {
            return 1;
        }
    }
    return choices == NULL;
}

int oracle_fits(apr_pool_t *pool, json_t *document, json_t *schema, json_t *value)
{
    json_t *constant, *format;

    schema = oracle_resolve(pool, document, schema);
    constant = json_object_get(schema, "const");
    format = json_object_get(schema, "format");
    if (!fits_type(json_object_get(schema, "type"), value) ||
        !is_choice(json_object_get(schema, "enum"), value) ||
        (constant && !json_equal(constant, value))) {
        return 0;
    }
    if (json_is_string(value)) {
        const uint8_t *text = (const uint8_t *)json_string_value(value);

        return between(schema, "minLength", "maxLength",
                       (json_int_t)u8_mbsnlen(text, json_string_length(value))) &&
               (!format || fits_format(pool, json_string_value(format), (const char *)text));
    }
    if (json_is_object(value)) {
        return fits_object(pool, document, schema, value);
    }
    if (json_is_array(value)) {
        return fits_array(pool, document, schema, value);
    }
    return !json_is_integer(value) ||
           between(schema, "minimum", "maximum", json_integer_value(value));
}
