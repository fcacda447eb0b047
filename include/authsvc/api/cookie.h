/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_API_COOKIE_H
#define AUTHSVC_API_COOKIE_H

#include <apr_pools.h>
#include <apr_time.h>

/*
 * The two session cookies, that of the device, and who may act by them (AuthSvcCookie). `secure` is
 * settings->cookie_secure throughout: the site is reached by https. Without it (on loopback) the
 * names lose their prefix, which browsers accept with the attribute Secure only.
 */

/** The access token's cookie: "__Host-authsvc", or "authsvc". */
const char *authsvc_cookie_access_name(int secure);

/** The refresh token's cookie: "__Secure-authsvc-refresh", or "authsvc-refresh". */
const char *authsvc_cookie_refresh_name(int secure);

/** The device token's cookie: "__Secure-authsvc-device", or "authsvc-device". */
const char *authsvc_cookie_device_name(int secure);

/**
 * Find a cookie in a Cookie field (RFC 6265 §4.2.1). Only ';' parts cookies: where several fields
 * were joined by ", ", the cookies at the seams are none, since a comma may be in anybody's value.
 * Whoever can set a cookie for the host can send a second one of the same name, so a name that
 * occurs with two different values names nothing.
 * @param pool for the value
 * @param field may be NULL
 * @param name compared octet by octet
 * @return the value; NULL if there is none, it is empty or has a character that no token of ours
 *   has, or if there are two that differ
 */
const char *authsvc_cookie_find(apr_pool_t *pool, const char *field, const char *name);

/** Set-Cookie for an access token: Path=/, SameSite=Lax, HttpOnly. */
const char *authsvc_cookie_set_access(apr_pool_t *pool, int secure, const char *token,
                                      apr_interval_time_t lifetime);

/**
 * Set-Cookie for a refresh token: SameSite=Strict, HttpOnly.
 * @param path of the operations that take it; no ";" and no control characters
 */
const char *authsvc_cookie_set_refresh(apr_pool_t *pool, int secure, const char *path,
                                       const char *token, apr_interval_time_t lifetime);

/**
 * Set-Cookie for a device token: SameSite=Lax, HttpOnly. It opens nothing, and stays when somebody
 * signs out.
 */
const char *authsvc_cookie_set_device(apr_pool_t *pool, int secure, const char *path,
                                      const char *token, apr_interval_time_t lifetime);

/** Set-Cookie that removes what the first two above set. */
const char *authsvc_cookie_clear_access(apr_pool_t *pool, int secure);
const char *authsvc_cookie_clear_refresh(apr_pool_t *pool, int secure, const char *path);

/** 1 for a method that changes nothing: GET, HEAD, OPTIONS, TRACE. */
int authsvc_method_is_safe(const char *method);

/** Where a request was made, as far as its browser says. */
typedef enum {
    AUTHSVC_ORIGIN_UNKNOWN, /* neither field: not a browser, or not a page's request */
    AUTHSVC_ORIGIN_OWN,     /* a page of the site itself */
    AUTHSVC_ORIGIN_OTHER    /* any other page, or it cannot be told */
} authsvc_origin_t;

/**
 * Judge a request by the two fields that no page can forge. Sec-Fetch-Site decides where it is
 * sent: "same-origin" alone is the site's own. Else Origin must be the site's, octet by octet.
 * The Host field has no say. To change anything by cookie, a request must be OWN; UNKNOWN is no
 * proof.
 * @param own settings->origin
 * @param origin, sec_fetch_site the fields, NULL if absent
 */
authsvc_origin_t authsvc_origin_judge(const char *own, const char *origin,
                                      const char *sec_fetch_site);

/**
 * The rule for a request whose credential is a cookie.
 * @return 1 if it may go on: a safe method, or proof that a page of the site made it; else it is
 *   to be refused as "cross-site"
 */
int authsvc_cookie_may_act(const char *method, const char *own, const char *origin,
                           const char *sec_fetch_site);

#endif
