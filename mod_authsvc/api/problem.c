/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "api_private.h"

const authsvc_problem_type_t authsvc_problem_types[] = {
    {AUTHSVC_E_INVALID, 1, 400, "validation", "Invalid request body",
     "The request body does not fit the contract; see errors.",
     "The body of the request is not JSON, or does not fit the operation's schema in the contract "
     "(openapi.json) or the site's policy. The member errors has one entry for each wrong member: "
     "pointer says where it is (JSON Pointer), code what is wrong, for programs, and detail the "
     "same for people. Correct the body before you send it again.",
     0},
    {AUTHSVC_E_UNAUTHENTICATED, 1, 401, "authentication", "Authentication required",
     "A valid access token is needed for this.",
     "The operation needs an access token in the field Authorization: Bearer, or in the session "
     "cookie where the site uses one. None was sent, or it is not valid, has expired, or its "
     "session has ended; WWW-Authenticate tells which of the two. Exchange the refresh token, or "
     "sign in again.",
     0},
    {AUTHSVC_E_UNAUTHENTICATED, 0, 401, "invalid-credentials", "Invalid credentials",
     "Email address or password is wrong.",
     "The password is wrong, or there is no account with this email address. Which of the two it "
     "is, is not told.",
     0},
    {AUTHSVC_E_UNAUTHENTICATED, 0, 401, "account-deactivated", "Account deactivated",
     "This account has been deactivated.",
     "Email address and password are right, but the account has been deactivated. Only the people "
     "who run the site can change that.",
     0},
    {AUTHSVC_E_UNAUTHENTICATED, 0, 401, "invalid-refresh-token", "Invalid refresh token",
     "The refresh token is not valid, or its session has ended.",
     "The refresh token was not made by this service, was replaced by a newer one, or its session "
     "has expired or was ended. Sign in again.",
     0},
    {AUTHSVC_E_FORBIDDEN, 1, 403, "insufficient-rights", "Insufficient rights",
     "You are signed in, but your account may not do this.",
     "Who sent the request is known, and may not have what it asks for: the account lacks the "
     "role, the verified email address or whatever else the site requires there. Signing in again "
     "changes nothing.",
     0},
    {AUTHSVC_E_FORBIDDEN, 0, 403, "registration-closed", "Registration closed",
     "This site does not take registrations at present.",
     "The people who run the site have closed registration (AuthSvcRegistration).", 0},
    {AUTHSVC_E_FORBIDDEN, 0, 403, "tls-required", "TLS required",
     "Passwords and tokens are taken over https only.",
     "The request carries a password or a token and came over plain http, where others can read "
     "it. Use https; take the password or token that was sent for known to others. "
     "(AuthSvcRequireTLS)",
     0},
    {AUTHSVC_E_FORBIDDEN, 0, 403, "cross-site", "Not sent by a page of this site",
     "Only pages of this site may do this by cookie.",
     "The site keeps sessions in cookies (AuthSvcCookie), which browsers send with requests of any "
     "page. What changes something by cookie, or sets one, must come from the site's own pages: "
     "browsers say so by Sec-Fetch-Site: same-origin, older ones by an Origin that is that of "
     "AuthSvcIssuer. A page of another origin uses access tokens in the field Authorization, and "
     "the site must name it in AuthSvcCorsOrigin.",
     0},
    {AUTHSVC_E_NOT_FOUND, 1, 404, "not-found", "Not found", "There is no such resource.",
     "The path is none of the API's, or what it names does not exist. The contract (openapi.json) "
     "lists the paths; they are compared octet by octet, without a slash at the end.",
     0},
    {AUTHSVC_E_METHOD_NOT_ALLOWED, 1, 405, "method-not-allowed", "Method not allowed",
     "This resource does not have this method; see Allow.",
     "The path exists, but not with this method. The field Allow lists those it has.", 0},
    {AUTHSVC_E_CONFLICT, 0, 409, "email-exists", "Email already registered",
     "There is an account with this email address already.",
     "The email address, in its stored form, belongs to an account, which may be a deactivated "
     "one. After a registration that ended with 503 it may be your own: try to sign in.",
     0},
    {AUTHSVC_E_CONFLICT, 0, 409, "last-admin", "Last administrator",
     "This is the last administrator: make another one first.",
     "The account is the only active one with the role admin. Without it nobody could administer "
     "the accounts any more, so it can neither be deactivated nor lose the role.",
     0},
    {AUTHSVC_E_THROTTLED, 1, 429, "rate-limited", "Too many requests",
     "There were too many requests of this kind. Try again later.",
     "Requests of this kind are limited: by the client's address, by the account that is named, by "
     "the session or by the user (AuthSvcRateLimit). RateLimit-Policy names the limits that this "
     "one counts for, RateLimit the one that is used up, and Retry-After says when to try again. "
     "Nothing was done. The same is answered whether or not there is such an account.",
     1},
    {AUTHSVC_E_TOO_LARGE, 1, 413, "body-too-large", "Body too large",
     "The request body is larger than this server takes.",
     "The body of the request is larger than the site takes (AuthSvcMaxBodySize).", 0},
    {AUTHSVC_E_MEDIA_TYPE, 1, 415, "unsupported-media-type", "Unsupported media type",
     "Send the body as Content-Type: application/json, not compressed.",
     "A body must be declared as application/json, with no parameter but charset=utf-8, and have "
     "no Content-Encoding.",
     0},
    {AUTHSVC_E_INTERNAL, 1, 500, "internal", "Internal error",
     "The server failed to answer this request. Its log has the reason.",
     "A fault of the server. Its error log has the reason beside the request_id.", 0},
    {AUTHSVC_E_UNAVAILABLE, 1, 503, "unavailable", "Temporarily unavailable",
     "A part of this service does not answer at present. Try again later.",
     "A part of the service, as a rule the database, did not answer in time. Whether the request "
     "took effect is unknown: a repeated registration may meet email-exists. Retry-After says "
     "when to try again.",
     2},
    {AUTHSVC_E_UNAVAILABLE, 0, 503, "overloaded", "Overloaded",
     "Too many requests are waiting at present. Try again later.",
     "Too many requests were waiting already, and this one was turned away; nothing was done. "
     "Retry-After says when to try again.",
     2},
    {AUTHSVC_E_UNAVAILABLE, 0, 503, "not-ready", "Not ready",
     "This node cannot serve at present.",
     "The readiness check of this node failed. The member checks lists what was looked at; each "
     "check that failed says why.",
     5},
    {AUTHSVC_E_INTERNAL, 0, 0, NULL, NULL, NULL, NULL, 0},
};

const authsvc_problem_type_t *authsvc_problem_find(const char *slug)
{
    const authsvc_problem_type_t *type;

    for (type = authsvc_problem_types; type->slug; type++) {
        if (strcmp(type->slug, slug) == 0) {
            return type;
        }
    }
    return NULL;
}

static const authsvc_problem_type_t *default_of(authsvc_error_code_t code)
{
    const authsvc_problem_type_t *type, *internal = authsvc_problem_types;

    for (type = authsvc_problem_types; type->slug; type++) {
        if (type->is_default && type->code == code) {
            return type;
        }
        if (type->is_default && type->code == AUTHSVC_E_INTERNAL) {
            internal = type;
        }
    }
    return internal;
}

const authsvc_problem_type_t *authsvc_problem_of(const authsvc_error_t *err)
{
    const authsvc_problem_type_t *type = err->slug ? authsvc_problem_find(err->slug) : NULL;

    if (!type || type->code != err->code) {
        type = default_of(err->code);
    }
    return type;
}

/* 1 for an escape of RFC 3986 §2.1 */
static int is_escape(const char *text)
{
    return text[0] == '%' && apr_isxdigit(text[1]) && apr_isxdigit(text[2]);
}

/* A URI reference, whatever bytes the client put into its path. */
static const char *as_uri(apr_pool_t *pool, const char *path)
{
    static const char hex[] = "0123456789ABCDEF", plain[] = "-._~/!$&'()*+,;=:@";
    char *copy = apr_palloc(pool, 3 * strlen(path) + 1), *out = copy;

    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr(plain, c) || is_escape(path)) {
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

static authsvc_json_t *field_list(apr_pool_t *pool, const authsvc_error_t *err,
                                  const char *detail)
{
    authsvc_json_t *list = authsvc_json_array(pool);
    int i;

    for (i = 0; err->fields && i < err->fields->nelts; i++) {
        const authsvc_error_field_t *field = &APR_ARRAY_IDX(err->fields, i, authsvc_error_field_t);
        authsvc_json_t *entry = authsvc_json_object(pool);

        authsvc_json_set_string(entry, "pointer", field->pointer);
        authsvc_json_set_string(entry, "code", field->code);
        authsvc_json_set_string(entry, "detail", field->detail);
        authsvc_json_append(list, entry);
    }
    if (authsvc_json_size(list) == 0) {
        authsvc_json_t *entry = authsvc_json_object(pool);

        authsvc_json_set_string(entry, "pointer", "");
        authsvc_json_set_string(entry, "code", "invalid");
        authsvc_json_set_string(entry, "detail", detail);
        authsvc_json_append(list, entry);
    }
    return list;
}

static void set_headers(authsvc_call_t *call, const authsvc_error_t *err,
                        const authsvc_problem_type_t *type)
{
    apr_table_t *headers = call->response->headers;
    apr_pool_t *pool = call->ctx->pool;

    apr_table_setn(headers, "Cache-Control", "no-store");
    if (type->retry_after > 0) {
        apr_table_setn(headers, "Retry-After",
                       apr_itoa(pool, err->retry_after > 0 ? err->retry_after : type->retry_after));
    }
    if (type->status == 401) {
        /* "invalid_token" only where the token itself was refused (RFC 6750 §3.1). */
        int refused = call->token_sent && type == default_of(AUTHSVC_E_UNAUTHENTICATED);

        apr_table_setn(headers, "WWW-Authenticate",
                       authsvc_bearer_challenge(pool, call->ctx->settings->issuer, refused));
    }
    if (type->status == 405 && call->route) {
        apr_table_setn(headers, "Allow", call->route->allow);
    }
}

void authsvc_problem_answer(authsvc_call_t *call, const authsvc_error_t *err, const char *member,
                            authsvc_json_t *value)
{
    const authsvc_problem_type_t *type = authsvc_problem_of(err);
    apr_pool_t *pool = call->ctx->pool;
    authsvc_json_t *problem = authsvc_json_object(pool);
    /* A fault's own words might tell how the server works inside. */
    const char *detail = err->detail && type->status != 500 ? err->detail : type->detail;

    authsvc_json_set_string(problem, "type",
                            apr_pstrcat(pool, call->ctx->settings->problem_base, type->slug, NULL));
    authsvc_json_set_string(problem, "title", type->title);
    authsvc_json_set_integer(problem, "status", type->status);
    authsvc_json_set_string(problem, "detail", detail);
    authsvc_json_set_string(problem, "instance", as_uri(pool, call->request->instance));
    authsvc_json_set_string(problem, "request_id",
                            call->ctx->request_id ? call->ctx->request_id : "");
    if (type->status == 400) {
        authsvc_json_set(problem, "errors", field_list(pool, err, detail));
    }
    if (member) {
        authsvc_json_set(problem, member, value);
    }
    authsvc_response_json(call, type->status, problem);
    call->response->content_type = "application/problem+json";
    call->response->error = err;
    set_headers(call, err, type);
}
