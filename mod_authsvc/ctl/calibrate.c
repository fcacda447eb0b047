/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/calibrate.h"

#include <apr_strings.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "authsvc/core/context.h"
#include "authsvc/core/settings.h"
#include "authsvc/core/units.h"
#include "authsvc/crypto/admission.h"
#include "authsvc/crypto/password.h"
#include "ctl.h"

#define MIB ((apr_size_t)1024 * 1024)
#define MEMORY_MAX ((apr_size_t)1024 * MIB)
#define SLOTS_MAX 1024
#define HASHES 3 /* of each measurement; the middle one counts */
#define PASSWORD "correct horse battery staple"

typedef struct {
    apr_interval_time_t time;
    apr_size_t memory_max;
    int slots;
} wanted_t;

/* One of the threads that hash at the same time. */
typedef struct {
    const authsvc_calibration_t *cost;
    authsvc_error_t *err;
    apr_pool_t *pool;
    pthread_t thread;
} worker_t;

static authsvc_error_t *hash_once(apr_pool_t *parent, const authsvc_calibration_t *cost,
                                  apr_interval_time_t *took)
{
    authsvc_settings_t settings = {0};
    authsvc_ctx_t ctx = {0};
    authsvc_error_t *err;
    const char *hash;
    apr_time_t start;

    ctx.pool = parent;
    ctx.settings = &settings;
    settings.hash_memory = cost->memory;
    settings.hash_passes = cost->passes;
    start = authsvc_clock_monotonic();
    err = authsvc_password_hash(&ctx, PASSWORD, strlen(PASSWORD), &hash);
    *took = authsvc_clock_monotonic() - start;
    return err;
}

static authsvc_error_t *measure(void *baton, authsvc_calibration_t *cost)
{
    ctl_t *ctl = baton;
    apr_interval_time_t took[HASHES], swap;

    for (int i = 0; i < HASHES; i++) {
        AUTHSVC_TRY(hash_once(ctl->pool, cost, &took[i]));
        for (int k = i; k > 0 && took[k] < took[k - 1]; k--) {
            swap = took[k];
            took[k] = took[k - 1];
            took[k - 1] = swap;
        }
    }
    cost->took = took[HASHES / 2];
    return NULL;
}

static void *work(void *baton)
{
    worker_t *worker = baton;
    apr_interval_time_t took;

    for (int i = 0; i < HASHES && !worker->err; i++) {
        worker->err = hash_once(worker->pool, worker->cost, &took);
    }
    return NULL;
}

/* All slots busy: they share CPUs and memory. @return CTL_OK, or what to exit with */
static int measure_together(ctl_t *ctl, const authsvc_calibration_t *cost, int slots,
                            double *per_second)
{
    worker_t *workers = apr_pcalloc(ctl->pool, sizeof(*workers) * (apr_size_t)slots);
    apr_time_t start = authsvc_clock_monotonic();
    int begun, status = CTL_OK;

    for (begun = 0; begun < slots; begun++) {
        workers[begun].cost = cost;
        apr_pool_create(&workers[begun].pool, NULL);
        if (pthread_create(&workers[begun].thread, NULL, work, &workers[begun]) != 0) {
            status = authsvc_ctl_failed(ctl, "no thread could be made for each of %d slots", slots);
            break;
        }
    }
    for (int i = 0; i < begun; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    *per_second = (double)slots * HASHES * APR_USEC_PER_SEC /
                  (double)(authsvc_clock_monotonic() - start + 1);
    for (int i = 0; i < begun && status == CTL_OK; i++) {
        if (workers[i].err) {
            status = authsvc_ctl_failed(ctl, "there is not the memory for %d hashes at the same "
                                             "time: give less with --memory-max, or --slots",
                                        slots);
        }
    }
    return status;
}

static apr_size_t machine_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

    return pages > 0 && size > 0 ? (apr_size_t)pages * (apr_size_t)size : MEMORY_MAX;
}

/* A quarter of the machine's for all slots together. */
static apr_size_t default_memory(int slots)
{
    apr_size_t memory = machine_memory() / 4 / (apr_size_t)slots;

    if (memory < AUTHSVC_HASH_MEMORY_OWASP) {
        return AUTHSVC_HASH_MEMORY_OWASP;
    }
    return memory < MEMORY_MAX ? memory : MEMORY_MAX;
}

static int read_wanted(ctl_t *ctl, const char *time, const char *memory, const char *slots_arg,
                       wanted_t *wanted)
{
    long slots = authsvc_admission_usable_cpus();

    wanted->time = 250 * 1000;
    if (time && (!authsvc_duration_parse(time, &wanted->time) || wanted->time < 10 * 1000 ||
                 wanted->time > 60 * APR_USEC_PER_SEC)) {
        return authsvc_ctl_misused(ctl, "--time takes a time from 10ms to 60s, such as 250ms");
    }
    if (slots_arg && !authsvc_integer_parse(slots_arg, 1, SLOTS_MAX, &slots)) {
        return authsvc_ctl_misused(ctl, "--slots takes a number from 1 to %d", SLOTS_MAX);
    }
    wanted->slots = (int)slots;
    wanted->memory_max = default_memory(wanted->slots);
    if (memory && (!authsvc_size_parse(memory, &wanted->memory_max) ||
                   wanted->memory_max < AUTHSVC_HASH_MEMORY_OWASP ||
                   wanted->memory_max > AUTHSVC_HASH_MEMORY_MAX)) {
        return authsvc_ctl_misused(ctl, "--memory-max takes a size from 19M (OWASP's minimum, "
                                        "with 2 passes) to 4G (the most that "
                                        "AuthSvcPasswordCost takes)");
    }
    if (wanted->memory_max > machine_memory() / (apr_size_t)wanted->slots) {
        return authsvc_ctl_failed(ctl, "%d hashes of %" APR_SIZE_T_FMT " MiB at the same time are "
                                       "more than this machine's memory",
                                  wanted->slots, wanted->memory_max / MIB);
    }
    return CTL_OK;
}

/* As lines for httpd's configuration: all but the last one are comments. */
static void print(ctl_t *ctl, const wanted_t *wanted, const authsvc_calibration_t *cost,
                  double per_second)
{
    apr_size_t mib = cost->memory / MIB;

    if (cost->took > wanted->time) {
        fprintf(ctl->out, "# Even OWASP's minimum takes longer here than the %.0f ms that were "
                          "asked for.\n",
                (double)wanted->time / 1000);
    }
    fprintf(ctl->out,
            "# One Argon2id of %zu MiB and %d passes takes %.0f ms on this machine.\n"
            "# With AuthSvcHashSlots %d: %.1f logins a second at most, and %zu MiB while they "
            "last.\n"
            "AuthSvcPasswordCost %zuM %d\n",
            mib, cost->passes, (double)cost->took / 1000, wanted->slots, per_second,
            mib * (apr_size_t)wanted->slots, mib, cost->passes);
}

int authsvc_ctl_calibrate(ctl_t *ctl, int argc, char **argv)
{
    const char *time = NULL, *memory = NULL, *slots = NULL;
    const ctl_option_t options[] = {{"time", &time, NULL},
                                    {"memory-max", &memory, NULL},
                                    {"slots", &slots, NULL},
                                    {0}};
    apr_array_header_t *operands;
    authsvc_calibration_t cost;
    wanted_t wanted = {0};
    double per_second = 0;
    authsvc_error_t *err;
    int status = authsvc_ctl_options(ctl, argc, argv, options, &operands);

    if (status == CTL_OK && operands->nelts != 0) {
        status = authsvc_ctl_misused(ctl, "takes options only");
    }
    if (status == CTL_OK) {
        status = read_wanted(ctl, time, memory, slots, &wanted);
    }
    if (status != CTL_OK) {
        return status;
    }
    err = authsvc_calibrate(wanted.time, wanted.memory_max, measure, ctl, &cost);
    if (err) {
        return authsvc_ctl_report(ctl, err);
    }
    status = measure_together(ctl, &cost, wanted.slots, &per_second);
    if (status == CTL_OK) {
        print(ctl, &wanted, &cost, per_second);
    }
    return status;
}
