/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "authsvc/core/settings.h"
#include "authsvc/core/text.h"

#define DAY apr_time_from_sec(86400)

/* "seed" is the default; "nist" follows NIST SP 800-63B-4, 3.1.1.2, for passwords alone. */
static const authsvc_password_policy_t policies[] = {
    {"seed", 8, 128, AUTHSVC_REQUIRE_UPPER | AUTHSVC_REQUIRE_LOWER | AUTHSVC_REQUIRE_DIGIT},
    {"nist", 15, 256, 0},
};

const authsvc_password_policy_t *authsvc_password_policy(const char *name)
{
    for (apr_size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        if (authsvc_text_equal_ascii_case(policies[i].name, name)) {
            return &policies[i];
        }
    }
    return NULL;
}

void authsvc_settings_init(authsvc_settings_t *settings, apr_pool_t *pool)
{
    memset(settings, 0, sizeof(*settings));
    settings->token_type = AUTHSVC_TYP_JWT;
    settings->access_lifetime = apr_time_from_sec(900);
    settings->refresh_lifetime = 30 * DAY;
    settings->session_lifetime = 90 * DAY;
    settings->refresh_grace = apr_time_from_sec(30);
    settings->max_sessions = 100;
    settings->registration_open = 1;
    settings->email_utf8 = 0;
    settings->password_min = policies[0].min;
    settings->password_max = policies[0].max;
    settings->password_require = policies[0].require;
    settings->password_blocklist = 1;
    settings->blocklists = apr_array_make(pool, 1, sizeof(void *));
    settings->sites = apr_array_make(pool, 1, sizeof(const char *));
    settings->hash_memory = (apr_size_t)64 * 1024 * 1024;
    settings->hash_passes = 2;
    settings->hash_nice = 10;
    settings->max_body = (apr_size_t)64 * 1024;
    settings->db_timeout = apr_time_from_sec(3);
    settings->require_tls = 1;
    settings->cookie_secure = 1;
    settings->basic_cache = apr_time_from_sec(300);
    settings->login_failures = 10;
    settings->login_failures_window = apr_time_from_sec(900);
    settings->login_pause = apr_time_from_sec(60);
    settings->login_pause_max = apr_time_from_sec(900);
    settings->account_failures = 100;
    settings->account_failures_window = apr_time_from_sec(3600);
    settings->device_lifetime = 365 * DAY;
    settings->registration_disclosure = 1;
    settings->cors_origins = apr_array_make(pool, 1, sizeof(const char *));
    for (int policy = 0; policy < AUTHSVC_LIMIT_POLICIES; policy++) {
        settings->limits[policy] = authsvc_limit_defaults(pool, (authsvc_limit_policy_t)policy);
    }
}
