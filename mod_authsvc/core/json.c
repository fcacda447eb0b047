/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <jansson.h>
#include <unistr.h>

#include "authsvc/core/json.h"
#include "memory.h"

/* authsvc_json_t is jansson's json_t under another name: no wrapper, so that members need none. */
static json_t *inner(const authsvc_json_t *value)
{
    return (json_t *)value;
}

static authsvc_json_t *outer(json_t *value)
{
    return (authsvc_json_t *)value;
}

static apr_status_t drop_reference(void *value)
{
    json_decref(value);
    return APR_SUCCESS;
}

/* Takes over a new reference. */
static authsvc_json_t *keep(apr_pool_t *pool, json_t *value)
{
    if (!value) {
        authsvc_out_of_memory(pool);
    }
    apr_pool_cleanup_register(pool, value, drop_reference, apr_pool_cleanup_null);
    return outer(value);
}

static void *malloc_or_end(size_t size)
{
    void *memory = malloc(size);

    if (!memory && size > 0) {
        authsvc_out_of_memory(NULL);
    }
    return memory;
}

/*
 * jansson 2.14 ignores some of its own failed allocations, and goes on: a string is read with an
 * octet missing, or past the end of its buffer; a member is not copied; a key is dumped without
 * its end. So none may fail. free() stays free(): what others made before is freed as ever, and
 * whoever brought an allocator of their own keeps it.
 */
void authsvc_json_init(void)
{
    json_malloc_t malloc_fn = NULL;
    json_free_t free_fn = NULL;

    json_get_alloc_funcs(&malloc_fn, &free_fn);
    if (malloc_fn == malloc && free_fn == free) {
        json_set_alloc_funcs(malloc_or_end, free);
    }
}

/* jansson's own sentences quote the input, which may be a password. */
static const char *refusal(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_premature_end_of_input:
        return "the text ends too early";
    case json_error_end_of_input_expected:
        return "something follows the value";
    case json_error_invalid_utf8:
        return "not UTF-8";
    case json_error_duplicate_key:
        return "a member occurs twice";
    case json_error_numeric_overflow:
        return "a number is out of range";
    case json_error_null_byte_in_key:
    case json_error_null_character:
        return "a string contains U+0000";
    case json_error_stack_overflow:
        return "nested too deeply";
    default:
        return "not JSON";
    }
}

authsvc_json_t *authsvc_json_parse(apr_pool_t *pool, const char *text, apr_size_t len,
                                   const char **problem)
{
    json_error_t error = {.line = 0}; /* jansson leaves its end, where the code is, unset */
    json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

    if (value) {
        return keep(pool, value);
    }
    /* jansson 2.14 has a code for it and does not set it everywhere: then no text is set either. */
    if (json_error_code(&error) == json_error_out_of_memory || !error.text[0]) {
        authsvc_out_of_memory(pool);
    }
    if (problem) {
        *problem = apr_psprintf(pool, "%s (line %d, column %d)", refusal(&error),
                                error.line > 0 ? error.line : 1,
                                error.column > 0 ? error.column : 0);
    }
    return NULL;
}

static const char *dump(apr_pool_t *pool, const authsvc_json_t *value, size_t flags)
{
    json_free_t free_fn = NULL;
    char *text, *copy;

    if (!value) {
        return "null";
    }
    text = json_dumps(inner(value), JSON_COMPACT | JSON_ENCODE_ANY | flags);
    if (!text) {
        authsvc_out_of_memory(pool);
    }
    copy = apr_pstrdup(pool, text);
    /* Another module may have brought an allocator of its own. */
    json_get_alloc_funcs(NULL, &free_fn);
    free_fn(text);
    return copy;
}

const char *authsvc_json_dump(apr_pool_t *pool, const authsvc_json_t *value)
{
    return dump(pool, value, 0);
}

const char *authsvc_json_dump_ascii(apr_pool_t *pool, const authsvc_json_t *value)
{
    const char *text = dump(pool, value, JSON_ENSURE_ASCII);
    const char *del;

    /* The one control character that jansson takes for a letter. It occurs within strings only. */
    while ((del = strchr(text, 0x7f)) != NULL) {
        text = apr_pstrcat(pool, apr_pstrmemdup(pool, text, (apr_size_t)(del - text)), "\\u007F",
                           del + 1, NULL);
    }
    return text;
}

authsvc_json_type_t authsvc_json_type(const authsvc_json_t *value)
{
    switch (value ? json_typeof(inner(value)) : JSON_NULL) {
    case JSON_OBJECT:
        return AUTHSVC_JSON_OBJECT;
    case JSON_ARRAY:
        return AUTHSVC_JSON_ARRAY;
    case JSON_STRING:
        return AUTHSVC_JSON_STRING;
    case JSON_INTEGER:
        return AUTHSVC_JSON_INTEGER;
    case JSON_REAL:
        return AUTHSVC_JSON_REAL;
    case JSON_TRUE:
        return AUTHSVC_JSON_TRUE;
    case JSON_FALSE:
        return AUTHSVC_JSON_FALSE;
    case JSON_NULL:
        break;
    }
    return AUTHSVC_JSON_NULL;
}

authsvc_json_t *authsvc_json_get(const authsvc_json_t *object, const char *name)
{
    return outer(json_object_get(inner(object), name));
}

const char *authsvc_json_string(const authsvc_json_t *value)
{
    return json_string_value(inner(value));
}

apr_size_t authsvc_json_string_size(const authsvc_json_t *value)
{
    return json_string_length(inner(value));
}

const char *authsvc_json_get_string(const authsvc_json_t *object, const char *name)
{
    return authsvc_json_string(authsvc_json_get(object, name));
}

int authsvc_json_integer(const authsvc_json_t *value, apr_int64_t *number)
{
    if (!json_is_integer(inner(value))) {
        return 0;
    }
    *number = (apr_int64_t)json_integer_value(inner(value));
    return 1;
}

apr_size_t authsvc_json_size(const authsvc_json_t *value)
{
    if (json_is_object(inner(value))) {
        return json_object_size(inner(value));
    }
    return json_array_size(inner(value));
}

authsvc_json_t *authsvc_json_at(const authsvc_json_t *array, apr_size_t index)
{
    return outer(json_array_get(inner(array), index));
}

int authsvc_json_each(const authsvc_json_t *object,
                      int (*visit)(void *baton, const char *name, authsvc_json_t *member),
                      void *baton)
{
    json_t *members = inner(object);
    void *at;
    int rc = 0;

    for (at = json_object_iter(members); at && rc == 0;
         at = json_object_iter_next(members, at)) {
        rc = visit(baton, json_object_iter_key(at), outer(json_object_iter_value(at)));
    }
    return rc;
}

int authsvc_json_equal(const authsvc_json_t *a, const authsvc_json_t *b)
{
    return a == b || json_equal(inner(a), inner(b));
}

authsvc_json_t *authsvc_json_copy(apr_pool_t *pool, const authsvc_json_t *value)
{
    return value ? keep(pool, json_deep_copy(inner(value))) : NULL;
}

authsvc_json_t *authsvc_json_object(apr_pool_t *pool)
{
    return keep(pool, json_object());
}

authsvc_json_t *authsvc_json_array(apr_pool_t *pool)
{
    return keep(pool, json_array());
}

/* Malloc'd copy in which each ill-formed sequence is U+FFFD; NULL if text is well-formed. */
static char *repaired(const char *text)
{
    const uint8_t *at = (const uint8_t *)text;
    size_t left = strlen(text);
    char *copy, *out;

    if (left == 0 || !u8_check(at, left)) {
        return NULL;
    }
    copy = out = malloc(3 * left + 1);
    if (!copy) {
        authsvc_out_of_memory(NULL);
    }
    while (left > 0) {
        ucs4_t point;
        int octets = u8_mbtoucr(&point, at, left);

        if (octets < 0) {
            octets = u8_mbtouc(&point, at, left);
            memcpy(out, "\xef\xbf\xbd", 3);
            out += 3;
        } else {
            memcpy(out, at, (size_t)octets);
            out += octets;
        }
        at += octets;
        left -= (size_t)octets;
    }
    *out = '\0';
    return copy;
}

static json_t *new_string(const char *text)
{
    char *copy;
    json_t *value;

    if (!text) {
        return json_null();
    }
    copy = repaired(text);
    value = json_string(copy ? copy : text);
    free(copy);
    return value;
}

/* A member silently left out would be a claim or a reason left out: rather end the process.
 * Takes over the reference. */
static void set_member(authsvc_json_t *object, const char *name, json_t *value)
{
    char *copy = repaired(name);
    int rc = value ? json_object_set_new(inner(object), copy ? copy : name, value) : -1;

    free(copy);
    if (rc != 0) {
        authsvc_out_of_memory(NULL);
    }
}

static void append_element(authsvc_json_t *array, json_t *value)
{
    if (!value || json_array_append_new(inner(array), value) != 0) {
        authsvc_out_of_memory(NULL);
    }
}

void authsvc_json_set(authsvc_json_t *object, const char *name, authsvc_json_t *value)
{
    set_member(object, name, value ? json_incref(inner(value)) : json_null());
}

void authsvc_json_set_string(authsvc_json_t *object, const char *name, const char *text)
{
    set_member(object, name, new_string(text));
}

void authsvc_json_set_integer(authsvc_json_t *object, const char *name, apr_int64_t number)
{
    set_member(object, name, json_integer((json_int_t)number));
}

void authsvc_json_set_bool(authsvc_json_t *object, const char *name, int flag)
{
    set_member(object, name, json_boolean(flag));
}

void authsvc_json_append(authsvc_json_t *array, authsvc_json_t *value)
{
    append_element(array, value ? json_incref(inner(value)) : json_null());
}

void authsvc_json_append_string(authsvc_json_t *array, const char *text)
{
    append_element(array, new_string(text));
}
