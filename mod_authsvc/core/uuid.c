/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_general.h>

#include "authsvc/core/encoding.h"
#include "authsvc/core/uuid.h"

/* Octets before each of the four hyphens. */
static int hyphen_before(int octet)
{
    return octet == 4 || octet == 6 || octet == 8 || octet == 10;
}

const char *authsvc_uuid_format(apr_pool_t *pool, const unsigned char octets[AUTHSVC_UUID_OCTETS])
{
    static const char digits[] = "0123456789abcdef";
    char *text = apr_palloc(pool, AUTHSVC_UUID_TEXT + 1), *out = text;
    int i;

    for (i = 0; i < AUTHSVC_UUID_OCTETS; i++) {
        if (hyphen_before(i)) {
            *out++ = '-';
        }
        *out++ = digits[octets[i] >> 4];
        *out++ = digits[octets[i] & 0x0f];
    }
    *out = '\0';
    return text;
}

int authsvc_uuid_parse(const char *text, unsigned char octets[AUTHSVC_UUID_OCTETS])
{
    char hex[2 * AUTHSVC_UUID_OCTETS + 1];
    int i;

    if (strlen(text) != AUTHSVC_UUID_TEXT) {
        return 0;
    }
    for (i = 0; i < AUTHSVC_UUID_OCTETS; i++) {
        if (hyphen_before(i) && *text++ != '-') {
            return 0;
        }
        hex[2 * i] = *text++;
        hex[2 * i + 1] = *text++;
    }
    hex[2 * AUTHSVC_UUID_OCTETS] = '\0';
    return authsvc_hex_decode(hex, octets, AUTHSVC_UUID_OCTETS);
}

const char *authsvc_uuid_v7(apr_pool_t *pool, apr_time_t now)
{
    unsigned char octets[AUTHSVC_UUID_OCTETS];
    apr_uint64_t ms = (apr_uint64_t)apr_time_as_msec(now);
    int i;

    if (apr_generate_random_bytes(octets + 6, sizeof(octets) - 6) != APR_SUCCESS) {
        return NULL;
    }
    for (i = 0; i < 6; i++) {
        octets[i] = (unsigned char)(ms >> (40 - 8 * i));
    }
    octets[6] = (unsigned char)(0x70 | (octets[6] & 0x0f));
    octets[8] = (unsigned char)(0x80 | (octets[8] & 0x3f));
    return authsvc_uuid_format(pool, octets);
}
