/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include <http_config.h>
#include <httpd.h>
#include <util_filter.h>

#include "config.h"
#include "context.h"
#include "mount.h"

void authsvc_guard_set_environment(request_rec *r, const authsvc_principal_t *principal)
{
    authsvc_identity_t list[AUTHSVC_IDENTITIES + 1];
    const authsvc_identity_t *one;

    authsvc_guard_identities(&principal->claims, list);
    for (one = list; one->variable; one++) {
        if (one->value) {
            apr_table_setn(r->subprocess_env, one->variable, one->value);
        }
    }
}

static void add_fields(request_rec *r, const authsvc_principal_t *principal)
{
    authsvc_identity_t list[AUTHSVC_IDENTITIES + 1];
    const authsvc_identity_t *one;

    authsvc_guard_identities(&principal->claims, list);
    for (one = list; one->variable; one++) {
        if (one->value) {
            apr_table_setn(r->headers_in, one->field,
                           authsvc_guard_field_value(r->pool, one->value));
        }
    }
}

/* @return OK, or the status to answer: a backend that expects a token gets no request without */
static int add_token(request_rec *r, const authsvc_principal_t *principal, const char *audience)
{
    authsvc_ctx_t ctx = {0};
    const char *token = NULL;
    authsvc_error_t *err;

    authsvc_context_make(r, authsvc_config_server(r->server), &ctx);
    err = authsvc_identity_token(&ctx, principal, audience, &token);
    if (err) {
        return authsvc_guard_answer(r, &ctx, err, 1);
    }
    apr_table_setn(r->headers_in, AUTHSVC_IDENTITY_TOKEN_FIELD, token);
    return OK;
}

/* Once, and not in place: subrequests and internal redirects share the table. */
static void own_fields(request_rec *r, int *own)
{
    if (!*own) {
        r->headers_in = apr_table_copy(r->pool, r->headers_in);
        *own = 1;
    }
}

void authsvc_guard_keep_private(request_rec *r)
{
    const char *said;

    while (r->main) {
        r = r->main;
    }
    said = apr_table_get(r->err_headers_out, "Cache-Control");
    if (!said || !ap_find_token(r->pool, said, "private")) {
        apr_table_mergen(r->err_headers_out, "Cache-Control", "private");
    }
}

/* mod_include sends the header before it asks for what the page includes. */
static int is_put_together(const request_rec *r)
{
    const ap_filter_t *filter;

    for (filter = r->output_filters; filter; filter = filter->next) {
        if (strcasecmp(filter->frec->name, "INCLUDES") == 0) {
            return 1;
        }
    }
    return 0;
}

/* The session cookies are sent with every request of the host; they are nobody's but ours. */
static void hide_cookies(request_rec *r, int *own)
{
    const authsvc_settings_t *settings = authsvc_config_server(r->server)->settings;
    const char *field =
        settings && settings->cookie ? apr_table_get(r->headers_in, "Cookie") : NULL;
    const char *rest = field ? authsvc_guard_without_cookies(r->pool, field) : NULL;

    if (rest == field) {
        return;
    }
    if (is_put_together(r)) {
        authsvc_guard_keep_private(r);
    }
    own_fields(r, own);
    if (rest) {
        apr_table_setn(r->headers_in, "Cookie", rest);
    } else {
        apr_table_unset(r->headers_in, "Cookie");
    }
}

int authsvc_guard_hand_over(request_rec *r)
{
    const authsvc_dir_config_t *config = authsvc_config_dir(r);
    const authsvc_request_state_t *state;
    int own = 0, status = OK;

    if (!config || authsvc_mount_owns(r)) {
        return DECLINED;
    }
    authsvc_guard_take_over(r);
    if (r->main) {
        /* What the including page's backend is told is not for the backends of what it includes. */
        authsvc_guard_drop_reserved(r, &own);
    }
    hide_cookies(r, &own);
    if (config->forward_bearer_set && !config->forward_bearer) {
        own_fields(r, &own);
        apr_table_unset(r->headers_in, "Authorization");
    }
    state = authsvc_request_state_peek(r);
    if (!state || !state->principal) {
        return DECLINED;
    }
    if (config->forward_headers) {
        own_fields(r, &own);
        add_fields(r, state->principal);
    }
    if (config->forward_token) {
        own_fields(r, &own);
        status = add_token(r, state->principal, config->forward_token);
    }
    return status == OK ? DECLINED : status;
}
