/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "authsvc/core/context.h"
#include "authsvc/core/units.h"
#include "authsvc/db/migrate.h"
#include "database.h"
#include "sqlite_file.h"

/* A migration of a big table takes its time, and nobody's request waits for it. */
#define MIGRATION_TIME apr_time_from_sec(600)

typedef struct {
    const char *to;
    const char *grant;
    int yes;
    ctl_database_options_t database;
} asked_t;

static void print_step(void *baton, const char *line)
{
    fprintf(((ctl_t *)baton)->out, "%s\n", line);
}

static int newest_applied(authsvc_ctx_t *ctx, ctl_t *ctl, int *version)
{
    apr_array_header_t *rows;
    authsvc_error_t *err = authsvc_migrate_status(ctx, &rows);

    *version = 0;
    if (err) {
        return authsvc_ctl_report(ctl, err);
    }
    for (int i = 0; i < rows->nelts; i++) {
        const authsvc_migration_status_t *row =
            &APR_ARRAY_IDX(rows, i, authsvc_migration_status_t);
        if (strcmp(row->state, "pending") != 0 && row->version > *version) {
            *version = row->version;
        }
    }
    return CTL_OK;
}

static int print_version(ctl_t *ctl, authsvc_ctx_t *ctx)
{
    int version;
    int status = newest_applied(ctx, ctl, &version);

    if (status == CTL_OK && version == 0) {
        fputs("The database is empty.\n", ctl->out);
    } else if (status == CTL_OK) {
        fprintf(ctl->out, "The schema is at version %d; this release needs %d.\n", version,
                AUTHSVC_SCHEMA_VERSION);
    }
    return status;
}

static int up(ctl_t *ctl, authsvc_ctx_t *ctx, const asked_t *asked, long to)
{
    authsvc_error_t *err =
        authsvc_migrate_up(ctx, to < 0 ? 0 : (int)to, asked->grant, print_step, ctl);

    return err ? authsvc_ctl_report(ctl, err) : print_version(ctl, ctx);
}

static int down(ctl_t *ctl, authsvc_ctx_t *ctx, const asked_t *asked, long to)
{
    const char *lost = NULL;
    authsvc_error_t *err;
    int version;

    if (to < 0) {
        int status = newest_applied(ctx, ctl, &version);
        if (status != CTL_OK) {
            return status;
        }
        to = version > 0 ? version - 1 : 0;
    }
    err = authsvc_migrate_losses(ctx, (int)to, &lost);
    if (!err && lost && !asked->yes) {
        return authsvc_ctl_failed(ctl, "that would lose all rows of %s; with --yes it is done",
                                  lost);
    }
    if (!err) {
        err = authsvc_migrate_down(ctx, (int)to, print_step, ctl);
    }
    return err ? authsvc_ctl_report(ctl, err) : print_version(ctl, ctx);
}

static int print_status(ctl_t *ctl, authsvc_ctx_t *ctx)
{
    apr_array_header_t *rows;
    authsvc_error_t *err = authsvc_migrate_status(ctx, &rows);

    if (err) {
        return authsvc_ctl_report(ctl, err);
    }
    fprintf(ctl->out, "%-8s %-24s %-8s %s\n", "VERSION", "NAME", "STATE", "APPLIED");
    for (int i = 0; i < rows->nelts; i++) {
        const authsvc_migration_status_t *row =
            &APR_ARRAY_IDX(rows, i, authsvc_migration_status_t);
        fprintf(ctl->out, "%04d     %-24s %-8s %s\n", row->version, row->name, row->state,
                row->applied_at ? authsvc_time_rfc3339(ctl->pool, row->applied_at) : "-");
    }
    return CTL_OK;
}

static int run(ctl_t *ctl, const char *action, const asked_t *asked, long to)
{
    authsvc_ctx_t *ctx = apr_pcalloc(ctl->pool, sizeof(*ctx));
    ctl_database_t database;
    authsvc_error_t *err;
    int status = authsvc_ctl_database_find(ctl, &asked->database, &database);

    if (status == CTL_OK && asked->grant && strcmp(database.driver, "pgsql") != 0) {
        status = authsvc_ctl_misused(ctl, "--grant is for PostgreSQL: SQLite has no roles");
    }
    if (status == CTL_OK) {
        status = authsvc_ctl_sqlite_file_check(ctl, &database, strcmp(action, "up") == 0);
    }
    if (status != CTL_OK) {
        return status;
    }
    ctx->pool = ctl->pool;
    ctx->log = &ctl->log;
    ctx->db_budget = MIGRATION_TIME;
    err = authsvc_db_open(ctl->pool, database.driver, database.params, &ctx->db);
    if (err) {
        return authsvc_ctl_report(ctl, err);
    }
    if (strcmp(action, "up") == 0) {
        return up(ctl, ctx, asked, to);
    }
    return strcmp(action, "down") == 0 ? down(ctl, ctx, asked, to) : print_status(ctl, ctx);
}

int authsvc_ctl_migrate(ctl_t *ctl, int argc, char **argv)
{
    const char *action = argc > 1 ? argv[1] : "";
    asked_t asked = {0};
    const ctl_option_t options[] = {
        {"to", &asked.to, NULL},
        {"grant", &asked.grant, NULL},
        {"yes", NULL, &asked.yes},
        CTL_DATABASE_OPTIONS(asked.database),
        {0},
    };
    int is_up = strcmp(action, "up") == 0;
    int is_down = strcmp(action, "down") == 0;
    apr_array_header_t *operands;
    long to = -1;

    if (!is_up && !is_down && strcmp(action, "status") != 0) {
        return authsvc_ctl_misused(ctl, "say what to do: up, down or status");
    }
    if (authsvc_ctl_options(ctl, argc - 1, argv + 1, options, &operands) != CTL_OK) {
        return CTL_USAGE;
    }
    if (operands->nelts > 0) {
        return authsvc_ctl_misused(ctl, "%s is one too many",
                                   APR_ARRAY_IDX(operands, 0, const char *));
    }
    if (asked.to && (!(is_up || is_down) ||
                     !authsvc_integer_parse(asked.to, is_up, AUTHSVC_SCHEMA_VERSION, &to))) {
        return authsvc_ctl_misused(ctl, "--to goes with up (1 to %d) and down (0 to %d)",
                                   AUTHSVC_SCHEMA_VERSION, AUTHSVC_SCHEMA_VERSION);
    }
    if ((asked.grant && !is_up) || (asked.yes && !is_down)) {
        return authsvc_ctl_misused(ctl, "--grant goes with up, --yes goes with down");
    }
    return run(ctl, action, &asked, to);
}
