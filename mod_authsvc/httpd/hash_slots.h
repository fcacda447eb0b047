/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_HASH_SLOTS_H
#define AUTHSVC_HTTPD_HASH_SLOTS_H

#include <httpd.h>

/**
 * The post_config hook: makes the admission to hashing, once in the server's life, and gives it
 * to every server that has a mount. A graceful restart keeps it (the old children go on using
 * it) and only changes its size, unless it was removed from the system.
 */
int authsvc_hash_slots_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                   server_rec *main_server);

#endif
