/* SPDX-License-Identifier: Apache-2.0 */
#include "handler.h"

#include <apr_strings.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>

#include "authsvc/api/api.h"
#include "body.h"
#include "child.h"
#include "config.h"
#include "context.h"
#include "limits.h"
#include "mount.h"

APLOG_USE_MODULE(authsvc);

static int copy_header(void *baton, const char *name, const char *value)
{
    apr_table_addn(((request_rec *)baton)->headers_out, name, value);
    return 1;
}

static int send_response(request_rec *r, const authsvc_response_t *response)
{
    r->status = response->status;
    apr_table_do(copy_header, r, response->headers, NULL);
    if (response->content_type) {
        ap_set_content_type(r, response->content_type);
    }
    if (response->body) {
        ap_set_content_length(r, (apr_off_t)response->body_len);
        if (!r->header_only) {
            ap_rwrite(response->body, (int)response->body_len, r);
        }
    }
    /* Not the status: OK says that the answer is complete, so that no ErrorDocument replaces it. */
    return OK;
}

static void log_error(const request_rec *r, const authsvc_ctx_t *ctx,
                      const authsvc_response_t *response)
{
    const authsvc_error_t *error = response->error;
    authsvc_log_level_t level = AUTHSVC_LOG_INFO;

    if (!error) {
        return;
    }
    if (error->slug && strcmp(error->slug, "overloaded") == 0) {
        level = authsvc_child_overload_level(authsvc_config_server(r->server)->child,
                                             apr_time_now());
    } else if (response->status >= HTTP_INTERNAL_SERVER_ERROR) {
        level = AUTHSVC_LOG_ERROR;
    }
    authsvc_log(ctx->log, level, "AS0500", "status %d, request %s: %s", response->status,
                ctx->request_id, authsvc_error_describe(error, ctx->pool));
}

/* What keeps the request from the API altogether. NULL: nothing. */
static authsvc_error_t *obstacle(request_rec *r, const authsvc_server_config_t *config,
                                 const char *path)
{
    if (!path) {
        return AUTHSVC_ERROR(r->pool, AUTHSVC_E_NOT_FOUND, NULL, NULL,
                             "the path is outside the mount, or not in its one spelling");
    }
    return authsvc_context_lack(r->pool, config, 1);
}

/* @return 0 if there is nobody to answer, or somebody else did: *status is the hook's result */
static int read_body(request_rec *r, const authsvc_settings_t *settings,
                     authsvc_request_t *request, authsvc_error_t **err, int *status)
{
    switch (authsvc_body_read(r, settings->max_body, &request->body, &request->body_len, err)) {
    case AUTHSVC_BODY_GONE:
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      "AS0501: the client went away before it had sent the request body");
        r->status = HTTP_BAD_REQUEST;
        r->connection->aborted = 1;
        *status = DONE;
        return 0;
    case AUTHSVC_BODY_ANSWERED:
        *status = AP_FILTER_ERROR;
        return 0;
    default:
        return 1;
    }
}

int authsvc_handle(request_rec *r)
{
    const authsvc_server_config_t *config;
    authsvc_ctx_t ctx = {0};
    authsvc_request_t request = {0};
    authsvc_response_t response = {0};
    authsvc_error_t *err;
    const char *path;
    int reads_body = 0;
    int status;

    if (!authsvc_mount_owns(r)) {
        return DECLINED;
    }
    config = authsvc_config_server(r->server);
    if (authsvc_context_process(config) != AUTHSVC_PROCESS_SERVES) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "AS0502: the account service did not start in this process, see AS0570");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    authsvc_context_make(r, config, &ctx);
    ctx.exempt = authsvc_limits_exempts(r, config);
    path = authsvc_mount_path(r);
    authsvc_context_request(r, path, r->headers_in, &request);
    err = obstacle(r, config, path);
    if (!err) {
        authsvc_api_expects(config->child->api, request.method, request.path, &reads_body);
    }
    if (!reads_body) {
        authsvc_body_skip(r, config->settings->max_body);
    } else if (!read_body(r, config->settings, &request, &err, &status)) {
        return status;
    }
    if (err) {
        authsvc_api_problem(config->child->api, &ctx, &request, err, &response);
    } else {
        authsvc_api_handle(config->child->api, &ctx, &request, &response);
    }
    log_error(r, &ctx, &response);
    if (response.status == HTTP_TOO_MANY_REQUESTS) {
        authsvc_limits_warn(r, &ctx);
    }
    return send_response(r, &response);
}
