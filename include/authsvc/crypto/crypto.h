/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_CRYPTO_H
#define AUTHSVC_CRYPTO_CRYPTO_H

#include <apr_pools.h>

#include "authsvc/core/error.h"

/** Start libsodium. Once per process, before anything else here; harmless when repeated. */
authsvc_error_t *authsvc_crypto_init(apr_pool_t *pool);

/** Fill with octets from the system's generator. */
void authsvc_crypto_random(unsigned char *out, apr_size_t len);

/** Overwrite with zeros, whatever the compiler thinks of it. */
void authsvc_crypto_wipe(void *data, apr_size_t len);

#define AUTHSVC_SHORT_HASH_KEY 16

/**
 * A keyed hash of 64 bits (SipHash-2-4): nobody who does not know the key can choose what
 * collides.
 */
apr_uint64_t authsvc_crypto_short_hash(const unsigned char key[AUTHSVC_SHORT_HASH_KEY],
                                       const void *data, apr_size_t len);

/** SHA-256 (FIPS 180-4). */
void authsvc_crypto_sha256(const void *data, apr_size_t len, unsigned char out[32]);

#endif
