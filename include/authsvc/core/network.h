/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CORE_NETWORK_H
#define AUTHSVC_CORE_NETWORK_H

#include <apr_pools.h>

/** What stands for no address, or for text that is none. */
#define AUTHSVC_NETWORK_UNKNOWN "-"

/**
 * The network that an address stands for where clients are counted: who has one IPv6 address has
 * its whole /64. One network has one text.
 * @param ip textual, with or without an IPv6 scope ("%eth0"), which does not count; may be NULL
 * @return in pool: an IPv4 address as it is; one that an IPv6 address carries (IPv4-mapped, or of
 *   the translators' prefix 64:ff9b::/96) as IPv4; another IPv6 address's /64
 *   ("2001:db8:0:1::/64"); AUTHSVC_NETWORK_UNKNOWN for anything else
 */
const char *authsvc_network(apr_pool_t *pool, const char *ip);

#endif
