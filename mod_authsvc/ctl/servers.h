/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CTL_SERVERS_H
#define AUTHSVC_CTL_SERVERS_H

#include "authsvc/core/json.h"
#include "database.h"

/** A server of httpd's configuration, as httpd/dump.c shows it. */
typedef struct {
    const char *name;
    apr_int64_t port;
    const char *driver; /* of its database; empty if there is none */
    const char *params;
    const authsvc_json_t *line; /* all that is shown */
    int serves; /* it has an API; or, where no server has one, it guards by the accounts */
} ctl_server_t;

/**
 * Ask httpd what a configuration says (httpd -t -D DUMP_AUTHSVC).
 * @param asked with a config
 * @param servers of ctl_server_t
 * @param warnings what httpd said beside it, each a line
 * @return CTL_OK, or what to exit with after a message
 */
int authsvc_ctl_servers_read(ctl_t *ctl, const ctl_database_options_t *asked,
                             apr_array_header_t **servers, const char **warnings);

/** 1 if the server is the one that is meant by "name" or "name:port". */
int authsvc_ctl_server_is(apr_pool_t *pool, const ctl_server_t *server, const char *vhost);

#endif
