/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD into httpd: counts calls that a request must be spared, or may make once, in the
 * file that AUTHSVC_CALLS names (64-bit numbers, shared by all processes). test_hot_path.py builds
 * it, with -D_GNU_SOURCE, and knows the order of the numbers.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* A key was parsed; a named statement was prepared; an idle connection was looked at, as each lease
   begins; a message to PostgreSQL was sent, as each round trip begins; SQLite made a step of a
   statement. */
enum { KEYS, PREPARED, LEASES, SENT, STEPS, COUNTERS };

static long none[COUNTERS];
static long *counters = none;

__attribute__((constructor)) static void map_counters(void)
{
    const char *path = getenv("AUTHSVC_CALLS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *memory = MAP_FAILED;

    if (fd >= 0) {
        memory = mmap(NULL, sizeof(none), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
    }
    if (memory != MAP_FAILED) {
        counters = memory;
    }
}

/* What mod_watchdog's threads do is no request's cost. They sleep before they work, nobody else. */
static _Thread_local int is_watchdog;

void apr_sleep(long long microseconds);
void apr_sleep(long long microseconds)
{
    static void (*real)(long long);

    if (!real) {
        *(void **)&real = dlsym(RTLD_NEXT, "apr_sleep");
    }
    is_watchdog = 1;
    real(microseconds);
}

static void count(int counter)
{
    if (is_watchdog) {
        return;
    }
    __atomic_add_fetch(&counters[counter], 1, __ATOMIC_RELAXED);
}

/* Five arguments are enough for each of these, and one too many does no harm. */
#define COUNTED(counter, type, name)                                            \
    type name(void *a, void *b, void *c, void *d, void *e, void *f);            \
    type name(void *a, void *b, void *c, void *d, void *e, void *f)             \
    {                                                                           \
        static type (*real)(void *, void *, void *, void *, void *, void *);    \
                                                                                \
        if (!real) {                                                            \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                          \
        }                                                                       \
        count(counter);                                                         \
        return real(a, b, c, d, e, f);                                          \
    }

COUNTED(KEYS, int, PEM_read_bio)
COUNTED(KEYS, void *, PEM_read_bio_PrivateKey)
COUNTED(KEYS, void *, PEM_read_bio_PUBKEY)
COUNTED(KEYS, void *, PEM_read_PrivateKey)
COUNTED(KEYS, void *, PEM_read_PUBKEY)
COUNTED(KEYS, void *, d2i_PrivateKey)
COUNTED(KEYS, void *, d2i_AutoPrivateKey)
COUNTED(KEYS, void *, d2i_PUBKEY)
COUNTED(KEYS, int, OSSL_DECODER_from_bio)
COUNTED(KEYS, int, OSSL_DECODER_from_data)
COUNTED(KEYS, int, EVP_PKEY_fromdata)
COUNTED(PREPARED, int, sqlite3_prepare_v2)
COUNTED(PREPARED, int, sqlite3_prepare_v3)
COUNTED(STEPS, int, sqlite3_step)

int poll(struct pollfd *entries, nfds_t n, int timeout)
{
    static int (*real)(struct pollfd *, nfds_t, int);

    if (!real) {
        *(void **)&real = dlsym(RTLD_NEXT, "poll");
    }
    if (n == 1 && timeout == 0) {
        count(LEASES);
    }
    return real(entries, n, timeout);
}

/* libpq's alone: httpd writes by writev(). Parse, Bind or Query is the first of what is sent. */
ssize_t send(int fd, const void *data, size_t len, int flags)
{
    static ssize_t (*real)(int, const void *, size_t, int);
    const char *message = data;

    if (!real) {
        *(void **)&real = dlsym(RTLD_NEXT, "send");
    }
    if (len > 0 && strchr("PBQ", message[0])) {
        count(SENT);
        /* Parse: a type, a length of 4 octets, and the statement's name, which may be empty. */
        if (message[0] == 'P' && len > 5 && message[5] != '\0') {
            count(PREPARED);
        }
    }
    return real(fd, data, len, flags);
}
