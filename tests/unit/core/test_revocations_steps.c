/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authsvc/core/revocations.h"

/*
 * One process stands still after each of its machine instructions in turn, and another one acts:
 * every moment at which a writer can be killed, or a reader be overtaken, is tried.
 */

#define HOUR apr_time_from_sec(3600)
#define ENTRIES 64
#define ALL_SLOTS 1000 /* ids enough to have written each slot */
#if defined(__SANITIZE_ADDRESS__)
#define MOST_STOPS 60 /* more instructions, and slower ones */
#else
#define MOST_STOPS 600
#endif

static void write_id(unsigned char id[AUTHSVC_UUID_OCTETS], apr_uint32_t number)
{
    memset(id, 0, AUTHSVC_UUID_OCTETS);
    memcpy(id, &number, sizeof(number));
}

static void add(authsvc_revocations_t *set, apr_uint32_t number, apr_int64_t epoch,
                apr_interval_time_t lifetime)
{
    unsigned char id[AUTHSVC_UUID_OCTETS];

    write_id(id, number);
    authsvc_revocations_add(set, id, epoch, lifetime);
}

static int verdict(const authsvc_revocations_t *set, apr_uint32_t number, apr_int64_t epoch,
                   apr_time_t now)
{
    unsigned char id[AUTHSVC_UUID_OCTETS];

    write_id(id, number);
    return (int)authsvc_revocations_verdict(set, id, epoch, now);
}

static authsvc_revocations_t *make(void)
{
    authsvc_revocations_t *set = NULL;
    authsvc_revocations_look_t look;
    void *memory = mmap(NULL, authsvc_revocations_size(ENTRIES), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(memory, MAP_FAILED);
    ck_assert_int_eq(authsvc_revocations_create(memory, ENTRIES, &set), APR_SUCCESS);
    authsvc_revocations_set_max_stale(set, HOUR);
    authsvc_revocations_begin(set, &look);
    authsvc_revocations_complete(set, &look, 1);
    return set;
}

static void drop(authsvc_revocations_t *set)
{
    authsvc_revocations_destroy(set);
    munmap(set, authsvc_revocations_size(ENTRIES));
}

/* Start a child that acts between two SIGSTOPs; it stands at the first. */
static pid_t start(int (*act)(authsvc_revocations_t *set), authsvc_revocations_t *set)
{
    pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        int outcome;

        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        outcome = act(set);
        raise(SIGSTOP);
        _exit(outcome);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    return child;
}

/* Up to this many instructions further. @return how many it took; fewer: it stands at the end */
static int step(pid_t child, int count)
{
    int status;

    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSTOPPED(status));
        if (WSTOPSIG(status) != SIGTRAP) {
            return i;
        }
    }
    return count;
}

/* ThreadSanitizer and valgrind have signals, threads and instructions of their own. */
static int can_step(void)
{
#if defined(__SANITIZE_THREAD__)
    return 0;
#else
    const char *preloaded = getenv("LD_PRELOAD");

    return !preloaded || !strstr(preloaded, "vgpreload");
#endif
}

static int instructions_of(int (*act)(authsvc_revocations_t *set))
{
    authsvc_revocations_t *set = make();
    pid_t child = start(act, set);
    int n = step(child, 1000000), status;

    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    drop(set);
    ck_assert_int_gt(n, 100);
    ck_assert_int_lt(n, 1000000);
    return n;
}

static int add_one(authsvc_revocations_t *set)
{
    add(set, 1, 1, HOUR);
    return 0;
}

START_TEST(a_writer_may_die_at_any_instruction)
{
    int n = can_step() ? instructions_of(add_one) : 0, stride = 1 + n / MOST_STOPS, done = 0;

    if (!n) {
        return;
    }
    for (int stop = 0; stop < n; stop += stride) {
        authsvc_revocations_t *set = make();
        pid_t child = start(add_one, set);
        int status;

        step(child, stop);
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        done += verdict(set, 1, 1, apr_time_now()) == AUTHSVC_SESSION_REVOKED;
        /* it was not done, or it was; others go on in either case, and in the same slots */
        add(set, 2, 1, HOUR);
        add(set, 1, 2, HOUR);
        ck_assert_int_eq(verdict(set, 1, 2, apr_time_now()), AUTHSVC_SESSION_REVOKED);
        ck_assert_int_eq(verdict(set, 1, 3, apr_time_now()), AUTHSVC_SESSION_ALIVE);
        ck_assert_int_eq(verdict(set, 2, 1, apr_time_now()), AUTHSVC_SESSION_REVOKED);
        ck_assert_int_eq(verdict(set, 3, 0, apr_time_now()), AUTHSVC_SESSION_ALIVE);
        drop(set);
    }
    /* both kinds were tried */
    ck_assert_int_gt(done, 0);
    ck_assert_int_lt(done, n / stride);
}
END_TEST

static int write_all(authsvc_revocations_t *set)
{
    for (apr_uint32_t n = 0; n < ALL_SLOTS; n++) {
        add(set, 1000 + n, 9, HOUR);
    }
    return 0;
}

static int ask_of_expired(authsvc_revocations_t *set)
{
    return verdict(set, 1, 5, apr_time_now());
}

static int ask_of_lasting(authsvc_revocations_t *set)
{
    return verdict(set, 2, 1, apr_time_now());
}

/* The child asks; after `stop` instructions all free slots get other entries. @return its answer */
static int overtaken(int (*act)(authsvc_revocations_t *set), int stop)
{
    authsvc_revocations_t *set = make();
    pid_t child;
    int status = 0, ended = 0;

    add(set, 1, 1, 1); /* expires before anybody asks */
    add(set, 2, 1, HOUR);
    apr_sleep(10);
    child = start(act, set);
    step(child, stop);
    write_all(set);
    while (!ended) {
        ck_assert_int_eq(ptrace(PTRACE_CONT, child, NULL, NULL), 0);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ended = WIFEXITED(status);
    }
    drop(set);
    return WEXITSTATUS(status);
}

START_TEST(a_reader_may_be_overtaken_at_any_instruction)
{
    int n = can_step() ? instructions_of(ask_of_expired) : 0;
    int stride = 1 + n / (MOST_STOPS / 2);

    for (int stop = 0; stop < n; stop += stride) {
        /* the id that was there with the epoch that came would be neither's */
        ck_assert_int_ne(overtaken(ask_of_expired, stop), AUTHSVC_SESSION_REVOKED);
        ck_assert_int_eq(overtaken(ask_of_lasting, stop), AUTHSVC_SESSION_REVOKED);
    }
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_revocations_steps)
{
    Suite *suite = suite_create("revocations-steps");
    TCase *tcase = unit_tcase(suite, "steps");

    tcase_set_timeout(tcase, 300);
    tcase_add_test(tcase, a_writer_may_die_at_any_instruction);
    tcase_add_test(tcase, a_reader_may_be_overtaken_at_any_instruction);
    return suite;
}
