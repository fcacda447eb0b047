/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_DB_MIGRATE_H
#define AUTHSVC_DB_MIGRATE_H

#include "authsvc/db/provider.h"

/** The schema version this module needs, and its own number (authsvc_schema.min_module). */
#define AUTHSVC_SCHEMA_VERSION 4
#define AUTHSVC_MODULE_LEVEL 1

/** One embedded migration. */
typedef struct {
    int version;
    const char *name; /* "create_users" */
    const char *up;
    const char *down;
    const char *checksum; /* SHA-256 of up and down, hex */
} authsvc_migration_t;

/** One row of the status table. */
typedef struct {
    int version;
    const char *name;
    const char *state; /* "applied", "pending", "changed", "unknown" (applied, not in this build) */
    apr_time_t applied_at; /* 0 if it is not */
} authsvc_migration_status_t;

/*
 * All of these take as long as ctx->db_budget allows, on ctx->db, whose schema is not checked.
 */

/**
 * Bring the schema up to version `to` (AUTHSVC_SCHEMA_VERSION at most; 0: the newest). Each
 * migration in one transaction, all under an advisory lock: two at once are safe.
 * @param runtime_role PostgreSQL role that is granted DML on the tables; NULL: none
 * @param report called after each step; may be NULL
 * @return CONFLICT if an applied migration's checksum differs from the embedded one's
 */
authsvc_error_t *authsvc_migrate_up(authsvc_ctx_t *ctx, int to, const char *runtime_role,
                                    void (*report)(void *baton, const char *line), void *baton);

/** Take the schema down to version `to`, 0: nothing is left, authsvc_schema included. */
authsvc_error_t *authsvc_migrate_down(authsvc_ctx_t *ctx, int to,
                                      void (*report)(void *baton, const char *line), void *baton);

/**
 * What going down to version `to` would lose.
 * @param lost names of what holds rows ("users, sessions"), in ctx->pool; NULL: nothing does
 */
authsvc_error_t *authsvc_migrate_losses(authsvc_ctx_t *ctx, int to, const char **lost);

/** @param rows of authsvc_migration_status_t, in ctx->pool, by version */
authsvc_error_t *authsvc_migrate_status(authsvc_ctx_t *ctx, apr_array_header_t **rows);

#endif
