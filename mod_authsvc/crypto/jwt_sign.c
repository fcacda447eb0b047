/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <string.h>

#include "authsvc/core/encoding.h"
#include "authsvc/core/json.h"
#include "authsvc/crypto/jwt.h"
#include "key.h"

static const char *payload(apr_pool_t *pool, const authsvc_claims_t *claims)
{
    authsvc_json_t *json = authsvc_json_object(pool);

    authsvc_json_set_string(json, "iss", claims->issuer);
    authsvc_json_set_string(json, "sub", claims->subject);
    authsvc_json_set_string(json, "aud", claims->audience);
    authsvc_json_set_integer(json, "exp", claims->expires_at);
    authsvc_json_set_integer(json, "iat", claims->issued_at);
    authsvc_json_set_integer(json, "nbf", claims->not_before);
    authsvc_json_set_string(json, "jti", claims->token_id);
    if (claims->session_id) {
        authsvc_json_set_string(json, "sid", claims->session_id);
        authsvc_json_set_integer(json, "epoch", claims->epoch);
    }
    authsvc_json_set_string(json, "role", claims->role);
    if (claims->email) {
        authsvc_json_set_string(json, "email", claims->email);
    }
    authsvc_json_set_bool(json, "email_verified", claims->email_verified);
    if (claims->name) {
        authsvc_json_set_string(json, "name", claims->name);
    }
    return authsvc_json_dump(pool, json);
}

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
    text = payload(pool, claims);
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
