/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_CONFIG_H
#define AUTHSVC_HTTPD_CONFIG_H

#include <apr_network_io.h>
#include <httpd.h>
#include <http_config.h>
#include <ap_expr.h>

#include "authsvc/api/api.h"
#include "authsvc/core/failures.h"
#include "authsvc/core/revocations.h"
#include "authsvc/core/settings.h"
#include "authsvc/crypto/admission.h"
#include "authsvc/db/db.h"

/* The one symbol that leaves the shared object; AP_MODULE_DECLARE_DATA is empty on Unix. */
extern __attribute__((visibility("default"))) module authsvc_module;

struct authsvc_child_t;

/**
 * What directives of server scope set: X(type, name). Each is a member with a flag that says
 * whether it was set. A virtual host's own value replaces the main server's.
 */
#define AUTHSVC_SERVER_SETTINGS(X)                                \
    X(const char *, issuer)                                       \
    X(const char *, audience)                                     \
    X(const char *, signing_key)                                  \
    X(const char *, key_directory)                                \
    X(apr_array_header_t *, verify_keys) /* of const char * */    \
    X(const char *, secret_file)                                  \
    X(apr_interval_time_t, access_lifetime)                       \
    X(apr_interval_time_t, refresh_lifetime)                      \
    X(apr_interval_time_t, session_lifetime)                      \
    X(apr_interval_time_t, refresh_grace)                         \
    X(int, token_type)                                            \
    X(int, registration_open)                                     \
    X(int, email_utf8)                                            \
    X(int, password_min)                                          \
    X(int, password_max)                                          \
    X(int, password_require)                                      \
    X(const char *, password_policy)                              \
    X(apr_array_header_t *, password_blocklist) /* of paths; NULL: Off */ \
    X(apr_size_t, hash_memory)                                    \
    X(int, hash_passes)                                           \
    X(int, hash_nice)                                             \
    X(apr_size_t, max_body)                                       \
    X(apr_interval_time_t, db_timeout)                            \
    X(int, prepared_statements)                                   \
    X(int, auto_migrate)                                          \
    X(const char *, problem_base)                                 \
    X(apr_array_header_t *, cors_origins) /* of const char * */   \
    X(int, require_tls)                                           \
    X(int, cookie)                                                \
    X(int, max_sessions)                                          \
    X(apr_interval_time_t, revocation_max_stale)                  \
    X(int, revocation_entries)                                    \
    X(apr_interval_time_t, basic_cache)                           \
    X(int, login_failures)                                        \
    X(apr_interval_time_t, login_failures_window)                 \
    X(apr_interval_time_t, login_pause)                           \
    X(apr_interval_time_t, login_pause_max)                       \
    X(int, account_failures)                                      \
    X(apr_interval_time_t, account_failures_window)               \
    X(apr_interval_time_t, device_lifetime)                       \
    X(int, registration_disclosure)                               \
    X(int, hash_slots)                                            \
    X(int, hash_places)                                           \
    X(apr_interval_time_t, hash_wait)                             \
    X(apr_array_header_t *, limit_login) /* of authsvc_limit_rule_t; empty: off */ \
    X(apr_array_header_t *, limit_register)                       \
    X(apr_array_header_t *, limit_refresh)                        \
    X(apr_array_header_t *, limit_mail)                           \
    X(apr_array_header_t *, limit_token)                          \
    X(apr_array_header_t *, limit_admin)                          \
    X(apr_array_header_t *, limit_api)                            \
    X(apr_array_header_t *, exemptions) /* of authsvc_exemption_t */ \
    X(int, limit_entries)

/** What directives of directory scope set, in the same form. */
#define AUTHSVC_DIR_SETTINGS(X) \
    X(int, enabled)             \
    X(const char *, mount) /* the Location's path without a trailing slash */ \
    X(int, remote_user)          /* AUTHSVC_REMOTE_USER_* */                    \
    X(const char *, login_page)  /* a path; NULL: none */                       \
    X(int, forward_headers)                                                     \
    X(const char *, forward_token) /* an audience; NULL: none */                \
    X(int, forward_bearer)                                                      \
    X(int, basic_provider) /* AuthBasicProvider names us */

/** What REMOTE_USER is. */
enum { AUTHSVC_REMOTE_USER_SUB, AUTHSVC_REMOTE_USER_EMAIL };

#define AUTHSVC_MEMBER(type, name) \
    type name;                     \
    int name##_set;

/** Who is not limited: one of these. */
typedef struct {
    apr_ipsubnet_t *network;
    const ap_expr_info_t *expression;
} authsvc_exemption_t;

/** One AuthSvc directive: where, and whether On. */
typedef struct {
    const char *path;
    int on;
} authsvc_mount_t;

/** What mod_dbd's own directives say for a server; read from the configuration tree. */
typedef struct {
    int known;          /* 0: the tree does not show which section this server is; all is empty */
    const char *driver; /* NULL: no DBDriver */
    const char *params; /* NULL: no DBDParams */
    int persist;
    int init_sql; /* there is a DBDInitSQL */
} authsvc_dbd_facts_t;

/** A server's configuration. */
typedef struct {
    AUTHSVC_SERVER_SETTINGS(AUTHSVC_MEMBER)
    apr_array_header_t *mounts; /* of authsvc_mount_t; a virtual host has the main server's too */

    /* Made from the above. By check_config; NULL where nothing is mounted: */
    const authsvc_settings_t *settings;
    const authsvc_api_t *api; /* the same one for all servers */
    authsvc_dbd_facts_t dbd; /* of every server */
    /* by post_config: */
    authsvc_admission_t *admission;
    authsvc_revocations_t *revocations; /* of its database; NULL: none */
    authsvc_failures_t *failures;       /* the same */
    const authsvc_limiter_t *limiter;   /* NULL: no limits */
    /* by child_init: */
    struct authsvc_child_t *child;
    authsvc_db_t *db;
} authsvc_server_config_t;

/** A directory's (a Location's) configuration. */
typedef struct {
    AUTHSVC_DIR_SETTINGS(AUTHSVC_MEMBER)
} authsvc_dir_config_t;

/** Set a member of either structure together with its flag. */
#define AUTHSVC_SET(config, name, value) ((config)->name##_set = 1, (config)->name = (value))

void *authsvc_config_create_server(apr_pool_t *pool, server_rec *s);
void *authsvc_config_merge_server(apr_pool_t *pool, void *base, void *add);
void *authsvc_config_create_dir(apr_pool_t *pool, char *dir);
void *authsvc_config_merge_dir(apr_pool_t *pool, void *base, void *add);

authsvc_server_config_t *authsvc_config_server(const server_rec *s);
const authsvc_dir_config_t *authsvc_config_dir(const request_rec *r);

/** Note a mount. @param path in the configuration's pool */
void authsvc_config_add_mount(authsvc_server_config_t *config, const char *path, int on);

/** 1 if both name the same database, spelled alike. */
int authsvc_config_same_database(const authsvc_dbd_facts_t *a, const authsvc_dbd_facts_t *b);

/** 1 if at least one Location of this server has AuthSvc On. */
int authsvc_config_is_mounted(const authsvc_server_config_t *config);

#endif
