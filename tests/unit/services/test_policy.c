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

static const char *codes_for(const char *password, const char *email, const char *name)
{
    const authsvc_person_t person = {email, name};
    authsvc_error_t *err = NULL;
    authsvc_policy_check_password(&fake.ctx, "/password", password, strlen(password), &person,
                                  &err);
    return codes(err);
}

static const char *password_codes(const char *password)
{
    return codes_for(password, NULL, NULL);
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
        {"Zbcdefg1", ""},
        {"Zbcdef1", "too-short"},
        {"zbcdefg1", "needs-upper"},
        {"ZBCDEFG1", "needs-lower"},
        {"Zbcdefgh", "needs-digit"},
        {"", "too-short needs-upper needs-lower needs-digit"},
        /* U+00C4, six small letters, U+0661 (a digit) */
        {"\xc3\x84\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa9\xc3\xa8\xc3\xa0\xd9\xa1", ""},
        {"Zbcdefg1\xff", "format"},
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
    const authsvc_person_t nobody = {NULL, NULL};
    authsvc_error_t *err = NULL;
    authsvc_policy_check_password(&fake.ctx, "/password", "Zbcdefg1\0x", 10, &nobody, &err);
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

/* Of the built-in list: in any case and width, and nothing that only looks like it. */
START_TEST(common_passwords_are_refused)
{
    static const char *const common[] = {
        "123456", "password", "PASSWORD", "Password1", "abcdefg1", "zxcvbnm", "qwertyuiop",
        "\xef\xbd\x90\xef\xbd\x81ssword", /* two full-width letters */
    };
    static const char *const others[] = {
        "password1\n", "\npassword", "passworg", "password123456789", "123456\npassword", "p",
        "Correct Horse 9", "correct horse battery", "zzzzzzzzzzzzzzzzzzzzz", "\xff", "~~~~~~~~~",
    };
    fake.settings.password_min = 1;
    fake.settings.password_require = 0;
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
        ck_assert_str_eq(password_codes(common[i]), "common-password");
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        ck_assert_str_ne(password_codes(others[i]), "common-password");
    }
    ck_assert_str_eq(password_codes("password1\n"), "");
    fake.settings.password_require = AUTHSVC_REQUIRE_DIGIT;
    ck_assert_str_eq(password_codes("password"), "needs-digit common-password");
    fake.settings.password_max = 7;
    ck_assert_str_eq(password_codes("password"), "too-long");
    fake.settings.password_max = 128;
    fake.settings.password_blocklist = 0;
    ck_assert_str_eq(password_codes("password1"), "");
}
END_TEST

typedef struct {
    const char *password;
    const char *codes;
} words_case_t;

static void check_words(const words_case_t *cases, size_t n, const char *email, const char *name)
{
    fake.settings.password_min = 1;
    fake.settings.password_require = 0;
    for (size_t i = 0; i < n; i++) {
        const char *found = codes_for(cases[i].password, email, name);
        ck_assert_msg(!strcmp(found, cases[i].codes), "%s: \"%s\", not \"%s\"",
                      cases[i].password, found, cases[i].codes);
    }
}

#define CHECK_WORDS(cases, email, name) \
    check_words((cases), sizeof(cases) / sizeof((cases)[0]), (email), (name))

START_TEST(passwords_of_the_email_are_refused)
{
    static const words_case_t cases[] = {
        {"ada.byron@example.com", "contains-email"},
        {"Ada.Byron@Example.com!1", "contains-email"},
        {"Ada.Byron", "contains-email"},
        {"AdaByron123", "contains-email"},
        {"Byron-99", "contains-email"},
        {"1!ByronByron?", "contains-email"},
        {"Byron1812", ""}, /* four of its own */
        {"ada-4711-x", ""}, /* a word of three is none */
        {"example.com", ""}, /* not the account's own */
        {"Byr0n", ""},
    };
    CHECK_WORDS(cases, "ada.byron@example.com", NULL);
}
END_TEST

START_TEST(passwords_of_the_name_are_refused)
{
    static const words_case_t cases[] = {
        {"Ada Lovelace", "contains-name"},
        {"adalovelace", "contains-name"},
        {"LOVELACE!!!", "contains-name"},
        {"lovelaceada", "contains-name"}, /* three left */
        {"lovelace-ada", ""},
        {"Lovelace1815", ""},
        {"ada", ""},
    };
    static const words_case_t wide[] = {
        /* "MULLER" with a diaeresis, composed and decomposed */
        {"M\xc3\x9cLLER12", "contains-name"},
        {"Mu\xcc\x88ller12", "contains-name"},
        {"Muller12", ""},
    };
    CHECK_WORDS(cases, NULL, "  Ada Lovelace ");
    CHECK_WORDS(wide, NULL, "J. M\xc3\xbcller");
    ck_assert_str_eq(codes_for("lovelace@byron", "byron@example.com", "Lovelace"),
                     "contains-email contains-name");
    ck_assert_str_eq(codes_for("Lovelace1", "lovelace@example.com", "Lovelace"),
                     "contains-email contains-name");
}
END_TEST

static void set_site(const char *host)
{
    apr_array_header_t *sites = apr_array_make(fake.ctx.pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(sites, const char *) = host;
    fake.settings.sites = sites;
}

START_TEST(passwords_of_the_site_are_refused)
{
    static const words_case_t cases[] = {
        {"www.my-shop.example.org", "contains-site"},
        {"example.org", "contains-site"},
        {"Example1!", "contains-site"},
        {"MyShop22", "contains-site"},
        {"my-shop.22", "contains-site"},
        {"shop-www", ""}, /* "www" is no word */
        {"org12345", ""}, /* nor is the last label */
        {"example2026", ""},
    };
    static const words_case_t address[] = {{"127.0.0.1", "contains-site"}, {"0000.127", ""}};
    static const words_case_t local[] = {{"LocalHost1", "contains-site"}, {"local-1234", ""}};
    set_site("www.my-shop.example.org");
    CHECK_WORDS(cases, NULL, NULL);
    set_site("127.0.0.1");
    CHECK_WORDS(address, NULL, NULL);
    set_site("localhost");
    CHECK_WORDS(local, NULL, NULL);
    fake.settings.password_blocklist = 0;
    ck_assert_str_eq(password_codes("localhost1"), "");
}
END_TEST

START_TEST(policies_by_name)
{
    const authsvc_password_policy_t *seed = authsvc_password_policy("seed");
    const authsvc_password_policy_t *nist = authsvc_password_policy("NIST");
    ck_assert_int_eq(seed->min, fake.settings.password_min);
    ck_assert_int_eq(seed->max, fake.settings.password_max);
    ck_assert_int_eq(seed->require, fake.settings.password_require);
    ck_assert_int_eq(nist->min, 15);
    ck_assert_int_ge(nist->max, 128);
    ck_assert_int_eq(nist->require, 0);
    ck_assert_ptr_null(authsvc_password_policy("nis"));
    ck_assert_ptr_null(authsvc_password_policy(""));
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
    tcase_add_test(tcase, common_passwords_are_refused);
    tcase_add_test(tcase, passwords_of_the_email_are_refused);
    tcase_add_test(tcase, passwords_of_the_name_are_refused);
    tcase_add_test(tcase, passwords_of_the_site_are_refused);
    tcase_add_test(tcase, policies_by_name);
    tcase_add_test(tcase, name_is_trimmed_and_bounded);
    tcase_add_test(tcase, email_is_normalized);
    return suite;
}
