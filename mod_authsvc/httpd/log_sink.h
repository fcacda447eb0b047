/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_LOG_SINK_H
#define AUTHSVC_HTTPD_LOG_SINK_H

#include <httpd.h>

#include "authsvc/core/log.h"

/** Log lines of a request go to its server's error log, with the client's address. */
const authsvc_log_t *authsvc_log_sink_request(request_rec *r);

/** Log lines of a server. @param pool owns the result */
const authsvc_log_t *authsvc_log_sink_server(apr_pool_t *pool, server_rec *s);

#endif
