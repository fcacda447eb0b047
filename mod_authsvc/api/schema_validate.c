/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "authsvc/core/text.h"
#include "authsvc/core/uuid.h"
#include "schema.h"

typedef struct {
    apr_pool_t *pool;
    authsvc_error_t **err;
    const authsvc_schema_t *schema; /* of the object being visited */
    const char *pointer;            /* to it */
} checker_t;

static int is_full(const checker_t *checker)
{
    return *checker->err && (*checker->err)->fields &&
           (*checker->err)->fields->nelts >= AUTHSVC_MAX_FIELDS;
}

static void note(checker_t *checker, const char *pointer, const char *code, const char *detail)
{
    if (!is_full(checker)) {
        authsvc_error_add_field(checker->pool, checker->err, pointer, code, detail);
    }
}

/* RFC 6901 §3: '~' is "~0", '/' is "~1". */
static const char *child(apr_pool_t *pool, const char *parent, const char *name)
{
    apr_size_t length = strlen(parent);
    char *pointer = apr_palloc(pool, length + 2 * strlen(name) + 2), *out = pointer + length;

    memcpy(pointer, parent, length); /* NOLINT(bugprone-not-null-terminated-result): more follows */
    *out++ = '/';
    for (; *name; name++) {
        if (*name == '~' || *name == '/') {
            *out++ = '~';
            *out++ = *name == '~' ? '0' : '1';
        } else {
            *out++ = *name;
        }
    }
    *out = '\0';
    return pointer;
}

/* Two, three, ... decimal digits as a number; -1 if they are not. */
static int digits(const char *at, int count)
{
    int number = 0;

    while (count-- > 0) {
        if (*at < '0' || *at > '9') {
            return -1;
        }
        number = number * 10 + (*at++ - '0');
    }
    return number;
}

static int in_range(int number, int low, int high)
{
    return number >= low && number <= high;
}

/* RFC 3339 §5.6. A leap second's minute is not looked up. */
static int is_date_time(const char *text)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day, leap;
    const char *at;

    if (strlen(text) < 20) {
        return 0;
    }
    year = digits(text, 4);
    month = digits(text + 5, 2);
    day = digits(text + 8, 2);
    if (year < 0 || text[4] != '-' || text[7] != '-' || !in_range(month, 1, 12)) {
        return 0;
    }
    leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (!in_range(day, 1, days[month - 1] + leap) || (text[10] != 'T' && text[10] != 't') ||
        !in_range(digits(text + 11, 2), 0, 23) || text[13] != ':' ||
        !in_range(digits(text + 14, 2), 0, 59) || text[16] != ':' ||
        !in_range(digits(text + 17, 2), 0, 60)) {
        return 0;
    }
    at = text + 19;
    if (*at == '.') {
        apr_size_t fraction = strspn(at + 1, "0123456789");

        if (fraction == 0) {
            return 0;
        }
        at += 1 + fraction;
    }
    if (*at == 'Z' || *at == 'z') {
        return at[1] == '\0';
    }
    return (*at == '+' || *at == '-') && strlen(at) == 6 && in_range(digits(at + 1, 2), 0, 23) &&
           at[3] == ':' && in_range(digits(at + 4, 2), 0, 59);
}

static void check_format(checker_t *checker, const authsvc_schema_t *schema, const char *text,
                         const char *pointer)
{
    unsigned char uuid[AUTHSVC_UUID_OCTETS];
    const char *normalized, *code;

    switch (schema->format) {
    case FORMAT_EMAIL:
        /* Which addresses the site takes is the service's question; here: is it one at all? */
        code = authsvc_email_normalize(checker->pool, text, 1, &normalized);
        if (code && strcmp(code, "format") == 0) {
            note(checker, pointer, "format", "must be an email address");
        }
        break;
    case FORMAT_UUID:
        if (!authsvc_uuid_parse(text, uuid)) {
            note(checker, pointer, "format", "must be a UUID");
        }
        break;
    case FORMAT_DATE_TIME:
        if (!is_date_time(text)) {
            note(checker, pointer, "format", "must be a date and time by RFC 3339");
        }
        break;
    case FORMAT_NONE:
        break;
    }
}

static void check_string(checker_t *checker, const authsvc_schema_t *schema,
                         const authsvc_json_t *value, const char *pointer)
{
    const char *text = authsvc_json_string(value);
    apr_ssize_t length = authsvc_text_length(text, authsvc_json_string_size(value));

    if (length < schema->min_length) {
        note(checker, pointer, "too-short",
             apr_psprintf(checker->pool, "must have at least %" APR_INT64_T_FMT " characters",
                          schema->min_length));
    } else if (length > schema->max_length) {
        note(checker, pointer, "too-long",
             apr_psprintf(checker->pool, "must have at most %" APR_INT64_T_FMT " characters",
                          schema->max_length));
    } else {
        check_format(checker, schema, text, pointer);
    }
}

static void check_integer(checker_t *checker, const authsvc_schema_t *schema,
                          const authsvc_json_t *value, const char *pointer)
{
    apr_int64_t number = 0;

    authsvc_json_integer(value, &number);
    if (number < schema->minimum) {
        note(checker, pointer, "minimum",
             apr_psprintf(checker->pool, "must be at least %" APR_INT64_T_FMT, schema->minimum));
    } else if (number > schema->maximum) {
        note(checker, pointer, "maximum",
             apr_psprintf(checker->pool, "must be at most %" APR_INT64_T_FMT, schema->maximum));
    }
}

static void check(checker_t *checker, const authsvc_schema_t *schema, const authsvc_json_t *value,
                  const char *pointer);

static void check_array(checker_t *checker, const authsvc_schema_t *schema,
                        const authsvc_json_t *value, const char *pointer)
{
    apr_size_t i, size = authsvc_json_size(value);

    if ((apr_int64_t)size < schema->min_items) {
        note(checker, pointer, "too-few",
             apr_psprintf(checker->pool, "must have at least %" APR_INT64_T_FMT " elements",
                          schema->min_items));
    } else if ((apr_int64_t)size > schema->max_items) {
        note(checker, pointer, "too-many",
             apr_psprintf(checker->pool, "must have at most %" APR_INT64_T_FMT " elements",
                          schema->max_items));
        return;
    }
    for (i = 0; schema->items && i < size && !is_full(checker); i++) {
        check(checker, schema->items, authsvc_json_at(value, i),
              apr_psprintf(checker->pool, "%s/%" APR_SIZE_T_FMT, pointer, i));
    }
}

static int visit_member(void *baton, const char *name, authsvc_json_t *member)
{
    checker_t *checker = baton;
    const apr_array_header_t *properties = checker->schema->properties;
    int i;

    (void)member;
    for (i = 0; i < properties->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(properties, i, schema_property_t).name, name) == 0) {
            return 0;
        }
    }
    note(checker, child(checker->pool, checker->pointer, name), "unknown-member",
         "is not known here");
    return is_full(checker);
}

static void check_object(checker_t *checker, const authsvc_schema_t *schema,
                         const authsvc_json_t *value, const char *pointer)
{
    checker_t members = *checker;
    int i;

    for (i = 0; i < schema->properties->nelts && !is_full(checker); i++) {
        const schema_property_t *property =
            &APR_ARRAY_IDX(schema->properties, i, schema_property_t);
        const authsvc_json_t *member = authsvc_json_get(value, property->name);
        const char *at = child(checker->pool, pointer, property->name);

        if (member) {
            check(checker, property->schema, member, at);
        } else if (property->required) {
            note(checker, at, "required", "must be given");
        }
    }
    members.schema = schema;
    members.pointer = pointer;
    authsvc_json_each(value, visit_member, &members);
}

static int type_of(const authsvc_json_t *value)
{
    switch (authsvc_json_type(value)) {
    case AUTHSVC_JSON_OBJECT:
        return SCHEMA_OBJECT;
    case AUTHSVC_JSON_ARRAY:
        return SCHEMA_ARRAY;
    case AUTHSVC_JSON_STRING:
        return SCHEMA_STRING;
    case AUTHSVC_JSON_INTEGER:
        return SCHEMA_INTEGER;
    case AUTHSVC_JSON_TRUE:
    case AUTHSVC_JSON_FALSE:
        return SCHEMA_BOOLEAN;
    case AUTHSVC_JSON_NULL:
        return SCHEMA_NULL;
    case AUTHSVC_JSON_REAL:
        break;
    }
    return 0;
}

static const char *expected(apr_pool_t *pool, int types)
{
    static const char *const names[] = {"an object", "an array",  "a string",
                                        "an integer", "a boolean", "null"};
    const char *text = "must be ";
    int i, first = 1;

    for (i = 0; i < 6; i++) {
        if (types & (1 << i)) {
            text = apr_pstrcat(pool, text, first ? "" : " or ", names[i], NULL);
            first = 0;
        }
    }
    return text;
}

static int is_choice(const authsvc_json_t *choices, const authsvc_json_t *value)
{
    apr_size_t i;

    for (i = 0; i < authsvc_json_size(choices); i++) {
        if (authsvc_json_equal(authsvc_json_at(choices, i), value)) {
            return 1;
        }
    }
    return 0;
}

static void check(checker_t *checker, const authsvc_schema_t *schema, const authsvc_json_t *value,
                  const char *pointer)
{
    int type = type_of(value);

    if (!(schema->types & type)) {
        note(checker, pointer, "type", expected(checker->pool, schema->types));
        return;
    }
    if (schema->constant && !authsvc_json_equal(schema->constant, value)) {
        note(checker, pointer, "const",
             apr_pstrcat(checker->pool, "must be ",
                         authsvc_json_dump(checker->pool, schema->constant), NULL));
        return;
    }
    if (schema->choices && !is_choice(schema->choices, value)) {
        note(checker, pointer, "enum",
             apr_pstrcat(checker->pool, "must be one of ",
                         authsvc_json_dump(checker->pool, schema->choices), NULL));
        return;
    }
    if (type == SCHEMA_OBJECT) {
        check_object(checker, schema, value, pointer);
    } else if (type == SCHEMA_ARRAY) {
        check_array(checker, schema, value, pointer);
    } else if (type == SCHEMA_STRING) {
        check_string(checker, schema, value, pointer);
    } else if (type == SCHEMA_INTEGER) {
        check_integer(checker, schema, value, pointer);
    }
}

void authsvc_schema_validate(const authsvc_schema_t *schema, apr_pool_t *pool,
                             const authsvc_json_t *value, authsvc_error_t **err)
{
    checker_t checker = {.pool = pool, .err = err};

    check(&checker, schema, value, "");
}
