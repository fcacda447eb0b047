/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_CHECK_H
#define AUTHSVC_HTTPD_CHECK_H

#include <httpd.h>

/**
 * The check_config hook: refuses, with a sentence each, everything for which the server must not
 * start, so that `apachectl configtest` sees it; and makes each server's settings, as the user
 * who starts httpd (root), so that keys stay unreadable for the httpd user.
 */
int authsvc_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                         server_rec *main_server);

#endif
