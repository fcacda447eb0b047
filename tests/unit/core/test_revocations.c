/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <sys/mman.h>

#include "authsvc/core/revocations.h"

#define HOUR apr_time_from_sec(3600)
#define REVOKED AUTHSVC_SESSION_REVOKED
#define ALIVE AUTHSVC_SESSION_ALIVE
#define UNKNOWN AUTHSVC_SESSION_UNKNOWN

typedef struct {
    unsigned char octets[AUTHSVC_UUID_OCTETS];
} id_t16;

/* Numbered ids that look like time-ordered ones: the first octets are the same. */
static id_t16 id_of(apr_uint32_t number)
{
    id_t16 id;

    memset(&id, 0x5a, sizeof(id));
    memcpy(id.octets + 12, &number, sizeof(number));
    return id;
}

static authsvc_revocations_t *make(apr_size_t entries)
{
    authsvc_revocations_t *set = NULL;
    void *memory = mmap(NULL, authsvc_revocations_size(entries), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(memory, MAP_FAILED);
    ck_assert_int_eq(authsvc_revocations_create(memory, entries, &set), APR_SUCCESS);
    authsvc_revocations_set_max_stale(set, apr_time_from_sec(10));
    return set;
}

static void drop(authsvc_revocations_t *set)
{
    apr_size_t size = authsvc_revocations_size(authsvc_revocations_capacity(set));

    authsvc_revocations_destroy(set);
    munmap(set, size);
}

static void look(authsvc_revocations_t *set, int whole)
{
    authsvc_revocations_look_t look;

    authsvc_revocations_begin(set, &look);
    authsvc_revocations_complete(set, &look, whole);
}

static void add(authsvc_revocations_t *set, apr_uint32_t number, apr_int64_t epoch,
                apr_interval_time_t lifetime)
{
    id_t16 id = id_of(number);

    authsvc_revocations_add(set, id.octets, epoch, lifetime);
}

static authsvc_session_verdict_t verdict_at(const authsvc_revocations_t *set, apr_uint32_t number,
                                            apr_int64_t epoch, apr_time_t now)
{
    id_t16 id = id_of(number);

    return authsvc_revocations_verdict(set, id.octets, epoch, now);
}

static authsvc_session_verdict_t verdict(const authsvc_revocations_t *set, apr_uint32_t number,
                                         apr_int64_t epoch)
{
    return verdict_at(set, number, epoch, apr_time_now());
}

START_TEST(no_set_knows_nothing)
{
    id_t16 id = id_of(1);

    authsvc_revocations_add(NULL, id.octets, 0, HOUR);
    ck_assert_int_eq(authsvc_revocations_verdict(NULL, id.octets, 0, apr_time_now()), UNKNOWN);
}
END_TEST

START_TEST(sizes_have_bounds)
{
    authsvc_revocations_t *set = make(AUTHSVC_REVOCATIONS_MIN);
    authsvc_revocations_t *other = NULL;

    ck_assert_int_eq(authsvc_revocations_capacity(set), AUTHSVC_REVOCATIONS_MIN);
    ck_assert_int_eq(authsvc_revocations_create(set, AUTHSVC_REVOCATIONS_MIN - 1, &other),
                     APR_EINVAL);
    ck_assert_int_eq(authsvc_revocations_create(set, AUTHSVC_REVOCATIONS_MAX + 1, &other),
                     APR_EINVAL);
    ck_assert_uint_lt(authsvc_revocations_size(1000), authsvc_revocations_size(2000));
    drop(set);
}
END_TEST

START_TEST(an_entry_kills_its_epoch_and_those_before)
{
    authsvc_revocations_t *set = make(64);

    look(set, 1);
    ck_assert_int_eq(verdict(set, 1, 3), ALIVE);
    add(set, 1, 3, HOUR);
    ck_assert_int_eq(verdict(set, 1, 0), REVOKED);
    ck_assert_int_eq(verdict(set, 1, 3), REVOKED);
    ck_assert_int_eq(verdict(set, 1, 4), ALIVE);
    ck_assert_int_eq(verdict(set, 2, 3), ALIVE);
    drop(set);
}
END_TEST

START_TEST(a_second_entry_only_adds)
{
    authsvc_revocations_t *set = make(64);
    apr_time_t now = apr_time_now();

    look(set, 1);
    add(set, 1, 3, HOUR);
    add(set, 1, 2, 2 * HOUR);
    authsvc_revocations_set_max_stale(set, 10 * HOUR);
    ck_assert_int_eq(verdict(set, 1, 3), REVOKED);
    ck_assert_int_eq(verdict_at(set, 1, 2, now + HOUR + HOUR / 2), REVOKED);
    add(set, 1, 5, apr_time_from_sec(1));
    ck_assert_int_eq(verdict(set, 1, 5), REVOKED);
    ck_assert_int_eq(verdict_at(set, 1, 2, now + HOUR + HOUR / 2), REVOKED);
    ck_assert_int_eq(verdict_at(set, 1, 2, now + 3 * HOUR), ALIVE);
    drop(set);
}
END_TEST

START_TEST(entries_expire)
{
    authsvc_revocations_t *set = make(64);
    apr_time_t before = apr_time_now(), after;

    authsvc_revocations_set_max_stale(set, 10 * HOUR);
    look(set, 1);
    add(set, 1, 0, HOUR);
    after = apr_time_now();
    ck_assert_int_eq(verdict_at(set, 1, 0, before + HOUR - 1), REVOKED);
    ck_assert_int_eq(verdict_at(set, 1, 0, after + HOUR), ALIVE);
    add(set, 2, 0, 0);
    add(set, 3, 0, -HOUR);
    ck_assert_int_eq(verdict(set, 2, 0), ALIVE);
    ck_assert_int_eq(verdict(set, 3, 0), ALIVE);
    drop(set);
}
END_TEST

START_TEST(until_all_was_loaded_it_is_not_sure)
{
    authsvc_revocations_t *set = make(64);

    ck_assert(authsvc_revocations_is_partial(set));
    ck_assert_int_eq(verdict(set, 1, 0), UNKNOWN);
    look(set, 0);
    ck_assert(authsvc_revocations_is_partial(set));
    ck_assert_int_eq(verdict(set, 1, 0), UNKNOWN);
    add(set, 1, 0, HOUR);
    ck_assert_int_eq(verdict(set, 1, 0), REVOKED);
    ck_assert_int_eq(verdict(set, 2, 0), UNKNOWN);
    look(set, 1);
    ck_assert(!authsvc_revocations_is_partial(set));
    ck_assert_int_eq(verdict(set, 1, 0), REVOKED);
    ck_assert_int_eq(verdict(set, 2, 0), ALIVE);
    drop(set);
}
END_TEST

START_TEST(nothing_is_fresh_before_it_is_said_how_long)
{
    authsvc_revocations_t *made = make(64), *set = NULL;

    ck_assert_int_eq(authsvc_revocations_create(made, 64, &set), APR_SUCCESS);
    look(set, 1);
    apr_sleep(10);
    ck_assert_int_eq(verdict(set, 1, 0), UNKNOWN);
    authsvc_revocations_set_max_stale(set, apr_time_from_sec(10));
    ck_assert_int_eq(verdict(set, 1, 0), ALIVE);
    drop(set);
}
END_TEST

START_TEST(a_stale_set_is_not_sure)
{
    authsvc_revocations_t *set = make(64);
    authsvc_revocations_look_t begun;

    add(set, 2, 0, HOUR);
    authsvc_revocations_begin(set, &begun);
    authsvc_revocations_complete(set, &begun, 1);
    ck_assert_int_eq(verdict_at(set, 1, 0, begun.began), ALIVE);
    ck_assert_int_eq(verdict_at(set, 1, 0, begun.began + apr_time_from_sec(10)), ALIVE);
    ck_assert_int_eq(verdict_at(set, 1, 0, begun.began + apr_time_from_sec(10) + 1), UNKNOWN);
    ck_assert_int_eq(verdict_at(set, 2, 0, begun.began + apr_time_from_sec(11)), REVOKED);
    /* the clock was set back */
    ck_assert_int_eq(verdict_at(set, 1, 0, begun.began - apr_time_from_sec(2)), UNKNOWN);
    authsvc_revocations_set_max_stale(set, apr_time_from_sec(20));
    ck_assert_int_eq(verdict_at(set, 1, 0, begun.began + apr_time_from_sec(20)), ALIVE);
    ck_assert_int_eq(verdict_at(set, 1, 0, begun.began + apr_time_from_sec(21)), UNKNOWN);
    /* a look at what is new makes it fresh again, as of its beginning */
    begun.began += apr_time_from_sec(30);
    authsvc_revocations_complete(set, &begun, 0);
    ck_assert_int_eq(verdict_at(set, 1, 0, begun.began + apr_time_from_sec(20)), ALIVE);
    drop(set);
}
END_TEST

START_TEST(a_clock_that_was_set_back_makes_nothing_fresh)
{
    authsvc_revocations_t *set = make(64);
    authsvc_revocations_look_t begun;
    apr_interval_time_t stale = apr_time_from_msec(200);

    authsvc_revocations_set_max_stale(set, stale);
    do { /* until nobody held us up */
        authsvc_revocations_begin(set, &begun);
        authsvc_revocations_complete(set, &begun, 1);
    } while (verdict_at(set, 1, 0, begun.began + 1) != ALIVE);
    apr_sleep(stale + apr_time_from_msec(10));
    ck_assert_int_eq(verdict(set, 1, 0), UNKNOWN);
    /* by as much as went by, and by half of it */
    ck_assert_int_eq(verdict_at(set, 1, 0, begun.began), UNKNOWN);
    ck_assert_int_eq(verdict_at(set, 1, 0, begun.began + stale / 2), UNKNOWN);
    look(set, 0);
    authsvc_revocations_set_max_stale(set, HOUR);
    ck_assert_int_eq(verdict(set, 1, 0), ALIVE);
    drop(set);
}
END_TEST

START_TEST(as_many_fit_as_it_was_made_for)
{
    /* other random keys each time */
    for (int round = 0; round < 20; round++) {
        authsvc_revocations_t *set = make(4096);

        look(set, 1);
        for (apr_uint32_t n = 0; n < 4096; n++) {
            add(set, n, 0, HOUR);
        }
        for (apr_uint32_t n = 0; n < 4096; n++) {
            ck_assert_int_eq(verdict(set, n, 0), REVOKED);
        }
        ck_assert_int_eq(verdict(set, 4096, 0), ALIVE);
        drop(set);
    }
}
END_TEST

START_TEST(a_full_set_is_not_sure_until_there_is_room)
{
    authsvc_revocations_t *set = make(64);
    authsvc_revocations_look_t begun;
    apr_uint32_t n = 0;

    look(set, 1);
    while (verdict(set, 1000000, 0) == ALIVE) {
        ck_assert_uint_lt(n, 1000);
        add(set, n++, 0, apr_time_from_msec(400));
    }
    ck_assert_uint_gt(n, 64);
    ck_assert(authsvc_revocations_is_partial(set));
    ck_assert_int_eq(verdict(set, n - 1, 0), UNKNOWN); /* the one that found no room */
    ck_assert_int_eq(verdict(set, 0, 0), REVOKED);
    /* new ones are not all */
    look(set, 0);
    ck_assert_int_eq(verdict(set, n - 1, 0), UNKNOWN);
    /* all are not enough while one of them still finds no room */
    authsvc_revocations_begin(set, &begun);
    add(set, n - 1, 0, apr_time_from_msec(400));
    authsvc_revocations_complete(set, &begun, 1);
    ck_assert_int_eq(verdict(set, n - 1, 0), UNKNOWN);
    apr_sleep(apr_time_from_msec(450));
    authsvc_revocations_begin(set, &begun);
    add(set, n - 1, 0, HOUR);
    authsvc_revocations_complete(set, &begun, 1);
    ck_assert(!authsvc_revocations_is_partial(set));
    ck_assert_int_eq(verdict(set, n - 1, 0), REVOKED);
    ck_assert_int_eq(verdict(set, 1000000, 0), ALIVE);
    drop(set);
}
END_TEST

START_TEST(a_look_that_began_before_a_loss_does_not_make_up_for_it)
{
    authsvc_revocations_t *set = make(64);
    authsvc_revocations_look_t early, late;
    apr_uint32_t n = 0;

    look(set, 1);
    authsvc_revocations_begin(set, &early);
    while (verdict(set, 1000000, 0) == ALIVE) {
        add(set, n++, 0, apr_time_from_msec(300));
    }
    authsvc_revocations_complete(set, &early, 1);
    ck_assert_int_eq(verdict(set, 1000000, 0), UNKNOWN);
    authsvc_revocations_begin(set, &late);
    authsvc_revocations_complete(set, &late, 1);
    ck_assert_int_eq(verdict(set, 1000000, 0), ALIVE);
    /* nor does it undo what the later one made up for */
    authsvc_revocations_complete(set, &early, 1);
    ck_assert_int_eq(verdict(set, 1000000, 0), ALIVE);
    drop(set);
}
END_TEST

/* ---- against a plain model */

#define MODEL_IDS 300
#define MODEL_STEPS 60000

/* What is sure, and what may be: nobody sees whether an entry had expired when it came again. */
typedef struct {
    apr_int64_t epoch, epoch_at_most;
    apr_time_t expires, gone; /* at the earliest, at the latest */
} model_t;

static apr_uint64_t next_random(apr_uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return *state >> 33;
}

static void model_add(model_t *entry, apr_int64_t epoch, apr_time_t before, apr_time_t after,
                      apr_interval_time_t lifetime)
{
    int was_there = entry->expires > after, was_gone = entry->gone <= before;

    entry->epoch = was_there && entry->epoch > epoch ? entry->epoch : epoch;
    entry->epoch_at_most =
        !was_gone && entry->epoch_at_most > epoch ? entry->epoch_at_most : epoch;
    if (!was_there || before + lifetime > entry->expires) {
        entry->expires = before + lifetime;
    }
    if (after + lifetime > entry->gone) {
        entry->gone = after + lifetime;
    }
}

/* Entries come, grow and expire; slots are used again and again. */
START_TEST(it_says_what_a_plain_model_says)
{
    authsvc_revocations_t *set = make(512);
    model_t model[MODEL_IDS];
    apr_uint64_t random = 42;
    int said[3] = {0, 0, 0}, unsure = 0;

    memset(model, 0, sizeof(model));
    look(set, 1);
    for (int step = 0; step < MODEL_STEPS; step++) {
        apr_uint32_t n = (apr_uint32_t)(next_random(&random) % MODEL_IDS);
        apr_int64_t epoch = (apr_int64_t)(next_random(&random) % 8);
        apr_time_t before = apr_time_now();
        authsvc_session_verdict_t is;

        if (next_random(&random) % 4 == 0) {
            apr_interval_time_t lifetime = (apr_interval_time_t)(next_random(&random) % 20000);

            add(set, n, epoch, lifetime);
            if (lifetime > 0) {
                model_add(&model[n], epoch, before, apr_time_now(), lifetime);
            }
            continue;
        }
        if (step % 500 == 0) {
            look(set, 0);
        }
        is = verdict_at(set, n, epoch, before);
        said[is]++;
        ck_assert_int_ne(is, UNKNOWN);
        if (before < model[n].expires && epoch <= model[n].epoch) {
            ck_assert_int_eq(is, REVOKED);
        } else if (before >= model[n].gone || epoch > model[n].epoch_at_most) {
            ck_assert_int_eq(is, ALIVE);
        } else {
            unsure++;
        }
    }
    ck_assert_int_gt(said[REVOKED], MODEL_STEPS / 50);
    ck_assert_int_gt(said[ALIVE], MODEL_STEPS / 50);
    ck_assert_int_lt(unsure, MODEL_STEPS / 10);
    drop(set);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_revocations)
{
    Suite *suite = suite_create("revocations");
    TCase *tcase = unit_tcase(suite, "set");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, no_set_knows_nothing);
    tcase_add_test(tcase, sizes_have_bounds);
    tcase_add_test(tcase, an_entry_kills_its_epoch_and_those_before);
    tcase_add_test(tcase, a_second_entry_only_adds);
    tcase_add_test(tcase, entries_expire);
    tcase_add_test(tcase, until_all_was_loaded_it_is_not_sure);
    tcase_add_test(tcase, nothing_is_fresh_before_it_is_said_how_long);
    tcase_add_test(tcase, a_stale_set_is_not_sure);
    tcase_add_test(tcase, a_clock_that_was_set_back_makes_nothing_fresh);
    tcase_add_test(tcase, as_many_fit_as_it_was_made_for);
    tcase_add_test(tcase, a_full_set_is_not_sure_until_there_is_room);
    tcase_add_test(tcase, a_look_that_began_before_a_loss_does_not_make_up_for_it);
    tcase_add_test(tcase, it_says_what_a_plain_model_says);
    return suite;
}
