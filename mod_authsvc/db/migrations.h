/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_DB_MIGRATIONS_H
#define AUTHSVC_DB_MIGRATIONS_H

#include "authsvc/db/migrate.h"

/* By version, from 1 without a gap; ends with version 0. Generated from sql/. */
extern const authsvc_migration_t authsvc_migrations_pgsql[];
extern const authsvc_migration_t authsvc_migrations_sqlite[];

/* authsvc_migrate_up and the others, with other migrations (NULL: these): for tests. */
authsvc_error_t *authsvc_migrations_up(authsvc_ctx_t *ctx, const authsvc_migration_t *migrations,
                                       int to, const char *runtime_role,
                                       void (*report)(void *baton, const char *line), void *baton);
authsvc_error_t *authsvc_migrations_down(authsvc_ctx_t *ctx, const authsvc_migration_t *migrations,
                                         int to, void (*report)(void *baton, const char *line),
                                         void *baton);
authsvc_error_t *authsvc_migrations_status(authsvc_ctx_t *ctx,
                                           const authsvc_migration_t *migrations,
                                           apr_array_header_t **rows);

#endif
