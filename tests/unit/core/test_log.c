/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "authsvc/core/log.h"

static const struct {
    const char *text;
    const char *line;
} escapes[] = {
    {"plain text, 100%", "AS0000: plain text, 100%"},
    {"a\r\nAS0001: forged", "AS0000: a\\x0d\\x0aAS0001: forged"},
    {"\x1b[31mred\x1b[0m", "AS0000: \\x1b[31mred\\x1b[0m"},
    {"tab\tbell\a", "AS0000: tab\\x09bell\\x07"},
    {"\x7f", "AS0000: \\x7f"},
    {"f\xc3\xbcr", "AS0000: f\\xc3\\xbcr"},
    {"\xe2\x80\xae\xff", "AS0000: \\xe2\\x80\\xae\\xff"},
    {"\\x0a as sent", "AS0000: \\x5cx0a as sent"},
    {"%s %n %x", "AS0000: %s %n %x"},
    {"", "AS0000: "},
};

START_TEST(escapes_what_could_forge_a_line)
{
    unit_log_t seen = {0};
    authsvc_log_t log = {unit_log_write, &seen};

    authsvc_log(&log, AUTHSVC_LOG_WARNING, "AS0000", "%s", escapes[_i].text);
    ck_assert_int_eq(seen.lines, 1);
    ck_assert_int_eq(seen.level, AUTHSVC_LOG_WARNING);
    ck_assert_str_eq(seen.last, escapes[_i].line);
}
END_TEST

START_TEST(formats_its_arguments)
{
    unit_log_t seen = {0};
    authsvc_log_t log = {unit_log_write, &seen};

    authsvc_log(&log, AUTHSVC_LOG_ERROR, "AS0000", "%d of %s", 3, "four");
    ck_assert_str_eq(seen.last, "AS0000: 3 of four");
}
END_TEST

START_TEST(cuts_at_two_kibibytes)
{
    unit_log_t seen = {0};
    authsvc_log_t log = {unit_log_write, &seen};
    char text[5001];
    size_t len;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    authsvc_log(&log, AUTHSVC_LOG_INFO, "AS0000", "%s", text);
    ck_assert_uint_eq(strlen(seen.last), 2048);
    ck_assert_str_eq(seen.last + 2045, "...");

    /* Each octet becomes four, and no escape is cut in two. */
    memset(text, '\n', sizeof(text) - 1);
    authsvc_log(&log, AUTHSVC_LOG_INFO, "AS0000", "%s", text);
    len = strlen(seen.last);
    ck_assert_uint_le(len, 2048);
    ck_assert_uint_gt(len, 2040);
    ck_assert_str_eq(seen.last + len - 7, "\\x0a...");

    /* The longest text that is not cut, and one more. */
    memset(text, 'x', sizeof(text) - 1);
    text[2045 - 8] = '\0';
    authsvc_log(&log, AUTHSVC_LOG_INFO, "AS0000", "%s", text);
    ck_assert_uint_eq(strlen(seen.last), 2045);
    ck_assert_str_eq(seen.last + 2042, "xxx");
    text[2045 - 8] = 'x';
    text[2046 - 8] = '\0';
    authsvc_log(&log, AUTHSVC_LOG_INFO, "AS0000", "%s", text);
    ck_assert_str_eq(seen.last + 2042, "xxx...");
}
END_TEST

START_TEST(null_log_is_silent)
{
    authsvc_log_t nowhere = {NULL, NULL};

    authsvc_log(NULL, AUTHSVC_LOG_ERROR, "AS0000", "%s", "x");
    authsvc_log(&nowhere, AUTHSVC_LOG_ERROR, "AS0000", "%s", "x");
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_log)
{
    Suite *suite = suite_create("log");
    TCase *tcase = unit_tcase(suite, "log");

    tcase_add_loop_test(tcase, escapes_what_could_forge_a_line, 0,
                        (int)(sizeof(escapes) / sizeof(escapes[0])));
    tcase_add_test(tcase, formats_its_arguments);
    tcase_add_test(tcase, cuts_at_two_kibibytes);
    tcase_add_test(tcase, null_log_is_silent);
    return suite;
}
