/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

/* The codes of an error's fields, in order: "too-short needs-upper". */
static const char *codes(const authsvc_error_t *err)
{
    const char *all = "";
    for (int i = 0; err && i < err->fields->nelts; i++) {
        const authsvc_error_field_t *field =
            &APR_ARRAY_IDX(err->fields, i, authsvc_error_field_t);
        all = apr_pstrcat(fake.ctx.pool, all, *all ? " " : "", field->code, NULL);
    }
    return all;
}

static const char *password_codes(const char *password)
{
    authsvc_error_t *err = NULL;
    authsvc_policy_check_password(&fake.ctx, "/password", password, strlen(password), &err);
    return codes(err);
}

static const char *repeat(const char *text, int times)
{
    const char *all = "";
    for (int i = 0; i < times; i++) {
        all = apr_pstrcat(fake.ctx.pool, all, text, NULL);
    }
    return all;
}

START_TEST(password_default_policy)
{
    static const struct {
        const char *password;
        const char *codes;
    } cases[] = {
        {"Abcdefg1", ""},
        {"Abcdef1", "too-short"},
        {"abcdefg1", "needs-upper"},
        {"ABCDEFG1", "needs-lower"},
        {"Abcdefgh", "needs-digit"},
        {"", "too-short needs-upper needs-lower needs-digit"},
        /* U+00C4, six small letters, U+0661 (a digit) */
        {"\xc3\x84\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa9\xc3\xa8\xc3\xa0\xd9\xa1", ""},
        {"Abcdefg1\xff", "format"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_str_eq(password_codes(cases[i].password), cases[i].codes);
    }
}
END_TEST

START_TEST(password_length_counts_code_points)
{
    const char *grin = "\xf0\x9f\x98\x80";
    fake.settings.password_require = 0;
    ck_assert_str_eq(password_codes(repeat(grin, 7)), "too-short");
    ck_assert_str_eq(password_codes(repeat(grin, 8)), "");
    ck_assert_str_eq(password_codes(repeat(grin, 128)), "");
    ck_assert_str_eq(password_codes(repeat(grin, 129)), "too-long");
}
END_TEST

START_TEST(password_nul_is_refused)
{
    authsvc_error_t *err = NULL;
    authsvc_policy_check_password(&fake.ctx, "/password", "Abcdefg1\0x", 10, &err);
    ck_assert_str_eq(codes(err), "format");
}
END_TEST

START_TEST(password_policy_follows_the_settings)
{
    fake.settings.password_min = 15;
    fake.settings.password_require = AUTHSVC_REQUIRE_SYMBOL;
    ck_assert_str_eq(password_codes("fifteen letters"), ""); /* the space is a symbol */
    ck_assert_str_eq(password_codes("fifteenletters1"), "needs-symbol");
    ck_assert_str_eq(password_codes("short one"), "too-short");
}
END_TEST

START_TEST(name_is_trimmed_and_bounded)
{
    static const struct {
        const char *name;
        const char *trimmed;
        const char *codes;
    } cases[] = {
        {"Ada", "Ada", ""},
        {"  Ada Lovelace\xe2\x80\x83", "Ada Lovelace", ""}, /* U+2003 */
        {"   ", NULL, "too-short"},
        {"", NULL, "too-short"},
        {"A\nB", NULL, "control-characters"},
        {"A\x7f", NULL, "control-characters"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        authsvc_error_t *err = NULL;
        const char *trimmed = NULL;
        authsvc_policy_check_name(&fake.ctx, "/name", cases[i].name, &trimmed, &err);
        ck_assert_str_eq(codes(err), cases[i].codes);
        if (cases[i].trimmed) {
            ck_assert_str_eq(trimmed, cases[i].trimmed);
        }
    }
    authsvc_error_t *err = NULL;
    const char *trimmed = NULL;
    authsvc_policy_check_name(&fake.ctx, "/name", repeat("\xc3\xa9", 100), &trimmed, &err);
    ck_assert_ptr_null(err);
    authsvc_policy_check_name(&fake.ctx, "/name", repeat("\xc3\xa9", 101), &trimmed, &err);
    ck_assert_str_eq(codes(err), "too-long");
}
END_TEST

START_TEST(email_is_normalized)
{
    authsvc_error_t *err = NULL;
    const char *email = NULL;
    authsvc_policy_check_email(&fake.ctx, "/email", "Ada@B\xc3\xbc"
                                                    "cher.Example",
                               &email, &err);
    ck_assert_ptr_null(err);
    ck_assert_str_eq(email, "ada@xn--bcher-kva.example");
    authsvc_policy_check_email(&fake.ctx, "/email", "no address", &email, &err);
    ck_assert_str_eq(codes(err), "format");
    const authsvc_error_field_t *field = &APR_ARRAY_IDX(err->fields, 0, authsvc_error_field_t);
    ck_assert_str_eq(field->pointer, "/email");
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_policy)
{
    Suite *suite = suite_create("policy");
    TCase *tcase = fake_tcase(suite, "policy");
    tcase_add_test(tcase, password_default_policy);
    tcase_add_test(tcase, password_length_counts_code_points);
    tcase_add_test(tcase, password_nul_is_refused);
    tcase_add_test(tcase, password_policy_follows_the_settings);
    tcase_add_test(tcase, name_is_trimmed_and_bounded);
    tcase_add_test(tcase, email_is_normalized);
    return suite;
}
