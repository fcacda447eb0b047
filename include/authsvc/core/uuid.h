/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CORE_UUID_H
#define AUTHSVC_CORE_UUID_H

#include <apr_pools.h>
#include <apr_time.h>

#define AUTHSVC_UUID_OCTETS 16
#define AUTHSVC_UUID_TEXT 36

/** Lower-case 8-4-4-4-12 form (RFC 9562). @return in pool */
const char *authsvc_uuid_format(apr_pool_t *pool, const unsigned char octets[AUTHSVC_UUID_OCTETS]);

/** Read the 36-character form, either case, nothing around it. @return 1 if it was one */
int authsvc_uuid_parse(const char *text, unsigned char octets[AUTHSVC_UUID_OCTETS]);

/**
 * A new version 7 UUID: milliseconds, then 74 random bits (RFC 9562 §5.7). Not a secret.
 * @return in pool; NULL if the system gives no random octets
 */
const char *authsvc_uuid_v7(apr_pool_t *pool, apr_time_t now);

#endif
