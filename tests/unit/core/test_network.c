/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "authsvc/core/network.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
    const char *ip;
    const char *network;
} addresses[] = {
    {"192.0.2.1", "192.0.2.1"},
    {"255.255.255.255", "255.255.255.255"},
    {"0.0.0.0", "0.0.0.0"},
    /* IPv4 in IPv6 */
    {"::ffff:192.0.2.1", "192.0.2.1"},
    {"::FFFF:c000:0201", "192.0.2.1"},
    {"0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"},
    {"64:ff9b::192.0.2.1", "192.0.2.1"},
    {"64:ff9b::1:c000:201", "64:ff9b::/64"}, /* beyond the /96 */
    {"64:ff9b:1::c000:201", "64:ff9b:1::/64"},
    {"::fffe:192.0.2.1", "::/64"},
    {"::192.0.2.1", "::/64"},
    /* IPv6: whatever the last 64 bits are, and however it is spelled */
    {"2001:db8:0:1::1", "2001:db8:0:1::/64"},
    {"2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64"},
    {"2001:0DB8:0000:0001:0000:0000:0000:0002", "2001:db8:0:1::/64"},
    {"2001:db8:0:2::1", "2001:db8:0:2::/64"},
    {"2001:db8::1", "2001:db8::/64"},
    {"2001:db8:1:2:3:4:192.0.2.1", "2001:db8:1:2::/64"},
    {"::1", "::/64"},
    {"::", "::/64"},
    {"fe80::1%eth0", "fe80::/64"},
    {"fe80::1%", "fe80::/64"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff::/64"},
    /* none */
    {NULL, "-"},
    {"", "-"},
    {"%eth0", "-"},
    {"-", "-"},
    {"localhost", "-"},
    {"192.0.2", "-"},
    {"192.0.2.1.1", "-"},
    {"192.0.2.256", "-"},
    {"192.0.2.01", "-"},
    {"192.0.2.1%eth0", "-"},
    {"192.0.2.1:80", "-"},
    {"192.0.2.1 ", "-"},
    {" 192.0.2.1", "-"},
    {"[::1]", "-"},
    {"::1/64", "-"},
    {"1:2:3:4:5:6:7", "-"},
    {"1:2:3:4:5:6:7:8:9", "-"},
    {"1::2::3", "-"},
    {"g::", "-"},
    {"2001:db8:1:2:3:4:192.0.2.1.192.0.2.1.192.0.2.1.192.0.2.1", "-"},
};

START_TEST(networks)
{
    ck_assert_str_eq(authsvc_network(unit_pool, addresses[_i].ip), addresses[_i].network);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_network)
{
    Suite *suite = suite_create("network");
    TCase *tcase = unit_tcase(suite, "network");

    tcase_add_loop_test(tcase, networks, 0, COUNT(addresses));
    return suite;
}
