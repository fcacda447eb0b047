/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/crypto.h"

#include "unit.h"

/* FIPS 180-4 example values. */
START_TEST(sha256_gives_the_known_answers)
{
    static const struct {
        const char *input;
        unsigned char digest[32];
    } cases[] = {
        {"", {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f,
              0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b,
              0x78, 0x52, 0xb8, 0x55}},
        {"abc", {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d,
                 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10,
                 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad}},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         {0x24, 0x8d, 0x6a, 0x61, 0xd2, 0x06, 0x38, 0xb8, 0xe5, 0xc0, 0x26, 0x93, 0x0c, 0x3e, 0x60,
          0x39, 0xa3, 0x3c, 0xe4, 0x59, 0x64, 0xff, 0x21, 0x67, 0xf6, 0xec, 0xed, 0xd4, 0x19, 0xdb,
          0x06, 0xc1}},
    };
    unsigned char digest[32];
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        authsvc_crypto_sha256(cases[i].input, strlen(cases[i].input), digest);
        ck_assert_mem_eq(digest, cases[i].digest, sizeof(digest));
    }
}
END_TEST

START_TEST(random_octets_differ_each_time)
{
    unsigned char a[32] = {0}, b[32] = {0};

    ck_assert_ptr_null(authsvc_crypto_init(unit_pool));
    ck_assert_ptr_null(authsvc_crypto_init(unit_pool));
    authsvc_crypto_random(a, sizeof(a));
    authsvc_crypto_random(b, sizeof(b));
    ck_assert_mem_ne(a, b, sizeof(a));
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_crypto)
{
    Suite *suite = suite_create("crypto");
    TCase *tcase = unit_tcase(suite, "crypto");

    tcase_add_test(tcase, sha256_gives_the_known_answers);
    tcase_add_test(tcase, random_octets_differ_each_time);
    return suite;
}
