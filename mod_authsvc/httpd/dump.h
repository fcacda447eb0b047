/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_DUMP_H
#define AUTHSVC_HTTPD_DUMP_H

#include <httpd.h>

/**
 * The test_config hook. With `-t -D DUMP_AUTHSVC` it prints a line "authsvc-server: {json}" on
 * standard output for each server, by which authsvcctl finds a database in httpd's own
 * configuration. The line holds DBDParams as they are written, a password included.
 */
void authsvc_dump_servers(apr_pool_t *pool, server_rec *main_server);

#endif
