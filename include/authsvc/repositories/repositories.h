/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_REPOSITORIES_REPOSITORIES_H
#define AUTHSVC_REPOSITORIES_REPOSITORIES_H

#include "authsvc/repositories/login_failures.h"
#include "authsvc/repositories/node.h"
#include "authsvc/repositories/revocations.h"
#include "authsvc/repositories/sessions.h"
#include "authsvc/repositories/users.h"

/**
 * All repositories, as the services are given them; a test of a service brings its own functions.
 * Every function answers errors as authsvc_db_run does, and *found/row pointers as documented.
 */
typedef struct authsvc_repositories_t {
    const authsvc_users_repository_t *users;
    const authsvc_sessions_repository_t *sessions;
    const authsvc_node_repository_t *node;
    const authsvc_revocations_repository_t *revocations;
    const authsvc_login_failures_repository_t *failures;
    /** authsvc_db_transaction, or a mock's. */
    authsvc_error_t *(*transaction)(authsvc_ctx_t *ctx,
                                    authsvc_error_t *(*fn)(authsvc_ctx_t *ctx, void *baton),
                                    void *baton);
    /** authsvc_db_identity, or a mock's. */
    authsvc_error_t *(*identity)(authsvc_ctx_t *ctx,
                                 unsigned char database_id[AUTHSVC_UUID_OCTETS]);
} authsvc_repositories_t;

/** The real ones, on ctx->db. */
extern const authsvc_repositories_t authsvc_repositories;

/**
 * Every repository's statements: a NULL-terminated list of NULL-terminated lists. One test
 * prepares them all on both engines.
 */
extern const authsvc_statement_t *const *const authsvc_repositories_statements[];

#endif
