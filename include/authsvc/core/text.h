/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CORE_TEXT_H
#define AUTHSVC_CORE_TEXT_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "authsvc/core/error.h"

/**
 * Number of code points in UTF-8 text.
 * @return -1 if it is not well-formed UTF-8 (RFC 3629)
 */
apr_ssize_t authsvc_text_length(const char *text, apr_size_t octets);

/** 1 if the text has a code point of category Cc, or is not well-formed UTF-8. */
int authsvc_text_has_control(const char *text, apr_size_t octets);

/** Copy without leading and trailing white space (Unicode White_Space). */
const char *authsvc_text_trim(apr_pool_t *pool, const char *text);

/** Which AUTHSVC_REQUIRE_* kinds (core/settings.h) occur in the text, by general category. */
int authsvc_text_kinds(const char *text, apr_size_t octets);

/** 1 if two octet strings are equal, in ASCII letters' lower case. */
int authsvc_text_equal_ascii_case(const char *a, const char *b);

/**
 * The text in the one form in which it is compared with words: NFKC, case folded (Unicode, default
 * folding, no language's own). Never stored.
 * @return in pool; NULL if it is not well-formed UTF-8
 */
const char *authsvc_text_fold(apr_pool_t *pool, const char *text, apr_size_t octets);

/** The longest runs of letters, marks and numbers in well-formed UTF-8. @return of const char * */
apr_array_header_t *authsvc_text_runs(apr_pool_t *pool, const char *text);

/**
 * Bring an address into the one form in which it is stored and compared: domain in A-labels by
 * UTS 46 (non-transitional), local part in ASCII lower case.
 * @param utf8_local 1: a local part outside ASCII is allowed (kept in NFC)
 * @param normalized in pool
 * @return a static code for the refusal, NULL if it was accepted:
 *   "format" (not an address: RFC 5321 dot-atom local part of 1-64 octets, domain with at least
 *   two labels; no quoted strings, address literals, comments), "too-long" (more than 255 octets
 *   in the stored form), "unsupported-local-part" (outside ASCII and not allowed)
 */
const char *authsvc_email_normalize(apr_pool_t *pool, const char *email, int utf8_local,
                                    const char **normalized);

#endif
