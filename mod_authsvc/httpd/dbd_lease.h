/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_DBD_LEASE_H
#define AUTHSVC_HTTPD_DBD_LEASE_H

#include <httpd.h>
#include <apr_dbd.h>
#include <mod_dbd.h>

#include "authsvc/core/error.h"
#include "authsvc/db/db.h"

/**
 * Make the database of a server: connections that mod_dbd opened, leased within a deadline.
 *
 * mod_dbd cannot do the latter: apr_reslist connects under its one lock, waits for ever for a
 * free connection, and needs that lock to take one back. So connections are kept here once they
 * are open, and mod_dbd is called by one thread at a time, to open, and to close what has been
 * idle for DBDExptime.
 *
 * @param s through whose configuration mod_dbd is called
 * @param prepared_statements as in authsvc_db_t
 * @param db lives as long as pchild, by whose pre-cleanup all connections are given back
 */
authsvc_error_t *authsvc_lease_create(apr_pool_t *pchild, server_rec *s, int prepared_statements,
                                      authsvc_db_t **db);

/** mod_dbd's hook post_connect: notes on a new connection whose configuration it is of. */
apr_status_t authsvc_lease_post_connect(apr_pool_t *pool, dbd_cfg_t *config, ap_dbd_t *dbd);

#endif
