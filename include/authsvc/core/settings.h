/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CORE_SETTINGS_H
#define AUTHSVC_CORE_SETTINGS_H

#include <apr_tables.h>
#include <apr_time.h>

struct authsvc_blocklist_t;
#include "authsvc/core/limits.h"

struct authsvc_keyset_t;
struct authsvc_secrets_t;

/** Which kinds of characters a password must have. */
enum {
    AUTHSVC_REQUIRE_UPPER = 1, /* general category Lu */
    AUTHSVC_REQUIRE_LOWER = 2, /* Ll */
    AUTHSVC_REQUIRE_DIGIT = 4, /* Nd */
    AUTHSVC_REQUIRE_SYMBOL = 8 /* anything that is neither letter (L*) nor Nd */
};

/** Length and composition of passwords, under a name. */
typedef struct {
    const char *name;
    int min; /* code points */
    int max;
    int require; /* AUTHSVC_REQUIRE_* */
} authsvc_password_policy_t;

/** The policy of this name (case does not matter); NULL if there is none. */
const authsvc_password_policy_t *authsvc_password_policy(const char *name);

/** What a token's header calls itself. */
typedef enum {
    AUTHSVC_TYP_JWT,     /* "JWT", an access token */
    AUTHSVC_TYP_AT_JWT,  /* "at+jwt", an access token of RFC 9068 */
    AUTHSVC_TYP_IDENTITY /* "authsvc-identity+jwt", for backends: nobody is let in by it */
} authsvc_token_type_t;

#define AUTHSVC_TOKEN_TYPES 3

/**
 * The effective settings of one virtual host, complete and checked. Read-only once built.
 * Durations are microseconds (apr_interval_time_t), as everywhere in APR.
 */
typedef struct authsvc_settings_t {
    const char *issuer;       /* "iss"; absolute URL without a trailing slash */
    const char *audience;     /* "aud"; the issuer by default */
    const char *origin;       /* the issuer's, as browsers send it in Origin */
    const char *problem_base; /* ends in "/" */
    const struct authsvc_keyset_t *keys;
    const struct authsvc_secrets_t *secrets;
    authsvc_token_type_t token_type;
    apr_interval_time_t access_lifetime;  /* 900 s */
    apr_interval_time_t refresh_lifetime; /* idle limit of a session, 30 d */
    apr_interval_time_t session_lifetime; /* absolute limit of a session, 90 d */
    apr_interval_time_t refresh_grace;    /* 30 s; 0: every refresh rotates */
    int max_sessions; /* of a user, 100; 0: any number */
    int registration_open;
    int email_utf8; /* non-ASCII local parts are allowed */
    int password_min; /* code points, 8 */
    int password_max; /* code points, 128 */
    int password_require; /* AUTHSVC_REQUIRE_* */
    apr_size_t hash_memory; /* Argon2id m in bytes, 64 MiB */
    int hash_passes;        /* Argon2id t, 2 */
    int hash_nice;          /* how far hashing stands back for other work, 0 to 19 (nice(2)), 10 */
    const char *dummy_hash; /* same cost as hash_*; verifies nothing */
    apr_size_t max_body;    /* octets, 64 KiB */
    apr_interval_time_t db_timeout; /* 3 s, for all of a request's statements together */
    int require_tls;
    apr_interval_time_t basic_cache; /* how long Basic credentials are believed, 300 s; 0: not */

    /* Login failures (services/lockout.h). */
    int login_failures; /* of a place in that time, 10; 0: nothing is counted */
    apr_interval_time_t login_failures_window; /* 15 min */
    apr_interval_time_t login_pause;           /* the first one, 60 s */
    apr_interval_time_t login_pause_max;       /* 15 min */
    int account_failures; /* of all places of an account together, 100; 0: they have no limit */
    apr_interval_time_t account_failures_window; /* 1 h */
    apr_interval_time_t device_lifetime; /* of a device token, 365 d; 0: there are none */
    int registration_disclosure; /* 0: a registration does not tell whether there was an account */

    const apr_array_header_t *cors_origins; /* of const char *; never NULL */
    /* The common passwords are refused, those of the lists, and what user and site are called: */
    int password_blocklist;
    const apr_array_header_t *blocklists; /* of const authsvc_blocklist_t *; never NULL */
    const apr_array_header_t *sites;      /* host names, of const char *; never NULL */
    int cookie;        /* session cookies are set and taken; 0 */
    int cookie_secure; /* the issuer is https: they have Secure and the prefix that needs it */

    /* Rate limits, by policy: of authsvc_limit_rule_t; never NULL, empty: off */
    const apr_array_header_t *limits[AUTHSVC_LIMIT_POLICIES];
} authsvc_settings_t;

/**
 * Fill in every default that needs no file; issuer, origin, keys, secrets and dummy_hash stay NULL.
 */
void authsvc_settings_init(authsvc_settings_t *settings, apr_pool_t *pool);

#endif
