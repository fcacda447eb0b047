/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/keys.h"

#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <string.h>

#include "authsvc/core/encoding.h"
#include "authsvc/crypto/crypto.h"
#include "key.h"

#define P256_OCTETS 32
#define ED25519_OCTETS 32

/* @param width octets, 0: as few as it takes (RFC 7518 §2, Base64urlUInt) */
static authsvc_error_t *number(apr_pool_t *pool, const EVP_PKEY *pkey, const char *param,
                               int width, const char **text)
{
    BIGNUM *value = NULL;
    unsigned char octets[AUTHSVC_SIGNATURE_MAX];
    int len;

    if (EVP_PKEY_get_bn_param(pkey, param, &value) != 1) {
        return authsvc_openssl_fault(pool, "EVP_PKEY_get_bn_param");
    }
    len = BN_num_bytes(value);
    if (len > (int)sizeof(octets) || (width > 0 && len > width)) {
        BN_free(value);
        return AUTHSVC_INTERNAL(pool, "a key's number of %d octets", len);
    }
    len = BN_bn2binpad(value, octets, width > 0 ? width : len);
    BN_free(value);
    *text = authsvc_base64url_encode(pool, octets, (apr_size_t)len);
    return NULL;
}

static authsvc_error_t *describe_rsa(apr_pool_t *pool, authsvc_key_t *key)
{
    key->kty = "RSA";
    key->members[0].name = "e";
    key->members[1].name = "n";
    AUTHSVC_TRY(number(pool, key->pkey, OSSL_PKEY_PARAM_RSA_E, 0, &key->members[0].value));
    return number(pool, key->pkey, OSSL_PKEY_PARAM_RSA_N, 0, &key->members[1].value);
}

static authsvc_error_t *describe_ec(apr_pool_t *pool, authsvc_key_t *key)
{
    key->kty = "EC";
    key->members[0].name = "crv";
    key->members[0].value = "P-256";
    key->members[1].name = "x";
    key->members[2].name = "y";
    AUTHSVC_TRY(number(pool, key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, P256_OCTETS,
                       &key->members[1].value));
    return number(pool, key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, P256_OCTETS,
                  &key->members[2].value);
}

static authsvc_error_t *describe_ed25519(apr_pool_t *pool, authsvc_key_t *key)
{
    unsigned char octets[ED25519_OCTETS];
    size_t len = sizeof(octets);

    if (EVP_PKEY_get_raw_public_key(key->pkey, octets, &len) != 1 || len != sizeof(octets)) {
        return authsvc_openssl_fault(pool, "EVP_PKEY_get_raw_public_key");
    }
    key->kty = "OKP";
    key->members[0].name = "crv";
    key->members[0].value = "Ed25519";
    key->members[1].name = "x";
    key->members[1].value = authsvc_base64url_encode(pool, octets, len);
    return NULL;
}

/*
 * RFC 7638: required members only, in the order of their names, no white space. kty sorts behind
 * the first of the others for all three types.
 */
static const char *thumbprint(apr_pool_t *pool, const authsvc_key_t *key)
{
    const authsvc_jwk_member_t *member = key->members;
    unsigned char digest[32];
    const char *text;
    int i;

    text = apr_psprintf(pool, "{\"%s\":\"%s\",\"kty\":\"%s\"", member[0].name, member[0].value,
                        key->kty);
    for (i = 1; i < AUTHSVC_JWK_MEMBERS && member[i].name; i++) {
        text = apr_psprintf(pool, "%s,\"%s\":\"%s\"", text, member[i].name, member[i].value);
    }
    text = apr_pstrcat(pool, text, "}", NULL);
    authsvc_crypto_sha256(text, strlen(text), digest);
    return authsvc_base64url_encode(pool, digest, sizeof(digest));
}

/* Our own headers never change: made once. */
static const char *header(apr_pool_t *pool, const authsvc_key_t *key, const char *typ)
{
    authsvc_json_t *json = authsvc_json_object(pool);
    const char *text;

    authsvc_json_set_string(json, "alg", authsvc_algorithm_name(key->algorithm));
    authsvc_json_set_string(json, "typ", typ);
    authsvc_json_set_string(json, "kid", key->kid);
    text = authsvc_json_dump(pool, json);
    return authsvc_base64url_encode(pool, (const unsigned char *)text, strlen(text));
}

authsvc_error_t *authsvc_key_describe(apr_pool_t *pool, authsvc_key_t *key)
{
    switch (key->algorithm) {
    case AUTHSVC_ALG_RS256:
        AUTHSVC_TRY(describe_rsa(pool, key));
        break;
    case AUTHSVC_ALG_ES256:
        AUTHSVC_TRY(describe_ec(pool, key));
        break;
    default:
        AUTHSVC_TRY(describe_ed25519(pool, key));
        break;
    }
    key->kid = thumbprint(pool, key);
    key->headers[AUTHSVC_TYP_JWT] = header(pool, key, "JWT");
    key->headers[AUTHSVC_TYP_AT_JWT] = header(pool, key, "at+jwt");
    key->headers[AUTHSVC_TYP_IDENTITY] = header(pool, key, "authsvc-identity+jwt");
    return NULL;
}

authsvc_json_t *authsvc_key_jwk(const authsvc_key_t *key, apr_pool_t *pool)
{
    authsvc_json_t *jwk = authsvc_json_object(pool);
    int i;

    authsvc_json_set_string(jwk, "kty", key->kty);
    authsvc_json_set_string(jwk, "use", "sig");
    authsvc_json_set_string(jwk, "alg", authsvc_algorithm_name(key->algorithm));
    authsvc_json_set_string(jwk, "kid", key->kid);
    for (i = 0; i < AUTHSVC_JWK_MEMBERS && key->members[i].name; i++) {
        authsvc_json_set_string(jwk, key->members[i].name, key->members[i].value);
    }
    return jwk;
}
