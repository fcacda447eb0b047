/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/refresh_token.h"

#include "unit.h"

#define SECRET_A "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"
#define SECRET_B "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI"

static const unsigned char database[AUTHSVC_UUID_OCTETS] = {1, 2, 3, 4, 5, 6, 7, 8,
                                                            9, 10, 11, 12, 13, 14, 15, 16};

static authsvc_secrets_t *secrets(const char *text)
{
    authsvc_secrets_t *parsed;

    ck_assert_ptr_null(authsvc_secrets_parse(unit_pool, "test", text, strlen(text), &parsed));
    return parsed;
}

static authsvc_refresh_token_t example(void)
{
    authsvc_refresh_token_t token;

    memset(token.session_id, 0x5a, sizeof(token.session_id));
    memset(token.nonce, 0xc3, sizeof(token.nonce));
    token.counter = 0x01020304;
    return token;
}

static const char *encode(const char *secret_text)
{
    authsvc_refresh_token_t token = example();
    const char *text = NULL;

    ck_assert_ptr_null(
        authsvc_refresh_token_encode(unit_pool, secrets(secret_text), database, &token, &text));
    return text;
}

static authsvc_error_t *decode_octets(const char *secret_text, const char *text, apr_size_t len)
{
    authsvc_refresh_token_t token;

    return authsvc_refresh_token_decode(unit_pool, secrets(secret_text), database, text, len,
                                        &token);
}

static authsvc_error_t *decode(const char *secret_text, const char *text)
{
    return decode_octets(secret_text, text, strlen(text));
}

static void assert_refused(authsvc_error_t *err)
{
    ck_assert_ptr_nonnull(err);
    ck_assert_int_eq(err->code, AUTHSVC_E_UNAUTHENTICATED);
    ck_assert_str_eq(err->slug, "invalid-refresh-token");
    ck_assert_str_eq(err->detail, "The refresh token is invalid or has expired.");
}

START_TEST(a_token_comes_back_as_it_was)
{
    static const apr_uint32_t counters[] = {0, 1, 255, 256, 0x01020304, 0x7fffffff, 0x80000000,
                                            0xffffffff};
    authsvc_secrets_t *set = secrets("1:" SECRET_A "\n");
    size_t i;

    for (i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        authsvc_refresh_token_t token = example(), read;
        const char *text, *again;

        token.counter = counters[i];
        ck_assert_ptr_null(authsvc_refresh_token_encode(unit_pool, set, database, &token, &text));
        ck_assert_ptr_null(authsvc_refresh_token_encode(unit_pool, set, database, &token, &again));
        ck_assert_str_eq(text, again);
        ck_assert_uint_eq(strlen(text), 76);
        ck_assert_int_eq(strncmp(text, AUTHSVC_REFRESH_PREFIX, 5), 0);
        ck_assert_ptr_null(authsvc_refresh_token_decode(unit_pool, set, database, text,
                                                        strlen(text), &read));
        ck_assert_mem_eq(read.session_id, token.session_id, sizeof(token.session_id));
        ck_assert_mem_eq(read.nonce, token.nonce, sizeof(token.nonce));
        ck_assert_uint_eq(read.counter, token.counter);
    }
}
END_TEST

/*
 * Tokens are out there for 30 days: their form must never change. Computed apart from the code
 * (BLAKE2b with key, salt and personal as crypto_kdf has it).
 */
START_TEST(the_form_never_changes)
{
    ck_assert_str_eq(encode("1:" SECRET_A "\n"),
                     "asr1_AVpaWlpaWlpaWlpaWlpaWlrDw8PDw8PDw8PDw8PDw8P"
                     "DAQIDBCzvNyXSKOBlWEvUzbHaQhM");
}
END_TEST

START_TEST(every_octet_counts)
{
    static const char others[] = {'A', 'B', 'Q', '-', '_', '.', '=', '+', ' ', '\0', '\x80'};
    const char *set = "1:" SECRET_A "\n", *text = encode(set);
    char *altered = apr_pstrdup(unit_pool, text);
    size_t i, j;

    ck_assert_ptr_null(decode(set, altered));
    for (i = 0; i < strlen(text); i++) {
        for (j = 0; j < sizeof(others); j++) {
            if (others[j] != text[i]) {
                altered[i] = others[j];
                assert_refused(decode_octets(set, altered, strlen(text)));
            }
        }
        altered[i] = text[i];
    }
    ck_assert_ptr_null(decode(set, altered));
}
END_TEST

START_TEST(wrong_lengths_and_prefixes_are_refused)
{
    const char *set = "1:" SECRET_A "\n", *text = encode(set);
    size_t i;

    for (i = 0; i < strlen(text); i++) {
        assert_refused(decode_octets(set, text, i));
    }
    assert_refused(decode(set, apr_pstrcat(unit_pool, text, "A", NULL)));
    assert_refused(decode(set, apr_pstrcat(unit_pool, text, "=", NULL)));
    assert_refused(decode_octets(set, apr_pstrcat(unit_pool, text, "x", NULL), strlen(text) + 1));
    assert_refused(decode(set, text + 5));
    assert_refused(decode(set, apr_pstrcat(unit_pool, "ASR1_", text + 5, NULL)));
    assert_refused(decode(set, apr_pstrcat(unit_pool, "asr2_", text + 5, NULL)));
    ck_assert_ptr_null(decode(set, text));
}
END_TEST

START_TEST(another_database_or_secret_is_refused)
{
    const char *text = encode("1:" SECRET_A "\n");
    unsigned char other[AUTHSVC_UUID_OCTETS];
    authsvc_refresh_token_t token;
    size_t i;

    for (i = 0; i < sizeof(other); i++) {
        memcpy(other, database, sizeof(other));
        other[i] ^= 1;
        assert_refused(authsvc_refresh_token_decode(unit_pool, secrets("1:" SECRET_A "\n"), other,
                                                    text, strlen(text), &token));
    }
    assert_refused(decode("1:" SECRET_B "\n", text));
    assert_refused(decode("2:" SECRET_A "\n", text));
    ck_assert_ptr_null(decode("1:" SECRET_A "\n", text));
}
END_TEST

/* Without a key BLAKE2b is a hash that anybody can compute: an unknown number must end it. */
START_TEST(an_unknown_number_is_not_an_empty_key)
{
    static const char forged[] = "asr1_AlpaWlpaWlpaWlpaWlpaWlrDw8PDw8PDw8P"
                                 "Dw8PDw8PDAQIDBKk6DzXkoiKx_ws91ud8kNg";

    ck_assert_uint_eq(strlen(forged), 76);
    assert_refused(decode("1:" SECRET_A "\n", forged));
    assert_refused(decode("2:" SECRET_A "\n", forged));
}
END_TEST

/* Append everywhere, move to the front, remove. */
START_TEST(secrets_rotate_without_a_logout)
{
    const char *before = "1:" SECRET_A "\n", *appended = "1:" SECRET_A "\n2:" SECRET_B "\n";
    const char *promoted = "2:" SECRET_B "\n1:" SECRET_A "\n", *after = "2:" SECRET_B "\n";
    const char *old = encode(before), *new = encode(promoted);

    ck_assert_str_eq(encode(appended), old);
    ck_assert_str_ne(new, old);
    ck_assert_ptr_null(decode(appended, old));
    ck_assert_ptr_null(decode(appended, new));
    ck_assert_ptr_null(decode(promoted, old));
    ck_assert_ptr_null(decode(promoted, new));
    ck_assert_ptr_null(decode(after, new));
    assert_refused(decode(after, old));
    assert_refused(decode(before, new));
}
END_TEST

START_TEST(the_row_holds_the_hash_of_the_nonce)
{
    /* SHA-256 of sixteen octets 0xc3. */
    static const unsigned char wanted[AUTHSVC_NONCE_HASH_OCTETS] = {
        0x32, 0x72, 0x77, 0x59, 0xfd, 0x63, 0xb4, 0x25, 0x23, 0xe3, 0x73, 0xec,
        0x38, 0x0c, 0x86, 0x9a, 0x26, 0x79, 0x59, 0x20, 0x0f, 0xcc, 0x57, 0x3b,
        0x48, 0x09, 0xdf, 0xed, 0xbf, 0xde, 0x7d, 0x3e};
    authsvc_refresh_token_t token = example();
    unsigned char hash[AUTHSVC_NONCE_HASH_OCTETS];

    authsvc_refresh_token_nonce_hash(token.nonce, hash);
    ck_assert_mem_eq(hash, wanted, sizeof(hash));
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_refresh_token)
{
    Suite *suite = suite_create("refresh token");
    TCase *tcase = unit_tcase(suite, "refresh token");

    tcase_add_test(tcase, a_token_comes_back_as_it_was);
    tcase_add_test(tcase, the_form_never_changes);
    tcase_add_test(tcase, every_octet_counts);
    tcase_add_test(tcase, wrong_lengths_and_prefixes_are_refused);
    tcase_add_test(tcase, another_database_or_secret_is_refused);
    tcase_add_test(tcase, an_unknown_number_is_not_an_empty_key);
    tcase_add_test(tcase, secrets_rotate_without_a_logout);
    tcase_add_test(tcase, the_row_holds_the_hash_of_the_nonce);
    return suite;
}
