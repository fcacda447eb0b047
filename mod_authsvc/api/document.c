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

void authsvc_document_prepare(apr_pool_t *pool, const authsvc_json_t *contract,
                              authsvc_document_t *document)
{
    static const char *const properties_path[] = {"components", "schemas", "RegisterRequest",
                                                  "properties", NULL};
    static const char mark[] = "x-authsvc-cut-here";
    authsvc_json_t *copy, *properties;
    apr_pool_t *scratch;
    const char *text, *at;

    memset(document, 0, sizeof(*document));
    apr_pool_create(&scratch, pool);
    copy = authsvc_json_copy(scratch, contract);
    properties = descend(copy, properties_path);
    document->password = authsvc_json_copy(pool, authsvc_json_get(properties, "password"));
    if (document->password) {
        authsvc_json_set_string(properties, "password", mark);
        text = authsvc_json_dump(scratch, copy);
        at = strstr(text, mark);
        /* without the quotation marks around it */
        document->before = apr_pstrmemdup(pool, text, (apr_size_t)(at - text) - 1);
        document->after = apr_pstrdup(pool, at + strlen(mark) + 1);
    }
    apr_pool_destroy(scratch);
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
        return AUTHSVC_INTERNAL(pool, "the contract has no RegisterRequest.properties.password");
    }
    authsvc_response_json_text(
        call, 200,
        apr_pstrcat(pool, document->before,
                    password_schema(pool, call->ctx->settings, document->password),
                    document->after, NULL));
    authsvc_response_cacheable(call, DOCUMENT_SECONDS);
    return NULL;
}
