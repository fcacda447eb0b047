/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_DEVICE_TOKEN_H
#define AUTHSVC_CRYPTO_DEVICE_TOKEN_H

#include <apr_time.h>

#include "authsvc/core/error.h"
#include "authsvc/core/uuid.h"
#include "authsvc/crypto/secrets.h"

#define AUTHSVC_DEVICE_PREFIX "asd1_"
#define AUTHSVC_DEVICE_OCTETS 16
#define AUTHSVC_ACCOUNT_HASH_OCTETS 16

/**
 * What a device token says: that an account was signed in to on a device. It opens nothing. Its
 * text is "asd1_" + base64url(secret number 1 || device id 16 || user id 16 || issued at 8,
 * seconds, big-endian || MAC 16); the MAC is keyed BLAKE2b over purpose, database id and all
 * fields, under a crypto_kdf subkey of the server secret.
 */
typedef struct {
    unsigned char device_id[AUTHSVC_DEVICE_OCTETS]; /* random */
    unsigned char user_id[AUTHSVC_UUID_OCTETS];
    apr_time_t issued_at;
} authsvc_device_token_t;

/**
 * Write a token with the current secret.
 * @param database_id of the database that holds the user's row
 * @return text in pool
 */
authsvc_error_t *authsvc_device_token_encode(apr_pool_t *pool, const authsvc_secrets_t *secrets,
                                             const unsigned char database_id[AUTHSVC_UUID_OCTETS],
                                             const authsvc_device_token_t *token,
                                             const char **text);

/**
 * Read and check a token. Whose it is, and how old, is for the caller to look at.
 * @param valid 0 for anything that this server did not make for this database
 * @return INTERNAL if that could not be found out
 */
authsvc_error_t *authsvc_device_token_decode(apr_pool_t *pool, const authsvc_secrets_t *secrets,
                                             const unsigned char database_id[AUTHSVC_UUID_OCTETS],
                                             const char *text, authsvc_device_token_t *token,
                                             int *valid);

/**
 * What stands for an account where nobody shall read whose it is, and there may be none: keyed
 * BLAKE2b of its address under another subkey of the current secret.
 * @param email normalized
 */
authsvc_error_t *authsvc_account_hash(apr_pool_t *pool, const authsvc_secrets_t *secrets,
                                      const char *email,
                                      unsigned char out[AUTHSVC_ACCOUNT_HASH_OCTETS]);

#endif
