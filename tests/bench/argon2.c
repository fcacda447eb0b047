/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Argon2id costs here, without a server: argon2 THREADS SECONDS [huge|keep]
 * Prints hashes per second, and microseconds of CPU for each: in user mode, in the kernel; and
 * page faults for each. Built with -D_GNU_SOURCE.
 *
 * libsodium maps and unmaps the memory of each hash, with MAP_POPULATE. The mmap() and munmap()
 * here stand in for libc's: "huge" asks for huge pages (where transparent_hugepage/enabled is
 * madvise or always), "keep" lets each thread keep its memory for the next hash.
 */
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define LARGE (16 * HUGE_PAGE)
#define MAX_THREADS 64

static enum { PLAIN, HUGE, KEEP } mode;
static double end;
static _Thread_local void *kept;

static void *real_mmap(size_t len, int prot, int flags, int fd, off_t offset)
{
    return (void *)syscall(SYS_mmap, NULL, len, prot, flags, fd, offset);
}

static void *huge_mmap(size_t len, int prot, int flags)
{
    char *start = real_mmap(len + HUGE_PAGE, prot, flags & ~MAP_POPULATE, -1, 0);
    size_t skip;

    if (start == MAP_FAILED) {
        return start;
    }
    skip = (HUGE_PAGE - (size_t)start % HUGE_PAGE) % HUGE_PAGE;
    if (skip) {
        syscall(SYS_munmap, start, skip);
    }
    syscall(SYS_munmap, start + skip + len, HUGE_PAGE - skip);
    madvise(start + skip, len, MADV_HUGEPAGE);
    return start + skip;
}

void *mmap(void *address, size_t len, int prot, int flags, int fd, off_t offset)
{
    if (address || fd != -1 || len < LARGE || mode == PLAIN) {
        return (void *)syscall(SYS_mmap, address, len, prot, flags, fd, offset);
    }
    if (mode == HUGE) {
        return huge_mmap(len, prot, flags);
    }
    if (!kept) {
        kept = real_mmap(len, prot, flags, fd, offset);
    }
    return kept;
}

int munmap(void *address, size_t len)
{
    return mode == KEEP && address == kept ? 0 : (int)syscall(SYS_munmap, address, len);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void *hash(void *count)
{
    static const unsigned char salt[crypto_pwhash_SALTBYTES] = {7};
    unsigned char out[32];
    long done = 0;

    while (now() < end) {
        if (crypto_pwhash(out, sizeof(out), "Correct Horse 9", 15, salt,
                          crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE,
                          crypto_pwhash_ALG_ARGON2ID13) != 0) {
            perror("crypto_pwhash");
            exit(1);
        }
        done++;
    }
    *(long *)count = done;
    return NULL;
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    long threads = argc >= 3 ? strtol(argv[1], NULL, 10) : 0;
    long counts[MAX_THREADS], all = 0;
    pthread_t thread[MAX_THREADS];
    struct rusage usage;
    double start;

    if (threads < 1 || threads > MAX_THREADS || sodium_init() < 0) {
        fputs("usage: argon2 THREADS SECONDS [huge|keep]\n", stderr);
        return 2;
    }
    if (argc > 3) {
        mode = strcmp(argv[3], "huge") == 0 ? HUGE : KEEP;
    }
    start = now();
    end = start + strtod(argv[2], NULL);
    for (long i = 0; i < threads; i++) {
        if (pthread_create(&thread[i], NULL, hash, &counts[i]) != 0) {
            return 1;
        }
    }
    for (long i = 0; i < threads; i++) {
        pthread_join(thread[i], NULL);
        all += counts[i];
    }
    getrusage(RUSAGE_SELF, &usage);
    printf("%.2f %.0f %.0f %ld\n", (double)all / (now() - start),
           1e6 * seconds(usage.ru_utime) / (double)all, 1e6 * seconds(usage.ru_stime) / (double)all,
           usage.ru_minflt / all);
    return 0;
}
