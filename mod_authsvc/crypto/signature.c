/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "key.h"

#define P256_OCTETS 32
#define ES256_OCTETS (2 * P256_OCTETS)
/* What OpenSSL says from 3.6 on when a signature's own library has given no reason. */
#ifndef EVP_R_PROVIDER_SIGNATURE_FAILURE
#define EVP_R_PROVIDER_SIGNATURE_FAILURE (-1)
#endif

#define ES256_DER_MAX 72 /* SEQUENCE of two INTEGERs of up to 33 octets */

/* RS256 is PKCS #1 v1.5, the default padding of an RSA key; EdDSA brings its own digest. */
static const char *digest_of(const authsvc_key_t *key)
{
    return key->algorithm == AUTHSVC_ALG_EDDSA ? NULL : "SHA256";
}

static int der_to_raw(const unsigned char *der, size_t der_len, unsigned char *raw)
{
    const unsigned char *at = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)der_len);
    int done = 0;

    if (sig) {
        done = BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, P256_OCTETS) == P256_OCTETS &&
               BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + P256_OCTETS, P256_OCTETS) == P256_OCTETS;
    }
    ECDSA_SIG_free(sig);
    return done;
}

/* @return length of the DER form, 0 if out of memory */
static size_t raw_to_der(const unsigned char *raw, unsigned char *der)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, P256_OCTETS, NULL);
    BIGNUM *s = BN_bin2bn(raw + P256_OCTETS, P256_OCTETS, NULL);
    int len = 0;

    if (!sig || !r || !s || ECDSA_SIG_set0(sig, r, s) != 1) {
        BN_free(r);
        BN_free(s);
    } else {
        len = i2d_ECDSA_SIG(sig, NULL);
        len = len > 0 && len <= ES256_DER_MAX ? i2d_ECDSA_SIG(sig, &der) : 0;
    }
    ECDSA_SIG_free(sig);
    return len > 0 ? (size_t)len : 0;
}

static apr_status_t context_free(void *data)
{
    EVP_MD_CTX_free(data);
    return APR_SUCCESS;
}

/* A started operation, freed with the pool. NULL if OpenSSL refuses. */
static const EVP_MD_CTX *start(apr_pool_t *pool, const authsvc_key_t *key,
                               int (*init)(EVP_MD_CTX *, EVP_PKEY_CTX **, const char *,
                                           OSSL_LIB_CTX *, const char *, EVP_PKEY *,
                                           const OSSL_PARAM *))
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (!ctx || init(ctx, NULL, digest_of(key), NULL, NULL, key->pkey, NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        return NULL;
    }
    apr_pool_cleanup_register(pool, ctx, context_free, apr_pool_cleanup_null);
    return ctx;
}

authsvc_error_t *authsvc_signature_prepare(apr_pool_t *pool, authsvc_key_t *key)
{
    key->verify = start(pool, key, EVP_DigestVerifyInit_ex);
    if (key->is_private) {
        key->sign = start(pool, key, EVP_DigestSignInit_ex);
    }
    return key->verify && (key->sign || !key->is_private)
               ? NULL
               : authsvc_openssl_fault(pool, "preparing a key");
}

/* A copy to work on: the original is only read, and so it is every thread's. */
static EVP_MD_CTX *copy_of(const EVP_MD_CTX *started)
{
    EVP_MD_CTX *ctx = started ? EVP_MD_CTX_new() : NULL;

    if (ctx && EVP_MD_CTX_copy_ex(ctx, started) != 1) {
        EVP_MD_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

authsvc_error_t *authsvc_signature_make(apr_pool_t *pool, const authsvc_key_t *key,
                                        const char *input, apr_size_t input_len,
                                        unsigned char *signature, apr_size_t *len)
{
    EVP_MD_CTX *ctx;
    authsvc_error_t *err = NULL;
    size_t made = AUTHSVC_SIGNATURE_MAX;
    int done;

    ERR_set_mark();
    ctx = copy_of(key->sign);
    done = ctx &&
           EVP_DigestSign(ctx, signature, &made, (const unsigned char *)input, input_len) == 1;
    EVP_MD_CTX_free(ctx);
    if (done && key->algorithm == AUTHSVC_ALG_ES256) {
        unsigned char raw[ES256_OCTETS];

        done = der_to_raw(signature, made, raw);
        if (done) {
            memcpy(signature, raw, sizeof(raw));
            made = sizeof(raw);
        }
    }
    if (!done) {
        err = authsvc_openssl_fault(pool, "signing");
    }
    ERR_pop_to_mark();
    *len = made;
    return err;
}

/*
 * OpenSSL answers 0 or -1 when a signature is not the key's, and when it could not find out. The
 * former leaves no error, or one of the signature's own libraries; the latter another one, a fatal
 * one, or, where it ignored a failed allocation, nothing but errno.
 */
static int could_not_verify(void)
{
    unsigned long first = ERR_peek_error();

    if (errno == ENOMEM || (first != 0 && ERR_FATAL_ERROR(first))) {
        return 1;
    }
    switch (ERR_GET_LIB(first)) {
    case 0:
    case ERR_LIB_RSA:
    case ERR_LIB_EC:
    case ERR_LIB_PROV:
        return 0;
    case ERR_LIB_EVP:
        return ERR_GET_REASON(first) != EVP_R_PROVIDER_SIGNATURE_FAILURE;
    default:
        return 1;
    }
}

authsvc_error_t *authsvc_signature_check(apr_pool_t *pool, const authsvc_key_t *key,
                                         const char *input, apr_size_t input_len,
                                         const unsigned char *signature, apr_size_t len,
                                         int *valid)
{
    unsigned char der[ES256_DER_MAX];
    authsvc_error_t *err = NULL;
    EVP_MD_CTX *ctx;

    *valid = 0;
    if (len == 0 || (key->algorithm == AUTHSVC_ALG_ES256 && len != ES256_OCTETS)) {
        return NULL;
    }
    ERR_clear_error(); /* the first error must be ours */
    errno = 0;
    if (key->algorithm == AUTHSVC_ALG_ES256) {
        len = raw_to_der(signature, der);
        signature = der;
    }
    ctx = copy_of(key->verify);
    *valid = len > 0 && ctx &&
             EVP_DigestVerify(ctx, signature, len, (const unsigned char *)input, input_len) == 1;
    if (!*valid && (len == 0 || !ctx || could_not_verify())) {
        err = authsvc_openssl_fault(pool, "verifying");
    }
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return err;
}
