/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/api/cookie.h"

#include "unit.h"

#define OWN "https://www.example.org"

START_TEST(names_have_the_prefix_that_needs_secure)
{
    ck_assert_str_eq(authsvc_cookie_access_name(1), "__Host-authsvc");
    ck_assert_str_eq(authsvc_cookie_access_name(0), "authsvc");
    ck_assert_str_eq(authsvc_cookie_refresh_name(1), "__Secure-authsvc-refresh");
    ck_assert_str_eq(authsvc_cookie_refresh_name(0), "authsvc-refresh");
}
END_TEST

START_TEST(attributes)
{
    ck_assert_str_eq(authsvc_cookie_set_access(unit_pool, 1, "a.b.c", apr_time_from_sec(900)),
                     "__Host-authsvc=a.b.c; Path=/; Max-Age=900; HttpOnly; Secure; SameSite=Lax");
    ck_assert_str_eq(authsvc_cookie_set_access(unit_pool, 0, "a.b.c", apr_time_from_sec(900)),
                     "authsvc=a.b.c; Path=/; Max-Age=900; HttpOnly; SameSite=Lax");
    ck_assert_str_eq(authsvc_cookie_set_refresh(unit_pool, 1, "/api/v1/auth", "asr1_x",
                                                apr_time_from_sec(2592000)),
                     "__Secure-authsvc-refresh=asr1_x; Path=/api/v1/auth; Max-Age=2592000; "
                     "HttpOnly; Secure; SameSite=Strict");
    ck_assert_str_eq(authsvc_cookie_set_refresh(unit_pool, 0, "/auth", "asr1_x",
                                                apr_time_from_sec(60)),
                     "authsvc-refresh=asr1_x; Path=/auth; Max-Age=60; HttpOnly; SameSite=Strict");
}
END_TEST

/* The same name, path and attributes, or a browser removes another cookie. */
START_TEST(removal)
{
    ck_assert_str_eq(authsvc_cookie_clear_access(unit_pool, 1),
                     "__Host-authsvc=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax");
    ck_assert_str_eq(authsvc_cookie_clear_refresh(unit_pool, 0, "/auth"),
                     "authsvc-refresh=; Path=/auth; Max-Age=0; HttpOnly; SameSite=Strict");
}
END_TEST

static const struct {
    const char *field;
    const char *value; /* of "n"; NULL: none */
} fields[] = {
    {"n=a.b-c_9", "a.b-c_9"},
    {"x=1; n=v", "v"},
    {"n=v; x=1", "v"},
    {"x=1;n=v;y=2", "v"},
    {"x=1;  \tn=v \t; y=2", "v"},
    {"x=1, y=2; n=v; z=3, w=4", "v"}, /* commas in other cookies' values */
    {"n=v; n=v", "v"},
    {"x=n=w; n=v", "v"},
    {";;; n=v ;;", "v"},
    {"x; n=v; =y", "v"},
    {NULL, NULL},
    {"", NULL},
    {";", NULL},
    {"x=1", NULL},
    {"n", NULL},
    {"n=", NULL},
    {"n=v; n=w", NULL},
    {"n=w; n=v; n=w", NULL},
    {"n=v; n=", NULL},
    {"n=; n=v", NULL},
    {"n=v, n=w", NULL},
    /* A comma parts no cookies: a sibling domain could else name one in another's value. */
    {"x=1, n=v", NULL},
    {"x=1,n=v", NULL},
    {"x=1, n=v, y=2", NULL},
    {"x=1, n=v; y=2", NULL},
    {"x=1; y=2, n=v", NULL},
    {"n=v, n=v", NULL},
    {"n=v, x=1", NULL},
    {", n=v", NULL},
    {"; ,n=v", NULL},
    {"x=1, n=w; n=v", "v"},
    {"n=v; x=1, n=w", "v"},
    {"n=v; n=vv", NULL},
    {"n=vv; n=v", NULL},
    {"N=v", NULL},
    {"nn=v", NULL},
    {"xn=v", NULL},
    {"n =v", NULL},
    {"n= v", NULL},
    {"x=n=v", NULL},
    {"n=\"v\"", NULL}, /* quotes are part of the value (RFC 6265 §5.4), and no token's */
    {"n=v w", NULL},
    {"n=v=", NULL},
    {"n=v%20", NULL},
    {"n=v\x7f", NULL},
    {"n=\xc3\xbc", NULL},
    {"n=v\n", NULL},
};

START_TEST(finding)
{
    ck_assert_pstr_eq(authsvc_cookie_find(unit_pool, fields[_i].field, "n"), fields[_i].value);
}
END_TEST

START_TEST(prefixed_names_are_other_names)
{
    const char *field = "authsvc=plain; __Host-authsvc=host; __host-authsvc=lower";

    ck_assert_pstr_eq(authsvc_cookie_find(unit_pool, field, authsvc_cookie_access_name(1)), "host");
    ck_assert_pstr_eq(authsvc_cookie_find(unit_pool, field, authsvc_cookie_access_name(0)),
                      "plain");
    ck_assert_pstr_eq(authsvc_cookie_find(unit_pool, "__Secure-authsvc-refresh=r", "authsvc"),
                      NULL);
}
END_TEST

static const struct {
    const char *origin, *site;
    authsvc_origin_t verdict;
} requests[] = {
    {NULL, NULL, AUTHSVC_ORIGIN_UNKNOWN},
    {OWN, NULL, AUTHSVC_ORIGIN_OWN},
    {OWN, "same-origin", AUTHSVC_ORIGIN_OWN},
    {NULL, "same-origin", AUTHSVC_ORIGIN_OWN},
    /* Referrer-Policy: no-referrer on the site's own page */
    {"null", "same-origin", AUTHSVC_ORIGIN_OWN},
    /* another name of the same host */
    {"https://example.org", "same-origin", AUTHSVC_ORIGIN_OWN},
    {OWN, "cross-site", AUTHSVC_ORIGIN_OTHER},
    {OWN, "same-site", AUTHSVC_ORIGIN_OTHER},
    {OWN, "none", AUTHSVC_ORIGIN_OTHER},
    {OWN, "", AUTHSVC_ORIGIN_OTHER},
    {OWN, "Same-Origin", AUTHSVC_ORIGIN_OTHER},
    {OWN, "same-origin, cross-site", AUTHSVC_ORIGIN_OTHER},
    {OWN, "same-origin ", AUTHSVC_ORIGIN_OTHER},
    {NULL, "cross-site", AUTHSVC_ORIGIN_OTHER},
    {NULL, "none", AUTHSVC_ORIGIN_OTHER},
    {"", NULL, AUTHSVC_ORIGIN_OTHER},
    {"null", NULL, AUTHSVC_ORIGIN_OTHER},
    {"https://evil.example", NULL, AUTHSVC_ORIGIN_OTHER},
    {"http://www.example.org", NULL, AUTHSVC_ORIGIN_OTHER},
    {"https://www.example.org:443", NULL, AUTHSVC_ORIGIN_OTHER},
    {"https://www.example.org:8443", NULL, AUTHSVC_ORIGIN_OTHER},
    {"https://www.example.org.evil.example", NULL, AUTHSVC_ORIGIN_OTHER},
    {"https://www.example.or", NULL, AUTHSVC_ORIGIN_OTHER},
    {"https://WWW.example.org", NULL, AUTHSVC_ORIGIN_OTHER},
    {"https://www.example.org/", NULL, AUTHSVC_ORIGIN_OTHER},
    {OWN ", https://evil.example", NULL, AUTHSVC_ORIGIN_OTHER},
};

START_TEST(judging)
{
    ck_assert_int_eq(authsvc_origin_judge(OWN, requests[_i].origin, requests[_i].site),
                     requests[_i].verdict);
}
END_TEST

START_TEST(without_an_own_origin_no_origin_is_own)
{
    ck_assert_int_eq(authsvc_origin_judge(NULL, OWN, NULL), AUTHSVC_ORIGIN_OTHER);
    ck_assert_int_eq(authsvc_origin_judge(OWN, OWN, NULL), AUTHSVC_ORIGIN_OWN);
}
END_TEST

START_TEST(changes_by_cookie_need_proof)
{
    static const char *const safe[] = {"GET", "HEAD", "OPTIONS", "TRACE"};
    static const char *const unsafe[] = {"POST",     "PUT",       "PATCH", "DELETE", "PROPFIND",
                                         "PROPPATCH", "get",      "",      "GETX",   "CONNECT"};
    size_t i;

    for (i = 0; i < sizeof(safe) / sizeof(safe[0]); i++) {
        ck_assert_int_eq(authsvc_cookie_may_act(safe[i], OWN, "https://evil.example", "cross-site"),
                         1);
    }
    for (i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++) {
        ck_assert_int_eq(authsvc_cookie_may_act(unsafe[i], OWN, OWN, "same-origin"), 1);
        ck_assert_int_eq(authsvc_cookie_may_act(unsafe[i], OWN, OWN, "cross-site"), 0);
        ck_assert_int_eq(authsvc_cookie_may_act(unsafe[i], OWN, NULL, NULL), 0);
        ck_assert_int_eq(authsvc_cookie_may_act(unsafe[i], OWN, "https://evil.example", NULL), 0);
    }
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_cookie)
{
    Suite *suite = suite_create("cookie");
    TCase *tcase = unit_tcase(suite, "cookie");

    tcase_add_test(tcase, names_have_the_prefix_that_needs_secure);
    tcase_add_test(tcase, attributes);
    tcase_add_test(tcase, removal);
    tcase_add_loop_test(tcase, finding, 0, sizeof(fields) / sizeof(fields[0]));
    tcase_add_test(tcase, prefixed_names_are_other_names);
    tcase_add_loop_test(tcase, judging, 0, sizeof(requests) / sizeof(requests[0]));
    tcase_add_test(tcase, without_an_own_origin_no_origin_is_own);
    tcase_add_test(tcase, changes_by_cookie_need_proof);
    return suite;
}
