/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a look into the set of revocations costs: revocations [ENTRIES]
 * Prints nanoseconds for each verdict, of sessions that are alive and of ones that are not, in an
 * empty set and in a full one, each time with ids in random order. From the top of the tree:
 *   gcc -O2 -pthread -D_GNU_SOURCE -Iinclude $(apr-1-config --cppflags --includes) \
 *     tests/bench/revocations.c mod_authsvc/core/revocations.c $(apr-1-config --link-ld --libs)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <apr_general.h>

#include "authsvc/core/revocations.h"

#define ASKED 2000000

typedef struct {
    unsigned char octets[AUTHSVC_UUID_OCTETS];
} octets_t;

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void ask(const authsvc_revocations_t *set, const octets_t *ids, size_t count,
                const char *what)
{
    apr_time_t at = apr_time_now();
    double start = now();
    long said[3] = {0, 0, 0};

    for (size_t i = 0; i < ASKED; i++) {
        said[authsvc_revocations_verdict(set, ids[i % count].octets, 0, at)]++;
    }
    printf("%-28s %6.1f ns (%ld unknown, %ld alive, %ld revoked)\n", what,
           (now() - start) / ASKED, said[0], said[1], said[2]);
}

static octets_t *random_ids(size_t count)
{
    octets_t *ids = calloc(count, sizeof(*ids));

    if (!ids || apr_generate_random_bytes(ids[0].octets, count * sizeof(*ids)) != APR_SUCCESS) {
        abort();
    }
    return ids;
}

int main(int argc, char **argv)
{
    size_t entries = argc > 1 ? strtoul(argv[1], NULL, 10) : 65536, size;
    octets_t *alive = random_ids(entries), *revoked = random_ids(entries);
    authsvc_revocations_t *set = NULL;
    authsvc_revocations_look_t look;
    void *memory;

    apr_initialize();
    size = authsvc_revocations_size(entries);
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || authsvc_revocations_create(memory, entries, &set)) {
        return EXIT_FAILURE;
    }
    authsvc_revocations_set_max_stale(set, apr_time_from_sec(600));
    authsvc_revocations_begin(set, &look);
    authsvc_revocations_complete(set, &look, 1);
    printf("%lu entries, %lu octets\n", (unsigned long)entries, (unsigned long)size);
    ask(set, alive, entries, "empty");
    for (size_t i = 0; i < entries; i++) {
        authsvc_revocations_add(set, revoked[i].octets, 0, apr_time_from_sec(600));
    }
    ask(set, alive, entries, "full, alive");
    ask(set, revoked, entries, "full, revoked");
    return EXIT_SUCCESS;
}
