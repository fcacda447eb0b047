/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_HANDLER_H
#define AUTHSVC_HTTPD_HANDLER_H

#include <httpd.h>

/** The handler hook: answers what is mounted, whatever SetHandler or ProxyPass say about it. */
int authsvc_handle(request_rec *r);

#endif
