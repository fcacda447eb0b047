/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"

#define MINUTE apr_time_from_sec(60)

static authsvc_feed_t feed;

static void set_up(void)
{
    void *memory = mmap(NULL, authsvc_revocations_size(64), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fake_setup();
    memset(&feed, 0, sizeof(feed));
    ck_assert_ptr_ne(memory, MAP_FAILED);
    ck_assert_int_eq(authsvc_revocations_create(memory, 64, &fake.ctx.revocations), APR_SUCCESS);
    authsvc_revocations_set_max_stale(fake.ctx.revocations, apr_time_from_sec(10));
}

static void tear_down(void)
{
    authsvc_revocations_destroy(fake.ctx.revocations);
    munmap(fake.ctx.revocations, authsvc_revocations_size(64));
    fake_teardown();
}

static authsvc_error_t *follow(void)
{
    return authsvc_feed_follow(&fake.ctx, &feed);
}

static authsvc_error_t *tidy(void)
{
    return authsvc_feed_tidy(&fake.ctx, &feed, apr_time_from_sec(900));
}

static const char *write_elsewhere(apr_int64_t epoch)
{
    authsvc_revocation_t *entry = &fake.revoked[fake.n_revoked++];
    entry->id = authsvc_uuid_v7(fake.ctx.pool, fake.now);
    entry->epoch = epoch;
    entry->lifetime = MINUTE;
    return entry->id;
}

static int verdict(const char *id, apr_int64_t epoch)
{
    unsigned char octets[AUTHSVC_UUID_OCTETS];
    ck_assert(authsvc_uuid_parse(id, octets));
    return (int)authsvc_revocations_verdict(fake.ctx.revocations, octets, epoch, apr_time_now());
}

START_TEST(it_begins_with_everything_and_goes_on_with_what_is_new)
{
    const char *first = write_elsewhere(2), *second;
    ck_assert_int_eq(verdict(first, 2), AUTHSVC_SESSION_UNKNOWN);
    ck_assert_ok(follow());
    ck_assert_int_eq(fake.polled_from, 0);
    ck_assert_int_eq(verdict(first, 2), AUTHSVC_SESSION_REVOKED);
    ck_assert_int_eq(verdict(first, 3), AUTHSVC_SESSION_ALIVE);
    second = write_elsewhere(0);
    ck_assert_int_eq(verdict(second, 0), AUTHSVC_SESSION_ALIVE);
    ck_assert_ok(follow());
    ck_assert_int_eq(fake.polled_from, 2);
    ck_assert_int_eq(verdict(second, 0), AUTHSVC_SESSION_REVOKED);
}
END_TEST

START_TEST(after_a_failure_it_reads_everything)
{
    ck_assert_ok(follow());
    ck_assert_ok(follow());
    ck_assert_int_eq(fake.polled_from, 1);
    fake.calls = 0;
    fake.fail_at = 1;
    ck_assert_problem(follow(), AUTHSVC_E_UNAVAILABLE, NULL);
    fake.fail_at = 0;
    ck_assert_ok(follow());
    ck_assert_int_eq(fake.polled_from, 0);
}
END_TEST

START_TEST(another_history_is_read_from_its_beginning)
{
    const char *old;
    write_elsewhere(0);
    write_elsewhere(0);
    ck_assert_ok(follow());
    /* numbers went back: what lies before them was never seen */
    fake.n_revoked = 0;
    old = write_elsewhere(0);
    ck_assert_ok(follow());
    ck_assert_int_eq(fake.polled_from, 0);
    ck_assert_int_eq(verdict(old, 0), AUTHSVC_SESSION_REVOKED);
    /* another server, whose numbers are as high */
    ck_assert_ok(follow());
    ck_assert_int_eq(fake.polled_from, 2);
    fake.source++;
    ck_assert_ok(follow());
    ck_assert_int_eq(fake.polled_from, 0);
    ck_assert_ok(follow());
    ck_assert_int_eq(fake.polled_from, 2);
}
END_TEST

START_TEST(a_standby_is_never_believed)
{
    const char *id = write_elsewhere(0);
    fake.is_standby = 1;
    ck_assert_problem(follow(), AUTHSVC_E_UNAVAILABLE, NULL);
    ck_assert_int_eq(verdict(authsvc_uuid_v7(fake.ctx.pool, fake.now), 0),
                     AUTHSVC_SESSION_UNKNOWN);
    fake.is_standby = 0;
    ck_assert_ok(follow());
    ck_assert_int_eq(verdict(authsvc_uuid_v7(fake.ctx.pool, fake.now), 0), AUTHSVC_SESSION_ALIVE);
    ck_assert_int_eq(verdict(id, 0), AUTHSVC_SESSION_REVOKED);
}
END_TEST

START_TEST(it_records_the_lifetime_once)
{
    ck_assert_ok(tidy());
    ck_assert_int_eq(fake.lifetime, apr_time_from_sec(900));
    fake.lifetime = 0;
    ck_assert_ok(tidy());
    ck_assert_int_eq(fake.lifetime, 0);
    ck_assert_ok(authsvc_feed_tidy(&fake.ctx, &feed, apr_time_from_sec(1800)));
    ck_assert_int_eq(fake.lifetime, apr_time_from_sec(1800));
    /* after a look that failed another database may answer */
    fake.calls = 0;
    fake.fail_at = 1;
    ck_assert_problem(follow(), AUTHSVC_E_UNAVAILABLE, NULL);
    fake.fail_at = 0;
    ck_assert_ok(tidy());
    ck_assert_int_eq(fake.lifetime, apr_time_from_sec(900));
}
END_TEST

START_TEST(it_purges_now_and_then_and_until_nothing_is_left)
{
    ck_assert_ok(tidy());
    ck_assert_ok(tidy());
    ck_assert_int_eq(fake.purges, 1);
    feed.purged_at = 0;
    fake.purged = 1000;
    ck_assert_ok(tidy());
    ck_assert_ok(tidy());
    fake.purged = 7;
    ck_assert_ok(tidy());
    ck_assert_ok(tidy());
    ck_assert_int_eq(fake.purges, 4);
}
END_TEST

/* A failed record or purge waits for a minute; looks go on where they were. */
START_TEST(failing_to_tidy_is_no_failing_look)
{
    for (int call = 1; call <= 2; call++) {
        memset(&feed, 0, sizeof(feed));
        fake.purges = 0;
        ck_assert_ok(follow());
        fake.calls = 0;
        fake.fail_at = call;
        ck_assert_problem(tidy(), AUTHSVC_E_UNAVAILABLE, NULL);
        fake.fail_at = 0;
        ck_assert_int_eq(fake.calls, call);
        ck_assert_ok(tidy());
        ck_assert_int_eq(fake.calls, call);
        ck_assert_ok(follow());
        ck_assert_int_ne(fake.polled_from, 0);
        feed.tidy_after -= MINUTE;
        ck_assert_ok(tidy());
        ck_assert_int_eq(fake.purges, 1);
        ck_assert_int_eq(feed.lifetime, apr_time_from_sec(900));
    }
}
END_TEST

static _Noreturn void write_for_ever(authsvc_revocations_t *set)
{
    unsigned char id[AUTHSVC_UUID_OCTETS] = {0};
    for (;;) {
        authsvc_revocations_add(set, id, 0, MINUTE);
    }
}

/* A process that stands still in the middle of writing; the set has missed an entry by then. */
static pid_t stop_a_writer(authsvc_revocations_t *set)
{
    pid_t child = fork();
    unsigned char id[AUTHSVC_UUID_OCTETS] = {1};
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        write_for_ever(set);
    }
    for (int i = 0; i < 1000; i++) {
        apr_sleep(1000 + i % 7 * 13);
        kill(child, SIGSTOP);
        ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
        authsvc_revocations_add(set, id, 0, MINUTE);
        if (authsvc_revocations_is_partial(set)) {
            return child;
        }
        kill(child, SIGCONT);
    }
    ck_abort_msg("never stopped while it was writing");
    return child;
}

START_TEST(a_writer_that_stands_still_delays_a_look_once)
{
    apr_interval_time_t took;
    apr_time_t start;
    const char *first, *last = NULL;
    pid_t child;

    ck_assert_ok(follow());
    first = write_elsewhere(0);
    for (int i = 0; i < 20; i++) {
        last = write_elsewhere(0);
    }
    child = stop_a_writer(fake.ctx.revocations);
    memset(&feed, 0, sizeof(feed));
    start = authsvc_clock_monotonic();
    ck_assert_ok(follow());
    took = authsvc_clock_monotonic() - start;
    ck_assert_int_ge(took, apr_time_from_msec(90));
    ck_assert_int_lt(took, apr_time_from_msec(1000));
    ck_assert_int_eq(verdict(first, 0), AUTHSVC_SESSION_UNKNOWN);
    ck_assert_int_eq(verdict(last, 0), AUTHSVC_SESSION_UNKNOWN);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    feed.whole_at -= MINUTE;
    ck_assert_ok(follow());
    ck_assert_int_eq(verdict(first, 0), AUTHSVC_SESSION_REVOKED);
    ck_assert_int_eq(verdict(last, 0), AUTHSVC_SESSION_REVOKED);
    ck_assert_int_eq(verdict(last, 1), AUTHSVC_SESSION_ALIVE);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_feed)
{
    Suite *suite = suite_create("feed");
    TCase *tcase = tcase_create("feed");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, it_begins_with_everything_and_goes_on_with_what_is_new);
    tcase_add_test(tcase, after_a_failure_it_reads_everything);
    tcase_add_test(tcase, another_history_is_read_from_its_beginning);
    tcase_add_test(tcase, a_standby_is_never_believed);
    tcase_add_test(tcase, it_records_the_lifetime_once);
    tcase_add_test(tcase, it_purges_now_and_then_and_until_nothing_is_left);
    tcase_add_test(tcase, failing_to_tidy_is_no_failing_look);
    tcase_add_test(tcase, a_writer_that_stands_still_delays_a_look_once);
    return suite;
}
