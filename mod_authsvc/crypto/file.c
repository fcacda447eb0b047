/* SPDX-License-Identifier: Apache-2.0 */
#include "file.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (64 * 1024)

/* O_NONBLOCK: opening a FIFO must not hang the start of the server. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

authsvc_error_t *authsvc_crypto_refuse(apr_pool_t *pool, const char *origin, const char *format,
                                       ...)
{
    const char *sentence;
    va_list args;

    va_start(args, format);
    sentence = apr_pvsprintf(pool, format, args);
    va_end(args);
    sentence = apr_psprintf(pool, "%s: %s", origin, sentence);
    return AUTHSVC_ERROR(pool, AUTHSVC_E_INVALID, NULL, sentence, "%s", sentence);
}

static apr_status_t wipe(void *data)
{
    authsvc_crypto_file_t *file = data;

    sodium_memzero(file->text, file->len);
    return APR_SUCCESS;
}

static const char *why(apr_pool_t *pool, int error)
{
    char buffer[128];

    return apr_pstrdup(pool, apr_strerror(APR_FROM_OS_ERROR(error), buffer, sizeof(buffer)));
}

/* Its length is what was there when it was opened: a file that grows meanwhile is cut. */
static authsvc_error_t *read_all(apr_pool_t *pool, int fd, apr_size_t len,
                                 authsvc_crypto_file_t *file)
{
    authsvc_crypto_file_t *wiped;

    apr_pool_create(&file->pool, pool);
    wiped = apr_palloc(file->pool, sizeof(*wiped));
    file->text = apr_pcalloc(file->pool, len + 1);
    file->len = 0;
    wiped->text = file->text;
    wiped->len = len;
    apr_pool_cleanup_register(file->pool, wiped, wipe, apr_pool_cleanup_null);
    while (file->len < len) {
        ssize_t got = read(fd, file->text + file->len, len - file->len);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return authsvc_crypto_refuse(pool, file->path, "cannot be read: %s",
                                         why(pool, errno));
        }
        if (got == 0) {
            break;
        }
        file->len += (apr_size_t)got;
    }
    return NULL;
}

static authsvc_error_t *check_and_read(apr_pool_t *pool, int fd, authsvc_crypto_file_t *file)
{
    struct stat status;

    if (fstat(fd, &status) != 0) {
        return authsvc_crypto_refuse(pool, file->path, "cannot be read: %s", why(pool, errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return authsvc_crypto_refuse(pool, file->path, "is %s; give the path of a file",
                                     S_ISDIR(status.st_mode) ? "a directory" : "no regular file");
    }
    if (status.st_size == 0) {
        return authsvc_crypto_refuse(pool, file->path, "is empty");
    }
    if (status.st_size > FILE_MAX) {
        return authsvc_crypto_refuse(pool, file->path, "is larger than 64 KiB; is it the right "
                                                       "file?");
    }
    file->shared = (status.st_mode & (S_IRWXG | S_IRWXO)) != 0;
    file->writable = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    file->foreign = status.st_uid != 0 && status.st_uid != geteuid();
    return read_all(pool, fd, (apr_size_t)status.st_size, file);
}

/* @param fd of open(2), or an errno below zero */
static authsvc_error_t *read_opened(apr_pool_t *pool, int fd, int *unreadable,
                                    authsvc_crypto_file_t *file)
{
    authsvc_error_t *err;

    if (fd < 0) {
        if (unreadable && fd == -EACCES) {
            *unreadable = 1;
        }
        return authsvc_crypto_refuse(pool, file->path, "cannot be read: %s", why(pool, -fd));
    }
    err = check_and_read(pool, fd, file);
    close(fd);
    return err;
}

static void begin(apr_pool_t *pool, const char *path, int *unreadable,
                  authsvc_crypto_file_t *file)
{
    memset(file, 0, sizeof(*file));
    file->path = apr_pstrdup(pool, path);
    if (unreadable) {
        *unreadable = 0;
    }
}

authsvc_error_t *authsvc_crypto_file_read(apr_pool_t *pool, const char *path, int *unreadable,
                                          authsvc_crypto_file_t *file)
{
    int fd;

    begin(pool, path, unreadable, file);
    fd = open(path, OPEN_FLAGS);
    return read_opened(pool, fd < 0 ? -errno : fd, unreadable, file);
}

authsvc_error_t *authsvc_crypto_file_read_at(apr_pool_t *pool, int directory, const char *name,
                                             const char *path, int *unreadable, int *gone,
                                             authsvc_crypto_file_t *file)
{
    int fd;

    begin(pool, path, unreadable, file);
    fd = openat(directory, name, OPEN_FLAGS | O_NOFOLLOW);
    *gone = fd < 0 && errno == ENOENT;
    if (*gone) {
        return NULL;
    }
    if (fd < 0 && errno == ELOOP) {
        return authsvc_crypto_refuse(pool, path, "is a symbolic link; put the file itself there");
    }
    return read_opened(pool, fd < 0 ? -errno : fd, unreadable, file);
}

void authsvc_crypto_file_forget(authsvc_crypto_file_t *file)
{
    if (file->pool) {
        apr_pool_destroy(file->pool);
    }
    memset(file, 0, sizeof(*file));
}

authsvc_error_t *authsvc_crypto_file_private(apr_pool_t *pool, const authsvc_crypto_file_t *file)
{
    if (file->shared) {
        return authsvc_crypto_refuse(pool, file->path,
                                     "holds a secret, but not only its owner may use it; run: "
                                     "chmod 0600 %s",
                                     file->path);
    }
    if (file->foreign) {
        return authsvc_crypto_refuse(pool, file->path,
                                     "holds a secret, but belongs neither to root nor to the user "
                                     "who reads it here, and its owner could replace it; run: "
                                     "chown root %s",
                                     file->path);
    }
    return NULL;
}

authsvc_error_t *authsvc_crypto_file_own(apr_pool_t *pool, const authsvc_crypto_file_t *file)
{
    if (file->writable) {
        return authsvc_crypto_refuse(pool, file->path,
                                     "may be changed by others than its owner, who could then sign "
                                     "tokens; run: chmod go-w %s",
                                     file->path);
    }
    if (file->foreign) {
        return authsvc_crypto_refuse(pool, file->path,
                                     "belongs neither to root nor to the user who reads it here, "
                                     "and its owner could change it and then sign tokens; run: "
                                     "chown root %s",
                                     file->path);
    }
    return NULL;
}
