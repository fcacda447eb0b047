/* SPDX-License-Identifier: Apache-2.0 */
#include "hash_slots.h"

#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <unistd.h>
#include <unixd.h>

#include "authsvc/crypto/admission.h"
#include "config.h"

APLOG_USE_MODULE(authsvc);

#define USERDATA "authsvc_admission_1"
#define PLACES_PER_SLOT 32
#define WAIT (5 * APR_USEC_PER_SEC)

typedef struct {
    int slots;
    int places;
    apr_interval_time_t wait;
} slots_size_t;

static slots_size_t wanted_size(const authsvc_server_config_t *config)
{
    slots_size_t size;

    size.slots = config->hash_slots_set ? config->hash_slots : authsvc_admission_usable_cpus();
    size.places = config->hash_places_set ? config->hash_places : PLACES_PER_SLOT * size.slots;
    size.wait = config->hash_wait_set ? config->hash_wait : WAIT;
    return size;
}

static int is_anything_mounted(const server_rec *s)
{
    for (; s; s = s->next) {
        if (authsvc_config_server(s)->settings) {
            return 1;
        }
    }
    return 0;
}

/* Only root can give the set away; anybody else's children are the creator's own. */
static authsvc_error_t *create(apr_pool_t *pool, slots_size_t size,
                               authsvc_admission_t **admission)
{
    int is_root = geteuid() == 0;

    return authsvc_admission_create(pool, size.slots, size.places, size.wait,
                                    is_root ? ap_unixd_config.user_id : (uid_t)-1,
                                    is_root ? ap_unixd_config.group_id : (gid_t)-1, admission);
}

static authsvc_error_t *create_or_resize(apr_pool_t *process_pool, apr_pool_t *ptemp,
                                         slots_size_t size, authsvc_admission_t **admission)
{
    void *kept = NULL;

    apr_pool_userdata_get(&kept, USERDATA, process_pool);
    /* Not if somebody removed it: the new children get a new one. */
    if (kept && authsvc_admission_alive(kept)) {
        *admission = kept;
        return authsvc_admission_resize(kept, ptemp, size.slots, size.places, size.wait);
    }
    AUTHSVC_TRY(create(process_pool, size, admission));
    apr_pool_userdata_set(*admission, USERDATA, NULL, process_pool);
    return NULL;
}

int authsvc_hash_slots_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                   server_rec *main_server)
{
    authsvc_admission_t *admission = NULL;
    authsvc_error_t *err;
    server_rec *s;

    (void)pconf;
    (void)plog;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG ||
        !is_anything_mounted(main_server)) {
        return OK;
    }
    err = create_or_resize(main_server->process->pool, ptemp,
                           wanted_size(authsvc_config_server(main_server)), &admission);
    if (err) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, main_server,
                     "AS0550: AuthSvcHashSlots: the semaphores could not be %s: %s",
                     admission ? "resized" : "made (see /proc/sys/kernel/sem)",
                     authsvc_error_describe(err, ptemp));
        /* A reload that fails here would take the whole site down with it: then only the account
           service is missing. */
        if (!admission && ap_state_query(AP_SQ_CONFIG_GEN) < 2) {
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    for (s = main_server; s; s = s->next) {
        authsvc_config_server(s)->admission = admission;
    }
    return OK;
}
