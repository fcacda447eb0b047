/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_KEYS_H
#define AUTHSVC_CRYPTO_KEYS_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>
#include <stdint.h>

#include "authsvc/core/error.h"
#include "authsvc/core/json.h"

/** One key, parsed once; its type fixes the one algorithm it is used with (RFC 8725 §3.1). */
typedef struct authsvc_key_t authsvc_key_t;

/**
 * The keys that sign, each in its time, and all that verify. Read-only, shared by threads; which
 * key does what at a time is worked out when asked.
 */
typedef struct authsvc_keyset_t authsvc_keyset_t;

/** A key of a set whose keys follow each other. */
typedef struct {
    authsvc_key_t *key;    /* private */
    const char *name;      /* for messages: its file */
    apr_time_t publish_at; /* in the JWKS from here on */
    apr_time_t sign_at;    /* signs from here on, until the next one does */
    apr_time_t retire_at;  /* verifies at least until here */
} authsvc_timed_key_t;

/** Further than any time that is reached: what lasts for good ends here. */
#define AUTHSVC_KEY_FOREVER ((apr_time_t)INT64_MAX)

/**
 * How much longer than the lifetime of a token a key verifies after it signed the last one: nodes'
 * clocks may differ by 30 s, and those who verify may allow as much.
 */
#define AUTHSVC_KEY_MARGIN apr_time_from_sec(60)

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
 * A set with one signing key, for good.
 * @param signing private; NULL: the set only verifies
 * @param verify of authsvc_key_t *, beside the signing key, which always verifies; may be NULL.
 *   Keys of one kid are kept once.
 */
authsvc_error_t *authsvc_keyset_create(apr_pool_t *pool, authsvc_key_t *signing,
                                       const apr_array_header_t *verify, authsvc_keyset_t **keys);

/**
 * A set whose signing key changes with the time.
 *
 * The key that signs is the newest whose time to sign has come; before the first of those, the
 * first. The newest goes on signing for as long as no other follows it, whatever its retirement:
 * old keys are a smaller evil than no sign-in. A key verifies as soon as it is here (another node's
 * clock may be ahead), and until the last token that it signed has expired; it is published from
 * its time on, and while it signs.
 * @param timed of authsvc_timed_key_t, at least one, in any order
 * @param verify as above; a key that is also timed is published and verifies for good
 * @param lifetime of the longest-lived token, microseconds
 * @return INVALID with a sentence: two begin to sign at the same time, or are the same key
 */
authsvc_error_t *authsvc_keyset_create_timed(apr_pool_t *pool, const apr_array_header_t *timed,
                                             const apr_array_header_t *verify,
                                             apr_interval_time_t lifetime,
                                             authsvc_keyset_t **keys);

/** The key that signs now; NULL if the set only verifies. */
const authsvc_key_t *authsvc_keyset_signing(const authsvc_keyset_t *keys, apr_time_t now);

/** The key of this id, if it verifies now; else NULL. */
const authsvc_key_t *authsvc_keyset_find(const authsvc_keyset_t *keys, const char *kid,
                                         apr_time_t now);

/**
 * When the key of this id ceases to verify, AUTHSVC_KEY_FOREVER if that is not known yet; 0 for no
 * key of the set. What was verified by it must not be kept any longer.
 */
apr_time_t authsvc_keyset_retirement(const authsvc_keyset_t *keys, const char *kid);

/** 1 if a key is in both sets, be it that it signs, only verifies, or waits; either may be NULL. */
int authsvc_keyset_shares(const authsvc_keyset_t *a, const authsvc_keyset_t *b);

/** 1 if the set's keys follow each other, and none is here to follow the one that signs now. */
int authsvc_keyset_lacks_successor(const authsvc_keyset_t *keys, apr_time_t now);

/**
 * 1 once an hour, for all threads of the process together: whether to say again that there is no
 * successor.
 */
int authsvc_keyset_reminds(const authsvc_keyset_t *keys, apr_time_t now);

/**
 * {"keys": [...]} of what is published now, the signing key first: public parts only, with kty,
 * use, alg, kid (RFC 7517, RFC 8037).
 */
authsvc_json_t *authsvc_keyset_jwks(const authsvc_keyset_t *keys, apr_time_t now,
                                    apr_pool_t *pool);

/**
 * How long what authsvc_keyset_jwks() says now has every key that signs, microseconds: until the
 * first that it does not show begins to sign. AUTHSVC_KEY_FOREVER if there is none.
 */
apr_interval_time_t authsvc_keyset_jwks_lasts(const authsvc_keyset_t *keys, apr_time_t now);

/** The algorithms of all keys that verify now, of const char *, each once. */
apr_array_header_t *authsvc_keyset_algorithms(const authsvc_keyset_t *keys, apr_time_t now,
                                              apr_pool_t *pool);

/**
 * Make a new private key.
 * @param algorithm "RS256" (2048 bits unless bits > 0), "ES256", "EdDSA"
 * @param pem PKCS #8, in pool
 */
authsvc_error_t *authsvc_key_generate(apr_pool_t *pool, const char *algorithm, int bits,
                                      const char **pem);

#endif
