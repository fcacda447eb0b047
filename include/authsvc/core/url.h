/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CORE_URL_H
#define AUTHSVC_CORE_URL_H

#include <apr_pools.h>

/** Longest issuer, audience or origin, octets. */
#define AUTHSVC_NAME_MAX 255

/**
 * 1 if tokens and header fields can carry the name as it is: 1 to AUTHSVC_NAME_MAX printable ASCII
 * characters, without white space, quotes, backslash and angle brackets.
 */
int authsvc_name_is_plain(const char *name);

/** 1 for an absolute http or https URL (RFC 3986) without user, query and fragment. */
int authsvc_url_is_base(const char *url);

/** 1 for an origin as browsers send it (RFC 6454 §6.1), which is compared octet by octet. */
int authsvc_url_is_origin(const char *origin);

/**
 * The origin of a URL as browsers send it: scheme, host and a port that is not the scheme's own,
 * in lower case.
 * @param url authsvc_url_is_base
 * @return in pool
 */
const char *authsvc_url_origin(apr_pool_t *pool, const char *url);

/**
 * The host of a URL for which authsvc_url_is_base() holds, as people read it: lower case, without
 * port and brackets, A-labels in Unicode.
 */
const char *authsvc_url_host(apr_pool_t *pool, const char *url);

#endif
