/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt_claims.h"

#include <string.h>

#include "authsvc/core/json.h"

#define DIGITS_MAX 15 /* less than 2^53 */

const char *authsvc_jwt_claims_write(apr_pool_t *pool, const authsvc_claims_t *claims)
{
    authsvc_json_t *json = authsvc_json_object(pool);

    authsvc_json_set_string(json, "iss", claims->issuer);
    authsvc_json_set_string(json, "sub", claims->subject);
    authsvc_json_set_string(json, "aud", claims->audience);
    authsvc_json_set_integer(json, "exp", claims->expires_at);
    authsvc_json_set_integer(json, "iat", claims->issued_at);
    authsvc_json_set_integer(json, "nbf", claims->not_before);
    authsvc_json_set_string(json, "jti", claims->token_id);
    if (claims->session_id) {
        authsvc_json_set_string(json, "sid", claims->session_id);
        authsvc_json_set_integer(json, "epoch", claims->epoch);
    }
    authsvc_json_set_string(json, "role", claims->role);
    if (claims->email) {
        authsvc_json_set_string(json, "email", claims->email);
    }
    authsvc_json_set_bool(json, "email_verified", claims->email_verified);
    if (claims->name) {
        authsvc_json_set_string(json, "name", claims->name);
    }
    return authsvc_json_dump(pool, json);
}

/* A text on its way: not ended by NUL yet, for the parser may have to read it after all. */
typedef struct {
    char *start;
    size_t len;
} span_t;

static int skip(char **at, const char *literal)
{
    size_t len = strlen(literal);

    if (strncmp(*at, literal, len) != 0) {
        return 0;
    }
    *at += len;
    return 1;
}

static int take_text(char **at, const char *before, span_t *text)
{
    char *end;

    if (!skip(at, before)) {
        return 0;
    }
    for (end = *at; *end >= ' ' && *end <= '~' && *end != '"' && *end != '\\'; end++) {
    }
    text->start = *at;
    text->len = (size_t)(end - *at);
    *at = end;
    return skip(at, "\"");
}

static int take_number(char **at, const char *before, apr_int64_t *number)
{
    char *start, *end;

    if (!skip(at, before)) {
        return 0;
    }
    *number = 0;
    for (start = end = *at; *end >= '0' && *end <= '9' && end - start <= DIGITS_MAX; end++) {
        *number = *number * 10 + (*end - '0');
    }
    *at = end;
    return end > start && end - start <= DIGITS_MAX && (*start != '0' || end - start == 1);
}

static int take_flag(char **at, const char *before, int *flag)
{
    if (!skip(at, before)) {
        return 0;
    }
    *flag = skip(at, "true");
    return *flag || skip(at, "false");
}

static int is_text(const span_t *text, const char *expected)
{
    return strlen(expected) == text->len && memcmp(text->start, expected, text->len) == 0;
}

/* The closing quote is not needed any more. */
static const char *end_text(const span_t *text)
{
    if (text->start) {
        text->start[text->len] = '\0';
    }
    return text->start;
}

int authsvc_jwt_claims_read(char *json, apr_size_t len, const char *issuer, const char *audience,
                            authsvc_claims_t *claims)
{
    span_t iss, sub, aud, jti, sid, role, email = {NULL, 0}, name = {NULL, 0};
    authsvc_claims_t read;
    char *at = json;

    memset(&read, 0, sizeof(read));
    if (!take_text(&at, "{\"iss\":\"", &iss) || !is_text(&iss, issuer) ||
        !take_text(&at, ",\"sub\":\"", &sub) || !take_text(&at, ",\"aud\":\"", &aud) ||
        !is_text(&aud, audience) || !take_number(&at, ",\"exp\":", &read.expires_at) ||
        !take_number(&at, ",\"iat\":", &read.issued_at) ||
        !take_number(&at, ",\"nbf\":", &read.not_before) ||
        !take_text(&at, ",\"jti\":\"", &jti) || !take_text(&at, ",\"sid\":\"", &sid) ||
        !take_number(&at, ",\"epoch\":", &read.epoch) ||
        !take_text(&at, ",\"role\":\"", &role)) {
        return 0;
    }
    if (strncmp(at, ",\"email\":", 9) == 0 && !take_text(&at, ",\"email\":\"", &email)) {
        return 0;
    }
    if (!take_flag(&at, ",\"email_verified\":", &read.email_verified) ||
        (*at == ',' && !take_text(&at, ",\"name\":\"", &name)) || !skip(&at, "}") ||
        at != json + len) {
        return 0;
    }
    read.issuer = issuer;
    read.audience = audience;
    read.subject = end_text(&sub);
    read.token_id = end_text(&jti);
    read.session_id = end_text(&sid);
    read.role = end_text(&role);
    read.email = end_text(&email);
    read.name = end_text(&name);
    *claims = read;
    return 1;
}
