/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"

#define FILE_MAX (64 * 1024)

static authsvc_error_t *fault(apr_pool_t *pool, const char *path, const char *what, int error)
{
    char text[128];
    const char *sentence;

    apr_strerror(APR_FROM_OS_ERROR(error), text, sizeof(text));
    sentence = apr_psprintf(pool, "%s: %s: %s", path, what, text);
    return AUTHSVC_ERROR(pool, AUTHSVC_E_INVALID, NULL, sentence, "%s", sentence);
}

/* @return 0, or an errno */
static int write_all(int fd, const char *text)
{
    size_t len = strlen(text);

    while (len > 0) {
        ssize_t written = write(fd, text, len);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return written < 0 ? errno : EIO;
        }
        text += written;
        len -= (size_t)written;
    }
    return fsync(fd) == 0 ? 0 : errno;
}

void authsvc_ctl_file_sync_directory(apr_pool_t *pool, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *directory = slash ? apr_pstrmemdup(pool, path, (apr_size_t)(slash - path) + 1)
                                  : ".";
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

authsvc_error_t *authsvc_ctl_file_create(apr_pool_t *pool, const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
    int error;

    if (fd < 0 && errno == EEXIST) {
        const char *sentence = apr_psprintf(pool, "%s is there already, and is not overwritten",
                                            path);

        return AUTHSVC_ERROR(pool, AUTHSVC_E_INVALID, NULL, sentence, "%s", sentence);
    }
    if (fd < 0) {
        return fault(pool, path, "cannot be made", errno);
    }
    /* Whatever the umask took away. */
    error = fchmod(fd, 0600) == 0 ? write_all(fd, text) : errno;
    if (close(fd) != 0 && error == 0) {
        error = errno;
    }
    if (error != 0) {
        unlink(path);
        return fault(pool, path, "cannot be written", error);
    }
    authsvc_ctl_file_sync_directory(pool, path);
    return NULL;
}

/* The new file gets the owner and mode of the old one before it has any content. */
static int fill_like(int fd, const struct stat *old, const char *text)
{
    struct stat made;

    if (fstat(fd, &made) != 0) {
        return errno;
    }
    if ((made.st_uid != old->st_uid || made.st_gid != old->st_gid) &&
        fchown(fd, old->st_uid, old->st_gid) != 0) {
        return errno;
    }
    if (fchmod(fd, old->st_mode & 07777) != 0) {
        return errno;
    }
    return write_all(fd, text);
}

authsvc_error_t *authsvc_ctl_file_replace(apr_pool_t *pool, const char *path, const char *text)
{
    char *beside;
    struct stat old;
    int fd, error;

    if (lstat(path, &old) != 0) {
        return fault(pool, path, "cannot be replaced", errno);
    }
    if (!S_ISREG(old.st_mode)) {
        return AUTHSVC_ERROR(pool, AUTHSVC_E_INVALID, NULL,
                             apr_psprintf(pool, "%s is no regular file; give the path of the file "
                                                "itself", path),
                             "no regular file");
    }
    beside = apr_pstrcat(pool, path, ".XXXXXX", NULL);
    fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0) {
        return fault(pool, path, "no new file can be made beside it", errno);
    }
    error = fill_like(fd, &old, text);
    if (close(fd) != 0 && error == 0) {
        error = errno;
    }
    if (error == 0 && rename(beside, path) != 0) {
        error = errno;
    }
    if (error != 0) {
        unlink(beside);
        return fault(pool, path, "cannot be replaced", error);
    }
    authsvc_ctl_file_sync_directory(pool, path);
    return NULL;
}

authsvc_error_t *authsvc_ctl_file_read(apr_pool_t *pool, const char *path, const char **text,
                                       apr_size_t *len)
{
    FILE *file = fopen(path, "re");
    char *buffer;
    int error;

    if (!file) {
        return fault(pool, path, "cannot be read", errno);
    }
    buffer = apr_palloc(pool, FILE_MAX + 2);
    *len = fread(buffer, 1, FILE_MAX + 1, file);
    error = ferror(file) ? errno : *len > FILE_MAX ? EFBIG : 0;
    fclose(file);
    if (error != 0) {
        return fault(pool, path, "cannot be read", error);
    }
    buffer[*len] = '\0';
    *text = buffer;
    return NULL;
}
