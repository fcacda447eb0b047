/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_API_GUARD_H
#define AUTHSVC_API_GUARD_H

#include "authsvc/api/api.h"
#include "authsvc/crypto/jwt.h"

/* What guards paths that are not the API's: which credential, which answer, who is told what. */

/** The credential of a request. */
typedef struct {
    const char *token; /* the access token, not ended by NUL; NULL: none was sent */
    apr_size_t len;
    int by_cookie;
    int sent; /* something was sent, be it malformed */
} authsvc_credential_t;

/**
 * Find the access token: in the field Authorization, else in the session cookie, if the site uses
 * it. An Authorization field that is not one bearer token is refused, and so are two different
 * tokens; a cookie that would change something needs proof that a page of the site sent it.
 * @return UNAUTHENTICATED "authentication"; FORBIDDEN "cross-site"
 */
authsvc_error_t *authsvc_guard_credential(authsvc_ctx_t *ctx, const authsvc_request_t *request,
                                          authsvc_credential_t *credential);

/** The problem answer of an error. @param sent a credential was sent with the request */
void authsvc_guard_refuse(const authsvc_api_t *api, authsvc_ctx_t *ctx,
                          const authsvc_request_t *request, const authsvc_error_t *err, int sent,
                          authsvc_response_t *response);

/** Whether a person is before the screen, who is better off with a page than with JSON. */
int authsvc_guard_is_navigation(const authsvc_request_t *request);

/**
 * Where to sign in, and come back.
 * @param page path of the login page
 * @param uri what the client asked for: a path with or without a query, not decoded. What is no
 *   plain path of this host (RFC 9110 §7.1 knows other forms) is left out
 */
const char *authsvc_guard_login_location(apr_pool_t *pool, const char *page, const char *uri);

/** 1 if a path may be a return path: one leading slash, no second one, nothing odd. */
int authsvc_guard_is_return_path(const char *path);

/** A claim as environment variables and header fields of backends have it. */
typedef struct {
    const char *variable; /* "AUTHSVC_SUB"; NULL ends the list */
    const char *field;    /* "X-AuthSvc-Sub" */
    const char *value;    /* NULL: the token does not say */
} authsvc_identity_t;

#define AUTHSVC_IDENTITIES 6

/** All of them. @param list of AUTHSVC_IDENTITIES + 1 */
void authsvc_guard_identities(const authsvc_claims_t *claims, authsvc_identity_t *list);

/** The field that carries the token for a backend. */
#define AUTHSVC_IDENTITY_TOKEN_FIELD "X-AuthSvc-Token"

/**
 * 1 for a header field that only we may send to backends: AuthSvc-..., X-AuthSvc-...,
 * Remote-User, X-Remote-User, in any case and with any other character in place of the dashes,
 * since CGI and its kin make one name of all of these.
 */
int authsvc_guard_is_reserved_field(const char *name);

/**
 * A Cookie field without our session cookies, under either of their names.
 * @return field itself if it has none; NULL if nothing else is in it
 */
const char *authsvc_guard_without_cookies(apr_pool_t *pool, const char *field);

/** As a field's value: printable ASCII; all else, and '%', as percent-encoded UTF-8. */
const char *authsvc_guard_field_value(apr_pool_t *pool, const char *text);

#endif
