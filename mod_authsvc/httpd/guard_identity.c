/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include <http_config.h>

#include "config.h"
#include "context.h"

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

int authsvc_guard_hand_over(request_rec *r)
{
    const authsvc_request_state_t *state = authsvc_request_state_peek(r);
    const authsvc_dir_config_t *config = authsvc_config_dir(r);
    int hides_bearer, status = OK;

    if (!state || !state->principal || !config) {
        return DECLINED;
    }
    hides_bearer = config->forward_bearer_set && !config->forward_bearer;
    if (!config->forward_headers && !config->forward_token && !hides_bearer) {
        return DECLINED;
    }
    /* A copy: subrequests and internal redirects share the table, and are judged by it. */
    r->headers_in = apr_table_copy(r->pool, r->headers_in);
    if (hides_bearer) {
        apr_table_unset(r->headers_in, "Authorization");
    }
    if (config->forward_headers) {
        add_fields(r, state->principal);
    }
    if (config->forward_token) {
        status = add_token(r, state->principal, config->forward_token);
    }
    return status == OK ? DECLINED : status;
}
