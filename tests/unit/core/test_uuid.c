/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "authsvc/core/uuid.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* RFC 9562 appendix A.6, the example of version 7: 2022-02-22 19:22:22.000 UTC. */
static const unsigned char example[16] = {0x01, 0x7f, 0x22, 0xe2, 0x79, 0xb0, 0x7c, 0xc3,
                                          0x98, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
static const char example_text[] = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";

START_TEST(format_and_parse)
{
    unsigned char octets[16] = {0};

    ck_assert_str_eq(authsvc_uuid_format(unit_pool, example), example_text);
    ck_assert_int_eq(authsvc_uuid_parse(example_text, octets), 1);
    ck_assert_mem_eq(octets, example, 16);
    memset(octets, 0, sizeof(octets));
    ck_assert_int_eq(authsvc_uuid_parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F", octets), 1);
    ck_assert_mem_eq(octets, example, 16);
}
END_TEST

static const char *const not_uuids[] = {
    "",
    "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
    "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
    "017f22e279b07cc398c4dc0c0c07398f",
    "{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}",
    "017f22e2-79b0-7cc3-98c4-dc0c0c07398f\n",
    " 17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
    "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
    "017f22e2-79b0-7cc3-98c4_dc0c0c07398f",
    "017f22e27-9b0-7cc3-98c4-dc0c0c07398f",
    "017f22e-279b0-7cc3-98c4-dc0c0c07398f",
    "-17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
    "urn:uuid:017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
};

START_TEST(parse_refuses)
{
    unsigned char octets[16];

    ck_assert_int_eq(authsvc_uuid_parse(not_uuids[_i], octets), 0);
}
END_TEST

static const struct {
    apr_time_t ms;
    const char *prefix;
} times[] = {
    {APR_INT64_C(1645557742000), "017f22e2-79b0-7"}, /* the RFC's */
    {0, "00000000-0000-7"},
    {1, "00000000-0001-7"},
    {APR_INT64_C(2147483648000), "01f40000-0000-7"}, /* 2038 */
    {APR_INT64_C(4294967296000), "03e80000-0000-7"}, /* 2106 */
};

START_TEST(v7_layout)
{
    /* 999 us more is still the same millisecond. */
    const char *text = authsvc_uuid_v7(unit_pool, times[_i].ms * 1000 + 999);
    unsigned char octets[16];

    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(strlen(text), AUTHSVC_UUID_TEXT);
    ck_assert_int_eq(strncmp(text, times[_i].prefix, 15), 0);
    ck_assert_int_eq(authsvc_uuid_parse(text, octets), 1);
    ck_assert_uint_eq(octets[6] >> 4, 7);
    ck_assert_uint_eq(octets[8] >> 6, 2);
    ck_assert_str_eq(authsvc_uuid_format(unit_pool, octets), text);
}
END_TEST

START_TEST(v7_all_74_random_bits_vary)
{
    unsigned char ever_one[16] = {0}, ever_zero[16] = {0}, octets[16];
    static const unsigned char random[16] = {0,    0,    0,    0,    0,    0,    0x0f, 0xff,
                                             0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    int i, j;

    for (i = 0; i < 200; i++) {
        const char *text = authsvc_uuid_v7(unit_pool, 0);

        ck_assert_int_eq(authsvc_uuid_parse(text, octets), 1);
        for (j = 0; j < 16; j++) {
            ever_one[j] |= octets[j];
            ever_zero[j] |= (unsigned char)~octets[j];
        }
    }
    for (j = 0; j < 16; j++) {
        ck_assert_uint_eq(ever_one[j] & ever_zero[j], random[j]);
    }
}
END_TEST

START_TEST(v7_sorts_by_time)
{
    const char *early = authsvc_uuid_v7(unit_pool, apr_time_from_sec(1700000000));
    const char *late = authsvc_uuid_v7(unit_pool, apr_time_from_sec(1700000000) + 1000);

    ck_assert_int_lt(strcmp(early, late), 0);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_uuid)
{
    Suite *suite = suite_create("uuid");
    TCase *tcase = unit_tcase(suite, "uuid");

    tcase_add_test(tcase, format_and_parse);
    tcase_add_loop_test(tcase, parse_refuses, 0, COUNT(not_uuids));
    tcase_add_loop_test(tcase, v7_layout, 0, COUNT(times));
    tcase_add_test(tcase, v7_all_74_random_bits_vary);
    tcase_add_test(tcase, v7_sorts_by_time);
    return suite;
}
