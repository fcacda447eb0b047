/* SPDX-License-Identifier: Apache-2.0 */
#include "directives.h"

#include <apr_fnmatch.h>
#include <apr_strings.h>
#include <http_core.h>
#include <stddef.h>

#include "authsvc/core/units.h"
#include "authsvc/core/url.h"
#include "authsvc/crypto/password.h"
#include "basic.h"
#include "config.h"
#include "guard_directives.h"
#include "password_directives.h"
#include "lockout_directives.h"
#include "limit_directives.h"

#define CONTRACT_PASSWORD_MAX 1024 /* code points that the contract lets through at all */

/* Where a value goes, and what is allowed. */
typedef struct {
    apr_size_t value;
    apr_size_t set;
    apr_interval_time_t min;
    apr_interval_time_t max;
    const char *range;
    int in_seconds; /* no fractions: tokens and SQL know only whole ones */
} place_t;

#define PLACE(name, min, max, range)                       \
    {                                                      \
        offsetof(authsvc_server_config_t, name),       \
        offsetof(authsvc_server_config_t, name##_set), \
        (min), (max), (range), 0                           \
    }
#define WHOLE_SECONDS(name, min, max, range)               \
    {                                                      \
        offsetof(authsvc_server_config_t, name),           \
        offsetof(authsvc_server_config_t, name##_set),     \
        (min), (max), (range), 1                           \
    }
#define SECONDS(n) ((apr_interval_time_t)(n) * APR_USEC_PER_SEC)
#define DAYS(n) SECONDS((n) * 86400LL)

static const place_t access_lifetime =
    WHOLE_SECONDS(access_lifetime, SECONDS(1), DAYS(1), "1s to 24h");
static const place_t refresh_lifetime =
    WHOLE_SECONDS(refresh_lifetime, SECONDS(1), DAYS(3650), "1s to 3650d");
static const place_t session_lifetime =
    WHOLE_SECONDS(session_lifetime, SECONDS(1), DAYS(3650), "1s to 3650d");
static const place_t refresh_grace =
    WHOLE_SECONDS(refresh_grace, 0, SECONDS(600), "0 to 10m");
static const place_t db_timeout =
    PLACE(db_timeout, 100 * 1000, SECONDS(60), "100ms to 60s");
static const place_t revocation_max_stale =
    PLACE(revocation_max_stale, SECONDS(1), SECONDS(600), "1s to 10m");
static const place_t registration_open = PLACE(registration_open, 0, 1, "");
static const place_t email_utf8 = PLACE(email_utf8, 0, 1, "");
static const place_t prepared_statements = PLACE(prepared_statements, 0, 1, "");
static const place_t auto_migrate = PLACE(auto_migrate, 0, 1, "");
static const place_t require_tls = PLACE(require_tls, 0, 1, "");
static const place_t cookie = PLACE(cookie, 0, 1, "");
static const place_t basic_cache =
    WHOLE_SECONDS(basic_cache, 0, SECONDS(3600), "0 to 1h");
static const place_t signing_key = PLACE(signing_key, 0, 0, "");
static const place_t key_directory = PLACE(key_directory, 0, 0, "");
static const place_t secret_file = PLACE(secret_file, 0, 0, "");

static void *member(authsvc_server_config_t *config, apr_size_t offset)
{
    return (char *)config + offset;
}

static authsvc_server_config_t *server_config(const cmd_parms *cmd)
{
    return authsvc_config_server(cmd->server);
}

static const char *set_flag(cmd_parms *cmd, void *dir, int flag)
{
    const place_t *place = cmd->info;

    (void)dir;
    *(int *)member(server_config(cmd), place->value) = flag;
    *(int *)member(server_config(cmd), place->set) = 1;
    return NULL;
}

static const char *set_duration(cmd_parms *cmd, void *dir, const char *arg)
{
    const place_t *place = cmd->info;
    apr_interval_time_t duration;

    (void)dir;
    if (!authsvc_duration_parse(arg, &duration) || duration < place->min ||
        duration > place->max) {
        return apr_psprintf(cmd->pool,
                            "%s takes a time such as 900, 15m, 12h or 30d (without a unit: "
                            "seconds), from %s",
                            cmd->cmd->name, place->range);
    }
    if (place->in_seconds && duration % APR_USEC_PER_SEC != 0) {
        return apr_psprintf(cmd->pool, "%s takes whole seconds, no fraction of one",
                            cmd->cmd->name);
    }
    *(apr_interval_time_t *)member(server_config(cmd), place->value) = duration;
    *(int *)member(server_config(cmd), place->set) = 1;
    return NULL;
}

static const char *file_path(cmd_parms *cmd, const char *arg, const char **path)
{
    *path = *arg ? ap_server_root_relative(cmd->pool, arg) : NULL;
    if (!*path) {
        return apr_psprintf(cmd->pool, "%s takes a path, absolute or below ServerRoot",
                            cmd->cmd->name);
    }
    return NULL;
}

static const char *set_file(cmd_parms *cmd, void *dir, const char *arg)
{
    const place_t *place = cmd->info;
    const char *path;
    const char *problem = file_path(cmd, arg, &path);

    (void)dir;
    if (problem) {
        return problem;
    }
    *(const char **)member(server_config(cmd), place->value) = path;
    *(int *)member(server_config(cmd), place->set) = 1;
    return NULL;
}

static const char *add_verify_key(cmd_parms *cmd, void *dir, const char *arg)
{
    authsvc_server_config_t *config = server_config(cmd);
    const char *path;
    const char *problem = file_path(cmd, arg, &path);

    (void)dir;
    if (problem) {
        return problem;
    }
    if (!config->verify_keys_set) {
        AUTHSVC_SET(config, verify_keys, apr_array_make(cmd->pool, 2, sizeof(const char *)));
    }
    APR_ARRAY_PUSH(config->verify_keys, const char *) = path;
    return NULL;
}

static const char *set_issuer(cmd_parms *cmd, void *dir, const char *arg)
{
    (void)dir;
    if (!authsvc_url_is_base(arg)) {
        return "AuthSvcIssuer takes the absolute URL under which the API is reached, such as "
               "https://www.example.org/api/v1 (no user, query or fragment)";
    }
    if (arg[strlen(arg) - 1] == '/') {
        return "AuthSvcIssuer must not end in a slash: tokens carry it exactly as written here, "
               "and those who verify them compare it octet by octet";
    }
    AUTHSVC_SET(server_config(cmd), issuer, arg);
    return NULL;
}

static const char *set_audience(cmd_parms *cmd, void *dir, const char *arg)
{
    (void)dir;
    if (!authsvc_name_is_plain(arg)) {
        return "AuthSvcAudience takes a name or URL of 1 to 255 ASCII characters without white "
               "space and quotes";
    }
    AUTHSVC_SET(server_config(cmd), audience, arg);
    return NULL;
}

static const char *set_problem_base(cmd_parms *cmd, void *dir, const char *arg)
{
    (void)dir;
    if (!authsvc_url_is_base(arg)) {
        return "AuthSvcProblemBase takes an absolute URL such as "
               "https://www.example.org/api/v1/problems/ (no user, query or fragment)";
    }
    if (arg[strlen(arg) - 1] != '/') {
        arg = apr_pstrcat(cmd->pool, arg, "/", NULL);
    }
    AUTHSVC_SET(server_config(cmd), problem_base, arg);
    return NULL;
}

static const char *set_token_type(cmd_parms *cmd, void *dir, const char *arg)
{
    authsvc_server_config_t *config = server_config(cmd);

    (void)dir;
    if (strcasecmp(arg, "JWT") == 0) {
        AUTHSVC_SET(config, token_type, AUTHSVC_TYP_JWT);
    } else if (strcasecmp(arg, "at+jwt") == 0) {
        AUTHSVC_SET(config, token_type, AUTHSVC_TYP_AT_JWT);
    } else {
        return "AuthSvcTokenType is JWT or at+jwt (RFC 9068)";
    }
    return NULL;
}

static const char *set_password_length(cmd_parms *cmd, void *dir, const char *min_arg,
                                       const char *max_arg)
{
    authsvc_server_config_t *config = server_config(cmd);
    long min, max;

    (void)dir;
    if (!authsvc_integer_parse(min_arg, 1, CONTRACT_PASSWORD_MAX, &min) ||
        !authsvc_integer_parse(max_arg, 1, CONTRACT_PASSWORD_MAX, &max)) {
        return "AuthSvcPasswordLength takes two numbers of characters from 1 to 1024: the "
               "shortest and the longest password";
    }
    if (min > max) {
        return "AuthSvcPasswordLength: the shortest password (first) must not be longer than the "
               "longest (second)";
    }
    AUTHSVC_SET(config, password_min, (int)min);
    AUTHSVC_SET(config, password_max, (int)max);
    return NULL;
}

static const char *set_password_require(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    static const struct {
        const char *name;
        int kind;
    } kinds[] = {{"upper", AUTHSVC_REQUIRE_UPPER},
                 {"lower", AUTHSVC_REQUIRE_LOWER},
                 {"digit", AUTHSVC_REQUIRE_DIGIT},
                 {"symbol", AUTHSVC_REQUIRE_SYMBOL},
                 {"none", 0}};
    int require = 0, i;
    size_t k;

    (void)dir;
    for (i = 0; i < argc; i++) {
        for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
            if (strcasecmp(argv[i], kinds[k].name) == 0) {
                require |= kinds[k].kind;
                break;
            }
        }
        if (k == sizeof(kinds) / sizeof(kinds[0]) || (kinds[k].kind == 0 && argc > 1)) {
            argc = 0;
        }
    }
    if (argc == 0) {
        return "AuthSvcPasswordRequire takes one or more of upper, lower, digit, symbol; or none "
               "alone";
    }
    AUTHSVC_SET(server_config(cmd), password_require, require);
    return NULL;
}

static const char *set_password_cost(cmd_parms *cmd, void *dir, const char *memory_arg,
                                     const char *passes_arg)
{
    authsvc_server_config_t *config = server_config(cmd);
    apr_size_t memory;
    long passes;

    (void)dir;
    if (!authsvc_size_parse(memory_arg, &memory) || memory < AUTHSVC_HASH_MEMORY_MIN ||
        memory > AUTHSVC_HASH_MEMORY_MAX ||
        !authsvc_integer_parse(passes_arg, 1, AUTHSVC_HASH_PASSES_MAX, &passes)) {
        return "AuthSvcPasswordCost takes Argon2id's memory, 8K to 4G, and its passes, 1 to 64: "
               "AuthSvcPasswordCost 64M 2";
    }
    AUTHSVC_SET(config, hash_memory, memory);
    AUTHSVC_SET(config, hash_passes, (int)passes);
    return NULL;
}

static const char *set_hash_nice(cmd_parms *cmd, void *dir, const char *arg)
{
    long nice;

    (void)dir;
    if (!authsvc_integer_parse(arg, 0, 19, &nice)) {
        return "AuthSvcHashNice takes how far the hashing of passwords stands back for other work, "
               "as nice(1) counts: 0 (not at all) to 19";
    }
    AUTHSVC_SET(server_config(cmd), hash_nice, (int)nice);
    return NULL;
}

static const char *set_max_body(cmd_parms *cmd, void *dir, const char *arg)
{
    apr_size_t size;

    (void)dir;
    if (!authsvc_size_parse(arg, &size) || size < 1024 || size > (apr_size_t)1024 * 1024) {
        return "AuthSvcMaxBodySize takes a number of octets such as 65536 or 64K, from 1K to 1M";
    }
    AUTHSVC_SET(server_config(cmd), max_body, size);
    return NULL;
}

static const char *add_cors_origin(cmd_parms *cmd, void *dir, const char *arg)
{
    authsvc_server_config_t *config = server_config(cmd);

    (void)dir;
    if (!authsvc_url_is_origin(arg)) {
        return "AuthSvcCorsOrigin takes an origin as browsers send it, such as "
               "https://app.example.org or http://localhost:5173: lower case, no path, no slash "
               "at the end, no wildcard, not null";
    }
    if (!config->cors_origins_set) {
        AUTHSVC_SET(config, cors_origins, apr_array_make(cmd->pool, 2, sizeof(const char *)));
    }
    APR_ARRAY_PUSH(config->cors_origins, const char *) = arg;
    return NULL;
}

/* There is one set of slots for the whole server: memory and CPUs are not the vhosts'. */
static const char *main_server_only(cmd_parms *cmd)
{
    return ap_check_cmd_context(cmd, NOT_IN_VIRTUALHOST);
}

static const char *set_max_stale(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *problem = main_server_only(cmd);

    return problem ? problem : set_duration(cmd, dir, arg);
}

static const char *set_table_size(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *problem = main_server_only(cmd);
    long entries;

    (void)dir;
    if (problem) {
        return problem;
    }
    if (!authsvc_integer_parse(arg, AUTHSVC_REVOCATIONS_MIN, AUTHSVC_REVOCATIONS_MAX, &entries)) {
        return "AuthSvcRevocationTableSize takes the number of sessions that may end within the "
               "lifetime of an access token, from 64 to 4194304";
    }
    AUTHSVC_SET(server_config(cmd), revocation_entries, (int)entries);
    return NULL;
}

static const char *set_max_sessions(cmd_parms *cmd, void *dir, const char *arg)
{
    long most;

    (void)dir;
    if (!authsvc_integer_parse(arg, 0, 100000, &most)) {
        return "AuthSvcMaxSessions takes the number of sessions that a user may have, from 1 to "
               "100000; or 0, for any number";
    }
    AUTHSVC_SET(server_config(cmd), max_sessions, (int)most);
    return NULL;
}

static const char *set_hash_slots(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *problem = main_server_only(cmd);
    long slots;

    (void)dir;
    if (problem) {
        return problem;
    }
    if (!authsvc_integer_parse(arg, 1, 1024, &slots)) {
        return "AuthSvcHashSlots takes the number of passwords that are hashed at the same time, "
               "from 1 to 1024";
    }
    AUTHSVC_SET(server_config(cmd), hash_slots, (int)slots);
    return NULL;
}

static const char *set_hash_queue(cmd_parms *cmd, void *dir, const char *places_arg,
                                  const char *wait_arg)
{
    authsvc_server_config_t *config = server_config(cmd);
    const char *problem = main_server_only(cmd);
    apr_interval_time_t wait;
    long places;

    (void)dir;
    if (problem) {
        return problem;
    }
    if (!authsvc_integer_parse(places_arg, 0, 30000, &places) ||
        !authsvc_duration_parse(wait_arg, &wait) || wait < 1000 || wait > SECONDS(60)) {
        return "AuthSvcHashQueue takes the number of requests that may wait for a slot, 0 to "
               "30000, and for how long at most, 1ms to 60s: AuthSvcHashQueue 64 5s";
    }
    AUTHSVC_SET(config, hash_places, (int)places);
    AUTHSVC_SET(config, hash_wait, wait);
    return NULL;
}

/*
 * The path below the mount is what remains of the URL after the Location's path, so that path
 * must be a plain prefix, and the section must be merged by location alone.
 */
static const char *set_enabled(cmd_parms *cmd, void *dir, int flag)
{
    authsvc_dir_config_t *config = dir;
    const ap_directive_t *section = cmd->directive->parent;
    apr_size_t len;
    char *path;

    if (!section || strcasecmp(section->directive, "<Location") != 0 || !cmd->path ||
        cmd->path[0] != '/' || section->args[strspn(section->args, " \t\"")] == '~' ||
        apr_fnmatch_test(cmd->path)) {
        return "AuthSvc belongs directly into a <Location \"/path\"> section with a plain path: "
               "not into LocationMatch, Directory, Files, If, Limit or Proxy, and without "
               "wildcards";
    }
    path = apr_pstrdup(cmd->pool, cmd->path);
    for (len = strlen(path); len > 0 && path[len - 1] == '/'; len--) {
        path[len - 1] = '\0';
    }
    AUTHSVC_SET(config, enabled, flag);
    AUTHSVC_SET(config, mount, path);
    authsvc_config_add_mount(server_config(cmd), path, flag);
    return NULL;
}

/* command_rec keeps its argument as a pointer to non-const. */
#define AT(place) ((void *)(uintptr_t)(const void *)&(place))

const command_rec authsvc_directives[] = {
    AP_INIT_FLAG("AuthSvc", set_enabled, NULL, ACCESS_CONF,
                 "On: the account service answers below this Location"),
    AP_INIT_TAKE1("AuthSvcIssuer", set_issuer, NULL, RSRC_CONF,
                  "the absolute URL of the API; the iss claim of its tokens"),
    AP_INIT_TAKE1("AuthSvcAudience", set_audience, NULL, RSRC_CONF,
                  "the aud claim of the tokens; the issuer by default"),
    AP_INIT_TAKE1("AuthSvcSigningKey", set_file, AT(signing_key), RSRC_CONF,
                  "file of the private key (PEM) that signs access tokens"),
    AP_INIT_TAKE1("AuthSvcKeyDirectory", set_file, AT(key_directory), RSRC_CONF,
                  "directory of the private keys that sign access tokens one after the other"),
    AP_INIT_TAKE1("AuthSvcVerifyKey", add_verify_key, NULL, RSRC_CONF,
                  "file of one more key (PEM) whose tokens are accepted; repeatable"),
    AP_INIT_TAKE1("AuthSvcSecretFile", set_file, AT(secret_file), RSRC_CONF,
                  "file of the numbered server secrets"),
    AP_INIT_TAKE1("AuthSvcAccessTokenLifetime", set_duration, AT(access_lifetime), RSRC_CONF,
                  "how long an access token is valid"),
    AP_INIT_TAKE1("AuthSvcRefreshTokenLifetime", set_duration, AT(refresh_lifetime), RSRC_CONF,
                  "how long a session lives without a refresh"),
    AP_INIT_TAKE1("AuthSvcSessionLifetime", set_duration, AT(session_lifetime), RSRC_CONF,
                  "how long a session lives at most"),
    AP_INIT_TAKE1("AuthSvcRefreshGrace", set_duration, AT(refresh_grace), RSRC_CONF,
                  "a session's refresh token changes at most once in this time; 0: at each use"),
    AP_INIT_TAKE1("AuthSvcTokenType", set_token_type, NULL, RSRC_CONF, "JWT or at+jwt"),
    AP_INIT_FLAG("AuthSvcRegistration", set_flag, AT(registration_open), RSRC_CONF,
                 "On: anybody may register"),
    AP_INIT_FLAG("AuthSvcEmailUtf8", set_flag, AT(email_utf8), RSRC_CONF,
                 "On: the part of an email address before the @ may hold any letter"),
    AP_INIT_TAKE1("AuthSvcPasswordPolicy", authsvc_password_set_policy, NULL, RSRC_CONF,
                  "length and composition of passwords: seed or nist"),
    AP_INIT_TAKE1("AuthSvcPasswordBlocklist", authsvc_password_set_blocklist, NULL, RSRC_CONF,
                  "a file of more passwords that nobody may choose; repeatable; or On, or Off"),
    AP_INIT_TAKE2("AuthSvcPasswordLength", set_password_length, NULL, RSRC_CONF,
                  "the shortest and the longest password, in characters"),
    AP_INIT_TAKE_ARGV("AuthSvcPasswordRequire", set_password_require, NULL, RSRC_CONF,
                      "which of upper, lower, digit, symbol a password must have; or none"),
    AP_INIT_TAKE2("AuthSvcPasswordCost", set_password_cost, NULL, RSRC_CONF,
                  "memory and passes of Argon2id"),
    AP_INIT_TAKE1("AuthSvcHashNice", set_hash_nice, NULL, RSRC_CONF,
                  "how far hashing stands back for other work, as nice(1) counts"),
    AP_INIT_TAKE1("AuthSvcMaxBodySize", set_max_body, NULL, RSRC_CONF,
                  "the largest request body, in octets"),
    AP_INIT_TAKE1("AuthSvcDatabaseTimeout", set_duration, AT(db_timeout), RSRC_CONF,
                  "how long all database work of one request may take"),
    AP_INIT_FLAG("AuthSvcPreparedStatements", set_flag, AT(prepared_statements), RSRC_CONF,
                 "Off: no named statements, for PgBouncer in transaction mode"),
    AP_INIT_FLAG("AuthSvcAutoMigrate", set_flag, AT(auto_migrate), RSRC_CONF,
                 "On: create and upgrade the tables at start"),
    AP_INIT_TAKE1("AuthSvcProblemBase", set_problem_base, NULL, RSRC_CONF,
                  "what the types of problem details start with"),
    AP_INIT_TAKE1("AuthSvcCorsOrigin", add_cors_origin, NULL, RSRC_CONF,
                  "a web origin whose pages may call the API; repeatable"),
    AP_INIT_ITERATE("AuthBasicProvider", authsvc_basic_read_provider, NULL, OR_AUTHCFG,
                    "who is asked about a user and a password"),
    AP_INIT_TAKE1("AuthSvcBasicCache", set_duration, AT(basic_cache), RSRC_CONF,
                  "how long AuthBasicProvider authsvc believes credentials that were right"),
    AP_INIT_TAKE1("AuthSvcLoginFailures", authsvc_lockout_set_failures, NULL, RSRC_CONF,
                  "how many wrong passwords begin a pause; or Off"),
    AP_INIT_TAKE2("AuthSvcLoginPause", authsvc_lockout_set_pause, NULL, RSRC_CONF,
                  "the first pause and the longest"),
    AP_INIT_TAKE1("AuthSvcLoginFailuresPerAccount", authsvc_lockout_set_account, NULL, RSRC_CONF,
                  "how many of an account keep new networks and devices from it; or Off"),
    AP_INIT_TAKE1("AuthSvcDeviceTokenLifetime", authsvc_lockout_set_device, NULL, RSRC_CONF,
                  "how long a device stays known without a login; or Off"),
    AP_INIT_FLAG("AuthSvcRegistrationDisclosure", authsvc_lockout_set_disclosure, NULL, RSRC_CONF,
                 "Off: a registration does not tell whether there was such an account"),
    AP_INIT_FLAG("AuthSvcRequireTLS", set_flag, AT(require_tls), RSRC_CONF,
                 "On: credentials are refused over plain http"),
    AP_INIT_FLAG("AuthSvcCookie", set_flag, AT(cookie), RSRC_CONF,
                 "On: signing in sets session cookies, and they are taken as credentials"),
    AP_INIT_TAKE1("AuthSvcMaxSessions", set_max_sessions, NULL, RSRC_CONF,
                  "how many sessions a user may have; 0: any number"),
    AP_INIT_TAKE1("AuthSvcRevocationMaxStale", set_max_stale, AT(revocation_max_stale), RSRC_CONF,
                  "how long tokens are believed while the database does not say what was revoked"),
    AP_INIT_TAKE1("AuthSvcRevocationTableSize", set_table_size, NULL, RSRC_CONF,
                  "how many revocations shared memory has room for"),
    AP_INIT_TAKE1("AuthSvcHashSlots", set_hash_slots, NULL, RSRC_CONF,
                  "how many passwords are hashed at the same time, in the whole server"),
    AP_INIT_TAKE2("AuthSvcHashQueue", set_hash_queue, NULL, RSRC_CONF,
                  "how many requests may wait for a slot, and how long"),
    AP_INIT_TAKE23("AuthSvcRateLimit", authsvc_limit_add_rule, NULL, RSRC_CONF,
                   "a policy, how often (60/1m), and for whom it is counted; or a policy and off; "
                   "repeatable"),
    AP_INIT_ITERATE("AuthSvcRateLimitExempt", authsvc_limit_add_exemption, NULL, RSRC_CONF,
                    "addresses, networks and expressions that no rate limit applies to; or none"),
    AP_INIT_TAKE1("AuthSvcRateLimitTableSize", authsvc_limit_set_entries, NULL, RSRC_CONF,
                  "how many clients and accounts shared memory counts for at the same time"),
    AP_INIT_TAKE1("AuthSvcRemoteUser", authsvc_guard_set_remote_user, NULL, OR_AUTHCFG,
                  "what REMOTE_USER is: sub or email"),
    AP_INIT_TAKE1("AuthSvcLoginPage", authsvc_guard_set_login_page, NULL, OR_AUTHCFG,
                  "where people who are not signed in are sent; or Off"),
    AP_INIT_FLAG("AuthSvcForwardHeaders", authsvc_guard_set_forward_headers, NULL, OR_AUTHCFG,
                 "On: handlers and backends get X-AuthSvc-... fields that say who it is"),
    /* Not in .htaccess: whoever may write one gets no token that the administrator did not give. */
    AP_INIT_FLAG("AuthSvcForwardBearer", authsvc_guard_set_forward_bearer, NULL, ACCESS_CONF,
                 "Off: handlers and backends do not see the access token"),
    AP_INIT_TAKE1("AuthSvcForwardToken", authsvc_guard_set_forward_token, NULL, ACCESS_CONF,
                  "handlers and backends get a signed X-AuthSvc-Token for this audience; or Off"),
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL},
};
