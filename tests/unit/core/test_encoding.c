/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "authsvc/core/encoding.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* RFC 4648 §10 without the padding, and the two letters that differ from plain base64. */
static const struct {
    const char *data;
    size_t len;
    const char *text;
} vectors[] = {
    {"", 0, ""},
    {"f", 1, "Zg"},
    {"fo", 2, "Zm8"},
    {"foo", 3, "Zm9v"},
    {"foob", 4, "Zm9vYg"},
    {"fooba", 5, "Zm9vYmE"},
    {"foobar", 6, "Zm9vYmFy"},
    {"\xfb\xff\xbf", 3, "-_-_"},
    {"\0\0\0", 3, "AAAA"},
    {"\xff", 1, "_w"},
    {"\x03\xec\xff\xe0\xc1", 5, "A-z_4ME"}, /* RFC 7515 appendix C */
};

START_TEST(base64url_vectors)
{
    apr_size_t len = 99;
    unsigned char *data;

    ck_assert_str_eq(authsvc_base64url_encode(unit_pool, (const unsigned char *)vectors[_i].data,
                                              vectors[_i].len),
                     vectors[_i].text);
    data = authsvc_base64url_decode(unit_pool, vectors[_i].text, strlen(vectors[_i].text), &len);
    ck_assert_ptr_nonnull(data);
    ck_assert_uint_eq(len, vectors[_i].len);
    ck_assert_mem_eq(data, vectors[_i].data, len);
    ck_assert_uint_eq(data[len], 0);
}
END_TEST

static const char *const not_base64url[] = {
    "A",        "AAAAA",  "Zg==",   "Zg=",    "Zm8=",  "Zm9v=", "Zm9v\n", " Zm9v", "Zm 9v",
    "+/+/",     "Zm9+",   "Zm9/",   "Zm9v.",  "Zm\r9v", "Zh",   "Zv",     "Zm9",   "Zm-",
    "Zm9vYmF=", "Zm9vYh", "Zm9vYm", "\xc3\xbc", "AA,A", "A@AA", "A[AA",   "A`AA",  "A{AA",
};

START_TEST(base64url_refuses)
{
    apr_size_t len;

    ck_assert_ptr_null(
        authsvc_base64url_decode(unit_pool, not_base64url[_i], strlen(not_base64url[_i]), &len));
}
END_TEST

START_TEST(base64url_goes_by_length)
{
    apr_size_t len = 0;
    unsigned char *data = authsvc_base64url_decode(unit_pool, "Zm9v.rest", 4, &len);

    ck_assert_ptr_nonnull(data);
    ck_assert_uint_eq(len, 3);
    ck_assert_ptr_null(authsvc_base64url_decode(unit_pool, "Zm9v\0AAA", 8, &len));
}
END_TEST

START_TEST(base64url_has_one_spelling_for_each_octet)
{
    /* Of all texts of two letters, exactly 256 decode: each octet once. */
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    int seen[256] = {0}, accepted = 0, a, b;

    for (a = 0; a < 64; a++) {
        for (b = 0; b < 64; b++) {
            char text[3] = {alphabet[a], alphabet[b], '\0'};
            apr_size_t len;
            unsigned char *data = authsvc_base64url_decode(unit_pool, text, 2, &len);

            if (data) {
                ck_assert_uint_eq(len, 1);
                accepted++;
                seen[data[0]]++;
                ck_assert_str_eq(authsvc_base64url_encode(unit_pool, data, 1), text);
            }
        }
    }
    ck_assert_int_eq(accepted, 256);
    for (a = 0; a < 256; a++) {
        ck_assert_int_eq(seen[a], 1);
    }
}
END_TEST

START_TEST(base64url_round_trip_of_every_length)
{
    unsigned char data[300];
    apr_size_t len, back;
    size_t i;

    for (i = 0; i < sizeof(data); i++) {
        data[i] = (unsigned char)(i * 151 + 7);
    }
    for (len = 0; len <= sizeof(data); len++) {
        const char *text = authsvc_base64url_encode(unit_pool, data, len);
        unsigned char *got;

        ck_assert_uint_eq(strlen(text), (len * 4 + 2) / 3);
        got = authsvc_base64url_decode(unit_pool, text, strlen(text), &back);
        ck_assert_ptr_nonnull(got);
        ck_assert_uint_eq(back, len);
        ck_assert_mem_eq(got, data, len);
    }
}
END_TEST

START_TEST(hex_in_either_case)
{
    unsigned char out[4];

    ck_assert_int_eq(authsvc_hex_decode("009FfA10", out, 4), 1);
    ck_assert_mem_eq(out, "\x00\x9f\xfa\x10", 4);
    ck_assert_int_eq(authsvc_hex_decode("", out, 0), 1);
}
END_TEST

static const char *const not_hex[] = {"", "0", "00", "0000000", "000000000", "0000000g", "g0000000",
                                      "0000 000", "0x000000", "00000000 ", "-0000000", "0000:000",
                                      "0000@000", "0000`000", "0000G000", "0000/000"};

START_TEST(hex_refuses)
{
    unsigned char out[4];

    ck_assert_int_eq(authsvc_hex_decode(not_hex[_i], out, 4), 0);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_encoding)
{
    Suite *suite = suite_create("encoding");
    TCase *tcase = unit_tcase(suite, "base64url");

    tcase_add_loop_test(tcase, base64url_vectors, 0, COUNT(vectors));
    tcase_add_loop_test(tcase, base64url_refuses, 0, COUNT(not_base64url));
    tcase_add_test(tcase, base64url_goes_by_length);
    tcase_add_test(tcase, base64url_has_one_spelling_for_each_octet);
    tcase_add_test(tcase, base64url_round_trip_of_every_length);
    tcase = unit_tcase(suite, "hex");
    tcase_add_test(tcase, hex_in_either_case);
    tcase_add_loop_test(tcase, hex_refuses, 0, COUNT(not_hex));
    return suite;
}
