/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CORE_RATE_H
#define AUTHSVC_CORE_RATE_H

#include <apr_errno.h>
#include <apr_time.h>

/**
 * How often something may be done: count times at once, and count times per window in the long
 * run, evenly (the generic cell rate algorithm). So in any one window it is less than twice count.
 */
typedef struct {
    apr_int64_t count;          /* at least 1, at most one each millisecond */
    apr_interval_time_t window; /* whole seconds, to AUTHSVC_RATE_WINDOW_MAX */
} authsvc_rate_t;

#define AUTHSVC_RATE_WINDOW_MAX apr_time_from_sec(86400)

/** Read "60/1m": a number, a slash, and a duration (core/units.h). @return 1 if it was a rate */
int authsvc_rate_parse(const char *text, authsvc_rate_t *rate);

/** One try: who, how often, and what came of it. */
typedef struct {
    apr_uint64_t key; /* a keyed hash of who it is, and of what is counted */
    authsvc_rate_t rate;
    apr_int64_t left;         /* how many more tries would be admitted now */
    apr_interval_time_t next; /* when it is one more; not 0 */
} authsvc_try_t;

/**
 * Where tries are counted: in this machine's memory, or wherever all nodes of a site can.
 */
typedef struct authsvc_rate_store_t {
    /**
     * Count tries that belong together, all of them or none. Never fails: a store that cannot be
     * reached admits, and says so itself.
     * @return the place of the one that is refused, whose left and next are set; n if none is:
     *   then they are set in all
     */
    int (*take)(void *baton, authsvc_try_t *tries, int n);
    /** What take would return, and set in the one that it would refuse, without counting. */
    int (*peek)(void *baton, authsvc_try_t *tries, int n);
    /** Take back what take counted. */
    void (*give_back)(void *baton, const authsvc_try_t *tries, int n);
    void *baton;
} authsvc_rate_store_t;

/**
 * A table of fixed size in memory that processes share. Each entry is one word, which changes by
 * one atomic step: no locks, and nothing is left half done by whoever is killed. A key has eight
 * entries to be in; where all of them are taken, the one that is over first gives way, and whom it
 * was about may begin anew. An entry that is over is as good as none.
 */
typedef struct authsvc_rate_table_t authsvc_rate_table_t;

#define AUTHSVC_RATE_TABLE_MIN 64
#define AUTHSVC_RATE_TABLE_MAX 16777216

/** Octets of memory that a table of so many entries needs. */
apr_size_t authsvc_rate_table_size(apr_size_t entries);

/**
 * Make an empty table.
 * @param memory of authsvc_rate_table_size(entries) octets, zeroed, aligned to 64
 * @param table the same address
 * @return APR_EINVAL for another number of entries than MIN to MAX
 */
apr_status_t authsvc_rate_table_create(void *memory, apr_size_t entries,
                                       authsvc_rate_table_t **table);

/**
 * Count one try, if it is admitted.
 * @param now by a clock that all who share the table read alike. It may be set back: nobody waits
 *   longer than two windows for that
 * @return 1 if it is admitted
 */
int authsvc_rate_table_take(authsvc_rate_table_t *table, authsvc_try_t *try, apr_time_t now);

/** What authsvc_rate_table_take would return, with what is left now. Counts nothing. */
int authsvc_rate_table_peek(authsvc_rate_table_t *table, authsvc_try_t *try, apr_time_t now);

/** Take back a try that was admitted. */
void authsvc_rate_table_give_back(authsvc_rate_table_t *table, const authsvc_try_t *try,
                                  apr_time_t now);

/** The same for some that belong together: authsvc_rate_store_t's take. */
int authsvc_rate_table_take_all(authsvc_rate_table_t *table, authsvc_try_t *tries, int n,
                                apr_time_t now);

/** The same for authsvc_rate_store_t's peek. */
int authsvc_rate_table_peek_all(authsvc_rate_table_t *table, authsvc_try_t *tries, int n,
                                apr_time_t now);

/** A store that is such a table, by a clock that nobody sets. @param store filled in */
void authsvc_rate_table_store(authsvc_rate_table_t *table, authsvc_rate_store_t *store);

#endif
