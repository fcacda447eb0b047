/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/crypto.h"

#include <sodium.h>

#include "overloaded.h"

#define RETRY_SPREAD 5 /* seconds */

authsvc_error_t *authsvc_crypto_init(apr_pool_t *pool)
{
    if (sodium_init() < 0) {
        return AUTHSVC_INTERNAL(pool, "libsodium does not start");
    }
    return NULL;
}

void authsvc_crypto_random(unsigned char *out, apr_size_t len)
{
    randombytes_buf(out, len);
}

void authsvc_crypto_wipe(void *data, apr_size_t len)
{
    sodium_memzero(data, len);
}

void authsvc_crypto_sha256(const void *data, apr_size_t len, unsigned char out[32])
{
    crypto_hash_sha256(out, data, len);
}

authsvc_error_t *authsvc_crypto_overloaded(apr_pool_t *pool, const char *why)
{
    authsvc_error_t *err =
        AUTHSVC_ERROR(pool, AUTHSVC_E_UNAVAILABLE, "overloaded",
                      "The server is busy. Please try again in a few seconds.", "hashing: %s", why);

    err->retry_after = 1 + (int)randombytes_uniform(RETRY_SPREAD);
    return err;
}

apr_uint64_t authsvc_crypto_short_hash(const unsigned char key[AUTHSVC_SHORT_HASH_KEY],
                                       const void *data, apr_size_t len)
{
    unsigned char octets[crypto_shorthash_BYTES];
    apr_uint64_t hash;

    _Static_assert(sizeof(octets) == sizeof(hash), "the hash has 64 bits");
    _Static_assert(crypto_shorthash_KEYBYTES == AUTHSVC_SHORT_HASH_KEY, "the key has 128 bits");
    (void)crypto_shorthash(octets, data, len, key);
    memcpy(&hash, octets, sizeof(hash));
    return hash;
}
