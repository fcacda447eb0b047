/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_JWT_CLAIMS_H
#define AUTHSVC_CRYPTO_JWT_CLAIMS_H

#include "authsvc/crypto/jwt.h"

/** The claims as the JSON text that is signed. In pool. */
const char *authsvc_jwt_claims_write(apr_pool_t *pool, const authsvc_claims_t *claims);

/**
 * Read what authsvc_jwt_claims_write has written, without a JSON parser, which takes longer than
 * all else but the signature. Only what a strict parser would read alike is read: the members of an
 * access token in that order, each text of printable ASCII without an escape.
 * @param json of len octets, ended by NUL; changed, and pointed into by claims, only if it was read
 * @return 0 if it is anything else, or not of this issuer or for this audience: let the parser look
 */
int authsvc_jwt_claims_read(char *json, apr_size_t len, const char *issuer, const char *audience,
                            authsvc_claims_t *claims);

#endif
