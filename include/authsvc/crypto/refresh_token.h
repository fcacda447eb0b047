/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_REFRESH_TOKEN_H
#define AUTHSVC_CRYPTO_REFRESH_TOKEN_H

#include "authsvc/core/error.h"
#include "authsvc/core/uuid.h"
#include "authsvc/crypto/secrets.h"

#define AUTHSVC_REFRESH_PREFIX "asr1_"
#define AUTHSVC_NONCE_OCTETS 16
#define AUTHSVC_NONCE_HASH_OCTETS 32

/**
 * What a refresh token says. Its text is "asr1_" + base64url(secret number 1 || session id 16 ||
 * nonce 16 || counter 4, big-endian || MAC 16); the MAC is keyed BLAKE2b over purpose, database
 * id and all fields, under a crypto_kdf subkey of the server secret.
 */
typedef struct {
    unsigned char session_id[AUTHSVC_UUID_OCTETS];
    unsigned char nonce[AUTHSVC_NONCE_OCTETS]; /* random per session, known to the client only */
    apr_uint32_t counter;
} authsvc_refresh_token_t;

/**
 * Write a token with the current secret. Deterministic: the same fields give the same text.
 * @param database_id of the database that holds the session's row
 * @return text in pool
 */
authsvc_error_t *authsvc_refresh_token_encode(apr_pool_t *pool, const authsvc_secrets_t *secrets,
                                              const unsigned char database_id[AUTHSVC_UUID_OCTETS],
                                              const authsvc_refresh_token_t *token,
                                              const char **text);

/**
 * Read and check a token. Costs no query.
 * @return UNAUTHENTICATED "invalid-refresh-token" for anything that this server did not make for
 *   this database; INTERNAL if that could not be found out
 */
authsvc_error_t *authsvc_refresh_token_decode(apr_pool_t *pool, const authsvc_secrets_t *secrets,
                                              const unsigned char database_id[AUTHSVC_UUID_OCTETS],
                                              const char *text, apr_size_t len,
                                              authsvc_refresh_token_t *token);

/** What the session's row holds of the nonce: its SHA-256. */
void authsvc_refresh_token_nonce_hash(const unsigned char nonce[AUTHSVC_NONCE_OCTETS],
                                      unsigned char out[AUTHSVC_NONCE_HASH_OCTETS]);

#endif
