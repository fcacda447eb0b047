/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_CONTEXT_H
#define AUTHSVC_HTTPD_CONTEXT_H

#include <httpd.h>

#include "authsvc/api/api.h"
#include "config.h"

/** Why this process cannot serve a request at all; logged by AS0502. */
typedef enum {
    AUTHSVC_PROCESS_SERVES,
    AUTHSVC_PROCESS_UNCONFIGURED, /* this virtual host has no account service */
    AUTHSVC_PROCESS_BROKEN
} authsvc_process_t;

authsvc_process_t authsvc_context_process(const authsvc_server_config_t *config);

/**
 * What a process that serves may lack all the same: UNAVAILABLE, or NULL if nothing.
 * @param hashes whether a password may have to be hashed
 */
authsvc_error_t *authsvc_context_lack(apr_pool_t *pool, const authsvc_server_config_t *config,
                                      int hashes);

/** The request as the layers below see it. @param ctx zeroed */
void authsvc_context_make(request_rec *r, const authsvc_server_config_t *config,
                          authsvc_ctx_t *ctx);

/**
 * The request as the API sees it, without a body.
 * @param path below the mount; NULL: none
 * @param headers where fields are looked up; must outlive request
 * @param request zeroed
 */
void authsvc_context_request(request_rec *r, const char *path, apr_table_t *headers,
                             authsvc_request_t *request);

#endif
