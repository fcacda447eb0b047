/* SPDX-License-Identifier: Apache-2.0 */
/* Input: which fields there are, then a Cookie field, an Origin, a Sec-Fetch-Site and a URL. */
#include "fuzz.h"

#include <ctype.h>

#include "authsvc/api/cookie.h"
#include "authsvc/core/url.h"

#define NAME "authsvc"
#define PAIR "(.*;)?[ \t]*" NAME "=(.|\n)*"
#define TOKEN "[A-Za-z0-9._-]+"

static const char *find(apr_pool_t *pool, const char *field)
{
    return authsvc_cookie_find(pool, field, NAME);
}

static int same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_field(apr_pool_t *pool, const char *field)
{
    const char *value = find(pool, field);

    if (!fuzz_matches(PAIR, field)) {
        FUZZ_MUST(!value);
        /* With one beside it, it is that one. */
        FUZZ_MUST(same(find(pool, apr_pstrcat(pool, field, ";" NAME "=z", NULL)), "z"));
        FUZZ_MUST(same(find(pool, apr_pstrcat(pool, NAME "=z ; ", field, NULL)), "z"));
        /* Behind a comma it is part of another cookie's value, or name. */
        FUZZ_MUST(!find(pool, apr_pstrcat(pool, field, ", " NAME "=z", NULL)));
    }
    if (value) {
        FUZZ_MUST(fuzz_matches(TOKEN, value));
        FUZZ_MUST(strstr(field, apr_pstrcat(pool, NAME "=", value, NULL)) != NULL);
        FUZZ_MUST(same(find(pool, apr_pstrcat(pool, field, "; ", field, NULL)), value));
    }
    /* A second value is never taken, nor the first one beside it. */
    FUZZ_MUST(!find(pool, apr_pstrcat(pool, field, "; " NAME "=x; " NAME "=y", NULL)));
    FUZZ_MUST(!find(pool, apr_pstrcat(pool, NAME "=x; ", field, "; " NAME "=y", NULL)));
    if (value) {
        FUZZ_MUST(!find(pool, apr_pstrcat(pool, field, "; " NAME "=", value, "0", NULL)));
    }
}

static void check_origin(const char *origin, const char *site)
{
    static const char own[] = "https://www.example.org";
    authsvc_origin_t verdict = authsvc_origin_judge(own, origin, site);
    int is_own = site ? strcmp(site, "same-origin") == 0 : origin && strcmp(origin, own) == 0;

    FUZZ_MUST((verdict == AUTHSVC_ORIGIN_OWN) == is_own);
    FUZZ_MUST((verdict == AUTHSVC_ORIGIN_UNKNOWN) == (!origin && !site));
    FUZZ_MUST(authsvc_cookie_may_act("POST", own, origin, site) == is_own);
    FUZZ_MUST(authsvc_cookie_may_act("GET", own, origin, site));
}

/* What browsers send for a page of that URL. */
static void check_url(apr_pool_t *pool, const char *url)
{
    const char *origin, *rest = url;
    apr_size_t i;

    if (!authsvc_url_is_base(url)) {
        return;
    }
    origin = authsvc_url_origin(pool, url);
    FUZZ_MUST(authsvc_url_is_origin(origin));
    for (i = 0; origin[i]; i++, rest++) {
        FUZZ_MUST(tolower((unsigned char)url[i]) == origin[i]);
    }
    if (*rest == ':') {
        const char *port = strncmp(origin, "https:", 6) == 0 ? ":443" : ":80";

        FUZZ_MUST(strncmp(rest, port, strlen(port)) == 0);
        rest += strlen(port);
    }
    FUZZ_MUST(*rest == '\0' || *rest == '/');
    FUZZ_MUST(same(authsvc_url_origin(pool, origin), origin));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    fuzz_input_t input = {data, size};
    uint8_t fields = fuzz_octet(&input);
    const char *cookie = fuzz_string(pool, &input);
    const char *origin = fuzz_string(pool, &input);
    const char *site = fuzz_string(pool, &input);

    check_field(pool, cookie);
    check_origin(fields & 1 ? origin : NULL, fields & 2 ? site : NULL);
    check_url(pool, fuzz_string(pool, &input));
    apr_pool_destroy(pool);
    return 0;
}
