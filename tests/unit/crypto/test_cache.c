/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/cache.h"

#include <apr_thread_proc.h>
#include <stdatomic.h>

#include "authsvc/crypto/token_cache.h"
#include "fixture.h"
#include "unit.h"

#define SCOPE ((const void *)"scope")
#define THREADS 4

static authsvc_cache_t *make(apr_uint32_t entries, apr_size_t value_max)
{
    authsvc_cache_t *cache = NULL;

    ck_assert_ptr_null(authsvc_cache_create(unit_pool, entries, value_max, &cache));
    return cache;
}

static authsvc_cache_key_t key_of(const authsvc_cache_t *cache, const char *text)
{
    authsvc_cache_key_t key;

    ck_assert_int_eq(authsvc_cache_key(cache, SCOPE, text, strlen(text), &key), 1);
    return key;
}

static void put(authsvc_cache_t *cache, const char *text, apr_int64_t now, apr_int64_t until)
{
    authsvc_cache_key_t key = key_of(cache, text);

    authsvc_cache_put(cache, &key, now, until, text, strlen(text) + 1);
}

/* The value is its own key's text, so that a wrong one shows. */
static int has(authsvc_cache_t *cache, const char *text, apr_int64_t now)
{
    authsvc_cache_key_t key = key_of(cache, text);
    apr_size_t len = 0;
    const char *value = authsvc_cache_get(cache, unit_pool, &key, now, &len);

    if (value) {
        ck_assert_uint_eq(len, strlen(text) + 1);
        ck_assert_str_eq(value, text);
    }
    return value != NULL;
}

START_TEST(a_value_holds_until_its_time_is_over)
{
    authsvc_cache_t *cache = make(16, 32);

    ck_assert_int_eq(has(cache, "a", 100), 0);
    put(cache, "a", 100, 110);
    ck_assert_int_eq(has(cache, "a", 100), 1);
    ck_assert_int_eq(has(cache, "a", 109), 1);
    ck_assert_int_eq(has(cache, "a", 110), 0);
    ck_assert_int_eq(has(cache, "a", 1000), 0);
    ck_assert_int_eq(has(cache, "b", 100), 0);
}
END_TEST

START_TEST(a_clock_that_goes_back_finds_nothing)
{
    authsvc_cache_t *cache = make(16, 32);

    put(cache, "a", 100, 110);
    ck_assert_int_eq(has(cache, "a", 99), 0);
    put(cache, "a", 50, 60); /* found out again */
    ck_assert_int_eq(has(cache, "a", 50), 1);
    ck_assert_int_eq(has(cache, "a", 60), 0);
}
END_TEST

START_TEST(what_is_removed_is_not_found)
{
    authsvc_cache_t *cache = make(16, 32);
    authsvc_cache_key_t key = key_of(cache, "a");

    authsvc_cache_remove(cache, &key);
    put(cache, "a", 100, 110);
    put(cache, "b", 100, 110);
    ck_assert_int_eq(has(cache, "a", 100), 1);
    authsvc_cache_remove(cache, &key);
    ck_assert_int_eq(has(cache, "a", 100), 0);
    ck_assert_int_eq(has(cache, "b", 100), 1);
    put(cache, "a", 100, 110);
    ck_assert_int_eq(has(cache, "a", 100), 1);
}
END_TEST

START_TEST(what_is_too_long_or_over_is_left_out)
{
    authsvc_cache_t *cache = make(16, 4);

    put(cache, "abc", 100, 110);
    put(cache, "abcd", 100, 110);
    put(cache, "x", 100, 100);
    put(cache, "y", -5, 0);
    ck_assert_int_eq(has(cache, "abc", 100), 1);
    ck_assert_int_eq(has(cache, "abcd", 100), 0);
    ck_assert_int_eq(has(cache, "x", 100), 0);
    ck_assert_int_eq(has(cache, "y", -5), 0);
}
END_TEST

START_TEST(scopes_and_caches_do_not_share)
{
    authsvc_cache_t *cache = make(16, 32), *other = make(16, 32);
    authsvc_cache_key_t key = key_of(cache, "a"), theirs = key_of(other, "a"), elsewhere;
    apr_size_t len;

    ck_assert_int_ne(memcmp(&key, &theirs, sizeof(key)), 0);
    ck_assert_int_eq(authsvc_cache_key(cache, (const void *)"other", "a", 1, &elsewhere), 1);
    authsvc_cache_put(cache, &key, 100, 110, "a", 1);
    ck_assert_ptr_nonnull(authsvc_cache_get(cache, unit_pool, &key, 100, &len));
    ck_assert_ptr_null(authsvc_cache_get(cache, unit_pool, &elsewhere, 100, &len));
}
END_TEST

START_TEST(there_are_never_more_than_agreed)
{
    authsvc_cache_t *cache = make(64, 32);
    int i, found = 0;

    for (i = 0; i < 1000; i++) {
        put(cache, apr_itoa(unit_pool, i), 100, 200);
        ck_assert_int_eq(has(cache, apr_itoa(unit_pool, i), 100), 1);
    }
    for (i = 0; i < 1000; i++) {
        found += has(cache, apr_itoa(unit_pool, i), 100);
    }
    ck_assert_int_le(found, 64);
    ck_assert_int_ge(found, 48);
}
END_TEST

START_TEST(what_is_used_stays)
{
    authsvc_cache_t *cache = make(4, 32); /* one set */
    int i;

    put(cache, "used", 100, 200);
    for (i = 0; i < 100; i++) {
        put(cache, apr_itoa(unit_pool, i), 100, 200);
        ck_assert_int_eq(has(cache, "used", 100), 1);
    }
    /* And what is over goes first. */
    put(cache, "short", 100, 101);
    ck_assert_int_eq(has(cache, "98", 100), 1);
    ck_assert_int_eq(has(cache, "99", 100), 1);
    put(cache, "next", 150, 200);
    ck_assert_int_eq(has(cache, "used", 150) + has(cache, "98", 150) + has(cache, "99", 150), 3);
}
END_TEST

static atomic_int wrong, done;

static void *APR_THREAD_FUNC use(apr_thread_t *thread, void *baton)
{
    authsvc_cache_t *cache = baton;
    apr_pool_t *pool;
    int i;

    apr_pool_create(&pool, apr_thread_pool_get(thread));
    for (i = 0; i < 20000; i++) {
        int number = i * 7 % 300;
        authsvc_cache_key_t key;
        apr_size_t len;
        const int *value;

        if (!authsvc_cache_key(cache, SCOPE, &number, sizeof(number), &key)) {
            wrong++;
            break;
        }
        value = authsvc_cache_get(cache, pool, &key, 100, &len);
        if (!value) {
            authsvc_cache_put(cache, &key, 100, 200, &number, sizeof(number));
        } else if (*value != number || len != sizeof(number)) {
            wrong++;
        }
        if (i % 100 == 0) {
            apr_pool_clear(pool);
        }
    }
    done++;
    return NULL; /* no apr_thread_exit(): AddressSanitizer trips over what that leaves behind */
}

START_TEST(threads_share_a_cache)
{
    authsvc_cache_t *cache = make(128, 32);
    apr_thread_t *threads[THREADS];
    apr_status_t status;
    int i;

    for (i = 0; i < THREADS; i++) {
        ck_assert_int_eq(apr_thread_create(&threads[i], NULL, use, cache, unit_pool), 0);
    }
    for (i = 0; i < THREADS; i++) {
        ck_assert_int_eq(apr_thread_join(&status, threads[i]), 0);
    }
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_eq(done, THREADS);
}
END_TEST

static const char *sign(authsvc_claims_t claims)
{
    const char *token = NULL;

    ck_assert_ptr_null(authsvc_jwt_sign(unit_pool, fixture_keyset(FIXTURE_EDDSA),
                                        AUTHSVC_TYP_JWT, &claims, &token));
    return token;
}

static authsvc_error_t *verify(authsvc_cache_t *cache, const void *scope, fixture_key_t key,
                               const char *token, apr_int64_t now, authsvc_claims_t *claims)
{
    authsvc_jwt_expectation_t expected = fixture_expectation();

    expected.now = now;
    return authsvc_token_cache_verify(cache, scope, unit_pool, fixture_keyset(key), &expected,
                                      token, strlen(token), claims);
}

/* Keys that would refuse the token show that they are not asked. */
START_TEST(a_known_token_says_the_same_and_is_not_verified_again)
{
    authsvc_cache_t *cache = make(16, AUTHSVC_TOKEN_CACHE_CLAIMS);
    authsvc_claims_t wanted = fixture_claims(), claims;
    const char *token = sign(wanted);

    ck_assert_ptr_nonnull(verify(cache, SCOPE, FIXTURE_ES256, token, FIXTURE_NOW, &claims));
    ck_assert_ptr_nonnull(verify(cache, SCOPE, FIXTURE_ES256, token, FIXTURE_NOW, &claims));
    ck_assert_ptr_null(verify(cache, SCOPE, FIXTURE_EDDSA, token, FIXTURE_NOW, &claims));
    memset(&claims, 0x5a, sizeof(claims));
    ck_assert_ptr_null(verify(cache, SCOPE, FIXTURE_ES256, token, FIXTURE_NOW + 899, &claims));
    ck_assert_str_eq(claims.issuer, wanted.issuer);
    ck_assert_str_eq(claims.subject, wanted.subject);
    ck_assert_str_eq(claims.audience, wanted.audience);
    ck_assert_str_eq(claims.token_id, wanted.token_id);
    ck_assert_str_eq(claims.session_id, wanted.session_id);
    ck_assert_str_eq(claims.role, wanted.role);
    ck_assert_str_eq(claims.email, wanted.email);
    ck_assert_str_eq(claims.name, wanted.name);
    ck_assert_int_eq(claims.epoch, wanted.epoch);
    ck_assert_int_eq(claims.email_verified, wanted.email_verified);
    ck_assert_int_eq(claims.issued_at, wanted.issued_at);
    ck_assert_int_eq(claims.not_before, wanted.not_before);
    ck_assert_int_eq(claims.expires_at, wanted.expires_at);
    ck_assert_ptr_nonnull(
        verify(cache, (const void *)"other", FIXTURE_ES256, token, FIXTURE_NOW, &claims));
}
END_TEST

START_TEST(a_known_token_expires_as_ever)
{
    authsvc_cache_t *cache = make(16, AUTHSVC_TOKEN_CACHE_CLAIMS);
    authsvc_claims_t claims;
    const char *token = sign(fixture_claims());

    ck_assert_ptr_null(verify(cache, SCOPE, FIXTURE_EDDSA, token, FIXTURE_NOW, &claims));
    ck_assert_ptr_null(verify(cache, SCOPE, FIXTURE_EDDSA, token, FIXTURE_NOW + 899, &claims));
    ck_assert_ptr_nonnull(verify(cache, SCOPE, FIXTURE_EDDSA, token, FIXTURE_NOW + 900, &claims));
    /* Not valid yet, once the clock was set back. */
    ck_assert_ptr_nonnull(verify(cache, SCOPE, FIXTURE_EDDSA, token, FIXTURE_NOW - 900, &claims));
    ck_assert_ptr_null(verify(cache, SCOPE, FIXTURE_EDDSA, token, FIXTURE_NOW, &claims));
}
END_TEST

/* Each altered spelling is another token. */
START_TEST(an_altered_token_is_not_known)
{
    authsvc_cache_t *cache = make(16, AUTHSVC_TOKEN_CACHE_CLAIMS);
    authsvc_claims_t claims;
    const char *token = sign(fixture_claims());
    size_t i;

    ck_assert_ptr_null(verify(cache, SCOPE, FIXTURE_EDDSA, token, FIXTURE_NOW, &claims));
    for (i = 0; i < strlen(token); i++) {
        char *altered = apr_pstrdup(unit_pool, token);

        altered[i] = altered[i] == 'A' ? 'B' : 'A';
        ck_assert_ptr_nonnull(
            verify(cache, SCOPE, FIXTURE_EDDSA, altered, FIXTURE_NOW, &claims));
    }
    ck_assert_ptr_nonnull(verify(cache, SCOPE, FIXTURE_EDDSA, "", FIXTURE_NOW, &claims));
}
END_TEST

START_TEST(long_claims_and_silent_ones)
{
    authsvc_cache_t *cache = make(16, AUTHSVC_TOKEN_CACHE_CLAIMS);
    authsvc_claims_t made = fixture_claims(), claims;
    char *name = apr_palloc(unit_pool, 501);
    const char *token;

    made.email = made.name = NULL;
    token = sign(made);
    ck_assert_ptr_null(verify(cache, SCOPE, FIXTURE_EDDSA, token, FIXTURE_NOW, &claims));
    ck_assert_ptr_null(verify(cache, SCOPE, FIXTURE_ES256, token, FIXTURE_NOW, &claims));
    ck_assert_ptr_null(claims.email);
    ck_assert_ptr_null(claims.name);
    ck_assert_str_eq(claims.role, made.role);

    memset(name, 'n', 500);
    name[500] = '\0';
    made.name = name;
    token = sign(made);
    ck_assert_ptr_null(verify(cache, SCOPE, FIXTURE_EDDSA, token, FIXTURE_NOW, &claims));
    ck_assert_str_eq(claims.name, name);
    ck_assert_ptr_nonnull(verify(cache, SCOPE, FIXTURE_ES256, token, FIXTURE_NOW, &claims));
    ck_assert_ptr_null(verify(NULL, SCOPE, FIXTURE_EDDSA, token, FIXTURE_NOW, &claims));
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_cache)
{
    Suite *suite = suite_create("cache");
    TCase *tcase = unit_tcase(suite, "cache");

    tcase_add_unchecked_fixture(tcase, fixture_make_keys, NULL);
    tcase_add_test(tcase, a_value_holds_until_its_time_is_over);
    tcase_add_test(tcase, a_clock_that_goes_back_finds_nothing);
    tcase_add_test(tcase, what_is_removed_is_not_found);
    tcase_add_test(tcase, what_is_too_long_or_over_is_left_out);
    tcase_add_test(tcase, scopes_and_caches_do_not_share);
    tcase_add_test(tcase, there_are_never_more_than_agreed);
    tcase_add_test(tcase, what_is_used_stays);
    tcase_add_test(tcase, threads_share_a_cache);

    tcase = unit_tcase(suite, "verified tokens");
    tcase_add_unchecked_fixture(tcase, fixture_make_keys, NULL);
    tcase_add_test(tcase, a_known_token_says_the_same_and_is_not_verified_again);
    tcase_add_test(tcase, a_known_token_expires_as_ever);
    tcase_add_test(tcase, an_altered_token_is_not_known);
    tcase_add_test(tcase, long_claims_and_silent_ones);
    return suite;
}
