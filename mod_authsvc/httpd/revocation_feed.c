/* SPDX-License-Identifier: Apache-2.0 */
#include "revocation_feed.h"

#include <ap_mpm.h>
#include <apr_optional.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <mod_watchdog.h>
#include <stdatomic.h>

#include "authsvc/core/revocations.h"
#include "authsvc/repositories/repositories.h"
#include "authsvc/services/services.h"
#include "config.h"
#include "log_sink.h"

APLOG_USE_MODULE(authsvc);

#define USERDATA "authsvc_revocations_2"
#define INTERVAL (300 * 1000)
#define ALIGNMENT 64
#define DEFAULT_ENTRIES 65536
#define DEFAULT_MAX_STALE (10 * APR_USEC_PER_SEC)
/* A child that stops waits for the look that is under way; to connect takes up to 2 s. */
#define LONGEST_LOOK (2500 * 1000)
#define LONGEST_TIDYING (500 * 1000) /* the next look waits for it */
#define STOP_TIME apr_time_from_sec(3) /* more than a look; who closes meanwhile prevents tidying */
#define STOP_PAUSE (10 * 1000)
#define REMIND_EVERY apr_time_from_sec(60)
/* Databases beyond these share a thread with others, whose failures delay them. */
#define MAX_THREADS 8

/* One database; in each child its own copy, used by its watchdog's thread alone. */
typedef struct {
    server_rec *server; /* one of those that use it */
    authsvc_revocations_t *set;
    apr_interval_time_t lifetime; /* the longest of an access token */
    int leads; /* this child looks, and no other one */
    authsvc_feed_t feed;
    apr_time_t failures_purged_at;
    apr_time_t failures_complained_at; /* monotonic; 0: all is well */
    apr_time_t complained_at; /* monotonic; 0: all is well */
} follower_t;

/* ---- the child's end */

/*
 * mod_watchdog of httpd 2.4 does not wait for its threads when a child ends: its cleanup hangs on a
 * pool that only the parent destroys. So the child's pool waits for those that are at work in it
 * here, and lets none begin.
 */
static _Atomic int at_work; /* threads */
static _Atomic int closed;

/* Counted before it looks at closed: whoever closed and sees none at work is not overtaken. */
static int begin_work(void)
{
    atomic_fetch_add(&at_work, 1);
    if (!atomic_load(&closed)) {
        return 1;
    }
    atomic_fetch_sub(&at_work, 1);
    return 0;
}

static void end_work(void)
{
    atomic_fetch_sub(&at_work, 1);
}

/*
 * Without a mutex, since prefork runs this in a signal's handler, of its main thread. If that came
 * upon the thread within malloc, say, the others may wait for it; so the time is limited.
 */
static apr_status_t wait_for_work(void *data)
{
    apr_time_t end = authsvc_clock_monotonic() + STOP_TIME;

    (void)data;
    atomic_store(&closed, 1);
    while (atomic_load(&at_work) > 0 && authsvc_clock_monotonic() < end) {
        apr_sleep(STOP_PAUSE);
    }
    return APR_SUCCESS;
}

void authsvc_revocation_feed_child_init(apr_pool_t *pchild)
{
    atomic_store(&closed, 0);
    apr_pool_pre_cleanup_register(pchild, NULL, wait_for_work);
}

/* ---- in the child that follows */

static void tell(follower_t *follower, const authsvc_error_t *err, apr_pool_t *pool)
{
    apr_time_t now = authsvc_clock_monotonic();

    if (!err) {
        if (follower->complained_at) {
            ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, follower->server,
                         "AS0601: revocations are followed again");
        }
        follower->complained_at = 0;
    } else if (!follower->complained_at || now - follower->complained_at >= REMIND_EVERY) {
        follower->complained_at = now;
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, follower->server,
                     "AS0600: what other nodes revoke cannot be followed; the database is asked "
                     "for each request until it can: %s", authsvc_error_describe(err, pool));
    }
}

static apr_interval_time_t at_most(apr_interval_time_t time, apr_interval_time_t most)
{
    return time < most ? time : most;
}

static void allow_tidying(authsvc_ctx_t *ctx)
{
    ctx->db_budget = at_most(ctx->settings->db_timeout, LONGEST_TIDYING);
}

static void tidy(follower_t *follower, authsvc_ctx_t *ctx)
{
    authsvc_error_t *err;

    allow_tidying(ctx);
    err = authsvc_feed_tidy(ctx, &follower->feed, follower->lifetime);
    if (err) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, follower->server,
                     "AS0606: the table of revocations could not be tidied up (expired entries "
                     "removed, AuthSvcAccessTokenLifetime recorded); again in a minute: %s",
                     authsvc_error_describe(err, ctx->pool));
    }
}

/* Beside the revocations, what this node counted of login failures. */
static void write_failures(follower_t *follower, authsvc_ctx_t *ctx)
{
    apr_time_t now = authsvc_clock_monotonic();
    authsvc_error_t *err, *other = NULL;

    allow_tidying(ctx);
    err = authsvc_lockout_write(ctx);
    if (!atomic_load(&closed)) { /* however long the writing took */
        allow_tidying(ctx);
        other = authsvc_lockout_tidy(ctx, &follower->failures_purged_at);
    }
    err = err ? err : other;
    if (!err) {
        follower->failures_complained_at = 0;
    } else if (!follower->failures_complained_at ||
               now - follower->failures_complained_at >= REMIND_EVERY) {
        follower->failures_complained_at = now;
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, follower->server,
                     "AS0608: login failures could not be written or tidied up; they count on this "
                     "node, and it is tried again: %s", authsvc_error_describe(err, ctx->pool));
    }
}

static void follow(follower_t *follower, apr_pool_t *pool)
{
    const authsvc_server_config_t *config = authsvc_config_server(follower->server);
    authsvc_ctx_t ctx = {0};
    authsvc_error_t *err;

    if (!config->db) {
        return; /* said by AS0571 */
    }
    ctx.pool = pool;
    ctx.settings = config->settings;
    ctx.log = authsvc_log_sink_server(pool, follower->server);
    ctx.db = config->db;
    ctx.db_budget = at_most(config->settings->db_timeout, LONGEST_LOOK);
    ctx.repositories = &authsvc_repositories;
    ctx.revocations = follower->set;
    ctx.failures = config->failures;
    err = authsvc_feed_follow(&ctx, &follower->feed);
    tell(follower, err, pool);
    if (!err && !atomic_load(&closed)) {
        tidy(follower, &ctx);
    }
    if (!err && ctx.failures && !atomic_load(&closed)) {
        write_failures(follower, &ctx);
    }
}

static int is_stopping(void)
{
    int state = AP_MPMQ_RUNNING;

    return ap_mpm_query(AP_MPMQ_MPM_STATE, &state) == APR_SUCCESS && state == AP_MPMQ_STOPPING;
}

/*
 * One child looks for all, over one connection. A singleton of mod_watchdog would do that, too, but
 * whoever waited for its mutex sleeps for 1 to 10 s after it got it.
 */
static int may_look(follower_t *follower)
{
    if (!follower->leads && authsvc_revocations_lead(follower->set)) {
        follower->leads = 1;
        /* Whoever did it before may have been killed in the middle: from the beginning. */
        memset(&follower->feed, 0, sizeof(follower->feed));
        ap_log_error(APLOG_MARK, APLOG_DEBUG, 0, follower->server,
                     "AS0605: this process follows the revocations from now on");
    }
    return follower->leads;
}

static void resign(follower_t *follower)
{
    if (follower->leads) {
        follower->leads = 0;
        authsvc_revocations_resign(follower->set);
    }
}

/* In each child, by a thread of its own, every INTERVAL. */
static apr_status_t on_watchdog(int state, void *data, apr_pool_t *pool)
{
    follower_t *follower = data;

    if (state == AP_WATCHDOG_STATE_RUNNING && !is_stopping() && begin_work()) {
        if (may_look(follower)) {
            follow(follower, pool);
        }
        end_work();
    } else {
        resign(follower);
    }
    return APR_SUCCESS;
}

/* ---- before the children */

typedef struct {
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *get;
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *watch;
    int n; /* followers so far */
} watchdogs_t;

/* The process's pool keeps it for the next generation of children. */
static apr_status_t make_set(apr_pool_t *process_pool, apr_size_t entries, const char *key,
                             authsvc_revocations_t **set)
{
    apr_size_t size = authsvc_revocations_size(entries);
    apr_uintptr_t address;
    apr_shm_t *memory;
    apr_status_t status = apr_shm_create(&memory, size + ALIGNMENT, NULL, process_pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    address = (apr_uintptr_t)apr_shm_baseaddr_get(memory);
    address = (address + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    status = authsvc_revocations_create((void *)address, entries, set);
    if (status != APR_SUCCESS) {
        apr_shm_destroy(memory);
        return status;
    }
    return apr_pool_userdata_set(*set, apr_pstrdup(process_pool, key), NULL, process_pool);
}

static authsvc_revocations_t *find_or_make_set(server_rec *main_server, const server_rec *s,
                                               apr_pool_t *ptemp)
{
    const authsvc_server_config_t *global = authsvc_config_server(main_server);
    const authsvc_server_config_t *config = authsvc_config_server(s);
    apr_size_t entries = global->revocation_entries_set ? (apr_size_t)global->revocation_entries
                                                        : DEFAULT_ENTRIES;
    apr_pool_t *process_pool = main_server->process->pool;
    const char *key = apr_psprintf(ptemp, USERDATA " %" APR_SIZE_T_FMT " %s %s", entries,
                                   config->dbd.driver, config->dbd.params);
    authsvc_revocations_t *set;
    apr_status_t status;
    void *kept = NULL;

    apr_pool_userdata_get(&kept, key, process_pool);
    set = kept;
    if (!set) {
        status = make_set(process_pool, entries, key, &set);
        if (status != APR_SUCCESS) {
            ap_log_error(APLOG_MARK, APLOG_ERR, status, s,
                         "AS0602: AuthSvcRevocationTableSize: no shared memory for %" APR_SIZE_T_FMT
                         " entries; the database is asked for each request", entries);
            return NULL;
        }
    }
    authsvc_revocations_set_max_stale(set, global->revocation_max_stale_set
                                               ? global->revocation_max_stale
                                               : DEFAULT_MAX_STALE);
    return set;
}

static int start_following(watchdogs_t *watchdogs, follower_t *follower, apr_pool_t *pconf)
{
    const char *name = apr_psprintf(pconf, "_authsvc_revocations_%d_",
                                    watchdogs->n++ % MAX_THREADS);
    ap_watchdog_t *watchdog;
    apr_status_t status = watchdogs->get(&watchdog, name, 0, 0, pconf);

    if (status == APR_SUCCESS) {
        status = watchdogs->watch(watchdog, INTERVAL, follower, on_watchdog);
    }
    if (status != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, status, follower->server,
                     "AS0603: mod_watchdog does not let revocations be followed; the database is "
                     "asked for each request");
        return 0;
    }
    return 1;
}

/* The longest-lived access token of all servers that share the database. */
static apr_interval_time_t longest_lifetime(server_rec *main_server,
                                            const authsvc_server_config_t *config)
{
    apr_interval_time_t longest = 0;

    for (server_rec *s = main_server; s; s = s->next) {
        const authsvc_server_config_t *other = authsvc_config_server(s);

        if (other->settings && authsvc_config_same_database(&config->dbd, &other->dbd) &&
            other->settings->access_lifetime > longest) {
            longest = other->settings->access_lifetime;
        }
    }
    return longest;
}

static const authsvc_server_config_t *earlier_of_same(server_rec *main_server, const server_rec *s)
{
    const authsvc_server_config_t *config = authsvc_config_server(s);

    for (server_rec *other = main_server; other != s; other = other->next) {
        const authsvc_server_config_t *theirs = authsvc_config_server(other);

        if (theirs->settings && authsvc_config_same_database(&config->dbd, &theirs->dbd)) {
            return theirs;
        }
    }
    return NULL;
}

static authsvc_revocations_t *set_of(watchdogs_t *watchdogs, server_rec *main_server,
                                     server_rec *s, apr_pool_t *pconf, apr_pool_t *ptemp)
{
    authsvc_revocations_t *set = find_or_make_set(main_server, s, ptemp);
    follower_t *follower;

    if (!set) {
        return NULL;
    }
    follower = apr_pcalloc(pconf, sizeof(*follower));
    follower->server = s;
    follower->set = set;
    follower->lifetime = longest_lifetime(main_server, authsvc_config_server(s));
    return start_following(watchdogs, follower, pconf) ? set : NULL;
}

int authsvc_revocation_feed_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                        server_rec *main_server)
{
    watchdogs_t watchdogs = {APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance),
                             APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback), 0};
    int said = 0;

    (void)plog;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    for (server_rec *s = main_server; s; s = s->next) {
        authsvc_server_config_t *config = authsvc_config_server(s);
        const authsvc_server_config_t *earlier;

        if (!config->settings) {
            continue;
        }
        if (!watchdogs.get || !watchdogs.watch) {
            if (!said++) {
                ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                             "AS0604: mod_watchdog is not loaded, so that revocations are not "
                             "followed; the database is asked for each request");
            }
            continue;
        }
        earlier = earlier_of_same(main_server, s);
        config->revocations =
            earlier ? earlier->revocations : set_of(&watchdogs, main_server, s, pconf, ptemp);
    }
    return OK;
}
