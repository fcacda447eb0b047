/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/device_token.h"

#include <apr_strings.h>

#include "unit.h"

#define SECRET_A "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"
#define SECRET_B "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI"
#define ISSUED apr_time_from_sec(1800000000)

static const unsigned char database[AUTHSVC_UUID_OCTETS] = {1, 2, 3, 4};
static const unsigned char other_database[AUTHSVC_UUID_OCTETS] = {1, 2, 3, 5};

static authsvc_secrets_t *secrets(const char *text)
{
    authsvc_secrets_t *parsed;
    ck_assert_ptr_null(authsvc_secrets_parse(unit_pool, "test", text, strlen(text), &parsed));
    return parsed;
}

static const char *encode(const char *secret_text)
{
    authsvc_device_token_t token = {.issued_at = ISSUED};
    const char *text = NULL;
    memset(token.device_id, 0x5a, sizeof(token.device_id));
    memset(token.user_id, 0xc3, sizeof(token.user_id));
    ck_assert_ptr_null(
        authsvc_device_token_encode(unit_pool, secrets(secret_text), database, &token, &text));
    return text;
}

static int is_valid(const char *secret_text, const unsigned char *id, const char *text)
{
    authsvc_device_token_t token;
    int valid = 7;
    ck_assert_ptr_null(authsvc_device_token_decode(unit_pool, secrets(secret_text), id, text,
                                                   &token, &valid));
    return valid;
}

START_TEST(what_was_written_is_read)
{
    authsvc_device_token_t token;
    unsigned char user[AUTHSVC_UUID_OCTETS];
    int valid = 0;
    const char *text = encode("1:" SECRET_A);
    memset(user, 0xc3, sizeof(user));
    ck_assert_int_eq(strncmp(text, "asd1_", 5), 0);
    ck_assert_ptr_null(authsvc_device_token_decode(unit_pool, secrets("1:" SECRET_A), database,
                                                   text, &token, &valid));
    ck_assert_int_eq(valid, 1);
    ck_assert_mem_eq(token.user_id, user, sizeof(user));
    ck_assert_int_eq(token.device_id[15], 0x5a);
    ck_assert_int_eq(token.issued_at, ISSUED);
}
END_TEST

START_TEST(any_other_character_makes_it_none)
{
    const char *text = encode("1:" SECRET_A);
    for (size_t i = 0; i < strlen(text); i++) {
        char *changed = apr_pstrdup(unit_pool, text);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        ck_assert_int_eq(is_valid("1:" SECRET_A, database, changed), 0);
    }
    ck_assert_int_eq(is_valid("1:" SECRET_A, database, ""), 0);
    ck_assert_int_eq(is_valid("1:" SECRET_A, database, "asd1_"), 0);
    ck_assert_int_eq(is_valid("1:" SECRET_A, database, apr_pstrcat(unit_pool, text, "A", NULL)),
                     0);
    ck_assert_int_eq(is_valid("1:" SECRET_A, database, text), 1);
}
END_TEST

START_TEST(it_is_of_one_secret_and_one_database)
{
    const char *text = encode("1:" SECRET_A);
    ck_assert_int_eq(is_valid("2:" SECRET_B "\n1:" SECRET_A, database, text), 1);
    ck_assert_int_eq(is_valid("2:" SECRET_A, database, text), 0);
    ck_assert_int_eq(is_valid("1:" SECRET_B, database, text), 0);
    ck_assert_int_eq(is_valid("1:" SECRET_A, other_database, text), 0);
}
END_TEST

static void hash(const char *secret_text, const char *email, unsigned char *out)
{
    ck_assert_ptr_null(authsvc_account_hash(unit_pool, secrets(secret_text), email, out));
}

START_TEST(an_account_has_one_hash_under_one_secret)
{
    unsigned char one[AUTHSVC_ACCOUNT_HASH_OCTETS], other[AUTHSVC_ACCOUNT_HASH_OCTETS];
    hash("1:" SECRET_A, "ada@example.org", one);
    hash("1:" SECRET_A "\n2:" SECRET_B, "ada@example.org", other);
    ck_assert_mem_eq(one, other, sizeof(one));
    hash("1:" SECRET_A, "eve@example.org", other);
    ck_assert_mem_ne(one, other, sizeof(one));
    hash("1:" SECRET_B, "ada@example.org", other);
    ck_assert_mem_ne(one, other, sizeof(one));
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_device_token)
{
    Suite *suite = suite_create("device-token");
    TCase *tcase = unit_tcase(suite, "device-token");
    tcase_add_test(tcase, what_was_written_is_read);
    tcase_add_test(tcase, any_other_character_makes_it_none);
    tcase_add_test(tcase, it_is_of_one_secret_and_one_database);
    tcase_add_test(tcase, an_account_has_one_hash_under_one_secret);
    return suite;
}
