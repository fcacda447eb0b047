/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CORE_REVOCATIONS_H
#define AUTHSVC_CORE_REVOCATIONS_H

#include <apr_errno.h>
#include <apr_time.h>

#include "authsvc/core/uuid.h"

/**
 * What was revoked lately, of one database: a set of fixed size in memory that processes share.
 * An entry (id, n) says that whatever bears this id with an epoch of n or less is over. Entries
 * expire; what they spoke of has expired by then, too.
 *
 * Reading takes no lock. Writers take turns by a robust mutex: one that was killed in the middle
 * leaves nothing behind that the next one does not mend. All places are offsets, so that each
 * process may see the memory at another address. The set answers "alive" only while it is whole:
 * loaded, fresh, and with room for all that it was told. Otherwise it answers "unknown".
 */
typedef struct authsvc_revocations_t authsvc_revocations_t;

typedef enum {
    AUTHSVC_SESSION_UNKNOWN, /* ask the database */
    AUTHSVC_SESSION_ALIVE,
    AUTHSVC_SESSION_REVOKED
} authsvc_session_verdict_t;

#define AUTHSVC_REVOCATIONS_MIN 64
#define AUTHSVC_REVOCATIONS_MAX 4194304

/** Octets of memory that a set of this many entries needs. */
apr_size_t authsvc_revocations_size(apr_size_t entries);

/**
 * Make an empty set, not loaded. Where an entry lies depends on random numbers drawn here, so that
 * nobody can choose sessions which collide.
 * @param memory of authsvc_revocations_size(entries) octets, zeroed, aligned to 64, shared between
 *   all who use the set; it must never be used again after authsvc_revocations_destroy
 * @param entries AUTHSVC_REVOCATIONS_MIN to _MAX
 * @param set the same address
 * @return APR_EINVAL for another number; what the system says if it gives no mutex or no random
 *   octets
 */
apr_status_t authsvc_revocations_create(void *memory, apr_size_t entries,
                                        authsvc_revocations_t **set);

/** End its use, when no other process or thread uses it any more. */
void authsvc_revocations_destroy(authsvc_revocations_t *set);

/** The number of entries it was made for. */
apr_size_t authsvc_revocations_capacity(const authsvc_revocations_t *set);

/** How long after the last look at the database it may still answer "alive"; 0 at first. */
void authsvc_revocations_set_max_stale(authsvc_revocations_t *set, apr_interval_time_t max_stale);

/**
 * Whether something is still valid.
 * @param set NULL: UNKNOWN
 * @param id of a session, or of a user
 * @param epoch the session's epoch by its token; for a user, the database's second at which what
 *   is asked about was true
 * @param now the system's clock, as the entries' ends and the freshness are by it
 * @return REVOKED whenever there is an entry; ALIVE only if there is none, the set is loaded,
 *   nothing is missing, and the last look at the database is not older than max_stale: neither by
 *   `now` (nor in the future: then the clock was set back), nor by a clock that nobody sets
 */
authsvc_session_verdict_t authsvc_revocations_verdict(const authsvc_revocations_t *set,
                                                      const unsigned char id[AUTHSVC_UUID_OCTETS],
                                                      apr_int64_t epoch, apr_time_t now);

/**
 * Add an entry; it counts from when this returns. One that finds no room (or no turn within 100
 * ms) makes every verdict that would be ALIVE UNKNOWN, until all were loaded again and had room.
 * @param set NULL: nothing happens
 * @param lifetime from now on; none if it is not positive
 * @return 0 if there was no turn: the next one would wait as long
 */
int authsvc_revocations_add(authsvc_revocations_t *set,
                            const unsigned char id[AUTHSVC_UUID_OCTETS], apr_int64_t epoch,
                            apr_interval_time_t lifetime);

/** Count entries as missing that are not even tried. */
void authsvc_revocations_miss(authsvc_revocations_t *set, apr_uint64_t count);

/**
 * Try to become the one thread of all processes that looks at the database for the others; never
 * waits. It is until it resigns or ends, and be it because its process is killed: then the next
 * one that tries takes over at once, and has to begin with a look at all entries.
 * @return whether the calling thread is now; it must not ask again until it has resigned
 */
int authsvc_revocations_lead(authsvc_revocations_t *set);

/** Let another one look; by the thread that does so far, otherwise nothing happens. */
void authsvc_revocations_resign(authsvc_revocations_t *set);

/** What a look at the database begins with, and hands back at its end. */
typedef struct {
    apr_time_t began;
    apr_time_t uptime; /* then, by a clock that nobody sets */
    apr_uint64_t missed;
} authsvc_revocations_look_t;

/** Begin a look: before the query is sent. */
void authsvc_revocations_begin(const authsvc_revocations_t *set,
                               authsvc_revocations_look_t *look);

/**
 * End a look that succeeded, after all it found was added: the set is as fresh as its beginning.
 * @param whole it asked for all entries, not only for new ones
 */
void authsvc_revocations_complete(authsvc_revocations_t *set,
                                  const authsvc_revocations_look_t *look, int whole);

/** Whether only a look at all entries helps: none was completed yet, or something found no room. */
int authsvc_revocations_is_partial(const authsvc_revocations_t *set);

#endif
