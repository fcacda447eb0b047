/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <apr_thread_proc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authsvc/core/revocations.h"

/* One set, used by threads and by processes at the same time. */

#define HOUR apr_time_from_sec(3600)
#define WRITERS 2
#define READERS 2
#define IDS 2000 /* of each writer */
#define CHECKS 20000 /* by each reader, while writers write */
#define BRIEF_ID 0x40000000U
#define NEVER_ID 0x80000000U

/* How often somebody took over from a writer that had died. */
static _Atomic int n_taken_over;

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): names of ld's --wrap */
int __real_pthread_mutex_consistent(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_consistent(pthread_mutex_t *mutex);

int __wrap_pthread_mutex_consistent(pthread_mutex_t *mutex)
{
    atomic_fetch_add(&n_taken_over, 1);
    return __real_pthread_mutex_consistent(mutex);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static void write_id(unsigned char id[AUTHSVC_UUID_OCTETS], apr_uint32_t number)
{
    memset(id, 0x5a, AUTHSVC_UUID_OCTETS);
    memcpy(id + 12, &number, sizeof(number));
}

static int add(authsvc_revocations_t *set, apr_uint32_t number, apr_int64_t epoch,
               apr_interval_time_t lifetime)
{
    unsigned char id[AUTHSVC_UUID_OCTETS];

    write_id(id, number);
    return authsvc_revocations_add(set, id, epoch, lifetime);
}

static authsvc_session_verdict_t verdict(const authsvc_revocations_t *set, apr_uint32_t number,
                                         apr_int64_t epoch)
{
    unsigned char id[AUTHSVC_UUID_OCTETS];

    write_id(id, number);
    return authsvc_revocations_verdict(set, id, epoch, apr_time_now());
}

static void look(authsvc_revocations_t *set)
{
    authsvc_revocations_look_t look;

    authsvc_revocations_set_max_stale(set, HOUR);
    authsvc_revocations_begin(set, &look);
    authsvc_revocations_complete(set, &look, 1);
}

static void *map(size_t size, int fd)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);

    ck_assert_ptr_ne(memory, MAP_FAILED);
    return memory;
}

START_TEST(it_may_lie_at_another_address)
{
    size_t size = authsvc_revocations_size(64);
    FILE *file = tmpfile();
    authsvc_revocations_t *set = NULL, *elsewhere;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(ftruncate(fileno(file), (off_t)size), 0);
    ck_assert_int_eq(authsvc_revocations_create(map(size, fileno(file)), 64, &set), APR_SUCCESS);
    elsewhere = map(size, fileno(file));
    ck_assert_ptr_ne(set, elsewhere);
    look(set);
    ck_assert_int_eq(verdict(elsewhere, 1, 0), AUTHSVC_SESSION_ALIVE);
    add(elsewhere, 1, 0, HOUR);
    ck_assert_int_eq(verdict(set, 1, 0), AUTHSVC_SESSION_REVOKED);
    ck_assert_int_eq(verdict(elsewhere, 1, 0), AUTHSVC_SESSION_REVOKED);
    authsvc_revocations_destroy(set);
    munmap(elsewhere, size);
    munmap(set, size);
    fclose(file);
}
END_TEST

/* ---- threads */

typedef struct {
    authsvc_revocations_t *set;
    _Atomic apr_uint32_t added[WRITERS]; /* ids below this were added */
    _Atomic apr_uint32_t running;
    _Atomic apr_uint32_t next_writer;
    _Atomic apr_uint64_t checks[READERS];
    _Atomic apr_uint32_t next_reader;
    _Atomic apr_uint32_t wrong;
    _Atomic apr_uint64_t unsure; /* on a machine so busy that a writer had no turn for 100 ms */
} stage_t;

static int readers_want_more(stage_t *stage)
{
    for (int i = 0; i < READERS; i++) {
        if (atomic_load(&stage->checks[i]) < CHECKS) {
            return 1;
        }
    }
    return 0;
}

/* Lasting entries, and beside them brief ones that make slots change hands. */
static void *APR_THREAD_FUNC writer(apr_thread_t *thread, void *data)
{
    stage_t *stage = data;
    apr_uint32_t me = atomic_fetch_add(&stage->next_writer, 1);

    (void)thread;
    for (apr_uint32_t n = 0; n < IDS || readers_want_more(stage); n++) {
        if (n < IDS) {
            while (!add(stage->set, me * IDS + n, 1, HOUR)) {
            }
            atomic_store(&stage->added[me], n + 1);
        }
        for (apr_uint32_t k = 0; k < 4; k++) {
            add(stage->set, BRIEF_ID + (n * WRITERS + me) * 4 + k, 1, 200);
        }
        if (n % 16 == 0) {
            look(stage->set);
        }
    }
    atomic_fetch_sub(&stage->running, 1);
    return NULL;
}

static void *APR_THREAD_FUNC reader(apr_thread_t *thread, void *data)
{
    stage_t *stage = data;
    apr_uint32_t me = atomic_fetch_add(&stage->next_reader, 1);
    apr_uint64_t random = 7 + me;

    (void)thread;
    while (atomic_load(&stage->running) > 0) {
        for (apr_uint32_t w = 0; w < WRITERS; w++) {
            apr_uint32_t added = atomic_load(&stage->added[w]), n;
            authsvc_session_verdict_t never;

            random = random * 6364136223846793005U + 1442695040888963407U;
            if (!added) {
                continue;
            }
            n = w * IDS + (apr_uint32_t)(random >> 33) % added;
            never = verdict(stage->set, NEVER_ID + n, 1);
            if (verdict(stage->set, n, 1) != AUTHSVC_SESSION_REVOKED ||
                verdict(stage->set, n, 2) == AUTHSVC_SESSION_REVOKED ||
                never == AUTHSVC_SESSION_REVOKED) {
                atomic_fetch_add(&stage->wrong, 1);
            }
            atomic_fetch_add(&stage->unsure, never == AUTHSVC_SESSION_UNKNOWN);
            atomic_fetch_add(&stage->checks[me], 1);
        }
    }
    return NULL;
}

START_TEST(readers_see_all_that_was_added_and_nothing_else)
{
    size_t size = authsvc_revocations_size(4 * WRITERS * IDS);
    stage_t *stage = map(sizeof(*stage), -1);
    apr_thread_t *threads[WRITERS + READERS];
    apr_status_t status;

    ck_assert_int_eq(authsvc_revocations_create(map(size, -1), 4 * WRITERS * IDS, &stage->set),
                     APR_SUCCESS);
    look(stage->set);
    atomic_store(&stage->running, WRITERS);
    for (int i = 0; i < WRITERS + READERS; i++) {
        ck_assert_int_eq(apr_thread_create(&threads[i], NULL, i < READERS ? reader : writer, stage,
                                           unit_pool), APR_SUCCESS);
    }
    for (int i = 0; i < WRITERS + READERS; i++) {
        apr_thread_join(&status, threads[i]);
    }
    ck_assert_uint_eq(atomic_load(&stage->wrong), 0);
    ck_assert_uint_lt(2 * atomic_load(&stage->unsure),
                      atomic_load(&stage->checks[0]) + atomic_load(&stage->checks[1]));
    authsvc_revocations_destroy(stage->set);
}
END_TEST

/* ---- processes that are killed */

#define KILLS 150

typedef struct {
    _Atomic apr_uint32_t added; /* ids below this were added */
} told_t;

static _Noreturn void add_for_ever(authsvc_revocations_t *set, told_t *told)
{
    for (;;) {
        apr_uint32_t n = atomic_load(&told->added);

        add(set, n % IDS, 1 + n / IDS, HOUR);
        add(set, BRIEF_ID + n, 1, 500);
        atomic_store(&told->added, n + 1);
    }
}

/* What its dead predecessors had added is there, nothing else is, and others go on. */
static void check_after(authsvc_revocations_t *set, const told_t *told)
{
    apr_uint32_t added = atomic_load(&told->added);

    look(set);
    for (apr_uint32_t n = added > IDS ? added - IDS : 0; n < added; n++) {
        ck_assert_int_eq(verdict(set, n % IDS, 1 + n / IDS), AUTHSVC_SESSION_REVOKED);
    }
    for (apr_uint32_t n = 0; n < IDS; n++) {
        ck_assert_int_eq(verdict(set, NEVER_ID + n, 0), AUTHSVC_SESSION_ALIVE);
    }
}

START_TEST(a_killed_writer_leaves_nothing_behind)
{
    size_t size = authsvc_revocations_size(4 * IDS);
    told_t *told = map(sizeof(*told), -1);
    authsvc_revocations_t *set = NULL;

    ck_assert_int_eq(authsvc_revocations_create(map(size, -1), 4 * IDS, &set), APR_SUCCESS);
    look(set);
    for (int i = 0; i < KILLS; i++) {
        apr_uint32_t before = atomic_load(&told->added);
        pid_t child = fork();
        int status = 0;

        ck_assert_int_ge(child, 0);
        if (child == 0) {
            add_for_ever(set, told);
        }
        /* not before it has worked, at no regular moment */
        while (atomic_load(&told->added) < before + 20) {
            apr_sleep(100);
        }
        apr_sleep(i * 7 % 50);
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        /* the parent takes the turn, whoever had it */
        add(set, 3 * IDS + (apr_uint32_t)i, 1, HOUR);
        ck_assert_int_eq(verdict(set, 3 * IDS + (apr_uint32_t)i, 1), AUTHSVC_SESSION_REVOKED);
        check_after(set, told);
    }
    /* otherwise none was killed where it matters */
    ck_assert_int_gt(atomic_load(&n_taken_over), 0);
    authsvc_revocations_destroy(set);
}
END_TEST

/* ---- who looks */

static void *try_to_lead(void *data)
{
    return authsvc_revocations_lead(data) ? data : NULL;
}

static int leads_in_a_thread(authsvc_revocations_t *set)
{
    pthread_t thread;
    void *outcome = NULL;

    ck_assert_int_eq(pthread_create(&thread, NULL, try_to_lead, set), 0);
    ck_assert_int_eq(pthread_join(thread, &outcome), 0);
    return outcome != NULL;
}

START_TEST(one_leads_until_it_resigns_or_ends)
{
    authsvc_revocations_t *set = NULL;
    told_t *told = map(sizeof(*told), -1);
    pid_t child;
    int status;

    ck_assert_int_eq(authsvc_revocations_create(map(authsvc_revocations_size(64), -1), 64, &set),
                     APR_SUCCESS);
    ck_assert(authsvc_revocations_lead(set));
    ck_assert(!leads_in_a_thread(set));
    ck_assert(!authsvc_revocations_lead(set));
    authsvc_revocations_resign(set);
    /* one that led until its thread ended */
    ck_assert(leads_in_a_thread(set));
    ck_assert(authsvc_revocations_lead(set));
    authsvc_revocations_resign(set);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        atomic_store(&told->added, authsvc_revocations_lead(set) ? 1 : 2);
        for (;;) {
            pause();
        }
    }
    while (!atomic_load(&told->added)) {
        apr_sleep(100);
    }
    ck_assert_uint_eq(atomic_load(&told->added), 1);
    ck_assert(!authsvc_revocations_lead(set));
#ifndef __SANITIZE_THREAD__ /* which reports that somebody tries */
    authsvc_revocations_resign(set); /* not ours */
#endif
    ck_assert(!authsvc_revocations_lead(set));
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(authsvc_revocations_lead(set));
    ck_assert(!leads_in_a_thread(set));
    authsvc_revocations_resign(set);
    authsvc_revocations_destroy(set);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_revocations_shared)
{
    Suite *suite = suite_create("revocations-shared");
    TCase *tcase = unit_tcase(suite, "shared");

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, it_may_lie_at_another_address);
    tcase_add_test(tcase, readers_see_all_that_was_added_and_nothing_else);
    tcase_add_test(tcase, a_killed_writer_leaves_nothing_behind);
    tcase_add_test(tcase, one_leads_until_it_resigns_or_ends);
    return suite;
}
