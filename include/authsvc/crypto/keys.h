/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_KEYS_H
#define AUTHSVC_CRYPTO_KEYS_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "authsvc/core/error.h"
#include "authsvc/core/json.h"

/** One key, parsed once; its type fixes the one algorithm it is used with (RFC 8725 §3.1). */
typedef struct authsvc_key_t authsvc_key_t;

/** The signing key and all keys that verify. Read-only, shared by threads. */
typedef struct authsvc_keyset_t authsvc_keyset_t;

/**
 * Read a key from PEM: RSA of 2048 to 8192 bits (RS256), P-256 (ES256), Ed25519 (EdDSA).
 * @param origin names the source in error messages (a path)
 * @param need_private 1: a private key; 0: private or public
 * @param key in pool, freed with it
 * @return INVALID whose detail is a sentence for the admin that says what is wrong and what to
 *   do (not PEM, encrypted, wrong type, wrong curve by name, too short, public where a private
 *   key is needed)
 */
authsvc_error_t *authsvc_key_from_pem(apr_pool_t *pool, const char *origin, const char *pem,
                                      apr_size_t len, int need_private, authsvc_key_t **key);

/**
 * Read a key file; a private key's must be readable by nobody but its owner (and a group-readable
 * one is refused too), a regular file, at most 64 KiB.
 * @return as authsvc_key_from_pem, and INVALID for a file that cannot be read; *unreadable (may
 *   be NULL) is set to 1 if only permission is missing (EACCES)
 */
authsvc_error_t *authsvc_key_load(apr_pool_t *pool, const char *path, int need_private,
                                  int *unreadable, authsvc_key_t **key);

/** "RS256", "ES256" or "EdDSA". */
const char *authsvc_key_algorithm(const authsvc_key_t *key);

/** RFC 7638 thumbprint, SHA-256, base64url. */
const char *authsvc_key_id(const authsvc_key_t *key);

/** The public JWK: kty, use, alg, kid and the numbers (RFC 7517, RFC 8037). */
authsvc_json_t *authsvc_key_jwk(const authsvc_key_t *key, apr_pool_t *pool);

/** The public key in PEM (SubjectPublicKeyInfo). @param pem in pool */
authsvc_error_t *authsvc_key_public_pem(const authsvc_key_t *key, apr_pool_t *pool,
                                        const char **pem);

/**
 * A set.
 * @param signing private; NULL: the set only verifies
 * @param verify of authsvc_key_t *, beside the signing key, which always verifies; may be NULL.
 *   Keys of one kid are kept once.
 */
authsvc_error_t *authsvc_keyset_create(apr_pool_t *pool, authsvc_key_t *signing,
                                       const apr_array_header_t *verify, authsvc_keyset_t **keys);

/** NULL if the set only verifies. */
const authsvc_key_t *authsvc_keyset_signing(const authsvc_keyset_t *keys);

/** The key of this id; NULL if there is none. */
const authsvc_key_t *authsvc_keyset_find(const authsvc_keyset_t *keys, const char *kid);

/** {"keys": [...]}, public parts only, with kty, use, alg, kid (RFC 7517, RFC 8037). */
authsvc_json_t *authsvc_keyset_jwks(const authsvc_keyset_t *keys, apr_pool_t *pool);

/** All algorithms in the set, of const char *, each once. */
apr_array_header_t *authsvc_keyset_algorithms(const authsvc_keyset_t *keys, apr_pool_t *pool);

/**
 * Make a new private key.
 * @param algorithm "RS256" (2048 bits unless bits > 0), "ES256", "EdDSA"
 * @param pem PKCS #8, in pool
 */
authsvc_error_t *authsvc_key_generate(apr_pool_t *pool, const char *algorithm, int bits,
                                      const char **pem);

#endif
