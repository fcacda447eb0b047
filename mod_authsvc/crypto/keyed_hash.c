/* SPDX-License-Identifier: Apache-2.0 */
#include "keyed_hash.h"

#include <sodium.h>
#include <string.h>

#include "secrets_private.h"

authsvc_error_t *authsvc_keyed_hash(apr_pool_t *pool, const unsigned char *key,
                                    const authsvc_octets_t *parts, int n_parts,
                                    unsigned char *out, apr_size_t out_len)
{
    crypto_generichash_state state;
    int failed = crypto_generichash_init(&state, key, AUTHSVC_SUBKEY_OCTETS, out_len) != 0;
    int i;

    for (i = 0; i < n_parts && !failed; i++) {
        failed = crypto_generichash_update(&state, parts[i].data, parts[i].len) != 0;
    }
    failed = failed || crypto_generichash_final(&state, out, out_len) != 0;
    sodium_memzero(&state, sizeof(state));
    return failed ? AUTHSVC_INTERNAL(pool, "keyed BLAKE2b") : NULL;
}

authsvc_error_t *authsvc_token_mac(apr_pool_t *pool, const unsigned char *key, const char *purpose,
                                   const unsigned char database_id[AUTHSVC_UUID_OCTETS],
                                   const unsigned char *fields, apr_size_t len,
                                   unsigned char mac[AUTHSVC_TOKEN_MAC_OCTETS])
{
    const authsvc_octets_t parts[] = {
        {purpose, strlen(purpose) + 1}, {database_id, AUTHSVC_UUID_OCTETS}, {fields, len}};

    return authsvc_keyed_hash(pool, key, parts, 3, mac, AUTHSVC_TOKEN_MAC_OCTETS);
}
