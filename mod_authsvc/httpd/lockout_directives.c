/* SPDX-License-Identifier: Apache-2.0 */
#include "lockout_directives.h"

#include <apr_strings.h>

#include "authsvc/core/units.h"
#include "config.h"

#define SECONDS(n) ((apr_interval_time_t)(n) * APR_USEC_PER_SEC)
#define DAY SECONDS(86400)

static authsvc_server_config_t *server_config(const cmd_parms *cmd)
{
    return authsvc_config_server(cmd->server);
}

static int is_off(const char *arg)
{
    return strcasecmp(arg, "Off") == 0;
}

/* The database counts in whole seconds. */
static int parse_time(const char *arg, apr_interval_time_t min, apr_interval_time_t max,
                      apr_interval_time_t *time)
{
    return authsvc_duration_parse(arg, time) && *time >= min && *time <= max &&
           *time % APR_USEC_PER_SEC == 0;
}

/* "10/15m" */
static int parse_rate(apr_pool_t *pool, const char *arg, long *count, apr_interval_time_t *window)
{
    const char *slash = strchr(arg, '/');

    return slash && authsvc_integer_parse(apr_pstrmemdup(pool, arg, (apr_size_t)(slash - arg)), 1,
                                          1000000, count) &&
           parse_time(slash + 1, SECONDS(1), DAY, window);
}

const char *authsvc_lockout_set_failures(cmd_parms *cmd, void *dir, const char *arg)
{
    authsvc_server_config_t *config = server_config(cmd);
    apr_interval_time_t window = 0;
    long count = 0;

    (void)dir;
    if (!is_off(arg) && !parse_rate(cmd->pool, arg, &count, &window)) {
        return "AuthSvcLoginFailures takes how many wrong passwords in which time begin a pause, "
               "such as 10/15m, up to 1000000/24h; or Off";
    }
    AUTHSVC_SET(config, login_failures, (int)count);
    AUTHSVC_SET(config, login_failures_window, window);
    return NULL;
}

const char *authsvc_lockout_set_account(cmd_parms *cmd, void *dir, const char *arg)
{
    authsvc_server_config_t *config = server_config(cmd);
    apr_interval_time_t window = 0;
    long count = 0;

    (void)dir;
    if (!is_off(arg) && !parse_rate(cmd->pool, arg, &count, &window)) {
        return "AuthSvcLoginFailuresPerAccount takes how many wrong passwords for an account, from "
               "anywhere, in which time keep new networks and devices from it, such as 100/1h, up "
               "to 1000000/24h; or Off";
    }
    AUTHSVC_SET(config, account_failures, (int)count);
    AUTHSVC_SET(config, account_failures_window, window);
    return NULL;
}

const char *authsvc_lockout_set_pause(cmd_parms *cmd, void *dir, const char *first,
                                      const char *longest)
{
    authsvc_server_config_t *config = server_config(cmd);
    apr_interval_time_t least = 0, most = 0;

    (void)dir;
    if (!parse_time(first, SECONDS(1), DAY, &least) ||
        !parse_time(longest, SECONDS(1), DAY, &most) || least > most) {
        return "AuthSvcLoginPause takes the first pause and the longest, each of 1s to 24h in "
               "whole seconds: AuthSvcLoginPause 1m 15m";
    }
    AUTHSVC_SET(config, login_pause, least);
    AUTHSVC_SET(config, login_pause_max, most);
    return NULL;
}

const char *authsvc_lockout_set_device(cmd_parms *cmd, void *dir, const char *arg)
{
    authsvc_server_config_t *config = server_config(cmd);
    apr_interval_time_t lifetime = 0;

    (void)dir;
    if (!is_off(arg) && !parse_time(arg, SECONDS(60), 3650 * DAY, &lifetime)) {
        return "AuthSvcDeviceTokenLifetime takes a time of 1m to 3650d in whole seconds, or Off";
    }
    AUTHSVC_SET(config, device_lifetime, lifetime);
    return NULL;
}

const char *authsvc_lockout_set_disclosure(cmd_parms *cmd, void *dir, int flag)
{
    (void)dir;
    AUTHSVC_SET(server_config(cmd), registration_disclosure, flag);
    return NULL;
}
