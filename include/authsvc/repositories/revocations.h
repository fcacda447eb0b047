/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_REPOSITORIES_REVOCATIONS_H
#define AUTHSVC_REPOSITORIES_REVOCATIONS_H

#include <apr_tables.h>

#include "authsvc/db/db.h"

/** One entry: see authsvc/core/revocations.h. */
typedef struct {
    const char *id; /* uuid of a session, or of a user */
    apr_int64_t epoch;
    apr_interval_time_t lifetime; /* from now on, by the database's clock */
} authsvc_revocation_t;

/** What a look at the feed found. */
typedef struct {
    apr_int64_t next; /* where the next look begins; less than before: this is another history */
    int is_standby;   /* a replica: it may be far behind */
    apr_int64_t source; /* another number after the database server was started again */
    apr_array_header_t *revoked; /* of authsvc_revocation_t */
} authsvc_revocation_feed_t;

typedef struct {
    /**
     * Read all entries from a place on, twice rather than not at all.
     * @param from feed->next of the last look; 0: everything that has not expired
     */
    authsvc_error_t *(*poll)(authsvc_ctx_t *ctx, apr_int64_t from,
                             authsvc_revocation_feed_t *feed);

    /**
     * Write an entry for what is believed of a user without a session: of this second and before,
     * and of as many after it as the change may take to be committed. Whatever changes a user's
     * password, role or state has to do this in its transaction.
     * @param revoked of authsvc_revocation_t
     */
    authsvc_error_t *(*add_user)(authsvc_ctx_t *ctx, const char *user_id,
                                 apr_array_header_t **revoked);

    /** Let entries live as long as an access token of this node, if they do not yet. */
    authsvc_error_t *(*record_lifetime)(authsvc_ctx_t *ctx, apr_interval_time_t lifetime);

    /** Remove up to `limit` expired entries. @param removed how many */
    authsvc_error_t *(*purge)(authsvc_ctx_t *ctx, int limit, apr_int64_t *removed);
} authsvc_revocations_repository_t;

#endif
