/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>

#include "basic.h"
#include "config.h"
#include "context.h"

APLOG_USE_MODULE(authsvc);

static int is_guarded(request_rec *r)
{
    const char *type = ap_auth_type(r);

    return type && strcasecmp(type, AUTHSVC_AUTH_TYPE) == 0;
}

/* Names first: a table must not change while it is walked through. */
static int note_reserved(void *baton, const char *name, const char *value)
{
    (void)value;
    if (authsvc_guard_is_reserved_field(name)) {
        APR_ARRAY_PUSH((apr_array_header_t *)baton, const char *) = name;
    }
    return 1;
}

/*
 * An internal redirect begins with the fields that its origin's handler was shown; what was taken
 * away from those is put back, for the target is judged by itself.
 */
static void restore(request_rec *r)
{
    static const char *const names[] = {"Authorization", "Cookie"};
    const authsvc_request_state_t *root = authsvc_request_state_peek(authsvc_request_root(r));
    apr_table_t *fields = root ? root->headers : NULL;
    size_t i;

    if (!fields || fields == r->headers_in) {
        return;
    }
    r->headers_in = apr_table_copy(r->pool, r->headers_in);
    for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const char *value = apr_table_get(fields, names[i]);

        if (value) {
            apr_table_setn(r->headers_in, names[i], value);
        }
    }
}

void authsvc_guard_drop_reserved(request_rec *r, int *own)
{
    apr_array_header_t *names = apr_array_make(r->pool, 0, sizeof(const char *));
    int i;

    apr_table_do(note_reserved, names, r->headers_in, NULL);
    if (names->nelts > 0 && !*own) {
        r->headers_in = apr_table_copy(r->pool, r->headers_in);
        *own = 1;
    }
    for (i = 0; i < names->nelts; i++) {
        apr_table_unset(r->headers_in, APR_ARRAY_IDX(names, i, const char *));
    }
}

int authsvc_guard_cleanse(request_rec *r)
{
    int own = 1; /* also for whoever looks at the table later */

    if (!authsvc_config_server(r->server)->settings) {
        return DECLINED;
    }
    if (r->prev) {
        restore(r);
    }
    authsvc_guard_drop_reserved(r, &own);
    authsvc_request_state(r)->headers = r->headers_in;
    return DECLINED;
}

/*
 * Who sent the request, found out once for it and all its subrequests and internal redirects, by
 * the fields as they came: a handler may be shown fewer.
 * @param r the root, whose pool outlives all of them
 */
static void judge(request_rec *r, const server_rec *s, authsvc_request_state_t *root)
{
    authsvc_credential_t *credential = &root->credential;
    authsvc_request_t request = {0};
    authsvc_ctx_t ctx = {0};
    authsvc_error_t *err;

    authsvc_context_make(r, authsvc_config_server(s), &ctx);
    authsvc_context_request(r, NULL, root->headers, &request);
    err = authsvc_guard_credential(&ctx, &request, credential);
    if (!err && credential->sent && ctx.settings->require_tls && !request.secure) {
        err = AUTHSVC_ERROR(ctx.pool, AUTHSVC_E_FORBIDDEN, "tls-required", NULL,
                            "an access token over plain http");
    } else if (!err && !credential->token) {
        err = AUTHSVC_ERROR(ctx.pool, AUTHSVC_E_UNAUTHENTICATED, "authentication", NULL,
                            "no access token");
    }
    if (!err) {
        err = authsvc_context_lack(ctx.pool, authsvc_config_server(s), 0);
    }
    if (!err) {
        err = authsvc_authentication_authorize(&ctx, credential->token, credential->len,
                                               &root->owner);
    }
    root->error = err;
    root->judged = s;
}

/* @return INTERNAL if the token does not hold what REMOTE_USER is to be */
static authsvc_error_t *name_user(request_rec *r, authsvc_ctx_t *ctx,
                                  const authsvc_principal_t *principal)
{
    const authsvc_dir_config_t *config = authsvc_config_dir(r);
    const char *user = principal->claims.subject;

    if (config->remote_user_set && config->remote_user == AUTHSVC_REMOTE_USER_EMAIL) {
        user = principal->claims.email;
    }
    if (!user) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAUTHENTICATED, "authentication",
                             "The access token is too old: it has no email.",
                             "AuthSvcRemoteUser email, and a token without the claim");
    }
    r->user = apr_pstrdup(r->pool, user);
    r->ap_auth_type = apr_pstrdup(r->pool, AUTHSVC_AUTH_TYPE);
    return NULL;
}

int authsvc_guard_authenticate(request_rec *r)
{
    const authsvc_server_config_t *config;
    authsvc_request_state_t *root;
    authsvc_ctx_t ctx = {0};
    const authsvc_error_t *err;

    if (!is_guarded(r)) {
        return DECLINED;
    }
    config = authsvc_config_server(r->server);
    if (authsvc_context_process(config) != AUTHSVC_PROCESS_SERVES) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      config->settings
                          ? "AS0620: the account service did not start in this process, see AS0570"
                          : "AS0621: AuthType AuthSvc is asked for here, but this virtual host has "
                            "no account service. Give it AuthSvcIssuer, AuthSvcSigningKey or "
                            "AuthSvcKeyDirectory, AuthSvcSecretFile, DBDriver and DBDParams");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    authsvc_context_make(r, config, &ctx);
    root = authsvc_request_state(authsvc_request_root(r));
    if (!root->headers) {
        root->headers = r->headers_in;
    }
    if (root->judged != r->server) {
        judge(authsvc_request_root(r), r->server, root);
    }
    err = root->error ? root->error : name_user(r, &ctx, root->owner);
    if (err) {
        return authsvc_guard_answer(r, &ctx, err, root->credential.sent);
    }
    if (root->credential.by_cookie) {
        authsvc_guard_keep_private(r);
    }
    authsvc_request_state(r)->principal = root->owner;
    authsvc_guard_set_environment(r, root->owner);
    return OK;
}

int authsvc_guard_authorize(request_rec *r)
{
    const authsvc_request_state_t *known = authsvc_request_state_peek(r);
    authsvc_request_state_t *state;
    authsvc_ctx_t ctx = {0};
    int status;

    if (!known || known->authorizing || !known->principal || !is_guarded(r)) {
        return DECLINED;
    }
    state = authsvc_request_state(r);
    state->authorizing = 1;
    status = ap_run_auth_checker(r);
    state->authorizing = 0;
    if (status != HTTP_UNAUTHORIZED && status != HTTP_FORBIDDEN) {
        return status;
    }
    authsvc_context_make(r, authsvc_config_server(r->server), &ctx);
    return authsvc_guard_answer(r, &ctx,
                                AUTHSVC_ERROR(r->pool, AUTHSVC_E_FORBIDDEN, NULL, NULL,
                                              "what Require asks for is not fulfilled"),
                                1);
}

static void inherit(request_rec *r)
{
    const request_rec *from = r->prev ? r->prev : r->main;
    const authsvc_request_state_t *other = from ? authsvc_request_state_peek(from) : NULL;
    authsvc_request_state_t *state;

    if (!other || !other->principal || !r->user || r->user != from->user ||
        (!is_guarded(r) && !authsvc_basic_applies(r))) {
        return;
    }
    state = authsvc_request_state(r);
    if (!state->principal) {
        state->principal = other->principal;
        authsvc_guard_set_environment(r, other->principal);
    }
}

/*
 * Notes are the one thing that ap_internal_fast_redirect takes along from the request that was
 * authorized to the one that is answered with its file, those of the last one first. Nothing else
 * passes them on, and nobody else can give this address.
 */
#define NOTE "authsvc-signed-in"
static const char signed_in[] = "1";

int authsvc_guard_inherit(request_rec *r)
{
    const authsvc_request_state_t *state;

    inherit(r);
    if (r->main && authsvc_config_server(r->server)->settings) {
        state = authsvc_request_state_peek(r);
        apr_table_setn(r->notes, NOTE, state && state->principal ? signed_in : "");
    }
    return DECLINED;
}

void authsvc_guard_take_over(request_rec *r)
{
    const authsvc_request_state_t *known = authsvc_request_state_peek(r);
    const authsvc_request_state_t *root;
    authsvc_ctx_t ctx = {0};

    if (apr_table_get(r->notes, NOTE) != signed_in || (known && known->principal)) {
        return;
    }
    root = authsvc_request_state(authsvc_request_root(r));
    if (authsvc_basic_applies(r) && root->known) {
        authsvc_basic_accept(r, root->known);
        r->ap_auth_type = apr_pstrdup(r->pool, "Basic");
    } else if (is_guarded(r) && root->judged == r->server && !root->error) {
        authsvc_context_make(r, authsvc_config_server(r->server), &ctx);
        if (!name_user(r, &ctx, root->owner)) {
            authsvc_request_state(r)->principal = root->owner;
            authsvc_guard_set_environment(r, root->owner);
        }
    }
}
