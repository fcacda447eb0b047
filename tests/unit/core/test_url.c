/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "authsvc/core/url.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
    const char *text;
    int is_base;
} urls[] = {
    {"https://www.example.org/api/v1", 1},
    {"https://www.example.org", 1},
    {"http://localhost:8080/", 1},
    {"https://[::1]:8443/api", 1},
    {"https://a.example/%7Eann/x;y=1,2", 1},
    {"https://a.example:65535", 1},
    {"", 0},
    {"not-a-url", 0},
    {"ftp://a.example/", 0},
    {"https://", 0},
    {"https:///a", 0},
    {"https://a.example/?x=1", 0},
    {"https://a.example/#x", 0},
    {"https://u@a.example", 0},
    {"https://u:p@a.example", 0},
    {"https://a.example/a b", 0},
    {"https://a.example/\"", 0},
    {"https://b\xc3\xbc" "cher.example", 0},
    {"https://a.example:", 0},
    {"https://a.example:0", 0},
    {"https://a.example:080", 0},
    {"https://a.example:65536", 0},
    {"https://a.example:4294967739", 0}, /* 2^32 + 443 */
    {"https://a.example:8o/", 0},
    {"https://a.example:80:80", 0},
    {"https://:80/", 0},
    {"https://a|b.example/", 0},
    {"https://a%00.example/", 0},
    {"https://[::1", 0},
    {"https://[::1]x", 0},
    {"https://[::g]", 0},
    {"https://[fe80::1%251]", 0},
    {"https://[1:2:3:4:5:6:7:8:9]", 0},
    {"https://[]", 0},
    {"https://a.example/{id}", 0},
    {"https://a.example/^", 0},
    {"https://a.example/%", 0},
    {"https://a.example/%4", 0},
    {"https://a.example/%4g", 0},
};

START_TEST(base_urls)
{
    ck_assert_msg(authsvc_url_is_base(urls[_i].text) == urls[_i].is_base, "%s",
                  urls[_i].text);
}
END_TEST

static const struct {
    const char *text;
    int is_origin;
} origins[] = {
    {"https://app.example.org", 1},
    {"http://localhost:5173", 1},
    {"https://[::1]:8443", 1},
    {"moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc", 1},
    {"capacitor://localhost", 1},
    {"https://a_b.example", 1},
    {"", 0},
    {"*", 0},
    {"null", 0},
    {"app.example", 0},
    {"://a.example", 0},
    {"https://", 0},
    {"https://:80", 0},
    {"https://APP.example", 0},
    {"HTTPS://app.example", 0},
    {"1http://a.example", 0},
    {"https://app.example/", 0},
    {"https://app.example?x", 0},
    {"https://app.example#x", 0},
    {"https://u@app.example", 0},
    {"https://*.example", 0},
    {"https://a.example,https://b.example", 0},
    {"https://a.example:", 0},
    {"https://a.example:0", 0},
    {"https://a.example:65536", 0},
    {"https://a.example:x", 0},
    {"https://a.example:80:80", 0},
    {"https://a|b", 0},
    {"https://{a}", 0},
    {"https://[::1", 0},
    {"https://[::G]", 0},
    {"https://[::A]", 0},
    {"https:a.example", 0},
};

START_TEST(web_origins)
{
    ck_assert_msg(authsvc_url_is_origin(origins[_i].text) == origins[_i].is_origin, "%s",
                  origins[_i].text);
}
END_TEST

static const struct {
    const char *url, *origin;
} url_origins[] = {
    {"https://www.example.org/api/v1", "https://www.example.org"},
    {"https://www.example.org", "https://www.example.org"},
    {"https://WWW.Example.org/API", "https://www.example.org"},
    {"https://www.example.org:443/api", "https://www.example.org"},
    {"https://www.example.org:8443/api", "https://www.example.org:8443"},
    {"https://www.example.org:80/api", "https://www.example.org:80"},
    {"https://www.example.org:1443/api", "https://www.example.org:1443"},
    {"https://www.example.org/api:443", "https://www.example.org"},
    {"http://127.0.0.1:8080/api", "http://127.0.0.1:8080"},
    {"http://127.0.0.1:80", "http://127.0.0.1"},
    {"http://localhost:443/", "http://localhost:443"},
    {"https://[2001:DB8::80]/api", "https://[2001:db8::80]"},
    {"http://[::1]:80/api", "http://[::1]"},
};

START_TEST(origins_of_urls)
{
    ck_assert_int_eq(authsvc_url_is_base(url_origins[_i].url), 1);
    ck_assert_str_eq(authsvc_url_origin(unit_pool, url_origins[_i].url), url_origins[_i].origin);
    ck_assert_int_eq(authsvc_url_is_origin(url_origins[_i].origin), 1);
}
END_TEST

static const struct {
    const char *url;
    const char *host;
} url_hosts[] = {
    {"https://www.Example.org/api/v1", "www.example.org"},
    {"http://localhost:8080/api", "localhost"},
    {"https://xn--bcher-kva.example", "b\xc3\xbc" "cher.example"},
    {"https://xn--a.example", "xn--a.example"}, /* not what it looks like */
    {"https://192.0.2.7:8443/x", "192.0.2.7"},
    {"https://[2001:DB8::80]:8443/api", "2001:db8::80"},
};

START_TEST(hosts_of_urls)
{
    ck_assert_int_eq(authsvc_url_is_base(url_hosts[_i].url), 1);
    ck_assert_str_eq(authsvc_url_host(unit_pool, url_hosts[_i].url), url_hosts[_i].host);
}
END_TEST

START_TEST(plain_names)
{
    char *text = apr_pcalloc(unit_pool, AUTHSVC_NAME_MAX + 2);

    ck_assert_int_eq(authsvc_name_is_plain("urn:example:api"), 1);
    ck_assert_int_eq(authsvc_name_is_plain("~"), 1);
    ck_assert_int_eq(authsvc_name_is_plain(""), 0);
    ck_assert_int_eq(authsvc_name_is_plain("a b"), 0);
    ck_assert_int_eq(authsvc_name_is_plain("a\tb"), 0);
    ck_assert_int_eq(authsvc_name_is_plain("a\x7f"), 0);
    ck_assert_int_eq(authsvc_name_is_plain("\xc3\xbc"), 0);
    ck_assert_int_eq(authsvc_name_is_plain("a\"b"), 0);
    ck_assert_int_eq(authsvc_name_is_plain("a\\b"), 0);
    ck_assert_int_eq(authsvc_name_is_plain("<a"), 0);
    ck_assert_int_eq(authsvc_name_is_plain("a>"), 0);
    memset(text, 'a', AUTHSVC_NAME_MAX);
    ck_assert_int_eq(authsvc_name_is_plain(text), 1);
    text[AUTHSVC_NAME_MAX] = 'a';
    ck_assert_int_eq(authsvc_name_is_plain(text), 0);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_url)
{
    Suite *suite = suite_create("url");
    TCase *tcase = unit_tcase(suite, "url");

    tcase_add_loop_test(tcase, base_urls, 0, COUNT(urls));
    tcase_add_loop_test(tcase, web_origins, 0, COUNT(origins));
    tcase_add_loop_test(tcase, origins_of_urls, 0, COUNT(url_origins));
    tcase_add_loop_test(tcase, hosts_of_urls, 0, COUNT(url_hosts));
    tcase_add_test(tcase, plain_names);
    return suite;
}
