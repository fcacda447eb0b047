/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite_file.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *user_name(ctl_t *ctl, uid_t uid)
{
    const struct passwd *entry = getpwuid(uid);
    return entry ? entry->pw_name : apr_psprintf(ctl->pool, "uid %lu", (unsigned long)uid);
}

static const char *directory_of(ctl_t *ctl, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash) {
        return ".";
    }
    return slash == path ? "/" : apr_pstrmemdup(ctl->pool, path, (apr_size_t)(slash - path));
}

/*
 * Made here rather than by SQLite, so that it is readable for its owner only from the start. The
 * directory's owner gets it: SQLite makes its log beside it, and httpd must be able to do that.
 */
static int create_file(ctl_t *ctl, const char *path)
{
    const char *directory = directory_of(ctl, path);
    struct stat owner;
    int fd;

    if (stat(directory, &owner) != 0) {
        return authsvc_ctl_failed(ctl, "there is no directory %s", directory);
    }
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return errno == EEXIST ? CTL_OK
                               : authsvc_ctl_failed(ctl, "%s cannot be made: %s", path,
                                                    strerror(errno));
    }
    if (geteuid() == 0 && fchown(fd, owner.st_uid, owner.st_gid) != 0) {
        close(fd);
        unlink(path);
        return authsvc_ctl_failed(ctl, "%s cannot be given to %s: %s", path,
                                  user_name(ctl, owner.st_uid), strerror(errno));
    }
    close(fd);
    fprintf(ctl->out,
            "Made %s for %s. The user that httpd runs as must own it and its directory.\n", path,
            user_name(ctl, geteuid() == 0 ? owner.st_uid : geteuid()));
    return CTL_OK;
}

/*
 * A file that httpd made, with what its umask left others. Root goes by the descriptor, follows no
 * link, and only to a file of the directory's owner: who owns the directory chose the file. What
 * cannot be done here is warned of when the database is opened.
 */
static void take_from_others(const char *path, uid_t owner)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat entry;

    if (fd < 0) {
        return;
    }
    if (fstat(fd, &entry) == 0 && S_ISREG(entry.st_mode) && (entry.st_mode & S_IRWXO) &&
        entry.st_nlink == 1 && entry.st_uid == owner) {
        (void)fchmod(fd, entry.st_mode & 07770);
    }
    close(fd);
}

static void guard_files(ctl_t *ctl, const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    struct stat owner;

    if (stat(directory_of(ctl, path), &owner) != 0) {
        return;
    }
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        take_from_others(apr_pstrcat(ctl->pool, path, ends[i], NULL),
                         geteuid() == 0 ? owner.st_uid : geteuid());
    }
}

int authsvc_ctl_sqlite_file_check(ctl_t *ctl, const ctl_database_t *database, int create)
{
    struct stat entry;

    if (strcmp(database->driver, "sqlite3") != 0) {
        return CTL_OK;
    }
    if (strcmp(database->params, ":memory:") == 0) {
        return authsvc_ctl_misused(ctl, "a database in memory ends with this command");
    }
    if (stat(database->params, &entry) == 0) {
        guard_files(ctl, database->params);
        return CTL_OK;
    }
    if (!create) {
        return authsvc_ctl_failed(ctl, "there is no file %s; \"migrate up\" makes it",
                                  database->params);
    }
    return create_file(ctl, database->params);
}
