/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_core.h>
#include <util_filter.h>

#include "child.h"
#include "config.h"
#include "context.h"

APLOG_USE_MODULE(authsvc);

#define FILTER "AUTHSVC_PROBLEM"

/* Those that httpd keeps for its own error answers, and for an ErrorDocument. */
static int copy_header(void *baton, const char *name, const char *value)
{
    apr_table_setn(((request_rec *)baton)->err_headers_out, name, value);
    return 1;
}

static void describe_request(request_rec *r, authsvc_request_t *request)
{
    request_rec *root = authsvc_request_root(r);
    const authsvc_request_state_t *state = authsvc_request_state_peek(root);

    authsvc_context_request(r, NULL, state && state->headers ? state->headers : r->headers_in,
                            request);
}

/* An ErrorDocument that is guarded itself must not send people to sign in. */
static int is_main_errand(const request_rec *r)
{
    for (; r->prev; r = r->prev) {
        if (r->prev->status != HTTP_OK) {
            return 0;
        }
    }
    return !r->main;
}

/*
 * People who navigate are sent to the login page. Programs, and scripts on a page, are not: a
 * page is no answer for them.
 * @return NULL: nobody is sent anywhere
 */
static const char *login_page(request_rec *r, const authsvc_request_t *request, int sent)
{
    const authsvc_dir_config_t *config = authsvc_config_dir(r);
    const request_rec *root = authsvc_request_root(r);

    if (!config->login_page || r->main || !is_main_errand(r) ||
        strcmp(root->uri, config->login_page) == 0 || strcmp(r->uri, config->login_page) == 0 ||
        (sent && !authsvc_request_state_peek(root)->credential.by_cookie) ||
        !authsvc_guard_is_navigation(request)) {
        return NULL;
    }
    return authsvc_guard_login_location(r->pool, config->login_page, root->unparsed_uri);
}

static void vary(request_rec *r)
{
    apr_table_mergen(r->err_headers_out, "Vary", "Sec-Fetch-Mode, Accept, Authorization, Cookie");
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
}

static int log_level(authsvc_child_t *child, const authsvc_error_t *err, int status)
{
    if (err->slug && strcmp(err->slug, "overloaded") == 0) {
        return (int)authsvc_child_overload_level(child, apr_time_now());
    }
    return status >= HTTP_INTERNAL_SERVER_ERROR ? APLOG_ERR : APLOG_INFO;
}

int authsvc_guard_answer(request_rec *r, authsvc_ctx_t *ctx, const authsvc_error_t *err, int sent)
{
    const authsvc_server_config_t *config = authsvc_config_server(r->server);
    authsvc_response_t *response = apr_pcalloc(r->pool, sizeof(*response));
    authsvc_request_t request = {0};
    const char *page;

    describe_request(r, &request);
    authsvc_guard_refuse(config->child->api, ctx, &request, err, sent, response);
    ap_log_rerror(APLOG_MARK, log_level(config->child, err, response->status), 0, r,
                  "AS0622: status %d, request %s: %s", response->status, ctx->request_id,
                  authsvc_error_describe(err, r->pool));
    page = response->status == HTTP_UNAUTHORIZED ? login_page(r, &request, sent) : NULL;
    if (page) {
        apr_table_setn(r->headers_out, "Location", page);
        vary(r);
        return HTTP_MOVED_TEMPORARILY;
    }
    apr_table_do(copy_header, r, response->headers, NULL);
    if (authsvc_config_dir(r)->login_page) {
        vary(r);
    }
    authsvc_request_state(r)->refusal = response;
    return response->status;
}

/* Drops what httpd writes, and at its end puts the problem in its place. */
static apr_status_t problem_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    const authsvc_response_t *refusal = f->ctx;
    request_rec *r = f->r;
    apr_bucket *end;

    for (end = APR_BRIGADE_FIRST(bb); end != APR_BRIGADE_SENTINEL(bb);
         end = APR_BUCKET_NEXT(end)) {
        if (APR_BUCKET_IS_EOS(end) || AP_BUCKET_IS_EOR(end)) {
            break;
        }
    }
    if (end == APR_BRIGADE_SENTINEL(bb)) {
        apr_brigade_cleanup(bb);
        return APR_SUCCESS;
    }
    while (APR_BRIGADE_FIRST(bb) != end) {
        apr_bucket_delete(APR_BRIGADE_FIRST(bb));
    }
    ap_set_content_type(r, refusal->content_type);
    ap_set_content_length(r, (apr_off_t)refusal->body_len);
    APR_BRIGADE_INSERT_HEAD(
        bb, apr_bucket_pool_create(refusal->body, refusal->body_len, r->pool,
                                   f->c->bucket_alloc));
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

void authsvc_guard_insert_error_filter(request_rec *r)
{
    const authsvc_request_state_t *state = authsvc_request_state_peek(r);
    authsvc_request_t request = {0};

    /* The admin's own words come first, wherever they are; a page is for people. */
    if (!state || !state->refusal || r->status != state->refusal->status ||
        ap_response_code_string(r, ap_index_of_response(r->status))) {
        return;
    }
    describe_request(r, &request);
    if (!authsvc_guard_is_navigation(&request)) {
        ap_add_output_filter(FILTER, (void *)(uintptr_t)(const void *)state->refusal, r,
                             r->connection);
    }
}

void authsvc_guard_register_filter(void)
{
    ap_register_output_filter(FILTER, problem_filter, NULL, AP_FTYPE_CONTENT_SET);
}
