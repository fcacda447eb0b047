/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an access token costs before its session is looked up: token [RS256|ES256|EdDSA]
 * Prints microseconds of CPU for each of 4,000 tokens, the best of ten rounds: verified without a
 * cache, at first sight with one that is full of others, and known. In a build directory:
 *   gcc -O2 -D_GNU_SOURCE -I../include $(apr-1-config --cppflags --includes) \
 *     ../tests/bench/token.c .libs/libauthsvc_core.a \
 *     $(pkg-config --libs jansson libsodium libcrypto) -lunistring \
 *     $(apr-1-config --link-ld --libs)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "authsvc/core/json.h"
#include "authsvc/crypto/crypto.h"
#include "authsvc/crypto/token_cache.h"

#define TOKENS 4000
#define ROUNDS 10
#define SINCE 1700000000
#define ISSUER "https://accounts.example.com/api/v1"

static const authsvc_jwt_expectation_t expected = {ISSUER, ISSUER, AUTHSVC_TYP_JWT, SINCE, 30};
static const char *tokens[TOKENS];

static void must(const authsvc_error_t *err)
{
    if (err) {
        fprintf(stderr, "%s\n", err->internal);
        exit(1);
    }
}

static authsvc_keyset_t *make_keys(apr_pool_t *pool, const char *algorithm)
{
    authsvc_keyset_t *keys = NULL;
    authsvc_key_t *key = NULL;
    const char *pem = "";

    must(authsvc_key_generate(pool, algorithm, 0, &pem));
    must(authsvc_key_from_pem(pool, "bench", pem, strlen(pem), 1, &key));
    must(authsvc_keyset_create(pool, key, NULL, &keys));
    return keys;
}

static void make_tokens(apr_pool_t *pool, const authsvc_keyset_t *keys)
{
    authsvc_claims_t claims = {
        .issuer = ISSUER,
        .audience = ISSUER,
        .subject = "018f0000-0000-7000-8000-000000000001",
        .session_id = "018f0000-0000-7000-8000-000000000002",
        .role = "user",
        .email = "ada@example.com",
        .name = "Ada Lovelace",
        .issued_at = SINCE,
        .not_before = SINCE,
        .expires_at = SINCE + 900,
    };

    for (int i = 0; i < TOKENS; i++) {
        claims.token_id = apr_psprintf(pool, "018f0000-0000-7000-8000-%012d", i);
        must(authsvc_jwt_sign(pool, keys, AUTHSVC_TYP_JWT, &claims, &tokens[i]));
    }
}

static double cpu_us(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void measure(const char *what, authsvc_cache_t *cache, const authsvc_keyset_t *keys,
                    apr_pool_t *pool)
{
    double best = 0;

    for (int round = 0; round < ROUNDS; round++) {
        double took = cpu_us();

        for (int i = 0; i < TOKENS; i++) {
            authsvc_claims_t claims;

            must(authsvc_token_cache_verify(cache, keys, pool, keys, &expected, tokens[i],
                                            strlen(tokens[i]), &claims));
            apr_pool_clear(pool);
        }
        took = (cpu_us() - took) / TOKENS;
        best = round == 0 || took < best ? took : best;
    }
    printf("%-14s %6.2f us\n", what, best);
}

int main(int argc, char **argv)
{
    authsvc_cache_t *small = NULL, *large = NULL;
    apr_pool_t *pool = NULL, *request = NULL;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS ||
        apr_pool_create(&request, pool) != APR_SUCCESS) {
        return 1;
    }
    must(authsvc_crypto_init(pool));
    authsvc_json_init();
    const authsvc_keyset_t *keys = make_keys(pool, argc > 1 ? argv[1] : "RS256");
    make_tokens(pool, keys);
    must(authsvc_cache_create(pool, TOKENS / 4, AUTHSVC_TOKEN_CACHE_CLAIMS, &small));
    must(authsvc_cache_create(pool, TOKENS * 4, AUTHSVC_TOKEN_CACHE_CLAIMS, &large));
    measure("without cache", NULL, keys, request);
    measure("at first sight", small, keys, request);
    measure("known", large, keys, request);
    apr_pool_destroy(pool);
    return 0;
}
