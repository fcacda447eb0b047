/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: an octet that says how, and
 *   'r'  a token's text as it is
 *   'f'  fields of a token, its secret's number first: put together here, with a MAC if the secret
 *        is known, then one octet of the text may be changed
 * The other opinion: libsodium, and the format of include/authsvc/crypto/device_token.h.
 */
#include "fuzz.h"

#include <apr_strings.h>
#include <sodium.h>

#include "authsvc/crypto/crypto.h"
#include "authsvc/crypto/device_token.h"

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define FIELDS (1 + AUTHSVC_DEVICE_OCTETS + AUTHSVC_UUID_OCTETS + 8)
#define MAC 16
#define OCTETS (FIELDS + MAC)
#define TEXT (sizeof(AUTHSVC_DEVICE_PREFIX) - 1 + (OCTETS * 4 + 2) / 3)

/* Number 2 makes tokens, 1 is an old one; secrets of 32 times one octet, for tests only. */
static const char secrets_text[] = "2:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI\n"
                                   "1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\n";
static authsvc_secrets_t *secrets;

static const unsigned char database[AUTHSVC_UUID_OCTETS] = "0123456789abcde";
static const unsigned char elsewhere[AUTHSVC_UUID_OCTETS] = "0123456789abcdf";

static void compute_mac(const unsigned char *octets, unsigned char mac[MAC])
{
    static const char purpose[] = "authsvc device token 1";
    unsigned char secret[crypto_kdf_KEYBYTES], key[32], said[sizeof(purpose) + 16 + FIELDS];

    memset(secret, octets[0], sizeof(secret));
    crypto_kdf_derive_from_key(key, sizeof(key), 1, "asdevice", secret);
    memcpy(said, purpose, sizeof(purpose));
    memcpy(said + sizeof(purpose), database, 16);
    memcpy(said + sizeof(purpose) + 16, octets, FIELDS);
    crypto_generichash(mac, MAC, said, sizeof(said), key, sizeof(key));
}

/* @return 1 if a token of ours is read, with its octets */
static int other_opinion(const char *text, size_t len, unsigned char octets[OCTETS])
{
    const size_t prefix = sizeof(AUTHSVC_DEVICE_PREFIX) - 1;
    unsigned char mac[MAC];
    size_t got = 0;

    if (len < prefix || memcmp(text, AUTHSVC_DEVICE_PREFIX, prefix) != 0 ||
        !fuzz_base64url_decode(text + prefix, len - prefix, octets, OCTETS, &got) ||
        got != OCTETS || (octets[0] != 1 && octets[0] != 2)) {
        return 0;
    }
    compute_mac(octets, mac);
    return memcmp(mac, octets + FIELDS, MAC) == 0;
}

/* Times beyond those of apr_time_t are nobody's. */
static int64_t seconds_of(const unsigned char *octets)
{
    uint64_t seconds = 0;
    int i;

    for (i = 0; i < 8; i++) {
        seconds = seconds << 8 | octets[i];
    }
    return seconds <= INT64_MAX / APR_USEC_PER_SEC ? (int64_t)seconds : -1;
}

static int decode(apr_pool_t *pool, const unsigned char *of, const char *text,
                  authsvc_device_token_t *token)
{
    int valid = 7;

    FUZZ_OK(authsvc_device_token_decode(pool, secrets, of, text, token, &valid));
    FUZZ_MUST(valid == 0 || valid == 1);
    return valid;
}

/* A text ends at its first NUL. */
static void check(apr_pool_t *pool, const char *octets_of_text, size_t size)
{
    const char *text = apr_pstrmemdup(pool, octets_of_text, strnlen(octets_of_text, size));
    size_t len = strlen(text);
    authsvc_device_token_t token, other;
    unsigned char octets[OCTETS];
    const char *again = NULL;
    int valid = decode(pool, database, text, &token);
    int expected = other_opinion(text, len, octets) && seconds_of(octets + 33) >= 0;

    FUZZ_MUST(valid == expected);
    /* No token is good for two databases. */
    FUZZ_MUST(!decode(pool, elsewhere, text, &other));
    if (!valid) {
        static const authsvc_device_token_t nothing = {{0}, {0}, 0};

        FUZZ_MUST(memcmp(&token, &nothing, sizeof(token)) == 0);
        return;
    }
    FUZZ_MUST(memcmp(token.device_id, octets + 1, AUTHSVC_DEVICE_OCTETS) == 0);
    FUZZ_MUST(memcmp(token.user_id, octets + 17, AUTHSVC_UUID_OCTETS) == 0);
    FUZZ_MUST(apr_time_sec(token.issued_at) == seconds_of(octets + 33));
    FUZZ_OK(authsvc_device_token_encode(pool, secrets, database, &token, &again));
    FUZZ_MUST((octets[0] == 2) == (strcmp(again, text) == 0));
}

static void check_fields(apr_pool_t *pool, fuzz_input_t *input)
{
    unsigned char octets[OCTETS];
    char *text = apr_palloc(pool, TEXT + 1);
    uint8_t change, with;
    int i;

    for (i = 0; i < FIELDS; i++) {
        octets[i] = fuzz_octet(input);
    }
    compute_mac(octets, octets + FIELDS);
    memcpy(text, AUTHSVC_DEVICE_PREFIX, sizeof(AUTHSVC_DEVICE_PREFIX));
    sodium_bin2base64(text + sizeof(AUTHSVC_DEVICE_PREFIX) - 1,
                      TEXT + 1 - (sizeof(AUTHSVC_DEVICE_PREFIX) - 1), octets, OCTETS, VARIANT);
    check(pool, text, TEXT);
    check(pool, text, TEXT - 1);
    change = fuzz_octet(input);
    with = fuzz_octet(input);
    if (change < TEXT) {
        text[change] = (char)with;
        check(pool, text, TEXT);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;
    fuzz_input_t input = {data, size};
    char *text;
    size_t len;

    if (!secrets) {
        pool = fuzz_lasting_pool();
        FUZZ_OK(authsvc_crypto_init(pool));
        FUZZ_OK(authsvc_secrets_parse(pool, "test", secrets_text, strlen(secrets_text), &secrets));
    }
    pool = fuzz_pool();
    if (fuzz_octet(&input) == 'f') {
        check_fields(pool, &input);
    } else {
        text = fuzz_rest(pool, &input, &len);
        check(pool, text, len);
    }
    apr_pool_destroy(pool);
    return 0;
}
