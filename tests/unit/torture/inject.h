/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_TESTS_TORTURE_INJECT_H
#define AUTHSVC_TESTS_TORTURE_INJECT_H

/*
 * Calls that fail on demand. While armed, calls of one kind are counted, and the n-th of them
 * fails. This program's own malloc() and its like stand before the C library's for every library
 * in the process; crypto calls are wrapped by the linker; the database is driver.c's.
 */

/* 1 under AddressSanitizer or ThreadSanitizer, gcc's and clang's. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INJECT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define INJECT_SANITIZED 1
#endif
#endif
#ifndef INJECT_SANITIZED
#define INJECT_SANITIZED 0
#endif

typedef enum {
    INJECT_MEMORY,   /* malloc, calloc, realloc, mmap and theirs */
    INJECT_CRYPTO,   /* random octets, signatures, Argon2id, BLAKE2b */
    INJECT_DATABASE, /* a connection, or a call of the driver */
    INJECT_KINDS
} inject_kind_t;

/** How a database call fails. */
typedef enum {
    INJECT_UNAVAILABLE,   /* and nothing was done */
    INJECT_INTERNAL,      /* the same, by our own fault */
    INJECT_DEAD,          /* the connection was dead before anything was sent */
    INJECT_ANSWER_LOST,   /* it was done, and the answer is lost with the connection */
    INJECT_ANSWER_SPOILT, /* it was done, and the answer cannot be used */
    INJECT_MODES
} inject_mode_t;

/** All of it; shared with the parent of a process that may end in the middle. */
typedef struct {
    int armed;
    inject_kind_t kind;
    inject_mode_t mode;
    long at;       /* the call (from 1) that fails; 0: none, count only */
    int onwards;   /* all calls from that one on fail */
    long seen;     /* calls so far */
    long failed;   /* calls that were made to fail */
    int ambiguous; /* what failed was the answer to a commit, or to a change outside transactions */
    char what[80]; /* the first call that failed */
} inject_t;

extern inject_t *inject;

/** The exit status of a process that ended for want of memory or random octets. */
#define INJECT_CLEAN_END 70

/** Of a process in which an assertion failed. */
#define INJECT_ASSERTION 71

/** Count from here on, and let the call number `at` fail (0: none). */
void inject_arm(inject_kind_t kind, inject_mode_t mode, long at, int onwards);

/** Everything works again. */
void inject_disarm(void);

/** Whether this call is to fail. @param what names it */
int inject_fails(inject_kind_t kind, const char *what);

/** Abort function of pools: the process ends, as httpd's does. */
int inject_out_of_memory(int status);

#endif
