/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/core/failures.h"

#include <apr_strings.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "authsvc/core/clock.h"

#define WAYS 8 /* entries in which a key may be */
#define LONGEST_WAIT 500000 /* us, for the lock */
#define LOOK_EVERY 100      /* us, whether it is free */
#define TURN_EVERY apr_time_from_sec(1)
#define LATE apr_time_from_sec(2)

/* Free if no failure was ever counted. */
typedef struct {
    unsigned char account[AUTHSVC_FAILURES_ACCOUNT];
    char place[AUTHSVC_FAILURES_PLACE];
    char user_id[AUTHSVC_FAILURES_USER];
    apr_uint64_t counted; /* only grows, as long as the key stays */
    apr_uint64_t written; /* as many of them the database knows, or nobody needs any more */
    apr_uint64_t born;    /* the number of the key's arrival, from 1 */
    apr_time_t since;     /* monotonic: the first that is not written */
    apr_int64_t row;      /* failures of the row as the last writer left it; 0: not known */
    apr_uint64_t row_upto; /* as many of those that are counted are in it, if it is committed */
    authsvc_failure_limit_t limit;
    int is_due;
    int clears; /* what is in the row was dropped: nothing is added until it is cleared */
} entry_t;

typedef struct {
    entry_t entries[WAYS];
    apr_uint64_t evicted; /* the youngest that made room for another one */
} bucket_t;

struct authsvc_failures_t {
    pthread_mutex_t mutex;
    apr_size_t n;       /* entries */
    apr_time_t turn_at; /* monotonic: when the next writer may begin */
    apr_uint64_t turn;  /* whose it is now */
    apr_size_t scan;    /* where it does */
    apr_uint64_t births;
    bucket_t buckets[];
};

apr_size_t authsvc_failures_size(apr_size_t entries)
{
    return sizeof(authsvc_failures_t) + entries / WAYS * sizeof(bucket_t);
}

apr_status_t authsvc_failures_create(void *memory, apr_size_t entries, authsvc_failures_t **set)
{
    authsvc_failures_t *made = memory;
    pthread_mutexattr_t attributes;
    int status;

    if (entries < WAYS) {
        return APR_EINVAL;
    }
    status = pthread_mutexattr_init(&attributes);
    if (status) {
        return status;
    }
    status = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (!status) {
        status = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    }
    if (!status) {
        status = pthread_mutex_init(&made->mutex, &attributes);
    }
    pthread_mutexattr_destroy(&attributes);
    if (!status) {
        made->n = entries / WAYS * WAYS;
        made->turn_at = authsvc_clock_monotonic();
        *set = made;
    }
    return status;
}

/*
 * Whatever a killed process left is a count that is a little off. (pthread_mutex_timedlock would
 * wait by a clock that can be set.)
 */
static int lock(authsvc_failures_t *set)
{
    apr_time_t until = 0;
    int status;

    if (!set) {
        return 0;
    }
    while ((status = pthread_mutex_trylock(&set->mutex)) == EBUSY) {
        apr_time_t now = authsvc_clock_monotonic();

        until = until ? until : now + LONGEST_WAIT;
        if (now >= until) {
            return 0;
        }
        apr_sleep(LOOK_EVERY);
    }
    if (status == EOWNERDEAD) {
        status = pthread_mutex_consistent(&set->mutex);
    }
    return status == 0;
}

static void unlock(authsvc_failures_t *set)
{
    pthread_mutex_unlock(&set->mutex);
}

static int has_key(const entry_t *entry, const unsigned char *account, const char *place)
{
    return entry->counted && memcmp(entry->account, account, AUTHSVC_FAILURES_ACCOUNT) == 0 &&
           strcmp(entry->place, place) == 0;
}

/* Nobody can aim: an account is a hash under a key that nobody knows. */
static bucket_t *bucket_of(authsvc_failures_t *set, const unsigned char *account,
                           const char *place)
{
    apr_uint64_t hash;

    memcpy(&hash, account, sizeof(hash));
    for (; *place; place++) {
        hash = (hash ^ (unsigned char)*place) * 1099511628211ULL;
    }
    hash ^= hash >> 32;
    return &set->buckets[hash % (set->n / WAYS)];
}

static entry_t *find(authsvc_failures_t *set, const unsigned char *account, const char *place)
{
    bucket_t *bucket = bucket_of(set, account, place);

    for (int i = 0; i < WAYS; i++) {
        if (has_key(&bucket->entries[i], account, place)) {
            return &bucket->entries[i];
        }
    }
    return NULL;
}

static apr_int64_t pending(const entry_t *entry, apr_time_t now)
{
    return now - entry->since < entry->limit.window
               ? (apr_int64_t)(entry->counted - entry->written)
               : 0;
}

/* The fewest failures; of those the oldest. */
static entry_t *least_useful(bucket_t *bucket, apr_time_t now)
{
    entry_t *least = &bucket->entries[0];

    for (int i = 1; i < WAYS; i++) {
        entry_t *entry = &bucket->entries[i];
        apr_int64_t mine = pending(entry, now), its = pending(least, now);

        if (mine < its || (mine == its && entry->since < least->since)) {
            least = entry;
        }
    }
    return least;
}

static entry_t *make_room(authsvc_failures_t *set, const unsigned char *account,
                          const char *place, apr_time_t now)
{
    bucket_t *bucket = bucket_of(set, account, place);
    entry_t *entry = least_useful(bucket, now);

    if (entry->born > bucket->evicted) {
        bucket->evicted = entry->born;
    }
    memset(entry, 0, sizeof(*entry));
    entry->born = ++set->births;
    memcpy(entry->account, account, AUTHSVC_FAILURES_ACCOUNT);
    apr_cpystrn(entry->place, place, sizeof(entry->place));
    return entry;
}

int authsvc_failures_mark(authsvc_failures_t *set, const unsigned char *account,
                          const char *place, authsvc_failures_mark_t *mark)
{
    const entry_t *entry;

    memset(mark, 0, sizeof(*mark));
    if (!set) {
        return 1;
    }
    if (!lock(set)) {
        return 0;
    }
    entry = find(set, account, place);
    mark->births = set->births;
    if (entry) {
        apr_int64_t n = pending(entry, authsvc_clock_monotonic());

        mark->born = entry->born;
        mark->counted = entry->counted - (apr_uint64_t)n;
    }
    unlock(set);
    return 1;
}

void authsvc_failures_settle(authsvc_failures_t *set, const unsigned char *account,
                             const char *place, apr_int64_t failures,
                             authsvc_failures_mark_t *mark)
{
    if (lock(set)) {
        const entry_t *entry = find(set, account, place);

        if (entry && entry->born == mark->born && entry->row > 0 && failures >= entry->row &&
            mark->counted < entry->row_upto) {
            mark->counted = entry->row_upto;
        }
        unlock(set);
    }
}

/* Whether the entry that a mark is of, or one that came after it, may have gone. */
static int is_lost(authsvc_failures_t *set, const entry_t *entry, const unsigned char *account,
                   const char *place, const authsvc_failures_mark_t *mark)
{
    return mark->born ? !entry || entry->born != mark->born
                      : bucket_of(set, account, place)->evicted > mark->births;
}

int authsvc_failures_since(authsvc_failures_t *set, const unsigned char *account,
                           const char *place, const authsvc_failures_mark_t *mark,
                           apr_int64_t *n)
{
    const entry_t *entry;
    int is_known;

    *n = 0;
    if (!set) {
        return 1;
    }
    if (!lock(set)) {
        return 0;
    }
    entry = find(set, account, place);
    is_known = !is_lost(set, entry, account, place, mark);
    if (entry && is_known) {
        *n = (apr_int64_t)(entry->counted - mark->counted);
    }
    unlock(set);
    return is_known;
}

int authsvc_failures_add(authsvc_failures_t *set, const unsigned char *account, const char *place,
                         const char *user_id, const authsvc_failure_limit_t *limit, int is_due)
{
    apr_time_t now = authsvc_clock_monotonic();
    entry_t *entry;

    if (strlen(place) >= AUTHSVC_FAILURES_PLACE || !lock(set)) {
        return 0;
    }
    entry = find(set, account, place);
    if (!entry) {
        entry = make_room(set, account, place, now);
    }
    if (pending(entry, now) == 0) {
        entry->written = entry->counted;
        entry->since = now;
        entry->is_due = 0;
    }
    entry->limit = *limit;
    apr_cpystrn(entry->user_id, user_id ? user_id : "", sizeof(entry->user_id));
    entry->counted++;
    entry->is_due = entry->is_due || is_due ||
                    entry->counted - entry->written >= AUTHSVC_FAILURES_WORTH;
    unlock(set);
    return 1;
}

int authsvc_failures_drop(authsvc_failures_t *set, const unsigned char *account,
                          const char *place, const authsvc_failures_mark_t *mark)
{
    int is_in_row = 0;

    if (lock(set)) {
        entry_t *entry = find(set, account, place);

        if (entry) {
            is_in_row = entry->row_upto > mark->counted;
            entry->clears = entry->clears || entry->row_upto > entry->written;
            entry->written = entry->counted;
        }
        unlock(set);
    }
    return is_in_row;
}

apr_uint64_t authsvc_failures_turn(authsvc_failures_t *set, apr_interval_time_t time)
{
    apr_time_t now = authsvc_clock_monotonic();
    apr_uint64_t turn = 0;

    if (lock(set)) {
        if (now >= set->turn_at) {
            turn = ++set->turn;
            set->turn_at = now + (time > TURN_EVERY ? time : TURN_EVERY);
        }
        unlock(set);
    }
    return turn;
}

int authsvc_failures_is_late(authsvc_failures_t *set)
{
    int late = 0;

    if (lock(set)) {
        late = authsvc_clock_monotonic() - set->turn_at >= LATE;
        unlock(set);
    }
    return late;
}

static int by_key(const void *a, const void *b)
{
    const authsvc_failures_due_t *one = a, *other = b;
    int order = memcmp(one->account, other->account, AUTHSVC_FAILURES_ACCOUNT);

    return order ? order : strcmp(one->place, other->place);
}

static void take(const entry_t *entry, apr_int64_t n, apr_uint64_t turn, apr_array_header_t *due)
{
    authsvc_failures_due_t *taken = apr_array_push(due);

    memcpy(taken->account, entry->account, sizeof(taken->account));
    memcpy(taken->place, entry->place, sizeof(taken->place));
    memcpy(taken->user_id, entry->user_id, sizeof(taken->user_id));
    taken->limit = entry->limit;
    taken->clears = entry->clears;
    taken->n = entry->clears ? 0 : n;
    taken->row = entry->row;
    taken->row_upto = entry->row_upto;
    taken->unsure = entry->row_upto > entry->written
                        ? (apr_int64_t)(entry->row_upto - entry->written)
                        : 0;
    taken->counted = entry->counted;
    taken->born = entry->born;
    taken->turn = turn;
}

apr_array_header_t *authsvc_failures_due(authsvc_failures_t *set, apr_uint64_t turn,
                                         apr_pool_t *pool, int most)
{
    apr_time_t now = authsvc_clock_monotonic();
    apr_array_header_t *due = apr_array_make(pool, most, sizeof(authsvc_failures_due_t));

    if (!lock(set)) {
        return due;
    }
    for (apr_size_t i = 0; i < set->n && turn == set->turn && due->nelts < most; i++) {
        const entry_t *entry = &set->buckets[set->scan / WAYS].entries[set->scan % WAYS];
        apr_int64_t n = entry->counted ? pending(entry, now) : 0;

        set->scan = (set->scan + 1) % set->n;
        if (entry->clears || (n > 0 && entry->is_due)) {
            take(entry, n, turn, due);
        }
    }
    unlock(set);
    qsort(due->elts, (size_t)due->nelts, sizeof(authsvc_failures_due_t), by_key);
    return due;
}

/* The entry from which it was taken. @return NULL if that made room for another one */
static entry_t *taken_from(authsvc_failures_t *set, const authsvc_failures_due_t *due)
{
    entry_t *entry = find(set, due->account, due->place);

    return entry && entry->born == due->born ? entry : NULL;
}

apr_int64_t authsvc_failures_left(authsvc_failures_t *set, const authsvc_failures_due_t *due)
{
    apr_int64_t left = due->n;

    if (lock(set)) {
        const entry_t *entry = taken_from(set, due);

        if (entry) {
            left = due->counted > entry->written ? (apr_int64_t)(due->counted - entry->written)
                                                 : 0;
        }
        unlock(set);
    }
    return left < due->n ? left : due->n;
}

/* So many of the counted ones need not be written any more. */
static void set_written(entry_t *entry, apr_uint64_t upto)
{
    if (entry->written < upto) {
        entry->written = upto;
        entry->since = authsvc_clock_monotonic();
    }
}

void authsvc_failures_held(authsvc_failures_t *set, authsvc_failures_due_t *due,
                           apr_int64_t failures)
{
    int is_there = failures >= due->row;

    if (lock(set)) {
        entry_t *entry = taken_from(set, due);

        if (entry && is_there) {
            set_written(entry, due->row_upto);
        } else if (entry && entry->row_upto == due->row_upto) {
            entry->row = 0;
            entry->row_upto = entry->written;
        }
        unlock(set);
    }
    if (is_there) {
        due->n -= due->unsure;
    } else {
        due->row = 0;
        due->row_upto -= (apr_uint64_t)due->unsure;
    }
    due->unsure = 0;
}

int authsvc_failures_in_row(authsvc_failures_t *set, const authsvc_failures_due_t *due,
                            apr_int64_t failures)
{
    entry_t *entry;
    int is_mine;

    if (!set) {
        return 1;
    }
    if (!lock(set)) {
        return 0;
    }
    entry = taken_from(set, due);
    is_mine = due->born == 0 || set->turn == due->turn;
    if (entry && is_mine) {
        entry->row = failures;
        entry->row_upto = due->counted;
        entry->clears = entry->clears || entry->written >= due->counted; /* dropped meanwhile */
    }
    unlock(set);
    return is_mine;
}

void authsvc_failures_not_in_row(authsvc_failures_t *set, const apr_array_header_t *due)
{
    if (!lock(set)) {
        return; /* the next writer looks whether they are */
    }
    for (int i = 0; i < due->nelts; i++) {
        const authsvc_failures_due_t *one = &APR_ARRAY_IDX(due, i, authsvc_failures_due_t);
        entry_t *entry = taken_from(set, one);

        if (entry && set->turn == one->turn && entry->row_upto == one->counted) {
            entry->row = one->row;
            entry->row_upto = one->row_upto;
        }
    }
    unlock(set);
}

/* What a later writer has put in the row may be to be cleared again. */
static void settle_written(entry_t *entry, const authsvc_failures_due_t *due)
{
    if (!due->clears) {
        set_written(entry, due->counted);
    } else if (entry->row_upto == due->row_upto) {
        entry->clears = 0;
    }
}

void authsvc_failures_written(authsvc_failures_t *set, const apr_array_header_t *due)
{
    if (!lock(set)) {
        return; /* the same */
    }
    for (int i = 0; i < due->nelts; i++) {
        const authsvc_failures_due_t *one = &APR_ARRAY_IDX(due, i, authsvc_failures_due_t);
        entry_t *entry = taken_from(set, one);

        if (entry) {
            settle_written(entry, one);
        }
    }
    unlock(set);
}
