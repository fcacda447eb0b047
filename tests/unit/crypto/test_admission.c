/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/admission.h"

#include <apr_atomic.h>
#include <apr_thread_proc.h>
#include <sched.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define FOREVER apr_time_from_sec(30)
#define SOON apr_time_from_msec(60)

static authsvc_admission_t *create(int slots, int places, apr_interval_time_t wait)
{
    authsvc_admission_t *admission = NULL;

    ck_assert_ptr_null(authsvc_admission_create(unit_pool, slots, places, wait, (uid_t)-1,
                                                (gid_t)-1, &admission));
    return admission;
}

static void assert_free(authsvc_admission_t *admission, int slots, int places)
{
    int free_slots, free_places;

    authsvc_admission_free(admission, &free_slots, &free_places);
    ck_assert_int_eq(free_slots, slots);
    ck_assert_int_eq(free_places, places);
}

/* Until the numbers are so: what another process does takes its time. */
static void await_free(authsvc_admission_t *admission, int slots, int places)
{
    int i, free_slots = -1, free_places = -1;

    for (i = 0; i < 2000 && (free_slots != slots || free_places != places); i++) {
        apr_sleep(apr_time_from_msec(5));
        authsvc_admission_free(admission, &free_slots, &free_places);
    }
    assert_free(admission, slots, places);
}

static void assert_overloaded(authsvc_error_t *err, const char *because)
{
    ck_assert_ptr_nonnull(err);
    ck_assert_int_eq(err->code, AUTHSVC_E_UNAVAILABLE);
    ck_assert_str_eq(err->slug, "overloaded");
    ck_assert_int_ge(err->retry_after, 1);
    ck_assert_int_le(err->retry_after, 5);
    ck_assert_msg(strstr(err->internal, because) != NULL, "\"%s\", not \"%s\"", err->internal,
                  because);
}

START_TEST(slots_are_counted)
{
    authsvc_admission_t *admission = create(2, 0, FOREVER);

    assert_free(admission, 2, 0);
    ck_assert_ptr_null(authsvc_admission_enter(admission, unit_pool));
    ck_assert_ptr_null(authsvc_admission_enter(admission, unit_pool));
    assert_free(admission, 0, 0);
    assert_overloaded(authsvc_admission_enter(admission, unit_pool), "the queue is full");
    authsvc_admission_leave(admission);
    assert_free(admission, 1, 0);
    ck_assert_ptr_null(authsvc_admission_enter(admission, unit_pool));
    authsvc_admission_leave(admission);
    authsvc_admission_leave(admission);
    assert_free(admission, 2, 0);
}
END_TEST

START_TEST(a_place_is_given_back_when_time_is_up)
{
    authsvc_admission_t *admission = create(1, 1, SOON);
    apr_time_t before;

    ck_assert_ptr_null(authsvc_admission_enter(admission, unit_pool));
    before = authsvc_clock_monotonic();
    assert_overloaded(authsvc_admission_enter(admission, unit_pool), "no slot in time");
    ck_assert_int_ge(authsvc_clock_monotonic() - before, SOON);
    assert_free(admission, 0, 1);
    authsvc_admission_leave(admission);
    assert_free(admission, 1, 1);
}
END_TEST

START_TEST(no_wait_means_at_once)
{
    authsvc_admission_t *admission = create(1, 1, 0);

    ck_assert_ptr_null(authsvc_admission_enter(admission, unit_pool));
    assert_overloaded(authsvc_admission_enter(admission, unit_pool), "no slot in time");
    assert_free(admission, 0, 1);
    authsvc_admission_leave(admission);
    ck_assert_ptr_null(authsvc_admission_enter(admission, unit_pool));
    authsvc_admission_leave(admission);
}
END_TEST

static void ignore(int signal_number)
{
    (void)signal_number;
}

START_TEST(signals_do_not_end_the_wait)
{
    authsvc_admission_t *admission = create(1, 1, apr_time_from_msec(300));
    struct itimerval every = {{0, 10000}, {0, 10000}}, never = {{0, 0}, {0, 0}};
    struct sigaction action = {0};
    apr_time_t before;

    action.sa_handler = ignore;
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_ptr_null(authsvc_admission_enter(admission, unit_pool));
    before = authsvc_clock_monotonic();
    ck_assert_int_eq(setitimer(ITIMER_REAL, &every, NULL), 0);
    assert_overloaded(authsvc_admission_enter(admission, unit_pool), "no slot in time");
    ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    ck_assert_int_ge(authsvc_clock_monotonic() - before, apr_time_from_msec(300));
    ck_assert_int_le(authsvc_clock_monotonic() - before, apr_time_from_sec(5));
    assert_free(admission, 0, 1);
}
END_TEST

#define THREADS 24

typedef struct {
    authsvc_admission_t *admission;
    volatile apr_uint32_t *inside;
    volatile apr_uint32_t *most;
    volatile apr_uint32_t *hold; /* stay inside while this is 1 */
    int rounds;
    int admitted;
    int refused;
} worker_t;

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *baton)
{
    worker_t *worker = baton;
    apr_pool_t *pool = apr_thread_pool_get(thread);
    int i;

    for (i = 0; i < worker->rounds; i++) {
        apr_uint32_t now, most;

        if (authsvc_admission_enter(worker->admission, pool)) {
            __atomic_fetch_add(&worker->refused, 1, __ATOMIC_RELAXED);
            continue;
        }
        worker->admitted++;
        now = apr_atomic_inc32(worker->inside) + 1;
        most = apr_atomic_read32(worker->most);
        while (now > most && apr_atomic_cas32(worker->most, now, most) != most) {
            most = apr_atomic_read32(worker->most);
        }
        do {
            apr_sleep(500);
        } while (apr_atomic_read32(worker->hold));
        apr_atomic_dec32(worker->inside);
        authsvc_admission_leave(worker->admission);
    }
    return NULL;
}

typedef struct {
    apr_thread_t *threads[THREADS];
    worker_t workers[THREADS];
    volatile apr_uint32_t inside, most, hold;
} crowd_t;

static void start(crowd_t *crowd, authsvc_admission_t *admission, int rounds, apr_uint32_t hold)
{
    int i;

    memset(crowd, 0, sizeof(*crowd));
    crowd->hold = hold;
    for (i = 0; i < THREADS; i++) {
        worker_t *worker = &crowd->workers[i];

        worker->admission = admission;
        worker->inside = &crowd->inside;
        worker->most = &crowd->most;
        worker->hold = &crowd->hold;
        worker->rounds = rounds;
        ck_assert_int_eq(apr_thread_create(&crowd->threads[i], NULL, work, worker, unit_pool), 0);
    }
}

static void join(crowd_t *crowd, int *admitted, int *refused)
{
    apr_status_t status;
    int i;

    apr_atomic_set32(&crowd->hold, 0);
    *admitted = *refused = 0;
    for (i = 0; i < THREADS; i++) {
        ck_assert_int_eq(apr_thread_join(&status, crowd->threads[i]), 0);
        *admitted += crowd->workers[i].admitted;
        *refused += crowd->workers[i].refused;
    }
}

START_TEST(all_who_fit_in_the_queue_are_served)
{
    authsvc_admission_t *admission = create(3, THREADS - 3, FOREVER);
    crowd_t *crowd = apr_palloc(unit_pool, sizeof(*crowd));
    int admitted, refused;

    start(crowd, admission, 40, 0);
    join(crowd, &admitted, &refused);
    ck_assert_int_eq(admitted, THREADS * 40);
    ck_assert_int_eq(refused, 0);
    ck_assert_uint_eq(crowd->most, 3);
    assert_free(admission, 3, THREADS - 3);
}
END_TEST

START_TEST(the_excess_is_refused_at_once)
{
    authsvc_admission_t *admission = create(2, 5, FOREVER);
    crowd_t *crowd = apr_palloc(unit_pool, sizeof(*crowd));
    int admitted, refused, i, seen = 0;

    start(crowd, admission, 1, 1);
    /* Two inside, five in the queue, and all others back already. */
    for (i = 0; i < 2000 && seen != THREADS - 7; i++) {
        int j;

        apr_sleep(apr_time_from_msec(5));
        for (seen = 0, j = 0; j < THREADS; j++) {
            seen += __atomic_load_n(&crowd->workers[j].refused, __ATOMIC_RELAXED);
        }
    }
    ck_assert_int_eq(seen, THREADS - 7);
    assert_free(admission, 0, 0);
    join(crowd, &admitted, &refused);
    ck_assert_int_eq(admitted, 7);
    ck_assert_int_eq(refused, THREADS - 7);
    ck_assert_uint_eq(crowd->most, 2);
    assert_free(admission, 2, 5);
}
END_TEST

/* A child that enters, says so, and stays. @return its process id */
static pid_t child_inside(authsvc_admission_t *admission)
{
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (authsvc_admission_enter(admission, unit_pool) == NULL) {
            for (;;) {
                pause();
            }
        }
        _exit(1);
    }
    return child;
}

static void kill_child(pid_t child)
{
    int status;

    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WIFSIGNALED(status), 1);
}

START_TEST(killed_processes_lose_nothing)
{
    authsvc_admission_t *admission = create(1, 1, FOREVER);
    int round;

    for (round = 0; round < 20; round++) {
        pid_t holder, waiter;

        holder = child_inside(admission);
        await_free(admission, 0, 1);
        waiter = child_inside(admission);
        await_free(admission, 0, 0);
        if (round % 2 == 0) {
            kill_child(waiter);
            await_free(admission, 0, 1);
            kill_child(holder);
        } else {
            /* The waiter gets the slot of the dead, and dies with it. */
            kill_child(holder);
            await_free(admission, 0, 1);
            kill_child(waiter);
        }
        await_free(admission, 1, 1);
    }
}
END_TEST

/* Killed at any moment whatever, in the middle of all operations. */
START_TEST(processes_killed_at_random_lose_nothing)
{
    authsvc_admission_t *admission = create(2, 3, apr_time_from_msec(2));
    pid_t children[8] = {0};
    int round, i;

    for (round = 0; round < 200; round++) {
        pid_t *child = &children[round % 8];

        if (*child) {
            kill_child(*child);
        }
        *child = fork();
        ck_assert_int_ge(*child, 0);
        if (*child == 0) {
            apr_pool_t *pool;

            apr_pool_create(&pool, NULL);
            for (;;) {
                if (authsvc_admission_enter(admission, pool) == NULL) {
                    authsvc_admission_leave(admission);
                }
                apr_pool_clear(pool);
            }
        }
        apr_sleep(apr_time_from_msec(1) + round * 7);
    }
    for (i = 0; i < 8; i++) {
        kill_child(children[i]);
    }
    await_free(admission, 2, 3);
}
END_TEST

typedef struct {
    authsvc_admission_t *admission;
    int alive;
    authsvc_error_t *err;
} removed_t;

/* The pool's last cleanup: the set is gone, what stands for it is still there. */
static apr_status_t look_without_the_set(void *baton)
{
    removed_t *removed = baton;

    removed->alive = authsvc_admission_alive(removed->admission);
    removed->err = authsvc_admission_enter(removed->admission, unit_pool);
    return APR_SUCCESS;
}

START_TEST(a_removed_set_is_not_alive_and_admits_nobody)
{
    removed_t removed = {NULL, 1, NULL};
    apr_pool_t *pool;

    apr_pool_create(&pool, unit_pool);
    apr_pool_cleanup_register(pool, &removed, look_without_the_set, apr_pool_cleanup_null);
    ck_assert_ptr_null(authsvc_admission_create(pool, 1, 0, 0, (uid_t)-1, (gid_t)-1,
                                                &removed.admission));
    ck_assert_int_eq(authsvc_admission_alive(removed.admission), 1);
    ck_assert_ptr_null(authsvc_admission_enter(removed.admission, unit_pool));
    ck_assert_int_eq(authsvc_admission_alive(removed.admission), 1);
    authsvc_admission_leave(removed.admission);
    apr_pool_destroy(pool);
    ck_assert_int_eq(removed.alive, 0);
    assert_overloaded(removed.err, "");
    ck_assert_int_eq(authsvc_admission_alive(NULL), 1);
}
END_TEST

START_TEST(growing_lets_the_queue_in)
{
    authsvc_admission_t *admission = create(1, 2, FOREVER);
    pid_t a = child_inside(admission), b, c;

    await_free(admission, 0, 2);
    b = child_inside(admission);
    c = child_inside(admission);
    await_free(admission, 0, 0);
    ck_assert_ptr_null(authsvc_admission_resize(admission, unit_pool, 3, 4, FOREVER));
    await_free(admission, 0, 4);
    kill_child(a);
    kill_child(b);
    kill_child(c);
    await_free(admission, 3, 4);
}
END_TEST

/* What is in use when the set shrinks goes when it is given back. */
START_TEST(shrinking_waits_for_nobody)
{
    authsvc_admission_t *admission = create(4, 4, FOREVER);
    int i;

    for (i = 0; i < 4; i++) {
        ck_assert_ptr_null(authsvc_admission_enter(admission, unit_pool));
    }
    ck_assert_ptr_null(authsvc_admission_resize(admission, unit_pool, 2, 1, SOON));
    assert_free(admission, 0, 1);
    authsvc_admission_leave(admission);
    assert_free(admission, 0, 1);
    authsvc_admission_leave(admission);
    assert_free(admission, 0, 1);
    assert_overloaded(authsvc_admission_enter(admission, unit_pool), "no slot in time");
    authsvc_admission_leave(admission);
    assert_free(admission, 1, 1);
    authsvc_admission_leave(admission);
    assert_free(admission, 2, 1);
    ck_assert_ptr_null(authsvc_admission_enter(admission, unit_pool));
    authsvc_admission_leave(admission);
    assert_free(admission, 2, 1);
}
END_TEST

START_TEST(growing_again_forgives_what_is_owed)
{
    authsvc_admission_t *admission = create(3, 0, 0);
    int i;

    for (i = 0; i < 3; i++) {
        ck_assert_ptr_null(authsvc_admission_enter(admission, unit_pool));
    }
    ck_assert_ptr_null(authsvc_admission_resize(admission, unit_pool, 1, 0, 0));
    ck_assert_ptr_null(authsvc_admission_resize(admission, unit_pool, 2, 0, 0));
    assert_free(admission, 0, 0);
    for (i = 0; i < 3; i++) {
        authsvc_admission_leave(admission);
    }
    assert_free(admission, 2, 0);
    ck_assert_ptr_null(authsvc_admission_resize(admission, unit_pool, 5, 0, 0));
    assert_free(admission, 5, 0);
}
END_TEST

/* Who paid a debt holds nothing any more that the kernel would give back at its end. */
START_TEST(a_paid_debt_is_not_given_back_again)
{
    authsvc_admission_t *admission = create(2, 0, 0);
    int pipe_ends[2], status;
    char octet = 'x';
    pid_t child;

    ck_assert_int_eq(pipe(pipe_ends), 0);
    child = fork();
    if (child == 0) {
        authsvc_error_t *err = authsvc_admission_enter(admission, unit_pool);

        err = err ? err : authsvc_admission_enter(admission, unit_pool);
        if (err || read(pipe_ends[0], &octet, 1) != 1) {
            _exit(1);
        }
        authsvc_admission_leave(admission);
        authsvc_admission_leave(admission);
        _exit(0);
    }
    await_free(admission, 0, 0);
    ck_assert_ptr_null(authsvc_admission_resize(admission, unit_pool, 1, 0, 0));
    ck_assert_int_eq(write(pipe_ends[1], &octet, 1), 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    assert_free(admission, 1, 0);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}
END_TEST

/* Places in use while the queue shrinks, likewise. */
START_TEST(places_in_use_are_owed_too)
{
    authsvc_admission_t *admission = create(1, 3, FOREVER);
    pid_t holder = child_inside(admission), a, b, c;

    await_free(admission, 0, 3);
    a = child_inside(admission);
    b = child_inside(admission);
    c = child_inside(admission);
    await_free(admission, 0, 0);
    ck_assert_ptr_null(authsvc_admission_resize(admission, unit_pool, 1, 1, FOREVER));
    assert_free(admission, 0, 0);
    ck_assert_ptr_null(authsvc_admission_resize(admission, unit_pool, 4, 1, FOREVER));
    await_free(admission, 0, 1);
    kill_child(holder);
    kill_child(a);
    kill_child(b);
    kill_child(c);
    await_free(admission, 4, 1);
}
END_TEST

/* Under full load, from 4 slots to 2 and back, with never more inside than there may be. */
START_TEST(resizing_under_load_keeps_count)
{
    authsvc_admission_t *admission = create(4, THREADS, FOREVER);
    crowd_t *crowd = apr_palloc(unit_pool, sizeof(*crowd));
    int admitted, refused, i;

    start(crowd, admission, 60, 0);
    for (i = 0; i < 40; i++) {
        apr_sleep(apr_time_from_msec(3));
        ck_assert_ptr_null(authsvc_admission_resize(admission, unit_pool, i % 2 ? 4 : 2, THREADS,
                                                    FOREVER));
    }
    join(crowd, &admitted, &refused);
    ck_assert_int_eq(admitted, THREADS * 60);
    ck_assert_int_eq(refused, 0);
    ck_assert_uint_eq(crowd->most, 4);
    assert_free(admission, 4, THREADS);
}
END_TEST

START_TEST(limits_are_checked)
{
    authsvc_admission_t *admission = create(1, 1, 0), *other;

    static const int bad[][2] = {{0, 1}, {-1, 1}, {32768, 1}, {1, -1}, {1, 32768}};
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        authsvc_error_t *err = authsvc_admission_create(unit_pool, bad[i][0], bad[i][1], 0,
                                                        (uid_t)-1, (gid_t)-1, &other);

        ck_assert_ptr_nonnull(err);
        ck_assert_int_eq(err->code, AUTHSVC_E_INVALID);
    }
    ck_assert_int_eq(authsvc_admission_resize(admission, unit_pool, 0, 1, 0)->code,
                     AUTHSVC_E_INVALID);
    assert_free(admission, 1, 1);
}
END_TEST

START_TEST(only_the_maker_removes_the_set)
{
    apr_pool_t *pool;
    authsvc_admission_t *admission;
    pid_t child;
    int status;

    ck_assert_int_eq(apr_pool_create(&pool, unit_pool), 0);
    ck_assert_ptr_null(
        authsvc_admission_create(pool, 1, 1, 0, (uid_t)-1, (gid_t)-1, &admission));
    child = fork();
    if (child == 0) {
        apr_pool_destroy(pool);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    assert_free(admission, 1, 1);
    ck_assert_ptr_null(authsvc_admission_enter(admission, unit_pool));
}
END_TEST

/* A child that outlives its server: no crash, no hash, an honest 503. */
START_TEST(a_removed_set_admits_nobody)
{
    apr_pool_t *pool;
    authsvc_admission_t *admission;
    pid_t child;
    int status;

    ck_assert_int_eq(apr_pool_create(&pool, unit_pool), 0);
    ck_assert_ptr_null(
        authsvc_admission_create(pool, 1, 1, FOREVER, (uid_t)-1, (gid_t)-1, &admission));
    ck_assert_ptr_null(authsvc_admission_enter(admission, unit_pool));
    child = fork();
    if (child == 0) {
        apr_pool_t *own;
        authsvc_error_t *waited, *later;

        apr_pool_create(&own, NULL);
        waited = authsvc_admission_enter(admission, own);
        later = authsvc_admission_enter(admission, own);
        authsvc_admission_leave(admission);
        _exit(waited && waited->code == AUTHSVC_E_UNAVAILABLE && waited->retry_after > 0 && later &&
                      later->code == AUTHSVC_E_UNAVAILABLE
                  ? 0
                  : 1);
    }
    await_free(admission, 0, 0);
    apr_pool_destroy(pool);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* Made as root, used as the httpd user. Only root can test it. */
START_TEST(the_given_user_may_use_it)
{
    authsvc_admission_t *given, *kept;
    pid_t child;
    int status;

    if (geteuid() != 0) {
        return;
    }
    ck_assert_ptr_null(
        authsvc_admission_create(unit_pool, 1, 1, 0, 65534, 65534, &given));
    kept = create(1, 1, 0);
    child = fork();
    if (child == 0) {
        authsvc_error_t *err;

        if (setgid(65534) != 0 || setuid(65534) != 0) {
            _exit(2);
        }
        if (authsvc_admission_enter(given, unit_pool)) {
            _exit(3);
        }
        authsvc_admission_leave(given);
        err = authsvc_admission_enter(kept, unit_pool);
        _exit(err && err->code == AUTHSVC_E_UNAVAILABLE ? 0 : 4);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    assert_free(given, 1, 1);
}
END_TEST

START_TEST(usable_cpus_are_those_we_may_run_on)
{
    cpu_set_t cpus, one;
    int cpu;

    ck_assert_int_eq(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
    ck_assert_int_eq(authsvc_admission_usable_cpus(), CPU_COUNT(&cpus));
    for (cpu = 0; !CPU_ISSET(cpu, &cpus); cpu++) {
    }
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
    ck_assert_int_eq(authsvc_admission_usable_cpus(), 1);
    ck_assert_int_eq(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_admission)
{
    Suite *suite = suite_create("admission");
    TCase *tcase = unit_tcase(suite, "one process");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, slots_are_counted);
    tcase_add_test(tcase, a_place_is_given_back_when_time_is_up);
    tcase_add_test(tcase, no_wait_means_at_once);
    tcase_add_test(tcase, signals_do_not_end_the_wait);
    tcase_add_test(tcase, all_who_fit_in_the_queue_are_served);
    tcase_add_test(tcase, the_excess_is_refused_at_once);
    tcase_add_test(tcase, limits_are_checked);
    tcase_add_test(tcase, usable_cpus_are_those_we_may_run_on);

    tcase = unit_tcase(suite, "many processes");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, killed_processes_lose_nothing);
    tcase_add_test(tcase, processes_killed_at_random_lose_nothing);
    tcase_add_test(tcase, only_the_maker_removes_the_set);
    tcase_add_test(tcase, a_removed_set_admits_nobody);
    tcase_add_test(tcase, the_given_user_may_use_it);

    tcase = unit_tcase(suite, "resize");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_removed_set_is_not_alive_and_admits_nobody);
    tcase_add_test(tcase, growing_lets_the_queue_in);
    tcase_add_test(tcase, shrinking_waits_for_nobody);
    tcase_add_test(tcase, growing_again_forgives_what_is_owed);
    tcase_add_test(tcase, a_paid_debt_is_not_given_back_again);
    tcase_add_test(tcase, places_in_use_are_owed_too);
    tcase_add_test(tcase, resizing_under_load_keeps_count);
    return suite;
}
