/* SPDX-License-Identifier: Apache-2.0 */
#include "limit_directives.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <stddef.h>

#include "authsvc/core/units.h"

APLOG_USE_MODULE(authsvc);

#define MOST_RULES 8 /* of a policy */

/* Where a policy's rules are. */
#define RULES(name)                                       \
    {                                                     \
        offsetof(authsvc_server_config_t, name),          \
        offsetof(authsvc_server_config_t, name##_set)     \
    }

static const struct {
    apr_size_t value;
    apr_size_t set;
} places[AUTHSVC_LIMIT_POLICIES] = {
    [AUTHSVC_LIMIT_LOGIN] = RULES(limit_login),
    [AUTHSVC_LIMIT_REGISTER] = RULES(limit_register),
    [AUTHSVC_LIMIT_REFRESH] = RULES(limit_refresh),
    [AUTHSVC_LIMIT_MAIL] = RULES(limit_mail),
    [AUTHSVC_LIMIT_TOKEN] = RULES(limit_token),
    [AUTHSVC_LIMIT_ADMIN] = RULES(limit_admin),
    [AUTHSVC_LIMIT_API] = RULES(limit_api),
};

static const void *member(const authsvc_server_config_t *config, apr_size_t offset)
{
    return (const char *)config + offset;
}

int authsvc_limits_is_set(const authsvc_server_config_t *config, authsvc_limit_policy_t policy)
{
    return *(const int *)member(config, places[policy].set);
}

static void set_rules(authsvc_server_config_t *config, authsvc_limit_policy_t policy,
                      apr_array_header_t *rules)
{
    *(apr_array_header_t **)(void *)((char *)config + places[policy].value) = rules;
    *(int *)(void *)((char *)config + places[policy].set) = 1;
}

static apr_array_header_t *rules_of(const authsvc_server_config_t *config,
                                    authsvc_limit_policy_t policy)
{
    return *(apr_array_header_t *const *)member(config, places[policy].value);
}

static const char *policy_names(apr_pool_t *pool)
{
    const char *names = "";

    for (int i = 0; i < AUTHSVC_LIMIT_POLICIES; i++) {
        names = apr_pstrcat(pool, names, i > 0 ? ", " : "",
                            authsvc_limit_policy_name((authsvc_limit_policy_t)i), NULL);
    }
    return names;
}

static const char *key_names(apr_pool_t *pool, authsvc_limit_policy_t policy)
{
    const char *names = NULL;

    for (int i = 0; i < AUTHSVC_LIMIT_KEYS; i++) {
        authsvc_limit_key_t key = (authsvc_limit_key_t)i;

        if (authsvc_limit_fits(policy, key)) {
            names = names ? apr_pstrcat(pool, names, ", ", authsvc_limit_key_name(key), NULL)
                          : authsvc_limit_key_name(key);
        }
    }
    return names;
}

static const char *switch_off(cmd_parms *cmd, authsvc_limit_policy_t policy)
{
    authsvc_server_config_t *config = authsvc_config_server(cmd->server);

    if (authsvc_limits_is_set(config, policy) && rules_of(config, policy)->nelts > 0) {
        return apr_psprintf(cmd->pool,
                            "AuthSvcRateLimit %s: there is a limit here already, and now off. Take "
                            "one of the lines out",
                            authsvc_limit_policy_name(policy));
    }
    set_rules(config, policy, apr_array_make(cmd->pool, 1, sizeof(authsvc_limit_rule_t)));
    return NULL;
}

static const char *add_rule(cmd_parms *cmd, authsvc_limit_policy_t policy,
                            authsvc_limit_key_t key, const authsvc_rate_t *rate)
{
    authsvc_server_config_t *config = authsvc_config_server(cmd->server);
    const char *name = authsvc_limit_policy_name(policy);
    apr_array_header_t *rules = rules_of(config, policy);

    if (!authsvc_limits_is_set(config, policy)) {
        rules = apr_array_make(cmd->pool, 2, sizeof(authsvc_limit_rule_t));
        set_rules(config, policy, rules);
    } else if (rules->nelts == 0) {
        return apr_psprintf(cmd->pool,
                            "AuthSvcRateLimit %s: it is off here already, and now there is a "
                            "limit. Take one of the lines out", name);
    } else if (rules->nelts == MOST_RULES) {
        return apr_psprintf(cmd->pool, "AuthSvcRateLimit %s: there are %d limits already, which is "
                            "the most", name, MOST_RULES);
    }
    if (!authsvc_limit_add(rules, policy, key, rate)) {
        return apr_psprintf(cmd->pool,
                            "AuthSvcRateLimit %s: there is a limit for %s and the same time "
                            "already, and the lower one alone would count. Take one of the lines "
                            "out", name, authsvc_limit_key_name(key));
    }
    return NULL;
}

const char *authsvc_limit_add_rule(cmd_parms *cmd, void *dir, const char *policy_arg,
                                   const char *rate_arg, const char *key_arg)
{
    authsvc_limit_policy_t policy;
    authsvc_limit_key_t key;
    authsvc_rate_t rate;

    (void)dir;
    if (!authsvc_limit_policy_find(policy_arg, &policy)) {
        return apr_psprintf(cmd->pool, "AuthSvcRateLimit: what it limits is one of %s",
                            policy_names(cmd->pool));
    }
    if (!key_arg && strcasecmp(rate_arg, "off") == 0) {
        return switch_off(cmd, policy);
    }
    if (!key_arg || !authsvc_rate_parse(rate_arg, &rate)) {
        return "AuthSvcRateLimit takes what it limits, how often in which time (a number, a slash, "
               "and 1s to 24h; at most 1000 a second), and for whom it is counted: "
               "AuthSvcRateLimit login 60/1m ip; or what it limits, and off";
    }
    if (!authsvc_limit_key_find(key_arg, &key) || !authsvc_limit_fits(policy, key)) {
        return apr_psprintf(cmd->pool,
                            "AuthSvcRateLimit %s is counted for one of %s: nothing else is known "
                            "when it is counted", authsvc_limit_policy_name(policy),
                            key_names(cmd->pool, policy));
    }
    return add_rule(cmd, policy, key, &rate);
}

static const char *read_network(apr_pool_t *pool, const char *arg, apr_ipsubnet_t **network)
{
    char *address = apr_pstrdup(pool, arg), *mask = strchr(address, '/');

    if (mask) {
        *mask++ = '\0';
    }
    return apr_ipsubnet_create(network, address, mask, pool) == APR_SUCCESS
               ? NULL
               : apr_psprintf(pool,
                              "AuthSvcRateLimitExempt %s: it takes addresses (192.0.2.7), networks "
                              "(192.0.2.0/24, 2001:db8::/32) and \"expr=...\"; or none alone", arg);
}

static const char *read_expression(cmd_parms *cmd, const char *text,
                                   const ap_expr_info_t **expression)
{
    const char *failure = NULL;

    /* The answer depends on nothing that Vary could name. */
    *expression = ap_expr_parse_cmd(cmd, text, AP_EXPR_FLAG_DONT_VARY, &failure, NULL);
    return failure ? apr_pstrcat(cmd->pool, "AuthSvcRateLimitExempt: cannot parse the expression: ",
                                 failure, NULL)
                   : NULL;
}

const char *authsvc_limit_add_exemption(cmd_parms *cmd, void *dir, const char *arg)
{
    authsvc_server_config_t *config = authsvc_config_server(cmd->server);
    authsvc_exemption_t exemption = {NULL, NULL};
    const char *problem;

    (void)dir;
    if (!config->exemptions_set) {
        AUTHSVC_SET(config, exemptions,
                    apr_array_make(cmd->pool, 2, sizeof(authsvc_exemption_t)));
    }
    if (strcasecmp(arg, "none") == 0) {
        return config->exemptions->nelts > 0
                   ? "AuthSvcRateLimitExempt: none goes with nothing else"
                   : NULL;
    }
    problem = strncmp(arg, "expr=", 5) == 0
                  ? read_expression(cmd, arg + 5, &exemption.expression)
                  : read_network(cmd->pool, arg, &exemption.network);
    if (!problem) {
        APR_ARRAY_PUSH(config->exemptions, authsvc_exemption_t) = exemption;
    }
    return problem;
}

const char *authsvc_limit_set_entries(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *problem = ap_check_cmd_context(cmd, NOT_IN_VIRTUALHOST);
    long entries;

    (void)dir;
    if (problem) {
        return problem;
    }
    if (!authsvc_integer_parse(arg, AUTHSVC_RATE_TABLE_MIN, AUTHSVC_RATE_TABLE_MAX, &entries)) {
        return "AuthSvcRateLimitTableSize takes the number of clients, accounts and sessions that "
               "are counted at the same time, from 64 to 16777216";
    }
    AUTHSVC_SET(authsvc_config_server(cmd->server), limit_entries, (int)entries);
    return NULL;
}
