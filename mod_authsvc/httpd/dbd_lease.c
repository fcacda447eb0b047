/* SPDX-License-Identifier: Apache-2.0 */
#include "dbd_lease.h"

#include <ap_mpm.h>
#include <apr_optional.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <errno.h>
#include <fcntl.h>
#include <http_log.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "authsvc/core/clock.h"
#include "authsvc/db/provider.h"
#include "config.h"

APLOG_USE_MODULE(authsvc);

#define CONNECT_TIME (2 * APR_USEC_PER_SEC) /* what ap_dbd_open may take at least */
#define BREAK_TIME (1 * APR_USEC_PER_SEC)
#define FAIR_TIME (APR_USEC_PER_SEC / 2) /* who had less to heal a connection proves nothing */
#define STOP_TIME (5 * APR_USEC_PER_SEC)
#define SPARE_FILES 8
#define CONFIG_KEY "authsvc_dbd_config"
#define HOLD_KEY "authsvc_dbd_hold"

/* One connection of mod_dbd's. Lives in its pool, so it is still there when mod_dbd hands the
   same connection out again. */
typedef struct hold_t hold_t;
struct hold_t {
    hold_t *next;
    ap_dbd_t *dbd;
    authsvc_db_conn_t *conn;
    apr_time_t idle_since; /* monotonic */
    /* while it is leased: */
    int was_bad; /* the lessee has to heal it */
    int is_fair; /* and has time enough to */
    int is_probe;
    sigset_t signals; /* what prefork's lessee blocked before */
};

/*
 * The state of a database in this process; everything below mutex is under it.
 *
 * failing is the circuit breaker: the last attempt to connect or to heal went wrong. Then clean
 * connections are still handed out, but nobody waits; after BREAK_TIME one at a time may try
 * again.
 */
typedef struct {
    authsvc_db_t db;
    server_rec *server;
    apr_interval_time_t connect_time;
    int is_threaded;
    int threads;
    APR_OPTIONAL_FN_TYPE(ap_dbd_open) *open;
    APR_OPTIONAL_FN_TYPE(ap_dbd_close) *close;

    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *changed;
    hold_t *idle; /* last given back first */
    hold_t *leased;
    int held;   /* connections in both lists */
    int limit;  /* how many may be, known after the first */
    apr_interval_time_t expiry; /* DBDExptime; 0: never */
    int inside; /* a thread is in mod_dbd */
    int failing;
    int probing;
    apr_time_t retry_at;
    int stopping;
} lease_t;

/* A thread's way through take(). */
typedef struct {
    lease_t *lease;
    authsvc_ctx_t *ctx;
    apr_time_t deadline;
    int in_gate;
    int is_probe;
    sigset_t signals;
} taking_t;

apr_status_t authsvc_lease_post_connect(apr_pool_t *pool, dbd_cfg_t *config, ap_dbd_t *dbd)
{
    (void)pool;
    return apr_pool_userdata_set(config, CONFIG_KEY, NULL, dbd->pool);
}

static authsvc_error_t *unavailable(authsvc_ctx_t *ctx, const char *why)
{
    return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL, "database connection: %s",
                         why);
}

static void push(hold_t **list, hold_t *hold)
{
    hold->next = *list;
    *list = hold;
}

static void unlink_hold(hold_t **list, const hold_t *hold)
{
    for (; *list; list = &(*list)->next) {
        if (*list == hold) {
            *list = hold->next;
            return;
        }
    }
}

static hold_t *find_idle(const lease_t *lease, authsvc_db_state_t state)
{
    hold_t *hold;

    for (hold = lease->idle; hold; hold = hold->next) {
        if (authsvc_db_conn_state(hold->conn) == state) {
            return hold;
        }
    }
    return NULL;
}

static void set_failing(lease_t *lease)
{
    lease->failing = 1;
    lease->retry_at = authsvc_clock_monotonic() + BREAK_TIME;
    apr_thread_cond_broadcast(lease->changed);
}

static void lend(taking_t *taking, hold_t *hold)
{
    lease_t *lease = taking->lease;

    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): hold_of gives one, or an error */
    hold->was_bad = authsvc_db_conn_state(hold->conn) == AUTHSVC_DB_BAD;
    hold->is_fair = taking->deadline - authsvc_clock_monotonic() >= FAIR_TIME;
    hold->is_probe = hold->was_bad && taking->is_probe;
    if (hold->is_probe) {
        lease->probing = 1;
    }
    unlink_hold(&lease->idle, hold);
    push(&lease->leased, hold);
}

static const dbd_cfg_t *config_of(const ap_dbd_t *dbd)
{
    void *known = NULL;

    apr_pool_userdata_get(&known, CONFIG_KEY, dbd->pool);
    return known;
}

/*
 * What we read in the configuration tree decides who shares connections. Should mod_dbd ever have
 * understood it otherwise, one tenant's requests would go to another's database.
 */
static int is_ours(const lease_t *lease, const ap_dbd_t *dbd)
{
    const authsvc_dbd_facts_t *facts = &authsvc_config_server(lease->server)->dbd;
    const dbd_cfg_t *config = config_of(dbd);

    return config && strcmp(config->name, facts->driver) == 0 &&
           strcmp(config->params, facts->params) == 0 && config->init_queries->nelts == 0;
}

/* In a pool of its own, lest each failed attempt leaves something behind in the connection's. */
static authsvc_error_t *attach(lease_t *lease, authsvc_ctx_t *ctx,
                               const authsvc_db_driver_t *driver, ap_dbd_t *dbd, hold_t **hold)
{
    authsvc_error_t *err;
    apr_pool_t *pool;
    hold_t *made;

    apr_pool_create(&pool, dbd->pool);
    made = apr_pcalloc(pool, sizeof(*made));
    made->dbd = dbd;
    err = authsvc_db_attach(driver, apr_dbd_native_handle(dbd->driver, dbd->handle), &lease->db,
                            pool, &made->conn);
    if (err) {
        err = unavailable(ctx, authsvc_error_describe(err, ctx->pool));
        apr_pool_destroy(pool);
        return err;
    }
    *authsvc_db_conn_baton(made->conn) = made;
    *hold = made;
    return NULL;
}

/* What we keep beside a connection; made when we see it for the first time. */
static authsvc_error_t *hold_of(lease_t *lease, authsvc_ctx_t *ctx, ap_dbd_t *dbd, hold_t **hold)
{
    const authsvc_db_driver_t *driver = authsvc_db_driver_find(apr_dbd_name(dbd->driver));
    void *known = NULL;

    if (!is_ours(lease, dbd)) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, lease->server,
                     "AS0572: mod_dbd's connection is not of this server's DBDriver and DBDParams, "
                     "or has run a DBDInitSQL: it is not used");
        return unavailable(ctx, "mod_dbd opened another one than this server's");
    }
    apr_pool_userdata_get(&known, HOLD_KEY, dbd->pool);
    if (known) {
        *hold = known;
        return NULL;
    }
    if (!driver) {
        return AUTHSVC_INTERNAL(ctx->pool, "no driver for DBDriver %s",
                                apr_dbd_name(dbd->driver));
    }
    AUTHSVC_TRY(attach(lease, ctx, driver, dbd, hold));
    apr_pool_userdata_setn(*hold, HOLD_KEY, NULL, dbd->pool);
    return NULL;
}

/*
 * Other modules may use the same DBD settings, and wait for ever for a connection that we keep:
 * one is left to them.
 */
static void learn_limits(lease_t *lease, const ap_dbd_t *dbd)
{
    const dbd_cfg_t *config = config_of(dbd);

    lease->limit = config->nmax > 1 ? config->nmax - 1 : 1;
    lease->expiry = apr_time_from_sec(config->exptime);
}

/* Called and left with the mutex locked; opens without. */
static authsvc_error_t *open_one(taking_t *taking, hold_t **hold)
{
    lease_t *lease = taking->lease;
    authsvc_error_t *err = NULL;
    ap_dbd_t *dbd;

    lease->inside = 1;
    lease->probing = taking->is_probe;
    apr_thread_mutex_unlock(lease->mutex);
    dbd = lease->open(taking->ctx->pool, lease->server);
    if (dbd) {
        err = hold_of(lease, taking->ctx, dbd, hold);
        if (err) {
            lease->close(lease->server, dbd);
        }
    } else {
        err = unavailable(taking->ctx, "mod_dbd could not open one");
    }
    apr_thread_mutex_lock(lease->mutex);
    lease->inside = 0;
    lease->probing = 0;
    if (err) {
        set_failing(lease);
        return err;
    }
    learn_limits(lease, dbd);
    lease->failing = 0;
    lease->held++;
    lend(taking, *hold);
    apr_thread_cond_broadcast(lease->changed);
    return NULL;
}

/*
 * Out of descriptors, httpd answers 403 for the site's own files. So a connection is opened only as
 * long as each thread could have one more, or a third of all that there are is left.
 */
static int has_descriptors(const lease_t *lease)
{
    rlim_t spare = (rlim_t)lease->threads + SPARE_FILES;
    struct rlimit limit;
    int next;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return 1;
    }
    if (spare > limit.rlim_cur / 3) {
        spare = limit.rlim_cur / 3 > SPARE_FILES ? limit.rlim_cur / 3 : SPARE_FILES;
    }
    next = open("/dev/null", O_RDONLY | O_CLOEXEC); /* gets the lowest number that is free */
    if (next < 0) {
        return errno != EMFILE && errno != ENFILE; /* a chroot may have no /dev/null */
    }
    close(next);
    return (rlim_t)next + spare <= limit.rlim_cur;
}

/* Nothing is there to be had at once: wait, unless that is hopeless or too many do already. */
static authsvc_error_t *wait_for_change(taking_t *taking)
{
    lease_t *lease = taking->lease;
    apr_interval_time_t rest = taking->deadline - authsvc_clock_monotonic();

    if (rest <= 0) {
        return unavailable(taking->ctx, "none was free in time");
    }
    if (lease->held == 0 && !lease->inside) {
        return unavailable(taking->ctx, "too little time, or too few descriptors "
                           "(RLIMIT_NOFILE), are left to open one");
    }
    if (!taking->in_gate) {
        if (!authsvc_gate_enter(taking->ctx->gate)) {
            return AUTHSVC_ERROR(taking->ctx->pool, AUTHSVC_E_UNAVAILABLE, "overloaded", NULL,
                                 "database connection: too many threads wait already");
        }
        taking->in_gate = 1;
    }
    apr_thread_cond_timedwait(lease->changed, lease->mutex, rest);
    return NULL;
}

/*
 * prefork ends a child within the signal's handler. So it waits for the lease to end, lest it pulls
 * the connection from under the statement.
 */
static void hold_signals(const lease_t *lease, sigset_t *before)
{
    sigset_t ending;

    if (!lease->is_threaded) {
        sigemptyset(&ending);
        sigaddset(&ending, SIGTERM);
        sigaddset(&ending, SIGHUP);
        pthread_sigmask(SIG_BLOCK, &ending, before);
    }
}

static void release_signals(const lease_t *lease, const sigset_t *before)
{
    if (!lease->is_threaded) {
        pthread_sigmask(SIG_SETMASK, before, NULL);
    }
}

/* One look at what there is. *hold stays NULL if the thread has to look again. */
static authsvc_error_t *try_take(taking_t *taking, hold_t **hold)
{
    lease_t *lease = taking->lease;
    apr_time_t now = authsvc_clock_monotonic();

    if (lease->stopping) {
        return unavailable(taking->ctx, "the process is ending");
    }
    *hold = find_idle(lease, AUTHSVC_DB_CLEAN);
    if (*hold) {
        lend(taking, *hold);
        return NULL;
    }
    taking->is_probe = 0;
    if (lease->failing) {
        if (lease->probing || now < lease->retry_at) {
            return unavailable(taking->ctx, "the last attempt failed a moment ago");
        }
        taking->is_probe = 1;
    }
    *hold = find_idle(lease, AUTHSVC_DB_BAD);
    if (*hold) {
        lend(taking, *hold);
        return NULL;
    }
    if (lease->held < lease->limit && !lease->inside &&
        taking->deadline - now >= lease->connect_time && has_descriptors(lease)) {
        return open_one(taking, hold);
    }
    return wait_for_change(taking);
}

static authsvc_error_t *take(authsvc_db_t *db, authsvc_ctx_t *ctx, apr_time_t deadline,
                             authsvc_db_conn_t **conn)
{
    lease_t *lease = db->provider;
    taking_t taking = {.lease = lease, .ctx = ctx, .deadline = deadline};
    authsvc_error_t *err = NULL;
    hold_t *hold = NULL;

    hold_signals(lease, &taking.signals);
    apr_thread_mutex_lock(lease->mutex);
    while (!err && !hold) {
        err = try_take(&taking, &hold);
    }
    apr_thread_mutex_unlock(lease->mutex);
    if (taking.in_gate) {
        authsvc_gate_leave(ctx->gate);
    }
    if (err) {
        release_signals(lease, &taking.signals);
        return err;
    }
    hold->signals = taking.signals;
    *conn = hold->conn;
    return NULL;
}

static hold_t *pick_expired(lease_t *lease, apr_time_t now)
{
    hold_t **link = &lease->idle;
    hold_t *expired = NULL;

    while (lease->expiry > 0 && *link) {
        hold_t *hold = *link;

        if (now - hold->idle_since >= lease->expiry) {
            *link = hold->next;
            push(&expired, hold);
        } else {
            link = &hold->next;
        }
    }
    return expired;
}

/* Called without the mutex, by the one thread that is inside. */
static int close_all(lease_t *lease, hold_t *hold)
{
    int n = 0;

    while (hold) {
        hold_t *next = hold->next;

        lease->close(lease->server, hold->dbd);
        hold = next;
        n++;
    }
    return n;
}

static void give(authsvc_db_t *db, authsvc_ctx_t *ctx, authsvc_db_conn_t *conn)
{
    lease_t *lease = db->provider;
    hold_t *hold = *authsvc_db_conn_baton(conn);
    hold_t *expired = NULL;
    sigset_t signals = hold->signals;

    (void)ctx;
    apr_thread_mutex_lock(lease->mutex);
    unlink_hold(&lease->leased, hold);
    if (hold->is_probe) {
        lease->probing = 0;
    }
    if (authsvc_db_conn_state(conn) == AUTHSVC_DB_CLEAN) {
        lease->failing = 0;
    } else if (hold->was_bad && hold->is_fair) {
        set_failing(lease);
    }
    hold->idle_since = authsvc_clock_monotonic();
    if (!lease->inside) {
        expired = pick_expired(lease, hold->idle_since);
        lease->inside = expired != NULL;
    }
    push(&lease->idle, hold);
    apr_thread_cond_signal(lease->changed);
    apr_thread_mutex_unlock(lease->mutex);

    if (expired) {
        int closed = close_all(lease, expired);

        apr_thread_mutex_lock(lease->mutex);
        lease->inside = 0;
        lease->held -= closed;
        apr_thread_cond_broadcast(lease->changed);
        apr_thread_mutex_unlock(lease->mutex);
    }
    release_signals(lease, &signals);
}

/*
 * The MPM's threads have ended before this, as a rule, and the one that follows revocations has
 * been waited for (revocation_feed.c); what somebody still holds he gets a moment for.
 */
static void wait_for_lessees(lease_t *lease)
{
    apr_time_t end = authsvc_clock_monotonic() + STOP_TIME;
    apr_interval_time_t rest = STOP_TIME;

    while ((lease->leased || lease->inside) && rest > 0) {
        apr_thread_cond_timedwait(lease->changed, lease->mutex, rest);
        rest = end - authsvc_clock_monotonic();
    }
}

/*
 * Before mod_dbd's pool goes: apr_reslist aborts the process if a connection has not come back.
 * prefork runs this from a signal handler: there its one thread leases nothing (hold_signals), and
 * the one that follows revocations has been waited for, as above.
 */
static apr_status_t stop(void *data)
{
    lease_t *lease = data;
    hold_t *leased, *idle;

    if (lease->is_threaded) {
        apr_thread_mutex_lock(lease->mutex);
        lease->stopping = 1;
        apr_thread_cond_broadcast(lease->changed);
        wait_for_lessees(lease);
    }
    /* Both at once: who gives back later still must not have the same connection closed twice. */
    lease->stopping = 1;
    leased = lease->leased;
    idle = lease->idle;
    lease->leased = NULL;
    lease->idle = NULL;
    if (lease->is_threaded) {
        apr_thread_mutex_unlock(lease->mutex);
    }
    close_all(lease, leased);
    close_all(lease, idle);
    return APR_SUCCESS;
}

authsvc_error_t *authsvc_lease_create(apr_pool_t *pchild, server_rec *s, int prepared_statements,
                                      authsvc_db_t **db)
{
    const authsvc_server_config_t *config = authsvc_config_server(s);
    lease_t *lease = apr_pcalloc(pchild, sizeof(*lease));

    lease->server = s;
    lease->limit = 1;
    /* A smaller budget than CONNECT_TIME must not mean that nobody ever connects. */
    lease->connect_time = config->settings->db_timeout * 2 / 3;
    if (lease->connect_time > CONNECT_TIME) {
        lease->connect_time = CONNECT_TIME;
    }
    lease->open = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_open);
    lease->close = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_close);
    if (!lease->open || !lease->close) {
        return AUTHSVC_INTERNAL(pchild, "mod_dbd is not loaded");
    }
    if (ap_mpm_query(AP_MPMQ_IS_THREADED, &lease->is_threaded) != APR_SUCCESS) {
        lease->is_threaded = 1;
    }
    if (ap_mpm_query(AP_MPMQ_MAX_THREADS, &lease->threads) != APR_SUCCESS || lease->threads < 1) {
        lease->threads = 1;
    }
    if (apr_thread_mutex_create(&lease->mutex, APR_THREAD_MUTEX_DEFAULT, pchild) != APR_SUCCESS ||
        apr_thread_cond_create(&lease->changed, pchild) != APR_SUCCESS) {
        return AUTHSVC_INTERNAL(pchild, "a mutex or condition could not be made");
    }
    lease->db.take = take;
    lease->db.give = give;
    lease->db.provider = lease;
    lease->db.prepared_statements = prepared_statements;
    AUTHSVC_TRY(authsvc_db_setup(&lease->db, pchild));
    apr_pool_pre_cleanup_register(pchild, lease, stop);
    *db = &lease->db;
    return NULL;
}
