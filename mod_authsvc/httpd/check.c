/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <apr_optional.h>
#include <apr_strings.h>
#include <apr_uri.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <apr_dbd.h>
#include <mod_dbd.h>

#include "authsvc/api/api.h"
#include "authsvc/core/json.h"
#include "authsvc/core/units.h"
#include "authsvc/core/url.h"
#include "authsvc/crypto/crypto.h"
#include "authsvc/crypto/keys.h"
#include "authsvc/crypto/password.h"
#include "authsvc/db/provider.h"
#include "config.h"
#include "conftree.h"
#include "limit_directives.h"
#include "settings.h"

APLOG_USE_MODULE(authsvc);

/* One server that is being checked. */
typedef struct {
    apr_pool_t *pool; /* temporary: for sentences */
    server_rec *s;
    server_rec *main_server;
    authsvc_server_config_t *config;
    int refusals;
    apr_hash_t *blocklists; /* by path, for all servers */
} check_t;

static const char *name_of(const check_t *check, const server_rec *s)
{
    return s == check->main_server
               ? "the main server"
               : apr_psprintf(check->pool, "virtual host %s (%s:%u)",
                              s->server_hostname ? s->server_hostname : "without a name",
                              s->defn_name, s->defn_line_number);
}

static void say(const check_t *check, int level, const char *id, const char *text)
{
    /* To a terminal without a time stamp, as httpd's own sentences; to the error log with one. */
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        level |= APLOG_STARTUP;
    }
    ap_log_error(APLOG_MARK, level, 0, check->main_server, "%s: AuthSvc in %s: %s", id,
                 name_of(check, check->s), text);
}

static void refuse(check_t *check, const char *id, const char *text)
{
    check->refusals++;
    say(check, APLOG_ERR, id, text);
}

/* mod_dbd runs it on the connections of all servers with the same DBDriver and DBDParams. */
static int has_init_sql(const check_t *check)
{
    const authsvc_dbd_facts_t *dbd = &check->config->dbd;
    const server_rec *s;

    for (s = check->main_server; s; s = s->next) {
        const authsvc_dbd_facts_t *other = &authsvc_config_server(s)->dbd;

        if (other->init_sql && authsvc_config_same_database(other, dbd)) {
            return 1;
        }
    }
    return dbd->init_sql;
}

static int has_several_hosts(const char *conninfo)
{
    const char *at;

    for (at = conninfo; (at = strstr(at, "host")) != NULL; at++) {
        const char *value = at + strcspn(at, "= ");

        value += strspn(value, "= ");
        if (memchr(value, ',', strcspn(value, " "))) {
            return 1;
        }
    }
    return 0;
}

/* What libpq allows, and what would hold threads for longer than a request may take. */
static void check_conninfo(const check_t *check, const char *conninfo)
{
    if (!strstr(conninfo, "connect_timeout")) {
        say(check, APLOG_WARNING, "AS0532",
            "DBDParams has no connect_timeout: a thread that connects to a server that does not "
            "answer waits without end. Add connect_timeout=2");
    }
    if (has_several_hosts(conninfo)) {
        say(check, APLOG_WARNING, "AS0533",
            "DBDParams names several hosts. A lost connection is made again by trying them in "
            "order, and a silent one takes all the time there is. Give one address that fails "
            "over by itself");
    }
}

static void check_database(check_t *check)
{
    const authsvc_dbd_facts_t *dbd = &check->config->dbd;

    if (!ap_find_linked_module("mod_dbd.c") || !APR_RETRIEVE_OPTIONAL_FN(ap_dbd_open)) {
        refuse(check, "AS0510",
               "mod_dbd is not loaded. It opens the database connections: load it (Debian: "
               "a2enmod dbd)");
        return;
    }
    if (!dbd->known) {
        refuse(check, "AS0528",
               "it cannot be told which <VirtualHost> section this is, and so not which DBDParams "
               "hold for it. Write the section into a configuration file");
        return;
    }
    if (!dbd->driver) {
        refuse(check, "AS0511",
               "there is no DBDriver. Say which database to use: DBDriver pgsql (or sqlite3), and "
               "DBDParams");
    } else if (!authsvc_db_driver_find(dbd->driver)) {
        refuse(check, "AS0512",
               apr_psprintf(check->pool, "DBDriver %s is not supported. Use pgsql or sqlite3",
                            dbd->driver));
    } else if (!dbd->params || !*dbd->params) {
        refuse(check, "AS0513",
               "there is no DBDParams. Say where the database is, such as DBDParams "
               "\"host=/run/postgresql dbname=authsvc connect_timeout=2\", or for sqlite3 the "
               "file's path");
    }
    if (dbd->driver && dbd->params && strcmp(dbd->driver, "pgsql") == 0) {
        check_conninfo(check, dbd->params);
    }
    if (!dbd->persist) {
        refuse(check, "AS0514",
               "DBDPersist is Off, so that every request would open a connection of its own. "
               "Remove it, or say DBDPersist On");
    }
    if (has_init_sql(check)) {
        refuse(check, "AS0529",
               "there is a DBDInitSQL here, or in a server with the same DBDriver and DBDParams. A "
               "connection that was lost and made again would not have run it. Set such things at "
               "the role (ALTER ROLE .. SET ..), or by options='-c ..' in DBDParams");
    }
}

static void check_times(check_t *check, const authsvc_settings_t *settings)
{
    if (settings->access_lifetime > settings->refresh_lifetime) {
        refuse(check, "AS0515",
               "AuthSvcAccessTokenLifetime is longer than AuthSvcRefreshTokenLifetime: the token "
               "would outlive its session. Make it shorter");
    }
    if (settings->refresh_lifetime > settings->session_lifetime) {
        refuse(check, "AS0516",
               "AuthSvcRefreshTokenLifetime (how long a session may be idle) is longer than "
               "AuthSvcSessionLifetime (how long it lives at all). Make it shorter");
    }
    /* The default gives way silently to a short lifetime, as tests set it. */
    if (check->config->refresh_grace_set &&
        settings->refresh_grace >= settings->refresh_lifetime) {
        refuse(check, "AS0517",
               "AuthSvcRefreshGrace must be shorter than AuthSvcRefreshTokenLifetime");
    }
}

static void check_password(check_t *check, const authsvc_settings_t *settings)
{
    if (settings->password_min > settings->password_max) {
        refuse(check, "AS0518",
               "AuthSvcPasswordLength: the shortest password must not be longer than the longest");
    }
    if (settings->password_min < 8) {
        say(check, APLOG_WARNING, "AS0519",
            "AuthSvcPasswordLength allows passwords of less than 8 characters; they are guessed");
    }
    if (settings->hash_memory < AUTHSVC_HASH_MEMORY_OWASP && settings->hash_passes < 3) {
        say(check, APLOG_WARNING, "AS0520",
            "AuthSvcPasswordCost is below what is recommended for Argon2id (19M 2); stolen hashes "
            "are cheap to try. Good for tests only");
    }
}

/* As another user than root's a configtest may not see the files; httpd itself must. */
static int is_configtest(void)
{
    int mode = ap_state_query(AP_SQ_RUN_MODE);

    return mode == AP_SQ_RM_CONFIG_TEST || mode == AP_SQ_RM_CONFIG_DUMP;
}

static void check_files(check_t *check, apr_pool_t *pconf, authsvc_settings_t *settings)
{
    const authsvc_server_config_t *config = check->config;
    authsvc_error_t *err;
    int unreadable;

    if (config->signing_key_set && config->key_directory_set) {
        refuse(check, "AS0661",
               "there are both an AuthSvcSigningKey and an AuthSvcKeyDirectory. Remove one of "
               "them; a key whose tokens are still out is named by AuthSvcVerifyKey");
    }
    if (!config->signing_key_set && !config->key_directory_set) {
        refuse(check, "AS0521",
               "there is no AuthSvcSigningKey. Make a key with `authsvcctl key generate` and name "
               "its file here; or let `authsvcctl key rotate` fill a directory, and name that by "
               "AuthSvcKeyDirectory");
    }
    if (!config->secret_file_set) {
        refuse(check, "AS0522",
               "there is no AuthSvcSecretFile. Make one with `authsvcctl secret generate` and name "
               "it here");
    }
    if (config->signing_key_set == config->key_directory_set || !config->secret_file_set) {
        return;
    }
    err = authsvc_settings_load_files(pconf, config, settings, &unreadable);
    if (err && unreadable && is_configtest()) {
        say(check, APLOG_WARNING, "AS0523",
            apr_psprintf(check->pool, "%s (not checked: run the test as the user who starts httpd)",
                         err->detail));
    } else if (err) {
        refuse(check, "AS0524",
               err->detail ? err->detail : authsvc_error_describe(err, check->pool));
    } else if (authsvc_keyset_lacks_successor(settings->keys, apr_time_now())) {
        say(check, APLOG_WARNING, "AS0662",
            apr_psprintf(check->pool, "%s holds no key that follows the one that signs, which then "
                                      "goes on signing. Run: authsvcctl key rotate %s",
                         config->key_directory, config->key_directory));
    }
}

static void check_blocklists(check_t *check, apr_pool_t *pconf, authsvc_settings_t *settings)
{
    int unreadable;
    authsvc_error_t *err = authsvc_settings_load_blocklists(pconf, check->blocklists,
                                                            check->config, settings, &unreadable);

    if (err && unreadable && is_configtest()) {
        say(check, APLOG_WARNING, "AS0660",
            apr_psprintf(check->pool, "AuthSvcPasswordBlocklist: %s (not checked: run the test as "
                                      "the user who starts httpd)",
                         err->detail));
    } else if (err) {
        refuse(check, "AS0663",
               apr_pstrcat(check->pool, "AuthSvcPasswordBlocklist: ",
                           err->detail ? err->detail : authsvc_error_describe(err, check->pool),
                           NULL));
    }
}

static int is_loopback(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           (strncmp(host, "127.", 4) == 0 && !host[strspn(host, "0123456789.")]);
}

static int is_plain_http(apr_pool_t *pool, const char *url)
{
    apr_uri_t uri;

    return apr_uri_parse(pool, url, &uri) == APR_SUCCESS && strcmp(uri.scheme, "http") == 0 &&
           !is_loopback(uri.hostname);
}

/* What a cookie's Path cannot carry. */
static int has_odd_mount(const authsvc_server_config_t *config)
{
    int i;

    for (i = 0; i < config->mounts->nelts; i++) {
        const char *path = APR_ARRAY_IDX(config->mounts, i, authsvc_mount_t).path;

        if (*path && (!authsvc_name_is_plain(path) || strpbrk(path, ";,"))) {
            return 1;
        }
    }
    return 0;
}

static void check_cookie(check_t *check, const authsvc_settings_t *settings)
{
    if (!settings->cookie || !settings->issuer) {
        return;
    }
    if (is_plain_http(check->pool, settings->issuer)) {
        refuse(check, "AS0650",
               "AuthSvcCookie is On and AuthSvcIssuer is an http:// URL: whoever sees the traffic "
               "could take the cookies. Give an https:// URL, or one of localhost to try it out");
    } else if (!settings->cookie_secure) {
        say(check, APLOG_NOTICE, "AS0651",
            "AuthSvcIssuer is http:// on this machine: the session cookies are named authsvc and "
            "authsvc-refresh, and have no Secure attribute. Good for trying it out only");
    }
    if (has_odd_mount(check->config)) {
        refuse(check, "AS0652",
               "AuthSvcCookie is On, and the path of an AuthSvc Location has a character that a "
               "cookie's Path cannot have. Use letters, digits, - . _ ~ and /");
    }
}

/* httpd adds them to the header fields when the body is read, after ours were cleansed. */
static void check_trailers(check_t *check)
{
    const core_server_config *core = ap_get_core_module_config(check->s->module_config);

    if (core->merge_trailers == AP_MERGE_TRAILERS_ENABLE) {
        refuse(check, "AS0626",
               "MergeTrailers is On: the trailers of a request could overwrite the header fields "
               "that tell backends who it is. Set MergeTrailers Off, or take the line out");
    }
}

/* Not refused: it will mean what it says once there is such an operation. */
static void check_limits(const check_t *check, const authsvc_settings_t *settings)
{
    for (int i = 0; i < AUTHSVC_LIMIT_POLICIES; i++) {
        authsvc_limit_policy_t policy = (authsvc_limit_policy_t)i;

        if (authsvc_limits_is_set(check->config, policy) && !authsvc_limit_has_operation(policy) &&
            settings->limits[policy]->nelts > 0) {
            say(check, APLOG_NOTICE, "AS0640",
                apr_psprintf(check->pool,
                             "AuthSvcRateLimit %s: this version has no operation that it limits; "
                             "nothing is counted for it",
                             authsvc_limit_policy_name(policy)));
        }
    }
}

static void check_server(check_t *check, apr_pool_t *pconf)
{
    authsvc_server_config_t *config = check->config;
    authsvc_settings_t *settings = authsvc_settings_from_config(pconf, config);
    authsvc_error_t *err;

    authsvc_json_init();
    err = authsvc_crypto_init(pconf);

    if (err) {
        refuse(check, "AS0527", authsvc_error_describe(err, check->pool));
        return;
    }
    check_database(check);
    if (!settings->issuer) {
        refuse(check, "AS0525",
               "there is no AuthSvcIssuer. Give the absolute URL of the API, such as "
               "https://www.example.org/api/v1");
    }
    if (settings->issuer && is_plain_http(check->pool, settings->issuer)) {
        say(check, APLOG_WARNING, "AS0531",
            "AuthSvcIssuer is an http:// URL of another host than this one: who fetches the keys "
            "there can be given somebody else's. Good for tests only");
    }
    check_cookie(check, settings);
    check_trailers(check);
    check_times(check, settings);
    check_password(check, settings);
    check_blocklists(check, pconf, settings);
    check_limits(check, settings);
    check_files(check, pconf, settings);
    err = authsvc_password_dummy(pconf, settings->hash_memory, settings->hash_passes,
                                 &settings->dummy_hash);
    if (err) {
        refuse(check, "AS0526", authsvc_error_describe(err, check->pool));
    }
    config->settings = settings;
}

/*
 * Once, for all servers and for the children to inherit: they start the sooner, and a module that
 * cannot answer does not start at all.
 */
static const authsvc_api_t *load_contract(check_t *check, apr_pool_t *pconf)
{
    const authsvc_api_t *api = NULL;
    authsvc_error_t *err = authsvc_api_create(pconf, &api);

    if (err) {
        refuse(check, "AS0530", authsvc_error_describe(err, check->pool));
    }
    return api;
}

/* Enough for AuthType AuthSvc, be it in a .htaccess, also where nothing is mounted. */
static int could_guard(const authsvc_server_config_t *config)
{
    return config->issuer_set && (config->signing_key_set || config->key_directory_set) &&
           config->secret_file_set && config->dbd.driver && config->dbd.params;
}

/* What is asked for must be complete; what is there nevertheless, must be right. */
static int is_to_serve(const check_t *check)
{
    return authsvc_config_is_mounted(check->config) || could_guard(check->config) ||
           (check->s != check->main_server &&
            authsvc_conftree_guards(check->pool, check->main_server, check->s));
}

/* A section of the main server's holds for all; one of them must be able to fulfil it. */
static void check_guards(check_t *check)
{
    const server_rec *s;

    for (s = check->main_server; s; s = s->next) {
        if (authsvc_config_server(s)->settings) {
            return;
        }
    }
    check->s = check->main_server;
    if (authsvc_conftree_guards(check->pool, check->main_server, check->s)) {
        refuse(check, "AS0625",
               "AuthType AuthSvc is asked for, and no server has what it takes: AuthSvcIssuer, "
               "AuthSvcSigningKey or AuthSvcKeyDirectory, AuthSvcSecretFile, DBDriver and "
               "DBDParams");
    }
}

/* 1 if the tokens of either are good for the other, which cannot know whose session has ended. */
static int are_mistaken_for_each_other(const authsvc_server_config_t *a,
                                       const authsvc_server_config_t *b)
{
    return a->settings && b->settings && a->settings->issuer && b->settings->issuer &&
           strcmp(a->settings->issuer, b->settings->issuer) == 0 &&
           strcmp(a->settings->audience, b->settings->audience) == 0 && a->dbd.driver &&
           a->dbd.params && b->dbd.driver && b->dbd.params &&
           !authsvc_config_same_database(&a->dbd, &b->dbd) &&
           authsvc_keyset_shares(a->settings->keys, b->settings->keys);
}

/*
 * The API looks into the database and refuses the other's tokens; a guarded path goes by what was
 * revoked. Not only where a section guards: what a .htaccess says is seen by nobody before it is
 * read, and whoever else verifies by issuer, audience and key mistakes two accounts' roles too.
 */
static void check_tenants(check_t *check)
{
    server_rec *s, *other;

    for (s = check->main_server; s; s = s->next) {
        for (other = check->main_server; other != s; other = other->next) {
            if (are_mistaken_for_each_other(authsvc_config_server(other),
                                            authsvc_config_server(s))) {
                check->s = s;
                refuse(check, "AS0627",
                       apr_psprintf(check->pool,
                                    "issuer, audience and a key are those of %s, and the database "
                                    "is another: a token of one would open guarded paths of the "
                                    "other. Give it an AuthSvcIssuer or AuthSvcAudience of its "
                                    "own; or, for the same accounts, the same DBDriver and "
                                    "DBDParams",
                                    name_of(check, other)));
                break;
            }
        }
    }
}

int authsvc_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                         server_rec *main_server)
{
    check_t check = {ptemp, NULL, main_server, NULL, 0, apr_hash_make(ptemp)};
    const authsvc_api_t *api = NULL;
    server_rec *s;

    (void)plog;
    for (s = main_server; s; s = s->next) {
        authsvc_conftree_dbd(pconf, main_server, s, &authsvc_config_server(s)->dbd);
    }
    for (s = main_server; s; s = s->next) {
        check.s = s;
        check.config = authsvc_config_server(s);
        if (!is_to_serve(&check)) {
            continue;
        }
        check_server(&check, pconf);
        if (!api) {
            api = load_contract(&check, pconf);
        }
        check.config->api = api;
    }
    check_tenants(&check);
    check_guards(&check);
    return check.refusals ? HTTP_INTERNAL_SERVER_ERROR : OK;
}
