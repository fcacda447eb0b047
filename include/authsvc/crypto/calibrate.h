/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_CALIBRATE_H
#define AUTHSVC_CRYPTO_CALIBRATE_H

#include <apr_time.h>

#include "authsvc/core/error.h"

/** A cost of Argon2id, and what it was measured to take. */
typedef struct {
    apr_size_t memory; /* octets, whole MiB */
    int passes;
    apr_interval_time_t took; /* one hash, us */
} authsvc_calibration_t;

/**
 * Compute hashes of this cost, and set took.
 * @return UNAVAILABLE if there is not as much memory
 */
typedef authsvc_error_t *authsvc_measure_t(void *baton, authsvc_calibration_t *cost);

/**
 * Find the dearest cost whose hash takes at most this time: first as much memory as may be, with
 * two passes, then more passes. Never less than OWASP's minimum (AUTHSVC_HASH_MEMORY_OWASP, two
 * passes); where that takes longer, it is what comes out, with took > target.
 * @param memory_max octets, AUTHSVC_HASH_MEMORY_OWASP at least
 * @return what measure returned of the minimum, or other than UNAVAILABLE of anything
 */
authsvc_error_t *authsvc_calibrate(apr_interval_time_t target, apr_size_t memory_max,
                                   authsvc_measure_t *measure, void *baton,
                                   authsvc_calibration_t *found);

#endif
