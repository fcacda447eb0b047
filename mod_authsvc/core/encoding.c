/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/core/encoding.h"

const char *authsvc_base64url_encode(apr_pool_t *pool, const unsigned char *data, apr_size_t len)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char *text = apr_palloc(pool, len / 3 * 4 + 4), *out = text;

    for (; len >= 3; data += 3, len -= 3) {
        *out++ = alphabet[data[0] >> 2];
        *out++ = alphabet[(data[0] & 0x03) << 4 | data[1] >> 4];
        *out++ = alphabet[(data[1] & 0x0f) << 2 | data[2] >> 6];
        *out++ = alphabet[data[2] & 0x3f];
    }
    if (len == 1) {
        *out++ = alphabet[data[0] >> 2];
        *out++ = alphabet[(data[0] & 0x03) << 4];
    } else if (len == 2) {
        *out++ = alphabet[data[0] >> 2];
        *out++ = alphabet[(data[0] & 0x03) << 4 | data[1] >> 4];
        *out++ = alphabet[(data[1] & 0x0f) << 2];
    }
    *out = '\0';
    return text;
}

/* By table: an access token has a thousand of them. @return NO_VALUE if it is none */
#define NO_VALUE 64U

static unsigned int base64url_value(char c)
{
    static const unsigned char values[128] = {
        64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
        64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
        64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 62, 64, 64,
        52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 64, 64,
        64,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
        15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 64, 64, 64, 64, 63,
        64, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
        41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 64, 64, 64, 64, 64,
    };
    unsigned char octet = (unsigned char)c;

    return octet < sizeof(values) ? values[octet] : NO_VALUE;
}

unsigned char *authsvc_base64url_decode(apr_pool_t *pool, const char *text, apr_size_t text_len,
                                        apr_size_t *len)
{
    unsigned char *data, *out;
    unsigned int value[4] = {0, 0, 0, 0}, all = 0, left = 0, i;
    unsigned int rest = (unsigned int)(text_len % 4);

    if (rest == 1) {
        return NULL;
    }
    data = out = apr_palloc(pool, text_len / 4 * 3 + 3);
    for (; text_len >= 4; text += 4, text_len -= 4) {
        for (i = 0; i < 4; i++) {
            value[i] = base64url_value(text[i]);
            all |= value[i];
        }
        *out++ = (unsigned char)(value[0] << 2 | value[1] >> 4);
        *out++ = (unsigned char)(value[1] << 4 | value[2] >> 2);
        *out++ = (unsigned char)(value[2] << 6 | value[3]);
    }
    for (i = 0; i < rest; i++) {
        value[i] = base64url_value(text[i]);
        all |= value[i];
    }
    if (rest > 1) {
        *out++ = (unsigned char)(value[0] << 2 | value[1] >> 4);
        left = rest == 2 ? value[1] & 0x0f : value[2] & 0x03;
    }
    if (rest > 2) {
        *out++ = (unsigned char)(value[1] << 4 | value[2] >> 2);
    }
    /* Two spellings of one token would be two keys in a deny list. */
    if ((all & NO_VALUE) || left != 0) {
        return NULL;
    }
    *out = '\0';
    *len = (apr_size_t)(out - data);
    return data;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int authsvc_hex_decode(const char *text, unsigned char *out, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i++) {
        int high = hex_value(text[2 * i]);
        int low = high < 0 ? -1 : hex_value(text[2 * i + 1]);

        if (low < 0) {
            return 0;
        }
        out[i] = (unsigned char)(high << 4 | low);
    }
    return text[2 * len] == '\0';
}
