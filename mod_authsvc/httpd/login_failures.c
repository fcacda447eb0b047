/* SPDX-License-Identifier: Apache-2.0 */
#include "login_failures.h"

#include <apr_shm.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>

#include "config.h"

APLOG_USE_MODULE(authsvc);

#define USERDATA "authsvc_login_failures_6"
#define ENTRIES 16384 /* 4 MB; what hashing lets through in a second is far less */
#define ALIGNMENT 64

static apr_status_t make_set(apr_pool_t *process_pool, const char *key, authsvc_failures_t **set)
{
    apr_uintptr_t address;
    apr_shm_t *memory;
    apr_status_t status = apr_shm_create(&memory, authsvc_failures_size(ENTRIES) + ALIGNMENT, NULL,
                                         process_pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    address = (apr_uintptr_t)apr_shm_baseaddr_get(memory);
    address = (address + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    status = authsvc_failures_create((void *)address, ENTRIES, set);
    if (status != APR_SUCCESS) {
        apr_shm_destroy(memory);
        return status;
    }
    return apr_pool_userdata_set(*set, apr_pstrdup(process_pool, key), NULL, process_pool);
}

/* The process's pool keeps it for the next generation of children. */
static authsvc_failures_t *set_of(server_rec *s, apr_pool_t *ptemp)
{
    const authsvc_server_config_t *config = authsvc_config_server(s);
    const char *key = apr_psprintf(ptemp, USERDATA " %s %s",
                                   config->dbd.driver ? config->dbd.driver : "",
                                   config->dbd.params ? config->dbd.params : "");
    authsvc_failures_t *set;
    apr_status_t status;
    void *kept = NULL;

    apr_pool_userdata_get(&kept, key, s->process->pool);
    set = kept;
    if (!set) {
        status = make_set(s->process->pool, key, &set);
        if (status != APR_SUCCESS) {
            ap_log_error(APLOG_MARK, APLOG_WARNING, status, s,
                         "AS0607: no shared memory for login failures; each is written at once");
            return NULL;
        }
    }
    return set;
}

int authsvc_login_failures_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                       server_rec *main_server)
{
    (void)pconf;
    (void)plog;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    for (server_rec *s = main_server; s; s = s->next) {
        authsvc_server_config_t *config = authsvc_config_server(s);

        if (config->settings) { /* also where nothing is counted: it may write for others */
            config->failures = set_of(s, ptemp);
        }
    }
    return OK;
}
