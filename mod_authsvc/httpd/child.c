/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

#include <ap_mpm.h>
#include <apr_atomic.h>
#include <http_config.h>
#include <http_log.h>

#include "authsvc/crypto/crypto.h"
#include "authsvc/crypto/token_cache.h"
#include "authsvc/db/provider.h"
#include "authsvc/services/services.h"
#include "auto_migrate.h"
#include "config.h"
#include "dbd_lease.h"
#include "revocation_feed.h"

APLOG_USE_MODULE(authsvc);

#define TOKENS 16384    /* verified access tokens that a process keeps: up to 10 MB */
#define IDENTITIES 1024 /* tokens for backends: up to 2.2 MB, if there are any */
#define VERDICTS 2048   /* on Basic credentials: up to 2.2 MB, the same */

/* The site's own pages keep the other half of the threads. */
static apr_uint32_t waiting_limit(void)
{
    int threads = 1;

    if (ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads) != APR_SUCCESS || threads < 2) {
        return 1;
    }
    return (apr_uint32_t)threads / 2;
}

/* Without one, everything is found out anew. */
static authsvc_cache_t *make_cache(apr_pool_t *pchild, server_rec *main_server,
                                   apr_uint32_t entries, apr_size_t value_max)
{
    authsvc_cache_t *cache = NULL;
    authsvc_error_t *err = authsvc_cache_create(pchild, entries, value_max, &cache);

    if (err) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, main_server,
                     "AS0624: what was verified, or signed, is not kept between requests: %s",
                     authsvc_error_describe(err, pchild));
        return NULL;
    }
    return cache;
}

static authsvc_child_t *make_child(apr_pool_t *pchild, server_rec *main_server,
                                   const authsvc_api_t *api)
{
    authsvc_child_t *child = apr_pcalloc(pchild, sizeof(*child));
    authsvc_error_t *err = authsvc_crypto_init(pchild);

    authsvc_gate_init(&child->gate, waiting_limit());
    child->api = err ? NULL : api;
    if (err) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, main_server,
                     "AS0570: the account service cannot answer in this process: %s",
                     authsvc_error_describe(err, pchild));
        return child;
    }
    child->tokens = make_cache(pchild, main_server, TOKENS, AUTHSVC_TOKEN_CACHE_CLAIMS);
    child->identities = make_cache(pchild, main_server, IDENTITIES, AUTHSVC_IDENTITY_CACHED);
    child->verdicts = make_cache(pchild, main_server, VERDICTS, AUTHSVC_BASIC_CACHED);
    return child;
}

authsvc_log_level_t authsvc_child_overload_level(authsvc_child_t *child, apr_time_t now)
{
    apr_uint32_t second = (apr_uint32_t)apr_time_sec(now);
    apr_uint32_t said = apr_atomic_read32(&child->overload_logged);

    if (said >= second || apr_atomic_cas32(&child->overload_logged, second, said) != said) {
        return AUTHSVC_LOG_DEBUG;
    }
    return AUTHSVC_LOG_WARNING;
}

/*
 * One list of connections for each database, not for each virtual host: those of the same DBD
 * settings share one DBDMax in mod_dbd, and two lists would hold connections against each other.
 */
static authsvc_db_t *shared_database(server_rec *main_server, const server_rec *s)
{
    const authsvc_server_config_t *config = authsvc_config_server(s);
    const server_rec *other;

    for (other = main_server; other != s; other = other->next) {
        const authsvc_server_config_t *theirs = authsvc_config_server(other);

        if (theirs->db && authsvc_config_same_database(&config->dbd, &theirs->dbd)) {
            return theirs->db;
        }
    }
    return NULL;
}

/* Off on one of those who share a database is Off for all of them. */
static int may_prepare(server_rec *main_server, const authsvc_server_config_t *config)
{
    const server_rec *s;

    for (s = main_server; s; s = s->next) {
        const authsvc_server_config_t *other = authsvc_config_server(s);

        if (other->settings && authsvc_config_same_database(&config->dbd, &other->dbd) &&
            other->prepared_statements_set && !other->prepared_statements) {
            return 0;
        }
    }
    return 1;
}

static void open_database(apr_pool_t *pchild, server_rec *main_server, server_rec *s)
{
    authsvc_server_config_t *config = authsvc_config_server(s);
    authsvc_error_t *err;

    config->db = shared_database(main_server, s);
    if (!config->db) {
        err = authsvc_lease_create(pchild, s, may_prepare(main_server, config), &config->db);
        if (err) {
            config->db = NULL;
            ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "AS0571: no database connections: %s",
                         authsvc_error_describe(err, pchild));
            return;
        }
    }
}

void authsvc_child_init(apr_pool_t *pchild, server_rec *main_server)
{
    authsvc_child_t *child = NULL;
    server_rec *s;

    for (s = main_server; s; s = s->next) {
        authsvc_server_config_t *config = authsvc_config_server(s);

        if (!config->settings) {
            continue;
        }
        if (!child) {
            child = make_child(pchild, main_server, config->api);
        }
        config->child = child;
        open_database(pchild, main_server, s);
        if (config->db && config->auto_migrate_set && config->auto_migrate) {
            authsvc_auto_migrate(pchild, s);
        }
    }
    if (child) {
        /* After the databases': what was registered last runs first. */
        authsvc_revocation_feed_child_init(pchild);
    }
}
