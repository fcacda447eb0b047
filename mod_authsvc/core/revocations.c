/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/core/revocations.h"

#include <apr_general.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#if ATOMIC_LLONG_LOCK_FREE != 2
#error "atomics of 64 bits take locks here, which processes cannot share"
#endif

#ifndef CLOCK_BOOTTIME
#define CLOCK_BOOTTIME CLOCK_MONOTONIC
#endif

#define LINE 64
#define SLOTS 8   /* of a bucket */
#define CHOICES 2 /* buckets that an id may be in */
#define READ_TRIES 16
#define TURN_TRIES 1000
#define TURN_PAUSE 100 /* us */
#define CLOCK_JITTER APR_USEC_PER_SEC

typedef _Atomic apr_uint64_t word_t;
typedef _Atomic apr_int64_t number_t;

/*
 * version is 0 before the first use, odd while somebody writes id. A slot changes its id only
 * when its entry has expired; before that epoch and expires grow in place, each by one store, in
 * an order in which what lies between is true as well.
 */
typedef struct {
    word_t version;
    word_t id[2];
    number_t epoch;
    number_t expires;
} slot_t;

typedef struct {
    _Alignas(LINE) slot_t slots[SLOTS];
} bucket_t;

struct authsvc_revocations_t {
    _Alignas(LINE) apr_uint64_t capacity;
    apr_uint64_t buckets;
    apr_uint64_t keys[AUTHSVC_UUID_OCTETS][256];
    number_t max_stale;
    _Alignas(LINE) number_t fresh_at; /* begin of the last complete look; 0: none */
    number_t fresh_uptime;            /* the same moment, by a clock that nobody sets */
    word_t loaded;
    word_t missed;  /* entries that found no room or no turn */
    word_t made_up; /* as many of them as a look at all entries has found room for since */
    _Alignas(LINE) pthread_mutex_t turn;
    _Alignas(LINE) pthread_mutex_t lead; /* held by the thread that looks at the database */
};

/* Twice the room: with two choices of eight a bucket overflows before that once in a blue moon. */
static apr_size_t buckets_for(apr_size_t entries)
{
    return (2 * entries + SLOTS - 1) / SLOTS;
}

apr_size_t authsvc_revocations_size(apr_size_t entries)
{
    return sizeof(authsvc_revocations_t) + buckets_for(entries) * sizeof(bucket_t);
}

static bucket_t *first_bucket(const authsvc_revocations_t *set)
{
    return (bucket_t *)((char *)(apr_uintptr_t)set + sizeof(*set));
}

/*
 * Simple tabulation: a random word for each octet's value. Whoever does not know them cannot do
 * better than chance, whatever the ids, and two choices balance as they do by true random
 * (Patrascu and Thorup 2011; Dahlgaard et al. 2016).
 */
static void choose(const authsvc_revocations_t *set, const unsigned char id[AUTHSVC_UUID_OCTETS],
                   bucket_t *chosen[CHOICES])
{
    apr_uint64_t hash = 0;

    for (int i = 0; i < AUTHSVC_UUID_OCTETS; i++) {
        hash ^= set->keys[i][id[i]];
    }
    chosen[0] = first_bucket(set) + (((hash >> 32) * set->buckets) >> 32);
    chosen[1] = first_bucket(set) + (((hash & 0xffffffffU) * set->buckets) >> 32);
}

/* Shared between processes, and handed on if its owner dies. */
static int make_mutex(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;
    int status = pthread_mutexattr_init(&attributes);

    if (status) {
        return status;
    }
    status = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (!status) {
        status = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    }
    if (!status) {
        status = pthread_mutex_init(mutex, &attributes);
    }
    pthread_mutexattr_destroy(&attributes);
    return status;
}

apr_status_t authsvc_revocations_create(void *memory, apr_size_t entries,
                                        authsvc_revocations_t **set)
{
    authsvc_revocations_t *made = memory;
    apr_status_t status;

    if (entries < AUTHSVC_REVOCATIONS_MIN || entries > AUTHSVC_REVOCATIONS_MAX) {
        return APR_EINVAL;
    }
    made->capacity = entries;
    made->buckets = buckets_for(entries);
    status = apr_generate_random_bytes((unsigned char *)made->keys, sizeof(made->keys));
    if (status) {
        return status;
    }
    status = make_mutex(&made->turn);
    if (status) {
        return status;
    }
    status = make_mutex(&made->lead);
    if (status) {
        pthread_mutex_destroy(&made->turn);
        return status;
    }
    atomic_store(&made->max_stale, 0);
    *set = made;
    return APR_SUCCESS;
}

void authsvc_revocations_destroy(authsvc_revocations_t *set)
{
    pthread_mutex_destroy(&set->lead);
    pthread_mutex_destroy(&set->turn);
}

apr_size_t authsvc_revocations_capacity(const authsvc_revocations_t *set)
{
    return set->capacity;
}

void authsvc_revocations_set_max_stale(authsvc_revocations_t *set, apr_interval_time_t max_stale)
{
    atomic_store(&set->max_stale, max_stale);
}

/* The same in all processes; goes on while the machine sleeps. */
static apr_time_t uptime(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return apr_time_from_sec((apr_time_t)now.tv_sec) + now.tv_nsec / 1000;
}

/*
 * Each look at a field acquires: whoever sees made_up or fresh_at of a look at the database sees
 * all that was added before it ended. made_up comes before missed: an entry that is missing now
 * was counted before, so the two differ.
 */
static int is_whole(const authsvc_revocations_t *set, apr_time_t now)
{
    apr_uint64_t made_up = atomic_load_explicit(&set->made_up, memory_order_acquire);
    apr_uint64_t missed = atomic_load_explicit(&set->missed, memory_order_acquire);
    apr_interval_time_t age, max_stale;

    if (missed != made_up || !atomic_load_explicit(&set->loaded, memory_order_acquire)) {
        return 0;
    }
    max_stale = atomic_load_explicit(&set->max_stale, memory_order_relaxed);
    age = now - atomic_load_explicit(&set->fresh_at, memory_order_acquire);
    if (age < -CLOCK_JITTER || age > max_stale) {
        return 0;
    }
    /* A wall clock that was set back makes old knowledge look young. */
    age = uptime() - atomic_load_explicit(&set->fresh_uptime, memory_order_acquire);
    return age <= max_stale;
}

typedef enum { ELSEWHERE, KILLS, UNUSED, RESTLESS } finding_t;

/*
 * An id that is being written is not looked for: its entry counts from when its writer returns.
 * One that stands is read whole, or again: acquiring reads of the fields keep the second look at
 * the version behind them.
 */
static finding_t read_slot(const slot_t *slot, const apr_uint64_t id[2], apr_int64_t epoch,
                           apr_time_t now)
{
    for (int attempt = 0; attempt < READ_TRIES; attempt++) {
        apr_uint64_t version = atomic_load_explicit(&slot->version, memory_order_acquire);
        apr_int64_t kills;
        apr_time_t expires;

        if (version == 0) {
            return UNUSED;
        }
        if ((version & 1) || atomic_load_explicit(&slot->id[0], memory_order_acquire) != id[0] ||
            atomic_load_explicit(&slot->id[1], memory_order_acquire) != id[1]) {
            return ELSEWHERE;
        }
        kills = atomic_load_explicit(&slot->epoch, memory_order_acquire);
        expires = atomic_load_explicit(&slot->expires, memory_order_acquire);
        if (atomic_load_explicit(&slot->version, memory_order_relaxed) == version) {
            return epoch <= kills && now < expires ? KILLS : ELSEWHERE;
        }
    }
    return RESTLESS;
}

authsvc_session_verdict_t authsvc_revocations_verdict(const authsvc_revocations_t *set,
                                                      const unsigned char id[AUTHSVC_UUID_OCTETS],
                                                      apr_int64_t epoch, apr_time_t now)
{
    apr_uint64_t words[2];
    bucket_t *chosen[CHOICES];
    int sure;

    if (!set) {
        return AUTHSVC_SESSION_UNKNOWN;
    }
    memcpy(words, id, sizeof(words));
    /* First: what makes the set whole again was added before it says so. */
    sure = is_whole(set, now);
    choose(set, id, chosen);
    for (int choice = 0; choice < CHOICES; choice++) {
        for (int i = 0; i < SLOTS; i++) {
            finding_t finding = read_slot(&chosen[choice]->slots[i], words, epoch, now);

            if (finding == KILLS) {
                return AUTHSVC_SESSION_REVOKED;
            }
            if (finding == UNUSED) { /* and so are those behind it */
                break;
            }
            sure = sure && finding != RESTLESS;
        }
    }
    return sure ? AUTHSVC_SESSION_ALIVE : AUTHSVC_SESSION_UNKNOWN;
}

/* A writer died with its id half written: nobody was promised that entry, the slot is free. */
static void mend(authsvc_revocations_t *set)
{
    bucket_t *bucket = first_bucket(set);

    for (apr_uint64_t n = 0; n < set->buckets; n++, bucket++) {
        for (int i = 0; i < SLOTS; i++) {
            slot_t *slot = &bucket->slots[i];
            apr_uint64_t version = atomic_load_explicit(&slot->version, memory_order_relaxed);

            if (version & 1) {
                atomic_store_explicit(&slot->expires, 0, memory_order_release);
                atomic_store_explicit(&slot->version, version + 1, memory_order_release);
            }
        }
    }
}

/* Turns are short: whoever still waits after all these tries waits for one that was stopped. */
static int take_turn(authsvc_revocations_t *set)
{
    int status = pthread_mutex_trylock(&set->turn);

    for (int i = 0; status == EBUSY && i < TURN_TRIES; i++) {
        apr_sleep(TURN_PAUSE);
        status = pthread_mutex_trylock(&set->turn);
    }
    if (status == EOWNERDEAD) {
        mend(set);
        pthread_mutex_consistent(&set->turn);
        status = 0;
    }
    return status == 0;
}

static int is_expired(const slot_t *slot, apr_time_t now)
{
    return atomic_load_explicit(&slot->expires, memory_order_relaxed) <= now;
}

/* The living entry of an id, or else a free slot of the bucket that has more of them. */
static slot_t *find_place(bucket_t *const chosen[CHOICES], const apr_uint64_t id[2],
                          apr_time_t now, int *is_there)
{
    slot_t *place = NULL;
    int most = 0;

    for (int choice = 0; choice < CHOICES; choice++) {
        slot_t *first_free = NULL;
        int n_free = 0;

        for (int i = 0; i < SLOTS; i++) {
            slot_t *slot = &chosen[choice]->slots[i];

            if (is_expired(slot, now)) {
                first_free = first_free ? first_free : slot;
                n_free++;
            } else if (atomic_load_explicit(&slot->id[0], memory_order_relaxed) == id[0] &&
                       atomic_load_explicit(&slot->id[1], memory_order_relaxed) == id[1]) {
                *is_there = 1;
                return slot;
            }
        }
        if (n_free > most) {
            most = n_free;
            place = first_free;
        }
    }
    *is_there = 0;
    return place;
}

static void raise_number(number_t *number, apr_int64_t value)
{
    if (value > atomic_load_explicit(number, memory_order_relaxed)) {
        atomic_store_explicit(number, value, memory_order_release);
    }
}

/* Releasing stores: whoever reads one of them knows that the version was odd before. */
static void fill(slot_t *slot, const apr_uint64_t id[2], apr_int64_t epoch, apr_time_t expires)
{
    apr_uint64_t version = atomic_load_explicit(&slot->version, memory_order_relaxed);

    atomic_store_explicit(&slot->version, version + 1, memory_order_relaxed);
    atomic_store_explicit(&slot->id[0], id[0], memory_order_release);
    atomic_store_explicit(&slot->id[1], id[1], memory_order_release);
    atomic_store_explicit(&slot->epoch, epoch, memory_order_release);
    atomic_store_explicit(&slot->expires, expires, memory_order_release);
    atomic_store_explicit(&slot->version, version + 2, memory_order_release);
}

static int put(authsvc_revocations_t *set, const unsigned char id[AUTHSVC_UUID_OCTETS],
               apr_int64_t epoch, apr_interval_time_t lifetime)
{
    apr_time_t now = apr_time_now();
    apr_uint64_t words[2];
    bucket_t *chosen[CHOICES];
    slot_t *place;
    int is_there;

    memcpy(words, id, sizeof(words));
    choose(set, id, chosen);
    place = find_place(chosen, words, now, &is_there);
    if (!place) {
        return 0;
    }
    if (is_there) {
        raise_number(&place->expires, now + lifetime);
        raise_number(&place->epoch, epoch);
    } else {
        fill(place, words, epoch, now + lifetime);
    }
    return 1;
}

int authsvc_revocations_add(authsvc_revocations_t *set,
                            const unsigned char id[AUTHSVC_UUID_OCTETS], apr_int64_t epoch,
                            apr_interval_time_t lifetime)
{
    int done;

    if (!set || lifetime <= 0) {
        return 1;
    }
    if (!take_turn(set)) {
        authsvc_revocations_miss(set, 1);
        return 0;
    }
    done = put(set, id, epoch, lifetime);
    pthread_mutex_unlock(&set->turn);
    if (!done) {
        authsvc_revocations_miss(set, 1);
    }
    return 1;
}

void authsvc_revocations_miss(authsvc_revocations_t *set, apr_uint64_t count)
{
    atomic_fetch_add_explicit(&set->missed, count, memory_order_acq_rel);
}

int authsvc_revocations_lead(authsvc_revocations_t *set)
{
    int status = pthread_mutex_trylock(&set->lead);

    if (status == EOWNERDEAD) {
        pthread_mutex_consistent(&set->lead);
        status = 0;
    }
    return status == 0;
}

void authsvc_revocations_resign(authsvc_revocations_t *set)
{
    pthread_mutex_unlock(&set->lead);
}

void authsvc_revocations_begin(const authsvc_revocations_t *set, authsvc_revocations_look_t *look)
{
    look->missed = atomic_load_explicit(&set->missed, memory_order_acquire);
    look->began = apr_time_now();
    look->uptime = uptime();
}

void authsvc_revocations_complete(authsvc_revocations_t *set,
                                  const authsvc_revocations_look_t *look, int whole)
{
    apr_uint64_t made_up = atomic_load_explicit(&set->made_up, memory_order_acquire);

    /* Two generations of children may look at the same time: what the later one knew, counts. */
    while (whole && look->missed > made_up &&
           !atomic_compare_exchange_weak_explicit(&set->made_up, &made_up, look->missed,
                                                  memory_order_acq_rel, memory_order_acquire)) {
    }
    atomic_store_explicit(&set->fresh_at, look->began, memory_order_release);
    atomic_store_explicit(&set->fresh_uptime, look->uptime, memory_order_release);
    if (whole) {
        atomic_store_explicit(&set->loaded, 1, memory_order_release);
    }
}

int authsvc_revocations_is_partial(const authsvc_revocations_t *set)
{
    apr_uint64_t made_up = atomic_load_explicit(&set->made_up, memory_order_acquire);

    return !atomic_load_explicit(&set->loaded, memory_order_acquire) ||
           atomic_load_explicit(&set->missed, memory_order_acquire) != made_up;
}
