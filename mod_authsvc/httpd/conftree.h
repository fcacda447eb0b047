/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_CONFTREE_H
#define AUTHSVC_HTTPD_CONFTREE_H

#include <httpd.h>

#include "config.h"

/**
 * What DBDriver, DBDParams, DBDPersist and DBDInitSQL say for a server, a virtual host's own before
 * the main server's. mod_dbd keeps its configuration to itself, so this reads httpd's configuration
 * tree; call while that exists (check_config, test_config).
 */
void authsvc_conftree_dbd(apr_pool_t *pool, const server_rec *main_server, const server_rec *s,
                          authsvc_dbd_facts_t *facts);

/**
 * 1 if a section of this server, not one that it inherits, says AuthType AuthSvc. What a .htaccess
 * says is seen by nobody before it is read.
 */
int authsvc_conftree_guards(apr_pool_t *pool, const server_rec *main_server, const server_rec *s);

#endif
