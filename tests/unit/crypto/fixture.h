/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_TESTS_CRYPTO_FIXTURE_H
#define AUTHSVC_TESTS_CRYPTO_FIXTURE_H

#include <apr_pools.h>

#include "authsvc/crypto/jwt.h"
#include "authsvc/crypto/keys.h"
#include "authsvc/crypto/secrets.h"

/** Private keys, made once for each run. */
typedef enum { FIXTURE_RS256, FIXTURE_ES256, FIXTURE_EDDSA, FIXTURE_OTHER_RS256 } fixture_key_t;

#define FIXTURE_KEYS 4

/** Make the keys and sets; an unchecked fixture, so that the forked tests share them. */
void fixture_make_keys(void);

/** The private key in PEM. */
const char *fixture_pem(fixture_key_t which);

/** The public key in PEM. */
const char *fixture_public_pem(apr_pool_t *pool, fixture_key_t which);

authsvc_key_t *fixture_key(fixture_key_t which);

/** A set that signs and verifies with this key only. */
authsvc_keyset_t *fixture_keyset(fixture_key_t which);

/**
 * Make any token whatever, by OpenSSL alone: none of the code under test signs or encodes here.
 * @param alg how to sign: none, HS256 (key is the octets), RS256, RS384, RS512, PS256, ES256, EdDSA
 * @param key private PEM, or the HMAC key
 */
const char *fixture_mint(apr_pool_t *pool, const char *alg, const char *key, apr_size_t key_len,
                         const char *header, apr_size_t header_len, const char *claims,
                         apr_size_t claims_len);

/** base64url without padding. */
const char *fixture_base64url(apr_pool_t *pool, const void *octets, apr_size_t len);

/** Claims that every check accepts at fixture_expectation's time. */
authsvc_claims_t fixture_claims(void);
authsvc_jwt_expectation_t fixture_expectation(void);

/** The same claims as JSON. */
#define FIXTURE_NOW 1700000000
#define FIXTURE_ISSUER "https://issuer.example/api/v1"
#define FIXTURE_AUDIENCE "https://audience.example"
#define FIXTURE_USER "018f0000-0000-7000-8000-000000000001"
#define FIXTURE_SESSION "018f0000-0000-7000-8000-000000000002"

/** A file in a fresh directory; gone with the pool. @return its path */
const char *fixture_file(apr_pool_t *pool, const char *text, apr_size_t len, int mode);

/**
 * Where the last read(2) of this program put what it got: the code under test reads key and secret
 * files by it. The memory is a pool's, and pools give none back to the system.
 */
typedef struct {
    const unsigned char *octets;
    apr_size_t len;
    int was_text; /* octets were those of fixture_watch_reads() when they came */
} fixture_read_t;

/** Look out for reads of this text. */
void fixture_watch_reads(const char *text, apr_size_t len);
const fixture_read_t *fixture_last_read(void);

/** A fresh directory; gone with the pool. */
const char *fixture_directory(apr_pool_t *pool);

#endif
