/* SPDX-License-Identifier: Apache-2.0 */
#include "auto_migrate.h"

#include "authsvc/core/log.h"
#include "authsvc/db/migrate.h"
#include "config.h"
#include "log_sink.h"

#define BUDGET (10 * APR_USEC_PER_SEC)

static void report(void *baton, const char *line)
{
    authsvc_log(baton, AUTHSVC_LOG_NOTICE, "AS0581", "AuthSvcAutoMigrate: %s", line);
}

/* Most children find nothing to do; they need not take the lock that a migration takes. */
static authsvc_error_t *is_done(authsvc_ctx_t *ctx, int *done)
{
    apr_array_header_t *rows;
    int i;

    AUTHSVC_TRY(authsvc_migrate_status(ctx, &rows));
    *done = 1;
    for (i = 0; i < rows->nelts; i++) {
        const char *state = APR_ARRAY_IDX(rows, i, authsvc_migration_status_t).state;

        /* A changed one is refused, loudly, by the run itself. */
        if (strcmp(state, "pending") == 0 || strcmp(state, "changed") == 0) {
            *done = 0;
        }
    }
    return NULL;
}

void authsvc_auto_migrate(apr_pool_t *pchild, server_rec *s)
{
    const authsvc_server_config_t *config = authsvc_config_server(s);
    authsvc_ctx_t ctx = {0};
    authsvc_error_t *err;
    apr_pool_t *pool;
    int done = 0;

    apr_pool_create(&pool, pchild);
    ctx.pool = pool;
    ctx.settings = config->settings;
    ctx.log = authsvc_log_sink_server(pool, s);
    ctx.db = config->db;
    ctx.db_budget = BUDGET;
    err = is_done(&ctx, &done);
    if (!err && !done) {
        err = authsvc_migrate_up(&ctx, 0, NULL, report, (void *)(uintptr_t)(const void *)ctx.log);
    }
    if (err) {
        authsvc_log(ctx.log, AUTHSVC_LOG_ERROR, "AS0580", "AuthSvcAutoMigrate: %s",
                    authsvc_error_describe(err, pool));
    }
    apr_pool_destroy(pool);
}
