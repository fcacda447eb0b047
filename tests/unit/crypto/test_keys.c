/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/keys.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "unit.h"
#include "vectors.h"

static authsvc_error_t *parse(const char *pem, size_t len, int need_private, authsvc_key_t **key)
{
    return authsvc_key_from_pem(unit_pool, "key.pem", pem, len, need_private, key);
}

/* The PEM (or DER) of a key of any kind, by OpenSSL alone. */
static const char *write_key(EVP_PKEY *pkey, int der, const EVP_CIPHER *cipher, size_t *len)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    const char *text;

    ck_assert_ptr_nonnull(pkey);
    if (der) {
        ck_assert_int_eq(i2d_PKCS8PrivateKey_bio(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    } else {
        ck_assert_int_eq(PEM_write_bio_PKCS8PrivateKey(bio, pkey, cipher, cipher ? "pass" : NULL,
                                                       cipher ? 4 : 0, NULL, NULL), 1);
    }
    *len = (size_t)BIO_get_mem_data(bio, &data);
    text = apr_pstrmemdup(unit_pool, data, *len);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return text;
}

/* The refusal is a sentence for the admin, that names the file. */
static void assert_refused(authsvc_error_t *err, const char *because)
{
    ck_assert_msg(err != NULL, "accepted, but should not be: %s", because);
    ck_assert_int_eq(err->code, AUTHSVC_E_INVALID);
    ck_assert_ptr_nonnull(err->detail);
    ck_assert_msg(strstr(err->detail, because) != NULL, "\"%s\" does not say \"%s\"", err->detail,
                  because);
}

START_TEST(thumbprints_are_those_of_the_standards)
{
    authsvc_key_t *key;

    ck_assert_ptr_null(parse(rfc7638_key, strlen(rfc7638_key), 0, &key));
    ck_assert_str_eq(authsvc_key_id(key), rfc7638_thumbprint);
    ck_assert_str_eq(authsvc_key_algorithm(key), "RS256");
    ck_assert_ptr_null(parse(rfc8037_a1_key, strlen(rfc8037_a1_key), 1, &key));
    ck_assert_str_eq(authsvc_key_id(key), rfc8037_a3_thumbprint);
    ck_assert_str_eq(authsvc_key_algorithm(key), "EdDSA");
}
END_TEST

START_TEST(jwk_has_the_public_numbers_and_nothing_else)
{
    authsvc_key_t *key;
    authsvc_json_t *jwk;

    ck_assert_ptr_null(parse(rfc7515_a3_key, strlen(rfc7515_a3_key), 0, &key));
    jwk = authsvc_key_jwk(key, unit_pool);
    ck_assert_str_eq(authsvc_json_get_string(jwk, "kty"), "EC");
    ck_assert_str_eq(authsvc_json_get_string(jwk, "crv"), "P-256");
    ck_assert_str_eq(authsvc_json_get_string(jwk, "use"), "sig");
    ck_assert_str_eq(authsvc_json_get_string(jwk, "alg"), "ES256");
    ck_assert_str_eq(authsvc_json_get_string(jwk, "kid"), authsvc_key_id(key));
    ck_assert_str_eq(authsvc_json_get_string(jwk, "x"),
                     "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
    ck_assert_str_eq(authsvc_json_get_string(jwk, "y"),
                     "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    ck_assert_uint_eq(authsvc_json_size(jwk), 7);

    ck_assert_ptr_null(parse(rfc8037_a1_key, strlen(rfc8037_a1_key), 1, &key));
    jwk = authsvc_key_jwk(key, unit_pool);
    ck_assert_str_eq(authsvc_json_get_string(jwk, "kty"), "OKP");
    ck_assert_str_eq(authsvc_json_get_string(jwk, "crv"), "Ed25519");
    ck_assert_str_eq(authsvc_json_get_string(jwk, "x"),
                     "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    ck_assert_ptr_null(authsvc_json_get(jwk, "d"));
    ck_assert_uint_eq(authsvc_json_size(jwk), 6);

    key = fixture_key(FIXTURE_RS256);
    jwk = authsvc_key_jwk(key, unit_pool);
    ck_assert_str_eq(authsvc_json_get_string(jwk, "kty"), "RSA");
    ck_assert_str_eq(authsvc_json_get_string(jwk, "e"), "AQAB");
    ck_assert_ptr_null(authsvc_json_get(jwk, "d"));
    ck_assert_ptr_null(authsvc_json_get(jwk, "p"));
    ck_assert_uint_eq(authsvc_json_size(jwk), 6);
}
END_TEST

/* The A.3 point's coordinates have full length; this key's x starts with a zero octet. */
START_TEST(coordinates_keep_their_leading_zeros)
{
    authsvc_key_t *key = NULL;
    int i;

    for (i = 0; i < 5000; i++) {
        EVP_PKEY *pkey = EVP_EC_gen("P-256");
        BIGNUM *x = NULL;
        int short_x;
        size_t len;
        const char *pem;

        ck_assert_int_eq(EVP_PKEY_get_bn_param(pkey, "qx", &x), 1);
        short_x = BN_num_bytes(x) < 32;
        BN_free(x);
        if (!short_x) {
            EVP_PKEY_free(pkey);
            continue;
        }
        pem = write_key(pkey, 0, NULL, &len);
        ck_assert_ptr_null(parse(pem, len, 1, &key));
        break;
    }
    ck_assert_ptr_nonnull(key);
    ck_assert_uint_eq(strlen(authsvc_json_get_string(authsvc_key_jwk(key, unit_pool), "x")), 43);
}
END_TEST

START_TEST(generated_keys_load_again)
{
    static const struct {
        const char *algorithm;
        int bits;
    } cases[] = {{"RS256", 0}, {"RS256", 3072}, {"ES256", 0}, {"EdDSA", 0}};
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *pem, *path;
        authsvc_key_t *key, *loaded, *public_key;
        int unreadable = -1;

        ck_assert_ptr_null(
            authsvc_key_generate(unit_pool, cases[i].algorithm, cases[i].bits, &pem));
        ck_assert_ptr_nonnull(strstr(pem, "-----BEGIN PRIVATE KEY-----"));
        ck_assert_ptr_null(parse(pem, strlen(pem), 1, &key));
        ck_assert_str_eq(authsvc_key_algorithm(key), cases[i].algorithm);
        path = fixture_file(unit_pool, pem, strlen(pem), 0600);
        ck_assert_ptr_null(authsvc_key_load(unit_pool, path, 1, &unreadable, &loaded));
        ck_assert_int_eq(unreadable, 0);
        ck_assert_str_eq(authsvc_key_id(loaded), authsvc_key_id(key));
        ck_assert_ptr_null(authsvc_key_public_pem(key, unit_pool, &pem));
        ck_assert_ptr_nonnull(strstr(pem, "-----BEGIN PUBLIC KEY-----"));
        ck_assert_ptr_null(parse(pem, strlen(pem), 0, &public_key));
        ck_assert_str_eq(authsvc_key_id(public_key), authsvc_key_id(key));
    }
}
END_TEST

START_TEST(generate_refuses_what_would_not_load)
{
    const char *pem;

    assert_refused(authsvc_key_generate(unit_pool, "RS256", 1024, &pem), "2048 to 8192");
    assert_refused(authsvc_key_generate(unit_pool, "RS256", 8193, &pem), "2048 to 8192");
    assert_refused(authsvc_key_generate(unit_pool, "HS256", 0, &pem), "RS256, ES256 or EdDSA");
    assert_refused(authsvc_key_generate(unit_pool, "rs256", 0, &pem), "RS256, ES256 or EdDSA");
}
END_TEST

START_TEST(unsuitable_keys_are_refused_with_the_reason)
{
    authsvc_key_t *key;
    const char *pem;
    size_t len;

    pem = write_key(EVP_RSA_gen(1024), 0, NULL, &len);
    assert_refused(parse(pem, len, 1, &key), "1024 bits");
    pem = write_key(EVP_EC_gen("P-384"), 0, NULL, &len);
    assert_refused(parse(pem, len, 1, &key), "curve secp384r1");
    pem = write_key(EVP_EC_gen("secp256k1"), 0, NULL, &len);
    assert_refused(parse(pem, len, 1, &key), "curve secp256k1");
    pem = write_key(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), 0, NULL, &len);
    assert_refused(parse(pem, len, 1, &key), "type X25519");
    pem = write_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), 0, NULL, &len);
    assert_refused(parse(pem, len, 1, &key), "type ED448");
    pem = write_key(EVP_EC_gen("P-256"), 1, NULL, &len);
    assert_refused(parse(pem, len, 1, &key), "not a key in PEM form");
    pem = write_key(EVP_EC_gen("P-256"), 0, EVP_aes_128_cbc(), &len);
    assert_refused(parse(pem, len, 1, &key), "encrypted");
    assert_refused(parse(rfc7638_key, strlen(rfc7638_key), 1, &key), "is a public key");
    assert_refused(parse("", 0, 0, &key), "not a key in PEM form");
    assert_refused(parse("hello\n", 6, 0, &key), "not a key in PEM form");
}
END_TEST

/* The old form of encryption names itself in a header, not in the label. */
START_TEST(traditionally_encrypted_keys_never_ask_for_a_pass_phrase)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    authsvc_key_t *key;
    char *data;
    long len;

    ck_assert_int_eq(PEM_write_bio_PrivateKey_traditional(
                         bio, pkey, EVP_aes_128_cbc(), (unsigned char *)"pass", 4, NULL, NULL), 1);
    len = BIO_get_mem_data(bio, &data);
    ck_assert_ptr_nonnull(strstr(data, "Proc-Type: 4,ENCRYPTED"));
    assert_refused(parse(data, (size_t)len, 1, &key), "encrypted");
    BIO_free(bio);
    EVP_PKEY_free(pkey);
}
END_TEST

/* The same curve under its own numbers instead of its name. */
START_TEST(a_spelled_out_curve_is_refused)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    authsvc_key_t *key;
    const char *pem;
    size_t len;

    ck_assert_int_eq(EVP_PKEY_set_utf8_string_param(pkey, "encoding", "explicit"), 1);
    pem = write_key(pkey, 0, NULL, &len);
    assert_refused(parse(pem, len, 1, &key), "spells its curve out");
}
END_TEST

START_TEST(a_damaged_key_is_refused)
{
    const char *pem = fixture_pem(FIXTURE_RS256);
    char *damaged = apr_pstrdup(unit_pool, pem);
    authsvc_key_t *key;
    char *at = damaged + strlen(damaged) / 2;

    ck_assert_ptr_null(parse(pem, strlen(pem), 1, &key));
    *at = *at == 'A' ? 'B' : 'A';
    assert_refused(parse(damaged, strlen(damaged), 1, &key), "is damaged");
    at = strstr(damaged, "-----END");
    assert_refused(parse(damaged, (size_t)(at - damaged), 1, &key), "not a key in PEM form");
}
END_TEST

START_TEST(parameters_before_the_key_are_skipped)
{
    const char *params = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
                         "-----END EC PARAMETERS-----\n";
    const char *pem = apr_pstrcat(unit_pool, params, fixture_pem(FIXTURE_ES256), NULL);
    authsvc_key_t *key;

    ck_assert_ptr_null(parse(pem, strlen(pem), 1, &key));
    assert_refused(parse(params, strlen(params), 1, &key), "not a key in PEM form");
}
END_TEST

START_TEST(files_are_refused_with_the_reason)
{
    const char *pem = fixture_pem(FIXTURE_ES256), *path;
    const char *directory = fixture_directory(unit_pool);
    authsvc_key_t *key;
    char *large = apr_pcalloc(unit_pool, 65537);
    int unreadable = -1;

    path = apr_pstrcat(unit_pool, directory, "/none", NULL);
    assert_refused(authsvc_key_load(unit_pool, path, 1, &unreadable, &key), "No such file");
    ck_assert_int_eq(unreadable, 0);
    assert_refused(authsvc_key_load(unit_pool, directory, 1, NULL, &key), "is a directory");
    assert_refused(authsvc_key_load(unit_pool, "/dev/null", 1, NULL, &key), "no regular file");
    path = fixture_file(unit_pool, "", 0, 0600);
    assert_refused(authsvc_key_load(unit_pool, path, 1, NULL, &key), "is empty");
    path = fixture_file(unit_pool, large, 65537, 0600);
    assert_refused(authsvc_key_load(unit_pool, path, 1, NULL, &key), "larger than 64 KiB");
    path = fixture_file(unit_pool, pem, strlen(pem), 0644);
    assert_refused(authsvc_key_load(unit_pool, path, 1, NULL, &key), "chmod 0600");
    assert_refused(authsvc_key_load(unit_pool, path, 0, NULL, &key), "chmod 0600");
    path = fixture_file(unit_pool, pem, strlen(pem), 0640);
    assert_refused(authsvc_key_load(unit_pool, path, 1, NULL, &key), "chmod 0600");
    path = fixture_file(unit_pool, pem, strlen(pem), 0400);
    ck_assert_ptr_null(authsvc_key_load(unit_pool, path, 1, NULL, &key));
    path = fixture_file(unit_pool, rfc7638_key, strlen(rfc7638_key), 0644);
    ck_assert_ptr_null(authsvc_key_load(unit_pool, path, 0, NULL, &key));
    path = fixture_file(unit_pool, rfc7638_key, strlen(rfc7638_key), 0666);
    assert_refused(authsvc_key_load(unit_pool, path, 0, NULL, &key), "chmod go-w ");
    ck_assert_int_eq(chmod(path, 0664), 0);
    assert_refused(authsvc_key_load(unit_pool, path, 0, NULL, &key), "chmod go-w ");
    ck_assert_int_eq(chmod(path, 0646), 0);
    assert_refused(authsvc_key_load(unit_pool, path, 0, NULL, &key), "chmod go-w ");
    ck_assert_int_eq(chmod(path, 0644), 0);
    ck_assert_ptr_null(authsvc_key_load(unit_pool, path, 0, NULL, &key));
}
END_TEST

/* Every child of httpd would go on having it, beside OpenSSL's own form of the key. */
START_TEST(the_text_of_a_key_is_wiped)
{
    const char *pem = fixture_pem(FIXTURE_ES256);
    size_t len = strlen(pem), i;
    int modes[] = {0600, 0644};

    for (i = 0; i < 2; i++) {
        const char *path = fixture_file(unit_pool, pem, len, modes[i]);
        authsvc_key_t *key = NULL;
        authsvc_error_t *err;
        const fixture_read_t *seen;

        fixture_watch_reads(pem, len);
        err = authsvc_key_load(unit_pool, path, 1, NULL, &key);
        seen = fixture_last_read();
        ck_assert_int_eq(seen->was_text, 1);
        ck_assert_ptr_null(memmem(seen->octets, len, pem + len / 2, 16));
        if (i == 0) {
            ck_assert_ptr_null(err);
            ck_assert_str_eq(authsvc_key_id(key), authsvc_key_id(fixture_key(FIXTURE_ES256)));
        } else {
            /* what is said of the file outlives its text */
            assert_refused(err, "chmod 0600");
            ck_assert_ptr_nonnull(strstr(err->detail, path));
        }
    }
}
END_TEST

/*
 * Root, and whoever we are: those could read it anyhow. Whose public key is believed can sign, and
 * so can whoever could put another into its file.
 */
START_TEST(a_key_of_another_user_is_refused)
{
    const char *pem = fixture_pem(FIXTURE_ES256);
    const char *path = fixture_file(unit_pool, pem, strlen(pem), 0600);
    const char *public_path = fixture_file(unit_pool, rfc7638_key, strlen(rfc7638_key), 0644);
    authsvc_key_t *key;

    ck_assert_ptr_null(authsvc_key_load(unit_pool, path, 1, NULL, &key));
    ck_assert_ptr_null(authsvc_key_load(unit_pool, public_path, 0, NULL, &key));
    if (geteuid() != 0) {
        return; /* only root can make a file somebody else's */
    }
    ck_assert_int_eq(chown(path, 65534, (gid_t)-1), 0);
    ck_assert_int_eq(chown(public_path, 65534, (gid_t)-1), 0);
    assert_refused(authsvc_key_load(unit_pool, path, 1, NULL, &key), "chown root ");
    assert_refused(authsvc_key_load(unit_pool, public_path, 0, NULL, &key), "chown root ");
    /* its owner may use it */
    ck_assert_int_eq(chmod(apr_pstrmemdup(unit_pool, path, strlen(path) - strlen("/file")), 0777),
                     0);
    ck_assert_int_eq(chmod(apr_pstrmemdup(unit_pool, public_path,
                                          strlen(public_path) - strlen("/file")), 0777), 0);
    ck_assert_int_eq(seteuid(65534), 0);
    ck_assert_ptr_null(authsvc_key_load(unit_pool, public_path, 0, NULL, &key));
    ck_assert_ptr_null(authsvc_key_load(unit_pool, path, 1, NULL, &key));
    ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

/* Only as a user who may not read everything; root goes on as nobody in the forked test. */
START_TEST(missing_permission_is_told_apart)
{
    const char *pem = fixture_pem(FIXTURE_ES256);
    const char *path = fixture_file(unit_pool, pem, strlen(pem), 0000);
    authsvc_key_t *key;
    int unreadable = 0;

    if (geteuid() == 0) {
        const char *end = strrchr(path, '/');

        ck_assert_int_eq(chmod(apr_pstrmemdup(unit_pool, path, (size_t)(end - path)), 0777), 0);
        ck_assert_int_eq(seteuid(65534), 0);
    }
    assert_refused(authsvc_key_load(unit_pool, path, 1, &unreadable, &key), "Permission denied");
    ck_assert_int_eq(unreadable, 1);
    if (getuid() == 0) {
        ck_assert_int_eq(seteuid(0), 0);
    }
}
END_TEST

START_TEST(a_set_keeps_each_key_once_and_finds_it)
{
    authsvc_key_t *signing = fixture_key(FIXTURE_RS256);
    authsvc_key_t *other = fixture_key(FIXTURE_ES256), *again;
    apr_array_header_t *verify = apr_array_make(unit_pool, 3, sizeof(authsvc_key_t *));
    apr_array_header_t *algorithms;
    authsvc_keyset_t *keys;
    authsvc_json_t *jwks;
    const char *pem;

    ck_assert_ptr_null(authsvc_key_public_pem(signing, unit_pool, &pem));
    ck_assert_ptr_null(parse(pem, strlen(pem), 0, &again));
    APR_ARRAY_PUSH(verify, authsvc_key_t *) = again;
    APR_ARRAY_PUSH(verify, authsvc_key_t *) = other;
    APR_ARRAY_PUSH(verify, authsvc_key_t *) = fixture_key(FIXTURE_OTHER_RS256);
    ck_assert_ptr_null(authsvc_keyset_create(unit_pool, signing, verify, &keys));
    ck_assert_ptr_eq(authsvc_keyset_signing(keys, 0), signing);
    ck_assert_ptr_eq(authsvc_keyset_find(keys, authsvc_key_id(signing), 0), signing);
    ck_assert_ptr_eq(authsvc_keyset_find(keys, authsvc_key_id(other), 0), other);
    ck_assert_ptr_null(authsvc_keyset_find(keys, "none", 0));
    ck_assert_ptr_null(authsvc_keyset_find(keys, "", 0));
    jwks = authsvc_keyset_jwks(keys, 0, unit_pool);
    ck_assert_uint_eq(authsvc_json_size(authsvc_json_get(jwks, "keys")), 3);
    ck_assert_str_eq(
        authsvc_json_get_string(authsvc_json_at(authsvc_json_get(jwks, "keys"), 0), "kid"),
        authsvc_key_id(signing));
    algorithms = authsvc_keyset_algorithms(keys, 0, unit_pool);
    ck_assert_int_eq(algorithms->nelts, 2);
    ck_assert_str_eq(APR_ARRAY_IDX(algorithms, 0, const char *), "RS256");
    ck_assert_str_eq(APR_ARRAY_IDX(algorithms, 1, const char *), "ES256");
}
END_TEST

START_TEST(a_public_key_does_not_sign)
{
    authsvc_keyset_t *keys;
    authsvc_key_t *key;

    ck_assert_ptr_null(parse(rfc7638_key, strlen(rfc7638_key), 0, &key));
    assert_refused(authsvc_keyset_create(unit_pool, key, NULL, &keys), "private key is needed");
}
END_TEST

/* mod_ssl and libpq read the same thread's queue. */
START_TEST(openssl_errors_do_not_leak_to_the_thread)
{
    authsvc_key_t *key;

    ERR_clear_error();
    ck_assert_ptr_nonnull(parse("hello\n", 6, 0, &key));
    ck_assert_uint_eq(ERR_peek_error(), 0);
}
END_TEST

/* And what they left in it is neither taken for ours nor taken away. */
START_TEST(errors_of_others_do_not_matter)
{
    const char *params = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
                         "-----END EC PARAMETERS-----\n";
    const char *pems[] = {fixture_pem(FIXTURE_RS256), fixture_pem(FIXTURE_ES256),
                          fixture_pem(FIXTURE_EDDSA),
                          apr_pstrcat(unit_pool, params, fixture_pem(FIXTURE_ES256), NULL)};
    authsvc_error_t *err;
    authsvc_key_t *key;
    size_t i;

    for (i = 0; i < sizeof(pems) / sizeof(pems[0]); i++) {
        ERR_clear_error();
        ERR_raise(ERR_LIB_USER, 1);
        err = parse(pems[i], strlen(pems[i]), 1, &key);
        ck_assert_msg(err == NULL, "%d: %s", (int)i, err ? err->internal : "");
        ck_assert_uint_eq(ERR_get_error(), ERR_PACK(ERR_LIB_USER, 0, 1));
        ck_assert_uint_eq(ERR_get_error(), 0);
    }
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_keys)
{
    Suite *suite = suite_create("keys");
    TCase *tcase = unit_tcase(suite, "parse");

    tcase_add_unchecked_fixture(tcase, fixture_make_keys, NULL);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, thumbprints_are_those_of_the_standards);
    tcase_add_test(tcase, jwk_has_the_public_numbers_and_nothing_else);
    tcase_add_test(tcase, coordinates_keep_their_leading_zeros);
    tcase_add_test(tcase, generated_keys_load_again);
    tcase_add_test(tcase, generate_refuses_what_would_not_load);
    tcase_add_test(tcase, unsuitable_keys_are_refused_with_the_reason);
    tcase_add_test(tcase, traditionally_encrypted_keys_never_ask_for_a_pass_phrase);
    tcase_add_test(tcase, a_spelled_out_curve_is_refused);
    tcase_add_test(tcase, a_damaged_key_is_refused);
    tcase_add_test(tcase, parameters_before_the_key_are_skipped);
    tcase_add_test(tcase, openssl_errors_do_not_leak_to_the_thread);
    tcase_add_test(tcase, errors_of_others_do_not_matter);

    tcase = unit_tcase(suite, "files");
    tcase_add_unchecked_fixture(tcase, fixture_make_keys, NULL);
    tcase_add_test(tcase, files_are_refused_with_the_reason);
    tcase_add_test(tcase, the_text_of_a_key_is_wiped);
    tcase_add_test(tcase, a_key_of_another_user_is_refused);
    tcase_add_test(tcase, missing_permission_is_told_apart);

    tcase = unit_tcase(suite, "set");
    tcase_add_unchecked_fixture(tcase, fixture_make_keys, NULL);
    tcase_add_test(tcase, a_set_keeps_each_key_once_and_finds_it);
    tcase_add_test(tcase, a_public_key_does_not_sign);
    return suite;
}
