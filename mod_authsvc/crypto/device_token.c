/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/device_token.h"

#include <apr_strings.h>
#include <sodium.h>
#include <string.h>

#include "authsvc/core/encoding.h"
#include "authsvc/crypto/crypto.h"
#include "keyed_hash.h"
#include "secrets_private.h"

#define TIME_OCTETS 8

/* Where the fields lie. */
#define AT_NUMBER 0
#define AT_DEVICE 1
#define AT_USER (AT_DEVICE + AUTHSVC_DEVICE_OCTETS)
#define AT_TIME (AT_USER + AUTHSVC_UUID_OCTETS)
#define AT_MAC (AT_TIME + TIME_OCTETS)
#define TOKEN_OCTETS (AT_MAC + AUTHSVC_TOKEN_MAC_OCTETS)

static const char purpose[] = "authsvc device token 1";

authsvc_error_t *authsvc_device_token_encode(apr_pool_t *pool, const authsvc_secrets_t *secrets,
                                             const unsigned char database_id[AUTHSVC_UUID_OCTETS],
                                             const authsvc_device_token_t *token,
                                             const char **text)
{
    int number = authsvc_secrets_current(secrets);
    const unsigned char *key = authsvc_secrets_device_key(secrets, number);
    apr_uint64_t seconds = (apr_uint64_t)apr_time_sec(token->issued_at);
    unsigned char octets[TOKEN_OCTETS];
    int i;

    if (!key) {
        return AUTHSVC_INTERNAL(pool, "no current secret");
    }
    octets[AT_NUMBER] = (unsigned char)number;
    memcpy(octets + AT_DEVICE, token->device_id, AUTHSVC_DEVICE_OCTETS);
    memcpy(octets + AT_USER, token->user_id, AUTHSVC_UUID_OCTETS);
    for (i = 0; i < TIME_OCTETS; i++) {
        octets[AT_TIME + i] = (unsigned char)(seconds >> (8 * (TIME_OCTETS - 1 - i)));
    }
    AUTHSVC_TRY(
        authsvc_token_mac(pool, key, purpose, database_id, octets, AT_MAC, octets + AT_MAC));
    *text = apr_pstrcat(pool, AUTHSVC_DEVICE_PREFIX,
                        authsvc_base64url_encode(pool, octets, sizeof(octets)), NULL);
    return NULL;
}

authsvc_error_t *authsvc_device_token_decode(apr_pool_t *pool, const authsvc_secrets_t *secrets,
                                             const unsigned char database_id[AUTHSVC_UUID_OCTETS],
                                             const char *text, authsvc_device_token_t *token,
                                             int *valid)
{
    const apr_size_t prefix_len = sizeof(AUTHSVC_DEVICE_PREFIX) - 1;
    const apr_size_t len = strlen(text);
    const unsigned char *octets, *key;
    unsigned char mac[AUTHSVC_TOKEN_MAC_OCTETS];
    apr_uint64_t seconds = 0;
    apr_size_t size = 0;
    int i;

    *valid = 0;
    memset(token, 0, sizeof(*token));
    if (len != prefix_len + (TOKEN_OCTETS * 8 + 5) / 6 ||
        strncmp(text, AUTHSVC_DEVICE_PREFIX, prefix_len) != 0) {
        return NULL;
    }
    octets = authsvc_base64url_decode(pool, text + prefix_len, len - prefix_len, &size);
    key = octets && size == TOKEN_OCTETS ? authsvc_secrets_device_key(secrets, octets[AT_NUMBER])
                                         : NULL;
    if (!key) {
        return NULL;
    }
    AUTHSVC_TRY(authsvc_token_mac(pool, key, purpose, database_id, octets, AT_MAC, mac));
    if (sodium_memcmp(mac, octets + AT_MAC, AUTHSVC_TOKEN_MAC_OCTETS) != 0) {
        return NULL;
    }
    for (i = 0; i < TIME_OCTETS; i++) {
        seconds = seconds << 8 | octets[AT_TIME + i];
    }
    if (seconds > (apr_uint64_t)(APR_INT64_MAX / APR_USEC_PER_SEC)) {
        return NULL; /* we make no such time */
    }
    memcpy(token->device_id, octets + AT_DEVICE, AUTHSVC_DEVICE_OCTETS);
    memcpy(token->user_id, octets + AT_USER, AUTHSVC_UUID_OCTETS);
    token->issued_at = apr_time_from_sec((apr_time_t)seconds);
    *valid = 1;
    return NULL;
}

authsvc_error_t *authsvc_account_hash(apr_pool_t *pool, const authsvc_secrets_t *secrets,
                                      const char *email,
                                      unsigned char out[AUTHSVC_ACCOUNT_HASH_OCTETS])
{
    static const char account[] = "authsvc account 1";
    const unsigned char *key =
        authsvc_secrets_account_key(secrets, authsvc_secrets_current(secrets));
    const authsvc_octets_t parts[] = {{account, sizeof(account)}, {email, strlen(email)}};

    if (!key) {
        return AUTHSVC_INTERNAL(pool, "no current secret");
    }
    return authsvc_keyed_hash(pool, key, parts, 2, out, AUTHSVC_ACCOUNT_HASH_OCTETS);
}
