/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_TOKEN_CACHE_H
#define AUTHSVC_CRYPTO_TOKEN_CACHE_H

#include "authsvc/crypto/cache.h"
#include "authsvc/crypto/jwt.h"

/** The most octets of claims that are kept; tokens with more are verified each time. */
#define AUTHSVC_TOKEN_CACHE_CLAIMS 512

/**
 * As authsvc_jwt_verify, which is called for a token that the cache does not know. What is known
 * is known for these keys and these expectations, `now` aside; it is forgotten when the token
 * expires, or its key retires.
 * @param cache its values of AUTHSVC_TOKEN_CACHE_CLAIMS octets; NULL: none
 * @param scope stands for keys and expectations
 */
authsvc_error_t *authsvc_token_cache_verify(authsvc_cache_t *cache, const void *scope,
                                            apr_pool_t *pool, const authsvc_keyset_t *keys,
                                            const authsvc_jwt_expectation_t *expected,
                                            const char *token, apr_size_t len,
                                            authsvc_claims_t *claims);

#endif
