/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/calibrate.h"

#include "authsvc/crypto/password.h"

#define MIB ((apr_size_t)1024 * 1024)
#define PASSES_MIN 2
#define TRIES 10 /* of memory; each comes closer */

static apr_size_t whole_mib(apr_size_t memory)
{
    return memory / MIB * MIB;
}

/* What would take the time that there is, if time went with memory; it does not, so a bit less. */
static apr_size_t scale(const authsvc_calibration_t *cost, apr_interval_time_t target,
                        apr_size_t most)
{
    double wanted = (double)cost->memory * (double)target / (double)(cost->took + 1) * 0.98;

    if (wanted >= (double)most) {
        return whole_mib(most);
    }
    return wanted > (double)AUTHSVC_HASH_MEMORY_OWASP ? whole_mib((apr_size_t)wanted)
                                                      : AUTHSVC_HASH_MEMORY_OWASP;
}

/* 1 if another try would not be worth its time. */
static int is_close(apr_size_t a, apr_size_t b)
{
    return (a > b ? a - b : b - a) <= b / 64;
}

static authsvc_error_t *raise_memory(apr_interval_time_t target, apr_size_t most,
                                     authsvc_measure_t *measure, void *baton,
                                     authsvc_calibration_t *found)
{
    authsvc_calibration_t cost = *found;

    for (int i = 0; i < TRIES; i++) {
        apr_size_t next = scale(&cost, target, most);
        authsvc_error_t *err;

        if (next == cost.memory || is_close(next, found->memory)) {
            return NULL;
        }
        cost.memory = next;
        err = measure(baton, &cost);
        if (err && err->code == AUTHSVC_E_UNAVAILABLE) {
            most = (found->memory + next) / 2;
            cost = *found;
        } else if (err) {
            return err;
        } else if (cost.took <= target && cost.memory > found->memory) {
            *found = cost;
        }
    }
    return NULL;
}

static authsvc_error_t *raise_passes(apr_interval_time_t target, authsvc_measure_t *measure,
                                     void *baton, authsvc_calibration_t *found)
{
    authsvc_calibration_t cost = *found;
    apr_interval_time_t passes = target * cost.passes / (cost.took + 1);

    cost.passes = (int)(passes < AUTHSVC_HASH_PASSES_MAX ? passes : AUTHSVC_HASH_PASSES_MAX);
    for (; cost.passes > found->passes; cost.passes--) {
        AUTHSVC_TRY(measure(baton, &cost));
        if (cost.took <= target) {
            *found = cost;
        }
    }
    return NULL;
}

authsvc_error_t *authsvc_calibrate(apr_interval_time_t target, apr_size_t memory_max,
                                   authsvc_measure_t *measure, void *baton,
                                   authsvc_calibration_t *found)
{
    found->memory = AUTHSVC_HASH_MEMORY_OWASP;
    found->passes = PASSES_MIN;
    AUTHSVC_TRY(measure(baton, found));
    if (found->took > target) {
        return NULL;
    }
    AUTHSVC_TRY(raise_memory(target, memory_max, measure, baton, found));
    return raise_passes(target, measure, baton, found);
}
