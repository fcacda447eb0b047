/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <apr_thread_proc.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "authsvc/core/rate.h"

/* One table, used by threads and by processes at the same time. */

#define SECOND APR_USEC_PER_SEC
#define PROCESSES 2
#define THREADS 8 /* of each process */
#define TRIES 5000 /* of each thread */
#define ROUNDS 40
#define LIMIT 100

/* What all of them see. */
typedef struct {
    _Alignas(64) _Atomic long admitted;
    _Atomic long ready;
    _Atomic apr_time_t clock;
    authsvc_rate_table_t *table;
    apr_uint64_t key;
    apr_int64_t count;
    int others; /* keys that come and go in the same bucket meanwhile */
} shared_t;

static void *map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(memory, MAP_FAILED);
    return memory;
}

static shared_t *make(apr_int64_t count, int others)
{
    shared_t *shared = map(sizeof(*shared));

    ck_assert_int_eq(
        authsvc_rate_table_create(map(authsvc_rate_table_size(64)), 64, &shared->table), 0);
    shared->key = 1;
    shared->count = count;
    shared->others = others;
    atomic_store(&shared->clock, 1000 * SECOND);
    return shared;
}

static int take(shared_t *shared, apr_uint64_t key, apr_int64_t count, apr_int64_t seconds,
                apr_time_t now)
{
    authsvc_try_t try = {.key = key, .rate = {count, seconds * SECOND}};

    return authsvc_rate_table_take(shared->table, &try, now);
}

/* All begin together, so that they meet where the key is not in the table yet. */
static void *APR_THREAD_FUNC hammer(apr_thread_t *thread, void *data)
{
    shared_t *shared = data;
    apr_uint64_t other = (apr_uint64_t)(apr_uintptr_t)thread;

    atomic_fetch_add(&shared->ready, 1);
    while (atomic_load(&shared->ready) < (long)PROCESSES * THREADS) {
    }
    for (int i = 0; i < TRIES; i++) {
        apr_time_t now = atomic_load(&shared->clock);

        if (take(shared, shared->key, shared->count, 3600, now)) {
            atomic_fetch_add(&shared->admitted, 1);
        }
        for (int j = 0; j < shared->others; j++) {
            other = other * 6364136223846793005 + 1442695040888963407;
            take(shared, (other >> 33) | 2, 1, 1, now);
        }
    }
    return NULL;
}

static void run_threads(shared_t *shared)
{
    apr_thread_t *threads[THREADS];
    apr_status_t status;

    for (int i = 0; i < THREADS; i++) {
        if (apr_thread_create(&threads[i], NULL, hammer, shared, unit_pool) != APR_SUCCESS) {
            abort();
        }
    }
    for (int i = 0; i < THREADS; i++) {
        apr_thread_join(&status, threads[i]);
    }
}

static void run_processes(shared_t *shared)
{
    pid_t children[PROCESSES];

    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            run_threads(shared);
            _exit(0);
        }
        ck_assert_int_gt(children[i], 0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;

        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert_int_eq(status, 0);
    }
}

/* A clock that stands still: exactly as many as the rate says. */
START_TEST(as_many_as_the_rate_says)
{
    static const apr_int64_t counts[] = {1, 2, 5, LIMIT, 3600};

    for (int i = 0; i < 5; i++) {
        shared_t *shared = make(counts[i], 0);

        run_processes(shared);
        ck_assert_int_eq(atomic_load(&shared->admitted), counts[i]);
    }
}
END_TEST

/* Others take and leave the entries of the same bucket, for a shorter time. */
START_TEST(also_where_others_come_and_go)
{
    for (int round = 0; round < 10; round++) {
        shared_t *shared = make(LIMIT, 2);
        long admitted;

        run_processes(shared);
        admitted = atomic_load(&shared->admitted);
        ck_assert_msg(admitted >= LIMIT && admitted <= LIMIT + 1, "%ld", admitted);
    }
}
END_TEST

static apr_time_t uptime(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return apr_time_from_sec((apr_time_t)now.tv_sec) + now.tv_nsec / 1000;
}

/* By the real clock, through the store: the count, and one each time that it becomes one more. */
START_TEST(and_evenly_afterwards)
{
    static const authsvc_rate_t rate = {50, SECOND};
    shared_t *shared = make(0, 0);
    apr_time_t start = uptime(), passed;
    long admitted, expected;
    authsvc_rate_store_t store;
    pid_t children[PROCESSES];

    authsvc_rate_table_store(shared->table, &store);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            while (uptime() < start + 3 * SECOND) {
                authsvc_try_t try = {.key = 1, .rate = rate};

                if (store.take(store.baton, &try, 1) == 1) {
                    atomic_fetch_add(&shared->admitted, 1);
                }
            }
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        ck_assert_int_eq(waitpid(children[i], NULL, 0), children[i]);
    }
    passed = uptime() - start;
    admitted = atomic_load(&shared->admitted);
    expected = (long)(rate.count + passed / (rate.window / rate.count));
    /* Children that had no processor at the end may have missed some. */
    ck_assert_msg(admitted <= expected + 1 && admitted >= expected * 9 / 10, "%ld of %ld",
                  admitted, expected);
}
END_TEST

/*
 * Children are killed in the middle of whatever they do: the next one finds nothing locked, and no
 * key that is refused for longer than its window.
 */
START_TEST(a_killed_child_leaves_nothing_behind)
{
    shared_t *shared = make(3, 3);

    for (int round = 0; round < ROUNDS; round++) {
        apr_time_t now = atomic_load(&shared->clock);
        pid_t child = fork();

        if (child == 0) {
            atomic_store(&shared->ready, (long)PROCESSES * THREADS);
            for (;;) {
                run_threads(shared);
            }
        }
        ck_assert_int_gt(child, 0);
        usleep((useconds_t)(1000 + round * 250));
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);

        for (apr_uint64_t key = 1; key < 200; key++) {
            int admitted = 0;

            while (admitted < 10 && take(shared, key, 3, 3600, now)) {
                admitted++;
            }
            ck_assert_int_le(admitted, 3);
        }
        now += 3600 * SECOND;
        ck_assert(take(shared, 1, 3, 3600, now));
        ck_assert(take(shared, 1, 3, 3600, now));
        ck_assert(take(shared, 1, 3, 3600, now));
        ck_assert(!take(shared, 1, 3, 3600, now));
        atomic_store(&shared->clock, now + 3600 * SECOND);
    }
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_rate_shared)
{
    Suite *suite = suite_create("rate-shared");
    TCase *tcase = unit_tcase(suite, "shared");

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, as_many_as_the_rate_says);
    tcase_add_test(tcase, also_where_others_come_and_go);
    tcase_add_test(tcase, and_evenly_afterwards);
    tcase_add_test(tcase, a_killed_child_leaves_nothing_behind);
    return suite;
}
