/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/blocklist.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authsvc/core/text.h"
#include "authsvc/crypto/crypto.h"
#include "file.h"

#define LINE_MAX_OCTETS 4096
#define BUFFER_OCTETS ((apr_size_t)64 * 1024)
#define PASSWORDS_MAX ((apr_size_t)64 * 1024 * 1024) /* 512 MiB */

/* Made at build time: the built-in passwords in the order of memcmp(3), each with a line feed. */
extern const char authsvc_common_passwords[];
extern const apr_size_t authsvc_common_passwords_len;

struct authsvc_blocklist_t {
    unsigned char key[crypto_shorthash_KEYBYTES];
    apr_uint64_t *members; /* ascending; a mapping of its own, which goes back as a whole */
    apr_size_t count;
    apr_size_t octets; /* of the mapping */
};

/* A file while it is read. */
typedef struct {
    apr_pool_t *pool;
    const char *path;
    int fd;
    apr_pool_t *scratch; /* cleared from time to time: what folding a line leaves behind */
    int lines_in_scratch;
    authsvc_blocklist_t *list; /* NULL: lines are only counted */
    apr_size_t found;
    char line[LINE_MAX_OCTETS];
    apr_size_t len;
    int too_long;
} reading_t;

/* @return below, at or above zero, as memcmp() */
static int compare_line(const char *word, apr_size_t len, const char *line, apr_size_t line_len)
{
    int order = memcmp(word, line, len < line_len ? len : line_len);

    return order ? order : (len > line_len) - (len < line_len);
}

int authsvc_blocklist_is_common(const char *folded)
{
    const char *low = authsvc_common_passwords;
    const char *high = authsvc_common_passwords + authsvc_common_passwords_len;
    apr_size_t len = strlen(folded);

    /* Both at the beginning of a line. */
    while (low < high) {
        const char *line = low + (high - low) / 2, *end;
        int order;

        while (line > low && line[-1] != '\n') {
            line--;
        }
        end = memchr(line, '\n', (apr_size_t)(high - line));
        order = compare_line(folded, len, line, (apr_size_t)(end - line));
        if (order == 0) {
            return 1;
        }
        if (order < 0) {
            high = line;
        } else {
            low = end + 1;
        }
    }
    return 0;
}

static apr_uint64_t hash(const authsvc_blocklist_t *list, const char *folded)
{
    unsigned char octets[crypto_shorthash_BYTES];
    apr_uint64_t value;

    crypto_shorthash(octets, (const unsigned char *)folded, strlen(folded), list->key);
    memcpy(&value, octets, sizeof(value));
    return value;
}

static int compare_members(const void *a, const void *b)
{
    apr_uint64_t x = *(const apr_uint64_t *)a, y = *(const apr_uint64_t *)b;

    return (x > y) - (x < y);
}

int authsvc_blocklist_has(const authsvc_blocklist_t *list, const char *folded)
{
    apr_uint64_t wanted = hash(list, folded);

    return bsearch(&wanted, list->members, list->count, sizeof(wanted), compare_members) != NULL;
}

apr_size_t authsvc_blocklist_size(const authsvc_blocklist_t *list)
{
    return list->count;
}

static authsvc_error_t *cannot(const reading_t *reading, int error)
{
    char text[128];

    return authsvc_crypto_refuse(reading->pool, reading->path, "cannot be read: %s",
                                 apr_strerror(APR_FROM_OS_ERROR(error), text, sizeof(text)));
}

/* The lines that the file has more than it had when they were counted are left out. */
static void take_line(reading_t *reading)
{
    const char *folded;

    if (reading->len > 0 && reading->line[reading->len - 1] == '\r') {
        reading->len--;
    }
    if (reading->too_long || reading->len == 0 ||
        (reading->list && reading->found == reading->list->octets / sizeof(apr_uint64_t))) {
        return;
    }
    if (!reading->list) {
        reading->found++;
        return;
    }
    folded = authsvc_text_fold(reading->scratch, reading->line, reading->len);
    if (folded && *folded) {
        reading->list->members[reading->found++] = hash(reading->list, folded);
    }
    if (++reading->lines_in_scratch == 1000) {
        apr_pool_clear(reading->scratch);
        reading->lines_in_scratch = 0;
    }
}

static void take(reading_t *reading, const char *octets, apr_size_t len)
{
    const char *end = octets + len;

    while (octets < end) {
        const char *stop = memchr(octets, '\n', (apr_size_t)(end - octets));
        apr_size_t part = (apr_size_t)((stop ? stop : end) - octets);

        if (part > sizeof(reading->line) - reading->len) {
            reading->too_long = 1;
        } else {
            memcpy(reading->line + reading->len, octets, part);
            reading->len += part;
        }
        octets += part;
        if (stop) {
            take_line(reading);
            reading->len = 0;
            reading->too_long = 0;
            octets++;
        }
    }
}

/* From the beginning to the end of the file. */
static authsvc_error_t *read_lines(reading_t *reading, char *buffer)
{
    static const char mark[] = "\xef\xbb\xbf"; /* some editors begin a file with it */
    off_t at = 0;

    reading->found = 0;
    reading->len = 0;
    reading->too_long = 0;
    for (;;) {
        ssize_t got = pread(reading->fd, buffer, BUFFER_OCTETS, at);
        apr_size_t skip;

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return cannot(reading, errno);
        }
        if (got == 0) {
            take_line(reading);
            return NULL;
        }
        skip = at == 0 && got >= 3 && memcmp(buffer, mark, 3) == 0 ? 3 : 0;
        take(reading, buffer + skip, (apr_size_t)got - skip);
        at += got;
    }
}

static apr_status_t unmap(void *data)
{
    authsvc_blocklist_t *list = data;

    munmap(list->members, list->octets);
    return APR_SUCCESS;
}

/* Room for as many, which goes back to the system with the pool. */
static authsvc_error_t *map(const reading_t *reading, apr_size_t count,
                            authsvc_blocklist_t *list)
{
    void *memory;

    list->octets = count * sizeof(apr_uint64_t);
    memory = mmap(NULL, list->octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return cannot(reading, errno);
    }
    list->members = memory;
    apr_pool_cleanup_register(reading->pool, list, unmap, apr_pool_cleanup_null);
    return NULL;
}

static void sort(authsvc_blocklist_t *list)
{
    apr_size_t i, kept = 0;

    qsort(list->members, list->count, sizeof(apr_uint64_t), compare_members);
    for (i = 0; i < list->count; i++) {
        if (i == 0 || list->members[i] != list->members[kept - 1]) {
            list->members[kept++] = list->members[i];
        }
    }
    list->count = kept;
    (void)mprotect(list->members, list->octets, PROT_READ);
}

/* First count, then fill: no more memory is taken than is kept. */
static authsvc_error_t *read_list(reading_t *reading, const authsvc_blocklist_t **list)
{
    authsvc_blocklist_t *made = apr_pcalloc(reading->pool, sizeof(*made));
    char *buffer = apr_palloc(reading->scratch, BUFFER_OCTETS);
    apr_pool_t *lines;

    AUTHSVC_TRY(read_lines(reading, buffer));
    if (reading->found > PASSWORDS_MAX) {
        return authsvc_crypto_refuse(reading->pool, reading->path,
                                     "has more than 67108864 lines; take those that are most "
                                     "common");
    }
    if (reading->found > 0) {
        AUTHSVC_TRY(map(reading, reading->found, made));
        authsvc_crypto_random(made->key, sizeof(made->key));
        apr_pool_create(&lines, reading->scratch);
        reading->scratch = lines;
        reading->list = made;
        AUTHSVC_TRY(read_lines(reading, buffer));
        made->count = reading->found;
        sort(made);
    }
    if (made->count == 0) {
        return authsvc_crypto_refuse(reading->pool, reading->path,
                                     "holds no password: one is expected in each line, as UTF-8");
    }
    *list = made;
    return NULL;
}

static authsvc_error_t *open_file(reading_t *reading, int *unreadable)
{
    struct stat status;

    /* O_NONBLOCK: opening a FIFO must not hang the start of the server. */
    reading->fd = open(reading->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (reading->fd < 0) {
        *unreadable = errno == EACCES;
        return cannot(reading, errno);
    }
    if (fstat(reading->fd, &status) != 0) {
        return cannot(reading, errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return authsvc_crypto_refuse(reading->pool, reading->path,
                                     "is %s; give the path of a file",
                                     S_ISDIR(status.st_mode) ? "a directory" : "no regular file");
    }
    return NULL;
}

authsvc_error_t *authsvc_blocklist_load(apr_pool_t *pool, const char *path, int *unreadable,
                                        const authsvc_blocklist_t **list)
{
    reading_t *reading;
    authsvc_error_t *err;
    apr_pool_t *scratch;

    *unreadable = 0;
    apr_pool_create(&scratch, pool);
    reading = apr_pcalloc(scratch, sizeof(*reading));
    reading->pool = pool;
    reading->path = path;
    reading->scratch = scratch;
    err = open_file(reading, unreadable);
    if (!err) {
        err = read_list(reading, list);
    }
    if (reading->fd >= 0) {
        close(reading->fd);
    }
    apr_pool_destroy(scratch);
    return err;
}
