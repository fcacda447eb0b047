/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_AUTO_MIGRATE_H
#define AUTHSVC_HTTPD_AUTO_MIGRATE_H

#include <httpd.h>

/**
 * Bring the database of a server up to the newest schema. Several children at once are safe, by
 * the migrations' lock. A failure is logged; the requests then say 503 until somebody migrates.
 */
void authsvc_auto_migrate(apr_pool_t *pchild, server_rec *s);

#endif
