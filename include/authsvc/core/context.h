/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CORE_CONTEXT_H
#define AUTHSVC_CORE_CONTEXT_H

#include <apr_pools.h>
#include <apr_time.h>

#include "authsvc/core/clock.h"
#include "authsvc/core/failures.h"
#include "authsvc/core/gate.h"
#include "authsvc/core/limits.h"
#include "authsvc/core/log.h"
#include "authsvc/core/revocations.h"

struct authsvc_settings_t;
struct authsvc_db_t;
struct authsvc_db_conn_t;
struct authsvc_repositories_t;
struct authsvc_admission_t;
struct authsvc_principal_t;
struct authsvc_cache_t;

/**
 * One request as the layers below httpd see it. Made by the handler (or by authsvcctl, or a
 * test), lives as long as pool; one thread at a time.
 */
typedef struct authsvc_ctx_t {
    apr_pool_t *pool;
    const struct authsvc_settings_t *settings;
    const authsvc_log_t *log;     /* NULL: silent */
    const authsvc_clock_t *clock; /* NULL: the system's */
    struct authsvc_db_t *db;
    struct authsvc_db_conn_t *txn; /* the open transaction's connection, or NULL */
    apr_interval_time_t db_budget; /* what this request may still spend on the database, us */
    const struct authsvc_repositories_t *repositories;
    struct authsvc_admission_t *admission; /* to hashing; NULL: free */
    authsvc_gate_t *gate;                  /* to waiting; NULL: free */
    authsvc_revocations_t *revocations;    /* of this database; NULL: none, ask the database */
    authsvc_failures_t *failures; /* not written yet; NULL: each is written at once */
    struct authsvc_cache_t *token_cache; /* verified tokens (crypto/token_cache.h); NULL: none */
    struct authsvc_cache_t *identity_cache; /* tokens for backends; NULL: none */
    struct authsvc_cache_t *basic_cache; /* who sent Basic credentials; NULL: none */
    const char *request_id;
    const char *client_ip;  /* textual, NULL if there is none */
    const char *user_agent; /* as sent, NULL if there is none */
    const char *device_token; /* as sent with credentials, NULL if there is none */
    const struct authsvc_principal_t *principal; /* who the access token names, or NULL */

    const authsvc_limiter_t *limiter; /* what requests are counted by; NULL: no limits */
    int exempt;                       /* from rate limits */
    unsigned int counted;             /* by policies; 1 << AUTHSVC_LIMIT_... */
    apr_array_header_t *limit_reports; /* of authsvc_limit_report_t; NULL: none */
} authsvc_ctx_t;

#endif
