/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>

#include <apr_strings.h>

#include <idn2.h>

#include "authsvc/core/encoding.h"
#include "authsvc/core/text.h"
#include "authsvc/core/units.h"
#include "authsvc/core/url.h"
#include "memory.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

int authsvc_name_is_plain(const char *name)
{
    const char *p;

    for (p = name; *p; p++) {
        if (*p <= ' ' || *p >= 0x7f || *p == '"' || *p == '\\' || *p == '<' || *p == '>') {
            return 0;
        }
    }
    return p > name && p - name <= AUTHSVC_NAME_MAX;
}

/* An IPv6 address in brackets. @return what follows it, NULL if it is none */
static const char *skip_ipv6(const char *text)
{
    char address[INET6_ADDRSTRLEN], octets[16];
    size_t len = strcspn(text + 1, "]");

    if (text[1 + len] != ']' || len >= sizeof(address)) {
        return NULL;
    }
    memcpy(address, text + 1, len);
    address[len] = '\0';
    return inet_pton(AF_INET6, address, octets) == 1 ? text + len + 2 : NULL;
}

/*
 * A host and perhaps a port. Not all that RFC 3986 §3.2.2 would let through in a name, but what
 * names of hosts are made of.
 * @return what follows it, NULL if it is none
 */
static const char *skip_authority(const char *text)
{
    const char *end =
        *text == '[' ? skip_ipv6(text) : text + strspn(text, LETTERS CAPITALS DIGITS "-._~");
    char digits[6];
    size_t len;
    long port;

    if (!end || end == text || *end != ':') {
        return end == text ? NULL : end;
    }
    len = strspn(++end, DIGITS);
    if (len >= sizeof(digits) || *end == '0') {
        return NULL;
    }
    memcpy(digits, end, len);
    digits[len] = '\0';
    return authsvc_integer_parse(digits, 1, 65535, &port) ? end + len : NULL;
}

/* RFC 3986 §3.3, path-abempty */
static int is_path(const char *text)
{
    unsigned char octet;
    char digits[3];

    if (*text && *text != '/') {
        return 0;
    }
    for (; *text; text++) {
        if (*text == '%') {
            memcpy(digits, text + 1, text[1] ? 2 : 1);
            digits[2] = '\0';
            if (!authsvc_hex_decode(digits, &octet, 1)) {
                return 0;
            }
            text += 2;
        } else if (!strchr(LETTERS CAPITALS DIGITS "-._~!$&'()*+,;=:@/", *text)) {
            return 0;
        }
    }
    return 1;
}

int authsvc_url_is_base(const char *url)
{
    const char *rest = NULL;

    if (!authsvc_name_is_plain(url)) {
        return 0;
    }
    if (strncmp(url, "https://", 8) == 0) {
        rest = skip_authority(url + 8);
    } else if (strncmp(url, "http://", 7) == 0) {
        rest = skip_authority(url + 7);
    }
    return rest && is_path(rest);
}

int authsvc_url_is_origin(const char *origin)
{
    size_t len = strspn(origin, LETTERS DIGITS "+.-");
    const char *end;

    if (!authsvc_name_is_plain(origin) || strpbrk(origin, CAPITALS) || !strchr(LETTERS, *origin) ||
        strncmp(origin + len, "://", 3) != 0) {
        return 0;
    }
    end = skip_authority(origin + len + 3);
    return end && *end == '\0';
}

static int ends_in(const char *text, size_t len, const char *end)
{
    size_t end_len = strlen(end);

    return len > end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

const char *authsvc_url_origin(apr_pool_t *pool, const char *url)
{
    int https = strncmp(url, "https", 5) == 0;
    size_t scheme = strlen(https ? "https://" : "http://");
    size_t len = scheme + strcspn(url + scheme, "/");
    const char *own_port = https ? ":443" : ":80";
    char *origin, *p;

    if (ends_in(url, len, own_port)) {
        len -= strlen(own_port);
    }
    origin = apr_pstrmemdup(pool, url, len);
    for (p = origin; *p; p++) {
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
    }
    return origin;
}

const char *authsvc_url_host(apr_pool_t *pool, const char *url)
{
    const char *host = strstr(authsvc_url_origin(pool, url), "://") + 3;
    char *ascii, *decoded = NULL;
    int rc;

    if (*host == '[') {
        return apr_pstrmemdup(pool, host + 1, strcspn(host + 1, "]"));
    }
    ascii = apr_pstrmemdup(pool, host, strcspn(host, ":"));
    rc = idn2_to_unicode_8z8z(ascii, &decoded, 0);
    if (rc == IDN2_MALLOC) {
        authsvc_out_of_memory(pool);
    }
    if (rc != IDN2_OK) {
        return ascii;
    }
    host = apr_pstrdup(pool, decoded);
    idn2_free(decoded);
    /* libidn2 decodes what no name can be made of, too. */
    return authsvc_text_has_control(host, strlen(host)) ? ascii : host;
}
