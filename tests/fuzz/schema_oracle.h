/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_TESTS_FUZZ_SCHEMA_ORACLE_H
#define AUTHSVC_TESTS_FUZZ_SCHEMA_ORACLE_H

#include <apr_pools.h>
#include <jansson.h>

/*
 * A second opinion on request bodies: those words of JSON Schema (2020-12) that the contract may
 * use, straight from the document. It shares no code with api/schema*.c.
 */

/** The member of a local reference, or the schema itself. */
json_t *oracle_resolve(apr_pool_t *pool, json_t *document, json_t *schema);

/** 1 if the value fits. */
int oracle_fits(apr_pool_t *pool, json_t *document, json_t *schema, json_t *value);

/** What a JSON Pointer names, or NULL; *parent (may be NULL) is what its last step is made from. */
json_t *oracle_point(apr_pool_t *pool, json_t *value, const char *pointer, json_t **parent);

#endif
