/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/key_directory.h"

#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "key.h"

#define TIME_LEN 16 /* 20261125T120000Z */
#define SUFFIX ".pem"
#define SUFFIX_LEN 4
#define NAME_LEN (3 * (TIME_LEN + 1) + AUTHSVC_KEY_NAME_KID + SUFFIX_LEN)

static void format_time(char text[TIME_LEN + 1], apr_time_t time)
{
    apr_time_exp_t parts;

    if (apr_time_exp_gmt(&parts, time) != APR_SUCCESS) {
        memset(&parts, 0, sizeof(parts));
    }
    /* To the width: what does not fit is no year of four digits. */
    apr_snprintf(text, TIME_LEN + 1, "%04d%02d%02dT%02d%02d%02dZ", parts.tm_year + 1900,
                 parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

static int digits(const char *text, int n)
{
    int value = 0;

    while (n-- > 0) {
        value = value * 10 + (*text++ - '0');
    }
    return value;
}

/* By writing it again, so that the 31st of April is none. */
static int parse_time(const char *text, apr_time_t *time)
{
    apr_time_exp_t parts;
    char again[TIME_LEN + 1];
    int i;

    for (i = 0; i < TIME_LEN; i++) {
        int wanted = i == 8 ? 'T' : i == TIME_LEN - 1 ? 'Z' : '0';

        if (wanted == '0' ? text[i] < '0' || text[i] > '9' : text[i] != wanted) {
            return 0;
        }
    }
    memset(&parts, 0, sizeof(parts));
    parts.tm_year = digits(text, 4) - 1900;
    parts.tm_mon = digits(text + 4, 2) - 1;
    parts.tm_mday = digits(text + 6, 2);
    parts.tm_hour = digits(text + 9, 2);
    parts.tm_min = digits(text + 11, 2);
    parts.tm_sec = digits(text + 13, 2);
    if (parts.tm_mon < 0 || parts.tm_mon > 11 ||
        apr_time_exp_gmt_get(time, &parts) != APR_SUCCESS || *time < 0) {
        return 0;
    }
    format_time(again, *time);
    return memcmp(again, text, TIME_LEN) == 0;
}

static int is_base64url(const char *text, int n)
{
    for (; n > 0; n--, text++) {
        if (!*text || !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
                              *text)) {
            return 0;
        }
    }
    return 1;
}

int authsvc_key_name_parse(const char *name, authsvc_key_name_t *parsed)
{
    apr_time_t times[3];
    const char *at = name;
    int i;

    if (strlen(name) != NAME_LEN) {
        return 0;
    }
    for (i = 0; i < 3; i++, at += TIME_LEN + 1) {
        if (!parse_time(at, &times[i]) || at[TIME_LEN] != '-') {
            return 0;
        }
    }
    if (!is_base64url(at, AUTHSVC_KEY_NAME_KID) ||
        strcmp(at + AUTHSVC_KEY_NAME_KID, SUFFIX) != 0 || times[0] > times[1] ||
        times[1] >= times[2]) {
        return 0;
    }
    parsed->file = name;
    parsed->publish_at = times[0];
    parsed->sign_at = times[1];
    parsed->retire_at = times[2];
    apr_cpystrn(parsed->kid, at, sizeof(parsed->kid));
    return 1;
}

const char *authsvc_key_name_format(apr_pool_t *pool, const authsvc_key_name_t *parts)
{
    char publish[TIME_LEN + 1], sign[TIME_LEN + 1], retire[TIME_LEN + 1];

    format_time(publish, parts->publish_at);
    format_time(sign, parts->sign_at);
    format_time(retire, parts->retire_at);
    return apr_psprintf(pool, "%s-%s-%s-%.*s" SUFFIX, publish, sign, retire, AUTHSVC_KEY_NAME_KID,
                        parts->kid);
}

static authsvc_error_t *cannot_read(apr_pool_t *pool, const char *path, int error, int *unreadable)
{
    char text[128];

    if (unreadable && error == EACCES) {
        *unreadable = 1;
    }
    return authsvc_crypto_refuse(pool, path, "cannot be read: %s",
                                 apr_strerror(APR_FROM_OS_ERROR(error), text, sizeof(text)));
}

/* Who may write into it may let the server sign with a key of his own. */
static authsvc_error_t *check_directory(apr_pool_t *pool, const char *path, DIR *directory)
{
    struct stat status;

    if (fstat(dirfd(directory), &status) != 0) {
        return cannot_read(pool, path, errno, NULL);
    }
    if (status.st_uid != 0 && status.st_uid != geteuid()) {
        return authsvc_crypto_refuse(pool, path, "belongs neither to root nor to the user who "
                                                 "reads it here, and its owner could put any key "
                                                 "into it; run: chown root %s", path);
    }
    if (status.st_mode & (S_IWGRP | S_IWOTH)) {
        return authsvc_crypto_refuse(pool, path, "may be written to by others than its owner, who "
                                                 "could put any key into it; run: chmod 0700 %s",
                                     path);
    }
    return NULL;
}

static int ends_in_pem(const char *name)
{
    size_t len = strlen(name);

    return len >= SUFFIX_LEN && strcmp(name + len - SUFFIX_LEN, SUFFIX) == 0;
}

static int compare(const void *a, const void *b)
{
    const authsvc_key_name_t *left = a, *right = b;

    if (left->sign_at != right->sign_at) {
        return left->sign_at < right->sign_at ? -1 : 1;
    }
    return strcmp(left->file, right->file);
}

static authsvc_error_t *read_names(apr_pool_t *pool, const char *path, DIR *directory,
                                   authsvc_key_listing_t *listing)
{
    const struct dirent *entry;
    authsvc_key_name_t name;

    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else reads this stream */
    for (errno = 0; (entry = readdir(directory)) != NULL; errno = 0) {
        const char *file = apr_pstrdup(pool, entry->d_name);

        if (authsvc_key_name_parse(file, &name)) {
            APR_ARRAY_PUSH(listing->names, authsvc_key_name_t) = name;
        } else if (ends_in_pem(file)) {
            return authsvc_crypto_refuse(
                pool, apr_pstrcat(pool, path, "/", file, NULL),
                "has no name of the form PUBLISH-SIGN-RETIRE-KID.pem with times such as "
                "20261125T120000Z in this order; let authsvcctl key rotate make the keys, and move "
                "others out of the directory");
        } else if (file[0] != '.') {
            APR_ARRAY_PUSH(listing->ignored, const char *) = file;
        }
    }
    if (errno != 0) {
        return cannot_read(pool, path, errno, NULL);
    }
    qsort(listing->names->elts, (size_t)listing->names->nelts, sizeof(authsvc_key_name_t),
          compare);
    return NULL;
}

/* @return NULL with an error */
static DIR *open_and_list(apr_pool_t *pool, const char *path, int *unreadable,
                          authsvc_key_listing_t *listing, authsvc_error_t **err)
{
    DIR *directory = opendir(path);
    int error = errno;

    if (unreadable) {
        *unreadable = 0;
    }
    listing->names = apr_array_make(pool, 8, sizeof(authsvc_key_name_t));
    listing->ignored = apr_array_make(pool, 2, sizeof(const char *));
    if (!directory && error == ENOTDIR) {
        *err = authsvc_crypto_refuse(pool, path, "is no directory; give the path of a directory "
                                                 "that authsvcctl key rotate fills");
        return NULL;
    }
    if (!directory) {
        *err = cannot_read(pool, path, error, unreadable);
        return NULL;
    }
    *err = check_directory(pool, path, directory);
    if (!*err) {
        *err = read_names(pool, path, directory, listing);
    }
    if (*err) {
        closedir(directory);
        return NULL;
    }
    return directory;
}

authsvc_error_t *authsvc_key_directory_list(apr_pool_t *pool, const char *path, int *unreadable,
                                            authsvc_key_listing_t *listing)
{
    authsvc_error_t *err;
    DIR *directory = open_and_list(pool, path, unreadable, listing, &err);

    if (!directory) {
        return err;
    }
    closedir(directory);
    return NULL;
}

static authsvc_error_t *load_one(apr_pool_t *pool, const char *path, int directory,
                                 const authsvc_key_name_t *name, int *unreadable,
                                 apr_array_header_t *keys)
{
    const char *full = apr_pstrcat(pool, path, "/", name->file, NULL);
    authsvc_timed_key_t timed = {NULL, full, name->publish_at, name->sign_at, name->retire_at};

    AUTHSVC_TRY(authsvc_key_load_at(pool, directory, name->file, full, unreadable, &timed.key));
    if (!timed.key) {
        return NULL; /* taken away since the directory was read */
    }
    if (strncmp(timed.key->kid, name->kid, AUTHSVC_KEY_NAME_KID) != 0) {
        return authsvc_crypto_refuse(pool, full, "holds the key %s, which its name does not say; "
                                                 "was it copied over another?", timed.key->kid);
    }
    APR_ARRAY_PUSH(keys, authsvc_timed_key_t) = timed;
    return NULL;
}

authsvc_error_t *authsvc_key_directory_load(apr_pool_t *pool, const char *path, int *unreadable,
                                            apr_array_header_t **keys)
{
    authsvc_key_listing_t listing;
    authsvc_error_t *err;
    DIR *directory = open_and_list(pool, path, unreadable, &listing, &err);
    int i;

    if (!directory) {
        return err;
    }
    *keys = apr_array_make(pool, 4, sizeof(authsvc_timed_key_t));
    for (i = 0; !err && i < listing.names->nelts; i++) {
        err = load_one(pool, path, dirfd(directory),
                       &APR_ARRAY_IDX(listing.names, i, authsvc_key_name_t), unreadable, *keys);
    }
    closedir(directory);
    if (!err && (*keys)->nelts == 0) {
        err = authsvc_crypto_refuse(pool, path, "holds no key; run: authsvcctl key rotate %s",
                                    path);
    }
    return err;
}
