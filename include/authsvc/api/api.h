/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_API_API_H
#define AUTHSVC_API_API_H

#include <apr_tables.h>

#include "authsvc/core/context.h"
#include "authsvc/core/error.h"

/** A request as the handler hands it over. Read-only. */
typedef struct {
    const char *method;       /* "GET", ...; HEAD as such */
    const char *path;         /* below the mount, starts with '/', not decoded; "/" for the mount */
    const char *instance;     /* the request's whole path, for problem details */
    int secure;               /* came by TLS, or from loopback: credentials may be sent */
    const char *body;         /* NULL if there is none */
    apr_size_t body_len;
    /** A header field's value, combined by ", " if repeated; NULL if absent. */
    const char *(*header)(void *baton, const char *name);
    void *baton;
} authsvc_request_t;

/**
 * The answer. To a HEAD it has the body of the GET: send all but that, its length included
 * (httpd's own filter does so).
 */
typedef struct {
    int status;
    const char *content_type; /* NULL if there is no body */
    const char *body;
    apr_size_t body_len;
    apr_table_t *headers;
    const authsvc_error_t *error; /* what to log, or NULL */
} authsvc_response_t;

/** The contract, parsed, and bound to functions. Read-only, shared by threads. */
typedef struct authsvc_api_t authsvc_api_t;

/**
 * Parse the embedded contract and bind it. Once, before the threads and processes that share it.
 * @return INTERNAL if contract and functions do not fit each other
 */
authsvc_error_t *authsvc_api_create(apr_pool_t *pool, const authsvc_api_t **api);

/**
 * What the handler must know before it reads the body.
 * @param reads_body 0: this method and path take no body (none is read)
 */
void authsvc_api_expects(const authsvc_api_t *api, const char *method, const char *path,
                         int *reads_body);

/** Answer a request; never fails: an error becomes a problem answer. Response in ctx->pool. */
void authsvc_api_handle(const authsvc_api_t *api, authsvc_ctx_t *ctx,
                        const authsvc_request_t *request, authsvc_response_t *response);

/**
 * The problem answer of an error that the handler met itself (body too large, unreadable body).
 * The same function that authsvc_api_handle uses, CORS fields included.
 */
void authsvc_api_problem(const authsvc_api_t *api, authsvc_ctx_t *ctx,
                         const authsvc_request_t *request, const authsvc_error_t *err,
                         authsvc_response_t *response);

#endif
