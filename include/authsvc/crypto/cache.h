/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_CACHE_H
#define AUTHSVC_CRYPTO_CACHE_H

#include <apr_pools.h>
#include <apr_time.h>

#include "authsvc/core/error.h"

/**
 * What one process found out about secrets, for as long as it holds: at most so many values, of at
 * most so many octets. It is asked by a keyed hash of the secret, under a key of its own that is
 * drawn at its start, so that it holds no secret and nobody can choose where one lies. Threads
 * share it. A value is not found before the second it was put in (the clock was set back), nor
 * from the second its time is over.
 */
typedef struct authsvc_cache_t authsvc_cache_t;

#define AUTHSVC_CACHE_KEY_OCTETS 32

/** Where a value is found. */
typedef struct {
    unsigned char octets[AUTHSVC_CACHE_KEY_OCTETS];
} authsvc_cache_key_t;

/**
 * Make an empty one. Its memory is the system's until it is first used.
 * @param entries at least 1; rounded up to 4 times a power of two
 * @param value_max octets
 * @return INTERNAL if there is no memory
 */
authsvc_error_t *authsvc_cache_create(apr_pool_t *pool, apr_uint32_t entries,
                                      apr_size_t value_max, authsvc_cache_t **cache);

/**
 * @param scope the same secret in another scope has another key; compared by address
 * @return 0 if the hash could not be made: there is no key then
 */
int authsvc_cache_key(const authsvc_cache_t *cache, const void *scope, const void *secret,
                       apr_size_t len, authsvc_cache_key_t *key);

/**
 * @param now seconds since 1970
 * @param len of the value
 * @return a copy in pool; NULL if there is none
 */
void *authsvc_cache_get(authsvc_cache_t *cache, apr_pool_t *pool, const authsvc_cache_key_t *key,
                        apr_int64_t now, apr_size_t *len);

/**
 * Put a value in, perhaps in the place of one that was not used for long. What is too long, or over
 * already, is left out.
 * @param until the second from which on it does not hold any more
 */
void authsvc_cache_put(authsvc_cache_t *cache, const authsvc_cache_key_t *key, apr_int64_t now,
                       apr_int64_t until, const void *value, apr_size_t len);

/** Take a value out, if it is there. */
void authsvc_cache_remove(authsvc_cache_t *cache, const authsvc_cache_key_t *key);

#endif
