/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: an octet that says how, and a key file's text.
 *   bit 0    a private key is needed
 *   bit 1    by way of a file
 *   bits 2-4 0: the text as it is; otherwise it is DER, and the PEM is put around it here
 *   bit 5    an error of somebody else's is in OpenSSL's queue, and must stay there alone
 */
#include "fuzz.h"

#include <fcntl.h>
#include <jansson.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authsvc/crypto/crypto.h"
#include "authsvc/crypto/jwt.h"

static const char *wrap(apr_pool_t *pool, int which, const char *der, size_t *len)
{
    static const char *const labels[] = {"",
                                         "PRIVATE KEY",
                                         "PUBLIC KEY",
                                         "EC PRIVATE KEY",
                                         "RSA PRIVATE KEY",
                                         "ENCRYPTED PRIVATE KEY",
                                         "CERTIFICATE",
                                         "RSA PUBLIC KEY"};
    BIO *bio = BIO_new(BIO_s_mem());
    const char *text;
    char *data;

    PEM_write_bio(bio, labels[which], "", (const unsigned char *)der, (long)*len);
    *len = (size_t)BIO_get_mem_data(bio, &data);
    text = apr_pstrmemdup(pool, data, *len);
    BIO_free(bio);
    return text;
}

/* RFC 7638 by jansson, which can sort, and libsodium. */
static const char *thumbprint(apr_pool_t *pool, json_t *jwk)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    json_t *copy = json_copy(jwk);
    char *text, *print = apr_palloc(pool, 64);

    json_object_del(copy, "use");
    json_object_del(copy, "alg");
    json_object_del(copy, "kid");
    text = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
    crypto_hash_sha256(digest, (const unsigned char *)text, strlen(text));
    sodium_bin2base64(print, 64, digest, sizeof(digest), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    free(text);
    json_decref(copy);
    return print;
}

static const char *member(json_t *jwk, const char *name)
{
    const char *text = json_string_value(json_object_get(jwk, name));

    return text ? text : "";
}

/* Public numbers only, as many as the type has, and the kid is theirs. */
static void check_jwk(apr_pool_t *pool, const authsvc_key_t *key)
{
    const char *text = authsvc_json_dump(pool, authsvc_key_jwk(key, pool));
    json_t *jwk = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    FUZZ_MUST(jwk && strcmp(member(jwk, "use"), "sig") == 0);
    FUZZ_MUST(strcmp(member(jwk, "alg"), authsvc_key_algorithm(key)) == 0);
    FUZZ_MUST(strcmp(member(jwk, "kid"), authsvc_key_id(key)) == 0);
    FUZZ_MUST(strcmp(member(jwk, "kid"), thumbprint(pool, jwk)) == 0);
    if (strcmp(authsvc_key_algorithm(key), "RS256") == 0) {
        FUZZ_MUST(strcmp(member(jwk, "kty"), "RSA") == 0 && json_object_size(jwk) == 6);
        FUZZ_MUST(fuzz_matches("[A-Za-z0-9_-]+", member(jwk, "e")));
        /* 2048 to 8192 bits */
        FUZZ_MUST(strlen(member(jwk, "n")) >= 342 && strlen(member(jwk, "n")) <= 1366);
    } else if (strcmp(authsvc_key_algorithm(key), "ES256") == 0) {
        FUZZ_MUST(strcmp(member(jwk, "kty"), "EC") == 0 && json_object_size(jwk) == 7);
        FUZZ_MUST(strcmp(member(jwk, "crv"), "P-256") == 0);
        FUZZ_MUST(strlen(member(jwk, "x")) == 43 && strlen(member(jwk, "y")) == 43);
    } else {
        FUZZ_MUST(strcmp(member(jwk, "alg"), "EdDSA") == 0 && json_object_size(jwk) == 6);
        FUZZ_MUST(strcmp(member(jwk, "crv"), "Ed25519") == 0 && strlen(member(jwk, "x")) == 43);
    }
    json_decref(jwk);
}

/* What it signs, its public half verifies. */
static void check_signature(apr_pool_t *pool, authsvc_key_t *key, authsvc_key_t *public_key)
{
    apr_array_header_t *verify = apr_array_make(pool, 1, sizeof(authsvc_key_t *));
    authsvc_jwt_expectation_t expected = {"a", "b", AUTHSVC_TYP_JWT, 1000, 0};
    authsvc_claims_t claims = {0}, back;
    authsvc_keyset_t *signs, *verifies;
    const char *token;

    claims.issuer = "a";
    claims.audience = "b";
    claims.subject = claims.session_id = "018f0000-0000-7000-8000-000000000001";
    claims.token_id = claims.role = "c";
    claims.expires_at = 1001;
    APR_ARRAY_PUSH(verify, authsvc_key_t *) = public_key;
    FUZZ_OK(authsvc_keyset_create(pool, key, NULL, &signs));
    FUZZ_OK(authsvc_keyset_create(pool, NULL, verify, &verifies));
    FUZZ_OK(authsvc_jwt_sign(pool, signs, AUTHSVC_TYP_JWT, &claims, &token));
    FUZZ_OK(authsvc_jwt_verify(pool, verifies, &expected, token, strlen(token), &back));
}

static void check_key(apr_pool_t *pool, authsvc_key_t *key, int need_private)
{
    authsvc_keyset_t *keys;
    authsvc_key_t *public_key = NULL;
    const char *pem = NULL;

    check_jwk(pool, key);
    FUZZ_OK(authsvc_key_public_pem(key, pool, &pem));
    FUZZ_MUST(strncmp(pem, "-----BEGIN PUBLIC KEY-----\n", 27) == 0 && !strstr(pem, "PRIVATE KEY"));
    FUZZ_OK(authsvc_key_from_pem(pool, "again", pem, strlen(pem), 0, &public_key));
    FUZZ_MUST(strcmp(authsvc_key_id(key), authsvc_key_id(public_key)) == 0);
    FUZZ_MUST(authsvc_keyset_create(pool, public_key, NULL, &keys) != NULL);
    if (need_private) {
        check_signature(pool, key, public_key);
    }
}

/* One file for all inputs, in memory. @return its path */
static const char *write_file(const char *text, size_t len)
{
    static char path[64];
    static int fd = -1;

    if (fd < 0) {
        fd = memfd_create("key.pem", MFD_CLOEXEC);
        FUZZ_MUST(fd >= 0 && fchmod(fd, 0600) == 0);
    }
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
    FUZZ_MUST(ftruncate(fd, 0) == 0);
    FUZZ_MUST(pwrite(fd, text, len, 0) == (ssize_t)len);
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    fuzz_input_t input = {data, size};
    uint8_t how = fuzz_octet(&input);
    int need_private = how & 1, by_file = how >> 1 & 1, label = how >> 2 & 7, unreadable = 1;
    authsvc_key_t *key = NULL;
    authsvc_error_t *err;
    const char *text, *origin = "the key";
    size_t len;

    FUZZ_OK(authsvc_crypto_init(pool));
    text = fuzz_rest(pool, &input, &len);
    text = label > 0 ? wrap(pool, label, text, &len) : text;
    ERR_clear_error();
    if (how & 32) {
        ERR_raise(ERR_LIB_USER, 1);
    }
    if (by_file) {
        origin = write_file(text, len);
        err = authsvc_key_load(pool, origin, need_private, &unreadable, &key);
        FUZZ_MUST(!unreadable);
    } else {
        err = authsvc_key_from_pem(pool, origin, text, len, need_private, &key);
    }
    FUZZ_MUST(ERR_get_error() == (how & 32 ? ERR_PACK(ERR_LIB_USER, 0, 1) : 0));
    FUZZ_MUST(ERR_get_error() == 0);
    if (err) {
        /* Whatever is wrong with a file is not our fault, and the admin is told in one line. */
        if (err->code != AUTHSVC_E_INVALID) {
            fprintf(stderr, "refused for: %s\n", err->internal);
        }
        FUZZ_MUST(err->code == AUTHSVC_E_INVALID && key == NULL);
        FUZZ_MUST(strncmp(err->detail, origin, strlen(origin)) == 0);
        FUZZ_MUST(!strchr(err->detail, '\n'));
    } else {
        check_key(pool, key, need_private);
    }
    apr_pool_destroy(pool);
    return 0;
}
