/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authsvc/core/units.h"
#include "authsvc/crypto/key_directory.h"
#include "authsvc/crypto/secrets.h"
#include "check.h"

/* What could not be read by us is no finding about httpd, which is started by root. */
static void show_fault(ctl_check_t *check, const char *what, const authsvc_error_t *err,
                       int unreadable)
{
    const char *text = err->detail ? err->detail : authsvc_error_describe(err, check->ctl->pool);

    if (unreadable) {
        authsvc_ctl_found(check, CTL_WARNING, what,
                          "%s (not checked: run this as the user who starts httpd)", text);
    } else {
        authsvc_ctl_found(check, CTL_ERROR, what, "%s", text);
    }
}

/* Who may write into the directory of a file can put another in its place. */
static void check_place(ctl_check_t *check, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *directory =
        slash && slash != path ? apr_pstrmemdup(check->ctl->pool, path, (apr_size_t)(slash - path))
                               : "/";
    struct stat status;

    if (stat(directory, &status) != 0) {
        authsvc_ctl_found(check, CTL_WARNING, "files", "%s cannot be looked at: %s", directory,
                          strerror(errno));
    } else if (status.st_uid != 0 && status.st_uid != geteuid()) {
        authsvc_ctl_found(check, CTL_WARNING, "files",
                          "%s belongs neither to root nor to you: its owner could put another file "
                          "in the place of %s", directory, path);
    } else if ((status.st_mode & (S_IWGRP | S_IWOTH)) && !(status.st_mode & S_ISVTX)) {
        authsvc_ctl_found(check, CTL_WARNING, "files",
                          "%s may be written to by others than its owner, who could put another "
                          "file in the place of %s; run: chmod go-w %s",
                          directory, path, directory);
    }
}

/* A file that authsvcctl key rotate will remove while tokens of its key are still out. */
static void check_kept(ctl_check_t *check, const apr_array_header_t *keys)
{
    apr_interval_time_t needed =
        authsvc_ctl_fact(check, "access_lifetime") + AUTHSVC_KEY_MARGIN;

    for (int i = 0; i + 1 < keys->nelts; i++) {
        const authsvc_timed_key_t *key = &APR_ARRAY_IDX(keys, i, authsvc_timed_key_t);

        if (key->retire_at < key[1].sign_at + needed && apr_time_now() < key[1].sign_at) {
            authsvc_ctl_found(check, CTL_WARNING, "keys",
                              "%s retires before its last token has expired; give authsvcctl key "
                              "rotate a --keep of %" APR_INT64_T_FMT "s or more",
                              key->name, apr_time_sec(needed));
        }
    }
}

static void show_keys(ctl_check_t *check, const char *path, const apr_array_header_t *keys)
{
    apr_pool_t *pool = check->ctl->pool;
    apr_time_t now = apr_time_now();
    const authsvc_timed_key_t *next = NULL;
    const authsvc_key_t *signing;
    authsvc_keyset_t *set;
    authsvc_error_t *err = authsvc_keyset_create_timed(
        pool, keys, NULL, authsvc_ctl_fact(check, "access_lifetime"), &set);

    if (err) {
        show_fault(check, "keys", err, 0);
        return;
    }
    signing = authsvc_keyset_signing(set, now);
    for (int i = keys->nelts - 1; i >= 0; i--) {
        const authsvc_timed_key_t *key = &APR_ARRAY_IDX(keys, i, authsvc_timed_key_t);

        next = key->sign_at > now && key->key != signing ? key : next;
    }
    if (next) {
        authsvc_ctl_found(check, CTL_FINE, "keys", "%s signs, %s follows at %s",
                          authsvc_key_id(signing), authsvc_key_id(next->key),
                          authsvc_time_rfc3339(pool, next->sign_at));
    } else {
        authsvc_ctl_found(check, CTL_WARNING, "keys",
                          "no key follows %s, which then goes on signing; run authsvcctl key "
                          "rotate %s, and reload httpd", authsvc_key_id(signing), path);
    }
    check_kept(check, keys);
}

static void check_directory(ctl_check_t *check, const char *path)
{
    authsvc_key_listing_t listing;
    apr_array_header_t *keys;
    int unreadable;
    authsvc_error_t *err =
        authsvc_key_directory_list(check->ctl->pool, path, &unreadable, &listing);

    if (!err) {
        err = authsvc_key_directory_load(check->ctl->pool, path, &unreadable, &keys);
    }
    if (err) {
        show_fault(check, "keys", err, unreadable);
        return;
    }
    show_keys(check, path, keys);
    for (int i = 0; i < listing.ignored->nelts; i++) {
        authsvc_ctl_found(check, CTL_WARNING, "keys", "%s/%s is no key file, and is ignored", path,
                          APR_ARRAY_IDX(listing.ignored, i, const char *));
    }
}

static void check_key(ctl_check_t *check, const char *path, int signs)
{
    authsvc_key_t *key;
    int unreadable;
    authsvc_error_t *err = authsvc_key_load(check->ctl->pool, path, signs, &unreadable, &key);

    if (err) {
        show_fault(check, "keys", err, unreadable);
    } else {
        authsvc_ctl_found(check, CTL_FINE, "keys", "%s %s", authsvc_key_id(key),
                          signs ? "signs, until the configuration names another" : "verifies");
    }
}

void authsvc_ctl_check_files(ctl_check_t *check)
{
    const authsvc_json_t *verify = authsvc_json_get(check->facts, "verify_keys");
    const char *signing = authsvc_json_get_string(check->facts, "signing_key");
    const char *directory = authsvc_json_get_string(check->facts, "key_directory");
    const char *secret = authsvc_json_get_string(check->facts, "secret_file");
    authsvc_secrets_t *secrets;
    authsvc_error_t *err;
    int unreadable;

    if (directory) {
        check_directory(check, directory);
        check_place(check, directory);
    } else if (signing) {
        check_key(check, signing, 1);
        check_place(check, signing);
    }
    for (apr_size_t i = 0; i < authsvc_json_size(verify); i++) {
        const char *path = authsvc_json_string(authsvc_json_at(verify, i));

        check_key(check, path, 0);
        check_place(check, path);
    }
    if (!secret) {
        return;
    }
    err = authsvc_secrets_load(check->ctl->pool, secret, &unreadable, &secrets);
    if (err) {
        show_fault(check, "secrets", err, unreadable);
    } else {
        authsvc_ctl_found(check, CTL_FINE, "secrets", "number %d makes new refresh tokens",
                          authsvc_secrets_current(secrets));
    }
    check_place(check, secret);
}
