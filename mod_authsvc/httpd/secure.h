/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_SECURE_H
#define AUTHSVC_HTTPD_SECURE_H

#include <httpd.h>

/**
 * 1 if credentials may be sent with this request and its answer: it came by TLS, a proxy in
 * front says so (HTTPS=on in the environment), or both the peer and the client that mod_remoteip
 * names are this very host, and no header field says that a proxy forwarded it.
 */
int authsvc_secure_is(const request_rec *r);

#endif
