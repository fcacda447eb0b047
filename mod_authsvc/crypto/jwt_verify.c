/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "authsvc/core/encoding.h"
#include "authsvc/core/json.h"
#include "authsvc/core/text.h"
#include "authsvc/core/uuid.h"
#include "jwt_claims.h"
#include "key.h"

#define TIME_MAX ((apr_int64_t)1 << 53)

/* One token on its way through the checks. */
typedef struct {
    apr_pool_t *pool;
    const char *token;
    apr_size_t signed_len; /* header, dot, payload */
    unsigned char *part[3];
    apr_size_t part_len[3];
    authsvc_json_t *header; /* NULL: it is our own, octet by octet, for the type expected */
    authsvc_json_t *claims;
} parsed_t;

/* Why is for the log; the client learns only that the token is no good. */
static authsvc_error_t *refuse(apr_pool_t *pool, const char *why)
{
    return AUTHSVC_ERROR(pool, AUTHSVC_E_UNAUTHENTICATED, "authentication",
                         "The access token is invalid or has expired.", "access token: %s", why);
}

static authsvc_error_t *split(parsed_t *parsed, const char *token, apr_size_t len)
{
    apr_size_t start = 0;
    int i;

    if (len == 0 || len > AUTHSVC_JWT_MAX) {
        return refuse(parsed->pool, "its length");
    }
    for (i = 0; i < 3; i++) {
        const char *dot = memchr(token + start, '.', len - start);
        apr_size_t end = dot ? (apr_size_t)(dot - token) : len;

        if ((dot != NULL) != (i < 2)) {
            return refuse(parsed->pool, "it has not three segments");
        }
        parsed->part[i] = authsvc_base64url_decode(parsed->pool, token + start, end - start,
                                                   &parsed->part_len[i]);
        if (!parsed->part[i]) {
            return refuse(parsed->pool, "a segment is no canonical base64url");
        }
        if (i == 2) {
            parsed->signed_len = start - 1;
        }
        start = end + 1;
    }
    parsed->token = token;
    return NULL;
}

static authsvc_json_t *object(parsed_t *parsed, int part)
{
    authsvc_json_t *json = authsvc_json_parse(parsed->pool, (const char *)parsed->part[part],
                                              parsed->part_len[part], NULL);

    return json && authsvc_json_type(json) == AUTHSVC_JSON_OBJECT ? json : NULL;
}

/*
 * The key is the one we know by kid, and the algorithm is the key's. A header that brings its own
 * key, or asks for something we do not understand, is refused (RFC 7515 §4.1.11, RFC 8725 §3.10,
 * RFC 7797 §6).
 */
static authsvc_error_t *choose_key(parsed_t *parsed, const authsvc_keyset_t *keys,
                                   apr_int64_t now, const authsvc_key_t **key)
{
    static const char *const forbidden[] = {"crit", "jwk", "jku", "x5u", "x5c", "b64", "zip"};
    const char *alg, *kid;
    apr_size_t i;

    parsed->header = object(parsed, 0);
    if (!parsed->header) {
        return refuse(parsed->pool, "its header is no strict JSON object");
    }
    for (i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
        if (authsvc_json_get(parsed->header, forbidden[i])) {
            return refuse(parsed->pool, "a header parameter that is not accepted");
        }
    }
    alg = authsvc_json_get_string(parsed->header, "alg");
    kid = authsvc_json_get_string(parsed->header, "kid");
    if (!alg || !kid) {
        return refuse(parsed->pool, "alg or kid is missing");
    }
    *key = authsvc_keyset_find(keys, kid, apr_time_from_sec(now));
    if (!*key) {
        return refuse(parsed->pool, "no key of this kid");
    }
    if (strcmp(alg, authsvc_key_algorithm(*key)) != 0) {
        return refuse(parsed->pool, "alg is not the key's");
    }
    return NULL;
}

static authsvc_error_t *check_signature(parsed_t *parsed, const authsvc_key_t *key)
{
    int valid = 0;

    AUTHSVC_TRY(authsvc_signature_check(parsed->pool, key, parsed->token, parsed->signed_len,
                                        parsed->part[2], parsed->part_len[2], &valid));
    return valid ? NULL : refuse(parsed->pool, "its signature");
}

static authsvc_error_t *check_type(parsed_t *parsed, authsvc_token_type_t type)
{
    const char *typ = authsvc_json_get_string(parsed->header, "typ");
    int right;

    if (!typ) {
        return refuse(parsed->pool, "typ is missing");
    }
    switch (type) {
    case AUTHSVC_TYP_AT_JWT:
        right = authsvc_text_equal_ascii_case(typ, "at+jwt") ||
                authsvc_text_equal_ascii_case(typ, "application/at+jwt");
        break;
    case AUTHSVC_TYP_IDENTITY:
        right = authsvc_text_equal_ascii_case(typ, "authsvc-identity+jwt");
        break;
    default:
        right = authsvc_text_equal_ascii_case(typ, "JWT");
        break;
    }
    return right ? NULL : refuse(parsed->pool, "typ");
}

/* A string, or an array of nothing but strings, that names us (RFC 7519 §4.1.3). */
static int has_audience(const authsvc_json_t *aud, const char *audience)
{
    const char *text = authsvc_json_string(aud);
    apr_size_t i;
    int found = 0;

    if (!aud || authsvc_json_type(aud) != AUTHSVC_JSON_ARRAY) {
        return text && strcmp(text, audience) == 0;
    }
    for (i = 0; i < authsvc_json_size(aud); i++) {
        text = authsvc_json_string(authsvc_json_at(aud, i));
        if (!text) {
            return 0;
        }
        found |= strcmp(text, audience) == 0;
    }
    return found;
}

/* @return 1 if the claim is a time, 0 if it is missing, -1 if it is anything else */
static int get_time(const authsvc_json_t *claims, const char *name, apr_int64_t *time)
{
    const authsvc_json_t *claim = authsvc_json_get(claims, name);

    *time = 0;
    if (!claim) {
        return 0;
    }
    return authsvc_json_integer(claim, time) && *time >= 0 && *time <= TIME_MAX ? 1 : -1;
}

static authsvc_error_t *read_times(parsed_t *parsed, authsvc_claims_t *claims)
{
    if (get_time(parsed->claims, "exp", &claims->expires_at) != 1) {
        return refuse(parsed->pool, "exp is missing or no time");
    }
    if (get_time(parsed->claims, "nbf", &claims->not_before) < 0 ||
        get_time(parsed->claims, "iat", &claims->issued_at) < 0) {
        return refuse(parsed->pool, "nbf or iat is no time");
    }
    return NULL;
}

/* @return 0 if the claim is there and is no string */
static int get_optional(const authsvc_json_t *claims, const char *name, const char **text)
{
    *text = authsvc_json_get_string(claims, name);
    return *text || !authsvc_json_get(claims, name);
}

static authsvc_error_t *read_own(parsed_t *parsed, authsvc_claims_t *claims)
{
    const authsvc_json_t *verified = authsvc_json_get(parsed->claims, "email_verified");
    authsvc_json_type_t type = verified ? authsvc_json_type(verified) : AUTHSVC_JSON_NULL;

    claims->subject = authsvc_json_get_string(parsed->claims, "sub");
    claims->session_id = authsvc_json_get_string(parsed->claims, "sid");
    claims->token_id = authsvc_json_get_string(parsed->claims, "jti");
    claims->role = authsvc_json_get_string(parsed->claims, "role");
    if (!claims->subject || !claims->session_id || !claims->token_id || !claims->role) {
        return refuse(parsed->pool, "sub, sid, jti or role");
    }
    /* Tokens of before an upgrade have neither. */
    if (!get_optional(parsed->claims, "email", &claims->email) ||
        !get_optional(parsed->claims, "name", &claims->name)) {
        return refuse(parsed->pool, "email or name");
    }
    if (!authsvc_json_get(parsed->claims, "epoch") ||
        !authsvc_json_integer(authsvc_json_get(parsed->claims, "epoch"), &claims->epoch)) {
        return refuse(parsed->pool, "epoch");
    }
    if (type != AUTHSVC_JSON_TRUE && type != AUTHSVC_JSON_FALSE) {
        return refuse(parsed->pool, "email_verified");
    }
    claims->email_verified = type == AUTHSVC_JSON_TRUE;
    return NULL;
}

static authsvc_error_t *read_claims(parsed_t *parsed, const authsvc_jwt_expectation_t *expected,
                                    authsvc_claims_t *claims)
{
    parsed->claims = object(parsed, 1);
    if (!parsed->claims) {
        return refuse(parsed->pool, "its claims are no strict JSON object");
    }
    claims->issuer = authsvc_json_get_string(parsed->claims, "iss");
    if (!claims->issuer || strcmp(claims->issuer, expected->issuer) != 0) {
        return refuse(parsed->pool, "iss");
    }
    if (!has_audience(authsvc_json_get(parsed->claims, "aud"), expected->audience)) {
        return refuse(parsed->pool, "aud");
    }
    claims->audience = expected->audience;
    AUTHSVC_TRY(read_times(parsed, claims));
    return read_own(parsed, claims);
}

static authsvc_error_t *check_claims(apr_pool_t *pool, const authsvc_jwt_expectation_t *expected,
                                     const authsvc_claims_t *claims)
{
    unsigned char octets[AUTHSVC_UUID_OCTETS];

    if (expected->now >= claims->expires_at) {
        return refuse(pool, "expired");
    }
    if (claims->not_before > expected->now + expected->leeway) {
        return refuse(pool, "not valid yet");
    }
    if (claims->issued_at > expected->now + expected->leeway) {
        return refuse(pool, "issued in the future");
    }
    /* A uuid goes into a query as one; nothing else may get that far. */
    if (!authsvc_uuid_parse(claims->subject, octets) ||
        !authsvc_uuid_parse(claims->session_id, octets)) {
        return refuse(pool, "sub or sid is no uuid");
    }
    return NULL;
}

authsvc_error_t *authsvc_jwt_verify(apr_pool_t *pool, const authsvc_keyset_t *keys,
                                    const authsvc_jwt_expectation_t *expected, const char *token,
                                    apr_size_t len, authsvc_claims_t *claims)
{
    parsed_t parsed;
    const authsvc_key_t *key = NULL;

    memset(&parsed, 0, sizeof(parsed));
    memset(claims, 0, sizeof(*claims));
    parsed.pool = pool;
    AUTHSVC_TRY(split(&parsed, token, len));
    key = authsvc_keyset_find_header(keys, expected->type, token,
                                     (apr_size_t)((const char *)memchr(token, '.', len) - token),
                                     apr_time_from_sec(expected->now));
    if (!key) {
        AUTHSVC_TRY(choose_key(&parsed, keys, expected->now, &key));
    }
    AUTHSVC_TRY(check_signature(&parsed, key));
    if (parsed.header) {
        AUTHSVC_TRY(check_type(&parsed, expected->type));
    }
    if (!authsvc_jwt_claims_read((char *)parsed.part[1], parsed.part_len[1], expected->issuer,
                                 expected->audience, claims)) {
        AUTHSVC_TRY(read_claims(&parsed, expected, claims));
    }
    AUTHSVC_TRY(check_claims(pool, expected, claims));
    claims->key_retires_at = apr_time_sec(authsvc_keyset_retirement(keys, authsvc_key_id(key)));
    return NULL;
}
