/* SPDX-License-Identifier: Apache-2.0 */
#include "secure.h"

#include <apr_network_io.h>
#include <arpa/inet.h>
#include <http_ssl.h>
#include <netinet/in.h>

static int is_loopback(const apr_sockaddr_t *address)
{
    if (!address) {
        return 0;
    }
    if (address->family == APR_INET) {
        return (ntohl(address->sa.sin.sin_addr.s_addr) >> 24) == 127;
    }
#if APR_HAVE_IPV6
    if (address->family == APR_INET6) {
        const struct in6_addr *ip = &address->sa.sin6.sin6_addr;

        return IN6_IS_ADDR_LOOPBACK(ip) || (IN6_IS_ADDR_V4MAPPED(ip) && ip->s6_addr[12] == 127);
    }
#endif
    return 0;
}

/* An HTTP/2 stream has a connection of its own; TLS is its master's. */
static int is_tls(conn_rec *c)
{
    return ap_ssl_conn_is_ssl(c) || (c->master && ap_ssl_conn_is_ssl(c->master));
}

/* Then the peer is a proxy on this host, and its client may be anybody. */
static int is_forwarded(const request_rec *r)
{
    static const char *const names[] = {"X-Forwarded-For", "X-Forwarded-Proto",
                                        "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via"};
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (apr_table_get(r->headers_in, names[i])) {
            return 1;
        }
    }
    return 0;
}

static int is_local(const request_rec *r)
{
    return is_loopback(r->connection->client_addr) && is_loopback(r->useragent_addr) &&
           !is_forwarded(r);
}

int authsvc_secure_is(const request_rec *r)
{
    const char *https = apr_table_get(r->subprocess_env, "HTTPS");

    return is_tls(r->connection) || (https && strcasecmp(https, "on") == 0) || is_local(r);
}
