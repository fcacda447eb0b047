/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/keys.h"

#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "file.h"
#include "key.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
#define RSA_BITS_DEFAULT 2048

/* What the first block of a PEM file is, as far as the admin has to know. */
typedef enum { PEM_NONE, PEM_ENCRYPTED, PEM_PRIVATE, PEM_PUBLIC, PEM_OTHER } pem_kind_t;

const char *authsvc_algorithm_name(authsvc_algorithm_t algorithm)
{
    switch (algorithm) {
    case AUTHSVC_ALG_RS256:
        return "RS256";
    case AUTHSVC_ALG_ES256:
        return "ES256";
    default:
        return "EdDSA";
    }
}

authsvc_error_t *authsvc_openssl_fault(apr_pool_t *pool, const char *call)
{
    char text[256] = "no reason given";
    unsigned long code = ERR_peek_last_error();

    if (code != 0) {
        ERR_error_string_n(code, text, sizeof(text));
    }
    return AUTHSVC_INTERNAL(pool, "%s: %s", call, text);
}

/* A server must never stop to ask for a pass phrase. */
static int no_pass_phrase(char *buffer, int size, int writing, void *baton)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)baton;
    return 0;
}

static pem_kind_t classify(const char *label, const char *header)
{
    static const char *const private_labels[] = {PEM_STRING_PKCS8INF, PEM_STRING_RSA,
                                                 PEM_STRING_ECPRIVATEKEY, NULL};
    int i;

    if (strcmp(label, PEM_STRING_PKCS8) == 0 || strstr(header, "ENCRYPTED")) {
        return PEM_ENCRYPTED;
    }
    for (i = 0; private_labels[i]; i++) {
        if (strcmp(label, private_labels[i]) == 0) {
            return PEM_PRIVATE;
        }
    }
    if (strcmp(label, PEM_STRING_PUBLIC) == 0 || strcmp(label, PEM_STRING_RSA_PUBLIC) == 0) {
        return PEM_PUBLIC;
    }
    return PEM_OTHER;
}

/*
 * The kind of the first block, and where it starts; "EC PARAMETERS", which some tools write before
 * the key, aside.
 */
static pem_kind_t first_block(apr_pool_t *pool, const char *pem, apr_size_t len,
                              const char **label, apr_size_t *start)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    pem_kind_t kind = PEM_NONE;
    int again = 1;

    while (bio && again) {
        char *name = NULL, *header = NULL;
        unsigned char *data = NULL;
        long size = 0;

        *start = len - (apr_size_t)BIO_pending(bio);
        if (PEM_read_bio(bio, &name, &header, &data, &size) != 1) {
            break;
        }
        again = strcmp(name, PEM_STRING_ECPARAMETERS) == 0;
        if (!again) {
            kind = classify(name, header);
            *label = apr_pstrdup(pool, name);
        }
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(data, size > 0 ? (size_t)size : 0);
    }
    BIO_free(bio);
    return kind;
}

static authsvc_error_t *check_kind(apr_pool_t *pool, const char *origin, pem_kind_t kind,
                                   const char *label, int need_private)
{
    switch (kind) {
    case PEM_NONE:
        return authsvc_crypto_refuse(pool, origin, "is not a key in PEM form; make one with "
                                                   "authsvcctl key generate");
    case PEM_ENCRYPTED:
        return authsvc_crypto_refuse(pool, origin, "is encrypted, and a server cannot ask for the "
                                                   "pass phrase; take it off with openssl pkey");
    case PEM_PUBLIC:
        if (need_private) {
            return authsvc_crypto_refuse(pool, origin, "is a public key; to sign, the private "
                                                       "key is needed");
        }
        return NULL;
    case PEM_OTHER:
        return authsvc_crypto_refuse(pool, origin, "holds \"%s\", where a private%s key is needed",
                                     label, need_private ? "" : " or public");
    default:
        return NULL;
    }
}

static EVP_PKEY *decode(const char *pem, apr_size_t len, pem_kind_t kind)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    EVP_PKEY *pkey = NULL;

    if (bio) {
        pkey = kind == PEM_PRIVATE ? PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL)
                                   : PEM_read_bio_PUBKEY(bio, NULL, no_pass_phrase, NULL);
    }
    BIO_free(bio);
    return pkey;
}

static authsvc_error_t *check_rsa(apr_pool_t *pool, const char *origin, const EVP_PKEY *pkey)
{
    int bits = EVP_PKEY_get_bits(pkey);

    if (bits < RSA_BITS_MIN) {
        return authsvc_crypto_refuse(pool, origin, "is an RSA key of %d bits, which is too short; "
                                                   "use at least %d bits", bits, RSA_BITS_MIN);
    }
    if (bits > RSA_BITS_MAX) {
        return authsvc_crypto_refuse(pool, origin, "is an RSA key of %d bits, which is too slow; "
                                                   "use at most %d bits", bits, RSA_BITS_MAX);
    }
    return NULL;
}

/* By name: parameters spelled out in the file could be anybody's curve. */
static authsvc_error_t *check_curve(apr_pool_t *pool, const char *origin, const EVP_PKEY *pkey)
{
    char name[64] = "";
    int spelled_out = 0;

    if (EVP_PKEY_get_group_name(pkey, name, sizeof(name), NULL) != 1) {
        snprintf(name, sizeof(name), "unnamed");
    }
    (void)EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                                 &spelled_out);
    if (spelled_out) {
        return authsvc_crypto_refuse(pool, origin, "spells its curve out instead of naming it; "
                                                   "make a key of the named curve P-256");
    }
    if (strcmp(name, SN_X9_62_prime256v1) != 0 && strcmp(name, "P-256") != 0) {
        return authsvc_crypto_refuse(pool, origin, "is a key of the curve %s; of elliptic curves, "
                                                   "P-256 and Ed25519 are supported", name);
    }
    return NULL;
}

static authsvc_error_t *check_type(apr_pool_t *pool, const char *origin, authsvc_key_t *key)
{
    switch (EVP_PKEY_get_base_id(key->pkey)) {
    case EVP_PKEY_RSA:
        key->algorithm = AUTHSVC_ALG_RS256;
        return check_rsa(pool, origin, key->pkey);
    case EVP_PKEY_EC:
        key->algorithm = AUTHSVC_ALG_ES256;
        return check_curve(pool, origin, key->pkey);
    case EVP_PKEY_ED25519:
        key->algorithm = AUTHSVC_ALG_EDDSA;
        return NULL;
    default: {
        const char *name = EVP_PKEY_get0_type_name(key->pkey);

        return authsvc_crypto_refuse(pool, origin, "is a key of the type %s; use RSA, P-256 or "
                                                   "Ed25519", name ? name : "unknown");
    }
    }
}

/* A point off the curve, or halves of two keys, would sign what nobody can verify, or worse. */
static authsvc_error_t *check_value(apr_pool_t *pool, const char *origin,
                                    const authsvc_key_t *key)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    int sound = ctx && EVP_PKEY_public_check(ctx) == 1;

    if (sound && key->is_private) {
        sound = EVP_PKEY_pairwise_check(ctx) == 1;
    }
    EVP_PKEY_CTX_free(ctx);
    if (!sound) {
        return authsvc_crypto_refuse(pool, origin, "is damaged: its numbers do not make a valid "
                                                   "key; make a new one");
    }
    return NULL;
}

static apr_status_t key_free(void *data)
{
    EVP_PKEY_free(data);
    return APR_SUCCESS;
}

static authsvc_error_t *key_from_pem(apr_pool_t *pool, const char *origin, const char *pem,
                                     apr_size_t len, int need_private, authsvc_key_t **key)
{
    authsvc_key_t *made = apr_pcalloc(pool, sizeof(*made));
    const char *label = "";
    apr_size_t start = 0;
    pem_kind_t kind = first_block(pool, pem, len, &label, &start);

    AUTHSVC_TRY(check_kind(pool, origin, kind, label, need_private));
    made->is_private = kind == PEM_PRIVATE;
    /* From its block on: OpenSSL 3.0, to skip others, goes by the oldest error in the queue, which
     * may be anybody's. */
    made->pkey = decode(pem + start, len - start, kind);
    if (!made->pkey) {
        return authsvc_crypto_refuse(pool, origin, "is damaged: its PEM block \"%s\" holds no key",
                                     label);
    }
    apr_pool_cleanup_register(pool, made->pkey, key_free, apr_pool_cleanup_null);
    AUTHSVC_TRY(check_type(pool, origin, made));
    AUTHSVC_TRY(check_value(pool, origin, made));
    AUTHSVC_TRY(authsvc_key_describe(pool, made));
    AUTHSVC_TRY(authsvc_signature_prepare(pool, made));
    *key = made;
    return NULL;
}

authsvc_error_t *authsvc_key_from_pem(apr_pool_t *pool, const char *origin, const char *pem,
                                      apr_size_t len, int need_private, authsvc_key_t **key)
{
    authsvc_error_t *err;

    if (len > INT_MAX) {
        return authsvc_crypto_refuse(pool, origin, "is too large for a key");
    }
    /* The error queue is the thread's: what others left in it is not ours to touch. */
    ERR_set_mark();
    err = key_from_pem(pool, origin, pem, len, need_private, key);
    ERR_pop_to_mark();
    return err;
}

static authsvc_error_t *key_from_file(apr_pool_t *pool, const authsvc_crypto_file_t *file,
                                      int need_private, authsvc_key_t **key)
{
    authsvc_key_t *loaded;

    AUTHSVC_TRY(
        authsvc_key_from_pem(pool, file->path, file->text, file->len, need_private, &loaded));
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): no error is a key */
    if (loaded->is_private) {
        AUTHSVC_TRY(authsvc_crypto_file_private(pool, file));
    } else {
        AUTHSVC_TRY(authsvc_crypto_file_own(pool, file));
    }
    *key = loaded;
    return NULL;
}

authsvc_error_t *authsvc_key_load(apr_pool_t *pool, const char *path, int need_private,
                                  int *unreadable, authsvc_key_t **key)
{
    authsvc_crypto_file_t file;
    authsvc_error_t *err = authsvc_crypto_file_read(pool, path, unreadable, &file);

    if (!err) {
        err = key_from_file(pool, &file, need_private, key);
    }
    authsvc_crypto_file_forget(&file);
    return err;
}

authsvc_error_t *authsvc_key_load_at(apr_pool_t *pool, int directory, const char *name,
                                     const char *path, int *unreadable, authsvc_key_t **key)
{
    authsvc_crypto_file_t file;
    int gone;
    authsvc_error_t *err =
        authsvc_crypto_file_read_at(pool, directory, name, path, unreadable, &gone, &file);

    *key = NULL;
    if (!err && !gone) {
        err = key_from_file(pool, &file, 1, key);
    }
    authsvc_crypto_file_forget(&file);
    return err;
}

const char *authsvc_key_algorithm(const authsvc_key_t *key)
{
    return authsvc_algorithm_name(key->algorithm);
}

const char *authsvc_key_id(const authsvc_key_t *key)
{
    return key->kid;
}

/* What was written to a memory BIO, in pool; the BIO is wiped and freed. */
static const char *take_text(apr_pool_t *pool, BIO *bio)
{
    BUF_MEM *memory = NULL;
    const char *text;

    BIO_get_mem_ptr(bio, &memory);
    text = apr_pstrmemdup(pool, memory->data, memory->length);
    OPENSSL_cleanse(memory->data, memory->length);
    BIO_free(bio);
    return text;
}

authsvc_error_t *authsvc_key_public_pem(const authsvc_key_t *key, apr_pool_t *pool,
                                        const char **pem)
{
    BIO *bio = BIO_new(BIO_s_mem());

    if (!bio || PEM_write_bio_PUBKEY(bio, key->pkey) != 1) {
        BIO_free(bio);
        return authsvc_openssl_fault(pool, "PEM_write_bio_PUBKEY");
    }
    *pem = take_text(pool, bio);
    return NULL;
}

static authsvc_error_t *generate(apr_pool_t *pool, const char *algorithm, int bits,
                                 EVP_PKEY **pkey)
{
    if (strcmp(algorithm, "RS256") == 0) {
        bits = bits > 0 ? bits : RSA_BITS_DEFAULT;
        if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) {
            return AUTHSVC_ERROR(pool, AUTHSVC_E_INVALID, NULL,
                                 "An RSA key must have 2048 to 8192 bits.", "%d bits", bits);
        }
        *pkey = EVP_RSA_gen((unsigned int)bits);
    } else if (strcmp(algorithm, "ES256") == 0) {
        *pkey = EVP_EC_gen("P-256");
    } else if (strcmp(algorithm, "EdDSA") == 0) {
        *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    } else {
        return AUTHSVC_ERROR(pool, AUTHSVC_E_INVALID, NULL,
                             "The algorithm must be RS256, ES256 or EdDSA.", "another algorithm");
    }
    return *pkey ? NULL : authsvc_openssl_fault(pool, "key generation");
}

authsvc_error_t *authsvc_key_generate(apr_pool_t *pool, const char *algorithm, int bits,
                                      const char **pem)
{
    authsvc_error_t *err;
    EVP_PKEY *pkey = NULL;
    BIO *bio = NULL;

    ERR_set_mark();
    err = generate(pool, algorithm, bits, &pkey);
    if (!err) {
        bio = BIO_new(BIO_s_mem());
        if (bio && PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1) {
            *pem = take_text(pool, bio);
        } else {
            BIO_free(bio);
            err = authsvc_openssl_fault(pool, "PEM_write_bio_PKCS8PrivateKey");
        }
    }
    EVP_PKEY_free(pkey);
    ERR_pop_to_mark();
    return err;
}
