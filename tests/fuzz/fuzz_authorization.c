/* SPDX-License-Identifier: Apache-2.0 */
/* Input: the value of an Authorization field; also taken for a realm and a Content-Type. */
#include "fuzz.h"

#include <strings.h>

#include "api_private.h"

#define SCHEME "[Bb][Ee][Aa][Rr][Ee][Rr]"
#define TCHAR "a-zA-Z0-9!#$%&'*+.^_`|~-"
#define JSON "[Aa][Pp][Pp][Ll][Ii][Cc][Aa][Tt][Ii][Oo][Nn]/[Jj][Ss][Oo][Nn]"
#define UTF8 "[Uu][Tt][Ff]-8"

static void check_value(const char *value)
{
    const char *token = value;
    apr_size_t len = 1;
    authsvc_bearer_t kind = authsvc_bearer_parse(value, &token, &len);

    /* RFC 6750 §2.1 */
    FUZZ_MUST((kind == AUTHSVC_BEARER_TOKEN) ==
              fuzz_matches(SCHEME " +[A-Za-z0-9._~+/-]+=*", value));
    FUZZ_MUST((kind == AUTHSVC_BEARER_NONE) !=
              (fuzz_matches(SCHEME, value) ||
               fuzz_matches(SCHEME "[^" TCHAR "](.|\n)*", value)));
    if (kind == AUTHSVC_BEARER_TOKEN) {
        FUZZ_MUST(token > value && token[-1] == ' ' && token[0] != ' ');
        FUZZ_MUST(token + len == value + strlen(value));
    } else {
        FUZZ_MUST(token == NULL && len == 0);
    }
}

/* What a client reads out of the challenge is the realm. */
static void check_challenge(apr_pool_t *pool, const char *realm)
{
    int refused;

    for (refused = 0; refused <= 1; refused++) {
        const char *at = authsvc_bearer_challenge(pool, realm, refused), *expected = realm;

        FUZZ_MUST(strncmp(at, "Bearer realm=\"", 14) == 0);
        for (at += 14; *at && *at != '"'; at++) {
            at += *at == '\\' ? 1 : 0;
            FUZZ_MUST(*at == *expected++);
        }
        FUZZ_MUST(*expected == '\0' && *at == '"');
        FUZZ_MUST(refused ? strncmp(at, "\", error=\"invalid_token\"", 24) == 0 : at[1] == '\0');
    }
}

static void check_type(const char *type)
{
    FUZZ_MUST(authsvc_request_is_json(type) ==
              fuzz_matches(JSON "[ \t]*(;[ \t]*([Cc][Hh][Aa][Rr][Ss][Ee][Tt]=(" UTF8
                                "|\"" UTF8 "\")[ \t]*)?)?",
                           type));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    fuzz_input_t input = {data, size};
    const char *value = fuzz_string(pool, &input);

    check_value(value);
    check_challenge(pool, value);
    check_type(value);
    apr_pool_destroy(pool);
    return 0;
}
