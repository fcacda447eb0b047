/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_JWT_H
#define AUTHSVC_CRYPTO_JWT_H

#include "authsvc/core/settings.h"
#include "authsvc/crypto/keys.h"

/** Longest token that is looked at, octets. */
#define AUTHSVC_JWT_MAX 4096

/** The claims of an access token. Times are seconds since 1970 (NumericDate, RFC 7519 §2). */
typedef struct {
    const char *issuer;
    const char *subject; /* user id, uuid */
    const char *audience;
    const char *token_id;   /* jti */
    const char *session_id; /* sid, uuid */
    const char *role;
    const char *email; /* NULL: the token does not say */
    const char *name;  /* the same */
    apr_int64_t epoch;
    int email_verified;
    apr_int64_t issued_at;
    apr_int64_t not_before;
    apr_int64_t expires_at;
    apr_int64_t key_retires_at; /* of a verified token: it is worth nothing from here on */
} authsvc_claims_t;

/** What a token must say to be accepted. */
typedef struct {
    const char *issuer;
    const char *audience;
    authsvc_token_type_t type;
    apr_int64_t now;    /* seconds since 1970 */
    apr_int64_t leeway; /* seconds, for iat and nbf; exp has none */
} authsvc_jwt_expectation_t;

/**
 * Sign in compact serialization with the key that signs at claims->issued_at.
 * @param token in pool
 */
authsvc_error_t *authsvc_jwt_sign(apr_pool_t *pool, const authsvc_keyset_t *keys,
                                  authsvc_token_type_t type, const authsvc_claims_t *claims,
                                  const char **token);

/**
 * Verify by RFC 7515, 7519, 8725. In this order: length, three segments of canonical base64url,
 * strict header JSON, alg equal to that of the key named by kid, no crit, jwk, jku, x5u, x5c, the
 * signature, strict claims JSON, typ, iss, aud (string or array of strings), exp (required), nbf,
 * iat, each an integer in [0, 2^53], then the types of our own claims.
 * @param claims in pool
 * @return UNAUTHENTICATED "authentication" whose internal text says why; INTERNAL for faults of
 *   ours
 */
authsvc_error_t *authsvc_jwt_verify(apr_pool_t *pool, const authsvc_keyset_t *keys,
                                    const authsvc_jwt_expectation_t *expected, const char *token,
                                    apr_size_t len, authsvc_claims_t *claims);

#endif
