/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_TESTS_SERVICES_FAKE_H
#define AUTHSVC_TESTS_SERVICES_FAKE_H

/*
 * Repositories of a few rows in memory, and a context that uses them: the services are tested
 * without a database. Each call is counted, and any of them can be made to fail.
 */

#include "unit.h"

#include "authsvc/core/settings.h"
#include "authsvc/services/services.h"

#define FAKE_ROWS 8
#define FAKE_REVOCATIONS 32
#define FAKE_FAILURES 256
#define FAKE_PASSWORD "Correct Horse 9"

typedef struct {
    authsvc_user_t row;
    char id[AUTHSVC_UUID_TEXT + 1];
    char email[300];
    char hash[200];
    char name[500];
} fake_user_t;

typedef struct {
    char id[AUTHSVC_UUID_TEXT + 1];
    fake_user_t *user;
    unsigned char nonce_hash[AUTHSVC_NONCE_HASH_OCTETS];
    char user_agent[300];
    char ip[50];
    apr_int64_t counter;
    apr_int64_t epoch;
    apr_time_t created_at;
    apr_time_t rotated_at; /* 0: never */
    apr_time_t revoked_at; /* 0: it is not */
} fake_session_t;

typedef struct {
    unsigned char account[AUTHSVC_ACCOUNT_OCTETS];
    char place[AUTHSVC_PLACE_MAX + 1];
    apr_int64_t failures;
    int pauses;
    apr_time_t since;
    apr_time_t paused_until;
    apr_time_t succeeded_at; /* 0: never */
} fake_failures_t;

/* Everything a test looks at or sets. */
typedef struct {
    authsvc_ctx_t ctx;
    apr_pool_t *pool; /* of the whole test */
    authsvc_settings_t settings;
    unit_log_t log;
    apr_time_t now; /* the clock of the node and of the "database" */
    fake_user_t users[FAKE_ROWS];
    fake_session_t sessions[FAKE_ROWS];
    int n_users;
    int n_sessions;
    int calls;             /* of any repository function */
    int fail_at;           /* this call (from 1) is UNAVAILABLE; 0: none */
    int unknown_outcome;   /* and might be done */
    int transactions;      /* begun */
    int in_transaction;
    int rotations_refused; /* this many rotations are refused though they would be due */
    /* Called before a session is inserted: what happens between check and use. */
    void (*before_insert)(void);
    /* And before a user is deactivated or gets another role. */
    void (*before_change)(void);
    /* The feed: what was written to it, and what a look at it says beside. */
    authsvc_revocation_t revoked[FAKE_REVOCATIONS];
    int n_revoked;
    int is_standby;
    apr_int64_t source;
    apr_int64_t polled_from; /* the last look began there */
    apr_int64_t lifetime;    /* that was recorded, us */
    int purges;
    apr_int64_t purged; /* what a purge says it removed */
    fake_failures_t failures[FAKE_FAILURES];
    int n_failures;
    int records;              /* of failures, written */
    int unanswered;           /* commits, the next ones */
    int commits;              /* they are done all the same */
    void (*before_record)(void); /* what happens just before failures get into a row */
    apr_interval_time_t record_time; /* that each takes of the budget; 0: none */
    void (*after_find)(void); /* what happens between the look-up of an account and its hash */
    authsvc_node_state_t node;
    int recorded_secret;
    char recorded_fingerprint[64];
} fake_t;

extern fake_t fake;

/* fake_failures.c */
extern const authsvc_login_failures_repository_t fake_failures_repository;

/** Count a call, and fail it if it is the one to fail. */
authsvc_error_t *fake_called(authsvc_ctx_t *ctx);

/** A fresh world: no user, registration open, cheap hashes, ES256 keys, a secret, a fixed time. */
void fake_setup(void);
void fake_teardown(void);

/** A test case whose tests start in a fresh world. */
TCase *fake_tcase(Suite *suite, const char *name);

/** A user with FAKE_PASSWORD. */
fake_user_t *fake_add_user(const char *email);

/** Sign that user in. */
/** Two keys, of which the second is published and signs from apr_time_from_sec(10) on. */
const struct authsvc_keyset_t *fake_rotating_keys(apr_pool_t *pool);

authsvc_grant_t fake_login(fake_user_t *user);

/** Make ctx.principal the one that this access token names. */
void fake_use_token(const char *access_token);

/** The error has this code and slug. */
#define ck_assert_problem(err, expected_code, expected_slug)   \
    do {                                                       \
        const authsvc_error_t *ck_err = (err);                 \
        ck_assert_ptr_nonnull(ck_err);                         \
        ck_assert_int_eq(ck_err->code, (expected_code));       \
        ck_assert_pstr_eq(ck_err->slug, (expected_slug));      \
    } while (0)

/** The call succeeded. */
#define ck_assert_ok(err)                                                      \
    do {                                                                       \
        const authsvc_error_t *ck_err = (err);                                 \
        if (ck_err) {                                                          \
            ck_abort_msg("%s", authsvc_error_describe(ck_err, fake.ctx.pool)); \
        }                                                                      \
    } while (0)

#endif
