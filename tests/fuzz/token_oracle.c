/* SPDX-License-Identifier: Apache-2.0 */
#include "token_oracle.h"

#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <strings.h>

#include "fuzz.h"

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define UUID "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"

const char *const oracle_pem[ORACLE_KEYS] = {
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n",
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
    "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
    "-----END PUBLIC KEY-----\n",
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj\n"
    "NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz\n"
    "P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo\n"
    "9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB\n"
    "EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX\n"
    "FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp\n"
    "oQIDAQAB\n"
    "-----END PUBLIC KEY-----\n",
};

/* RFC 8037 A.3 gives the first; the others by openssl(1) and RFC 7638. */
const char *const oracle_kid[ORACLE_KEYS] = {
    "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
    "IsUn6_e04MaShXFIISMp4kG62LWzMIPy_MvSA5pJgX8",
};

static const char *const algorithms[ORACLE_KEYS] = {"EdDSA", "ES256", "RS256"};

/* RFC 8037 A.1 and A.2: d, then x */
static const unsigned char ed25519_secret[crypto_sign_SECRETKEYBYTES] = {
    0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
    0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
    0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
};

const unsigned char *oracle_secret(void)
{
    return ed25519_secret;
}

const char *oracle_base64url(apr_pool_t *pool, const void *octets, size_t len)
{
    size_t room = sodium_base64_encoded_len(len, VARIANT);

    return sodium_bin2base64(apr_palloc(pool, room), room, octets, len, VARIANT);
}

/* A JSON object in one segment; NULL if it is none. The caller drops it. */
static json_t *object(apr_pool_t *pool, const char *text, size_t text_len)
{
    char *octets = apr_palloc(pool, text_len + 1);
    size_t len = 0;

    if (!fuzz_base64url_decode(text, text_len, (unsigned char *)octets, text_len + 1, &len)) {
        return NULL;
    }
    /* jansson's default: an array or object and nothing else */
    return json_loadb(octets, len, JSON_REJECT_DUPLICATES, NULL);
}

static int verify_openssl(int which, const char *input, size_t input_len,
                          const unsigned char *signature, size_t len)
{
    unsigned char der[128], *out = der;
    BIO *bio = BIO_new_mem_buf(oracle_pem[which], -1);
    EVP_PKEY *pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int good = 1;

    FUZZ_MUST(pkey && ctx);
    if (which == 1) {
        ECDSA_SIG *sig = ECDSA_SIG_new();

        good = len == 64 && ECDSA_SIG_set0(sig, BN_bin2bn(signature, 32, NULL),
                                           BN_bin2bn(signature + 32, 32, NULL)) == 1;
        len = good ? (size_t)i2d_ECDSA_SIG(sig, &out) : 0;
        signature = der;
        ECDSA_SIG_free(sig);
    }
    good = good && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1 &&
           EVP_DigestVerify(ctx, signature, len, (const unsigned char *)input, input_len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    BIO_free(bio);
    return good;
}

static const char *refuse_header(const json_t *header, authsvc_token_type_t type, int *which)
{
    static const char *const forbidden[] = {"crit", "jwk", "jku", "x5u", "x5c", "b64", "zip"};
    const char *kid = json_string_value(json_object_get(header, "kid"));
    const char *alg = json_string_value(json_object_get(header, "alg"));
    const char *typ = json_string_value(json_object_get(header, "typ"));
    size_t i;

    if (!json_is_object(header)) {
        return "header";
    }
    for (i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
        if (json_object_get(header, forbidden[i])) {
            return forbidden[i];
        }
    }
    for (*which = 0; *which < ORACLE_KEYS; ++*which) {
        if (kid && strcmp(kid, oracle_kid[*which]) == 0) {
            break;
        }
    }
    if (*which == ORACLE_KEYS || !alg || strcmp(alg, algorithms[*which]) != 0) {
        return "kid or alg";
    }
    if (!typ || (type == AUTHSVC_TYP_JWT ? strcasecmp(typ, "jwt") != 0
                                         : strcasecmp(typ, "at+jwt") != 0 &&
                                               strcasecmp(typ, "application/at+jwt") != 0)) {
        return "typ";
    }
    return NULL;
}

static int is_audience(const json_t *aud)
{
    size_t i;
    int found = 0;

    if (json_is_string(aud)) {
        return strcmp(json_string_value(aud), ORACLE_AUDIENCE) == 0;
    }
    for (i = 0; i < json_array_size(aud); i++) {
        const char *text = json_string_value(json_array_get(aud, i));

        if (!text) {
            return 0;
        }
        found = found || strcmp(text, ORACLE_AUDIENCE) == 0;
    }
    return found;
}

/* Between low and high, or absent if it may be. */
static int is_time(const json_t *claims, const char *name, int needed, json_int_t low,
                   json_int_t high)
{
    const json_t *time = json_object_get(claims, name);

    if (!time) {
        return !needed;
    }
    return json_is_integer(time) && json_integer_value(time) >= low &&
           json_integer_value(time) <= high;
}

static int is_uuid(const json_t *value)
{
    return json_is_string(value) && fuzz_matches(UUID, json_string_value(value));
}

static int is_string_or_absent(const json_t *claims, const char *name)
{
    const json_t *value = json_object_get(claims, name);

    return !value || json_is_string(value);
}

static const char *refuse_claims(const json_t *claims)
{
    const char *iss = json_string_value(json_object_get(claims, "iss"));

    if (!json_is_object(claims)) {
        return "claims";
    }
    if (!iss || strcmp(iss, ORACLE_ISSUER) != 0 || !is_audience(json_object_get(claims, "aud"))) {
        return "iss or aud";
    }
    if (!is_time(claims, "exp", 1, ORACLE_NOW + 1, INT64_C(1) << 53) ||
        !is_time(claims, "nbf", 0, 0, ORACLE_NOW + ORACLE_LEEWAY) ||
        !is_time(claims, "iat", 0, 0, ORACLE_NOW + ORACLE_LEEWAY)) {
        return "exp, nbf or iat";
    }
    if (!is_uuid(json_object_get(claims, "sub")) || !is_uuid(json_object_get(claims, "sid"))) {
        return "sub or sid";
    }
    if (!json_is_string(json_object_get(claims, "jti")) ||
        !json_is_string(json_object_get(claims, "role")) ||
        !json_is_integer(json_object_get(claims, "epoch")) ||
        !json_is_boolean(json_object_get(claims, "email_verified"))) {
        return "jti, role, epoch or email_verified";
    }
    if (!is_string_or_absent(claims, "email") || !is_string_or_absent(claims, "name")) {
        return "email or name";
    }
    return NULL;
}

static const char *refuse_signature(apr_pool_t *pool, int which, const char *token,
                                    const char *dot, const char *end)
{
    size_t room = (size_t)(end - dot), len = 0;
    unsigned char *signature = apr_palloc(pool, room);
    int good;

    if (!fuzz_base64url_decode(dot + 1, room - 1, signature, room, &len)) {
        return "signature's text";
    }
    good = which == 0 ? len == crypto_sign_BYTES &&
                            crypto_sign_verify_detached(signature, (const unsigned char *)token,
                                                        (unsigned long long)(dot - token),
                                                        ed25519_secret + 32) == 0
                      : verify_openssl(which, token, (size_t)(dot - token), signature, len);
    return good ? NULL : "signature";
}

const char *oracle_refusal(apr_pool_t *pool, const char *token, size_t len,
                           authsvc_token_type_t type)
{
    const char *first = len > 0 ? memchr(token, '.', len) : NULL, *second, *why;
    json_t *header, *claims;
    int which = 0;

    second = first ? memchr(first + 1, '.', len - (size_t)(first + 1 - token)) : NULL;
    if (!second || len > 4096) {
        return "form";
    }
    header = object(pool, token, (size_t)(first - token));
    claims = object(pool, first + 1, (size_t)(second - first - 1));
    why = refuse_header(header, type, &which);
    why = why ? why : refuse_claims(claims);
    why = why ? why : refuse_signature(pool, which, token, second, token + len);
    json_decref(header);
    json_decref(claims);
    return why;
}

static int same(const json_t *claims, const char *name, const char *text)
{
    return strcmp(json_string_value(json_object_get(claims, name)), text) == 0;
}

static int same_number(const json_t *claims, const char *name, apr_int64_t number)
{
    return json_integer_value(json_object_get(claims, name)) == number; /* 0 if absent */
}

void oracle_compare(apr_pool_t *pool, const char *token, const authsvc_claims_t *read)
{
    const char *first = strchr(token, '.');
    json_t *claims = object(pool, first + 1, strcspn(first + 1, "."));

    FUZZ_MUST(same(claims, "iss", read->issuer) && same(claims, "sub", read->subject));
    FUZZ_MUST(same(claims, "sid", read->session_id) && same(claims, "jti", read->token_id));
    FUZZ_MUST(same(claims, "role", read->role));
    FUZZ_MUST(read->email ? same(claims, "email", read->email) : !json_object_get(claims, "email"));
    FUZZ_MUST(read->name ? same(claims, "name", read->name) : !json_object_get(claims, "name"));
    FUZZ_MUST(strcmp(read->audience, ORACLE_AUDIENCE) == 0);
    FUZZ_MUST(same_number(claims, "exp", read->expires_at));
    FUZZ_MUST(same_number(claims, "nbf", read->not_before));
    FUZZ_MUST(same_number(claims, "iat", read->issued_at));
    FUZZ_MUST(same_number(claims, "epoch", read->epoch));
    FUZZ_MUST(json_is_true(json_object_get(claims, "email_verified")) == read->email_verified);
    json_decref(claims);
}
