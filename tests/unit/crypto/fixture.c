/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <dlfcn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authsvc/crypto/crypto.h"

static apr_pool_t *shared;
static const char *pems[FIXTURE_KEYS];
static authsvc_key_t *keys[FIXTURE_KEYS];
static authsvc_keyset_t *sets[FIXTURE_KEYS];

#define MUST(condition)                                                      \
    do {                                                                     \
        if (!(condition)) {                                                  \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                         \
        }                                                                    \
    } while (0)

static apr_status_t forget_shared(void *data)
{
    (void)data;
    shared = NULL;
    return APR_SUCCESS;
}

/* In each forked test too: a leak checker looks at every process. */
static void destroy_shared(void)
{
    if (shared) {
        apr_pool_destroy(shared);
    }
}

void fixture_make_keys(void)
{
    static const char *const algorithms[FIXTURE_KEYS] = {"RS256", "ES256", "EdDSA", "RS256"};
    int i;

    if (shared) {
        return;
    }
    MUST(apr_pool_create(&shared, NULL) == APR_SUCCESS);
    apr_pool_cleanup_register(shared, NULL, forget_shared, apr_pool_cleanup_null);
    MUST(atexit(destroy_shared) == 0);
    MUST(authsvc_crypto_init(shared) == NULL);
    for (i = 0; i < FIXTURE_KEYS; i++) {
        MUST(authsvc_key_generate(shared, algorithms[i], 0, &pems[i]) == NULL);
        MUST(authsvc_key_from_pem(shared, "test", pems[i], strlen(pems[i]), 1, &keys[i]) == NULL);
        MUST(authsvc_keyset_create(shared, keys[i], NULL, &sets[i]) == NULL);
    }
}

const char *fixture_pem(fixture_key_t which)
{
    return pems[which];
}

authsvc_key_t *fixture_key(fixture_key_t which)
{
    return keys[which];
}

authsvc_keyset_t *fixture_keyset(fixture_key_t which)
{
    return sets[which];
}

static EVP_PKEY *read_key(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

    BIO_free(bio);
    MUST(pkey);
    return pkey;
}

const char *fixture_public_pem(apr_pool_t *pool, fixture_key_t which)
{
    EVP_PKEY *pkey = read_key(pems[which]);
    BIO *bio = BIO_new(BIO_s_mem());
    const char *text;
    char *data;
    long len;

    MUST(PEM_write_bio_PUBKEY(bio, pkey) == 1);
    len = BIO_get_mem_data(bio, &data);
    text = apr_pstrmemdup(pool, data, (apr_size_t)len);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return text;
}

const char *fixture_base64url(apr_pool_t *pool, const void *octets, apr_size_t len)
{
    char *text = apr_palloc(pool, (len + 2) / 3 * 4 + 1), *c;

    EVP_EncodeBlock((unsigned char *)text, octets, (int)len);
    for (c = text; *c; c++) {
        if (*c == '+') {
            *c = '-';
        } else if (*c == '/') {
            *c = '_';
        }
    }
    if ((c = strchr(text, '='))) {
        *c = '\0';
    }
    return text;
}

static const char *sign_asymmetric(apr_pool_t *pool, const char *alg, const char *pem,
                                   const char *input)
{
    const char *digest = strcmp(alg, "EdDSA") == 0 ? NULL
                         : strcmp(alg + 2, "384") == 0 ? "SHA384"
                         : strcmp(alg + 2, "512") == 0 ? "SHA512"
                                                       : "SHA256";
    EVP_PKEY *pkey = read_key(pem);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pkey_ctx;
    unsigned char octets[2048];
    size_t len = sizeof(octets);

    MUST(EVP_DigestSignInit_ex(ctx, &pkey_ctx, digest, NULL, NULL, pkey, NULL) == 1);
    if (alg[0] == 'P') {
        MUST(EVP_PKEY_CTX_set_rsa_padding(pkey_ctx, RSA_PKCS1_PSS_PADDING) == 1);
        MUST(EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey_ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
    }
    MUST(EVP_DigestSign(ctx, octets, &len, (const unsigned char *)input, strlen(input)) == 1);
    if (strcmp(alg, "ES256") == 0) {
        const unsigned char *at = octets;
        ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);

        MUST(sig);
        MUST(BN_bn2binpad(ECDSA_SIG_get0_r(sig), octets + 1024, 32) == 32);
        MUST(BN_bn2binpad(ECDSA_SIG_get0_s(sig), octets + 1056, 32) == 32);
        memcpy(octets, octets + 1024, 64);
        len = 64;
        ECDSA_SIG_free(sig);
    }
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return fixture_base64url(pool, octets, len);
}

static const char *sign_hmac(apr_pool_t *pool, const char *alg, const char *key,
                             apr_size_t key_len, const char *input)
{
    const EVP_MD *digest = strcmp(alg, "HS384") == 0   ? EVP_sha384()
                           : strcmp(alg, "HS512") == 0 ? EVP_sha512()
                                                       : EVP_sha256();
    unsigned char octets[EVP_MAX_MD_SIZE];
    unsigned int len;

    MUST(HMAC(digest, key, (int)key_len, (const unsigned char *)input, strlen(input), octets,
              &len));
    return fixture_base64url(pool, octets, len);
}

const char *fixture_mint(apr_pool_t *pool, const char *alg, const char *key, apr_size_t key_len,
                         const char *header, apr_size_t header_len, const char *claims,
                         apr_size_t claims_len)
{
    const char *input = apr_pstrcat(pool, fixture_base64url(pool, header, header_len), ".",
                                    fixture_base64url(pool, claims, claims_len), NULL);
    const char *signature = "";

    if (alg[0] == 'H') {
        signature = sign_hmac(pool, alg, key, key_len, input);
    } else if (strcmp(alg, "none") != 0) {
        signature = sign_asymmetric(pool, alg, key, input);
    }
    return apr_pstrcat(pool, input, ".", signature, NULL);
}

authsvc_claims_t fixture_claims(void)
{
    authsvc_claims_t claims = {0};

    claims.issuer = FIXTURE_ISSUER;
    claims.subject = FIXTURE_USER;
    claims.audience = FIXTURE_AUDIENCE;
    claims.token_id = "018f0000-0000-7000-8000-000000000003";
    claims.session_id = FIXTURE_SESSION;
    claims.role = "user";
    claims.email = "ada@example.org";
    claims.name = "Ada \xc3\x96 \"Lovelace\"";
    claims.epoch = 7;
    claims.email_verified = 1;
    claims.issued_at = FIXTURE_NOW;
    claims.not_before = FIXTURE_NOW;
    claims.expires_at = FIXTURE_NOW + 900;
    return claims;
}

authsvc_jwt_expectation_t fixture_expectation(void)
{
    authsvc_jwt_expectation_t expected = {0};

    expected.issuer = FIXTURE_ISSUER;
    expected.audience = FIXTURE_AUDIENCE;
    expected.type = AUTHSVC_TYP_JWT;
    expected.now = FIXTURE_NOW;
    expected.leeway = 30;
    return expected;
}

static struct {
    const char *text;
    apr_size_t len;
    fixture_read_t last;
} watch;

/* The seam: stands before the C library's, notes, and passes on. */
ssize_t read(int fd, void *buffer, size_t size)
{
    ssize_t (*real)(int, void *, size_t);
    ssize_t got;

    *(void **)&real = dlsym(RTLD_NEXT, "read");
    got = real(fd, buffer, size);
    if (watch.text && got == (ssize_t)watch.len) {
        watch.last.octets = buffer;
        watch.last.len = watch.len;
        watch.last.was_text = memcmp(buffer, watch.text, watch.len) == 0;
    }
    return got;
}

void fixture_watch_reads(const char *text, apr_size_t len)
{
    memset(&watch, 0, sizeof(watch));
    watch.text = text;
    watch.len = len;
}

const fixture_read_t *fixture_last_read(void)
{
    return &watch.last;
}

static apr_status_t remove_directory(void *data)
{
    rmdir(data);
    return APR_SUCCESS;
}

static apr_status_t remove_file(void *data)
{
    unlink(data);
    return APR_SUCCESS;
}

const char *fixture_directory(apr_pool_t *pool)
{
    const char *parent = getenv("TMPDIR");
    char *path = apr_pstrcat(pool, parent ? parent : "/tmp", "/authsvc-unit.XXXXXX", NULL);

    MUST(mkdtemp(path));
    apr_pool_cleanup_register(pool, path, remove_directory, apr_pool_cleanup_null);
    return path;
}

const char *fixture_file(apr_pool_t *pool, const char *text, apr_size_t len, int mode)
{
    char *path = apr_pstrcat(pool, fixture_directory(pool), "/file", NULL);
    FILE *file = fopen(path, "w");

    MUST(file);
    MUST(fwrite(text, 1, len, file) == len);
    MUST(fclose(file) == 0);
    MUST(chmod(path, (mode_t)mode) == 0);
    apr_pool_cleanup_register(pool, path, remove_file, apr_pool_cleanup_null);
    return path;
}
