/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rate limit costs: rate_limits [ENTRIES]
 * Prints nanoseconds for each check, hash and clock included: of keys that are there, of ever new
 * ones in a full table, and of one key that all processors count at the same time. From the top of
 * the tree:
 *   gcc -O2 -pthread -D_GNU_SOURCE -Iinclude $(apr-1-config --cppflags --includes) \
 *     tests/bench/rate_limits.c mod_authsvc/core/rate_table.c \
 *     $(apr-1-config --link-ld --libs) -lsodium
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <apr_general.h>
#include <sodium.h>

#include "authsvc/core/rate.h"

#define CHECKS 2000000

static unsigned char hash_key[crypto_shorthash_KEYBYTES];

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* As services/limits.c writes them, or nearly. */
static apr_uint64_t key_of(unsigned long client)
{
    unsigned char octets[crypto_shorthash_BYTES];
    apr_uint64_t key;
    char text[96];
    int len = snprintf(text, sizeof(text), "%016lx 0 2 60000000 198.51.100.1 user%lu@example.com",
                       client * 31, client);

    crypto_shorthash(octets, (const unsigned char *)text, (unsigned long long)len, hash_key);
    memcpy(&key, octets, sizeof(key));
    return key;
}

static void check(const authsvc_rate_store_t *store, unsigned long first, unsigned long clients,
                  const char *what)
{
    double start = now();
    long admitted = 0;

    for (unsigned long i = 0; i < CHECKS; i++) {
        authsvc_try_t try = {.key = key_of(first + i * 7919 % clients),
                             .rate = {60, apr_time_from_sec(60)}};

        admitted += store->take(store->baton, &try, 1);
    }
    printf("%-36s %6.1f ns (%ld of %d admitted)\n", what, (now() - start) / CHECKS, admitted,
           CHECKS);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    size_t entries = argc > 1 ? strtoul(argv[1], NULL, 10) : 262144;
    size_t size = authsvc_rate_table_size(entries);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    authsvc_rate_table_t *table = NULL;
    authsvc_rate_store_t store;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (sodium_init() < 0 || memory == MAP_FAILED ||
        authsvc_rate_table_create(memory, entries, &table)) {
        return EXIT_FAILURE;
    }
    crypto_shorthash_keygen(hash_key);
    authsvc_rate_table_store(table, &store);
    printf("%lu entries, %lu octets, %ld processors\n", (unsigned long)entries,
           (unsigned long)size, processors);
    check(&store, 0, entries / 4, "clients that are there");
    check(&store, 1000000, 2 * CHECKS, "ever new clients, in a full table");
    for (long i = 0; i < processors; i++) {
        if (fork() == 0) {
            check(&store, 0, 1, "one client, by all processors");
            _exit(0);
        }
    }
    while (wait(NULL) > 0) {
    }
    return EXIT_SUCCESS;
}
