/* SPDX-License-Identifier: Apache-2.0 */
#include "dump.h"

#include <http_core.h>
#include <stdio.h>
#include <unixd.h>

#include "authsvc/core/json.h"
#include "config.h"
#include "conftree.h"

static void add_names(authsvc_json_t *aliases, const apr_array_header_t *names)
{
    int i;

    for (i = 0; names && i < names->nelts; i++) {
        authsvc_json_append_string(aliases, APR_ARRAY_IDX(names, i, const char *));
    }
}

static apr_port_t port_of(const server_rec *s)
{
    return s->port ? s->port : (s->addrs ? s->addrs->host_port : 0);
}

/* What authsvcctl needs to make accounts as the server does. */
static authsvc_json_t *policy_of(apr_pool_t *pool, const authsvc_server_config_t *config)
{
    const authsvc_settings_t *settings = config->settings;
    authsvc_json_t *policy = authsvc_json_object(pool);
    authsvc_json_t *lists = authsvc_json_array(pool);

    authsvc_json_set_integer(policy, "email_utf8", settings->email_utf8);
    authsvc_json_set_integer(policy, "password_min", settings->password_min);
    authsvc_json_set_integer(policy, "password_max", settings->password_max);
    authsvc_json_set_integer(policy, "password_require", settings->password_require);
    authsvc_json_set_integer(policy, "password_blocklist", settings->password_blocklist);
    if (config->password_blocklist_set) {
        add_names(lists, config->password_blocklist);
    }
    authsvc_json_set(policy, "blocklists", lists);
    authsvc_json_set_integer(policy, "hash_memory", (apr_int64_t)settings->hash_memory);
    authsvc_json_set_integer(policy, "hash_passes", settings->hash_passes);
    return policy;
}

static void set_path(authsvc_json_t *object, const char *name, int is_set, const char *path)
{
    if (is_set) {
        authsvc_json_set_string(object, name, path);
    }
}

/* What `authsvcctl check` looks at. Paths only: it reads the files itself, as its own user. */
static authsvc_json_t *facts_of(apr_pool_t *pool, const authsvc_server_config_t *config)
{
    authsvc_json_t *facts = authsvc_json_object(pool);
    authsvc_json_t *verify = authsvc_json_array(pool);

    set_path(facts, "signing_key", config->signing_key_set, config->signing_key);
    set_path(facts, "key_directory", config->key_directory_set, config->key_directory);
    set_path(facts, "secret_file", config->secret_file_set, config->secret_file);
    if (config->verify_keys_set) {
        add_names(verify, config->verify_keys);
    }
    authsvc_json_set(facts, "verify_keys", verify);
    authsvc_json_set_integer(facts, "access_lifetime", config->settings->access_lifetime);
    authsvc_json_set_integer(facts, "account_failures_window",
                             config->settings->account_failures_window);
    authsvc_json_set_integer(facts, "db_timeout", config->settings->db_timeout);
    authsvc_json_set_bool(facts, "watchdog", ap_find_linked_module("mod_watchdog.c") != NULL);
    authsvc_json_set_integer(facts, "uid", ap_unixd_config.user_id);
    authsvc_json_set_integer(facts, "gid", ap_unixd_config.group_id);
    return facts;
}

void authsvc_dump_servers(apr_pool_t *pool, server_rec *main_server)
{
    server_rec *s;

    if (!ap_exists_config_define("DUMP_AUTHSVC")) {
        return;
    }
    for (s = main_server; s; s = s->next) {
        authsvc_json_t *line = authsvc_json_object(pool);
        authsvc_json_t *aliases = authsvc_json_array(pool);
        const authsvc_settings_t *settings = authsvc_config_server(s)->settings;
        authsvc_dbd_facts_t dbd;

        authsvc_conftree_dbd(pool, main_server, s, &dbd);
        add_names(aliases, s->names);
        add_names(aliases, s->wild_names);
        authsvc_json_set_string(line, "server", s->server_hostname ? s->server_hostname : "");
        authsvc_json_set_integer(line, "port", port_of(s));
        authsvc_json_set_bool(line, "main", s == main_server);
        authsvc_json_set(line, "aliases", aliases);
        authsvc_json_set_string(line, "driver", dbd.driver ? dbd.driver : "");
        authsvc_json_set_string(line, "params", dbd.params ? dbd.params : "");
        authsvc_json_set_bool(line, "mounted", authsvc_config_is_mounted(authsvc_config_server(s)));
        if (settings) {
            authsvc_json_t *sites = authsvc_json_array(pool);

            add_names(sites, settings->sites);
            authsvc_json_set(line, "sites", sites);
            authsvc_json_set(line, "policy", policy_of(pool, authsvc_config_server(s)));
            authsvc_json_set(line, "facts", facts_of(pool, authsvc_config_server(s)));
        }
        printf("authsvc-server: %s\n", authsvc_json_dump(pool, line));
    }
    fflush(stdout);
}
