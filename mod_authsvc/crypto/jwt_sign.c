/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <string.h>

#include "authsvc/core/encoding.h"
#include "jwt_claims.h"
#include "key.h"

authsvc_error_t *authsvc_jwt_sign(apr_pool_t *pool, const authsvc_keyset_t *keys,
                                  authsvc_token_type_t type, const authsvc_claims_t *claims,
                                  const char **token)
{
    const authsvc_key_t *key =
        authsvc_keyset_signing(keys, apr_time_from_sec(claims->issued_at));
    unsigned char signature[AUTHSVC_SIGNATURE_MAX];
    const char *text, *input;
    apr_size_t len;

    if (!key) {
        return AUTHSVC_INTERNAL(pool, "no signing key");
    }
    text = authsvc_jwt_claims_write(pool, claims);
    text = authsvc_base64url_encode(pool, (const unsigned char *)text, strlen(text));
    input = apr_pstrcat(pool, key->headers[type], ".", text, NULL);
    AUTHSVC_TRY(authsvc_signature_make(pool, key, input, strlen(input), signature, &len));
    text = authsvc_base64url_encode(pool, signature, len);
    *token = apr_pstrcat(pool, input, ".", text, NULL);
    if (strlen(*token) > AUTHSVC_JWT_MAX) {
        /* Our own verification would refuse it. */
        return AUTHSVC_INTERNAL(pool, "a token of %" APR_SIZE_T_FMT " octets is too long",
                                strlen(*token));
    }
    return NULL;
}
