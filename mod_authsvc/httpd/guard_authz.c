/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include <ap_expr.h>
#include <ap_provider.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_request.h>
#include <mod_auth.h>

#include "authsvc/repositories/users.h"
#include "authsvc/services/rights.h"
#include "config.h"

APLOG_USE_MODULE(authsvc);

/* NULL for somebody whom another module signed in: they are given nothing. */
static const authsvc_claims_t *claims_of(const request_rec *r)
{
    const authsvc_request_state_t *state = authsvc_request_state_peek(r);

    return state && state->principal ? &state->principal->claims : NULL;
}

typedef int (*test_fn)(const authsvc_claims_t *claims, const char *word);

/*
 * Whether any of the words is true of the claims. Each is an expression, whose result is one word
 * whatever is in it: it may hold what somebody chose.
 */
static authz_status check_words(request_rec *r, const void *parsed, test_fn is_true)
{
    const apr_array_header_t *words = parsed;
    const authsvc_claims_t *claims = claims_of(r);
    int i;

    if (!r->user) {
        return AUTHZ_DENIED_NO_USER;
    }
    if (!claims) {
        return AUTHZ_DENIED;
    }
    for (i = 0; i < words->nelts; i++) {
        const char *failure = NULL;
        const char *word =
            ap_expr_str_exec(r, APR_ARRAY_IDX(words, i, const ap_expr_info_t *), &failure);

        if (failure) {
            ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                          "AS0623: an expression of Require cannot be evaluated: %s", failure);
            return AUTHZ_DENIED;
        }
        if (is_true(claims, word)) {
            return AUTHZ_GRANTED;
        }
    }
    return AUTHZ_DENIED;
}

static int has_role(const authsvc_claims_t *claims, const char *word)
{
    return *word && strcmp(claims->role, word) == 0;
}

static authz_status check_role(request_rec *r, const char *line, const void *parsed)
{
    (void)line;
    return check_words(r, parsed, has_role);
}

static authz_status check_claim(request_rec *r, const char *line, const void *parsed)
{
    (void)line;
    return check_words(r, parsed, authsvc_rights_has_claim);
}

static authz_status check_verified_email(request_rec *r, const char *line, const void *parsed)
{
    const authsvc_claims_t *claims = claims_of(r);

    (void)line;
    (void)parsed;
    if (!r->user) {
        return AUTHZ_DENIED_NO_USER;
    }
    return claims && claims->email && claims->email_verified ? AUTHZ_GRANTED : AUTHZ_DENIED;
}

/* What is written out is checked while it is read; what an expression gives cannot be. */
static int is_expression(const char *word)
{
    return strstr(word, "%{") != NULL;
}

static const char *parse_words(cmd_parms *cmd, const char *line, const void **parsed,
                               int (*is_known)(const char *word), const char *complaint)
{
    apr_array_header_t *words = apr_array_make(cmd->pool, 2, sizeof(const ap_expr_info_t *));

    if (!*line) {
        return complaint;
    }
    while (*line) {
        const char *failure = NULL, *word = ap_getword_conf(cmd->pool, &line);

        if (!is_expression(word) && !is_known(word)) {
            return complaint;
        }
        APR_ARRAY_PUSH(words, const ap_expr_info_t *) =
            ap_expr_parse_cmd(cmd, word, AP_EXPR_FLAG_STRING_RESULT, &failure, NULL);
        if (failure) {
            return apr_pstrcat(cmd->pool, "Require: cannot parse the expression: ", failure, NULL);
        }
    }
    *parsed = words;
    return NULL;
}

static int is_role(const char *word)
{
    return strcmp(word, AUTHSVC_ROLE_USER) == 0 || strcmp(word, AUTHSVC_ROLE_ADMIN) == 0;
}

static const char *parse_role(cmd_parms *cmd, const char *line, const void **parsed)
{
    return parse_words(cmd, line, parsed, is_role,
                       "Require authsvc-role takes one or more roles: user, admin");
}

static const char *parse_claim(cmd_parms *cmd, const char *line, const void **parsed)
{
    return parse_words(cmd, line, parsed, authsvc_rights_names_claim,
                       "Require authsvc-claim takes one or more of NAME:VALUE, where NAME is sub, "
                       "email, email_verified, name, role, sid, iss or aud; in quotes if it holds "
                       "a space");
}

static const char *parse_nothing(cmd_parms *cmd, const char *line, const void **parsed)
{
    (void)cmd;
    (void)parsed;
    return *line ? "Require authsvc-verified-email takes nothing else" : NULL;
}

static const authz_provider role = {check_role, parse_role};
static const authz_provider claim = {check_claim, parse_claim};
static const authz_provider verified_email = {check_verified_email, parse_nothing};

void authsvc_guard_register_providers(apr_pool_t *pool)
{
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "authsvc-role", AUTHZ_PROVIDER_VERSION,
                              &role, AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "authsvc-claim",
                              AUTHZ_PROVIDER_VERSION, &claim, AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "authsvc-verified-email",
                              AUTHZ_PROVIDER_VERSION, &verified_email, AP_AUTH_INTERNAL_PER_CONF);
}
