/* SPDX-License-Identifier: Apache-2.0 */
#include "low_priority.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "unit.h"

/* The seam: this program's own pthread_create fails when told to, and else passes on. */
static int no_threads;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *baton)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

    if (no_threads) {
        return EAGAIN;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return real(thread, attributes, start, baton);
}

/* What the function found when it ran. */
typedef struct {
    int runs;
    pid_t thread;
    int nice;
    int holds_term;
} seen_t;

static int nice_now(void)
{
    int value;

    errno = 0;
    value = getpriority(PRIO_PROCESS, (id_t)gettid());
    ck_assert_int_eq(errno, 0);
    return value;
}

static void look(void *baton)
{
    seen_t *seen = baton;
    sigset_t held;

    seen->runs++;
    seen->thread = gettid();
    seen->nice = nice_now();
    pthread_sigmask(SIG_SETMASK, NULL, &held);
    seen->holds_term = sigismember(&held, SIGTERM);
}

START_TEST(it_runs_below_its_caller_who_stays_where_he_was)
{
    int before = nice_now();
    seen_t seen = {0};

    authsvc_low_priority_run(7, look, &seen);
    ck_assert_int_eq(seen.runs, 1);
    ck_assert_int_ne(seen.thread, gettid());
    ck_assert_int_eq(seen.nice, before + 7 < 19 ? before + 7 : 19);
    ck_assert_int_eq(nice_now(), before);
    /* Relative to a caller that was lowered itself, and never beyond the lowest. */
    ck_assert_int_eq(setpriority(PRIO_PROCESS, (id_t)gettid(), 15), 0);
    authsvc_low_priority_run(2, look, &seen);
    ck_assert_int_eq(seen.nice, 17);
    authsvc_low_priority_run(19, look, &seen);
    ck_assert_int_eq(seen.nice, 19);
}
END_TEST

START_TEST(nice_0_needs_no_thread)
{
    seen_t seen = {0};

    no_threads = 1;
    authsvc_low_priority_run(0, look, &seen);
    ck_assert_int_eq(seen.runs, 1);
    ck_assert_int_eq(seen.thread, gettid());
    ck_assert_int_eq(seen.nice, nice_now());
}
END_TEST

START_TEST(without_a_thread_it_runs_all_the_same)
{
    int before = nice_now();
    seen_t seen = {0};

    no_threads = 1;
    authsvc_low_priority_run(7, look, &seen);
    ck_assert_int_eq(seen.runs, 1);
    ck_assert_int_eq(seen.thread, gettid());
    ck_assert_int_eq(seen.nice, before);
}
END_TEST

static volatile sig_atomic_t ended;

static void on_term(int number)
{
    (void)number;
    ended++;
}

static void end_in_the_middle(void *baton)
{
    seen_t *seen = baton;

    look(seen);
    kill(getpid(), SIGTERM);
    usleep(20 * 1000);
    seen->runs += ended * 100;
}

/* prefork's child ends in the handler: not while somebody reads its memory. */
START_TEST(a_signal_that_ends_the_process_waits)
{
    struct sigaction action = {0};
    seen_t seen = {0};
    sigset_t held;

    action.sa_handler = on_term;
    ck_assert_int_eq(sigaction(SIGTERM, &action, NULL), 0);
    authsvc_low_priority_run(7, end_in_the_middle, &seen);
    ck_assert_int_eq(seen.holds_term, 1);
    ck_assert_int_eq(seen.runs, 1);
    ck_assert_int_eq(ended, 1);
    pthread_sigmask(SIG_SETMASK, NULL, &held);
    ck_assert_int_eq(sigismember(&held, SIGTERM), 0);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_low_priority)
{
    Suite *suite = suite_create("low priority");
    TCase *tcase = unit_tcase(suite, "low priority");

    tcase_add_test(tcase, it_runs_below_its_caller_who_stays_where_he_was);
    tcase_add_test(tcase, nice_0_needs_no_thread);
    tcase_add_test(tcase, without_a_thread_it_runs_all_the_same);
    tcase_add_test(tcase, a_signal_that_ends_the_process_waits);
    return suite;
}
