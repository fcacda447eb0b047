/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_REVOCATION_FEED_H
#define AUTHSVC_HTTPD_REVOCATION_FEED_H

#include <httpd.h>

/**
 * The post_config hook, before mod_watchdog's: makes a set of revocations for each database, in
 * memory that all children share, and has it brought up to date every 300 ms by a thread of
 * mod_watchdog, in one child at a time; if that ends, another one's goes on within as long. A
 * graceful restart keeps the sets, unless their size was changed. Without mod_watchdog, or without
 * the memory, a server's set says nothing, and the database is asked for each request.
 */
int authsvc_revocation_feed_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                        server_rec *main_server);

/**
 * In a child, after its connections were made: before its pool closes them, it waits until nobody
 * follows revocations over them any more.
 */
void authsvc_revocation_feed_child_init(apr_pool_t *pchild);

#endif
