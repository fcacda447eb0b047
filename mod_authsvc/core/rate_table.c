/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <time.h>

#include "authsvc/core/rate.h"

#if ATOMIC_LLONG_LOCK_FREE != 2
#error "atomics of 64 bits take locks here, which processes cannot share"
#endif

#ifndef CLOCK_BOOTTIME
#define CLOCK_BOOTTIME CLOCK_MONOTONIC
#endif

#define LINE 64
#define WAYS 8 /* entries of a bucket: one line of the processor's cache */
#define ATTEMPTS 1000

/*
 * An entry is 20 bits of its key, and 44 bits of the time at which all that was counted will have
 * been paid off, in microseconds: whoever is over that time has no debt. Such a time is never
 * further ahead than the longest window, for somebody whose look at the clock is not older than
 * that. So whatever else is there, is over, be it that the clock has gone around: every 203 days,
 * for two days, a debt of then could be taken for one of now.
 */
#define TIME_BITS 44
#define FURTHEST ((apr_uint64_t)(2 * AUTHSVC_RATE_WINDOW_MAX))
#define TIME_MASK ((APR_UINT64_C(1) << TIME_BITS) - 1)

typedef _Atomic apr_uint64_t entry_t;

typedef struct {
    _Alignas(LINE) entry_t entries[WAYS];
} bucket_t;

struct authsvc_rate_table_t {
    _Alignas(LINE) apr_uint64_t buckets;
};

/* Where a key is, or would be. */
typedef struct {
    entry_t *entry;
    apr_uint64_t seen; /* in it */
    apr_int64_t debt;  /* us; 0: there is none, or it is over */
} place_t;

static apr_size_t buckets_for(apr_size_t entries)
{
    return (entries + WAYS - 1) / WAYS;
}

apr_size_t authsvc_rate_table_size(apr_size_t entries)
{
    return sizeof(authsvc_rate_table_t) + buckets_for(entries) * sizeof(bucket_t);
}

apr_status_t authsvc_rate_table_create(void *memory, apr_size_t entries,
                                       authsvc_rate_table_t **table)
{
    authsvc_rate_table_t *made = memory;

    if (entries < AUTHSVC_RATE_TABLE_MIN || entries > AUTHSVC_RATE_TABLE_MAX) {
        return APR_EINVAL;
    }
    made->buckets = buckets_for(entries);
    *table = made;
    return APR_SUCCESS;
}

static bucket_t *bucket_of(authsvc_rate_table_t *table, apr_uint64_t key)
{
    return (bucket_t *)((char *)table + sizeof(*table)) + (((key >> 32) * table->buckets) >> 32);
}

/* Not 0: what was never written has no owner. */
static apr_uint64_t tag_of(apr_uint64_t key)
{
    apr_uint64_t tag = key << TIME_BITS;

    return tag ? tag : APR_UINT64_C(1) << TIME_BITS;
}

static apr_int64_t debt_of(apr_uint64_t word, apr_time_t now)
{
    apr_uint64_t ahead = (word - (apr_uint64_t)now) & TIME_MASK;

    /* 0 was never written, or is over: it is no time that lies ahead. */
    return word && ahead <= FURTHEST ? (apr_int64_t)ahead : 0;
}

static apr_uint64_t word_of(apr_uint64_t tag, apr_time_t now, apr_int64_t debt)
{
    return tag | ((apr_uint64_t)(now + debt) & TIME_MASK);
}

static int is_of(apr_uint64_t word, apr_uint64_t tag)
{
    return (word & ~TIME_MASK) == tag;
}

/*
 * The key's entry, or else the one that is of least use: the first that is over, or will be. Should
 * a key have two (one of them left by somebody who was killed), the higher debt counts.
 * @return 1 if it is the key's
 */
static int find(bucket_t *bucket, apr_uint64_t tag, apr_time_t now, place_t *place)
{
    int is_there = 0;

    place->entry = NULL;
    for (int i = 0; i < WAYS; i++) {
        apr_uint64_t word = atomic_load(&bucket->entries[i]);
        apr_int64_t debt = debt_of(word, now);
        int is_mine = debt > 0 && is_of(word, tag);

        if (is_mine > is_there || (is_mine == is_there && (!place->entry ||
            (is_mine ? debt > place->debt : debt < place->debt)))) {
            place->entry = &bucket->entries[i];
            place->seen = word;
            place->debt = debt;
            is_there = is_mine;
        }
    }
    if (!is_there) {
        place->debt = 0;
    }
    return is_there;
}

static int replace(const place_t *place, apr_uint64_t word)
{
    apr_uint64_t seen = place->seen;

    return atomic_compare_exchange_strong(place->entry, &seen, word);
}

/*
 * Two who count a new key at the same moment choose the same entry, and one of them finds it taken;
 * unless a third one changed the bucket in between. Then whoever sees the other's entry takes
 * its own away, and tries again.
 * @return 0 if it was taken away
 */
static int stays(bucket_t *bucket, const place_t *place, apr_uint64_t tag, apr_uint64_t word,
                 apr_time_t now)
{
    apr_uint64_t mine = word;

    for (int i = 0; i < WAYS; i++) {
        apr_uint64_t other = atomic_load(&bucket->entries[i]);

        if (&bucket->entries[i] != place->entry && is_of(other, tag) && debt_of(other, now) > 0) {
            /* If somebody has counted on it already, it is counted, and stays. */
            return !atomic_compare_exchange_strong(place->entry, &mine, 0);
        }
    }
    return 1;
}

/* @return whether there is room for one more */
static int assess(authsvc_try_t *try, apr_interval_time_t each, apr_int64_t debt)
{
    apr_int64_t room = each * try->rate.count - debt;

    try->left = room > 0 ? room / each : 0;
    try->next = (try->left + 1) * each - room;
    return try->left > 0;
}

int authsvc_rate_table_take(authsvc_rate_table_t *table, authsvc_try_t *try, apr_time_t now)
{
    apr_interval_time_t each = try->rate.window / try->rate.count;
    apr_int64_t most = each * try->rate.count;
    bucket_t *bucket = bucket_of(table, try->key);
    apr_uint64_t tag = tag_of(try->key);

    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        place_t place;
        int is_there = find(bucket, tag, now, &place);
        apr_uint64_t word;

        if (!assess(try, each, place.debt)) {
            /*
             * Somewhat more than can be owed is seen by whoever looked at the clock before others
             * were counted. Much more: the clock was set back.
             */
            if (place.debt <= 2 * most) {
                return 0;
            }
            (void)replace(&place, word_of(tag, now, most));
            continue;
        }
        word = word_of(tag, now, place.debt + each);
        if (replace(&place, word) && (is_there || stays(bucket, &place, tag, word, now))) {
            assess(try, each, place.debt + each);
            return 1;
        }
    }
    /* As many others were counted meanwhile: there is no lack of tries. */
    try->left = 0;
    try->next = each;
    return 0;
}

int authsvc_rate_table_peek(authsvc_rate_table_t *table, authsvc_try_t *try, apr_time_t now)
{
    place_t place;

    (void)find(bucket_of(table, try->key), tag_of(try->key), now, &place);
    return assess(try, try->rate.window / try->rate.count, place.debt);
}

void authsvc_rate_table_give_back(authsvc_rate_table_t *table, const authsvc_try_t *try,
                                  apr_time_t now)
{
    apr_interval_time_t each = try->rate.window / try->rate.count;
    bucket_t *bucket = bucket_of(table, try->key);
    apr_uint64_t tag = tag_of(try->key);
    place_t place;

    for (int attempt = 0; attempt < ATTEMPTS && find(bucket, tag, now, &place); attempt++) {
        if (replace(&place, place.debt > each ? word_of(tag, now, place.debt - each) : 0)) {
            return;
        }
    }
}

int authsvc_rate_table_take_all(authsvc_rate_table_t *table, authsvc_try_t *tries, int n,
                                apr_time_t now)
{
    int refused = 0;

    while (refused < n && authsvc_rate_table_take(table, &tries[refused], now)) {
        refused++;
    }
    for (int i = 0; refused < n && i < refused; i++) {
        authsvc_rate_table_give_back(table, &tries[i], now);
    }
    return refused;
}

int authsvc_rate_table_peek_all(authsvc_rate_table_t *table, authsvc_try_t *tries, int n,
                                apr_time_t now)
{
    int refused = 0;

    while (refused < n && authsvc_rate_table_peek(table, &tries[refused], now)) {
        refused++;
    }
    return refused;
}

/* The same in all processes, and goes on while the machine sleeps. */
static apr_time_t clock_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return apr_time_from_sec((apr_time_t)now.tv_sec) + now.tv_nsec / 1000;
}

static int take_now(void *baton, authsvc_try_t *tries, int n)
{
    return authsvc_rate_table_take_all(baton, tries, n, clock_now());
}

static int peek_now(void *baton, authsvc_try_t *tries, int n)
{
    return authsvc_rate_table_peek_all(baton, tries, n, clock_now());
}

static void give_back_now(void *baton, const authsvc_try_t *tries, int n)
{
    apr_time_t now = clock_now();

    for (int i = 0; i < n; i++) {
        authsvc_rate_table_give_back(baton, &tries[i], now);
    }
}

void authsvc_rate_table_store(authsvc_rate_table_t *table, authsvc_rate_store_t *store)
{
    store->take = take_now;
    store->peek = peek_now;
    store->give_back = give_back_now;
    store->baton = table;
}
