/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "authsvc/core/text.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* Octets: 60, 63, 64 and so on of one letter, to build addresses of a known length. */
static const char *letters(size_t count)
{
    char *text = apr_palloc(unit_pool, count + 1);

    memset(text, 'a', count);
    text[count] = '\0';
    return text;
}

/* A domain of that many octets in labels of at most 63. */
static const char *domain(size_t octets)
{
    char *text = apr_pstrdup(unit_pool, letters(octets));
    size_t i;

    for (i = 60; i + 1 < octets; i += 61) {
        text[i] = '.';
    }
    return text;
}

static const struct {
    const char *email;
    const char *stored;
} accepted[] = {
    {"ann@example.com", "ann@example.com"},
    {"Ann.LEE@Example.COM", "ann.lee@example.com"},
    {"a@b.cd", "a@b.cd"},
    {"a.b.c@d.e.fg", "a.b.c@d.e.fg"},
    {"ann+news@example.com", "ann+news@example.com"},
    {"!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com"},
    {"1@1.com", "1@1.com"},
    {"a@b-c.example", "a@b-c.example"},
    {"a@b\xc3\xbc" "cher.example", "a@xn--bcher-kva.example"},
    {"A@B\xc3\x9c" "CHER.EXAMPLE", "a@xn--bcher-kva.example"},
    {"a@bu\xcc\x88" "cher.example", "a@xn--bcher-kva.example"}, /* u, combining diaeresis */
    {"a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example"},
    {"a@fa\xc3\x9f.example", "a@xn--fa-hia.example"},           /* non-transitional: no "fass" */
    {"a@\xe4\xbe\x8b\xe3\x80\x82\xe4\xb8\xad\xe5\x9b\xbd", "a@xn--fsq.xn--fiqs8s"},
    {"a@\xef\xbd\x85xample.com", "a@example.com"},              /* full-width e */
    {"a@ex\xc2\xad" "ample.com", "a@example.com"},             /* UTS 46 ignores soft hyphens */
};

START_TEST(accepts_and_normalizes)
{
    const char *stored = NULL, *again = NULL;

    ck_assert_ptr_null(authsvc_email_normalize(unit_pool, accepted[_i].email, 0, &stored));
    ck_assert_str_eq(stored, accepted[_i].stored);
    /* The stored form is a fixed point. */
    ck_assert_ptr_null(authsvc_email_normalize(unit_pool, stored, 0, &again));
    ck_assert_str_eq(again, stored);
}
END_TEST

static const char *const malformed[] = {
    "", "@", "a", "a@", "@b.cd", "a@b", "a@b@c", "a@b@c.de", "a@@b.cd",
    "a b@c.de", " a@c.de", "a@c.de ", "a@c .de", "a\t@c.de", "a@c.de\n", "a\r\n@c.de", "a\x01@c.de",
    "a\x7f@c.de", "a@c.\x7f" "de", "a\xc2\x85@c.de", "a@c.de\xc2\x85",
    ".a@c.de", "a.@c.de", "a..b@c.de", "a@.c.de", "a@c..de", "a@c.de.", "a@c.de\xe3\x80\x82", "a@.",
    "a@-c.de", "a@c-.de", "a@c_d.ef", "a@c.d_e", "a@c!d.ef", "a@c.de:25", "a@c/d.ef",
    "\"a\"@c.de", "\"a b\"@c.de", "a(x)@c.de", "a@(x)c.de", "a@[127.0.0.1]", "a@[IPv6:::1]",
    "a@127.0.0.1", "a@1.2", "a@c.1", "<a@c.de>", "Ann <a@c.de>", "a,b@c.de", "a;b@c.de", "a:b@c.de",
    "a\\b@c.de", "a@c.de,b@c.de", "a@c\\d.ef",
    "a\xff@c.de", "a@c\xff.de", "\xc3@c.de", "a@\xed\xa0\x80.de",
    "a@xn--.de", "a@xn--a.de", "a@xn--example-.com", "a@c\xef\xbc\xa0" "d.ef",
    "a@ab--cd.ef", "a@\xe2\x98\x83\xe2\x80\xae.de", "a@\xc2\xad.de",
};

START_TEST(refuses_what_is_no_address)
{
    const char *stored = "untouched", *refusal;
    int utf8;

    for (utf8 = 0; utf8 <= 1; utf8++) {
        refusal = authsvc_email_normalize(unit_pool, malformed[_i], utf8, &stored);
        ck_assert_msg(refusal != NULL, "\"%s\" was accepted as \"%s\"", malformed[_i], stored);
        ck_assert_str_eq(refusal, "format");
        ck_assert_str_eq(stored, "untouched");
    }
}
END_TEST

START_TEST(local_part_is_at_most_64_octets)
{
    const char *stored = NULL;
    const char *fits = apr_pstrcat(unit_pool, letters(64), "@b.cd", NULL);
    const char *more = apr_pstrcat(unit_pool, letters(65), "@b.cd", NULL);

    ck_assert_ptr_null(authsvc_email_normalize(unit_pool, fits, 0, &stored));
    ck_assert_str_eq(stored, fits);
    ck_assert_pstr_eq(authsvc_email_normalize(unit_pool, more, 0, &stored), "format");
}
END_TEST

START_TEST(label_is_at_most_63_octets)
{
    const char *stored = NULL;
    const char *fits = apr_pstrcat(unit_pool, "a@", letters(63), ".cd", NULL);
    const char *more = apr_pstrcat(unit_pool, "a@", letters(64), ".cd", NULL);

    ck_assert_ptr_null(authsvc_email_normalize(unit_pool, fits, 0, &stored));
    ck_assert_str_eq(stored, fits);
    ck_assert_pstr_eq(authsvc_email_normalize(unit_pool, more, 0, &stored), "format");
}
END_TEST

START_TEST(address_is_at_most_255_octets)
{
    const char *stored = NULL;
    const char *fits = apr_pstrcat(unit_pool, letters(10), "@", domain(244), NULL);
    const char *more = apr_pstrcat(unit_pool, letters(11), "@", domain(244), NULL);

    ck_assert_uint_eq(strlen(fits), 255);
    ck_assert_ptr_null(authsvc_email_normalize(unit_pool, fits, 0, &stored));
    ck_assert_str_eq(stored, fits);
    ck_assert_uint_eq(strlen(more), 256);
    ck_assert_pstr_eq(authsvc_email_normalize(unit_pool, more, 0, &stored), "too-long");
    /* 253 octets, the longest domain there is. */
    fits = apr_pstrcat(unit_pool, "a@", domain(253), NULL);
    ck_assert_uint_eq(strlen(fits), 255);
    ck_assert_ptr_null(authsvc_email_normalize(unit_pool, fits, 0, &stored));
    more = apr_pstrcat(unit_pool, "a@", domain(254), NULL);
    ck_assert_pstr_eq(authsvc_email_normalize(unit_pool, more, 0, &stored), "too-long");
    more = apr_pstrcat(unit_pool, "a@", domain(600), NULL);
    ck_assert_pstr_eq(authsvc_email_normalize(unit_pool, more, 0, &stored), "too-long");
}
END_TEST

START_TEST(length_is_that_of_the_stored_form)
{
    /* 120 times U+4F8B in labels of ten: 371 octets as sent, and more than 255 as A-labels? The
     * point is that what counts is the A-label form, whichever way the difference goes. */
    const char *label = "\xe4\xbe\x8b\xe4\xbe\x8b\xe4\xbe\x8b\xe4\xbe\x8b\xe4\xbe\x8b"
                        "\xe4\xbe\x8b\xe4\xbe\x8b\xe4\xbe\x8b\xe4\xbe\x8b\xe4\xbe\x8b.";
    const char *stored = NULL, *email = "a@";
    int i;

    for (i = 0; i < 9; i++) {
        email = apr_pstrcat(unit_pool, email, label, NULL);
    }
    email = apr_pstrcat(unit_pool, email, "com", NULL);
    ck_assert_uint_gt(strlen(email), 255);
    ck_assert_ptr_null(authsvc_email_normalize(unit_pool, email, 0, &stored));
    ck_assert_uint_lt(strlen(stored), 255);
    ck_assert_ptr_null(strpbrk(stored, "\xe4\xbe\x8b"));
}
END_TEST

START_TEST(huge_input_is_refused_at_once)
{
    const char *stored = NULL;
    char *email = apr_pstrcat(unit_pool, letters(5000000), "@b.cd", NULL);

    ck_assert_pstr_eq(authsvc_email_normalize(unit_pool, email, 0, &stored), "too-long");
}
END_TEST

static const struct {
    const char *email;
    const char *stored; /* with email_utf8 */
} beyond_ascii[] = {
    {"\xc3\xbc@c.de", "\xc3\xbc@c.de"},
    {"u\xcc\x88@c.de", "\xc3\xbc@c.de"},                 /* to NFC */
    {"\xc3\x9c@c.de", "\xc3\x9c@c.de"},                  /* only ASCII is folded */
    {"A\xc3\xbc.B@c.de", "a\xc3\xbc.b@c.de"},
    {"\xe2\x84\xaa@c.de", "k@c.de"},                     /* U+212A: NFC makes it ASCII */
    {"T\xcc\x88@c.de", "\xe1\xba\x97@c.de"},             /* U+1E97, which has no capital */
    {"t\xcc\x88@c.de", "\xe1\xba\x97@c.de"},
    {"\xe1\xba\x97@c.de", "\xe1\xba\x97@c.de"},
    {"\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b.com", "\xe7\x94\xa8\xe6\x88\xb7@xn--fsq.com"},
};

START_TEST(local_part_beyond_ascii_needs_the_setting)
{
    const char *stored = NULL, *again = NULL;

    ck_assert_pstr_eq(authsvc_email_normalize(unit_pool, beyond_ascii[_i].email, 0, &stored),
                      "unsupported-local-part");
    ck_assert_ptr_null(stored);
    ck_assert_ptr_null(authsvc_email_normalize(unit_pool, beyond_ascii[_i].email, 1, &stored));
    ck_assert_str_eq(stored, beyond_ascii[_i].stored);
    ck_assert_ptr_null(authsvc_email_normalize(unit_pool, stored, 1, &again));
    ck_assert_str_eq(again, stored);
}
END_TEST

static const char *const invisible[] = {
    "a\xe2\x80\xae" "b@c.de", /* right-to-left override */
    "a\xe2\x80\x8b" "b@c.de", /* zero width space */
    "a\xc2\xa0" "b@c.de",     /* no-break space */
    "a\xe3\x80\x80" "b@c.de", /* ideographic space */
    "a\xc2\xad" "b@c.de",     /* soft hyphen */
    "a\xef\xbf\xbf" "b@c.de", /* a noncharacter */
    "a\xee\x80\x80" "b@c.de", /* private use */
    "a\xcd\xbe" "b@c.de",     /* U+037E, which NFC makes a semicolon */
};

START_TEST(local_part_has_nothing_invisible)
{
    const char *stored = NULL;

    ck_assert_pstr_eq(authsvc_email_normalize(unit_pool, invisible[_i], 1, &stored), "format");
    ck_assert_ptr_null(stored);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_email)
{
    Suite *suite = suite_create("email");
    TCase *tcase = unit_tcase(suite, "email");

    tcase_add_loop_test(tcase, accepts_and_normalizes, 0, COUNT(accepted));
    tcase_add_loop_test(tcase, refuses_what_is_no_address, 0, COUNT(malformed));
    tcase_add_test(tcase, local_part_is_at_most_64_octets);
    tcase_add_test(tcase, label_is_at_most_63_octets);
    tcase_add_test(tcase, address_is_at_most_255_octets);
    tcase_add_test(tcase, length_is_that_of_the_stored_form);
    tcase_add_test(tcase, huge_input_is_refused_at_once);
    tcase_add_loop_test(tcase, local_part_beyond_ascii_needs_the_setting, 0, COUNT(beyond_ascii));
    tcase_add_loop_test(tcase, local_part_has_nothing_invisible, 0, COUNT(invisible));
    return suite;
}
