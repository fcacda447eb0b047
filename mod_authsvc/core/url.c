/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_uri.h>

#include "authsvc/core/url.h"

int authsvc_name_is_plain(const char *name)
{
    const char *p;

    for (p = name; *p; p++) {
        if (*p <= ' ' || *p >= 0x7f || *p == '"' || *p == '\\' || *p == '<' || *p == '>') {
            return 0;
        }
    }
    return p > name && p - name <= AUTHSVC_NAME_MAX;
}

int authsvc_url_is_base(apr_pool_t *pool, const char *url)
{
    apr_uri_t uri;

    return authsvc_name_is_plain(url) && !strpbrk(url, "?#") &&
           apr_uri_parse(pool, url, &uri) == APR_SUCCESS && uri.scheme &&
           (strcmp(uri.scheme, "https") == 0 || strcmp(uri.scheme, "http") == 0) &&
           uri.hostname && *uri.hostname && !uri.user && !uri.password;
}

int authsvc_url_is_origin(const char *origin)
{
    const char *host = strstr(origin, "://");
    const char *p;

    if (!host || host == origin || !authsvc_name_is_plain(origin)) {
        return 0;
    }
    for (p = origin; p < host; p++) {
        if (!(*p >= 'a' && *p <= 'z') &&
            !(p > origin && ((*p >= '0' && *p <= '9') || strchr("+.-", *p)))) {
            return 0;
        }
    }
    host += 3;
    for (p = host; *p; p++) {
        if ((*p >= 'A' && *p <= 'Z') || strchr("/?#@*,;", *p)) {
            return 0;
        }
    }
    return *host && *host != ':';
}
