/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "api_private.h"

const char *authsvc_request_header(const authsvc_request_t *request, const char *name)
{
    return request->header ? request->header(request->baton, name) : NULL;
}

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t");
}

int authsvc_request_is_json(const char *content_type)
{
    static const char type[] = "application/json", charset[] = "charset=", utf8[] = "utf-8";
    const char *at = content_type;
    int quoted;

    if (!at || strncasecmp(at, type, sizeof(type) - 1) != 0) {
        return 0;
    }
    at = skip_space(at + sizeof(type) - 1);
    if (*at == '\0') {
        return 1;
    }
    if (*at != ';') {
        return 0;
    }
    at = skip_space(at + 1);
    if (*at == '\0') {
        return 1; /* an empty parameter is allowed (RFC 9110 §5.6.6) */
    }
    if (strncasecmp(at, charset, sizeof(charset) - 1) != 0) {
        return 0;
    }
    at += sizeof(charset) - 1;
    quoted = *at == '"';
    at += quoted;
    if (strncasecmp(at, utf8, sizeof(utf8) - 1) != 0) {
        return 0;
    }
    at += sizeof(utf8) - 1;
    if (quoted && *at++ != '"') {
        return 0;
    }
    return *skip_space(at) == '\0';
}

const authsvc_json_t *authsvc_request_unblamed(const authsvc_call_t *call,
                                               const authsvc_error_t *err, const char *name,
                                               const char *pointer)
{
    const authsvc_json_t *member = authsvc_json_get(call->body, name);
    int i;

    for (i = 0; err && err->fields && i < err->fields->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(err->fields, i, authsvc_error_field_t).pointer, pointer) == 0) {
            return NULL;
        }
    }
    return authsvc_json_string(member) ? member : NULL;
}

static authsvc_error_t *refuse_media(authsvc_call_t *call, const char *why)
{
    return AUTHSVC_ERROR(call->ctx->pool, AUTHSVC_E_MEDIA_TYPE, NULL, NULL, "%s", why);
}

authsvc_error_t *authsvc_request_read_body(authsvc_call_t *call)
{
    const authsvc_request_t *request = call->request;
    apr_pool_t *pool = call->ctx->pool;
    const char *type = authsvc_request_header(request, "Content-Type");
    const char *coding = authsvc_request_header(request, "Content-Encoding");
    const char *problem = NULL;
    authsvc_error_t *err = NULL;

    if (coding && strcasecmp(coding, "identity") != 0) {
        return refuse_media(call, "the body has a content coding");
    }
    if (type ? !authsvc_request_is_json(type) : request->body_len > 0) {
        return refuse_media(call, "the body is not declared as application/json");
    }
    if (request->body_len > call->ctx->settings->max_body) {
        return AUTHSVC_ERROR(pool, AUTHSVC_E_TOO_LARGE, NULL, NULL, "body over the limit");
    }
    if (!request->body || request->body_len == 0) {
        authsvc_error_add_field(pool, &err, "", "required", "a JSON object must be sent");
        return err;
    }
    call->body = authsvc_json_parse(pool, request->body, request->body_len, &problem);
    if (!call->body) {
        authsvc_error_add_field(pool, &err, "", "json", problem ? problem : "not JSON");
        return err;
    }
    authsvc_schema_validate(call->operation->body, pool, call->body, &err);
    authsvc_cookies_check_body(call, &err);
    if (err) {
        /* The service will not see this body; say now what it would have said of the rest. */
        authsvc_operations_add_faults(call, &err);
    }
    return err;
}
