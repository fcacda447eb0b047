/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/api/cookie.h"

#include <string.h>

#include <apr_strings.h>

#define ACCESS_NAME "authsvc"
#define REFRESH_NAME "authsvc-refresh"
#define DEVICE_NAME "authsvc-device"

const char *authsvc_cookie_access_name(int secure)
{
    return secure ? "__Host-" ACCESS_NAME : ACCESS_NAME;
}

const char *authsvc_cookie_refresh_name(int secure)
{
    return secure ? "__Secure-" REFRESH_NAME : REFRESH_NAME;
}

const char *authsvc_cookie_device_name(int secure)
{
    return secure ? "__Secure-" DEVICE_NAME : DEVICE_NAME;
}

/* What tokens are made of: base64url, dots, underscores. */
static int is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_' || c == '.';
}

static int is_token(const char *value, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i++) {
        if (!is_token_char(value[i])) {
            return 0;
        }
    }
    return len > 0;
}

/* Optional white space around a pair is no part of it. */
static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t");
}

static apr_size_t trimmed(const char *text, apr_size_t len)
{
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t')) {
        len--;
    }
    return len;
}

const char *authsvc_cookie_find(apr_pool_t *pool, const char *field, const char *name)
{
    const apr_size_t name_len = strlen(name);
    const char *at, *found = NULL;
    apr_size_t found_len = 0;

    for (at = field ? field : ""; *at;) {
        apr_size_t len, pair;

        at = skip_space(at);
        /*
         * No comma ends a pair, though httpd joins repeated fields of HTTP/1 by one: browsers allow
         * it in any value, and send one field (RFC 6265, 5.4) or, in HTTP/2, some that are joined
         * by "; ". A sibling domain could else hide a cookie of ours, whose name it cannot set, in
         * the value of another.
         */
        pair = strcspn(at, ";");
        len = trimmed(at, pair);
        if (len > name_len && memcmp(at, name, name_len) == 0 && at[name_len] == '=') {
            const char *value = at + name_len + 1;
            apr_size_t value_len = len - name_len - 1;

            if (found && (value_len != found_len || memcmp(value, found, found_len) != 0)) {
                return NULL;
            }
            found = value;
            found_len = value_len;
        }
        at += pair;
        at += *at ? 1 : 0;
    }
    return found && is_token(found, found_len) ? apr_pstrmemdup(pool, found, found_len) : NULL;
}

static const char *set_cookie(apr_pool_t *pool, const char *name, const char *value,
                              const char *path, const char *same_site, int secure,
                              apr_int64_t max_age)
{
    return apr_psprintf(pool, "%s=%s; Path=%s; Max-Age=%" APR_INT64_T_FMT
                        "; HttpOnly%s; SameSite=%s",
                        name, value, path, max_age, secure ? "; Secure" : "", same_site);
}

const char *authsvc_cookie_set_access(apr_pool_t *pool, int secure, const char *token,
                                      apr_interval_time_t lifetime)
{
    return set_cookie(pool, authsvc_cookie_access_name(secure), token, "/", "Lax", secure,
                      apr_time_sec(lifetime));
}

const char *authsvc_cookie_set_refresh(apr_pool_t *pool, int secure, const char *path,
                                       const char *token, apr_interval_time_t lifetime)
{
    return set_cookie(pool, authsvc_cookie_refresh_name(secure), token, path, "Strict", secure,
                      apr_time_sec(lifetime));
}

const char *authsvc_cookie_set_device(apr_pool_t *pool, int secure, const char *path,
                                      const char *token, apr_interval_time_t lifetime)
{
    return set_cookie(pool, authsvc_cookie_device_name(secure), token, path, "Lax", secure,
                      apr_time_sec(lifetime));
}

const char *authsvc_cookie_clear_access(apr_pool_t *pool, int secure)
{
    return authsvc_cookie_set_access(pool, secure, "", 0);
}

const char *authsvc_cookie_clear_refresh(apr_pool_t *pool, int secure, const char *path)
{
    return authsvc_cookie_set_refresh(pool, secure, path, "", 0);
}

int authsvc_method_is_safe(const char *method)
{
    static const char *const safe[] = {"GET", "HEAD", "OPTIONS", "TRACE"};
    size_t i;

    for (i = 0; i < sizeof(safe) / sizeof(safe[0]); i++) {
        if (strcmp(method, safe[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

authsvc_origin_t authsvc_origin_judge(const char *own, const char *origin,
                                      const char *sec_fetch_site)
{
    /*
     * Browsers send it to https and loopback URLs, with all redirects taken into account, and
     * also where a referrer policy makes Origin "null" for the site's own forms.
     */
    if (sec_fetch_site) {
        return strcmp(sec_fetch_site, "same-origin") == 0 ? AUTHSVC_ORIGIN_OWN
                                                          : AUTHSVC_ORIGIN_OTHER;
    }
    if (!origin) {
        return AUTHSVC_ORIGIN_UNKNOWN;
    }
    return own && strcmp(origin, own) == 0 ? AUTHSVC_ORIGIN_OWN : AUTHSVC_ORIGIN_OTHER;
}

int authsvc_cookie_may_act(const char *method, const char *own, const char *origin,
                           const char *sec_fetch_site)
{
    return authsvc_method_is_safe(method) ||
           authsvc_origin_judge(own, origin, sec_fetch_site) == AUTHSVC_ORIGIN_OWN;
}
