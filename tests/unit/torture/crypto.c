/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_general.h>
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>

#include "inject.h"

/*
 * What requests call of OpenSSL, libsodium and APR's generator. The linker sends these calls here
 * (--wrap, see Makefile.am), and what they call beneath to the libraries.
 */
#define FAILS(function) inject_fails(INJECT_CRYPTO, #function)

/* Not hidden: linkers take a shared library's call of the same name for a reference to it. */
#pragma GCC visibility push(default)

/* function(parameters), which answers bad when it fails */
#define WRAP(type, function, parameters, arguments, bad)    \
    type __real_##function parameters;                      \
    type __wrap_##function parameters;                      \
    type __wrap_##function parameters                       \
    {                                                       \
        return FAILS(function) ? (bad) : __real_##function arguments; \
    }

WRAP(apr_status_t, apr_generate_random_bytes, (unsigned char *out, apr_size_t len), (out, len),
     APR_EGENERAL)

WRAP(int, crypto_generichash_init,
     (crypto_generichash_state *state, const unsigned char *key, size_t key_len, size_t len),
     (state, key, key_len, len), -1)
WRAP(int, crypto_generichash_update,
     (crypto_generichash_state *state, const unsigned char *in, unsigned long long len),
     (state, in, len), -1)
WRAP(int, crypto_generichash_final,
     (crypto_generichash_state *state, unsigned char *out, size_t len), (state, out, len), -1)

WRAP(EVP_MD_CTX *, EVP_MD_CTX_new, (void), (), NULL)
WRAP(int, EVP_MD_CTX_copy_ex, (EVP_MD_CTX *to, const EVP_MD_CTX *from), (to, from), 0)
WRAP(int, EVP_DigestSign,
     (EVP_MD_CTX *ctx, unsigned char *signature, size_t *len, const unsigned char *in,
      size_t in_len),
     (ctx, signature, len, in, in_len), 0)
WRAP(int, EVP_DigestVerify,
     (EVP_MD_CTX *ctx, const unsigned char *signature, size_t len, const unsigned char *in,
      size_t in_len),
     (ctx, signature, len, in, in_len), (ERR_raise(ERR_LIB_EVP, EVP_R_INITIALIZATION_ERROR), 0))
WRAP(ECDSA_SIG *, ECDSA_SIG_new, (void), (), NULL)
WRAP(ECDSA_SIG *, d2i_ECDSA_SIG, (ECDSA_SIG **sig, const unsigned char **in, long len),
     (sig, in, len), NULL)
WRAP(int, i2d_ECDSA_SIG, (const ECDSA_SIG *sig, unsigned char **out), (sig, out), -1)
WRAP(int, ECDSA_SIG_set0, (ECDSA_SIG *sig, BIGNUM *r, BIGNUM *s), (sig, r, s), 0)
WRAP(BIGNUM *, BN_bin2bn, (const unsigned char *in, int len, BIGNUM *out), (in, len, out), NULL)
WRAP(int, BN_bn2binpad, (const BIGNUM *number, unsigned char *out, int len), (number, out, len),
     -1)

/* libsodium ends the process when the system has no random octets. */
void __real_randombytes_buf(void *out, size_t len);
void __wrap_randombytes_buf(void *out, size_t len);
void __wrap_randombytes_buf(void *out, size_t len)
{
    if (FAILS(randombytes_buf)) {
        abort();
    }
    __real_randombytes_buf(out, len);
}

/* Argon2id fails for want of memory, or of anything else. */
static int hashing_fails(const char *what)
{
    if (!inject_fails(INJECT_CRYPTO, what)) {
        return 0;
    }
    errno = inject->mode == INJECT_INTERNAL ? EINVAL : ENOMEM;
    return 1;
}

int __real_crypto_pwhash(unsigned char *out, unsigned long long out_len, const char *password,
                         unsigned long long len, const unsigned char *salt,
                         unsigned long long passes, size_t memory, int algorithm);
int __wrap_crypto_pwhash(unsigned char *out, unsigned long long out_len, const char *password,
                         unsigned long long len, const unsigned char *salt,
                         unsigned long long passes, size_t memory, int algorithm);
int __wrap_crypto_pwhash(unsigned char *out, unsigned long long out_len, const char *password,
                         unsigned long long len, const unsigned char *salt,
                         unsigned long long passes, size_t memory, int algorithm)
{
    return hashing_fails("crypto_pwhash")
               ? -1
               : __real_crypto_pwhash(out, out_len, password, len, salt, passes, memory, algorithm);
}

int __real_crypto_pwhash_str(char out[crypto_pwhash_STRBYTES], const char *password,
                             unsigned long long len, unsigned long long passes, size_t memory);
int __wrap_crypto_pwhash_str(char out[crypto_pwhash_STRBYTES], const char *password,
                             unsigned long long len, unsigned long long passes, size_t memory);
int __wrap_crypto_pwhash_str(char out[crypto_pwhash_STRBYTES], const char *password,
                             unsigned long long len, unsigned long long passes, size_t memory)
{
    return hashing_fails("crypto_pwhash_str")
               ? -1
               : __real_crypto_pwhash_str(out, password, len, passes, memory);
}

#pragma GCC visibility pop
