/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "api_private.h"
#include "authsvc/crypto/keys.h"

#define METADATA_SECONDS 900

authsvc_error_t *authsvc_operation_get_jwks(authsvc_call_t *call)
{
    const authsvc_keyset_t *keys = call->ctx->settings->keys;
    apr_time_t now = authsvc_clock_now(call->ctx->clock);
    apr_interval_time_t lasts = authsvc_keyset_jwks_lasts(keys, now);
    int seconds = METADATA_SECONDS;

    /* A copy in a cache must not lack a key that signs. */
    if (lasts < apr_time_from_sec(METADATA_SECONDS)) {
        seconds = (int)apr_time_sec(lasts);
    }
    authsvc_response_json(call, 200, authsvc_keyset_jwks(keys, now, call->ctx->pool));
    authsvc_response_cacheable(call, seconds);
    return NULL;
}

authsvc_error_t *authsvc_operation_get_openid_configuration(authsvc_call_t *call)
{
    const authsvc_settings_t *settings = call->ctx->settings;
    apr_pool_t *pool = call->ctx->pool;
    authsvc_json_t *metadata = authsvc_json_object(pool);
    authsvc_json_t *subjects = authsvc_json_array(pool), *names = authsvc_json_array(pool);
    apr_array_header_t *algorithms = authsvc_keyset_algorithms(
        settings->keys, authsvc_clock_now(call->ctx->clock), pool);
    int i;

    for (i = 0; i < algorithms->nelts; i++) {
        authsvc_json_append_string(names, APR_ARRAY_IDX(algorithms, i, const char *));
    }
    authsvc_json_append_string(subjects, "public");
    authsvc_json_set_string(metadata, "issuer", settings->issuer);
    authsvc_json_set_string(metadata, "jwks_uri",
                            apr_pstrcat(pool, settings->issuer, "/.well-known/jwks.json", NULL));
    /* Required by OpenID Connect Discovery; empty, for there is no authorization endpoint. */
    authsvc_json_set(metadata, "response_types_supported", authsvc_json_array(pool));
    authsvc_json_set(metadata, "subject_types_supported", subjects);
    authsvc_json_set(metadata, "id_token_signing_alg_values_supported", names);
    authsvc_response_json(call, 200, metadata);
    authsvc_response_cacheable(call, METADATA_SECONDS);
    return NULL;
}
