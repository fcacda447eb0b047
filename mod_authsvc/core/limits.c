/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "authsvc/core/limits.h"

#define BIT(key) (1U << (key))
#define MINUTE apr_time_from_sec(60)

static const struct {
    const char *name;
    unsigned int keys; /* those that are known when it is limited */
    int has_operation;
} policies[AUTHSVC_LIMIT_POLICIES] = {
    [AUTHSVC_LIMIT_LOGIN] =
        {"login",
         BIT(AUTHSVC_LIMIT_IP) | BIT(AUTHSVC_LIMIT_ACCOUNT_IP) | BIT(AUTHSVC_LIMIT_ACCOUNT), 1},
    [AUTHSVC_LIMIT_REGISTER] =
        {"register",
         BIT(AUTHSVC_LIMIT_IP) | BIT(AUTHSVC_LIMIT_ACCOUNT_IP) | BIT(AUTHSVC_LIMIT_ACCOUNT), 1},
    [AUTHSVC_LIMIT_REFRESH] = {"refresh", BIT(AUTHSVC_LIMIT_IP) | BIT(AUTHSVC_LIMIT_SESSION), 1},
    [AUTHSVC_LIMIT_MAIL] =
        {"mail",
         BIT(AUTHSVC_LIMIT_IP) | BIT(AUTHSVC_LIMIT_ACCOUNT_IP) | BIT(AUTHSVC_LIMIT_ACCOUNT), 0},
    [AUTHSVC_LIMIT_TOKEN] = {"token", BIT(AUTHSVC_LIMIT_IP), 0},
    [AUTHSVC_LIMIT_ADMIN] =
        {"admin",
         BIT(AUTHSVC_LIMIT_IP) | BIT(AUTHSVC_LIMIT_SESSION) | BIT(AUTHSVC_LIMIT_ACCOUNT_IP) |
             BIT(AUTHSVC_LIMIT_ACCOUNT),
         0},
    [AUTHSVC_LIMIT_API] =
        {"api",
         BIT(AUTHSVC_LIMIT_IP) | BIT(AUTHSVC_LIMIT_SESSION) | BIT(AUTHSVC_LIMIT_ACCOUNT_IP) |
             BIT(AUTHSVC_LIMIT_ACCOUNT),
         1},
};

static const char *const keys[AUTHSVC_LIMIT_KEYS] = {
    [AUTHSVC_LIMIT_IP] = "ip",
    [AUTHSVC_LIMIT_SESSION] = "session",
    [AUTHSVC_LIMIT_ACCOUNT_IP] = "account+ip",
    [AUTHSVC_LIMIT_ACCOUNT] = "account",
};

static const struct {
    authsvc_limit_policy_t policy;
    authsvc_limit_key_t key;
    authsvc_rate_t rate;
} defaults[] = {
    {AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_IP, {60, MINUTE}},
    {AUTHSVC_LIMIT_LOGIN, AUTHSVC_LIMIT_ACCOUNT_IP, {5, MINUTE}},
    {AUTHSVC_LIMIT_REGISTER, AUTHSVC_LIMIT_IP, {30, 60 * MINUTE}},
    {AUTHSVC_LIMIT_REFRESH, AUTHSVC_LIMIT_SESSION, {60, MINUTE}},
    {AUTHSVC_LIMIT_MAIL, AUTHSVC_LIMIT_ACCOUNT, {3, 15 * MINUTE}},
    {AUTHSVC_LIMIT_API, AUTHSVC_LIMIT_ACCOUNT, {100, MINUTE}},
};

const char *authsvc_limit_policy_name(authsvc_limit_policy_t policy)
{
    return policies[policy].name;
}

const char *authsvc_limit_key_name(authsvc_limit_key_t key)
{
    return keys[key];
}

int authsvc_limit_policy_find(const char *name, authsvc_limit_policy_t *policy)
{
    for (int i = 0; i < AUTHSVC_LIMIT_POLICIES; i++) {
        if (strcasecmp(name, policies[i].name) == 0) {
            *policy = (authsvc_limit_policy_t)i;
            return 1;
        }
    }
    return 0;
}

int authsvc_limit_key_find(const char *name, authsvc_limit_key_t *key)
{
    for (int i = 0; i < AUTHSVC_LIMIT_KEYS; i++) {
        if (strcasecmp(name, keys[i]) == 0) {
            *key = (authsvc_limit_key_t)i;
            return 1;
        }
    }
    return 0;
}

int authsvc_limit_fits(authsvc_limit_policy_t policy, authsvc_limit_key_t key)
{
    return (policies[policy].keys & BIT(key)) != 0;
}

int authsvc_limit_has_operation(authsvc_limit_policy_t policy)
{
    return policies[policy].has_operation;
}

int authsvc_limit_add(apr_array_header_t *rules, authsvc_limit_policy_t policy,
                      authsvc_limit_key_t key, const authsvc_rate_t *rate)
{
    authsvc_limit_rule_t rule = {.policy = policy, .key = key, .rate = *rate};
    int place = rules->nelts;

    rule.name = apr_pstrcat(rules->pool, policies[policy].name, "-", keys[key], NULL);
    for (int i = 0; i < rules->nelts; i++) {
        const authsvc_limit_rule_t *other = &APR_ARRAY_IDX(rules, i, authsvc_limit_rule_t);

        if (other->key == key && other->rate.window == rate->window) {
            return 0;
        }
        if (other->key == key && strcmp(other->name, rule.name) == 0) {
            rule.name = apr_psprintf(rules->pool, "%s-%" APR_TIME_T_FMT, rule.name,
                                     apr_time_sec(rate->window));
        }
    }
    (void)apr_array_push(rules);
    for (; place > 0 && APR_ARRAY_IDX(rules, place - 1, authsvc_limit_rule_t).key > key; place--) {
        APR_ARRAY_IDX(rules, place, authsvc_limit_rule_t) =
            APR_ARRAY_IDX(rules, place - 1, authsvc_limit_rule_t);
    }
    APR_ARRAY_IDX(rules, place, authsvc_limit_rule_t) = rule;
    return 1;
}

apr_array_header_t *authsvc_limit_defaults(apr_pool_t *pool, authsvc_limit_policy_t policy)
{
    apr_array_header_t *rules = apr_array_make(pool, 2, sizeof(authsvc_limit_rule_t));

    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        if (defaults[i].policy == policy) {
            (void)authsvc_limit_add(rules, policy, defaults[i].key, &defaults[i].rate);
        }
    }
    return rules;
}
