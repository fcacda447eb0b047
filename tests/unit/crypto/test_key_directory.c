/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "authsvc/crypto/key_directory.h"
#include "fixture.h"

#define FIRST "20261124T120000Z-20261125T120000Z-20261226T130000Z-"

static const char *path;

static void start(void)
{
    unit_setup();
    path = fixture_directory(unit_pool);
}

static apr_status_t remove_file(void *data)
{
    (void)unlink(data);
    return APR_SUCCESS;
}

/* A file in the directory; a symbolic link if target is given. @return its path */
static const char *put(const char *name, const char *text, int mode, const char *target)
{
    char *file = apr_pstrcat(unit_pool, path, "/", name, NULL);

    if (target) {
        ck_assert_int_eq(symlink(target, file), 0);
    } else {
        FILE *out = fopen(file, "w");

        ck_assert_ptr_nonnull(out);
        ck_assert_int_ge(fputs(text, out), 0);
        ck_assert_int_eq(fclose(out), 0);
        ck_assert_int_eq(chmod(file, (mode_t)mode), 0);
    }
    apr_pool_cleanup_register(unit_pool, file, remove_file, apr_pool_cleanup_null);
    return file;
}

static const char *name_of(const char *times, fixture_key_t which)
{
    return apr_psprintf(unit_pool, "%s%.8s.pem", times, authsvc_key_id(fixture_key(which)));
}

static authsvc_error_t *load(apr_array_header_t **keys)
{
    return authsvc_key_directory_load(unit_pool, path, NULL, keys);
}

static void refused(const char *words)
{
    apr_array_header_t *keys;
    authsvc_error_t *err = load(&keys);

    ck_assert_msg(err != NULL, "accepted, where \"%s\" was expected", words);
    ck_assert_int_eq(err->code, AUTHSVC_E_INVALID);
    ck_assert_msg(strstr(err->detail, words) != NULL, "%s", err->detail);
    ck_assert_msg(strstr(err->detail, path) != NULL, "%s", err->detail);
}

static void accepted(int count)
{
    apr_array_header_t *keys;
    authsvc_error_t *err = load(&keys);

    ck_assert_msg(err == NULL, "%s", err ? err->detail : "");
    ck_assert_int_eq(keys->nelts, count);
}

START_TEST(names_are_read_and_written)
{
    authsvc_key_name_t name;
    const char *text = FIRST "kP-K_qmx.pem";

    ck_assert_int_eq(authsvc_key_name_parse(text, &name), 1);
    ck_assert_str_eq(name.file, text);
    ck_assert_int_eq(name.publish_at, apr_time_from_sec(1795521600));
    ck_assert_int_eq(name.sign_at, apr_time_from_sec(1795608000));
    ck_assert_int_eq(name.retire_at, apr_time_from_sec(1798290000));
    ck_assert_str_eq(name.kid, "kP-K_qmx");
    ck_assert_str_eq(authsvc_key_name_format(unit_pool, &name), text);
    name.publish_at += 999999;
    ck_assert_str_eq(authsvc_key_name_format(unit_pool, &name), text);
}
END_TEST

static const char *const good_names[] = {
    "19700101T000000Z-19700101T000000Z-19700101T000001Z-AAAAAAAA.pem",
    "20240229T235959Z-20240229T235959Z-20240301T000000Z-________.pem",
    "20380119T031407Z-20380119T031408Z-20380119T031409Z---------.pem",
    "21060207T062815Z-21060207T062816Z-21060207T062817Z-zzzzzzzz.pem",
    "99991231T235958Z-99991231T235958Z-99991231T235959Z-00000000.pem",
};

START_TEST(names_of_far_times_are_read_and_written)
{
    authsvc_key_name_t name;

    ck_assert_int_eq(authsvc_key_name_parse(good_names[_i], &name), 1);
    ck_assert_str_eq(authsvc_key_name_format(unit_pool, &name), good_names[_i]);
}
END_TEST

static const char *const bad_names[] = {
    "",
    ".pem",
    "signing.pem",
    FIRST "kPrK_qm.pem",
    FIRST "kPrK_qmxx.pem",
    FIRST "kPrK_qm!.pem",
    FIRST "kPrK_qm=.pem",
    FIRST "kPrK_qmx.PEM",
    FIRST "kPrK_qmx.pem ",
    FIRST "kPrK_qmx.key",
    " " FIRST "kPrK_qmx.pem",
    /* no such time */
    "20260431T120000Z-20261125T120000Z-20261226T130000Z-kPrK_qmx.pem",
    "20260229T120000Z-20261125T120000Z-20261226T130000Z-kPrK_qmx.pem",
    "20260001T120000Z-20261125T120000Z-20261226T130000Z-kPrK_qmx.pem",
    "20261301T120000Z-20261325T120000Z-20261326T130000Z-kPrK_qmx.pem",
    "20260100T120000Z-20261125T120000Z-20261226T130000Z-kPrK_qmx.pem",
    "20261124T240000Z-20261125T120000Z-20261226T130000Z-kPrK_qmx.pem",
    "20261124T126000Z-20261125T120000Z-20261226T130000Z-kPrK_qmx.pem",
    "20261124T120060Z-20261125T120000Z-20261226T130000Z-kPrK_qmx.pem",
    "19691231T235959Z-20261125T120000Z-20261226T130000Z-kPrK_qmx.pem",
    /* no digits, or others between them */
    "2026112 T120000Z-20261125T120000Z-20261226T130000Z-kPrK_qmx.pem",
    "-0261124T120000Z-20261125T120000Z-20261226T130000Z-kPrK_qmx.pem",
    "20261124 120000Z-20261125T120000Z-20261226T130000Z-kPrK_qmx.pem",
    "20261124T120000z-20261125T120000Z-20261226T130000Z-kPrK_qmx.pem",
    "20261124T120000Z_20261125T120000Z-20261226T130000Z-kPrK_qmx.pem",
    "20261124T120000Z-20261125T120000Z-20261226T130000Z_kPrK_qmx.pem",
    /* signs before it is published; retires when it signs */
    "20261125T120001Z-20261125T120000Z-20261226T130000Z-kPrK_qmx.pem",
    "20261124T120000Z-20261125T120000Z-20261125T120000Z-kPrK_qmx.pem",
};

START_TEST(other_names_are_refused)
{
    authsvc_key_name_t name;

    ck_assert_int_eq(authsvc_key_name_parse(bad_names[_i], &name), 0);
}
END_TEST

START_TEST(keys_are_loaded_in_the_order_in_which_they_sign)
{
    apr_array_header_t *keys;
    const authsvc_timed_key_t *timed;
    authsvc_key_listing_t listing;

    put(name_of("20250101T000000Z-20270101T000000Z-20280101T000000Z-", FIXTURE_RS256),
        fixture_pem(FIXTURE_RS256), 0600, NULL);
    put(name_of("20260101T000000Z-20260101T000000Z-20280101T000000Z-", FIXTURE_ES256),
        fixture_pem(FIXTURE_ES256), 0400, NULL);
    put("README", "notes\n", 0644, NULL);
    put(".lock", "", 0600, NULL);
    ck_assert_ptr_null(load(&keys));
    ck_assert_int_eq(keys->nelts, 2);
    timed = &APR_ARRAY_IDX(keys, 0, authsvc_timed_key_t);
    ck_assert_str_eq(authsvc_key_algorithm(timed->key), "ES256");
    ck_assert_int_eq(timed->sign_at, apr_time_from_sec(1767225600));
    ck_assert_str_eq(authsvc_key_algorithm(timed[1].key), "RS256");
    ck_assert_int_eq(timed[1].publish_at, apr_time_from_sec(1735689600));
    ck_assert_ptr_null(authsvc_key_directory_list(unit_pool, path, NULL, &listing));
    ck_assert_int_eq(listing.names->nelts, 2);
    ck_assert_int_eq(listing.ignored->nelts, 1);
    ck_assert_str_eq(APR_ARRAY_IDX(listing.ignored, 0, const char *), "README");
}
END_TEST

START_TEST(directories_are_refused_with_the_reason)
{
    refused("authsvcctl key rotate");
    put(name_of(FIRST, FIXTURE_ES256), fixture_pem(FIXTURE_ES256), 0600, NULL);
    accepted(1);
    ck_assert_int_eq(chmod(path, 0770), 0);
    refused("chmod 0700");
    ck_assert_int_eq(chmod(path, 0702), 0);
    refused("chmod 0700");
    ck_assert_int_eq(chmod(path, 0755), 0);
    accepted(1);
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(path, 65534, (gid_t)-1), 0);
        refused("chown root");
        ck_assert_int_eq(chown(path, 0, (gid_t)-1), 0);
    }
    path = apr_pstrcat(unit_pool, path, "/", name_of(FIRST, FIXTURE_ES256), NULL);
    refused("is no directory");
    path = apr_pstrcat(unit_pool, path, ".none", NULL);
    refused("No");
}
END_TEST

static void file_is_refused(const char *name, const char *text, int mode, const char *words)
{
    const char *file = put(name, text, mode, NULL);

    refused(words);
    ck_assert_int_eq(unlink(file), 0);
}

START_TEST(files_are_refused_with_the_reason)
{
    const char *good = fixture_pem(FIXTURE_ES256), *name = name_of(FIRST, FIXTURE_ES256);
    const char *elsewhere = fixture_file(unit_pool, good, strlen(good), 0600);
    const char *file;

    file_is_refused("signing.pem", good, 0600, "no name of the form");
    file_is_refused(".hidden.pem", good, 0600, "no name of the form");
    file_is_refused(name, "", 0600, "is empty");
    file_is_refused(name, "junk\n", 0600, "PEM");
    file_is_refused(name, good, 0640, "chmod 0600");
    file_is_refused(name, good, 0604, "chmod 0600");
    file_is_refused(name, fixture_public_pem(unit_pool, FIXTURE_ES256), 0600, "public key");
    file_is_refused(name, fixture_pem(FIXTURE_RS256), 0600, "its name does not say");
    file = put(name, "", 0, elsewhere);
    refused("symbolic link");
    ck_assert_int_eq(unlink(file), 0);
    ck_assert_int_eq(mkdir(file, 0700), 0);
    refused("a directory");
    ck_assert_int_eq(rmdir(file), 0);
    ck_assert_int_eq(mkfifo(file, 0600), 0);
    refused("no regular file");
    ck_assert_int_eq(unlink(file), 0);
    put(name, good, 0600, NULL);
    accepted(1);
}
END_TEST

/* Only as a user who may not read everything; root goes on as nobody in the forked test. */
START_TEST(missing_permission_is_told_apart)
{
    apr_array_header_t *keys;
    authsvc_error_t *err;
    int unreadable = 0;

    put(name_of(FIRST, FIXTURE_ES256), fixture_pem(FIXTURE_ES256), 0600, NULL);
    ck_assert_int_eq(chmod(path, geteuid() == 0 ? 0700 : 0), 0);
    if (geteuid() == 0) {
        ck_assert_int_eq(seteuid(65534), 0);
    }
    err = authsvc_key_directory_load(unit_pool, path, &unreadable, &keys);
    ck_assert_ptr_nonnull(err);
    ck_assert_int_eq(unreadable, 1);
    if (getuid() == 0) {
        ck_assert_int_eq(seteuid(0), 0);
        ck_assert_int_eq(chmod(path, 0755), 0);
        ck_assert_int_eq(seteuid(65534), 0);
        unreadable = 0;
        ck_assert_ptr_nonnull(authsvc_key_directory_load(unit_pool, path, &unreadable, &keys));
        ck_assert_int_eq(unreadable, 1);
        ck_assert_int_eq(seteuid(0), 0);
    }
    ck_assert_int_eq(chmod(path, 0700), 0);
    unreadable = 1;
    ck_assert_ptr_null(authsvc_key_directory_load(unit_pool, path, &unreadable, &keys));
    ck_assert_int_eq(unreadable, 0);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_key_directory)
{
    Suite *suite = suite_create("key_directory");
    TCase *tcase = tcase_create("directory");

    suite_add_tcase(suite, tcase);
    tcase_add_unchecked_fixture(tcase, fixture_make_keys, NULL);
    tcase_add_checked_fixture(tcase, start, unit_teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, names_are_read_and_written);
    tcase_add_loop_test(tcase, names_of_far_times_are_read_and_written, 0,
                        (int)(sizeof(good_names) / sizeof(good_names[0])));
    tcase_add_loop_test(tcase, other_names_are_refused, 0,
                        (int)(sizeof(bad_names) / sizeof(bad_names[0])));
    tcase_add_test(tcase, keys_are_loaded_in_the_order_in_which_they_sign);
    tcase_add_test(tcase, directories_are_refused_with_the_reason);
    tcase_add_test(tcase, files_are_refused_with_the_reason);
    tcase_add_test(tcase, missing_permission_is_told_apart);
    return suite;
}
