/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: an octet that says how, and
 *   'r'  a whole token as it is
 *   's'  header JSON, NUL, claims JSON: signed here with the test's Ed25519 key
 *   'm'  role, NUL, token id, NUL: goes through authsvc_jwt_sign() and back
 * The other opinion on each token: jansson, libsodium (base64url, Ed25519), OpenSSL (RSA, P-256),
 * and the rules of RFC 7515, 7519 and 8725 written down once more, in token_oracle.c.
 */
#include "fuzz.h"

#include <sodium.h>
#include <unistr.h>

#include "authsvc/core/encoding.h"
#include "authsvc/crypto/crypto.h"
#include "authsvc/crypto/jwt.h"
#include "token_oracle.h"

static authsvc_keyset_t *keys;

static void make_keys(void)
{
    apr_pool_t *pool = fuzz_lasting_pool();
    apr_array_header_t *verify = apr_array_make(pool, 2, sizeof(authsvc_key_t *));
    authsvc_key_t *signing, *key;
    int i;

    FUZZ_OK(authsvc_crypto_init(pool));
    FUZZ_OK(authsvc_key_from_pem(pool, "test", oracle_pem[0], strlen(oracle_pem[0]), 1, &signing));
    for (i = 1; i < ORACLE_KEYS; i++) {
        FUZZ_OK(authsvc_key_from_pem(pool, "test", oracle_pem[i], strlen(oracle_pem[i]), 0, &key));
        APR_ARRAY_PUSH(verify, authsvc_key_t *) = key;
    }
    FUZZ_OK(authsvc_keyset_create(pool, signing, verify, &keys));
    for (i = 0; i < ORACLE_KEYS; i++) {
        FUZZ_MUST(authsvc_keyset_find(keys, oracle_kid[i], 0) != NULL);
    }
}

/* @return 1 if it was accepted, by both */
static int check(apr_pool_t *pool, const char *token, size_t len, authsvc_token_type_t type,
                 authsvc_claims_t *claims)
{
    authsvc_jwt_expectation_t expected = {ORACLE_ISSUER, ORACLE_AUDIENCE, type, ORACLE_NOW,
                                          ORACLE_LEEWAY};
    authsvc_error_t *err = authsvc_jwt_verify(pool, keys, &expected, token, len, claims);
    const char *why = oracle_refusal(pool, token, len, type);

    if (err) {
        FUZZ_MUST(err->code == AUTHSVC_E_UNAUTHENTICATED);
        FUZZ_MUST(strcmp(err->slug, "authentication") == 0);
        /* The client learns nothing of the reason. */
        FUZZ_MUST(strcmp(err->detail, "The access token is invalid or has expired.") == 0);
    }
    if ((err == NULL) != (why == NULL)) {
        fprintf(stderr, "verify: %s; the other opinion: %s\n", err ? err->internal : "accepted",
                why ? why : "accepted");
        abort();
    }
    if (!err) {
        oracle_compare(pool, token, claims);
    }
    return err == NULL;
}

static const char *sign(apr_pool_t *pool, const char *header, size_t header_len,
                        const char *claims, size_t claims_len)
{
    unsigned char signature[crypto_sign_BYTES];
    const char *input = apr_pstrcat(pool, oracle_base64url(pool, header, header_len), ".",
                                    oracle_base64url(pool, claims, claims_len), NULL);

    crypto_sign_detached(signature, NULL, (const unsigned char *)input, strlen(input),
                         oracle_secret());
    return apr_pstrcat(pool, input, ".", oracle_base64url(pool, signature, sizeof(signature)),
                       NULL);
}

static size_t length(const char *text)
{
    return text ? strlen(text) : 0;
}

/* What we sign, we accept, and it says what was put in. */
static void round_trip(apr_pool_t *pool, fuzz_input_t *input, authsvc_token_type_t type)
{
    authsvc_claims_t said = {0}, read;
    const char *token;
    int i;

    said.issuer = ORACLE_ISSUER;
    said.audience = ORACLE_AUDIENCE;
    said.subject = "018f0000-0000-7000-8000-000000000001";
    said.session_id = "018f0000-0000-7000-8000-000000000002";
    said.role = fuzz_string(pool, input);
    said.token_id = fuzz_string(pool, input);
    said.email = fuzz_octet(input) & 1 ? fuzz_string(pool, input) : NULL;
    said.name = fuzz_octet(input) & 1 ? fuzz_string(pool, input) : NULL;
    said.issued_at = said.not_before = ORACLE_NOW;
    said.expires_at = ORACLE_NOW + 1;
    said.email_verified = fuzz_octet(input) & 1;
    for (i = 0; i < 8; i++) {
        said.epoch = (apr_int64_t)((apr_uint64_t)said.epoch << 8 | fuzz_octet(input));
    }
    if (authsvc_jwt_sign(pool, keys, type, &said, &token)) {
        FUZZ_MUST(length(said.role) + length(said.token_id) + length(said.email) +
                      length(said.name) > 300); /* only for its length */
        return;
    }
    FUZZ_MUST(check(pool, token, strlen(token), type, &read));
    FUZZ_MUST(read.epoch == said.epoch && read.email_verified == said.email_verified);
    FUZZ_MUST(!read.email == !said.email && !read.name == !said.name);
    if (said.name && u8_check((const uint8_t *)said.name, strlen(said.name)) == NULL) {
        FUZZ_MUST(strcmp(read.name, said.name) == 0);
    }
    if (u8_check((const uint8_t *)said.role, strlen(said.role)) == NULL) {
        FUZZ_MUST(strcmp(read.role, said.role) == 0);
    }
    if (u8_check((const uint8_t *)said.token_id, strlen(said.token_id)) == NULL) {
        FUZZ_MUST(strcmp(read.token_id, said.token_id) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;
    fuzz_input_t input = {data, size};
    uint8_t how = fuzz_octet(&input);
    authsvc_claims_t claims;
    int type;

    if (!keys) {
        make_keys();
    }
    pool = fuzz_pool();
    for (type = AUTHSVC_TYP_JWT; type <= AUTHSVC_TYP_AT_JWT; type++) {
        fuzz_input_t again = input;
        const char *token;
        size_t len;

        if (how == 'm') {
            round_trip(pool, &again, (authsvc_token_type_t)type);
            continue;
        }
        if (how == 's') {
            const char *header = fuzz_string(pool, &again), *text = fuzz_rest(pool, &again, &len);

            token = sign(pool, header, strlen(header), text, len);
            len = strlen(token);
        } else {
            token = fuzz_rest(pool, &again, &len);
        }
        (void)check(pool, token, len, (authsvc_token_type_t)type, &claims);
    }
    apr_pool_destroy(pool);
    return 0;
}
