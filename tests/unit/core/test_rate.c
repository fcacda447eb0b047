/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <inttypes.h>

#include "authsvc/core/rate.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define SECOND APR_USEC_PER_SEC
#define START APR_INT64_C(1000000000)
#define WAYS 8

/* In pool, aligned as it must be. */
static authsvc_rate_table_t *make_table(apr_size_t entries)
{
    apr_uintptr_t memory =
        (apr_uintptr_t)apr_pcalloc(unit_pool, authsvc_rate_table_size(entries) + 64);
    authsvc_rate_table_t *table = NULL;

    ck_assert_int_eq(
        authsvc_rate_table_create((void *)((memory + 63) / 64 * 64), entries, &table), 0);
    return table;
}

static authsvc_try_t try_of(apr_uint64_t key, apr_int64_t count, apr_int64_t seconds)
{
    authsvc_try_t made = {.key = key, .rate = {count, seconds * SECOND}, .left = -7, .next = -7};

    return made;
}

/* ---- "60/1m" */

static const struct {
    const char *text;
    apr_int64_t count;
    apr_int64_t seconds; /* 0: it is none */
} rates[] = {
    {"60/1m", 60, 60},
    {"1/1s", 1, 1},
    {"1/1", 1, 1},
    {"30/1h", 30, 3600},
    {"5/24h", 5, 86400},
    {"5/1d", 5, 86400},
    {"1000/1s", 1000, 1},
    {"60000/60s", 60000, 60},
    {"1/2000ms", 1, 2},
    {"0060/1m", 60, 60},
    {"", 0, 0},
    {"/", 0, 0},
    {"60", 0, 0},
    {"60/", 0, 0},
    {"/1m", 0, 0},
    {"0/1m", 0, 0},
    {"-1/1m", 0, 0},
    {"+1/1m", 0, 0},
    {"60/0", 0, 0},
    {"60/1500ms", 0, 0},
    {"1/500ms", 0, 0},
    {"60/min", 0, 0},
    {"60/1m/1m", 0, 0},
    {"60 /1m", 0, 0},
    {"60/ 1m", 0, 0},
    {"60/25h", 0, 0},
    {"60/86401", 0, 0},
    {"1001/1s", 0, 0},
    {"60001/1m", 0, 0},
    {"00000000000000000060/1m", 0, 0},
    {"18446744073709551617/1m", 0, 0},
    {"60/18446744073709551617", 0, 0},
};

START_TEST(rates_are_read)
{
    authsvc_rate_t rate = {-7, -7};
    int is_rate = authsvc_rate_parse(rates[_i].text, &rate);

    ck_assert_msg(is_rate == (rates[_i].seconds > 0), "%s", rates[_i].text);
    ck_assert_int_eq(rate.count, is_rate ? rates[_i].count : -7);
    ck_assert_int_eq(rate.window, is_rate ? rates[_i].seconds * SECOND : -7);
}
END_TEST

/* ---- one key */

START_TEST(size_has_bounds)
{
    authsvc_rate_table_t *table = NULL;
    char memory[1];

    ck_assert_int_eq(authsvc_rate_table_create(memory, AUTHSVC_RATE_TABLE_MIN - 1, &table),
                     APR_EINVAL);
    ck_assert_int_eq(authsvc_rate_table_create(memory, AUTHSVC_RATE_TABLE_MAX + 1, &table),
                     APR_EINVAL);
    ck_assert_ptr_null(table);
    ck_assert_uint_ge(authsvc_rate_table_size(1024), 8192);
    ck_assert_uint_lt(authsvc_rate_table_size(1024), 8192 + 256);
}
END_TEST

START_TEST(so_many_at_once_and_then_evenly)
{
    authsvc_rate_table_t *table = make_table(64);
    authsvc_try_t try = try_of(1, 5, 60);

    for (int i = 4; i >= 0; i--) {
        ck_assert(authsvc_rate_table_take(table, &try, START));
        ck_assert_int_eq(try.left, i);
        ck_assert_int_eq(try.next, 12 * SECOND);
    }
    ck_assert(!authsvc_rate_table_take(table, &try, START));
    ck_assert_int_eq(try.left, 0);
    ck_assert_int_eq(try.next, 12 * SECOND);
    ck_assert(!authsvc_rate_table_take(table, &try, START + 12 * SECOND - 1));
    ck_assert_int_eq(try.next, 1);
    ck_assert(authsvc_rate_table_take(table, &try, START + 12 * SECOND));
    ck_assert(!authsvc_rate_table_take(table, &try, START + 12 * SECOND));
    /* A refusal costs nothing. */
    ck_assert(authsvc_rate_table_take(table, &try, START + 24 * SECOND));
    ck_assert_int_eq(try.left, 0);
    /* After a window without any, it is as at first. */
    ck_assert(authsvc_rate_table_take(table, &try, START + 84 * SECOND));
    ck_assert_int_eq(try.left, 4);
}
END_TEST

START_TEST(keys_are_apart)
{
    authsvc_rate_table_t *table = make_table(64);
    authsvc_try_t one = try_of(1, 1, 60), two = try_of(2, 1, 60);

    ck_assert(authsvc_rate_table_take(table, &one, START));
    ck_assert(authsvc_rate_table_take(table, &two, START));
    ck_assert(!authsvc_rate_table_take(table, &one, START));
    ck_assert(!authsvc_rate_table_take(table, &two, START));
}
END_TEST

/* What was never written is nobody's, whatever the time and the key. */
START_TEST(an_empty_table_admits)
{
    static const apr_time_t times[] = {0, 1, START, (APR_INT64_C(1) << 44) - 1,
                                       (APR_INT64_C(1) << 44) - SECOND, APR_INT64_C(1) << 44,
                                       (APR_INT64_C(1) << 62) + 5};
    static const apr_uint64_t keys[] = {0, 1, APR_UINT64_C(0xfffff), APR_UINT64_C(0x100000),
                                        APR_UINT64_MAX};

    for (int i = 0; i < COUNT(times); i++) {
        for (int j = 0; j < COUNT(keys); j++) {
            authsvc_rate_table_t *table = make_table(64);
            authsvc_try_t try = try_of(keys[j], 1, 86400);

            ck_assert_msg(authsvc_rate_table_take(table, &try, times[i]), "%d %d", i, j);
            ck_assert_msg(!authsvc_rate_table_take(table, &try, times[i]), "%d %d", i, j);
        }
    }
}
END_TEST

START_TEST(nobody_waits_for_a_clock_that_was_set_back)
{
    authsvc_rate_table_t *table = make_table(64);
    authsvc_try_t try = try_of(1, 2, 60);

    ck_assert(authsvc_rate_table_take(table, &try, START));
    ck_assert(authsvc_rate_table_take(table, &try, START));
    ck_assert(!authsvc_rate_table_take(table, &try, START - 3600 * SECOND));
    ck_assert_int_eq(try.next, 30 * SECOND);
    ck_assert(!authsvc_rate_table_take(table, &try, START - 3571 * SECOND));
    ck_assert(authsvc_rate_table_take(table, &try, START - 3570 * SECOND));
}
END_TEST

/* Whoever looked at the clock, and then had to wait for the processor, comes with an old time. */
START_TEST(an_old_look_at_the_clock_changes_nothing)
{
    static const apr_int64_t windows[] = {1, 60, 86400};

    for (int i = 0; i < COUNT(windows); i++) {
        authsvc_rate_table_t *table = make_table(64);
        authsvc_try_t try = try_of(1, 2, windows[i]);

        ck_assert(authsvc_rate_table_take(table, &try, START));
        ck_assert(authsvc_rate_table_take(table, &try, START));
        ck_assert(!authsvc_rate_table_take(table, &try, START - SECOND / 2));
        ck_assert_int_eq(try.next, windows[i] * SECOND / 2 + SECOND / 2);
        ck_assert(!authsvc_rate_table_take(table, &try, START + windows[i] * SECOND / 2 - 1));
        ck_assert(authsvc_rate_table_take(table, &try, START + windows[i] * SECOND / 2));
    }
}
END_TEST

START_TEST(a_lower_rate_holds_at_once)
{
    authsvc_rate_table_t *table = make_table(64);
    authsvc_try_t many = try_of(1, 60, 60), few = try_of(1, 2, 60), one = try_of(1, 1, 60);

    for (int i = 0; i < 30; i++) {
        ck_assert(authsvc_rate_table_take(table, &many, START));
    }
    ck_assert(authsvc_rate_table_take(table, &few, START));
    ck_assert(!authsvc_rate_table_take(table, &few, START));
    ck_assert(!authsvc_rate_table_take(table, &one, START));
    ck_assert_int_le(one.next, 60 * SECOND);
}
END_TEST

START_TEST(what_is_given_back_was_not_counted)
{
    authsvc_rate_table_t *table = make_table(64);
    authsvc_try_t try = try_of(1, 2, 60);

    authsvc_rate_table_give_back(table, &try, START);
    for (int i = 0; i < 5; i++) {
        ck_assert(authsvc_rate_table_take(table, &try, START));
        authsvc_rate_table_give_back(table, &try, START);
    }
    ck_assert(authsvc_rate_table_take(table, &try, START));
    ck_assert(authsvc_rate_table_take(table, &try, START));
    authsvc_rate_table_give_back(table, &try, START);
    ck_assert(authsvc_rate_table_take(table, &try, START));
    ck_assert(!authsvc_rate_table_take(table, &try, START));
}
END_TEST

START_TEST(a_look_counts_nothing)
{
    authsvc_rate_table_t *table = make_table(64);
    authsvc_try_t tries[2] = {try_of(1, 2, 60), try_of(2, 1, 60)};

    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(authsvc_rate_table_peek_all(table, tries, 2, START), 2);
    }
    ck_assert_int_eq(tries[0].left, 2);
    ck_assert_int_eq(authsvc_rate_table_take_all(table, tries, 2, START), 2);
    ck_assert_int_eq(authsvc_rate_table_peek_all(table, tries, 2, START + SECOND), 1);
    ck_assert_int_eq(tries[1].left, 0);
    ck_assert_int_eq(tries[1].next, 59 * SECOND);
    ck_assert(authsvc_rate_table_peek(table, &tries[0], START));
    ck_assert(authsvc_rate_table_take(table, &tries[0], START));
    ck_assert(!authsvc_rate_table_peek(table, &tries[0], START));
    ck_assert(!authsvc_rate_table_peek(table, &tries[0], START + 30 * SECOND - 1));
    ck_assert(authsvc_rate_table_peek(table, &tries[0], START + 30 * SECOND));
}
END_TEST

START_TEST(all_or_none_are_counted)
{
    authsvc_rate_table_t *table = make_table(64);
    authsvc_try_t tries[] = {try_of(1, 10, 60), try_of(2, 2, 60), try_of(3, 5, 60)};
    authsvc_rate_store_t store = {0};

    ck_assert_int_eq(authsvc_rate_table_take_all(table, tries, 3, START), 3);
    ck_assert_int_eq(tries[0].left, 9);
    ck_assert_int_eq(tries[1].left, 1);
    ck_assert_int_eq(tries[2].left, 4);
    ck_assert_int_eq(authsvc_rate_table_take_all(table, tries, 3, START), 3);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(authsvc_rate_table_take_all(table, tries, 3, START), 1);
        ck_assert_int_eq(tries[1].left, 0);
        ck_assert_int_eq(tries[1].next, 30 * SECOND);
    }
    ck_assert_int_eq(authsvc_rate_table_take_all(table, tries, 1, START), 1);
    ck_assert_int_eq(tries[0].left, 7);
    ck_assert_int_eq(authsvc_rate_table_take_all(table, &tries[2], 1, START), 1);
    ck_assert_int_eq(tries[2].left, 2);
    ck_assert_int_eq(authsvc_rate_table_take_all(table, tries, 0, START), 0);

    authsvc_rate_table_store(make_table(64), &store);
    ck_assert_int_eq(store.take(store.baton, &tries[1], 1), 1);
    ck_assert_int_eq(store.take(store.baton, &tries[1], 1), 1);
    ck_assert_int_eq(store.take(store.baton, &tries[1], 1), 0);
}
END_TEST

/* ---- full buckets: keys of one bucket have the same high half */

START_TEST(the_one_that_is_over_first_gives_way)
{
    authsvc_rate_table_t *table = make_table(64);
    authsvc_try_t busy = try_of(100, 5, 3600);

    for (int i = 0; i < 5; i++) {
        ck_assert(authsvc_rate_table_take(table, &busy, START));
    }
    for (apr_uint64_t key = 1; key < 1000; key++) {
        authsvc_try_t once = try_of(key + 1000, 5, 60);

        ck_assert(authsvc_rate_table_take(table, &once, START));
    }
    ck_assert(!authsvc_rate_table_take(table, &busy, START));
}
END_TEST

START_TEST(what_is_over_gives_way_before_anything_else)
{
    authsvc_rate_table_t *table = make_table(64);
    authsvc_try_t keys[WAYS];

    for (int i = 0; i < WAYS; i++) {
        keys[i] = try_of((apr_uint64_t)i + 1, 1, i == 5 ? 1 : 10 + i);
        ck_assert(authsvc_rate_table_take(table, &keys[i], START));
    }
    for (apr_uint64_t key = 100; key < 110; key++) { /* one after the other in the place of 5 */
        authsvc_try_t other = try_of(key, 1, 1);

        ck_assert(authsvc_rate_table_take(table, &other, START + 2 * SECOND + (apr_time_t)key));
    }
    for (int i = 0; i < WAYS; i++) {
        ck_assert_msg(authsvc_rate_table_take(table, &keys[i], START + 3 * SECOND) == (i == 5),
                      "%d", i);
    }
}
END_TEST

/*
 * Shortly before the clock's 44 bits go around, a word that was never written is no time that lies
 * ahead: there is room for eight, and none of them gives way.
 */
START_TEST(empty_places_are_taken_first_at_all_times)
{
    static const apr_time_t ends[] = {APR_INT64_C(1) << 44, APR_INT64_C(3) << 44};

    for (int i = 0; i < COUNT(ends); i++) {
        for (int hours = 1; hours <= 50; hours++) {
            apr_time_t now = ends[i] - hours * 3600 * SECOND;
            authsvc_rate_table_t *table = make_table(64);

            for (apr_uint64_t key = 1; key <= WAYS; key++) {
                authsvc_try_t try = try_of(key, 1, 86400);

                ck_assert(authsvc_rate_table_take(table, &try, now));
            }
            for (apr_uint64_t key = 1; key <= WAYS; key++) {
                authsvc_try_t try = try_of(key, 1, 86400);

                ck_assert_msg(!authsvc_rate_table_take(table, &try, now + 1), "%d of %d h before",
                              (int)key, hours);
            }
        }
    }
}
END_TEST

/* ---- a plain model: for each key the time at which its debt is over */

#define MODEL_KEYS 40
#define STEPS 20000

typedef struct {
    apr_uint64_t key[MODEL_KEYS];
    authsvc_rate_t rate[MODEL_KEYS];
    apr_time_t until[MODEL_KEYS];
    apr_time_t now;
    apr_uint64_t seed;
} model_t;

static apr_uint64_t draw(model_t *model, apr_uint64_t below)
{
    model->seed = model->seed * APR_UINT64_C(6364136223846793005) + 1442695040888963407;
    return (model->seed >> 33) % below;
}

/* By seconds and counts as an administrator thinks of them; nothing of it is as in the table. */
static int model_admits(model_t *model, int i)
{
    const authsvc_rate_t *rate = &model->rate[i];
    apr_interval_time_t each = rate->window / rate->count;
    apr_time_t latest = model->now + each * rate->count;

    if (model->until[i] < model->now ||
        model->until[i] > model->now + 2 * AUTHSVC_RATE_WINDOW_MAX) {
        model->until[i] = model->now;
    }
    if (model->until[i] > model->now + 2 * each * rate->count) {
        model->until[i] = latest;
    }
    if (model->until[i] + each > latest) {
        return 0;
    }
    model->until[i] += each;
    return 1;
}

static void begin(model_t *model, int round)
{
    memset(model, 0, sizeof(*model));
    model->seed = (apr_uint64_t)round + 1;
    model->now = START + (apr_time_t)draw(model, 1000000000) * 1000;
    for (int i = 0; i < MODEL_KEYS; i++) {
        apr_int64_t seconds = 1 + (apr_int64_t)draw(model, draw(model, 3) ? 30 : 86400);

        model->key[i] =
            ((UINT32_MAX / MODEL_KEYS * (apr_uint64_t)i) << 32) | ((apr_uint64_t)i + 1);
        model->rate[i].window = seconds * SECOND;
        model->rate[i].count =
            1 + (apr_int64_t)draw(model, draw(model, 2) ? 6 : (apr_uint64_t)seconds * 1000);
    }
}

/* Mostly a little on, at times a lot, now and then back. */
static void pass_time(model_t *model)
{
    switch (draw(model, 20)) {
    case 0:
        model->now += (apr_time_t)draw(model, 100000) * SECOND;
        break;
    case 1:
        model->now -= (apr_time_t)draw(model, 200) * SECOND;
        break;
    case 2:
        model->now -= (apr_time_t)draw(model, 20);
        break;
    default:
        model->now += (apr_time_t)draw(model, 3 * SECOND);
    }
    if (model->now < START) {
        model->now = START;
    }
}

/* With room for all keys the table says what the model says. */
START_TEST(the_table_is_as_the_model)
{
    authsvc_rate_table_t *table = make_table(65536);
    model_t model;
    int admitted = 0;

    begin(&model, _i);
    for (int step = 0; step < STEPS; step++) {
        int i = (int)draw(&model, MODEL_KEYS);
        authsvc_try_t try = {.key = model.key[i], .rate = model.rate[i]};
        int expected = model_admits(&model, i);

        ck_assert_msg(authsvc_rate_table_take(table, &try, model.now) == expected,
                      "step %d of round %d: %d, %" PRId64 "/%" PRId64, step, _i, expected,
                      try.rate.count, try.rate.window);
        ck_assert(try.next > 0 && try.next <= try.rate.window + try.rate.window / try.rate.count);
        if (!expected) { /* what it says about the wait is true, to the microsecond */
            apr_time_t now = model.now;
            authsvc_try_t later = try;

            ck_assert(!authsvc_rate_table_take(table, &later, now + try.next - 1));
            ck_assert_int_eq(try.left, 0);
        }
        admitted += expected;
        pass_time(&model);
    }
    ck_assert(admitted > STEPS / 20 && admitted < STEPS);
}
END_TEST

/* Without room it forgets: it may admit what the model does not, and refuses nobody else. */
START_TEST(a_full_table_refuses_nobody_whom_the_model_admits)
{
    authsvc_rate_table_t *table = make_table(64);
    model_t model;
    int refused = 0;

    begin(&model, _i);
    for (int i = 0; i < MODEL_KEYS; i++) {
        model.key[i] &= 0xffffffffU; /* all in one bucket */
    }
    for (int step = 0; step < STEPS; step++) {
        int i = (int)draw(&model, MODEL_KEYS);
        authsvc_try_t try = {.key = model.key[i], .rate = model.rate[i]};
        int admits = authsvc_rate_table_take(table, &try, model.now);

        if (admits) { /* the model counts what the table admits */
            if (!model_admits(&model, i)) {
                model.until[i] = model.now + try.rate.window / try.rate.count * try.rate.count;
            }
        } else {
            ck_assert_msg(!model_admits(&model, i), "step %d of round %d", step, _i);
            refused++;
        }
        model.now += (apr_time_t)draw(&model, SECOND);
    }
    ck_assert_int_gt(refused, 0);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_rate)
{
    Suite *suite = suite_create("rate");
    TCase *tcase = unit_tcase(suite, "text");

    tcase_add_loop_test(tcase, rates_are_read, 0, COUNT(rates));
    tcase = unit_tcase(suite, "one key");
    tcase_add_test(tcase, size_has_bounds);
    tcase_add_test(tcase, so_many_at_once_and_then_evenly);
    tcase_add_test(tcase, keys_are_apart);
    tcase_add_test(tcase, an_empty_table_admits);
    tcase_add_test(tcase, nobody_waits_for_a_clock_that_was_set_back);
    tcase_add_test(tcase, an_old_look_at_the_clock_changes_nothing);
    tcase_add_test(tcase, a_lower_rate_holds_at_once);
    tcase_add_test(tcase, what_is_given_back_was_not_counted);
    tcase_add_test(tcase, a_look_counts_nothing);
    tcase_add_test(tcase, all_or_none_are_counted);
    tcase = unit_tcase(suite, "full");
    tcase_add_test(tcase, the_one_that_is_over_first_gives_way);
    tcase_add_test(tcase, what_is_over_gives_way_before_anything_else);
    tcase_add_test(tcase, empty_places_are_taken_first_at_all_times);
    tcase = unit_tcase(suite, "model");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, the_table_is_as_the_model, 0, 20);
    tcase_add_loop_test(tcase, a_full_table_refuses_nobody_whom_the_model_admits, 0, 20);
    return suite;
}
