/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_KEY_H
#define AUTHSVC_CRYPTO_KEY_H

#include <openssl/types.h>

#include "authsvc/core/settings.h"
#include "authsvc/crypto/keys.h"

/** The algorithms we speak (RFC 7518 §3, RFC 8037 §3.1). */
typedef enum {
    AUTHSVC_ALG_RS256,
    AUTHSVC_ALG_ES256,
    AUTHSVC_ALG_EDDSA
} authsvc_algorithm_t;

/** The public members of a JWK besides kty: names in the order of RFC 7638, base64url values. */
typedef struct {
    const char *name;
    const char *value;
} authsvc_jwk_member_t;

#define AUTHSVC_JWK_MEMBERS 3

struct authsvc_key_t {
    /* Read-only once loaded: shared by threads. */
    EVP_PKEY *pkey;
    const EVP_MD_CTX *sign, *verify; /* started, to be copied; sign is NULL in a public key */
    authsvc_algorithm_t algorithm;
    int is_private;
    const char *kid;
    const char *kty;
    authsvc_jwk_member_t members[AUTHSVC_JWK_MEMBERS]; /* the unused end has NULL names */
    const char *headers[AUTHSVC_TOKEN_TYPES]; /* encoded JOSE header, by authsvc_token_type_t */
};

/**
 * As authsvc_key_load() for a private key, of an open directory; no symbolic link.
 * @param path the whole of it, for messages
 * @param key NULL without an error: there is no such file
 */
authsvc_error_t *authsvc_key_load_at(apr_pool_t *pool, int directory, const char *name,
                                     const char *path, int *unreadable, authsvc_key_t **key);

/** Fill in kty, members and kid. In jwks.c. */
authsvc_error_t *authsvc_key_describe(apr_pool_t *pool, authsvc_key_t *key);

/** Fill in sign and verify: so no token looks up its algorithms anew. In signature.c. */
authsvc_error_t *authsvc_signature_prepare(apr_pool_t *pool, authsvc_key_t *key);

/** Name of an algorithm, static. */
const char *authsvc_algorithm_name(authsvc_algorithm_t algorithm);

/**
 * The key whose own header for this type of token this is, octet by octet, if it verifies now:
 * then there is nothing more to read in it. In keyset.c.
 * @param header encoded
 * @return NULL: the header must be read
 */
const authsvc_key_t *authsvc_keyset_find_header(const authsvc_keyset_t *keys,
                                                authsvc_token_type_t type, const char *header,
                                                apr_size_t len, apr_time_t now);

/** Longest signature: RSA of 8192 bits. */
#define AUTHSVC_SIGNATURE_MAX 1024

/**
 * Sign in the form of JWS (RFC 7518 §3.4 for ES256: R || S).
 * @param signature of AUTHSVC_SIGNATURE_MAX octets
 */
authsvc_error_t *authsvc_signature_make(apr_pool_t *pool, const authsvc_key_t *key,
                                        const char *input, apr_size_t input_len,
                                        unsigned char *signature, apr_size_t *len);

/** @param valid 1 if the signature is the key's @return INTERNAL if it could not be checked */
authsvc_error_t *authsvc_signature_check(apr_pool_t *pool, const authsvc_key_t *key,
                                         const char *input, apr_size_t input_len,
                                         const unsigned char *signature, apr_size_t len,
                                         int *valid);

/** INTERNAL with OpenSSL's own words. */
authsvc_error_t *authsvc_openssl_fault(apr_pool_t *pool, const char *call);

#endif
