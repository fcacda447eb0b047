/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/api/guard.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "api_private.h"
#include "authsvc/api/cookie.h"

/* Longer ones are no place to come back to; the field Location has a limit, too. */
#define RETURN_PATH_MAX 2048

/* NULL: there is none, or the site uses none. */
static const char *find_cookie(authsvc_ctx_t *ctx, const authsvc_request_t *request)
{
    if (!ctx->settings->cookie) {
        return NULL;
    }
    return authsvc_cookie_find(ctx->pool, authsvc_request_header(request, "Cookie"),
                               authsvc_cookie_access_name(ctx->settings->cookie_secure));
}

static authsvc_error_t *take_cookie(authsvc_ctx_t *ctx, const authsvc_request_t *request,
                                    const char *cookie, authsvc_credential_t *credential)
{
    /* A web socket starts as a GET, may change anything then, and any page may open one. */
    const char *method =
        authsvc_request_header(request, "Upgrade") ? "CONNECT" : request->method;

    credential->sent = 1;
    credential->by_cookie = 1;
    if (!authsvc_cookie_may_act(method, ctx->settings->origin,
                                authsvc_request_header(request, "Origin"),
                                authsvc_request_header(request, "Sec-Fetch-Site"))) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_FORBIDDEN, "cross-site", NULL,
                             "%s by cookie, not by a page of the site", request->method);
    }
    credential->token = cookie;
    credential->len = strlen(cookie);
    return NULL;
}

authsvc_error_t *authsvc_guard_credential(authsvc_ctx_t *ctx, const authsvc_request_t *request,
                                          authsvc_credential_t *credential)
{
    const char *field = authsvc_request_header(request, "Authorization");
    const char *cookie = find_cookie(ctx, request);

    memset(credential, 0, sizeof(*credential));
    if (!field) {
        return cookie ? take_cookie(ctx, request, cookie, credential) : NULL;
    }
    credential->sent = 1;
    /* Another scheme is no reason to look elsewhere: whoever sends it means it. */
    if (authsvc_bearer_parse(field, &credential->token, &credential->len) !=
        AUTHSVC_BEARER_TOKEN) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAUTHENTICATED, "authentication", NULL,
                             "an Authorization field that is not one bearer token");
    }
    if (cookie && (strlen(cookie) != credential->len ||
                   memcmp(cookie, credential->token, credential->len) != 0)) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAUTHENTICATED, "authentication",
                             "Authorization and the session cookie name different sessions; send "
                             "one of them.",
                             "two different access tokens");
    }
    return NULL;
}

void authsvc_guard_refuse(const authsvc_api_t *api, authsvc_ctx_t *ctx,
                          const authsvc_request_t *request, const authsvc_error_t *err, int sent,
                          authsvc_response_t *response)
{
    authsvc_call_t call;

    /* No operation's: none of the contract's paths, and no page of another origin may read it. */
    memset(&call, 0, sizeof(call));
    call.api = api;
    call.ctx = ctx;
    call.request = request;
    call.response = response;
    call.token_sent = sent;
    authsvc_response_init(&call);
    authsvc_problem_answer(&call, err, NULL, NULL);
    authsvc_limit_fields(&call);
}

/* An element of a list field, without its parameters; *at moves behind it. */
static const char *next_element(const char **at, apr_size_t *len)
{
    const char *start = *at + strspn(*at, " \t,"), *end = start + strcspn(start, ",");

    *at = end;
    *len = strcspn(start, ",; \t");
    return *start ? start : NULL;
}

static int accepts_html(const char *accept)
{
    const char *element;
    apr_size_t len;

    while (accept && (element = next_element(&accept, &len)) != NULL) {
        if (len == 9 && strncasecmp(element, "text/html", 9) == 0) {
            return 1;
        }
    }
    return 0;
}

int authsvc_guard_is_navigation(const authsvc_request_t *request)
{
    const char *mode = authsvc_request_header(request, "Sec-Fetch-Mode");

    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
        return 0;
    }
    if (mode) {
        return strcmp(mode, "navigate") == 0;
    }
    return accepts_html(authsvc_request_header(request, "Accept")) &&
           !authsvc_request_header(request, "X-Requested-With");
}

int authsvc_guard_is_return_path(const char *path)
{
    const unsigned char *p = (const unsigned char *)path;

    if (p[0] != '/' || p[1] == '/' || strlen(path) > RETURN_PATH_MAX) {
        return 0;
    }
    /* Browsers take a backslash for a slash, and leave out control characters. */
    for (; *p; p++) {
        if (*p <= ' ' || *p >= 0x7f || *p == '\\') {
            return 0;
        }
    }
    return 1;
}

static const char *percent_encode(apr_pool_t *pool, const char *text,
                                  int (*is_plain)(unsigned char c))
{
    static const char hex[] = "0123456789ABCDEF";
    char *copy = apr_palloc(pool, 3 * strlen(text) + 1), *out = copy;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (is_plain(c)) {
            *out++ = (char)c;
        } else {
            *out++ = '%';
            *out++ = hex[c >> 4];
            *out++ = hex[c & 15];
        }
    }
    *out = '\0';
    return copy;
}

/* RFC 3986 §2.3, whatever the locale; and the slash, which may stand in a query. */
static int is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~/", c));
}

const char *authsvc_guard_login_location(apr_pool_t *pool, const char *page, const char *uri)
{
    if (!uri || !authsvc_guard_is_return_path(uri)) {
        return page;
    }
    return apr_pstrcat(pool, page, "?return_to=", percent_encode(pool, uri, is_unreserved), NULL);
}

void authsvc_guard_identities(const authsvc_claims_t *claims, authsvc_identity_t *list)
{
    const authsvc_identity_t all[AUTHSVC_IDENTITIES + 1] = {
        {"AUTHSVC_SUB", "X-AuthSvc-Sub", claims->subject},
        {"AUTHSVC_EMAIL", "X-AuthSvc-Email", claims->email},
        {"AUTHSVC_EMAIL_VERIFIED", "X-AuthSvc-Email-Verified",
         claims->email_verified ? "true" : "false"},
        {"AUTHSVC_NAME", "X-AuthSvc-Name", claims->name},
        {"AUTHSVC_ROLE", "X-AuthSvc-Role", claims->role},
        {"AUTHSVC_SID", "X-AuthSvc-Sid", claims->session_id},
        {NULL, NULL, NULL},
    };

    memcpy(list, all, sizeof(all));
}

/* CGI makes '_' of '-', other gateways of everything that is no letter or digit. */
static int starts_like(const char *name, const char *pattern, const char **rest)
{
    for (; *pattern; name++, pattern++) {
        int c = *name >= 'A' && *name <= 'Z' ? *name - 'A' + 'a' : *name;
        int is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (c == '\0' || (*pattern == '-' ? is_word : c != *pattern)) {
            return 0;
        }
    }
    *rest = name;
    return 1;
}

int authsvc_guard_is_reserved_field(const char *name)
{
    const char *rest;

    if (!starts_like(name, "x-", &rest)) {
        rest = name;
    }
    return starts_like(rest, "authsvc-", &name) ||
           (starts_like(rest, "remote-user", &name) && *name == '\0');
}

static int is_ours(const char *pair, apr_size_t len)
{
    apr_size_t name_len = 0;
    int secure;

    while (name_len < len && pair[name_len] != '=') {
        name_len++;
    }
    while (name_len > 0 && (pair[name_len - 1] == ' ' || pair[name_len - 1] == '\t')) {
        name_len--;
    }
    for (secure = 0; secure <= 1; secure++) {
        const char *names[] = {authsvc_cookie_access_name(secure),
                               authsvc_cookie_refresh_name(secure)};
        size_t i;

        for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            if (strlen(names[i]) == name_len && strncasecmp(pair, names[i], name_len) == 0) {
                return 1;
            }
        }
    }
    return 0;
}

/* Whatever a backend takes for the end of a cookie: ';', or the comma that joins fields, though
 * authsvc_cookie_find() does not: this hides, and may hide too much. */
const char *authsvc_guard_without_cookies(apr_pool_t *pool, const char *field)
{
    char *rest = apr_palloc(pool, strlen(field) + 1), *out = rest;
    const char *at = field;
    int dropped = 0;

    while (*at) {
        const char *pair = at + strspn(at, " \t");
        apr_size_t len = strcspn(pair, ";,");

        if (is_ours(pair, len)) {
            dropped = 1;
            at = pair + len + (pair[len] ? 1 : 0);
            continue;
        }
        len = (apr_size_t)(pair - at) + len + (pair[len] ? 1 : 0);
        memcpy(out, at, len);
        out += len;
        at += len;
    }
    while (out > rest && strchr("; ,\t", out[-1])) {
        out--;
    }
    *out = '\0';
    if (!dropped) {
        return field;
    }
    rest += strspn(rest, " \t");
    return *rest ? rest : NULL;
}

static int is_field_octet(unsigned char c)
{
    return c >= ' ' && c < 0x7f && c != '%';
}

const char *authsvc_guard_field_value(apr_pool_t *pool, const char *text)
{
    return percent_encode(pool, text, is_field_octet);
}
