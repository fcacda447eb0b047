/* SPDX-License-Identifier: Apache-2.0 */
/* Input: what a client may send to a guarded path, taken for everything that is read there. */
#include "fuzz.h"

#include <strings.h>

#include "api_private.h"
#include "authsvc/api/cookie.h"
#include "authsvc/api/guard.h"
#include "authsvc/services/rights.h"

#define NO_WORD "[^a-zA-Z0-9]"

/* RFC 3986 §2.1, by hand. @return what the text stands for */
static char *decode(apr_pool_t *pool, const char *text)
{
    char *copy = apr_pstrdup(pool, text), *out = copy;

    for (; *text; text++) {
        unsigned long octet = (unsigned char)*text;

        if (*text == '%') {
            char digits[3] = "", *end;

            apr_cpystrn(digits, text + 1, sizeof(digits));
            octet = strtoul(digits, &end, 16);
            FUZZ_MUST(end == digits + 2 && octet != 0);
            text += 2;
        }
        *out++ = (char)octet;
    }
    *out = '\0';
    return copy;
}

static void check_return_path(apr_pool_t *pool, const char *text)
{
    const char *where = authsvc_guard_login_location(pool, "/login/", text);
    int good = strlen(text) <= 2048 &&
               fuzz_matches("/([]!-.0-[^-~][]!-[^-~]*)?", text);

    FUZZ_MUST(authsvc_guard_is_return_path(text) == good);
    if (!good) {
        FUZZ_MUST(strcmp(where, "/login/") == 0);
        return;
    }
    FUZZ_MUST(fuzz_matches("/login/\\?return_to=[A-Za-z0-9._~/%-]+", where));
    FUZZ_MUST(strcmp(decode(pool, where + strlen("/login/?return_to=")), text) == 0);
}

static void check_name(const char *text)
{
    FUZZ_MUST(authsvc_guard_is_reserved_field(text) ==
              fuzz_matches("([xX]" NO_WORD ")?([aA][uU][tT][hH][sS][vV][cC]" NO_WORD "(.|\n)*|"
                           "[rR][eE][mM][oO][tT][eE]" NO_WORD "[uU][sS][eE][rR])",
                           text));
}

static void check_value(apr_pool_t *pool, const char *text)
{
    const char *value = authsvc_guard_field_value(pool, text);

    FUZZ_MUST(fuzz_matches("[ -~]*", value));
    FUZZ_MUST(strcmp(decode(pool, value), text) == 0);
}

static void check_cookies(apr_pool_t *pool, const char *text)
{
    const char *rest = authsvc_guard_without_cookies(pool, text);
    int secure;

    for (secure = 0; secure <= 1; secure++) {
        FUZZ_MUST(!authsvc_cookie_find(pool, rest, authsvc_cookie_access_name(secure)));
        FUZZ_MUST(!authsvc_cookie_find(pool, rest, authsvc_cookie_refresh_name(secure)));
    }
    /* What is left is left alone. */
    FUZZ_MUST(!rest || authsvc_guard_without_cookies(pool, rest) == rest);
    FUZZ_MUST(!rest || strlen(rest) <= strlen(text));
}

static void check_claims(apr_pool_t *pool, const char *text)
{
    const authsvc_claims_t claims = {
        .subject = text, .email = text, .name = text, .role = text, .session_id = text};
    static const char *const names[] = {"sub", "email", "name", "role", "sid"};
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *full = apr_pstrcat(pool, names[i], ":", text, NULL);

        FUZZ_MUST(authsvc_rights_has_claim(&claims, full));
        FUZZ_MUST(!authsvc_rights_has_claim(&claims, apr_pstrcat(pool, full, "x", NULL)));
    }
    /* It would have to hold itself. */
    FUZZ_MUST(!authsvc_rights_has_claim(&claims, text) ||
              fuzz_matches("email_verified:false", text));
    FUZZ_MUST(authsvc_rights_names_claim(text) ==
              fuzz_matches("(sub|email|email_verified|name|role|sid|iss|aud):(.|\n)*", text));
}

static const char *one_field(void *baton, const char *name)
{
    return strcasecmp(name, "Accept") == 0 ? baton : NULL;
}

static void check_accept(char *text)
{
    const authsvc_request_t request = {
        .method = "GET", .path = "/", .header = one_field, .baton = text};

    FUZZ_MUST(authsvc_guard_is_navigation(&request) ==
              fuzz_matches("((.|\n)*,)?[ \t]*[tT][eE][xX][tT]/[hH][tT][mM][lL]([;, \t](.|\n)*)?",
                           text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    fuzz_input_t input = {data, size};
    char *text = fuzz_string(pool, &input);

    check_return_path(pool, text);
    check_name(text);
    check_value(pool, text);
    check_cookies(pool, text);
    check_claims(pool, text);
    check_accept(text);
    apr_pool_destroy(pool);
    return 0;
}
