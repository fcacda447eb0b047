/* SPDX-License-Identifier: Apache-2.0 */
#include "guesses.h"

#include <apr_strings.h>

START_TEST(memory_is_written_once_for_many)
{
    fake_add_user("ada@example.org");
    guess_in_memory();
    guess_wrong("ada@example.org", 8);
    ck_assert_int_eq(fake.records, 0);
    ck_assert_ok(authsvc_lockout_write(&fake.ctx));
    ck_assert_int_eq(fake.records, 2); /* the network, and the sum */
    ck_assert_int_eq(fake.transactions, 2); /* a short one first */
    ck_assert_int_eq(fake.failures[0].failures, 8);
    guess_wrong("ada@example.org", 2);
    guess_refused("ada@example.org", FAKE_PASSWORD);
    ck_assert_ok(authsvc_lockout_write(&fake.ctx));
    ck_assert_int_eq(fake.records, 2); /* a second has not passed */
    ck_assert_int_eq(guess_events("event=login-paused "), 0);
}
END_TEST

/* Without a thread that writes, whoever fails does. */
START_TEST(who_fails_writes_if_nobody_else_does)
{
    fake_add_user("ada@example.org");
    guess_in_memory();
    guess_wrong("ada@example.org", 5);
    ck_assert_int_eq(fake.records, 0);
    apr_sleep(apr_time_from_sec(3));
    guess_wrong("ada@example.org", 1);
    ck_assert_int_eq(fake.records, 2);
    ck_assert_int_eq(fake.failures[0].failures, 6);
    apr_sleep(apr_time_from_sec(3) + 50000);
    fake.fail_at = fake.calls + 2; /* after the look-up */
    guess_wrong("ada@example.org", 1);
    ck_assert_ptr_nonnull(strstr(fake.log.all, "AS0282"));
    ck_assert_int_eq(fake.failures[0].failures, 6);
}
END_TEST

START_TEST(what_could_not_be_written_stays)
{
    fake_add_user("ada@example.org");
    guess_in_memory();
    guess_wrong("ada@example.org", 10);
    fake.fail_at = fake.calls + 1;
    ck_assert_problem(authsvc_lockout_write(&fake.ctx), AUTHSVC_E_UNAVAILABLE, NULL);
    ck_assert_int_eq(fake.n_failures, 0);
    guess_refused("ada@example.org", FAKE_PASSWORD);
}
END_TEST

#define DUE 90

static void count_many(void)
{
    static const unsigned char account[AUTHSVC_ACCOUNT_OCTETS] = {1};
    const authsvc_failure_limit_t limit = {10, apr_time_from_sec(900), MINUTE, MINUTE};
    guess_in_memory_of(4096);
    for (int i = 0; i < DUE; i++) {
        ck_assert(authsvc_failures_add(fake.ctx.failures, account,
                                       apr_psprintf(fake.ctx.pool, "ip 203.0.113.%d", i), NULL,
                                       &limit, 1));
    }
}

static void write_next_turn(void)
{
    apr_sleep(apr_time_from_sec(1) + 50000);
    fake.ctx.db_budget = 500000;
    ck_assert_ok(authsvc_lockout_write(&fake.ctx));
}

/* Of what is due only a part can be written in the time that there is; if it must be, one. */
START_TEST(a_very_slow_database_gets_one)
{
    count_many();
    fake.record_time = 400000;
    write_next_turn();
    ck_assert_int_eq(fake.n_failures, 1);
    write_next_turn();
    ck_assert_int_eq(fake.n_failures, 2);
    ck_assert_int_eq(fake.records, 2);
}
END_TEST

START_TEST(a_slow_database_gets_as_many_as_it_takes)
{
    count_many();
    fake.record_time = 8000;
    write_next_turn();
    ck_assert_int_eq(fake.n_failures, 61); /* 1 2 4 8, then half of what is left: 16 15 8 4 2 1 */
    write_next_turn();
    ck_assert_int_eq(fake.n_failures, DUE);
    ck_assert_int_eq(fake.records, DUE);
    for (int i = 0; i < DUE; i++) {
        ck_assert_int_eq(fake.failures[i].failures, 1);
    }
}
END_TEST

START_TEST(what_was_written_stays_when_the_rest_fails)
{
    count_many();
    fake.ctx.db_budget = 500000;
    fake.fail_at = fake.calls + 25;
    ck_assert_problem(authsvc_lockout_write(&fake.ctx), AUTHSVC_E_UNAVAILABLE, NULL);
    ck_assert_int_eq(fake.n_failures, 15);
    fake.fail_at = 0;
    write_next_turn();
    ck_assert_int_eq(fake.n_failures, DUE);
    for (int i = 0; i < DUE; i++) {
        ck_assert_int_eq(fake.failures[i].failures, 1);
    }
}
END_TEST

static void write_unanswered(void)
{
    apr_sleep(apr_time_from_sec(1) + 50000);
    fake.unanswered = 1;
    ck_assert_problem(authsvc_lockout_write(&fake.ctx), AUTHSVC_E_UNAVAILABLE, NULL);
    ck_assert_int_eq(fake.unanswered, 0);
}

/*
 * Few typos must not become a pause because commits are answered too late, whichever of them were
 * done.
 */
START_TEST(a_commit_without_an_answer_counts_once)
{
    fake_add_user("ada@example.org");
    fake.settings.account_failures = 0; /* one row */
    guess_in_memory();
    guess_wrong("ada@example.org", 3);
    for (int i = 0; i < 3; i++) {
        fake.commits = _i >> i & 1;
        write_unanswered();
        guess_wrong("ada@example.org", 1);
    }
    write_next_turn();
    ck_assert_int_eq(fake.n_failures, 1);
    ck_assert_int_eq(fake.failures[0].failures, 6);
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
    guess_wrong("ada@example.org", 10);
    guess_refused("ada@example.org", FAKE_PASSWORD);
}
END_TEST

/* Of a row that is over nothing counts, however many it once had. */
START_TEST(what_an_old_row_holds_is_not_taken_for_new)
{
    fake_add_user("ada@example.org");
    fake.settings.account_failures = 0;
    guess_in_memory();
    guess_wrong("ada@example.org", 9);
    write_next_turn();
    fake.now += fake.settings.login_failures_window;
    guess_wrong("ada@example.org", 5);
    write_unanswered(); /* and rolled back */
    ck_assert_int_eq(fake.failures[0].failures, 9);
    write_next_turn();
    ck_assert_int_eq(fake.failures[0].failures, 5);
}
END_TEST

static void it_is_written(void)
{
    fake.after_find = NULL;
    write_next_turn();
}

/* The look-up was before it. */
START_TEST(a_success_clears_what_was_written_meanwhile)
{
    fake_add_user("ada@example.org");
    fake.settings.account_failures = 0;
    guess_in_memory();
    guess_wrong("ada@example.org", 9);
    fake.after_find = it_is_written;
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(fake.records, 1);
    ck_assert_int_eq(fake.failures[0].failures, 0);
}
END_TEST

static void sign_in_meanwhile(void)
{
    authsvc_ctx_t other = fake.ctx;
    authsvc_grant_t grant = {0};
    other.txn = NULL;
    fake.before_record = NULL;
    ck_assert_ok(authsvc_login(&other, "ada@example.org", FAKE_PASSWORD, strlen(FAKE_PASSWORD),
                               &grant));
}

/* Five failures are in one row, and the right password came before it was there. */
static void sign_in_while(void (*write)(void))
{
    fake_add_user("ada@example.org");
    fake.settings.account_failures = 0;
    guess_in_memory();
    guess_wrong("ada@example.org", 5);
    fake.before_record = sign_in_meanwhile;
    fake.commits = 1;
    write();
    ck_assert_ptr_null(fake.before_record);
}

/* It cannot see the row that a writer is about to make. */
START_TEST(a_success_clears_what_is_on_its_way)
{
    sign_in_while(write_next_turn);
    ck_assert_int_eq(fake.records, 1);
    ck_assert_int_eq(fake.failures[0].failures, 0);
    guess_wrong("ada@example.org", 9);
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
}
END_TEST

/* Nor whether it was made; nor is it forgotten if the clearing fails. */
START_TEST(a_success_clears_what_may_have_come)
{
    sign_in_while(write_unanswered);
    ck_assert_int_eq(fake.failures[0].failures, 5);
    guess_wrong("ada@example.org", 4);
    for (int i = 1; i <= 2; i++) { /* the look at the row, the clearing */
        apr_sleep(apr_time_from_sec(1) + 50000);
        fake.fail_at = fake.calls + i;
        ck_assert_problem(authsvc_lockout_write(&fake.ctx), AUTHSVC_E_UNAVAILABLE, NULL);
        ck_assert_int_eq(fake.failures[0].failures, 5);
    }
    fake.fail_at = 0;
    write_next_turn();
    ck_assert_int_eq(fake.failures[0].failures, 4);
    guess_wrong("ada@example.org", 5);
    ck_assert_ok(guess("ada@example.org", FAKE_PASSWORD));
}
END_TEST

/* What another node has added since was after the success. */
START_TEST(a_success_does_not_clear_what_others_wrote_after_it)
{
    sign_in_while(write_unanswered);
    fake.failures[0].failures++;
    write_next_turn();
    write_next_turn();
    ck_assert_int_eq(fake.failures[0].failures, 6);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_lockout_writer)
{
    Suite *suite = suite_create("lockout writer");
    TCase *tcase = fake_tcase(suite, "lockout writer");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, memory_is_written_once_for_many);
    tcase_add_test(tcase, who_fails_writes_if_nobody_else_does);
    tcase_add_test(tcase, what_could_not_be_written_stays);
    tcase_add_test(tcase, a_very_slow_database_gets_one);
    tcase_add_test(tcase, a_slow_database_gets_as_many_as_it_takes);
    tcase_add_loop_test(tcase, a_commit_without_an_answer_counts_once, 0, 8);
    tcase_add_test(tcase, what_an_old_row_holds_is_not_taken_for_new);
    tcase_add_test(tcase, a_success_clears_what_was_written_meanwhile);
    tcase_add_test(tcase, a_success_clears_what_is_on_its_way);
    tcase_add_test(tcase, a_success_clears_what_may_have_come);
    tcase_add_test(tcase, a_success_does_not_clear_what_others_wrote_after_it);
    tcase_add_test(tcase, what_was_written_stays_when_the_rest_fails);
    return suite;
}
