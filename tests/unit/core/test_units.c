/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <limits.h>

#include "authsvc/core/units.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define REFUSED (-1)

static const struct {
    const char *text;
    apr_int64_t microseconds;
} durations[] = {
    {"900", 900000000},
    {"0", 0},
    {"0s", 0},
    {"1s", 1000000},
    {"250ms", 250000},
    {"15m", 900000000},
    {"2h", APR_INT64_C(7200000000)},
    {"30d", APR_INT64_C(2592000000000)},
    {"1w", APR_INT64_C(604800000000)},
    {"0000000000000000000000000000007", 7000000},
    {"36525d", APR_INT64_C(3155760000000000)},
    {"3155760000", APR_INT64_C(3155760000000000)},
    {"3155760000000ms", APR_INT64_C(3155760000000000)},
    {"36526d", REFUSED},
    {"3155760001", REFUSED},
    {"3155760000001ms", REFUSED},
    {"5218w", REFUSED},
    {"9223372036854775807", REFUSED},
    {"9223372036854775808", REFUSED},
    {"18446744073709551616", REFUSED},
    {"18446744073709551617s", REFUSED},
    {"30500568904944w", REFUSED}, /* wraps 64 bits to something small */
    {"99999999999999999999999999d", REFUSED},
    {"", REFUSED},
    {"s", REFUSED},
    {"-1", REFUSED},
    {"+1", REFUSED},
    {" 1", REFUSED},
    {"1 ", REFUSED},
    {"1 s", REFUSED},
    {"300x", REFUSED},
    {"300S", REFUSED},
    {"300M", REFUSED},
    {"300sec", REFUSED},
    {"1.5h", REFUSED},
    {"1h30m", REFUSED},
    {"0x10", REFUSED},
    {"1e3", REFUSED},
    {"m", REFUSED},
    {"1us", REFUSED},
};

START_TEST(duration)
{
    apr_interval_time_t value = -7;
    int done = authsvc_duration_parse(durations[_i].text, &value);

    if (durations[_i].microseconds == REFUSED) {
        ck_assert_msg(!done, "\"%s\" was read as %" APR_INT64_T_FMT, durations[_i].text, value);
        ck_assert_int_eq(value, -7);
    } else {
        ck_assert_int_eq(done, 1);
        ck_assert_int_eq(value, durations[_i].microseconds);
    }
}
END_TEST

static const struct {
    const char *text;
    int accepted;
    apr_uint64_t octets;
} sizes[] = {
    {"0", 1, 0},
    {"65536", 1, 65536},
    {"64K", 1, 65536},
    {"1M", 1, 1048576},
    {"4G", 1, APR_UINT64_C(4294967296)},
    {"17179869183G", 1, APR_UINT64_C(18446744072635809792)},
    {"18446744073709551615", 1, APR_UINT64_C(18446744073709551615)},
    {"17179869184G", 0, 0},
    {"18446744073709551616", 0, 0},
    {"18446744073709551615K", 0, 0},
    {"", 0, 0},
    {"K", 0, 0},
    {"-1", 0, 0},
    {"1KB", 0, 0},
    {"1k", 0, 0},
    {"1T", 0, 0},
    {"300x", 0, 0},
    {"1 K", 0, 0},
    {"1.5M", 0, 0},
};

START_TEST(size)
{
    apr_size_t value = 7;
    int done = authsvc_size_parse(sizes[_i].text, &value);

    ck_assert_int_eq(done, sizes[_i].accepted);
    ck_assert_uint_eq(value, done ? sizes[_i].octets : 7);
}
END_TEST

static const struct {
    const char *text;
    long min, max;
    int accepted;
    long value;
} integers[] = {
    {"0", 0, 10, 1, 0},
    {"10", 0, 10, 1, 10},
    {"11", 0, 10, 0, 0},
    {"7", 8, 10, 0, 0},
    {"8", 8, 10, 1, 8},
    {"0", -5, 5, 1, 0},
    {"9223372036854775807", 0, LONG_MAX, 1, LONG_MAX},
    {"9223372036854775808", 0, LONG_MAX, 0, 0},
    {"18446744073709551621", 0, 10, 0, 0}, /* 2^64 + 5 */
    {"", 0, 10, 0, 0},
    {"-1", -5, 5, 0, 0},
    {"+1", 0, 10, 0, 0},
    {"1x", 0, 10, 0, 0},
    {" 1", 0, 10, 0, 0},
    {"1 ", 0, 10, 0, 0},
    {"1.0", 0, 10, 0, 0},
    {"0x1", 0, 10, 0, 0},
};

START_TEST(integer)
{
    long value = -7;
    int done = authsvc_integer_parse(integers[_i].text, integers[_i].min, integers[_i].max, &value);

    ck_assert_int_eq(done, integers[_i].accepted);
    ck_assert_int_eq(value, done ? integers[_i].value : -7);
}
END_TEST

static const struct {
    apr_int64_t seconds;
    const char *text;
} dates[] = {
    {0, "1970-01-01T00:00:00Z"},
    {951782400, "2000-02-29T00:00:00Z"},
    {1769903999, "2026-01-31T23:59:59Z"},
    {2147483647, "2038-01-19T03:14:07Z"},
    {APR_INT64_C(2147483648), "2038-01-19T03:14:08Z"},
    {APR_INT64_C(4294967295), "2106-02-07T06:28:15Z"},
    {APR_INT64_C(4294967296), "2106-02-07T06:28:16Z"},
    {APR_INT64_C(4107542399), "2100-02-28T23:59:59Z"},
    {APR_INT64_C(4107542400), "2100-03-01T00:00:00Z"}, /* no leap year */
    {APR_INT64_C(253402300799), "9999-12-31T23:59:59Z"},
    {-1, "1969-12-31T23:59:59Z"},
    {APR_INT64_C(-2208988800), "1900-01-01T00:00:00Z"},
};

START_TEST(rfc3339_has_no_other_years)
{
    ck_assert_str_eq(authsvc_time_rfc3339(unit_pool, APR_INT64_MAX), "9999-12-31T23:59:59Z");
    ck_assert_str_eq(authsvc_time_rfc3339(unit_pool, APR_INT64_C(253402300800) * APR_USEC_PER_SEC),
                     "9999-12-31T23:59:59Z");
    ck_assert_str_eq(authsvc_time_rfc3339(unit_pool, APR_INT64_MIN), "0000-01-01T00:00:00Z");
    ck_assert_str_eq(
        authsvc_time_rfc3339(unit_pool, APR_INT64_C(-62167219200) * APR_USEC_PER_SEC - 1),
        "0000-01-01T00:00:00Z");
}
END_TEST

START_TEST(rfc3339)
{
    apr_time_t start = dates[_i].seconds * APR_USEC_PER_SEC;

    ck_assert_str_eq(authsvc_time_rfc3339(unit_pool, start), dates[_i].text);
    /* The whole second has one name. */
    ck_assert_str_eq(authsvc_time_rfc3339(unit_pool, start + 999999), dates[_i].text);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_units)
{
    Suite *suite = suite_create("units");
    TCase *tcase = unit_tcase(suite, "units");

    tcase_add_loop_test(tcase, duration, 0, COUNT(durations));
    tcase_add_loop_test(tcase, size, 0, COUNT(sizes));
    tcase_add_loop_test(tcase, integer, 0, COUNT(integers));
    tcase_add_test(tcase, rfc3339_has_no_other_years);
    tcase_add_loop_test(tcase, rfc3339, 0, COUNT(dates));
    return suite;
}
