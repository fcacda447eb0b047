/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "authsvc/core/json.h"
#include "authsvc/crypto/token_cache.h"
#include "fixture.h"

/* Keys that follow each other, as a clock goes by. Times are seconds, to be read more easily. */

#define LIFETIME 900
#define MARGIN 60
#define SEC(n) apr_time_from_sec(n)
#define DAY 86400

static apr_array_header_t *timed;

static void start(void)
{
    unit_setup();
    timed = apr_array_make(unit_pool, 4, sizeof(authsvc_timed_key_t));
}

static void key(fixture_key_t which, apr_int64_t publish, apr_int64_t sign, apr_int64_t retire)
{
    static const char *const names[FIXTURE_KEYS] = {"rs256", "es256", "eddsa", "other"};
    authsvc_timed_key_t *made = apr_array_push(timed);

    made->key = fixture_key(which);
    made->name = names[which];
    made->publish_at = SEC(publish);
    made->sign_at = SEC(sign);
    made->retire_at = SEC(retire);
}

static authsvc_keyset_t *set(const apr_array_header_t *verify)
{
    authsvc_keyset_t *keys = NULL;
    authsvc_error_t *err =
        authsvc_keyset_create_timed(unit_pool, timed, verify, SEC(LIFETIME), &keys);

    ck_assert_msg(err == NULL, "%s", err ? err->internal : "");
    return keys;
}

static void refused(const char *words)
{
    authsvc_keyset_t *keys;
    authsvc_error_t *err =
        authsvc_keyset_create_timed(unit_pool, timed, NULL, SEC(LIFETIME), &keys);

    ck_assert_ptr_nonnull(err);
    ck_assert_int_eq(err->code, AUTHSVC_E_INVALID);
    ck_assert_msg(strstr(err->detail, words) != NULL, "%s", err->detail);
}

/* The set's keys at a time, "R+" (RS256 signs), "E" (ES256 is published), "o" (only verifies). */
static const char *at(const authsvc_keyset_t *keys, apr_time_t now)
{
    static const char letters[FIXTURE_KEYS] = {'R', 'E', 'D', 'O'};
    authsvc_json_t *list = authsvc_json_get(authsvc_keyset_jwks(keys, now, unit_pool), "keys");
    const char *text = "";
    int i;

    for (i = 0; i < FIXTURE_KEYS; i++) {
        const char *kid = authsvc_key_id(fixture_key((fixture_key_t)i));
        int verifies = authsvc_keyset_find(keys, kid, now) != NULL, published = 0;
        apr_size_t k;

        for (k = 0; k < authsvc_json_size(list); k++) {
            published += strcmp(authsvc_json_get_string(authsvc_json_at(list, k), "kid"), kid) == 0;
        }
        ck_assert_int_le(published, 1);
        if (verifies || published) {
            int signs = authsvc_keyset_signing(keys, now) == fixture_key((fixture_key_t)i);

            ck_assert_msg(verifies, "%c is published and does not verify", letters[i]);
            ck_assert_msg(published || !signs, "%c signs and is not published", letters[i]);
            text = apr_psprintf(unit_pool, "%s%c%s", text,
                                published ? letters[i] : letters[i] + ('a' - 'A'),
                                signs ? "+" : "");
        }
    }
    return text;
}

START_TEST(each_key_is_published_signs_and_retires_at_its_time)
{
    apr_time_t end = 30 * DAY, retire = end + LIFETIME + MARGIN;
    authsvc_keyset_t *keys;

    key(FIXTURE_RS256, 0, 0, retire);
    key(FIXTURE_ES256, end - DAY, end, end * 2 + LIFETIME + MARGIN);
    keys = set(NULL);
    ck_assert_str_eq(at(keys, 0), "R+e");
    ck_assert_str_eq(at(keys, SEC(end - DAY) - 1), "R+e");
    ck_assert_str_eq(at(keys, SEC(end - DAY)), "R+E");
    ck_assert_str_eq(at(keys, SEC(end) - 1), "R+E");
    ck_assert_str_eq(at(keys, SEC(end)), "RE+");
    ck_assert_str_eq(at(keys, SEC(retire) - 1), "RE+");
    ck_assert_str_eq(at(keys, SEC(retire)), "E+");
}
END_TEST

START_TEST(the_order_they_are_given_in_does_not_matter)
{
    authsvc_keyset_t *keys;

    key(FIXTURE_EDDSA, 100, 3000, 99000);
    key(FIXTURE_RS256, 0, 1000, 90000);
    key(FIXTURE_ES256, 50, 2000, 95000);
    keys = set(NULL);
    ck_assert_str_eq(at(keys, SEC(1999)), "R+ED");
    ck_assert_str_eq(at(keys, SEC(2000)), "RE+D");
    ck_assert_str_eq(at(keys, SEC(3000)), "RED+");
}
END_TEST

/* However early the name retires it: its tokens are out there. */
START_TEST(a_key_verifies_until_its_last_token_has_expired)
{
    authsvc_keyset_t *keys;

    key(FIXTURE_RS256, 0, 0, 10);
    key(FIXTURE_ES256, 500, 1000, 5000);
    keys = set(NULL);
    ck_assert_str_eq(at(keys, SEC(999)), "R+E");
    ck_assert_str_eq(at(keys, SEC(1000 + LIFETIME + MARGIN) - 1), "RE+");
    ck_assert_str_eq(at(keys, SEC(1000 + LIFETIME + MARGIN)), "E+");
    ck_assert_int_eq(authsvc_keyset_retirement(keys, authsvc_key_id(fixture_key(FIXTURE_RS256))),
                     SEC(1000 + LIFETIME + MARGIN));
    ck_assert_int_eq(authsvc_keyset_retirement(keys, authsvc_key_id(fixture_key(FIXTURE_ES256))),
                     AUTHSVC_KEY_FOREVER);
    ck_assert_int_eq(authsvc_keyset_retirement(keys, "none"), 0);
}
END_TEST

START_TEST(without_a_successor_the_last_key_goes_on)
{
    authsvc_keyset_t *keys;

    key(FIXTURE_RS256, 0, 0, 1000);
    key(FIXTURE_ES256, 500, 1000, 2000);
    keys = set(NULL);
    ck_assert_int_eq(authsvc_keyset_lacks_successor(keys, SEC(999)), 0);
    ck_assert_int_eq(authsvc_keyset_lacks_successor(keys, SEC(1000)), 1);
    ck_assert_str_eq(at(keys, SEC(2000)), "E+");
    ck_assert_str_eq(at(keys, SEC(4000000000LL)), "E+");
}
END_TEST

/* A clock that is behind, or files that were made on a machine whose clock is ahead. */
START_TEST(before_its_time_the_first_key_signs_and_is_published)
{
    authsvc_keyset_t *keys;

    key(FIXTURE_RS256, 1000, 2000, 9000);
    key(FIXTURE_ES256, 2500, 3000, 9500);
    keys = set(NULL);
    ck_assert_str_eq(at(keys, 0), "R+e");
    ck_assert_int_eq(authsvc_keyset_lacks_successor(keys, 0), 0);
}
END_TEST

START_TEST(two_keys_of_one_time_and_one_key_twice_are_refused)
{
    key(FIXTURE_RS256, 0, 1000, 9000);
    key(FIXTURE_ES256, 0, 1000, 9500);
    refused("same time");
    APR_ARRAY_IDX(timed, 1, authsvc_timed_key_t).sign_at += 1;
    set(NULL);
    APR_ARRAY_IDX(timed, 1, authsvc_timed_key_t).key = fixture_key(FIXTURE_RS256);
    refused("same key");
}
END_TEST

START_TEST(a_public_key_is_refused)
{
    const char *pem = fixture_public_pem(unit_pool, FIXTURE_ES256);
    authsvc_key_t *public_key;

    key(FIXTURE_RS256, 0, 0, 9000);
    set(NULL);
    ck_assert_ptr_null(
        authsvc_key_from_pem(unit_pool, "public", pem, strlen(pem), 0, &public_key));
    key(FIXTURE_ES256, 0, 1000, 9500);
    APR_ARRAY_IDX(timed, 1, authsvc_timed_key_t).key = public_key;
    refused("public");
}
END_TEST

START_TEST(verify_keys_beside_it_hold_for_good)
{
    apr_array_header_t *verify = apr_array_make(unit_pool, 2, sizeof(authsvc_key_t *));
    authsvc_keyset_t *keys;

    APR_ARRAY_PUSH(verify, authsvc_key_t *) = fixture_key(FIXTURE_RS256);
    APR_ARRAY_PUSH(verify, authsvc_key_t *) = fixture_key(FIXTURE_OTHER_RS256);
    key(FIXTURE_RS256, 0, 0, 1000);
    key(FIXTURE_ES256, 0, 1000, 2000);
    keys = set(verify);
    ck_assert_str_eq(at(keys, SEC(10)), "R+EO");
    ck_assert_str_eq(at(keys, SEC(900000)), "RE+O");
}
END_TEST

START_TEST(a_single_key_has_no_times)
{
    const authsvc_keyset_t *keys = fixture_keyset(FIXTURE_ES256);

    ck_assert_str_eq(at(keys, 0), "E+");
    ck_assert_str_eq(at(keys, SEC(5000000000LL)), "E+");
    ck_assert_int_eq(authsvc_keyset_lacks_successor(keys, 0), 0);
    ck_assert_int_eq(authsvc_keyset_jwks_lasts(keys, 0), AUTHSVC_KEY_FOREVER);
    ck_assert_int_eq(authsvc_keyset_retirement(keys, authsvc_key_id(fixture_key(FIXTURE_ES256))),
                     AUTHSVC_KEY_FOREVER);
}
END_TEST

/* What a cache keeps must not lack the key that signs meanwhile. */
START_TEST(the_published_keys_last_until_one_that_is_not_there_signs)
{
    authsvc_keyset_t *keys;

    key(FIXTURE_RS256, 0, 0, 9000);
    key(FIXTURE_ES256, 900, 1000, 9500);
    key(FIXTURE_EDDSA, 1500, 2000, 9900);
    keys = set(NULL);
    ck_assert_int_eq(authsvc_keyset_jwks_lasts(keys, SEC(100)), SEC(900));
    ck_assert_int_eq(authsvc_keyset_jwks_lasts(keys, SEC(899)), SEC(101));
    ck_assert_int_eq(authsvc_keyset_jwks_lasts(keys, SEC(900)), SEC(1100));
    ck_assert_int_eq(authsvc_keyset_jwks_lasts(keys, SEC(1499)), SEC(501));
    ck_assert_int_eq(authsvc_keyset_jwks_lasts(keys, SEC(1500)), AUTHSVC_KEY_FOREVER);
}
END_TEST

START_TEST(algorithms_are_those_of_keys_that_verify)
{
    authsvc_keyset_t *keys;

    key(FIXTURE_RS256, 0, 0, 1000);
    key(FIXTURE_ES256, 900, 1000, 9500);
    keys = set(NULL);
    ck_assert_int_eq(authsvc_keyset_algorithms(keys, 0, unit_pool)->nelts, 2);
    ck_assert_int_eq(authsvc_keyset_algorithms(keys, SEC(3000), unit_pool)->nelts, 1);
}
END_TEST

START_TEST(a_reminder_is_due_once_an_hour)
{
    authsvc_keyset_t *keys;

    key(FIXTURE_RS256, 0, 0, 1000);
    keys = set(NULL);
    ck_assert_int_eq(authsvc_keyset_reminds(keys, SEC(7200)), 1);
    ck_assert_int_eq(authsvc_keyset_reminds(keys, SEC(7200)), 0);
    ck_assert_int_eq(authsvc_keyset_reminds(keys, SEC(10799)), 0);
    ck_assert_int_eq(authsvc_keyset_reminds(keys, SEC(10800)), 1);
}
END_TEST

/* The token's own second decides, in signing as in verifying. */
START_TEST(tokens_are_signed_and_verified_by_the_clock)
{
    authsvc_claims_t claims = fixture_claims(), read;
    authsvc_jwt_expectation_t expected = fixture_expectation();
    apr_int64_t change = claims.issued_at + 10;
    authsvc_keyset_t *keys;
    const char *old_token, *new_token;

    key(FIXTURE_RS256, 0, 0, 10);
    key(FIXTURE_ES256, change - 5, change, change + 5000);
    keys = set(NULL);
    ck_assert_ptr_null(
        authsvc_jwt_sign(unit_pool, keys, AUTHSVC_TYP_JWT, &claims, &old_token));
    claims.issued_at = claims.not_before = change;
    claims.expires_at = change + 5000;
    ck_assert_ptr_null(
        authsvc_jwt_sign(unit_pool, keys, AUTHSVC_TYP_JWT, &claims, &new_token));
    expected.now = change - 1;
    ck_assert_ptr_null(
        authsvc_jwt_verify(unit_pool, fixture_keyset(FIXTURE_RS256), &expected, old_token,
                           strlen(old_token), &read));
    ck_assert_ptr_null(
        authsvc_jwt_verify(unit_pool, fixture_keyset(FIXTURE_ES256), &expected, new_token,
                           strlen(new_token), &read));
    ck_assert_ptr_null(authsvc_jwt_verify(unit_pool, keys, &expected, new_token,
                                          strlen(new_token), &read));
    ck_assert_ptr_null(authsvc_jwt_verify(unit_pool, keys, &expected, old_token,
                                          strlen(old_token), &read));
}
END_TEST

/* Whoever has a retired key makes no token that is accepted. */
START_TEST(a_retired_key_is_refused)
{
    authsvc_claims_t claims = fixture_claims(), read;
    authsvc_jwt_expectation_t expected = fixture_expectation();
    apr_int64_t change = claims.issued_at + 10;
    authsvc_keyset_t *keys;
    authsvc_cache_t *cache = NULL;
    authsvc_error_t *err;
    const char *token;

    ck_assert_ptr_null(
        authsvc_cache_create(unit_pool, 16, AUTHSVC_TOKEN_CACHE_CLAIMS, &cache));
    claims.expires_at = change + 100000;
    key(FIXTURE_RS256, 0, 0, 10);
    key(FIXTURE_ES256, change, change, change + 5000);
    keys = set(NULL);
    ck_assert_ptr_null(authsvc_jwt_sign(unit_pool, fixture_keyset(FIXTURE_RS256), AUTHSVC_TYP_JWT,
                                        &claims, &token));
    expected.now = change + LIFETIME + MARGIN - 1;
    ck_assert_ptr_null(
        authsvc_jwt_verify(unit_pool, keys, &expected, token, strlen(token), &read));
    ck_assert_int_eq(read.expires_at, claims.expires_at);
    ck_assert_int_eq(read.key_retires_at, change + LIFETIME + MARGIN);
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_null(authsvc_token_cache_verify(cache, keys, unit_pool, keys, &expected,
                                                      token, strlen(token), &read));
        ck_assert_int_eq(read.key_retires_at, change + LIFETIME + MARGIN);
    }
    expected.now++;
    err = authsvc_jwt_verify(unit_pool, keys, &expected, token, strlen(token), &read);
    ck_assert_ptr_nonnull(err);
    ck_assert_int_eq(err->code, AUTHSVC_E_UNAUTHENTICATED);
    /* Nor is what was known of it kept. */
    err = authsvc_token_cache_verify(cache, keys, unit_pool, keys, &expected, token,
                                     strlen(token), &read);
    ck_assert_ptr_nonnull(err);
    ck_assert_int_eq(err->code, AUTHSVC_E_UNAUTHENTICATED);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_keyset)
{
    Suite *suite = suite_create("keyset");
    TCase *tcase = tcase_create("times");

    suite_add_tcase(suite, tcase);
    tcase_add_unchecked_fixture(tcase, fixture_make_keys, NULL);
    tcase_add_checked_fixture(tcase, start, unit_teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, each_key_is_published_signs_and_retires_at_its_time);
    tcase_add_test(tcase, the_order_they_are_given_in_does_not_matter);
    tcase_add_test(tcase, a_key_verifies_until_its_last_token_has_expired);
    tcase_add_test(tcase, without_a_successor_the_last_key_goes_on);
    tcase_add_test(tcase, before_its_time_the_first_key_signs_and_is_published);
    tcase_add_test(tcase, two_keys_of_one_time_and_one_key_twice_are_refused);
    tcase_add_test(tcase, a_public_key_is_refused);
    tcase_add_test(tcase, verify_keys_beside_it_hold_for_good);
    tcase_add_test(tcase, a_single_key_has_no_times);
    tcase_add_test(tcase, the_published_keys_last_until_one_that_is_not_there_signs);
    tcase_add_test(tcase, algorithms_are_those_of_keys_that_verify);
    tcase_add_test(tcase, a_reminder_is_due_once_an_hour);
    tcase_add_test(tcase, tokens_are_signed_and_verified_by_the_clock);
    tcase_add_test(tcase, a_retired_key_is_refused);
    return suite;
}
