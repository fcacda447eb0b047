/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <apr_strings.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authsvc/core/failures.h"

#define HOME "ip 192.0.2.1"
#define THREADS 4
#define TIMES 2000

static const authsvc_failure_limit_t limit = {
    10, apr_time_from_sec(900), apr_time_from_sec(60), apr_time_from_sec(900)};
static const unsigned char ada[AUTHSVC_FAILURES_ACCOUNT] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
static const unsigned char eve[AUTHSVC_FAILURES_ACCOUNT] = {9, 8, 7};

static authsvc_failures_t *new_set(apr_size_t entries)
{
    authsvc_failures_t *set = NULL;
    void *memory = mmap(NULL, authsvc_failures_size(entries), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    ck_assert_int_eq(authsvc_failures_create(memory, entries, &set), APR_SUCCESS);
    return set;
}

static apr_int64_t pending(authsvc_failures_t *set, const char *place)
{
    authsvc_failures_mark_t mark;
    apr_int64_t n;
    ck_assert_int_eq(authsvc_failures_mark(set, ada, place, &mark), 1);
    ck_assert_int_eq(authsvc_failures_since(set, ada, place, &mark, &n), 1);
    return n;
}

static void write_all(authsvc_failures_t *set)
{
    authsvc_failures_written(set, authsvc_failures_due(set, 0, unit_pool, 64));
}

static const apr_array_header_t *only(const authsvc_failures_due_t *one)
{
    apr_array_header_t *due = apr_array_make(unit_pool, 1, sizeof(*one));
    *(authsvc_failures_due_t *)apr_array_push(due) = *one;
    return due;
}

static void add(authsvc_failures_t *set, const char *place, int n, int is_due)
{
    for (int i = 0; i < n; i++) {
        ck_assert_int_eq(authsvc_failures_add(set, ada, place, "u1", &limit, is_due), 1);
    }
}

START_TEST(they_count_until_they_are_written)
{
    authsvc_failures_t *set = new_set(64);
    ck_assert_int_eq(pending(set, HOME), 0);
    add(set, HOME, 5, 0);
    add(set, "ip 192.0.2.2", 4, 0);
    ck_assert_int_eq(pending(set, HOME), 5);
    apr_array_header_t *due = authsvc_failures_due(set, 0, unit_pool, 10);
    ck_assert_int_eq(due->nelts, 2);
    const authsvc_failures_due_t *first = (const authsvc_failures_due_t *)due->elts;
    ck_assert_str_eq(first->place, HOME);
    ck_assert_str_eq(first->user_id, "u1");
    ck_assert_int_eq(first->n, 5);
    ck_assert_int_eq(first->limit.longest, limit.longest);
    /* while they are being written, they count here, and so do those that come meanwhile */
    add(set, HOME, 2, 0);
    ck_assert_int_eq(pending(set, HOME), 7);
    authsvc_failures_written(set, due);
    ck_assert_int_eq(pending(set, HOME), 2);
    ck_assert_int_eq(pending(set, "ip 192.0.2.2"), 0);
    authsvc_failures_written(set, due);
    ck_assert_int_eq(pending(set, HOME), 2);
}
END_TEST

START_TEST(few_are_not_worth_a_row)
{
    authsvc_failures_t *set = new_set(64);
    add(set, HOME, AUTHSVC_FAILURES_WORTH - 1, 0);
    ck_assert_int_eq(authsvc_failures_due(set, 0, unit_pool, 10)->nelts, 0);
    add(set, HOME, 1, 0);
    ck_assert_int_eq(authsvc_failures_due(set, 0, unit_pool, 10)->nelts, 1);
    add(set, "ip 192.0.2.2", 1, 1);
    ck_assert_int_eq(authsvc_failures_due(set, 0, unit_pool, 10)->nelts, 2);
    ck_assert_int_eq(authsvc_failures_due(set, 0, unit_pool, 1)->nelts, 1);
}
END_TEST

START_TEST(success_forgets_one_place)
{
    authsvc_failures_t *set = new_set(64);
    add(set, HOME, 5, 0);
    add(set, "all", 5, 0);
    authsvc_failures_mark_t mark;
    authsvc_failures_mark(set, ada, HOME, &mark);
    ck_assert_int_eq(authsvc_failures_drop(set, ada, HOME, &mark), 0);
    ck_assert_int_eq(pending(set, HOME), 0);
    ck_assert_int_eq(pending(set, "all"), 5);
}
END_TEST

START_TEST(success_reaches_what_a_writer_has_taken)
{
    authsvc_failures_t *set = new_set(64);
    add(set, HOME, 5, 0);
    add(set, "all", 5, 0);
    apr_array_header_t *due = authsvc_failures_due(set, 0, unit_pool, 10);
    const authsvc_failures_due_t *all = (const authsvc_failures_due_t *)due->elts, *home = all + 1;
    ck_assert_str_eq(home->place, HOME);
    ck_assert_int_eq(authsvc_failures_left(set, home), 5);
    authsvc_failures_mark_t mark;
    authsvc_failures_mark(set, ada, HOME, &mark);
    ck_assert_int_eq(authsvc_failures_drop(set, ada, HOME, &mark), 0);
    ck_assert_int_eq(authsvc_failures_left(set, home), 0);
    ck_assert_int_eq(authsvc_failures_left(set, all), 5);
    add(set, HOME, 1, 0);
    ck_assert_int_eq(authsvc_failures_left(set, home), 0);
    authsvc_failures_written(set, due);
    ck_assert_int_eq(pending(set, HOME), 1);
    ck_assert_int_eq(pending(set, "all"), 0);
}
END_TEST

START_TEST(they_end_with_their_window)
{
    authsvc_failures_t *set = new_set(64);
    const authsvc_failure_limit_t brief = {10, 20000, 0, 0};
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(authsvc_failures_add(set, ada, HOME, NULL, &brief, 1), 1);
    }
    ck_assert_int_eq(pending(set, HOME), 3);
    usleep(25000);
    ck_assert_int_eq(pending(set, HOME), 0);
    ck_assert_int_eq(authsvc_failures_due(set, 0, unit_pool, 10)->nelts, 0);
    add(set, HOME, 1, 0);
    ck_assert_int_eq(pending(set, HOME), 1);
}
END_TEST

#define UNKNOWN (-1)

static apr_int64_t since(authsvc_failures_t *set, const authsvc_failures_mark_t *mark)
{
    apr_int64_t n;
    return authsvc_failures_since(set, ada, HOME, mark, &n) ? n : UNKNOWN;
}


/* A query may see what was committed before the writer has said that it is. */
START_TEST(what_the_answer_holds_does_not_count_twice)
{
    authsvc_failures_t *set = new_set(64);
    authsvc_failures_mark_t mark;
    add(set, HOME, 5, 1);
    apr_array_header_t *due = authsvc_failures_due(set, 0, unit_pool, 10);
    const authsvc_failures_due_t *one = (const authsvc_failures_due_t *)due->elts;
    add(set, HOME, 1, 1);
    authsvc_failures_mark(set, ada, HOME, &mark);
    authsvc_failures_in_row(set, one, 7); /* two were in the row before */
    authsvc_failures_settle(set, ada, HOME, 2, &mark);
    ck_assert_int_eq(since(set, &mark), 6); /* the answer is of before the commit */
    authsvc_failures_settle(set, ada, HOME, 7, &mark);
    ck_assert_int_eq(since(set, &mark), 1);
    authsvc_failures_written(set, due);
    ck_assert_int_eq(since(set, &mark), 1);
    /* marked before, and settled after, the writer said so */
    add(set, HOME, 2, 1);
    due = authsvc_failures_due(set, 0, unit_pool, 10);
    one = (const authsvc_failures_due_t *)due->elts;
    authsvc_failures_mark(set, ada, HOME, &mark);
    authsvc_failures_in_row(set, one, 10);
    authsvc_failures_written(set, due);
    ck_assert_int_eq(since(set, &mark), 3);
    authsvc_failures_settle(set, ada, HOME, 10, &mark);
    ck_assert_int_eq(since(set, &mark), 0);
    /* rolled back */
    add(set, HOME, 1, 1);
    due = authsvc_failures_due(set, 0, unit_pool, 10);
    one = (const authsvc_failures_due_t *)due->elts;
    authsvc_failures_mark(set, ada, HOME, &mark);
    authsvc_failures_in_row(set, one, 11);
    authsvc_failures_not_in_row(set, due);
    authsvc_failures_settle(set, ada, HOME, 11, &mark);
    ck_assert_int_eq(since(set, &mark), 1);
}
END_TEST

static authsvc_failures_due_t take_one(authsvc_failures_t *set)
{
    apr_array_header_t *due = authsvc_failures_due(set, 0, unit_pool, 10);
    ck_assert_int_eq(due->nelts, 1);
    return APR_ARRAY_IDX(due, 0, authsvc_failures_due_t);
}

/* In the row, and nobody was told whether it was committed. */
START_TEST(the_next_writer_is_told_what_may_be_there_already)
{
    authsvc_failures_t *set = new_set(64);
    add(set, HOME, 5, 1);
    authsvc_failures_due_t one = take_one(set);
    ck_assert_int_eq(one.unsure, 0);
    authsvc_failures_in_row(set, &one, 7);
    add(set, HOME, 2, 1);
    one = take_one(set);
    ck_assert_int_eq(one.n, 7);
    ck_assert_int_eq(one.unsure, 5);
    ck_assert_int_eq(one.row, 7);
    /* this time it is known that it was not */
    authsvc_failures_in_row(set, &one, 9);
    authsvc_failures_not_in_row(set, only(&one));
    one = take_one(set);
    ck_assert_int_eq(one.n, 7);
    ck_assert_int_eq(one.unsure, 5);
    ck_assert_int_eq(one.row, 7);
    authsvc_failures_in_row(set, &one, 9);
    write_all(set);
    add(set, HOME, 1, 1);
    one = take_one(set);
    ck_assert_int_eq(one.n, 1);
    ck_assert_int_eq(one.unsure, 0);
}
END_TEST

/* Four that are in the row, if the commit was made that nobody answered. */
static authsvc_failures_due_t four_unsure(authsvc_failures_t *set)
{
    add(set, HOME, 4, 1);
    authsvc_failures_due_t one = take_one(set);
    authsvc_failures_in_row(set, &one, 4);
    add(set, HOME, 3, 1);
    one = take_one(set);
    ck_assert_int_eq(one.n, 7);
    ck_assert_int_eq(one.unsure, 4);
    return one;
}

/* What was found there stays found, whatever becomes of what is written with it. */
START_TEST(what_was_found_in_the_row_is_settled)
{
    authsvc_failures_t *set = new_set(64);
    authsvc_failures_due_t one = four_unsure(set);
    authsvc_failures_held(set, &one, 4);
    ck_assert_int_eq(authsvc_failures_left(set, &one), 3);
    authsvc_failures_in_row(set, &one, 7); /* no answer again */
    one = take_one(set);
    ck_assert_int_eq(one.n, 3);
    ck_assert_int_eq(one.unsure, 3);
    ck_assert_int_eq(one.row, 7);
}
END_TEST

/* Nor does it come later: else what others write would be taken for it. */
START_TEST(what_was_not_found_in_the_row_is_settled)
{
    authsvc_failures_t *set = new_set(64);
    authsvc_failures_due_t one = four_unsure(set);
    authsvc_failures_held(set, &one, 3);
    ck_assert_int_eq(authsvc_failures_left(set, &one), 7);
    if (_i) { /* it fails before it has added them, or after */
        authsvc_failures_in_row(set, &one, 10);
    }
    authsvc_failures_not_in_row(set, only(&one));
    one = take_one(set);
    ck_assert_int_eq(one.n, 7);
    ck_assert_int_eq(one.unsure, 0);
}
END_TEST

/* What is held says so also of an entry that is not there any more. */
START_TEST(what_was_found_in_the_row_is_not_written_for_an_entry_that_is_gone)
{
    for (int found = 0; found < 2; found++) {
        authsvc_failures_t *set = new_set(8);
        authsvc_failures_due_t one = four_unsure(set);
        for (int i = 0; i < 8; i++) {
            add(set, apr_psprintf(unit_pool, "ip 198.51.100.%d", i), 9, 1);
        }
        ck_assert_int_eq(pending(set, HOME), 0);
        authsvc_failures_held(set, &one, found ? 4 : 3);
        ck_assert_int_eq(authsvc_failures_left(set, &one), found ? 3 : 7);
    }
}
END_TEST

/* @param when the right password comes: 0 before they are in the row, 1 after it */
static authsvc_failures_due_t drop_on_the_way(authsvc_failures_t *set, int when)
{
    authsvc_failures_mark_t mark;
    add(set, HOME, 9, 1);
    authsvc_failures_mark(set, ada, HOME, &mark);
    authsvc_failures_due_t one = take_one(set);
    for (int i = 0; i < 2; i++) {
        if (i == when) {
            ck_assert_int_eq(authsvc_failures_drop(set, ada, HOME, &mark), when);
        } else {
            ck_assert_int_eq(authsvc_failures_in_row(set, &one, 9), 1);
        }
    }
    return one;
}

START_TEST(what_was_dropped_on_its_way_to_the_row_is_cleared)
{
    for (int is_answered = 0; is_answered < 2; is_answered++) {
        authsvc_failures_t *set = new_set(64);
        authsvc_failures_due_t one = drop_on_the_way(set, _i);
        if (is_answered) {
            authsvc_failures_written(set, only(&one));
        }
        add(set, HOME, 4, 1); /* they wait for it */
        for (int i = 0; i < 2; i++) { /* the first time it fails */
            one = take_one(set);
            ck_assert_int_eq(one.clears, 1);
            ck_assert_int_eq(one.row, 9);
            ck_assert_int_eq(one.n, 0);
            ck_assert_int_eq(authsvc_failures_left(set, &one), 0);
            authsvc_failures_not_in_row(set, only(&one));
        }
        authsvc_failures_written(set, only(&one));
        ck_assert_int_eq(pending(set, HOME), 4);
        one = take_one(set);
        ck_assert_int_eq(one.clears, 0);
        ck_assert_int_eq(one.n, 4);
        ck_assert_int_eq(one.unsure, 0);
    }
}
END_TEST

START_TEST(what_was_written_before_a_success_is_not_cleared_by_a_writer)
{
    authsvc_failures_t *set = new_set(64);
    authsvc_failures_mark_t mark;
    add(set, HOME, 9, 1);
    authsvc_failures_due_t one = take_one(set);
    authsvc_failures_in_row(set, &one, 9);
    authsvc_failures_written(set, only(&one));
    authsvc_failures_mark(set, ada, HOME, &mark);
    ck_assert_int_eq(authsvc_failures_drop(set, ada, HOME, &mark), 0);
    ck_assert_int_eq(authsvc_failures_due(set, 0, unit_pool, 10)->nelts, 0);
}
END_TEST

/* A writer that comes late says nothing of what was dropped after its turn. */
START_TEST(what_is_to_be_cleared_again_stays_so)
{
    authsvc_failures_t *set = new_set(64);
    authsvc_failures_mark_t mark;
    authsvc_failures_due_t one = drop_on_the_way(set, 1);
    const apr_array_header_t *late = authsvc_failures_due(set, 0, unit_pool, 10);
    authsvc_failures_written(set, authsvc_failures_due(set, 0, unit_pool, 10));
    add(set, HOME, 4, 1);
    one = take_one(set);
    ck_assert_int_eq(one.clears, 0);
    ck_assert_int_eq(authsvc_failures_in_row(set, &one, 4), 1);
    authsvc_failures_mark(set, ada, HOME, &mark);
    authsvc_failures_drop(set, ada, HOME, &mark);
    authsvc_failures_written(set, late);
    one = take_one(set);
    ck_assert_int_eq(one.clears, 1);
    ck_assert_int_eq(one.row, 4);
}
END_TEST

/* One that was stopped, and goes on when another one has its turn. */
START_TEST(a_writer_whose_time_is_over_changes_nothing)
{
    authsvc_failures_t *set = new_set(8);
    add(set, HOME, 5, 1);
    apr_uint64_t first = authsvc_failures_turn(set, 0);
    ck_assert_int_gt(first, 0);
    apr_array_header_t *late = authsvc_failures_due(set, first, unit_pool, 10);
    const authsvc_failures_due_t *one = (const authsvc_failures_due_t *)late->elts;
    apr_sleep(apr_time_from_sec(1) + 50000);
    apr_uint64_t second = authsvc_failures_turn(set, 0);
    ck_assert_int_gt(second, first);
    ck_assert_int_eq(authsvc_failures_due(set, first, unit_pool, 10)->nelts, 0);
    ck_assert_int_eq(authsvc_failures_in_row(set, one, 5), 0);
    apr_array_header_t *due = authsvc_failures_due(set, second, unit_pool, 10);
    ck_assert_int_eq(authsvc_failures_in_row(set, (const authsvc_failures_due_t *)due->elts, 7), 1);
    authsvc_failures_not_in_row(set, late);
    due = authsvc_failures_due(set, second, unit_pool, 10);
    ck_assert_int_eq(APR_ARRAY_IDX(due, 0, authsvc_failures_due_t).row, 7);
    ck_assert_int_eq(APR_ARRAY_IDX(due, 0, authsvc_failures_due_t).unsure, 5);
    authsvc_failures_written(set, due);
    for (int i = 0; i < 8; i++) { /* nor when its entry has made room */
        add(set, apr_psprintf(unit_pool, "ip 198.51.100.%d", i), 1, 0);
    }
    ck_assert_int_eq(authsvc_failures_in_row(set, one, 10), 0);
    const authsvc_failures_due_t never = {.n = 1, .counted = 1};
    ck_assert_int_eq(authsvc_failures_in_row(set, &never, 10), 1); /* the control */
}
END_TEST

/* A slow writer, and one that came after it. */
START_TEST(two_writers_write_none_twice)
{
    authsvc_failures_t *set = new_set(64);
    add(set, HOME, 5, 1);
    authsvc_failures_due_t first = take_one(set);
    add(set, HOME, 1, 1);
    authsvc_failures_due_t second = take_one(set);
    authsvc_failures_in_row(set, &first, 5);
    authsvc_failures_written(set, only(&first));
    ck_assert_int_eq(authsvc_failures_left(set, &second), 1);
    /* nor does the one take back what the other has noted */
    authsvc_failures_in_row(set, &second, 6);
    authsvc_failures_not_in_row(set, only(&first));
    add(set, HOME, 1, 1);
    second = take_one(set);
    ck_assert_int_eq(second.unsure, 1);
    ck_assert_int_eq(second.row, 6);
    authsvc_failures_written(set, only(&second));
    authsvc_failures_written(set, only(&first));
    ck_assert_int_eq(pending(set, HOME), 0);
}
END_TEST

/* What was taken from an entry says nothing of the one that took its place. */
START_TEST(another_entry_of_the_same_place_is_another_one)
{
    authsvc_failures_t *set = new_set(8);
    add(set, HOME, 3, 1);
    apr_array_header_t *due = authsvc_failures_due(set, 0, unit_pool, 10);
    for (int i = 0; i < 8; i++) {
        add(set, apr_psprintf(unit_pool, "ip 198.51.100.%d", i), 9, 1);
    }
    ck_assert_int_eq(pending(set, HOME), 0);
    add(set, HOME, 5, 1);
    authsvc_failures_written(set, due);
    ck_assert_int_eq(pending(set, HOME), 5);
}
END_TEST

START_TEST(what_is_written_after_a_mark_counts_beyond_it)
{
    authsvc_failures_t *set = new_set(64);
    authsvc_failures_mark_t before, between;
    authsvc_failures_mark(set, ada, HOME, &before);
    ck_assert_int_eq(since(set, &before), 0);
    add(set, HOME, 4, 1);
    authsvc_failures_mark(set, ada, HOME, &between);
    write_all(set);
    ck_assert_int_eq(pending(set, HOME), 0);
    add(set, HOME, 3, 1);
    write_all(set);
    ck_assert_int_eq(pending(set, HOME), 0);
    ck_assert_int_eq(since(set, &before), 7);
    ck_assert_int_eq(since(set, &between), 7);
    authsvc_failures_mark(set, ada, HOME, &between);
    ck_assert_int_eq(since(set, &between), 0);
}
END_TEST

START_TEST(a_mark_leaves_out_what_is_over)
{
    authsvc_failures_t *set = new_set(64);
    const authsvc_failure_limit_t brief = {10, 20000, 0, 0};
    authsvc_failures_mark_t mark;
    ck_assert_int_eq(authsvc_failures_add(set, ada, HOME, NULL, &brief, 0), 1);
    usleep(25000);
    authsvc_failures_mark(set, ada, HOME, &mark);
    add(set, HOME, 2, 0);
    ck_assert_int_eq(since(set, &mark), 2);
}
END_TEST

START_TEST(who_made_room_may_have_had_any_number)
{
    authsvc_failures_t *set = new_set(8);
    authsvc_failures_mark_t none, mark;
    apr_int64_t n;
    authsvc_failures_mark(set, ada, HOME, &none);
    add(set, HOME, 1, 0);
    authsvc_failures_mark(set, ada, HOME, &mark);
    ck_assert_int_eq(since(set, &mark), 1);
    for (int i = 0; i < 8; i++) {
        add(set, apr_psprintf(unit_pool, "ip 198.51.100.%d", i), 2, 0);
    }
    ck_assert_int_eq(since(set, &mark), UNKNOWN);
    ck_assert_int_eq(since(set, &none), UNKNOWN); /* it had come after that, and is gone */
    add(set, HOME, 1, 0);
    ck_assert_int_eq(since(set, &mark), UNKNOWN);
    ck_assert_int_eq(since(set, &none), UNKNOWN);
    authsvc_failures_mark(set, ada, HOME, &mark);
    ck_assert_int_eq(since(set, &mark), 1);
    authsvc_failures_mark(set, eve, HOME, &none);
    add(set, "ip 198.51.100.99", 3, 0); /* what makes room now had come before */
    ck_assert_int_eq(authsvc_failures_since(set, eve, HOME, &none, &n), 1);
    ck_assert_int_eq(n, 0);
}
END_TEST

START_TEST(the_fewest_make_room)
{
    authsvc_failures_t *set = new_set(8);
    add(set, HOME, 6, 0);
    for (int i = 0; i < 1000; i++) {
        add(set, apr_psprintf(unit_pool, "ip 198.51.100.%d", i), 1, 0);
        ck_assert_int_eq(pending(set, apr_psprintf(unit_pool, "ip 198.51.100.%d", i)), 1);
    }
    ck_assert_int_eq(pending(set, HOME), 6);
    ck_assert_int_eq(pending(set, "ip 198.51.100.1"), 0);
}
END_TEST

/* A process that stands still while it holds the lock. */
START_TEST(what_is_not_to_be_had_is_not_called_none)
{
    authsvc_failures_t *set = new_set(8);
    authsvc_failures_mark_t mark;
    add(set, HOME, 1, 0);
    ck_assert_int_eq(authsvc_failures_mark(set, ada, HOME, &mark), 1);
    ck_assert_int_eq(since(set, &mark), 1);
    ck_assert_int_eq(pthread_mutex_lock((pthread_mutex_t *)(void *)set), 0);
    ck_assert_int_eq(authsvc_failures_mark(set, ada, HOME, &mark), 0);
    ck_assert_int_eq(since(set, &mark), UNKNOWN);
    pthread_mutex_unlock((pthread_mutex_t *)(void *)set);
    ck_assert_int_eq(since(set, &mark), 1);
}
END_TEST

START_TEST(a_place_that_is_too_long_is_refused)
{
    char place[AUTHSVC_FAILURES_PLACE + 1];
    authsvc_failures_t *set = new_set(8);
    memset(place, 'x', sizeof(place));
    place[AUTHSVC_FAILURES_PLACE] = '\0';
    ck_assert_int_eq(authsvc_failures_add(set, ada, place, NULL, &limit, 1), 0);
    place[AUTHSVC_FAILURES_PLACE - 1] = '\0';
    ck_assert_int_eq(authsvc_failures_add(set, ada, place, NULL, &limit, 1), 1);
    ck_assert_int_eq(pending(set, place), 1);
}
END_TEST

START_TEST(without_a_set_nothing_is_counted)
{
    authsvc_failures_t *set = NULL;
    ck_assert_int_eq(authsvc_failures_create(NULL, 7, &set), APR_EINVAL);
    ck_assert_int_eq(pending(NULL, HOME), 0);
    ck_assert_int_eq(authsvc_failures_add(NULL, ada, HOME, NULL, &limit, 1), 0);
    ck_assert_int_eq(authsvc_failures_turn(NULL, 0), 0);
    ck_assert_int_eq(authsvc_failures_is_late(NULL), 0);
    ck_assert_int_eq(authsvc_failures_due(NULL, 0, unit_pool, 4)->nelts, 0);
    ck_assert_int_eq(authsvc_failures_drop(NULL, ada, HOME, &(authsvc_failures_mark_t){0}), 0);
    const authsvc_failures_due_t due = {.n = 3};
    ck_assert_int_eq(authsvc_failures_left(NULL, &due), 3);
    ck_assert_int_eq(authsvc_failures_in_row(NULL, &due, 3), 1);
    authsvc_failures_written(NULL, only(&due));
    authsvc_failures_not_in_row(NULL, only(&due));
}
END_TEST

START_TEST(one_writes_at_most_once_a_second)
{
    authsvc_failures_t *set = new_set(8);
    ck_assert_int_eq(authsvc_failures_is_late(set), 0);
    ck_assert_int_gt(authsvc_failures_turn(set, 0), 0);
    ck_assert_int_eq(authsvc_failures_turn(set, 0), 0);
    usleep(1050 * 1000);
    ck_assert_int_gt(authsvc_failures_turn(set, 0), 0);
    ck_assert_int_eq(authsvc_failures_is_late(set), 0);
    usleep(3050 * 1000);
    ck_assert_int_eq(authsvc_failures_is_late(set), 1);
    ck_assert_int_gt(authsvc_failures_turn(set, apr_time_from_sec(2)), 0);
    ck_assert_int_eq(authsvc_failures_is_late(set), 0);
    usleep(1050 * 1000);
    ck_assert_int_eq(authsvc_failures_turn(set, 0), 0); /* the other one's time is not over */
    usleep(1000 * 1000);
    ck_assert_int_gt(authsvc_failures_turn(set, 0), 0);
}
END_TEST

static void *count_up(void *data)
{
    authsvc_failures_t *set = data;
    for (int i = 0; i < TIMES; i++) {
        if (!authsvc_failures_add(set, ada, HOME, NULL, &limit, 0)) {
            return set;
        }
    }
    return NULL;
}

/* The writer takes them away all the time, and none is lost or counted twice. */
START_TEST(none_is_lost_between_threads_and_processes)
{
    authsvc_failures_t *set = new_set(64);
    pthread_t threads[THREADS];
    apr_int64_t written = 0;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        _exit(count_up(set) ? 1 : 0);
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_up, set), 0);
    }
    for (int i = 0, left = 1; left; i++) {
        apr_array_header_t *due = authsvc_failures_due(set, 0, unit_pool, 4);
        for (int k = 0; k < due->nelts; k++) {
            written += APR_ARRAY_IDX(due, k, authsvc_failures_due_t).n;
        }
        authsvc_failures_written(set, due);
        left = i < 200 || written + pending(set, HOME) < (THREADS + 1) * TIMES;
        ck_assert_int_lt(i, 1000000);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
    int status = 1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(written + pending(set, HOME), (THREADS + 1) * TIMES);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_failures)
{
    Suite *suite = suite_create("failures");
    TCase *tcase = unit_tcase(suite, "failures");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, they_count_until_they_are_written);
    tcase_add_test(tcase, few_are_not_worth_a_row);
    tcase_add_test(tcase, success_forgets_one_place);
    tcase_add_test(tcase, success_reaches_what_a_writer_has_taken);
    tcase_add_test(tcase, the_next_writer_is_told_what_may_be_there_already);
    tcase_add_test(tcase, what_was_found_in_the_row_is_settled);
    tcase_add_loop_test(tcase, what_was_not_found_in_the_row_is_settled, 0, 2);
    tcase_add_test(tcase, what_was_found_in_the_row_is_not_written_for_an_entry_that_is_gone);
    tcase_add_loop_test(tcase, what_was_dropped_on_its_way_to_the_row_is_cleared, 0, 2);
    tcase_add_test(tcase, what_was_written_before_a_success_is_not_cleared_by_a_writer);
    tcase_add_test(tcase, what_is_to_be_cleared_again_stays_so);
    tcase_add_test(tcase, a_writer_whose_time_is_over_changes_nothing);
    tcase_add_test(tcase, two_writers_write_none_twice);
    tcase_add_test(tcase, they_end_with_their_window);
    tcase_add_test(tcase, what_the_answer_holds_does_not_count_twice);
    tcase_add_test(tcase, another_entry_of_the_same_place_is_another_one);
    tcase_add_test(tcase, what_is_written_after_a_mark_counts_beyond_it);
    tcase_add_test(tcase, a_mark_leaves_out_what_is_over);
    tcase_add_test(tcase, who_made_room_may_have_had_any_number);
    tcase_add_test(tcase, the_fewest_make_room);
    tcase_add_test(tcase, what_is_not_to_be_had_is_not_called_none);
    tcase_add_test(tcase, a_place_that_is_too_long_is_refused);
    tcase_add_test(tcase, without_a_set_nothing_is_counted);
    tcase_add_test(tcase, one_writes_at_most_once_a_second);
    tcase_add_test(tcase, none_is_lost_between_threads_and_processes);
    return suite;
}
