/* SPDX-License-Identifier: Apache-2.0 */
/* Input: octets, taken as text to decode and as octets to encode. The other opinion: libsodium. */
#include "fuzz.h"

#include <sodium.h>

#include "authsvc/core/encoding.h"
#include "authsvc/core/uuid.h"
#include "authsvc/crypto/crypto.h"

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

static void decode(apr_pool_t *pool, const char *text, size_t text_len)
{
    apr_size_t len = 0;
    unsigned char *octets = authsvc_base64url_decode(pool, text, text_len, &len);
    unsigned char *other = apr_palloc(pool, text_len + 1);
    size_t other_len = 0;
    int other_accepts = fuzz_base64url_decode(text, text_len, other, text_len + 1, &other_len);

    FUZZ_MUST((octets != NULL) == other_accepts);
    if (octets) {
        const char *again = authsvc_base64url_encode(pool, octets, len);

        FUZZ_MUST(len == other_len && memcmp(octets, other, len) == 0);
        FUZZ_MUST(octets[len] == '\0');
        FUZZ_MUST(strlen(again) == text_len && memcmp(again, text, text_len) == 0);
    }
}

static void encode(apr_pool_t *pool, const unsigned char *octets, size_t len)
{
    const char *text = authsvc_base64url_encode(pool, octets, len);
    size_t room = sodium_base64_encoded_len(len, VARIANT);
    char *other = apr_palloc(pool, room);
    apr_size_t again_len = 0;
    unsigned char *again = authsvc_base64url_decode(pool, text, strlen(text), &again_len);

    sodium_bin2base64(other, room, octets, len, VARIANT);
    FUZZ_MUST(strcmp(text, other) == 0);
    FUZZ_MUST(again && again_len == len && memcmp(again, octets, len) == 0);
}

static void hex(apr_pool_t *pool, const char *text)
{
    size_t digits = strlen(text), len = digits / 2, other_len = 0;
    unsigned char *octets = apr_palloc(pool, len + 1), *other = apr_palloc(pool, len + 1);
    int accepts = authsvc_hex_decode(text, octets, len);
    int other_accepts =
        digits % 2 == 0 &&
        sodium_hex2bin(other, len + 1, text, digits, NULL, &other_len, NULL) == 0;

    FUZZ_MUST(accepts == other_accepts);
    FUZZ_MUST(!accepts || (other_len == len && memcmp(octets, other, len) == 0));
}

static void uuid(apr_pool_t *pool, const char *text)
{
    unsigned char octets[AUTHSVC_UUID_OCTETS];
    int accepts = authsvc_uuid_parse(text, octets);

    FUZZ_MUST(accepts == fuzz_matches("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", text));
    if (accepts) {
        FUZZ_MUST(strcasecmp(authsvc_uuid_format(pool, octets), text) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    fuzz_input_t input = {data, size};
    size_t len;
    char *text = fuzz_rest(pool, &input, &len);

    FUZZ_OK(authsvc_crypto_init(pool));
    decode(pool, text, len);
    encode(pool, (const unsigned char *)text, len);
    hex(pool, text);
    uuid(pool, text);
    apr_pool_destroy(pool);
    return 0;
}
