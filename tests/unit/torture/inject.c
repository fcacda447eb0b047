/* SPDX-License-Identifier: Apache-2.0 */
#include "inject.h"

#include <assert.h> /* __assert_fail */
#include <errno.h>
#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

/* What malloc() runs through is called before a sanitizer has set itself up. */
#define PLAIN                                                                                  \
    __attribute__((no_sanitize("address"), no_sanitize("undefined"), no_sanitize("thread")))

static inject_t own;
inject_t *inject = &own;

void inject_arm(inject_kind_t kind, inject_mode_t mode, long at, int onwards)
{
    inject->kind = kind;
    inject->mode = mode;
    inject->at = at;
    inject->onwards = onwards;
    inject->seen = 0;
    inject->failed = 0;
    inject->ambiguous = 0;
    inject->what[0] = '\0';
    inject->armed = 1;
}

void inject_disarm(void)
{
    inject->armed = 0;
}

PLAIN int inject_fails(inject_kind_t kind, const char *what)
{
    if (!inject->armed || inject->kind != kind) {
        return 0;
    }
    inject->seen++;
    if (inject->at == 0 || inject->seen < inject->at ||
        (inject->seen > inject->at && !inject->onwards)) {
        return 0;
    }
    if (inject->failed++ == 0) {
        snprintf(inject->what, sizeof(inject->what), "%s", what);
        if (getenv("TORTURE_TRACE")) {
            void *frames[40];
            int armed = inject->armed;

            inject->armed = 0;
            backtrace_symbols_fd(frames, backtrace(frames, 40), STDERR_FILENO);
            inject->armed = armed;
        }
    }
    return 1;
}

int inject_out_of_memory(int status)
{
    (void)status;
    _exit(INJECT_CLEAN_END);
}

/* ---- memory */

#if INJECT_SANITIZED
#define BENEATH(function) __interceptor_##function
#else
#define BENEATH(function) __libc_##function
#endif

void *BENEATH(malloc)(size_t size);
void *BENEATH(calloc)(size_t count, size_t size);
void *BENEATH(realloc)(void *old, size_t size);

PLAIN static int memory_fails(const char *what)
{
    if (!inject_fails(INJECT_MEMORY, what)) {
        return 0;
    }
    errno = ENOMEM;
    return 1;
}

PUBLIC PLAIN void *malloc(size_t size)
{
    return memory_fails("malloc") ? NULL : BENEATH(malloc)(size);
}

PUBLIC PLAIN void *calloc(size_t count, size_t size)
{
    return memory_fails("calloc") ? NULL : BENEATH(calloc)(count, size);
}

PUBLIC PLAIN void *realloc(void *old, size_t size)
{
    return memory_fails("realloc") ? NULL : BENEATH(realloc)(old, size);
}

/* libsodium takes Argon2id's memory from here, SQLite the index of its log. */
PUBLIC PLAIN void *mmap(void *where, size_t size, int protection, int flags, int file, off_t offset)
{
    if (memory_fails("mmap")) {
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, where, size, protection, flags, file, offset);
}

/* A library that gives up because of us ends the process on purpose; heap corruption does not come
 * by here, and neither does an assertion. */
PUBLIC void abort(void)
{
    if (inject->failed) {
        _exit(INJECT_CLEAN_END);
    }
    fprintf(stderr, "abort() without a reason\n");
    _exit(INJECT_ASSERTION);
}

PUBLIC void __assert_fail(const char *assertion, const char *file, unsigned int line,
                          const char *function)
{
    fprintf(stderr, "%s:%u: %s: assertion failed: %s\n", file, line, function, assertion);
    _exit(INJECT_ASSERTION);
}
