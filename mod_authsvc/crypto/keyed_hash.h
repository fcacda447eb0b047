/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_KEYED_HASH_H
#define AUTHSVC_CRYPTO_KEYED_HASH_H

#include "authsvc/core/error.h"
#include "authsvc/core/uuid.h"

typedef struct {
    const void *data;
    apr_size_t len;
} authsvc_octets_t;

/**
 * Keyed BLAKE2b of some parts one after the other. Whoever calls sees to it that none can run into
 * the next: all but the last have a fixed length, or an end.
 * @param key AUTHSVC_SUBKEY_OCTETS
 * @param out_len 16 to 64
 */
authsvc_error_t *authsvc_keyed_hash(apr_pool_t *pool, const unsigned char *key,
                                    const authsvc_octets_t *parts, int n_parts,
                                    unsigned char *out, apr_size_t out_len);

#define AUTHSVC_TOKEN_MAC_OCTETS 16

/**
 * What proves that a token was made here: keyed BLAKE2b over what it is for, the database whose
 * rows it speaks of, and its fields, which have one length for each purpose.
 * @param purpose text, taken with its end
 */
authsvc_error_t *authsvc_token_mac(apr_pool_t *pool, const unsigned char *key, const char *purpose,
                                   const unsigned char database_id[AUTHSVC_UUID_OCTETS],
                                   const unsigned char *fields, apr_size_t len,
                                   unsigned char mac[AUTHSVC_TOKEN_MAC_OCTETS]);

#endif
