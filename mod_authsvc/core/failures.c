/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/core/failures.h"

#include <apr_strings.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authsvc/core/clock.h"

#define WAYS 8 /* entries in which a key may be */
#define LONGEST_WAIT (100 * 1000 * 1000) /* ns, for the lock */
#define TURN_EVERY apr_time_from_sec(1)
#define LATE apr_time_from_sec(3)
#define YOUNG apr_time_from_sec(10) /* a try that did not find the entry may still be under way */

/* Free if no failure was ever counted. */
typedef struct {
    unsigned char account[AUTHSVC_FAILURES_ACCOUNT];
    char place[AUTHSVC_FAILURES_PLACE];
    char user_id[AUTHSVC_FAILURES_USER];
    apr_uint64_t counted; /* only grows, as long as the key stays */
    apr_uint64_t written; /* as many of them the database knows, or nobody needs any more */
    apr_uint64_t taken;   /* as many of them a writer has had */
    apr_uint64_t born;    /* the number of the key's arrival, from 1 */
    apr_time_t born_at;   /* monotonic */
    apr_time_t since;     /* monotonic: the first that is not written */
    apr_int64_t row;      /* failures of the row as the last writer left it; 0: not known */
    apr_uint64_t row_upto; /* as many of those that are counted are in it, if it is committed */
    authsvc_failure_limit_t limit;
    int is_due;
} entry_t;

struct authsvc_failures_t {
    pthread_mutex_t mutex;
    apr_size_t n;
    apr_time_t turn_at; /* monotonic */
    apr_size_t scan;    /* where the next writer begins */
    apr_uint64_t births;
    entry_t entries[];
};

apr_size_t authsvc_failures_size(apr_size_t entries)
{
    return sizeof(authsvc_failures_t) + entries * sizeof(entry_t);
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
        made->turn_at = authsvc_clock_monotonic() - TURN_EVERY;
        *set = made;
    }
    return status;
}

/* Whatever a killed process left is a count at most one off. */
static int lock(authsvc_failures_t *set)
{
    struct timespec until;
    int status;

    if (!set) {
        return 0;
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LONGEST_WAIT;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    status = pthread_mutex_timedlock(&set->mutex, &until);
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
static entry_t *ways_of(authsvc_failures_t *set, const unsigned char *account, const char *place)
{
    apr_uint64_t hash;

    memcpy(&hash, account, sizeof(hash));
    for (; *place; place++) {
        hash = (hash ^ (unsigned char)*place) * 1099511628211ULL;
    }
    hash ^= hash >> 32;
    return &set->entries[hash % (set->n / WAYS) * WAYS];
}

static entry_t *find(authsvc_failures_t *set, const unsigned char *account, const char *place)
{
    entry_t *ways = ways_of(set, account, place);

    for (int i = 0; i < WAYS; i++) {
        if (has_key(&ways[i], account, place)) {
            return &ways[i];
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

static int is_less_useful(const entry_t *one, const entry_t *other, apr_time_t now)
{
    int young = one->counted && now - one->born_at < YOUNG;
    int other_is_young = other->counted && now - other->born_at < YOUNG;
    apr_int64_t n = pending(one, now), other_n = pending(other, now);

    if (young != other_is_young) {
        return other_is_young;
    }
    return n < other_n || (n == other_n && one->since < other->since);
}

/* The fewest failures; of those the oldest. */
static entry_t *least_useful(entry_t *ways, apr_time_t now)
{
    entry_t *least = &ways[0];

    for (int i = 1; i < WAYS; i++) {
        if (is_less_useful(&ways[i], least, now)) {
            least = &ways[i];
        }
    }
    return least;
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
    is_known = !mark->born || (entry && entry->born == mark->born);
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
        entry = least_useful(ways_of(set, account, place), now);
        memset(entry, 0, sizeof(*entry));
        entry->born = ++set->births;
        entry->born_at = now;
        memcpy(entry->account, account, AUTHSVC_FAILURES_ACCOUNT);
        apr_cpystrn(entry->place, place, sizeof(entry->place));
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
                          const char *place)
{
    int is_under_way = 0;

    if (lock(set)) {
        entry_t *entry = find(set, account, place);

        if (entry) {
            is_under_way = entry->taken > entry->written;
            entry->written = entry->counted;
        }
        unlock(set);
    }
    return is_under_way;
}

int authsvc_failures_turn(authsvc_failures_t *set)
{
    apr_time_t now = authsvc_clock_monotonic();
    int mine = 0;

    if (lock(set)) {
        mine = now - set->turn_at >= TURN_EVERY;
        if (mine) {
            set->turn_at = now;
        }
        unlock(set);
    }
    return mine;
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

static void take(entry_t *entry, apr_int64_t n, apr_array_header_t *due)
{
    authsvc_failures_due_t *taken = apr_array_push(due);

    entry->taken = entry->counted;
    memcpy(taken->account, entry->account, sizeof(taken->account));
    memcpy(taken->place, entry->place, sizeof(taken->place));
    memcpy(taken->user_id, entry->user_id, sizeof(taken->user_id));
    taken->limit = entry->limit;
    taken->n = n;
    taken->row = entry->row;
    taken->row_upto = entry->row_upto;
    taken->unsure = entry->row_upto > entry->written
                        ? (apr_int64_t)(entry->row_upto - entry->written)
                        : 0;
    taken->counted = entry->counted;
    taken->born = entry->born;
}

apr_array_header_t *authsvc_failures_due(authsvc_failures_t *set, apr_pool_t *pool, int most)
{
    apr_time_t now = authsvc_clock_monotonic();
    apr_array_header_t *due = apr_array_make(pool, most, sizeof(authsvc_failures_due_t));

    if (!lock(set)) {
        return due;
    }
    for (apr_size_t i = 0; i < set->n && due->nelts < most; i++) {
        entry_t *entry = &set->entries[set->scan];
        apr_int64_t n = entry->counted ? pending(entry, now) : 0;

        set->scan = (set->scan + 1) % set->n;
        if (n > 0 && entry->is_due) {
            take(entry, n, due);
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

        if (entry && entry->written >= due->counted) {
            left = 0;
        }
        unlock(set);
    }
    return left;
}

static void set_row(authsvc_failures_t *set, const authsvc_failures_due_t *due,
                    apr_int64_t failures, apr_uint64_t upto)
{
    if (lock(set)) {
        entry_t *entry = taken_from(set, due);

        if (entry) {
            entry->row = failures;
            entry->row_upto = upto;
        }
        unlock(set);
    }
}

void authsvc_failures_in_row(authsvc_failures_t *set, const authsvc_failures_due_t *due,
                             apr_int64_t failures)
{
    set_row(set, due, failures, due->counted);
}

void authsvc_failures_not_in_row(authsvc_failures_t *set, const authsvc_failures_due_t *due)
{
    set_row(set, due, due->row, due->row_upto);
}

void authsvc_failures_written(authsvc_failures_t *set, const apr_array_header_t *due)
{
    apr_time_t now = authsvc_clock_monotonic();

    if (!lock(set)) {
        return; /* they are written once more: too many rather than too few */
    }
    for (int i = 0; i < due->nelts; i++) {
        const authsvc_failures_due_t *one = &APR_ARRAY_IDX(due, i, authsvc_failures_due_t);
        entry_t *entry = taken_from(set, one);

        if (entry && entry->written < one->counted) {
            entry->written = one->counted;
            entry->since = now;
        }
    }
    unlock(set);
}
