/* SPDX-License-Identifier: Apache-2.0 */
#include "basic.h"

#include <ap_provider.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_request.h>
#include <mod_auth.h>

#include "child.h"
#include "config.h"
#include "context.h"
#include "guard.h"
#include "limits.h"
#include "request_state.h"
#include "secure.h"

APLOG_USE_MODULE(authsvc);

/*
 * One credential, and nothing behind it: mod_auth_basic decodes what it can, and would not see a
 * second field, which httpd appends to the first ("Basic abc, Bearer def").
 */
static int is_one_credential(const request_rec *r)
{
    static const char base64[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    const char *value = apr_table_getm(
        r->pool, r->headers_in,
        r->proxyreq == PROXYREQ_PROXY ? "Proxy-Authorization" : "Authorization");

    if (!value || strncasecmp(value, "Basic ", 6) != 0) {
        return 1; /* whoever asks has the password from elsewhere */
    }
    value += strspn(value + 6, " \t") + 6;
    return value[strspn(value, base64)] == '\0';
}

static authsvc_error_t *plain_http(const request_rec *r)
{
    return AUTHSVC_ERROR(r->pool, AUTHSVC_E_FORBIDDEN, "tls-required", NULL,
                         "a password over plain http");
}

static authsvc_error_t *authenticate(request_rec *r, const authsvc_server_config_t *config,
                                     authsvc_ctx_t *ctx, const char *user, const char *password,
                                     const authsvc_principal_t **principal)
{
    authsvc_error_t *err;

    if (config->settings->require_tls && !authsvc_secure_is(r)) {
        return plain_http(r);
    }
    if (!is_one_credential(r)) {
        return AUTHSVC_ERROR(r->pool, AUTHSVC_E_UNAUTHENTICATED, "authentication", NULL,
                             "malformed or repeated Authorization field");
    }
    err = authsvc_context_lack(r->pool, config, 1);
    if (err) {
        return err;
    }
    return authsvc_basic_authenticate(ctx, user, password, strlen(password), principal);
}

void authsvc_basic_accept(request_rec *r, const authsvc_principal_t *principal)
{
    const authsvc_dir_config_t *config = authsvc_config_dir(r);
    int by_email = config->remote_user_set && config->remote_user == AUTHSVC_REMOTE_USER_EMAIL;

    r->user = apr_pstrdup(r->pool, by_email ? principal->claims.email : principal->claims.subject);
    authsvc_request_state(r)->principal = principal;
    authsvc_guard_set_environment(r, principal);
}

/*
 * A wrong password and an unknown address are both AUTH_DENIED, which ends the chain of providers:
 * if the next one were asked about unknown addresses only, its answer, or the time it takes, would
 * tell which addresses have accounts. AUTH_USER_NOT_FOUND is for names that can be nobody's.
 */
static authn_status check_password(request_rec *r, const char *user, const char *password)
{
    const authsvc_server_config_t *config = authsvc_config_server(r->server);
    const authsvc_principal_t *principal = NULL;
    authsvc_ctx_t ctx = {0};
    const authsvc_error_t *err;

    if (authsvc_context_process(config) != AUTHSVC_PROCESS_SERVES) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      config->settings
                          ? "AS0680: the account service did not start in this process, see AS0570"
                          : "AS0681: AuthBasicProvider authsvc is asked here, but this virtual "
                            "host has no account service. Give it AuthSvcIssuer, "
                            "AuthSvcSigningKey or AuthSvcKeyDirectory, AuthSvcSecretFile, "
                            "DBDriver and DBDParams");
        return AUTH_GENERAL_ERROR;
    }
    authsvc_context_make(r, config, &ctx);
    ctx.pool = authsvc_request_root(r)->pool;
    ctx.exempt = authsvc_limits_exempts(r, config);
    err = authenticate(r, config, &ctx, user, password, &principal);
    if (!err) {
        authsvc_request_state(authsvc_request_root(r))->known = principal;
        authsvc_basic_accept(r, principal);
        return AUTH_GRANTED;
    }
    switch (err->code) {
    case AUTHSVC_E_UNAUTHENTICATED:
        return AUTH_DENIED;
    case AUTHSVC_E_NOT_FOUND:
        return AUTH_USER_NOT_FOUND;
    default:
        if (err->code == AUTHSVC_E_THROTTLED) {
            authsvc_limits_warn(r, &ctx);
        }
        authsvc_request_state(r)->failure = authsvc_guard_answer(r, &ctx, err, 1);
        return AUTH_GENERAL_ERROR;
    }
}

void authsvc_basic_register_provider(apr_pool_t *pool)
{
    static const authn_provider provider = {check_password, NULL};

    ap_register_auth_provider(pool, AUTHN_PROVIDER_GROUP, AUTHSVC_BASIC_PROVIDER,
                              AUTHN_PROVIDER_VERSION, &provider, AP_AUTH_INTERNAL_PER_CONF);
}

int authsvc_basic_applies(request_rec *r)
{
    const char *type = ap_auth_type(r);

    return type && strcasecmp(type, "Basic") == 0;
}

static int is_provider_here(request_rec *r)
{
    return authsvc_basic_applies(r) && authsvc_config_dir(r)->basic_provider;
}

static void challenge(request_rec *r)
{
    const char *realm = ap_auth_name(r);

    apr_table_setn(r->err_headers_out,
                   r->proxyreq == PROXYREQ_PROXY ? "Proxy-Authenticate" : "WWW-Authenticate",
                   apr_pstrcat(r->pool, "Basic realm=\"", realm ? realm : "",
                               "\", charset=\"UTF-8\"", NULL));
}

int authsvc_basic_challenge(request_rec *r, const char *type)
{
    (void)type;
    if (!is_provider_here(r)) {
        return DECLINED;
    }
    challenge(r);
    return OK;
}

/* Whoever is asked for a password over plain http has sent it before we can refuse it. */
static int refuse_plain_http(request_rec *r)
{
    const authsvc_server_config_t *config = authsvc_config_server(r->server);
    authsvc_ctx_t ctx = {0};

    if (!is_provider_here(r) || authsvc_context_process(config) != AUTHSVC_PROCESS_SERVES ||
        !config->settings->require_tls || authsvc_secure_is(r)) {
        return OK;
    }
    authsvc_context_make(r, config, &ctx);
    return authsvc_guard_answer(r, &ctx, plain_http(r), 0);
}

int authsvc_basic_check_authn(request_rec *r)
{
    const authsvc_request_state_t *known = authsvc_request_state_peek(r);
    authsvc_request_state_t *state;
    int status;

    if ((known && known->authenticating) || !authsvc_basic_applies(r)) {
        return DECLINED;
    }
    status = refuse_plain_http(r);
    if (status != OK) {
        return status;
    }
    state = authsvc_request_state(r);
    state->authenticating = 1;
    status = ap_run_check_user_id(r);
    state->authenticating = 0;
    if (status == HTTP_UNAUTHORIZED && is_provider_here(r)) {
        challenge(r);
    }
    /* Also if the others would let it pass: AuthBasicAuthoritative Off, and another module. */
    return state->failure ? state->failure : status;
}
