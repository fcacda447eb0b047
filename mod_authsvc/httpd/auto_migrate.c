/* SPDX-License-Identifier: Apache-2.0 */
#include "auto_migrate.h"

#include "authsvc/core/log.h"
#include "authsvc/db/migrate.h"
#include "config.h"
#include "log_sink.h"

#define BUDGET (30 * APR_USEC_PER_SEC)

static void report(void *baton, const char *line)
{
    authsvc_log(baton, AUTHSVC_LOG_NOTICE, "AS0581", "AuthSvcAutoMigrate: %s", line);
}

void authsvc_auto_migrate(apr_pool_t *pchild, server_rec *s)
{
    const authsvc_server_config_t *config = authsvc_config_server(s);
    authsvc_ctx_t ctx = {0};
    authsvc_error_t *err;
    apr_pool_t *pool;

    apr_pool_create(&pool, pchild);
    ctx.pool = pool;
    ctx.settings = config->settings;
    ctx.log = authsvc_log_sink_server(pool, s);
    ctx.db = config->db;
    ctx.db_budget = BUDGET;
    err = authsvc_migrate_up(&ctx, 0, NULL, report, (void *)(uintptr_t)(const void *)ctx.log);
    if (err) {
        authsvc_log(ctx.log, AUTHSVC_LOG_ERROR, "AS0580", "AuthSvcAutoMigrate: %s",
                    authsvc_error_describe(err, pool));
    }
    apr_pool_destroy(pool);
}
