/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CORE_LIMITS_H
#define AUTHSVC_CORE_LIMITS_H

#include <apr_tables.h>

#include "authsvc/core/rate.h"

/** What is limited. */
typedef enum {
    AUTHSVC_LIMIT_LOGIN,
    AUTHSVC_LIMIT_REGISTER,
    AUTHSVC_LIMIT_REFRESH,
    AUTHSVC_LIMIT_MAIL,  /* no operation yet, as the two below */
    AUTHSVC_LIMIT_TOKEN,
    AUTHSVC_LIMIT_ADMIN,
    AUTHSVC_LIMIT_API /* whatever needs an access token */
} authsvc_limit_policy_t;

#define AUTHSVC_LIMIT_POLICIES 7

/** For whom it is counted; in the order in which a request's tries are taken. */
typedef enum {
    AUTHSVC_LIMIT_IP, /* first: whoever can make up accounts cannot fill the table with them */
    AUTHSVC_LIMIT_SESSION,
    AUTHSVC_LIMIT_ACCOUNT_IP,
    AUTHSVC_LIMIT_ACCOUNT
} authsvc_limit_key_t;

#define AUTHSVC_LIMIT_KEYS 4

/** One rule of a policy. */
typedef struct {
    authsvc_limit_policy_t policy;
    authsvc_limit_key_t key;
    authsvc_rate_t rate;
    const char *name; /* "login-account+ip", as clients are told; unique */
} authsvc_limit_rule_t;

/** The word in the configuration, "login"; "account+ip". */
const char *authsvc_limit_policy_name(authsvc_limit_policy_t policy);
const char *authsvc_limit_key_name(authsvc_limit_key_t key);

/** By that word, in any case. @return 0 if there is none */
int authsvc_limit_policy_find(const char *name, authsvc_limit_policy_t *policy);
int authsvc_limit_key_find(const char *name, authsvc_limit_key_t *key);

/** Whether it is known what is limited, when it is limited, for whom. */
int authsvc_limit_fits(authsvc_limit_policy_t policy, authsvc_limit_key_t key);

/** Whether there is an operation that the policy limits. */
int authsvc_limit_has_operation(authsvc_limit_policy_t policy);

/**
 * Add a rule where it belongs.
 * @param rules of authsvc_limit_rule_t, of one policy
 * @return 0 if there is one for the same key and window: the lower one alone would count
 */
int authsvc_limit_add(apr_array_header_t *rules, authsvc_limit_policy_t policy,
                      authsvc_limit_key_t key, const authsvc_rate_t *rate);

/** The rules of a policy that nothing is said about. @return of authsvc_limit_rule_t */
apr_array_header_t *authsvc_limit_defaults(apr_pool_t *pool, authsvc_limit_policy_t policy);

#define AUTHSVC_LIMITER_KEY 16

/** What the requests of a virtual host are counted by; shared by all threads and processes. */
typedef struct {
    const authsvc_rate_store_t *store;
    const authsvc_rate_store_t *notes; /* services/unanswered.h: they displace nothing counted */
    unsigned char key[AUTHSVC_LIMITER_KEY]; /* of the hash, so that nobody can choose collisions */
    apr_uint64_t scope; /* whose accounts they are; others' are counted for themselves */
} authsvc_limiter_t;

/** What a request is told about a rule that it was counted by. */
typedef struct {
    const authsvc_limit_rule_t *rule;
    apr_uint64_t key; /* for whom; authsvc_try_t's */
    int is_told; /* how many tries are left; not if that would tell what others do */
    apr_int64_t left;
    apr_interval_time_t next; /* until it is one more */
} authsvc_limit_report_t;

#endif
