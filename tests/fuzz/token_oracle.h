/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_TESTS_FUZZ_TOKEN_ORACLE_H
#define AUTHSVC_TESTS_FUZZ_TOKEN_ORACLE_H

#include <apr_pools.h>

#include "authsvc/crypto/jwt.h"

/*
 * A second opinion on access tokens, that shares no code with the first. Its keys are those of the
 * standards' examples, known to everybody: RFC 8037 A.1 (Ed25519, private), RFC 7515 A.3 (P-256)
 * and RFC 7515 A.2 (RSA).
 */

#define ORACLE_KEYS 3
#define ORACLE_NOW 1700000000
#define ORACLE_LEEWAY 30
#define ORACLE_ISSUER "https://a.example"
#define ORACLE_AUDIENCE "b"

extern const char *const oracle_pem[ORACLE_KEYS];
extern const char *const oracle_kid[ORACLE_KEYS];

/** NULL: the token is good; otherwise why not. */
const char *oracle_refusal(apr_pool_t *pool, const char *token, size_t len,
                           authsvc_token_type_t type);

/** A good token says what was read out of it. Ends the program if not. */
void oracle_compare(apr_pool_t *pool, const char *token, const authsvc_claims_t *claims);

/** base64url by libsodium. */
const char *oracle_base64url(apr_pool_t *pool, const void *octets, size_t len);

/** The secret key of oracle_pem[0], for crypto_sign_detached(). */
const unsigned char *oracle_secret(void);

#endif
