/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CORE_ENCODING_H
#define AUTHSVC_CORE_ENCODING_H

#include <apr_pools.h>

/** base64url without padding (RFC 4648 §5, RFC 7515 §2). @return in pool */
const char *authsvc_base64url_encode(apr_pool_t *pool, const unsigned char *data, apr_size_t len);

/**
 * Strict decoding: the URL alphabet only, no padding, no white space, canonical (unused bits are
 * zero), no length of 4n+1.
 * @return octets in pool, followed by a NUL that is not counted; NULL if refused
 */
unsigned char *authsvc_base64url_decode(apr_pool_t *pool, const char *text, apr_size_t text_len,
                                        apr_size_t *len);

/** Strict decoding of hex, exactly len octets (2 * len digits, either case). @return 1 if done */
int authsvc_hex_decode(const char *text, unsigned char *out, apr_size_t len);

#endif
