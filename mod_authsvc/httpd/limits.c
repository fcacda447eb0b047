/* SPDX-License-Identifier: Apache-2.0 */
#include "limits.h"

#include <apr_atomic.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>

#include "authsvc/crypto/crypto.h"
#include "child.h"

APLOG_USE_MODULE(authsvc);

#define USERDATA "authsvc_limits_2"
#define ALIGNMENT 64
#define WARN_EVERY 3600 /* seconds */
#define DEFAULT_ENTRIES 262144 /* 2 MiB, of which the system gives what is used */
#define NOTES 65536            /* 512 KiB, likewise */

/* What outlives a reload, for as long as the size stays. */
typedef struct {
    authsvc_rate_store_t store;
    authsvc_rate_store_t notes;
    unsigned char key[AUTHSVC_LIMITER_KEY];
} kept_t;

static apr_status_t make_store(apr_uintptr_t address, apr_size_t entries,
                               authsvc_rate_store_t *store)
{
    authsvc_rate_table_t *table;
    apr_status_t status = authsvc_rate_table_create((void *)address, entries, &table);

    if (status == APR_SUCCESS) {
        authsvc_rate_table_store(table, store);
    }
    return status;
}

static apr_status_t make_stores(apr_pool_t *process_pool, apr_size_t entries, kept_t **kept)
{
    kept_t made;
    apr_size_t size = authsvc_rate_table_size(entries);
    apr_uintptr_t address;
    apr_shm_t *memory;
    /* Without a name: the children inherit it, and it ends with the last of them. */
    apr_status_t status = apr_shm_create(
        &memory, size + authsvc_rate_table_size(NOTES) + ALIGNMENT, NULL, process_pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    address = (apr_uintptr_t)apr_shm_baseaddr_get(memory);
    address = (address + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    status = make_store(address, entries, &made.store);
    if (status == APR_SUCCESS) {
        status = make_store(address + size, NOTES, &made.notes);
    }
    if (status != APR_SUCCESS) {
        apr_shm_destroy(memory);
        return status;
    }
    authsvc_crypto_random(made.key, sizeof(made.key));
    *kept = apr_pmemdup(process_pool, &made, sizeof(made));
    return APR_SUCCESS;
}

static const kept_t *find_or_make(server_rec *main_server, apr_pool_t *ptemp)
{
    const authsvc_server_config_t *config = authsvc_config_server(main_server);
    apr_size_t entries =
        config->limit_entries_set ? (apr_size_t)config->limit_entries : DEFAULT_ENTRIES;
    apr_pool_t *process_pool = main_server->process->pool;
    const char *name = apr_psprintf(ptemp, USERDATA " %" APR_SIZE_T_FMT, entries);
    apr_status_t status;
    kept_t *made = NULL;
    void *kept = NULL;

    apr_pool_userdata_get(&kept, name, process_pool);
    if (kept) {
        return kept;
    }
    status = make_stores(process_pool, entries, &made);
    if (status != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, status, main_server,
                     "AS0641: AuthSvcRateLimitTableSize: no shared memory for %" APR_SIZE_T_FMT
                     " entries; %s", entries,
                     ap_state_query(AP_SQ_CONFIG_GEN) < 2 ? "httpd does not start without"
                                                          : "nothing is limited");
        return NULL;
    }
    apr_pool_userdata_set(made, name, NULL, process_pool);
    return made;
}

/* Servers of one database have the same accounts, and count together. */
static const authsvc_limiter_t *make_limiter(apr_pool_t *pconf, const kept_t *kept,
                                             const authsvc_server_config_t *config)
{
    authsvc_limiter_t *limiter = apr_pcalloc(pconf, sizeof(*limiter));
    const char *database = apr_pstrcat(pconf, config->dbd.driver, " ", config->dbd.params, NULL);

    limiter->store = &kept->store;
    limiter->notes = &kept->notes;
    memcpy(limiter->key, kept->key, sizeof(limiter->key));
    limiter->scope = authsvc_crypto_short_hash(limiter->key, database, strlen(database));
    return limiter;
}

int authsvc_limits_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                               server_rec *main_server)
{
    const kept_t *kept = NULL;

    (void)plog;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    for (server_rec *s = main_server; s; s = s->next) {
        authsvc_server_config_t *config = authsvc_config_server(s);

        if (!config->settings) {
            continue;
        }
        if (!kept) {
            kept = find_or_make(main_server, ptemp);
        }
        if (!kept) {
            /* A reload that fails takes the whole site down, and is not what says so. */
            return ap_state_query(AP_SQ_CONFIG_GEN) < 2 ? HTTP_INTERNAL_SERVER_ERROR : OK;
        }
        config->limiter = make_limiter(pconf, kept, config);
    }
    return OK;
}

static int holds(request_rec *r, const ap_expr_info_t *expression)
{
    const char *failure = NULL;
    int result = ap_expr_exec(r, expression, &failure);

    if (failure) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "AS0642: AuthSvcRateLimitExempt: the expression fails, so that the request "
                      "is limited: %s", failure);
    }
    return !failure && result > 0;
}

int authsvc_limits_exempts(request_rec *r, const authsvc_server_config_t *config)
{
    for (int i = 0; config->exemptions_set && i < config->exemptions->nelts; i++) {
        const authsvc_exemption_t *exemption =
            &APR_ARRAY_IDX(config->exemptions, i, authsvc_exemption_t);

        if (exemption->network ? apr_ipsubnet_test(exemption->network, r->useragent_addr)
                               : holds(r, exemption->expression)) {
            return 1;
        }
    }
    return 0;
}

/* A refusal tells the one rule that is used up. */
static int was_refused_for_address(const authsvc_ctx_t *ctx)
{
    for (int i = 0; ctx->limit_reports && i < ctx->limit_reports->nelts; i++) {
        const authsvc_limit_report_t *report =
            &APR_ARRAY_IDX(ctx->limit_reports, i, authsvc_limit_report_t);

        if (report->is_told && report->rule->key == AUTHSVC_LIMIT_IP) {
            return 1;
        }
    }
    return 0;
}

void authsvc_limits_warn(request_rec *r, const authsvc_ctx_t *ctx)
{
    authsvc_child_t *child = authsvc_config_server(r->server)->child;
    apr_uint32_t now = (apr_uint32_t)apr_time_sec(apr_time_now());
    apr_uint32_t said = apr_atomic_read32(&child->forwarded_logged);

    if (r->useragent_addr != r->connection->client_addr || !was_refused_for_address(ctx) ||
        !apr_table_get(r->headers_in, "X-Forwarded-For") || now - said < WARN_EVERY ||
        apr_atomic_cas32(&child->forwarded_logged, now, said) != said) {
        return;
    }
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                  "AS0643: too many requests come from %s, and they have an X-Forwarded-For. If "
                  "that is a proxy of yours, all its clients share one limit: load mod_remoteip, "
                  "and name the proxy by RemoteIPInternalProxy", r->useragent_ip);
}
