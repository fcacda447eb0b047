/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_REPOSITORIES_LOGIN_FAILURES_H
#define AUTHSVC_REPOSITORIES_LOGIN_FAILURES_H

#include <apr_tables.h>

#include "authsvc/db/db.h"
#include "authsvc/repositories/users.h"

/** The longest place: "ip " and a network, "device " and an id. */
#define AUTHSVC_PLACE_MAX 64
#define AUTHSVC_PLACE_ALL "all"           /* the sum of an account */
#define AUTHSVC_PLACE_REGISTER "register" /* means nothing: users->insert_unseen */

/** Whose password is tried, and from where. */
typedef struct {
    const char *email; /* normalized */
    unsigned char account[AUTHSVC_ACCOUNT_OCTETS]; /* what stands for it */
    const char *network; /* a place */
    const char *device;  /* another one, or NULL */
} authsvc_login_attempt_t;

/** What is written about a place. Nothing is written: all 0. */
typedef struct {
    apr_int64_t failures; /* that still count */
    int paused;
} authsvc_place_state_t;

typedef struct {
    authsvc_place_state_t network;
    authsvc_place_state_t device;
    apr_int64_t account_failures; /* that still count */
    int known;  /* the network: a login from there succeeded lately */
    int recent; /* that is written down for today */
} authsvc_login_state_t;

/** What came of a record. */
typedef struct {
    apr_int64_t failures;
    apr_int64_t pauses;
    int begins; /* a pause, by this record */
    apr_interval_time_t pause;
} authsvc_failure_record_t;

/** One row, for people. */
typedef struct {
    const char *place;
    apr_int64_t failures;
    apr_time_t paused_until; /* 0: it is not */
    apr_time_t succeeded_at; /* 0: never, or long ago */
} authsvc_failure_entry_t;

/* Time is the database's throughout. */
typedef struct {
    /**
     * Find a user as users->find_by_email does, and what is written about the attempt. One
     * statement, the same whether there is such a user or not.
     * @param place, account the limits of a place, and of the sum
     * @param user NULL if there is none; a deleted one is found too
     */
    authsvc_error_t *(*find)(authsvc_ctx_t *ctx, const authsvc_login_attempt_t *attempt,
                             const authsvc_failure_limit_t *place,
                             const authsvc_failure_limit_t *account,
                             authsvc_login_state_t *state, authsvc_user_t **user);

    /** Add failures to a place. @param n of them */
    authsvc_error_t *(*record)(authsvc_ctx_t *ctx,
                               const unsigned char account[AUTHSVC_ACCOUNT_OCTETS],
                               const char *place, apr_int64_t n,
                               const authsvc_failure_limit_t *limit,
                               authsvc_failure_record_t *record);

    /**
     * Hold a place until the transaction ends, so that nobody else adds to it; one that has no row
     * gets an empty one.
     * @param failures of the row that a record would add to
     */
    authsvc_error_t *(*hold)(authsvc_ctx_t *ctx,
                             const unsigned char account[AUTHSVC_ACCOUNT_OCTETS],
                             const char *place, const authsvc_failure_limit_t *limit,
                             apr_int64_t *failures);

    /** Forget the failures of a place, not its success. */
    authsvc_error_t *(*clear)(authsvc_ctx_t *ctx,
                              const unsigned char account[AUTHSVC_ACCOUNT_OCTETS],
                              const char *place);

    /** Write down that a login from a network succeeded. */
    authsvc_error_t *(*remember)(authsvc_ctx_t *ctx,
                                 const unsigned char account[AUTHSVC_ACCOUNT_OCTETS],
                                 const char *network);

    /**
     * What is written about an account, the longest pause first; 1000 rows at most.
     * @param entries of authsvc_failure_entry_t
     */
    authsvc_error_t *(*list)(authsvc_ctx_t *ctx,
                             const unsigned char account[AUTHSVC_ACCOUNT_OCTETS],
                             const authsvc_failure_limit_t *account_limit,
                             apr_array_header_t **entries);

    /** Forget all failures of an account. @param cleared of how many places */
    authsvc_error_t *(*clear_all)(authsvc_ctx_t *ctx,
                                  const unsigned char account[AUTHSVC_ACCOUNT_OCTETS],
                                  apr_int64_t *cleared);

    /** Remove up to `limit` expired rows. @param removed how many */
    authsvc_error_t *(*purge)(authsvc_ctx_t *ctx, int limit, apr_int64_t *removed);
} authsvc_login_failures_repository_t;

#endif
