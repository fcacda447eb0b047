/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_CHILD_H
#define AUTHSVC_HTTPD_CHILD_H

#include <httpd.h>

#include "authsvc/api/api.h"
#include "authsvc/core/gate.h"
#include "authsvc/core/log.h"
#include "authsvc/crypto/cache.h"

/** What all servers of one child process share. */
typedef struct authsvc_child_t {
    const authsvc_api_t *api; /* NULL if it could not be made: every request is answered by 500 */
    authsvc_gate_t gate;
    authsvc_cache_t *tokens;     /* verified access tokens; NULL: none are kept */
    authsvc_cache_t *identities; /* tokens for backends; the same */
    authsvc_cache_t *verdicts;   /* on Basic credentials; the same */
    volatile apr_uint32_t forwarded_logged; /* second of the last AS0643 */
    volatile apr_uint32_t overload_logged; /* second in which it was said last */
} authsvc_child_t;

/**
 * At which level to say that a request was turned away for overload: a flood must not fill the log,
 * a process says it once a second.
 */
authsvc_log_level_t authsvc_child_overload_level(authsvc_child_t *child, apr_time_t now);

/** The child_init hook, after mod_dbd's. */
void authsvc_child_init(apr_pool_t *pchild, server_rec *main_server);

#endif
