/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_ADMISSION_H
#define AUTHSVC_CRYPTO_ADMISSION_H

#include <apr_pools.h>
#include <apr_time.h>
#include <sys/types.h>

#include "authsvc/core/error.h"

/**
 * Server-wide admission to hashing: so many slots hash at a time, so many callers queue for one.
 * Two System V semaphores taken with SEM_UNDO, so that the kernel returns what a killed child
 * held (semop(2)).
 */
typedef struct authsvc_admission_t authsvc_admission_t;

/**
 * Create the set. Call in the parent, as root; children inherit it by fork.
 * @param pool its cleanup removes the set from the system
 * @param slots hashing at the same time, >= 1
 * @param places in the queue, beside those hashing, >= 0
 * @param wait longest wait for a slot, microseconds
 * @param uid, gid who may use it (the httpd user); (uid_t)-1 leaves the creator's
 */
authsvc_error_t *authsvc_admission_create(apr_pool_t *pool, int slots, int places,
                                          apr_interval_time_t wait, uid_t uid, gid_t gid,
                                          authsvc_admission_t **admission);

/** Change the number of slots or places of a living set, for a reload with new settings. */
authsvc_error_t *authsvc_admission_resize(authsvc_admission_t *admission, apr_pool_t *pool,
                                          int slots, int places, apr_interval_time_t wait);

/**
 * Take a slot.
 * @param pool for the error
 * @return NULL: hash now, then authsvc_admission_leave; UNAVAILABLE "overloaded" with
 *   retry_after: no place in the queue, or no slot within the wait
 */
authsvc_error_t *authsvc_admission_enter(authsvc_admission_t *admission, apr_pool_t *pool);

/** Give the slot back. */
void authsvc_admission_leave(authsvc_admission_t *admission);

/** How many slots and places are free now. For tests and status pages. */
void authsvc_admission_free(authsvc_admission_t *admission, int *slots, int *places);

/**
 * 1 unless the set was removed from the system (ipcrm(1)): then nobody is admitted any more. NULL,
 * which admits everybody, is alive.
 */
int authsvc_admission_alive(const authsvc_admission_t *admission);

/** CPUs this process may run on (sched_getaffinity(2)), at least 1: the default of slots. */
int authsvc_admission_usable_cpus(void);

#endif
