/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_LOGIN_FAILURES_H
#define AUTHSVC_HTTPD_LOGIN_FAILURES_H

#include <httpd.h>

/**
 * A post_config hook: memory for login failures that are not written yet, which all children share,
 * for each database. A graceful restart keeps it. Without it, each failure is written at once.
 */
int authsvc_login_failures_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                       server_rec *main_server);

#endif
