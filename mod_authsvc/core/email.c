/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <idn2.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "authsvc/core/text.h"
#include "memory.h"

#define STORED_MAX 255 /* octets of the whole address, the width of its column */
#define LOCAL_MAX 64   /* RFC 5321 §4.5.3.1.1 */
#define LABEL_MAX 63   /* RFC 1035 §2.3.4 */
#define INPUT_MAX 2048 /* not worth normalising, whatever would be left of it */

static const char bad_format[] = "format";
static const char too_long[] = "too-long";
static const char unsupported_local[] = "unsupported-local-part";

static char ascii_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* RFC 5322 §3.2.3, in lower case. */
static int is_atext(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Outside ASCII: anything one can see. Spaces, format characters (the direction overrides among
 * them) and unassigned code points make addresses that look alike. */
static int is_visible(ucs4_t point)
{
    return !uc_is_general_category(point, UC_CATEGORY_Z) &&
           !uc_is_general_category(point, UC_CATEGORY_C);
}

/* RFC 5321's Dot-string, with RFC 6531's characters. local is well-formed UTF-8. */
static int is_dot_atom(const char *local, apr_size_t len)
{
    const uint8_t *at = (const uint8_t *)local, *end = at + len;
    int after_dot = 1;

    while (at < end) {
        ucs4_t point;

        at += u8_mbtouc(&point, at, (size_t)(end - at));
        if (point == '.') {
            if (after_dot) {
                return 0;
            }
            after_dot = 1;
            continue;
        }
        after_dot = 0;
        if (point >= 0x80 ? !is_visible(point) : !is_atext((char)point)) {
            return 0;
        }
    }
    return !after_dot;
}

static char *to_nfc(apr_pool_t *pool, const char *text, apr_size_t *len)
{
    size_t made_len = 0;
    uint8_t *made = u8_normalize(UNINORM_NFC, (const uint8_t *)text, *len, NULL, &made_len);
    char *copy;

    if (!made) {
        authsvc_out_of_memory(pool);
    }
    copy = apr_pstrmemdup(pool, (const char *)made, made_len);
    free(made);
    *len = made_len;
    return copy;
}

static const char *normalize_local(apr_pool_t *pool, const char *text, apr_size_t len, int utf8,
                                   const char **local)
{
    char *copy;
    int beyond_ascii = 0;

    if (len == 0) {
        return bad_format;
    }
    for (apr_size_t i = 0; i < len; i++) {
        beyond_ascii |= (unsigned char)text[i] >= 0x80;
    }
    /* First, since some of NFC's results are ASCII: U+212A is K. */
    copy = to_nfc(pool, text, &len);
    for (apr_size_t i = 0; i < len; i++) {
        copy[i] = ascii_lower(copy[i]);
    }
    /* And again, since "t" with a diaeresis is one character, and "T" with one is two. */
    copy = to_nfc(pool, copy, &len);
    if (!is_dot_atom(copy, len)) {
        return bad_format;
    }
    if (beyond_ascii && !utf8) {
        return unsupported_local;
    }
    if (len > LOCAL_MAX) {
        return bad_format;
    }
    *local = copy;
    return NULL;
}

/* Letters, digits, hyphens; at least two labels; the last one no number, as in an IPv4 address. */
static int is_host_name(const char *domain)
{
    const char *label = domain;
    int labels = 0, number;

    for (;;) {
        size_t len = strcspn(label, "."), i;

        if (len == 0 || len > LABEL_MAX || label[0] == '-' || label[len - 1] == '-') {
            return 0;
        }
        number = 1;
        for (i = 0; i < len; i++) {
            int digit = label[i] >= '0' && label[i] <= '9';

            if (!digit && label[i] != '-' && !(label[i] >= 'a' && label[i] <= 'z')) {
                return 0;
            }
            number &= digit;
        }
        labels++;
        if (!label[len]) {
            return labels >= 2 && !number;
        }
        label += len + 1;
    }
}

static const char *normalize_domain(apr_pool_t *pool, const char *text, const char **domain)
{
    uint8_t *ascii = NULL;
    char *copy, *c;
    /* Not IDN2_USE_STD3_ASCII_RULES: libidn2 2.3.3 then drops what the rules forbid, and c_d.ef
     * becomes somebody else's cd.ef. is_host_name() refuses it instead. */
    int rc = idn2_lookup_u8((const uint8_t *)text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);

    if (rc == IDN2_MALLOC) {
        authsvc_out_of_memory(pool);
    }
    if (rc == IDN2_TOO_BIG_DOMAIN) {
        return too_long;
    }
    if (rc != IDN2_OK) {
        return bad_format;
    }
    copy = apr_pstrdup(pool, (const char *)ascii);
    idn2_free(ascii);
    for (c = copy; *c; c++) {
        *c = ascii_lower(*c);
    }
    if (!is_host_name(copy)) {
        return bad_format;
    }
    *domain = copy;
    return NULL;
}

const char *authsvc_email_normalize(apr_pool_t *pool, const char *email, int utf8_local,
                                    const char **normalized)
{
    const char *at = strchr(email, '@'), *local, *domain, *refusal;

    if (strlen(email) > INPUT_MAX) {
        return too_long;
    }
    if (!at || strchr(at + 1, '@') || authsvc_text_has_control(email, strlen(email))) {
        return bad_format;
    }
    refusal = normalize_domain(pool, at + 1, &domain);
    if (refusal) {
        return refusal;
    }
    refusal = normalize_local(pool, email, (apr_size_t)(at - email), utf8_local, &local);
    if (refusal) {
        return refusal;
    }
    if (strlen(local) + 1 + strlen(domain) > STORED_MAX) {
        return too_long;
    }
    *normalized = apr_pstrcat(pool, local, "@", domain, NULL);
    return NULL;
}
