/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <unicase.h>
#include <unictype.h>
#include <unistr.h>

#include "authsvc/core/settings.h"
#include "authsvc/core/text.h"
#include "memory.h"

apr_ssize_t authsvc_text_length(const char *text, apr_size_t octets)
{
    const uint8_t *utf8 = (const uint8_t *)text;

    if (octets == 0) {
        return 0;
    }
    if (u8_check(utf8, octets)) {
        return -1;
    }
    return (apr_ssize_t)u8_mbsnlen(utf8, octets);
}

int authsvc_text_has_control(const char *text, apr_size_t octets)
{
    const uint8_t *at = (const uint8_t *)text, *end = at + octets;

    if (octets == 0) {
        return 0;
    }
    if (u8_check(at, octets)) {
        return 1;
    }
    while (at < end) {
        ucs4_t point;

        at += u8_mbtouc(&point, at, (size_t)(end - at));
        if (uc_is_general_category(point, UC_CATEGORY_Cc)) {
            return 1;
        }
    }
    return 0;
}

const char *authsvc_text_trim(apr_pool_t *pool, const char *text)
{
    const uint8_t *at = (const uint8_t *)text, *end = at + strlen(text);
    const uint8_t *first = NULL, *last = at;

    while (at < end) {
        ucs4_t point;
        int octets = u8_mbtouc(&point, at, (size_t)(end - at));

        if (!uc_is_property_white_space(point)) {
            first = first ? first : at;
            last = at + octets;
        }
        at += octets;
    }
    if (!first) {
        return "";
    }
    return apr_pstrmemdup(pool, (const char *)first, (apr_size_t)(last - first));
}

int authsvc_text_kinds(const char *text, apr_size_t octets)
{
    const uint8_t *at = (const uint8_t *)text, *end = at + octets;
    int kinds = 0;

    if (octets == 0 || u8_check(at, octets)) {
        return 0;
    }
    while (at < end) {
        ucs4_t point;

        at += u8_mbtouc(&point, at, (size_t)(end - at));
        if (uc_is_general_category(point, UC_CATEGORY_Lu)) {
            kinds |= AUTHSVC_REQUIRE_UPPER;
        } else if (uc_is_general_category(point, UC_CATEGORY_Ll)) {
            kinds |= AUTHSVC_REQUIRE_LOWER;
        } else if (uc_is_general_category(point, UC_CATEGORY_Nd)) {
            kinds |= AUTHSVC_REQUIRE_DIGIT;
        } else if (!uc_is_general_category(point, UC_CATEGORY_L)) {
            kinds |= AUTHSVC_REQUIRE_SYMBOL;
        }
    }
    return kinds;
}

int authsvc_text_equal_ascii_case(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        unsigned char x = (unsigned char)*a, y = (unsigned char)*b;

        /* Not tolower(): the site may have set a locale. */
        x = (unsigned char)(x >= 'A' && x <= 'Z' ? x + ('a' - 'A') : x);
        y = (unsigned char)(y >= 'A' && y <= 'Z' ? y + ('a' - 'A') : y);
        if (x != y) {
            return 0;
        }
    }
    return *a == *b;
}

/* What folding comes to for ASCII, of which nearly all words are. */
static const char *fold_ascii(apr_pool_t *pool, const char *text, apr_size_t octets)
{
    char *folded = apr_pstrmemdup(pool, text, octets);

    for (char *c = folded; *c; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
    }
    return folded;
}

const char *authsvc_text_fold(apr_pool_t *pool, const char *text, apr_size_t octets)
{
    size_t len = 0;
    uint8_t *folded;
    const char *copy;
    apr_size_t ascii = 0;

    while (ascii < octets && (unsigned char)text[ascii] < 0x80) {
        ascii++;
    }
    if (ascii == octets) {
        return fold_ascii(pool, text, octets);
    }
    if (u8_check((const uint8_t *)text, octets)) {
        return NULL;
    }
    folded = u8_casefold((const uint8_t *)text, octets, NULL, UNINORM_NFKC, NULL, &len);
    if (!folded) {
        authsvc_out_of_memory(pool);
    }
    copy = apr_pstrmemdup(pool, (const char *)folded, len);
    free(folded);
    return copy;
}

static int is_of_a_word(ucs4_t point)
{
    return uc_is_general_category(point, UC_CATEGORY_L) ||
           uc_is_general_category(point, UC_CATEGORY_M) ||
           uc_is_general_category(point, UC_CATEGORY_N);
}

apr_array_header_t *authsvc_text_runs(apr_pool_t *pool, const char *text)
{
    apr_array_header_t *runs = apr_array_make(pool, 4, sizeof(const char *));
    const uint8_t *at = (const uint8_t *)text, *end = at + strlen(text), *first = NULL;

    for (;;) {
        ucs4_t point = 0;
        int octets = at < end ? u8_mbtouc(&point, at, (size_t)(end - at)) : 0;

        if (octets && is_of_a_word(point)) {
            first = first ? first : at;
        } else if (first) {
            APR_ARRAY_PUSH(runs, const char *) =
                apr_pstrmemdup(pool, (const char *)first, (apr_size_t)(at - first));
            first = NULL;
        }
        if (!octets) {
            return runs;
        }
        at += octets;
    }
}
