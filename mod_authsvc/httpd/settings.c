/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <apr_strings.h>

#include "authsvc/core/url.h"
#include "authsvc/crypto/blocklist.h"
#include "authsvc/crypto/key_directory.h"
#include "authsvc/crypto/keys.h"
#include "authsvc/crypto/secrets.h"

#define TAKE(name)                      \
    if (config->name##_set) {           \
        settings->name = config->name;  \
    }

/* First what the policy's name says, then what single directives say. */
static void take_password_rules(apr_pool_t *pool, const authsvc_server_config_t *config,
                                authsvc_settings_t *settings)
{
    if (config->password_policy_set) {
        const authsvc_password_policy_t *policy = authsvc_password_policy(config->password_policy);

        settings->password_min = policy->min;
        settings->password_max = policy->max;
        settings->password_require = policy->require;
    }
    TAKE(password_min)
    TAKE(password_max)
    TAKE(password_require)
    settings->password_blocklist = !config->password_blocklist_set || config->password_blocklist;
    if (settings->issuer) {
        apr_array_header_t *sites = apr_array_make(pool, 1, sizeof(const char *));

        APR_ARRAY_PUSH(sites, const char *) = authsvc_url_host(pool, settings->issuer);
        settings->sites = sites;
    }
}

#define TAKE_LIMIT(policy, name)                                   \
    if (config->name##_set) {                                      \
        settings->limits[AUTHSVC_LIMIT_##policy] = config->name;   \
    }

authsvc_settings_t *authsvc_settings_from_config(apr_pool_t *pool,
                                                 const authsvc_server_config_t *config)
{
    authsvc_settings_t *settings = apr_pcalloc(pool, sizeof(*settings));

    authsvc_settings_init(settings, pool);
    TAKE(issuer)
    if (settings->issuer) {
        settings->origin = authsvc_url_origin(pool, settings->issuer);
        settings->cookie_secure = strncmp(settings->origin, "https:", 6) == 0;
    }
    settings->audience = config->audience_set ? config->audience : settings->issuer;
    if (config->problem_base_set) {
        settings->problem_base = config->problem_base;
    } else if (settings->issuer) {
        settings->problem_base = apr_pstrcat(pool, settings->issuer, "/problems/", NULL);
    }
    if (config->token_type_set) {
        settings->token_type = (authsvc_token_type_t)config->token_type;
    }
    TAKE(access_lifetime)
    TAKE(refresh_lifetime)
    TAKE(session_lifetime)
    TAKE(refresh_grace)
    TAKE(max_sessions)
    TAKE(registration_open)
    TAKE(email_utf8)
    take_password_rules(pool, config, settings);
    TAKE(hash_memory)
    TAKE(hash_passes)
    TAKE(hash_nice)
    TAKE(max_body)
    TAKE(db_timeout)
    TAKE(require_tls)
    TAKE(basic_cache)
    TAKE(cors_origins)
    TAKE(cookie)
    TAKE(login_failures)
    TAKE(login_failures_window)
    TAKE(login_pause)
    TAKE(login_pause_max)
    TAKE(account_failures)
    TAKE(account_failures_window)
    TAKE(device_lifetime)
    TAKE(registration_disclosure)
    TAKE_LIMIT(LOGIN, limit_login)
    TAKE_LIMIT(REGISTER, limit_register)
    TAKE_LIMIT(REFRESH, limit_refresh)
    TAKE_LIMIT(MAIL, limit_mail)
    TAKE_LIMIT(TOKEN, limit_token)
    TAKE_LIMIT(ADMIN, limit_admin)
    TAKE_LIMIT(API, limit_api)
    return settings;
}

static authsvc_error_t *load_verify_keys(apr_pool_t *pool, const authsvc_server_config_t *config,
                                         int *unreadable, apr_array_header_t **verify)
{
    authsvc_key_t *key;
    int i;

    *verify = NULL;
    if (!config->verify_keys_set) {
        return NULL;
    }
    *verify = apr_array_make(pool, config->verify_keys->nelts, sizeof(authsvc_key_t *));
    for (i = 0; i < config->verify_keys->nelts; i++) {
        AUTHSVC_TRY(authsvc_key_load(pool, APR_ARRAY_IDX(config->verify_keys, i, const char *), 0,
                                     unreadable, &key));
        APR_ARRAY_PUSH(*verify, authsvc_key_t *) = key;
    }
    return NULL;
}

static authsvc_error_t *load_keys(apr_pool_t *pool, const authsvc_server_config_t *config,
                                  apr_interval_time_t lifetime, int *unreadable,
                                  authsvc_keyset_t **keys)
{
    apr_array_header_t *verify, *timed;
    authsvc_key_t *key;

    AUTHSVC_TRY(load_verify_keys(pool, config, unreadable, &verify));
    if (config->key_directory_set) {
        AUTHSVC_TRY(authsvc_key_directory_load(pool, config->key_directory, unreadable, &timed));
        return authsvc_keyset_create_timed(pool, timed, verify, lifetime, keys);
    }
    AUTHSVC_TRY(authsvc_key_load(pool, config->signing_key, 1, unreadable, &key));
    return authsvc_keyset_create(pool, key, verify, keys);
}

authsvc_error_t *authsvc_settings_load_files(apr_pool_t *pool,
                                             const authsvc_server_config_t *config,
                                             authsvc_settings_t *settings, int *unreadable)
{
    authsvc_keyset_t *keys;
    authsvc_secrets_t *secrets;

    *unreadable = 0;
    AUTHSVC_TRY(load_keys(pool, config, settings->access_lifetime, unreadable, &keys));
    settings->keys = keys;
    AUTHSVC_TRY(authsvc_secrets_load(pool, config->secret_file, unreadable, &secrets));
    settings->secrets = secrets;
    return NULL;
}

authsvc_error_t *authsvc_settings_load_blocklists(apr_pool_t *pool, apr_hash_t *loaded,
                                                  const authsvc_server_config_t *config,
                                                  authsvc_settings_t *settings, int *unreadable)
{
    apr_array_header_t *lists;
    int i;

    *unreadable = 0;
    if (!config->password_blocklist_set || !config->password_blocklist) {
        return NULL;
    }
    lists = apr_array_make(pool, config->password_blocklist->nelts,
                           sizeof(const authsvc_blocklist_t *));
    for (i = 0; i < config->password_blocklist->nelts; i++) {
        const char *path = APR_ARRAY_IDX(config->password_blocklist, i, const char *);
        const authsvc_blocklist_t *list = apr_hash_get(loaded, path, APR_HASH_KEY_STRING);

        if (!list) {
            AUTHSVC_TRY(authsvc_blocklist_load(pool, path, unreadable, &list));
            apr_hash_set(loaded, path, APR_HASH_KEY_STRING, list);
        }
        APR_ARRAY_PUSH(lists, const authsvc_blocklist_t *) = list;
    }
    settings->blocklists = lists;
    return NULL;
}
