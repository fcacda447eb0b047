/* SPDX-License-Identifier: Apache-2.0 */
#include "log_sink.h"

#include <http_config.h>
#include <http_log.h>

#include "config.h"

APLOG_USE_MODULE(authsvc);

/* Our levels have httpd's numbers; the line is escaped already (core/log.h). */

static void write_request(void *baton, authsvc_log_level_t level, const char *line)
{
    ap_log_rerror(APLOG_MARK, (int)level, 0, (request_rec *)baton, "%s", line);
}

static void write_server(void *baton, authsvc_log_level_t level, const char *line)
{
    ap_log_error(APLOG_MARK, (int)level, 0, (server_rec *)baton, "%s", line);
}

const authsvc_log_t *authsvc_log_sink_request(request_rec *r)
{
    authsvc_log_t *log = apr_pcalloc(r->pool, sizeof(*log));

    log->write = write_request;
    log->baton = r;
    return log;
}

const authsvc_log_t *authsvc_log_sink_server(apr_pool_t *pool, server_rec *s)
{
    authsvc_log_t *log = apr_pcalloc(pool, sizeof(*log));

    log->write = write_server;
    log->baton = s;
    return log;
}
