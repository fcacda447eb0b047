/* SPDX-License-Identifier: Apache-2.0 */
#include "context.h"

#include "authsvc/repositories/repositories.h"
#include "child.h"
#include "log_sink.h"
#include "request_id.h"
#include "secure.h"

authsvc_process_t authsvc_context_process(const authsvc_server_config_t *config)
{
    if (!config->settings) {
        return AUTHSVC_PROCESS_UNCONFIGURED;
    }
    return config->child && config->child->api ? AUTHSVC_PROCESS_SERVES : AUTHSVC_PROCESS_BROKEN;
}

authsvc_error_t *authsvc_context_lack(apr_pool_t *pool, const authsvc_server_config_t *config,
                                      int hashes)
{
    if (config->db && (config->admission || !hashes)) {
        return NULL;
    }
    return AUTHSVC_ERROR(pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                         "this process has no %s, see AS0550 and AS0571 at its start",
                         config->db ? "hash slots" : "database connections");
}

void authsvc_context_make(request_rec *r, const authsvc_server_config_t *config,
                          authsvc_ctx_t *ctx)
{
    ctx->pool = r->pool;
    ctx->settings = config->settings;
    ctx->log = authsvc_log_sink_request(r);
    ctx->db = config->db;
    ctx->db_budget = config->settings->db_timeout;
    ctx->repositories = &authsvc_repositories;
    ctx->admission = config->admission;
    ctx->gate = &config->child->gate;
    ctx->token_cache = config->child->tokens;
    ctx->identity_cache = config->child->identities;
    ctx->revocations = config->revocations;
    ctx->failures = config->failures;
    ctx->basic_cache = config->child->verdicts;
    ctx->limiter = config->limiter;
    ctx->request_id = authsvc_request_id(r);
    ctx->client_ip = r->useragent_ip;
    ctx->user_agent = apr_table_get(r->headers_in, "User-Agent");
}

static const char *header(void *baton, const char *name)
{
    apr_table_t *headers = baton;

    return apr_table_getm(apr_table_elts(headers)->pool, headers, name);
}

void authsvc_context_request(request_rec *r, const char *path, apr_table_t *headers,
                             authsvc_request_t *request)
{
    request->method = r->method;
    request->path = path ? path : "/";
    request->instance = ap_os_escape_path(r->pool, r->uri, 1);
    request->secure = authsvc_secure_is(r);
    request->header = header;
    request->baton = headers;
}
