/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/token_cache.h"

#include <string.h>

#define TEXTS 6

/* Claims without pointers; the texts follow, each ended by NUL, those that are there. */
typedef struct {
    apr_int64_t epoch;
    apr_int64_t issued_at;
    apr_int64_t not_before;
    apr_int64_t expires_at;
    apr_int64_t key_retires_at;
    int email_verified;
    int present; /* a bit for each text */
} flat_t;

/* Issuer and audience are those that were expected. */
static void list_texts(authsvc_claims_t *claims, const char **list[TEXTS])
{
    list[0] = &claims->subject;
    list[1] = &claims->token_id;
    list[2] = &claims->session_id;
    list[3] = &claims->role;
    list[4] = &claims->email;
    list[5] = &claims->name;
}

/* @return the length; 0 if it is too long */
static apr_size_t flatten(authsvc_claims_t *claims, char buffer[AUTHSVC_TOKEN_CACHE_CLAIMS])
{
    const char **texts[TEXTS];
    apr_size_t at = sizeof(flat_t), i;
    flat_t flat;

    memset(&flat, 0, sizeof(flat));
    flat.epoch = claims->epoch;
    flat.issued_at = claims->issued_at;
    flat.not_before = claims->not_before;
    flat.expires_at = claims->expires_at;
    flat.key_retires_at = claims->key_retires_at;
    flat.email_verified = claims->email_verified;
    list_texts(claims, texts);
    for (i = 0; i < TEXTS; i++) {
        apr_size_t len = *texts[i] ? strlen(*texts[i]) + 1 : 0;

        if (len > AUTHSVC_TOKEN_CACHE_CLAIMS - at) {
            return 0;
        }
        if (len > 0) {
            flat.present |= 1 << i;
            memcpy(buffer + at, *texts[i], len);
            at += len;
        }
    }
    memcpy(buffer, &flat, sizeof(flat));
    return at;
}

static void unfold(const char *value, const authsvc_jwt_expectation_t *expected,
                   authsvc_claims_t *claims)
{
    const char **texts[TEXTS], *at = value + sizeof(flat_t);
    apr_size_t i;
    flat_t flat;

    memcpy(&flat, value, sizeof(flat));
    memset(claims, 0, sizeof(*claims));
    claims->issuer = expected->issuer;
    claims->audience = expected->audience;
    claims->epoch = flat.epoch;
    claims->issued_at = flat.issued_at;
    claims->not_before = flat.not_before;
    claims->expires_at = flat.expires_at;
    claims->key_retires_at = flat.key_retires_at;
    claims->email_verified = flat.email_verified;
    list_texts(claims, texts);
    for (i = 0; i < TEXTS; i++) {
        if (flat.present & (1 << i)) {
            *texts[i] = at;
            at += strlen(at) + 1;
        }
    }
}

authsvc_error_t *authsvc_token_cache_verify(authsvc_cache_t *cache, const void *scope,
                                            apr_pool_t *pool, const authsvc_keyset_t *keys,
                                            const authsvc_jwt_expectation_t *expected,
                                            const char *token, apr_size_t len,
                                            authsvc_claims_t *claims)
{
    char buffer[AUTHSVC_TOKEN_CACHE_CLAIMS];
    authsvc_cache_key_t key;
    apr_size_t size;
    void *value;

    /* Not worth a look, whatever its length. */
    if (!cache || len > AUTHSVC_JWT_MAX) {
        return authsvc_jwt_verify(pool, keys, expected, token, len, claims);
    }
    if (!authsvc_cache_key(cache, scope, token, len, &key)) {
        return AUTHSVC_INTERNAL(pool, "an access token could not be hashed");
    }
    value = authsvc_cache_get(cache, pool, &key, expected->now, &size);
    if (value) {
        unfold(value, expected, claims);
        return NULL;
    }
    AUTHSVC_TRY(authsvc_jwt_verify(pool, keys, expected, token, len, claims));
    size = flatten(claims, buffer);
    if (size > 0) {
        apr_int64_t until = claims->expires_at;

        if (claims->key_retires_at < until) {
            until = claims->key_retires_at;
        }
        authsvc_cache_put(cache, &key, expected->now, until, buffer, size);
    }
    return NULL;
}
