/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/crypto.h"

#include <sodium.h>

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

void authsvc_crypto_sha256(const void *data, apr_size_t len, unsigned char out[32])
{
    crypto_hash_sha256(out, data, len);
}
