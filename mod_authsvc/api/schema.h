/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_API_SCHEMA_H
#define AUTHSVC_API_SCHEMA_H

#include "api_private.h"

/* A compiled request schema: made by schema.c, used by schema_validate.c. */

enum {
    SCHEMA_OBJECT = 1,
    SCHEMA_ARRAY = 2,
    SCHEMA_STRING = 4,
    SCHEMA_INTEGER = 8,
    SCHEMA_BOOLEAN = 16,
    SCHEMA_NULL = 32
};

typedef enum { FORMAT_NONE, FORMAT_EMAIL, FORMAT_UUID, FORMAT_DATE_TIME } schema_format_t;

typedef struct {
    const char *name;
    const authsvc_schema_t *schema;
    int required;
} schema_property_t;

struct authsvc_schema_t {
    int types;                      /* SCHEMA_*, or'ed */
    apr_array_header_t *properties; /* of schema_property_t; others are refused */
    const authsvc_schema_t *items;
    const authsvc_json_t *choices;  /* enum, or NULL */
    const authsvc_json_t *constant; /* const, or NULL */
    schema_format_t format;
    apr_int64_t min_length; /* code points */
    apr_int64_t max_length;
    apr_int64_t min_items;
    apr_int64_t max_items;
    apr_int64_t minimum;
    apr_int64_t maximum;
};

#endif
