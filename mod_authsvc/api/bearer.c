/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "api_private.h"

static const char scheme[] = "Bearer";

/* Of b64token but its "=" (RFC 6750 §2.1). */
static const char b64token[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/";

/* RFC 9110 §5.6.2; ASCII whatever the locale. */
static int is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

authsvc_bearer_t authsvc_bearer_parse(const char *value, const char **token, apr_size_t *len)
{
    const apr_size_t scheme_len = sizeof(scheme) - 1;
    const char *start, *end;

    *token = NULL;
    *len = 0;
    if (!value || strncasecmp(value, scheme, scheme_len) != 0 || is_token_char(value[scheme_len])) {
        return AUTHSVC_BEARER_NONE;
    }
    start = value + scheme_len;
    if (*start != ' ') {
        return AUTHSVC_BEARER_MALFORMED;
    }
    while (*start == ' ') {
        start++;
    }
    end = start + strspn(start, b64token);
    if (end == start) {
        return AUTHSVC_BEARER_MALFORMED;
    }
    while (*end == '=') {
        end++;
    }
    /* Anything left is a second token, a second field (", ") or white space. */
    if (*end) {
        return AUTHSVC_BEARER_MALFORMED;
    }
    *token = start;
    *len = (apr_size_t)(end - start);
    return AUTHSVC_BEARER_TOKEN;
}

/* The field's token; the cookie's, where there is no such field at all. */
static authsvc_error_t *find_token(const authsvc_call_t *call, authsvc_bearer_t *kind,
                                   const char **token, apr_size_t *len)
{
    const char *field = authsvc_request_header(call->request, "Authorization");

    *kind = authsvc_bearer_parse(field, token, len);
    if (!field) {
        AUTHSVC_TRY(authsvc_cookies_access_token(call, token));
        if (*token) {
            *kind = AUTHSVC_BEARER_TOKEN;
            *len = strlen(*token);
        }
    }
    return NULL;
}

authsvc_error_t *authsvc_bearer_authenticate(authsvc_call_t *call)
{
    authsvc_ctx_t *ctx = call->ctx;
    const authsvc_principal_t *principal = NULL;
    authsvc_bearer_t kind;
    const char *token;
    apr_size_t len;

    AUTHSVC_TRY(find_token(call, &kind, &token, &len));
    call->token_sent = kind != AUTHSVC_BEARER_NONE;
    if (kind != AUTHSVC_BEARER_TOKEN) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAUTHENTICATED, "authentication", NULL,
                             kind == AUTHSVC_BEARER_NONE ? "no access token"
                                                         : "malformed Authorization field");
    }
    AUTHSVC_TRY(authsvc_authentication_verify(ctx, token, len, &principal));
    if (!principal) {
        return AUTHSVC_INTERNAL(ctx->pool, "an accepted token names nobody");
    }
    ctx->principal = principal;
    return NULL;
}

/* As a quoted-string's content (RFC 9110 §5.6.4). */
static const char *quotable(apr_pool_t *pool, const char *text)
{
    char *copy = apr_palloc(pool, 2 * strlen(text) + 1), *out = copy;

    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            *out++ = '\\';
        }
        *out++ = *text;
    }
    *out = '\0';
    return copy;
}

const char *authsvc_bearer_challenge(apr_pool_t *pool, const char *realm, int refused)
{
    return apr_pstrcat(pool, scheme, " realm=\"", quotable(pool, realm), "\"",
                       refused ? ", error=\"invalid_token\", error_description=\"The access token "
                                 "is not valid, has expired, or its session has ended\""
                               : NULL,
                       NULL);
}
