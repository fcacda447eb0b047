/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CORE_FAILURES_H
#define AUTHSVC_CORE_FAILURES_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

/*
 * Failures that the database does not know yet, in memory that the processes of a node share: so
 * they count at once, and the database is written to seldom, for many at a time. Of fixed size: the
 * entry of the fewest failures makes room for a new one. All functions may be called by any thread
 * of any process; none waits for longer than 0.5 s, also for a process that stands still. A process
 * that is killed leaves nothing locked. A set may be NULL: there is none.
 */
typedef struct authsvc_failures_t authsvc_failures_t;

/** How many failures are let pass within a time, and what follows then. */
typedef struct {
    apr_int64_t failures;
    apr_interval_time_t window;
    apr_interval_time_t first;   /* the first pause; each one is twice as long; 0: there are none */
    apr_interval_time_t longest; /* but not longer */
} authsvc_failure_limit_t;

#define AUTHSVC_FAILURES_ACCOUNT 16
#define AUTHSVC_FAILURES_PLACE 64
#define AUTHSVC_FAILURES_USER 40

/** Octets that a set of so many entries needs. */
apr_size_t authsvc_failures_size(apr_size_t entries);

/**
 * Make a set in memory of authsvc_failures_size(entries) zeroed octets, aligned to 64.
 * @param entries at least 8
 */
apr_status_t authsvc_failures_create(void *memory, apr_size_t entries, authsvc_failures_t **set);

/** Where the count of an account's place was, before the database was asked for it. */
typedef struct {
    apr_uint64_t births;  /* entries that had come by then */
    apr_uint64_t born;    /* which entry; 0: there was none */
    apr_uint64_t counted; /* as many were written, or did not matter any more */
} authsvc_failures_mark_t;

/** @return 0 if it cannot be told now */
int authsvc_failures_mark(authsvc_failures_t *set, const unsigned char *account,
                          const char *place, authsvc_failures_mark_t *mark);

/**
 * After the database was asked: where its answer holds all that the last writer put in the row, the
 * mark moves behind that, so that nothing counts twice.
 * @param failures of the row
 */
void authsvc_failures_settle(authsvc_failures_t *set, const unsigned char *account,
                             const char *place, apr_int64_t failures,
                             authsvc_failures_mark_t *mark);

/**
 * How many there are beyond what the database said after the mark was taken: those that were not
 * written then, and those counted since, also if they are written by now. (What a writer of another
 * node has changed in the row meanwhile may count twice: too many rather than too few.)
 * @return 0 if it cannot be told: the entry may have made room for another one meanwhile, or it is
 *   not to be had now
 */
int authsvc_failures_since(authsvc_failures_t *set, const unsigned char *account,
                           const char *place, const authsvc_failures_mark_t *mark,
                           apr_int64_t *n);

/**
 * Count one more.
 * @param user_id text for the log, may be NULL
 * @param limit of the place; after its window they do not matter any more, counted from the first
 * @param is_due 1: the next writer takes it; 0: when there are AUTHSVC_FAILURES_WORTH of them, so
 *   that who tries each invented address once writes nothing
 * @return 0 if it could not be counted here
 */
int authsvc_failures_add(authsvc_failures_t *set, const unsigned char *account, const char *place,
                         const char *user_id, const authsvc_failure_limit_t *limit, int is_due);

#define AUTHSVC_FAILURES_WORTH 3

/**
 * Forget what was not written of a place. What a writer has put in the row, and is or was not sure
 * of, is to be cleared by the next one.
 * @return 1 if some came into the row after the mark, which the database's answer does not hold
 */
int authsvc_failures_drop(authsvc_failures_t *set, const unsigned char *account,
                          const char *place, const authsvc_failures_mark_t *mark);

/** What a writer takes. */
typedef struct {
    unsigned char account[AUTHSVC_FAILURES_ACCOUNT];
    char place[AUTHSVC_FAILURES_PLACE];
    char user_id[AUTHSVC_FAILURES_USER]; /* "" if there is none */
    authsvc_failure_limit_t limit;       /* of whoever counted last */
    apr_int64_t n;
    apr_int64_t unsure; /* of them; they may be in the row: then it has `row` failures at least */
    apr_int64_t row;
    int clears; /* nothing is to be added: it has what was dropped, if exactly `row` */
    apr_uint64_t counted; /* these four for what follows */
    apr_uint64_t row_upto;
    apr_uint64_t born; /* 0: it was never in a set */
    apr_uint64_t turn;
} authsvc_failures_due_t;

/**
 * The turn of the one who is to write now: at most once a second for the set, and nobody else's
 * before its time is over.
 * @return its number; 0: it is not
 */
apr_uint64_t authsvc_failures_turn(authsvc_failures_t *set, apr_interval_time_t time);

/** 1 if nobody took the next turn for seconds. */
int authsvc_failures_is_late(authsvc_failures_t *set);

/**
 * What is due, in the order of account and place, which all writers keep to.
 * @return of authsvc_failures_due_t, at most `most`, in pool; none if it is another one's turn
 */
apr_array_header_t *authsvc_failures_due(authsvc_failures_t *set, apr_uint64_t turn,
                                         apr_pool_t *pool, int most);

/** How many of these are still to be written: not those dropped since they were taken. */
apr_int64_t authsvc_failures_left(authsvc_failures_t *set, const authsvc_failures_due_t *due);

/**
 * The row is held, so that it shows whether the unsure ones are in it: that is settled, whatever
 * becomes of the others.
 * @param failures of the row
 */
void authsvc_failures_held(authsvc_failures_t *set, authsvc_failures_due_t *due,
                           apr_int64_t failures);

/**
 * These are in the row, but not committed yet.
 * @param failures of the row
 * @return 0 if that could not be noted, or another writer has its turn by now: then they must not
 *   be committed
 */
int authsvc_failures_in_row(authsvc_failures_t *set, const authsvc_failures_due_t *due,
                            apr_int64_t failures);

/**
 * They are not in it after all. If neither this nor authsvc_failures_written() follows, that is not
 * known, and the next writer is told so.
 * @param due of authsvc_failures_due_t
 */
void authsvc_failures_not_in_row(authsvc_failures_t *set, const apr_array_header_t *due);

/**
 * The database knows these now, or has cleared what was to be cleared.
 * @param due of authsvc_failures_due_t
 */
void authsvc_failures_written(authsvc_failures_t *set, const apr_array_header_t *due);

#endif
