/* SPDX-License-Identifier: Apache-2.0 */
#include "database.h"

#include <apr_strings.h>
#include <string.h>

#include "authsvc/core/json.h"
#include "authsvc/db/provider.h"
#include "servers.h"

static int from_dsn(ctl_t *ctl, const char *dsn, ctl_database_t *database)
{
    const char *colon = strchr(dsn, ':');

    if (colon) {
        database->driver = apr_pstrmemdup(ctl->pool, dsn, (apr_size_t)(colon - dsn));
        database->params = colon + 1;
    }
    if (!colon || !authsvc_db_driver_find(database->driver) || !*database->params) {
        return authsvc_ctl_misused(ctl, "--dsn must be pgsql:CONNINFO or sqlite3:PATH");
    }
    return CTL_OK;
}

static const char *list_servers(ctl_t *ctl, const apr_array_header_t *servers)
{
    const char *list = "";

    for (int i = 0; i < servers->nelts; i++) {
        const ctl_server_t *server = &APR_ARRAY_IDX(servers, i, ctl_server_t);
        if (server->serves) {
            list = apr_psprintf(ctl->pool, "%s%s%s:%" APR_INT64_T_FMT, list, *list ? ", " : "",
                                server->name, server->port);
        }
    }
    return list;
}

/* Accounts are for all servers of the database, whichever of them is asked for its rules. */
static const apr_array_header_t *sites_of(ctl_t *ctl, const apr_array_header_t *servers,
                                          const ctl_server_t *chosen)
{
    apr_array_header_t *sites = apr_array_make(ctl->pool, 2, sizeof(const char *));

    for (int i = 0; i < servers->nelts; i++) {
        const ctl_server_t *server = &APR_ARRAY_IDX(servers, i, ctl_server_t);
        const authsvc_json_t *names = authsvc_json_get(server->line, "sites");

        if (strcmp(server->driver, chosen->driver) != 0 ||
            strcmp(server->params, chosen->params) != 0) {
            continue;
        }
        for (apr_size_t k = 0; k < authsvc_json_size(names); k++) {
            const char *name = authsvc_json_string(authsvc_json_at(names, k));

            if (name) {
                APR_ARRAY_PUSH(sites, const char *) = name;
            }
        }
    }
    return sites;
}

/* The longest: what counts for one of them is shown. */
static void take_window(const ctl_server_t *server, ctl_database_t *database)
{
    apr_int64_t window;

    if (authsvc_json_integer(authsvc_json_get(authsvc_json_get(server->line, "facts"),
                                              "account_failures_window"), &window) &&
        window > database->failures_window) {
        database->failures_window = window;
    }
}

/* The one database of the servers that are meant. */
static int choose(ctl_t *ctl, const apr_array_header_t *servers, const char *vhost,
                  ctl_database_t *database)
{
    const ctl_server_t *found = NULL;
    int named = 0;

    for (int i = 0; i < servers->nelts; i++) {
        const ctl_server_t *server = &APR_ARRAY_IDX(servers, i, ctl_server_t);

        if (vhost && !authsvc_ctl_server_is(ctl->pool, server, vhost)) {
            continue;
        }
        named++;
        if (!server->serves) {
            continue;
        }
        if (found && (strcmp(found->driver, server->driver) != 0 ||
                      strcmp(found->params, server->params) != 0)) {
            return authsvc_ctl_failed(ctl, "there is more than one database: choose one with "
                                           "--vhost and a name of %s",
                                      list_servers(ctl, servers));
        }
        if (found && !authsvc_json_equal(authsvc_json_get(found->line, "policy"),
                                         authsvc_json_get(server->line, "policy"))) {
            database->policies = list_servers(ctl, servers);
        }
        found = server;
        take_window(server, database);
    }
    if (!named) {
        return authsvc_ctl_failed(ctl, "there is no server %s in that configuration", vhost);
    }
    if (!found) {
        return authsvc_ctl_failed(ctl, "%s has no \"AuthSvc On\", and guards nothing",
                                  vhost ? vhost : "that configuration");
    }
    if (!authsvc_db_driver_find(found->driver) || !*found->params) {
        return authsvc_ctl_failed(ctl,
                                  "%s:%" APR_INT64_T_FMT " needs DBDriver pgsql or sqlite3, and "
                                  "DBDParams",
                                  found->name, found->port);
    }
    database->driver = found->driver;
    database->params = found->params;
    database->policy = authsvc_json_get(found->line, "policy");
    database->sites = sites_of(ctl, servers, found);
    database->secret_file =
        authsvc_json_get_string(authsvc_json_get(found->line, "facts"), "secret_file");
    return CTL_OK;
}

int authsvc_ctl_database_find(ctl_t *ctl, const ctl_database_options_t *asked,
                              ctl_database_t *database)
{
    apr_array_header_t *servers;
    const char *warnings;
    int status;

    memset(database, 0, sizeof(*database));
    database->sites = apr_array_make(ctl->pool, 1, sizeof(const char *));
    if (!asked->dsn == !asked->config) {
        return authsvc_ctl_misused(ctl, "say which database: either --dsn or --config");
    }
    if (asked->dsn) {
        if (asked->vhost || asked->httpd) {
            return authsvc_ctl_misused(ctl, "--vhost and --httpd go with --config");
        }
        return from_dsn(ctl, asked->dsn, database);
    }
    status = authsvc_ctl_servers_read(ctl, asked, &servers, &warnings);
    return status == CTL_OK ? choose(ctl, servers, asked->vhost, database) : status;
}
