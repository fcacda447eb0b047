/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authsvc/core/units.h"
#include "authsvc/crypto/key_directory.h"
#include "key.h"

#define LOCK ".lock"
#define UNFINISHED ".new-" /* httpd ignores it: it does not end in .pem */
#define DEFAULT_ALG "RS256"
#define DEFAULT_EVERY "30d"
#define DEFAULT_PUBLISH "24h"
#define DEFAULT_KEEP "25h" /* the longest AuthSvcAccessTokenLifetime, and some more for clocks */

typedef struct {
    ctl_t *ctl;
    const char *directory;
    ctl_key_kind_t kind;
    apr_interval_time_t every;   /* how long each key signs */
    apr_interval_time_t publish; /* how long before it signs it is published */
    apr_interval_time_t keep;    /* how long it verifies when it no longer signs */
    apr_time_t now;              /* whole seconds */
    apr_array_header_t *names;   /* of authsvc_key_name_t, in the order in which they sign */
    int changes;
} rotation_t;

static const char *in_directory(const rotation_t *rotation, const char *name)
{
    return apr_pstrcat(rotation->ctl->pool, rotation->directory, "/", name, NULL);
}

static int cannot(const rotation_t *rotation, const char *path, const char *what)
{
    return authsvc_ctl_failed(rotation->ctl, "%s cannot be %s: %s", path, what, strerror(errno));
}

/*
 * One rotation at a time, on all nodes that share the directory: a lock of this kind works over
 * NFS, too. It ends with the process.
 */
static int lock(rotation_t *rotation)
{
    const char *path = in_directory(rotation, LOCK);
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0) {
        return cannot(rotation, path, "opened");
    }
    while (fcntl(fd, F_SETLKW, &all) != 0) {
        if (errno != EINTR) {
            return cannot(rotation, path, "locked");
        }
    }
    return CTL_OK;
}

/* What a rotation left that was killed in the middle: half a key, or a whole one without a name. */
static void remove_unfinished(rotation_t *rotation)
{
    DIR *directory = opendir(rotation->directory);
    const struct dirent *entry;

    while (directory && (entry = readdir(directory)) != NULL) {
        if (strncmp(entry->d_name, UNFINISHED, strlen(UNFINISHED)) == 0) {
            (void)unlink(in_directory(rotation, entry->d_name));
        }
    }
    if (directory) {
        closedir(directory);
    }
}

/* Whole under its name, or not there: httpd may read the directory at any time. */
static int write_key(rotation_t *rotation, const authsvc_key_name_t *name, const char *pem)
{
    const char *path = in_directory(rotation, name->file);
    const char *unfinished =
        in_directory(rotation, apr_pstrcat(rotation->ctl->pool, UNFINISHED, name->kid, NULL));
    authsvc_error_t *err = authsvc_ctl_file_create(rotation->ctl->pool, unfinished, pem);

    if (err) {
        return authsvc_ctl_report(rotation->ctl, err);
    }
    if (rename(unfinished, path) != 0) {
        int status = cannot(rotation, path, "made");

        (void)unlink(unfinished);
        return status;
    }
    authsvc_ctl_file_sync_directory(rotation->ctl->pool, path);
    return CTL_OK;
}

static void add_name(rotation_t *rotation, const authsvc_key_name_t *name)
{
    authsvc_key_name_t *place = apr_array_push(rotation->names);

    while (place > (authsvc_key_name_t *)(void *)rotation->names->elts &&
           place[-1].sign_at > name->sign_at) {
        *place = place[-1];
        place--;
    }
    *place = *name;
}

static int make_key(rotation_t *rotation, apr_time_t sign_at)
{
    ctl_t *ctl = rotation->ctl;
    authsvc_key_name_t name = {0};
    authsvc_key_t *key;
    const char *pem;
    authsvc_error_t *err =
        authsvc_key_generate(ctl->pool, rotation->kind.alg, (int)rotation->kind.bits, &pem);

    if (!err) {
        err = authsvc_key_from_pem(ctl->pool, rotation->directory, pem, strlen(pem), 1, &key);
    }
    if (err) {
        return authsvc_ctl_report(ctl, err);
    }
    name.sign_at = sign_at;
    name.publish_at = sign_at - rotation->publish;
    if (name.publish_at < rotation->now) {
        name.publish_at = rotation->now;
    }
    name.retire_at = sign_at + rotation->every + rotation->keep;
    apr_cpystrn(name.kid, authsvc_key_id(key), sizeof(name.kid));
    name.file = authsvc_key_name_format(ctl->pool, &name);
    if (write_key(rotation, &name, pem) != CTL_OK) {
        return CTL_FAILED;
    }
    rotation->changes++;
    fprintf(ctl->out, "made %s: %s, signs from %s\n", name.file, authsvc_key_algorithm(key),
            authsvc_time_rfc3339(ctl->pool, name.sign_at));
    add_name(rotation, &name);
    return CTL_OK;
}

static const authsvc_key_name_t *name_at(const rotation_t *rotation, int i)
{
    return &APR_ARRAY_IDX(rotation->names, i, authsvc_key_name_t);
}

/*
 * One that signs at once where none has begun to: in a new directory, and where the one that did
 * was taken away, since it leaked. Then, until a key is there that signs later than twice the time
 * of publication from now: with a daily run there is a successor at any time, and it is published
 * for a whole day.
 */
static int make_keys(rotation_t *rotation)
{
    if ((rotation->names->nelts == 0 || name_at(rotation, 0)->sign_at > rotation->now) &&
        make_key(rotation, rotation->now) != CTL_OK) {
        return CTL_FAILED;
    }
    for (;;) {
        apr_time_t last = name_at(rotation, rotation->names->nelts - 1)->sign_at;
        apr_time_t next = last + rotation->every, soonest = rotation->now + rotation->publish;

        if (last >= rotation->now + 2 * rotation->publish) {
            return CTL_OK;
        }
        if (make_key(rotation, next > soonest ? next : soonest) != CTL_OK) {
            return CTL_FAILED;
        }
    }
}

/* Whatever no longer verifies. The last one signs, however old it is. */
static int remove_retired(rotation_t *rotation)
{
    int i;

    for (i = 0; i + 1 < rotation->names->nelts; i++) {
        const authsvc_key_name_t *name = name_at(rotation, i);
        apr_time_t last_token = name[1].sign_at + rotation->keep;
        const char *path = in_directory(rotation, name->file);

        if (rotation->now < name->retire_at || rotation->now < last_token) {
            continue;
        }
        if (unlink(path) != 0 && errno != ENOENT) {
            return cannot(rotation, path, "removed");
        }
        rotation->changes++;
        fprintf(rotation->ctl->out, "removed %s: retired\n", name->file);
    }
    return CTL_OK;
}

/* Nothing is written beside what the server would refuse. */
static int look(rotation_t *rotation)
{
    ctl_t *ctl = rotation->ctl;
    authsvc_key_listing_t listing;
    apr_array_header_t *keys;
    authsvc_keyset_t *set;
    authsvc_error_t *err =
        authsvc_key_directory_list(ctl->pool, rotation->directory, NULL, &listing);

    if (!err && listing.names->nelts > 0) {
        err = authsvc_key_directory_load(ctl->pool, rotation->directory, NULL, &keys);
        if (!err) {
            err = authsvc_keyset_create_timed(ctl->pool, keys, NULL, 0, &set);
        }
        if (!err && !rotation->kind.alg) {
            const authsvc_timed_key_t *newest =
                &APR_ARRAY_IDX(keys, keys->nelts - 1, authsvc_timed_key_t);
            rotation->kind.alg = authsvc_key_algorithm(newest->key);
        }
    }
    if (err) {
        return authsvc_ctl_report(ctl, err);
    }
    rotation->names = listing.names;
    rotation->kind.alg = rotation->kind.alg ? rotation->kind.alg : DEFAULT_ALG;
    return CTL_OK;
}

static int rotate(rotation_t *rotation)
{
    authsvc_key_listing_t listing;
    authsvc_error_t *err =
        authsvc_key_directory_list(rotation->ctl->pool, rotation->directory, NULL, &listing);

    /* Before anything is written into it, the lock included. */
    if (err) {
        return authsvc_ctl_report(rotation->ctl, err);
    }
    if (lock(rotation) != CTL_OK) {
        return CTL_FAILED;
    }
    remove_unfinished(rotation);
    rotation->now = apr_time_from_sec(apr_time_sec(apr_time_now()));
    if (look(rotation) != CTL_OK || make_keys(rotation) != CTL_OK ||
        remove_retired(rotation) != CTL_OK) {
        return CTL_FAILED;
    }
    if (rotation->changes == 0) {
        const authsvc_key_name_t *last = name_at(rotation, rotation->names->nelts - 1);

        fprintf(rotation->ctl->out, "nothing to do: %s signs from %s\n", last->file,
                authsvc_time_rfc3339(rotation->ctl->pool, last->sign_at));
    }
    return CTL_OK;
}

static int take_time(rotation_t *rotation, const char *option, const char *text,
                     apr_interval_time_t *time)
{
    if (!authsvc_duration_parse(text, time) || *time < apr_time_from_sec(1) ||
        *time % APR_USEC_PER_SEC != 0) {
        return authsvc_ctl_misused(rotation->ctl, "--%s takes a time in whole seconds, such as "
                                                  "900, 12h or 30d", option);
    }
    return CTL_OK;
}

int authsvc_ctl_key_rotate(ctl_t *ctl, int argc, char **argv)
{
    const char *every = NULL, *publish = NULL, *keep = NULL;
    rotation_t rotation = {.ctl = ctl};
    const ctl_option_t options[] = {
        CTL_KEY_OPTIONS(rotation.kind),
        {"every", &every, NULL},
        {"publish", &publish, NULL},
        {"keep", &keep, NULL},
        {0},
    };
    apr_array_header_t *operands;

    if (authsvc_ctl_options(ctl, argc, argv, options, &operands) != CTL_OK) {
        return CTL_USAGE;
    }
    if (operands->nelts != 1) {
        return authsvc_ctl_misused(ctl, "rotate needs one directory");
    }
    if (authsvc_ctl_key_kind_check(ctl, &rotation.kind) != CTL_OK ||
        take_time(&rotation, "every", every ? every : DEFAULT_EVERY, &rotation.every) != CTL_OK ||
        take_time(&rotation, "publish", publish ? publish : DEFAULT_PUBLISH, &rotation.publish) !=
            CTL_OK ||
        take_time(&rotation, "keep", keep ? keep : DEFAULT_KEEP, &rotation.keep) != CTL_OK) {
        return CTL_USAGE;
    }
    if (rotation.every < 2 * rotation.publish) {
        return authsvc_ctl_misused(ctl, "--every must be at least twice --publish (%s)",
                                   publish ? publish : DEFAULT_PUBLISH);
    }
    rotation.directory = APR_ARRAY_IDX(operands, 0, const char *);
    return rotate(&rotation);
}
