/* SPDX-License-Identifier: Apache-2.0 */
#include "api_private.h"

#define DOCUMENT_SECONDS 300

static authsvc_json_t *descend(authsvc_json_t *from, const char *const *names)
{
    for (; from && *names; names++) {
        from = authsvc_json_get(from, *names);
    }
    return from;
}

/* The contract names outer bounds; here are the site's own. */
static authsvc_json_t *effective(apr_pool_t *pool, const authsvc_settings_t *settings,
                                 const authsvc_json_t *document)
{
    static const char *const password_path[] = {"components", "schemas",  "RegisterRequest",
                                                "properties", "password", NULL};
    static const struct {
        int kind;
        const char *name;
    } kinds[] = {
        {AUTHSVC_REQUIRE_UPPER, "upper"},
        {AUTHSVC_REQUIRE_LOWER, "lower"},
        {AUTHSVC_REQUIRE_DIGIT, "digit"},
        {AUTHSVC_REQUIRE_SYMBOL, "symbol"},
    };
    authsvc_json_t *copy = authsvc_json_copy(pool, document);
    authsvc_json_t *password = descend(copy, password_path);
    authsvc_json_t *required = authsvc_json_array(pool);
    apr_size_t i;

    if (!password) {
        return NULL;
    }
    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (settings->password_require & kinds[i].kind) {
            authsvc_json_append_string(required, kinds[i].name);
        }
    }
    authsvc_json_set_integer(password, "minLength", settings->password_min);
    authsvc_json_set_integer(password, "maxLength", settings->password_max);
    authsvc_json_set(password, "x-authsvc-password-requires", required);
    return copy;
}

authsvc_error_t *authsvc_operation_get_openapi(authsvc_call_t *call)
{
    authsvc_json_t *document =
        effective(call->ctx->pool, call->ctx->settings, call->api->document);

    if (!document) {
        return AUTHSVC_INTERNAL(call->ctx->pool,
                                "the contract has no RegisterRequest.properties.password");
    }
    authsvc_response_json(call, 200, document);
    authsvc_response_cacheable(call, DOCUMENT_SECONDS);
    return NULL;
}
