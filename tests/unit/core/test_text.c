/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "authsvc/core/settings.h"
#include "authsvc/core/text.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* What RFC 3629 refuses, and what is right beside it. */
static const struct {
    const char *text;
    long length;
} lengths[] = {
    {"", 0},
    {"abc", 3},
    {"f\xc3\xbcr", 3},
    {"\xe2\x82\xac", 1},                     /* U+20AC */
    {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa6", 3}, /* two emoji and a joiner */
    {"e\xcc\x81", 2},                        /* e, combining acute: two, not one */
    {"\xf4\x8f\xbf\xbf", 1},                 /* U+10FFFF */
    {"\xf4\x90\x80\x80", -1},                /* beyond it */
    {"\xed\x9f\xbf", 1},                     /* U+D7FF */
    {"\xed\xa0\x80", -1},                    /* a surrogate */
    {"\xed\xbf\xbf", -1},
    {"\xc0\x80", -1},                        /* overlong NUL */
    {"\xc1\xbf", -1},
    {"\xe0\x9f\xbf", -1},
    {"\xf0\x8f\xbf\xbf", -1},
    {"\x80", -1},                            /* continuation alone */
    {"a\xc3", -1},                           /* cut off */
    {"\xe2\x82", -1},
    {"\xff", -1},
    {"\xf8\x88\x80\x80\x80", -1},
};

START_TEST(length_counts_code_points)
{
    ck_assert_int_eq(authsvc_text_length(lengths[_i].text, strlen(lengths[_i].text)),
                     lengths[_i].length);
}
END_TEST

START_TEST(length_goes_by_octets_not_by_nul)
{
    ck_assert_int_eq(authsvc_text_length("a\0b", 3), 3);
    ck_assert_int_eq(authsvc_text_length("abc", 2), 2);
    ck_assert_int_eq(authsvc_text_length("\xc3\xbc", 1), -1);
    ck_assert_int_eq(authsvc_text_length(NULL, 0), 0);
}
END_TEST

static const struct {
    const char *text;
    int control;
} controls[] = {
    {"", 0},         {"Ann Lee", 0},      {"\xc3\xbc", 0},     {"a\nb", 1},
    {"\x7f", 1},     {"\x1b[0m", 1},      {"\xc2\x85", 1},     {"\xc2\x80", 1},
    {"\xc2\xa0", 0}, {"\xe2\x80\xae", 0}, {"a\xff", 1},        {"\x01", 1},
    {"\x1f", 1},     {" ", 0},            {"\xc2\x9f", 1},
};

START_TEST(control_characters_are_found)
{
    ck_assert_int_eq(authsvc_text_has_control(controls[_i].text, strlen(controls[_i].text)),
                     controls[_i].control);
}
END_TEST

START_TEST(nul_is_a_control_character)
{
    ck_assert_int_eq(authsvc_text_has_control("a\0b", 3), 1);
    ck_assert_int_eq(authsvc_text_has_control("a\0b", 1), 0);
}
END_TEST

static const struct {
    const char *text;
    const char *trimmed;
} trims[] = {
    {"", ""},
    {"   ", ""},
    {" \t\r\n\v\f", ""},
    {"Ann", "Ann"},
    {"  Ann  Lee ", "Ann  Lee"},
    {"\xc2\xa0\xe3\x80\x80" "Ann\xe2\x80\xa8", "Ann"}, /* no-break, ideographic, line separator */
    {"\xe2\x80\x83" "x\xc2\x85", "x"},                 /* em space, next line */
    {"\xe2\x80\x8b" "x", "\xe2\x80\x8b" "x"},          /* zero width space is not White_Space */
    {" \xff ", "\xff"},
    {" a\xc3", "a\xc3"},
};

START_TEST(trim_takes_unicode_white_space)
{
    ck_assert_str_eq(authsvc_text_trim(unit_pool, trims[_i].text), trims[_i].trimmed);
}
END_TEST

enum {
    U = AUTHSVC_REQUIRE_UPPER,
    L = AUTHSVC_REQUIRE_LOWER,
    D = AUTHSVC_REQUIRE_DIGIT,
    S = AUTHSVC_REQUIRE_SYMBOL
};

static const struct {
    const char *text;
    int kinds;
} kinds[] = {
    {"", 0},
    {"abc", L},
    {"Abc1", U | L | D},
    {"Abc1!", U | L | D | S},
    {"\xc3\x84\xc3\xb6", U | L},         /* letters outside ASCII count */
    {"\xd0\x96\xd0\xb6", U | L},         /* Cyrillic */
    {"\xd9\xa3", D},                     /* Arabic-Indic three is Nd */
    {"\xc2\xb2", S},                     /* superscript two is No */
    {"\xe4\xb8\xad", 0},                 /* a letter without case: none of the four */
    {"\xc7\x85", 0},                     /* title case, Lt */
    {" ", S},
    {"\xf0\x9f\x98\x80", S},
    {"_", S},
    {"A\xff", 0},                        /* ill-formed has none */
};

START_TEST(kinds_go_by_general_category)
{
    ck_assert_int_eq(authsvc_text_kinds(kinds[_i].text, strlen(kinds[_i].text)), kinds[_i].kinds);
}
END_TEST

START_TEST(equal_ascii_case_folds_ascii_only)
{
    ck_assert_int_eq(authsvc_text_equal_ascii_case("Bearer", "bEARER"), 1);
    ck_assert_int_eq(authsvc_text_equal_ascii_case("", ""), 1);
    ck_assert_int_eq(authsvc_text_equal_ascii_case("bearer", "bearer "), 0);
    ck_assert_int_eq(authsvc_text_equal_ascii_case("bearer ", "bearer"), 0);
    ck_assert_int_eq(authsvc_text_equal_ascii_case("a", "b"), 0);
    ck_assert_int_eq(authsvc_text_equal_ascii_case("@[`{", "@[`{"), 1);
    ck_assert_int_eq(authsvc_text_equal_ascii_case("@", "`"), 0);
    ck_assert_int_eq(authsvc_text_equal_ascii_case("[", "{"), 0);
    ck_assert_int_eq(authsvc_text_equal_ascii_case("\xc3\x84", "\xc3\xa4"), 0);
    ck_assert_int_eq(authsvc_text_equal_ascii_case("k", "\xe2\x84\xaa"), 0);
}
END_TEST

static const struct {
    const char *text;
    const char *folded;
} folds[] = {
    {"", ""},
    {"Password1 [`{", "password1 [`{"},
    {"\xef\xbc\xb0\xef\xbd\x81ss", "pass"},          /* full-width P, a */
    {"STRASSE", "strasse"},
    {"Stra\xc3\x9f" "e", "strasse"},                 /* sharp s */
    {"MU\xcc\x88LLER", "m\xc3\xbcller"},             /* decomposed */
    {"\xc3\x84", "\xc3\xa4"},
    {"\xe2\x84\xaa", "k"},                          /* the Kelvin sign */
    {"I", "i"},                                     /* in Turkey, too */
    {"a\xff", NULL},
};

START_TEST(folding_by_unicode)
{
    ck_assert_pstr_eq(authsvc_text_fold(unit_pool, folds[_i].text, strlen(folds[_i].text)),
                      folds[_i].folded);
}
END_TEST

static const struct {
    const char *text;
    const char *runs; /* with | between them */
} runs[] = {
    {"", ""},
    {"-. ", ""},
    {"ada", "ada"},
    {"ada.love-lace7@x", "ada|love|lace7|x"},
    {"  a\xc3\xa4" "b\xe2\x80\x94" "c\xcc\x88 ", "a\xc3\xa4" "b|c\xcc\x88"},
    {"\xe5\xaf\x86\xe7\xa0\x81\xe3\x80\x82x", "\xe5\xaf\x86\xe7\xa0\x81|x"},
};

START_TEST(runs_of_letters_and_digits)
{
    ck_assert_str_eq(apr_array_pstrcat(unit_pool, authsvc_text_runs(unit_pool, runs[_i].text), '|'),
                     runs[_i].runs);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_text)
{
    Suite *suite = suite_create("text");
    TCase *tcase = unit_tcase(suite, "text");

    tcase_add_loop_test(tcase, length_counts_code_points, 0, COUNT(lengths));
    tcase_add_test(tcase, length_goes_by_octets_not_by_nul);
    tcase_add_loop_test(tcase, control_characters_are_found, 0, COUNT(controls));
    tcase_add_test(tcase, nul_is_a_control_character);
    tcase_add_loop_test(tcase, trim_takes_unicode_white_space, 0, COUNT(trims));
    tcase_add_loop_test(tcase, kinds_go_by_general_category, 0, COUNT(kinds));
    tcase_add_test(tcase, equal_ascii_case_folds_ascii_only);
    tcase_add_loop_test(tcase, folding_by_unicode, 0, COUNT(folds));
    tcase_add_loop_test(tcase, runs_of_letters_and_digits, 0, COUNT(runs));
    return suite;
}
