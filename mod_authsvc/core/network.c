/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>

#include <apr_strings.h>

#include "authsvc/core/network.h"

#define V6_OCTETS 16
#define NETWORK_OCTETS 8

static const unsigned char mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
/* RFC 6052 §2.1: what IPv4 clients look like to a server that has IPv6 alone. */
static const unsigned char translated[] = {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0};

_Static_assert(sizeof(mapped) == sizeof(translated), "both leave room for an IPv4 address");

static const char *format(apr_pool_t *pool, int family, const unsigned char *octets,
                          const char *suffix)
{
    char text[INET6_ADDRSTRLEN];

    return apr_pstrcat(pool, inet_ntop(family, octets, text, sizeof(text)), suffix, NULL);
}

const char *authsvc_network(apr_pool_t *pool, const char *ip)
{
    unsigned char octets[V6_OCTETS];
    char address[INET6_ADDRSTRLEN];
    size_t len = ip ? strcspn(ip, "%") : 0;

    if (!ip || len >= sizeof(address)) {
        return AUTHSVC_NETWORK_UNKNOWN;
    }
    apr_cpystrn(address, ip, len + 1);
    if (inet_pton(AF_INET, ip, octets) == 1) {
        return format(pool, AF_INET, octets, "");
    }
    if (inet_pton(AF_INET6, address, octets) != 1) {
        return AUTHSVC_NETWORK_UNKNOWN;
    }
    if (memcmp(octets, mapped, sizeof(mapped)) == 0 ||
        memcmp(octets, translated, sizeof(translated)) == 0) {
        return format(pool, AF_INET, octets + sizeof(mapped), "");
    }
    memset(octets + NETWORK_OCTETS, 0, V6_OCTETS - NETWORK_OCTETS);
    return format(pool, AF_INET6, octets, "/64");
}
