/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/refresh_token.h"

#include <apr_strings.h>
#include <sodium.h>
#include <string.h>

#include "authsvc/core/encoding.h"
#include "authsvc/crypto/crypto.h"
#include "keyed_hash.h"
#include "secrets_private.h"

#define COUNTER_OCTETS 4

/* Where the fields lie. */
#define AT_NUMBER 0
#define AT_SESSION 1
#define AT_NONCE (AT_SESSION + AUTHSVC_UUID_OCTETS)
#define AT_COUNTER (AT_NONCE + AUTHSVC_NONCE_OCTETS)
#define AT_MAC (AT_COUNTER + COUNTER_OCTETS)
#define TOKEN_OCTETS (AT_MAC + AUTHSVC_TOKEN_MAC_OCTETS)

static const char purpose[] = "authsvc refresh token 1";

static authsvc_error_t *refuse(apr_pool_t *pool, const char *why)
{
    return AUTHSVC_ERROR(pool, AUTHSVC_E_UNAUTHENTICATED, "invalid-refresh-token",
                         "The refresh token is invalid or has expired.", "refresh token: %s", why);
}

authsvc_error_t *authsvc_refresh_token_encode(apr_pool_t *pool, const authsvc_secrets_t *secrets,
                                              const unsigned char database_id[AUTHSVC_UUID_OCTETS],
                                              const authsvc_refresh_token_t *token,
                                              const char **text)
{
    int number = authsvc_secrets_current(secrets);
    const unsigned char *key = authsvc_secrets_refresh_key(secrets, number);
    unsigned char octets[TOKEN_OCTETS];
    authsvc_error_t *err;

    if (!key) {
        return AUTHSVC_INTERNAL(pool, "no current secret");
    }
    octets[AT_NUMBER] = (unsigned char)number;
    memcpy(octets + AT_SESSION, token->session_id, AUTHSVC_UUID_OCTETS);
    memcpy(octets + AT_NONCE, token->nonce, AUTHSVC_NONCE_OCTETS);
    octets[AT_COUNTER] = (unsigned char)(token->counter >> 24);
    octets[AT_COUNTER + 1] = (unsigned char)(token->counter >> 16);
    octets[AT_COUNTER + 2] = (unsigned char)(token->counter >> 8);
    octets[AT_COUNTER + 3] = (unsigned char)token->counter;
    err = authsvc_token_mac(pool, key, purpose, database_id, octets, AT_MAC, octets + AT_MAC);
    if (!err) {
        *text = apr_pstrcat(pool, AUTHSVC_REFRESH_PREFIX,
                            authsvc_base64url_encode(pool, octets, sizeof(octets)), NULL);
    }
    sodium_memzero(octets, sizeof(octets));
    return err;
}

authsvc_error_t *authsvc_refresh_token_decode(apr_pool_t *pool, const authsvc_secrets_t *secrets,
                                              const unsigned char database_id[AUTHSVC_UUID_OCTETS],
                                              const char *text, apr_size_t len,
                                              authsvc_refresh_token_t *token)
{
    const apr_size_t prefix_len = sizeof(AUTHSVC_REFRESH_PREFIX) - 1;
    const unsigned char *octets, *key;
    unsigned char mac[AUTHSVC_TOKEN_MAC_OCTETS];
    apr_size_t size = 0;

    memset(token, 0, sizeof(*token));
    if (len != prefix_len + (TOKEN_OCTETS * 8 + 5) / 6 ||
        strncmp(text, AUTHSVC_REFRESH_PREFIX, prefix_len) != 0) {
        return refuse(pool, "its length or prefix");
    }
    octets = authsvc_base64url_decode(pool, text + prefix_len, len - prefix_len, &size);
    if (!octets || size != TOKEN_OCTETS) {
        return refuse(pool, "no canonical base64url");
    }
    key = authsvc_secrets_refresh_key(secrets, octets[AT_NUMBER]);
    if (!key) {
        return refuse(pool, "no secret of this number");
    }
    AUTHSVC_TRY(authsvc_token_mac(pool, key, purpose, database_id, octets, AT_MAC, mac));
    if (sodium_memcmp(mac, octets + AT_MAC, AUTHSVC_TOKEN_MAC_OCTETS) != 0) {
        return refuse(pool, "its MAC");
    }
    memcpy(token->session_id, octets + AT_SESSION, AUTHSVC_UUID_OCTETS);
    memcpy(token->nonce, octets + AT_NONCE, AUTHSVC_NONCE_OCTETS);
    token->counter = (apr_uint32_t)octets[AT_COUNTER] << 24 |
                     (apr_uint32_t)octets[AT_COUNTER + 1] << 16 |
                     (apr_uint32_t)octets[AT_COUNTER + 2] << 8 |
                     (apr_uint32_t)octets[AT_COUNTER + 3];
    return NULL;
}

void authsvc_refresh_token_nonce_hash(const unsigned char nonce[AUTHSVC_NONCE_OCTETS],
                                      unsigned char out[AUTHSVC_NONCE_HASH_OCTETS])
{
    authsvc_crypto_sha256(nonce, AUTHSVC_NONCE_OCTETS, out);
}
