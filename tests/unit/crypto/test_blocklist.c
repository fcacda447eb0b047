/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/blocklist.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authsvc/core/text.h"
#include "authsvc/crypto/crypto.h"
#include "fixture.h"
#include "unit.h"

/* What is compiled in. */
extern const char authsvc_common_passwords[];
extern const apr_size_t authsvc_common_passwords_len;

START_TEST(every_common_password_is_found)
{
    const char *at = authsvc_common_passwords, *end = at + authsvc_common_passwords_len;
    const char *before = "";
    int count = 0;

    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const char *word = apr_pstrmemdup(unit_pool, at, (apr_size_t)(stop - at));

        ck_assert_int_gt(strcmp(word, before), 0);
        ck_assert_str_eq(word, authsvc_text_fold(unit_pool, word, strlen(word)));
        ck_assert_msg(authsvc_blocklist_is_common(word), "%s is not found", word);
        ck_assert(!authsvc_blocklist_is_common(apr_pstrcat(unit_pool, word, "\n", NULL)));
        ck_assert(!authsvc_blocklist_is_common(apr_pstrcat(unit_pool, word, "~~~", NULL)));
        before = word;
        at = stop + 1;
        count++;
    }
    ck_assert_int_eq(count, 47023);
}
END_TEST

START_TEST(what_is_not_common_is_not_found)
{
    static const char *const others[] = {"", "\n", "~", " ", "\xff", "zzzzzzzzzzzzzzzz",
                                         "!", "123456\npassword", "Password"};

    ck_assert(authsvc_blocklist_is_common("password"));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        ck_assert_msg(!authsvc_blocklist_is_common(others[i]), "%s", others[i]);
    }
}
END_TEST

static const authsvc_blocklist_t *load(const char *text, apr_size_t len)
{
    const authsvc_blocklist_t *list = NULL;
    int unreadable;
    authsvc_error_t *err = authsvc_blocklist_load(
        unit_pool, fixture_file(unit_pool, text, len, 0644), &unreadable, &list);

    ck_assert_msg(!err, "%s", err ? err->detail : "");
    return list;
}

static int has(const authsvc_blocklist_t *list, const char *password)
{
    return authsvc_blocklist_has(
        list, authsvc_text_fold(unit_pool, password, strlen(password)));
}

START_TEST(a_file_of_any_shape)
{
    static const char text[] = "\xef\xbb\xbf" "First\r\n"
                               "\n\r\n"
                               "two words\n"
                               " space \n"
                               "bad \xff octet\n"
                               "M\xc3\x9cLLER\n"
                               "first\n"
                               "#4 is no comment\n"
                               "last";
    const authsvc_blocklist_t *list = load(text, sizeof(text) - 1);

    ck_assert_uint_eq(authsvc_blocklist_size(list), 6);
    ck_assert(has(list, "first"));
    ck_assert(has(list, "FIRST"));
    ck_assert(has(list, "Two Words"));
    ck_assert(has(list, " space "));
    ck_assert(!has(list, "space"));
    ck_assert(has(list, "mu\xcc\x88ller"));
    ck_assert(!has(list, "muller"));
    ck_assert(has(list, "#4 is no comment"));
    ck_assert(has(list, "last"));
    ck_assert(!has(list, ""));
    ck_assert(!has(list, "password"));
}
END_TEST

/* Lines end anywhere in what is read at once. */
START_TEST(lines_of_every_length)
{
    enum { LINES = 5000, LONGEST = 190 };
    char *text = apr_palloc(unit_pool, LINES * (LONGEST + 8) + 5000), *at = text;
    char xs[LONGEST + 1] = {0};
    const authsvc_blocklist_t *list;

    memset(xs, 'x', LONGEST);
    for (int i = 0; i < LINES; i++) {
        at += snprintf(at, LONGEST + 8, "%d-%.*s\n", i, i % LONGEST, xs);
    }
    memset(at, 'y', 4097);
    at[4097] = '\n';
    memset(at + 4098, 'z', 4);
    list = load(text, (apr_size_t)(at - text) + 4102);
    ck_assert_uint_eq(authsvc_blocklist_size(list), LINES + 1);
    ck_assert(has(list, "0-"));
    ck_assert(has(list, "3-xxx"));
    ck_assert(has(list, apr_psprintf(unit_pool, "4999-%.*s", 4999 % LONGEST, xs)));
    ck_assert(has(list, "zzzz"));
    ck_assert(!has(list, "3-xxxx"));
    at[4096] = '\0';
    ck_assert(!has(list, at));
}
END_TEST

/* Neither the time nor the memory that it takes gets out of hand. */
START_TEST(a_million_lines)
{
    enum { LINES = 1000000 };
    char *text = apr_palloc(unit_pool, (apr_size_t)LINES * 12), *at = text;
    const authsvc_blocklist_t *list;
    struct rusage before, after;
    const char *path;
    int unreadable;

    for (int i = 0; i < LINES; i++) {
        at += snprintf(at, 12, "pw%07d\n", i);
    }
    path = fixture_file(unit_pool, text, (apr_size_t)(at - text), 0644);
    getrusage(RUSAGE_SELF, &before);
    ck_assert_ptr_null(authsvc_blocklist_load(unit_pool, path, &unreadable, &list));
    getrusage(RUSAGE_SELF, &after);
    ck_assert_uint_eq(authsvc_blocklist_size(list), LINES);
    ck_assert(has(list, "PW0000000"));
    ck_assert(has(list, "pw0999999"));
    ck_assert(!has(list, "pw1000000"));
#ifndef __SANITIZE_THREAD__ /* which keeps some words for each of ours */
    /* 8 octets for each line, twice, and little else */
    ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 24 * 1024);
#endif
}
END_TEST

static void refused(const char *path, const char *because)
{
    const authsvc_blocklist_t *list = NULL;
    int unreadable = 7;
    authsvc_error_t *err = authsvc_blocklist_load(unit_pool, path, &unreadable, &list);

    ck_assert_msg(err != NULL, "%s is accepted", path);
    ck_assert_int_eq(err->code, AUTHSVC_E_INVALID);
    ck_assert_int_eq(unreadable, 0);
    ck_assert_msg(strstr(err->detail, because) != NULL, "%s", err->detail);
    ck_assert_ptr_nonnull(strstr(err->detail, path));
}

START_TEST(what_is_no_list_is_refused)
{
    const char *directory = fixture_directory(unit_pool);
    const char *fifo = apr_pstrcat(unit_pool, directory, "/fifo", NULL);

    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    refused(fifo, "no regular file");
    refused(directory, "is a directory");
    refused(apr_pstrcat(unit_pool, directory, "/none", NULL), "cannot be read");
    refused(fixture_file(unit_pool, "", 0, 0644), "holds no password");
    refused(fixture_file(unit_pool, "\n\r\n", 3, 0644), "holds no password");
    refused(fixture_file(unit_pool, "\xff\xfe\n", 3, 0644), "holds no password");
}
END_TEST

static void init(void)
{
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    ck_assert_ptr_null(authsvc_crypto_init(pool));
    apr_pool_destroy(pool);
}

AUTHSVC_UNIT_SUITE(suite_blocklist)
{
    Suite *suite = suite_create("blocklist");
    TCase *tcase = unit_tcase(suite, "blocklist");

    tcase_add_unchecked_fixture(tcase, init, NULL);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, every_common_password_is_found);
    tcase_add_test(tcase, what_is_not_common_is_not_found);
    tcase_add_test(tcase, a_file_of_any_shape);
    tcase_add_test(tcase, lines_of_every_length);
    tcase_add_test(tcase, a_million_lines);
    tcase_add_test(tcase, what_is_no_list_is_refused);
    return suite;
}
