/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "api_private.h"

#define DOCUMENT_SECONDS 300

static authsvc_json_t *descend(authsvc_json_t *from, const char *const *names)
{
    for (; from && *names; names++) {
        from = authsvc_json_get(from, *names);
    }
    return from;
}

static const char site_mark[] = "x-authsvc-cut-here-1";
static const char password_mark[] = "x-authsvc-cut-here-2";

/* What is before a mark; *text goes on after it. The marks stand in the contract's order. */
static const char *cut(apr_pool_t *pool, const char **text, const char *mark)
{
    const char *at = strstr(*text, mark);
    /* without the quotation marks around it */
    const char *piece = apr_pstrmemdup(pool, *text, (apr_size_t)(at - *text) - 1);

    *text = at + strlen(mark) + 1;
    return piece;
}

void authsvc_document_prepare(apr_pool_t *pool, const authsvc_json_t *contract,
                              authsvc_document_t *document)
{
    static const char *const properties_path[] = {"components", "schemas", "RegisterRequest",
                                                  "properties", NULL};
    static const char *const info_path[] = {"info", NULL};
    authsvc_json_t *copy, *properties, *info;
    apr_pool_t *scratch;
    const char *text;

    memset(document, 0, sizeof(*document));
    apr_pool_create(&scratch, pool);
    copy = authsvc_json_copy(scratch, contract);
    properties = descend(copy, properties_path);
    info = descend(copy, info_path);
    if (info && authsvc_json_get(properties, "password")) {
        document->password = authsvc_json_copy(pool, authsvc_json_get(properties, "password"));
        authsvc_json_set_string(info, "x-authsvc-site", site_mark);
        authsvc_json_set_string(properties, "password", password_mark);
        text = authsvc_json_dump(scratch, copy);
        document->before = cut(pool, &text, site_mark);
        document->between = cut(pool, &text, password_mark);
        document->after = apr_pstrdup(pool, text);
    }
    apr_pool_destroy(scratch);
}

/* What there is to offer to a visitor. */
static const char *site_extension(apr_pool_t *pool, const authsvc_settings_t *settings)
{
    authsvc_json_t *site = authsvc_json_object(pool);

    authsvc_json_set_bool(site, "registration", settings->registration_open);
    authsvc_json_set_bool(site, "cookies", settings->cookie);
    return authsvc_json_dump(pool, site);
}

/* The contract names outer bounds; here are the site's own. */
static const char *password_schema(apr_pool_t *pool, const authsvc_settings_t *settings,
                                   const authsvc_json_t *contract)
{
    static const struct {
        int kind;
        const char *name;
    } kinds[] = {
        {AUTHSVC_REQUIRE_UPPER, "upper"},
        {AUTHSVC_REQUIRE_LOWER, "lower"},
        {AUTHSVC_REQUIRE_DIGIT, "digit"},
        {AUTHSVC_REQUIRE_SYMBOL, "symbol"},
    };
    authsvc_json_t *password = authsvc_json_copy(pool, contract);
    authsvc_json_t *required = authsvc_json_array(pool);
    apr_size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (settings->password_require & kinds[i].kind) {
            authsvc_json_append_string(required, kinds[i].name);
        }
    }
    authsvc_json_set_integer(password, "minLength", settings->password_min);
    authsvc_json_set_integer(password, "maxLength", settings->password_max);
    authsvc_json_set(password, "x-authsvc-password-requires", required);
    return authsvc_json_dump(pool, password);
}

authsvc_error_t *authsvc_operation_get_openapi(authsvc_call_t *call)
{
    const authsvc_document_t *document = &call->api->effective;
    apr_pool_t *pool = call->ctx->pool;

    if (!document->password) {
        return AUTHSVC_INTERNAL(pool, "the contract has no info or no "
                                      "RegisterRequest.properties.password");
    }
    authsvc_response_json_text(
        call, 200,
        apr_pstrcat(pool, document->before, site_extension(pool, call->ctx->settings),
                    document->between,
                    password_schema(pool, call->ctx->settings, document->password),
                    document->after, NULL));
    authsvc_response_cacheable(call, DOCUMENT_SECONDS);
    return NULL;
}
