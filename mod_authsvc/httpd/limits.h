/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_LIMITS_H
#define AUTHSVC_HTTPD_LIMITS_H

#include <httpd.h>

#include "config.h"

/**
 * Make, or find again, what all children count in. Without it httpd does not start; a reload goes
 * on, and nothing is limited, as the log says.
 */
int authsvc_limits_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                               server_rec *main_server);

/** Whether AuthSvcRateLimitExempt names the request's client, or holds for the request. */
int authsvc_limits_exempts(request_rec *r, const authsvc_server_config_t *config);

/**
 * Tell the admin if a request was refused for its address, and that may be a proxy's: once an hour
 * in each child.
 */
void authsvc_limits_warn(request_rec *r, const authsvc_ctx_t *ctx);

#endif
