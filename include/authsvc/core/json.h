/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CORE_JSON_H
#define AUTHSVC_CORE_JSON_H

#include <apr_pools.h>

/**
 * JSON values (RFC 8259), kept by jansson. A value lives as long as the pool of the call that
 * made it; a member got from a value lives as long as that. If memory runs out, the process ends,
 * by the pool's abort function or by abort(3), as APR itself does.
 */
typedef struct authsvc_json_t authsvc_json_t;

typedef enum {
    AUTHSVC_JSON_OBJECT,
    AUTHSVC_JSON_ARRAY,
    AUTHSVC_JSON_STRING,
    AUTHSVC_JSON_INTEGER, /* written without fraction and exponent, within 64 bits */
    AUTHSVC_JSON_REAL,
    AUTHSVC_JSON_TRUE,
    AUTHSVC_JSON_FALSE,
    AUTHSVC_JSON_NULL
} authsvc_json_type_t;

/**
 * Let a failed allocation within jansson end the process, for everybody in it. Once per process,
 * before anything else here and before threads; harmless when repeated.
 */
void authsvc_json_init(void);

/**
 * Parse strictly: one value and nothing after it, UTF-8, no duplicate member, no NUL, depth as
 * jansson limits it.
 * @param problem set to a short sentence with line and column if refused (in pool); may be NULL
 * @return NULL if refused
 */
authsvc_json_t *authsvc_json_parse(apr_pool_t *pool, const char *text, apr_size_t len,
                                   const char **problem);

/** Compact text, NUL-terminated, in pool. */
const char *authsvc_json_dump(apr_pool_t *pool, const authsvc_json_t *value);

/** The same in printable ASCII, everything else escaped: for a terminal. */
const char *authsvc_json_dump_ascii(apr_pool_t *pool, const authsvc_json_t *value);

authsvc_json_type_t authsvc_json_type(const authsvc_json_t *value);

/** A member of an object; NULL if there is none or it is no object. */
authsvc_json_t *authsvc_json_get(const authsvc_json_t *object, const char *name);

/** A string's octets, NUL-terminated; NULL if value is NULL or no string. */
const char *authsvc_json_string(const authsvc_json_t *value);

/** A string's length in octets; 0 if it is none. */
apr_size_t authsvc_json_string_size(const authsvc_json_t *value);

/** The string member of an object; NULL if there is none of that name and type. */
const char *authsvc_json_get_string(const authsvc_json_t *object, const char *name);

/** An integer's value. @return 1 if value is an INTEGER */
int authsvc_json_integer(const authsvc_json_t *value, apr_int64_t *number);

/** Members or elements; 0 for anything else. */
apr_size_t authsvc_json_size(const authsvc_json_t *value);

/** An array's element; NULL past its end. */
authsvc_json_t *authsvc_json_at(const authsvc_json_t *array, apr_size_t index);

/**
 * Visit an object's members in their order.
 * @param visit returns 0 to go on, anything else to stop
 * @return what visit returned last, 0 for an empty object
 */
int authsvc_json_each(const authsvc_json_t *object,
                      int (*visit)(void *baton, const char *name, authsvc_json_t *member),
                      void *baton);

/** 1 if the two values are equal (member order aside). */
int authsvc_json_equal(const authsvc_json_t *a, const authsvc_json_t *b);

/** An independent copy, all the way down, in pool. */
authsvc_json_t *authsvc_json_copy(apr_pool_t *pool, const authsvc_json_t *value);

authsvc_json_t *authsvc_json_object(apr_pool_t *pool);
authsvc_json_t *authsvc_json_array(apr_pool_t *pool);

/**
 * Set a member; value (or text) may be NULL for JSON null. In names and strings, what is not UTF-8
 * becomes U+FFFD. The object keeps the value beyond the value's pool.
 */
void authsvc_json_set(authsvc_json_t *object, const char *name, authsvc_json_t *value);
void authsvc_json_set_string(authsvc_json_t *object, const char *name, const char *text);
void authsvc_json_set_integer(authsvc_json_t *object, const char *name, apr_int64_t number);
void authsvc_json_set_bool(authsvc_json_t *object, const char *name, int flag);

/** Append to an array. */
void authsvc_json_append(authsvc_json_t *array, authsvc_json_t *value);
void authsvc_json_append_string(authsvc_json_t *array, const char *text);

#endif
