/* SPDX-License-Identifier: Apache-2.0 */
#include "user_pauses.h"

#include "authsvc/core/settings.h"
#include "authsvc/core/units.h"
#include "authsvc/crypto/crypto.h"
#include "authsvc/crypto/secrets.h"

int authsvc_ctl_pauses_open(ctl_t *ctl, const char *file, int optional,
                            authsvc_settings_t *settings)
{
    authsvc_secrets_t *secrets = NULL;
    authsvc_error_t *err;

    if (!file) {
        if (optional) {
            fprintf(ctl->err, "authsvcctl: login failures are not shown: that needs "
                              "--secret-file, or --config, which names it\n");
        }
        return CTL_OK;
    }
    err = authsvc_crypto_init(ctl->pool);
    if (!err) {
        err = authsvc_secrets_load(ctl->pool, file, NULL, &secrets);
    }
    if (err && optional) {
        fprintf(ctl->err, "authsvcctl: login failures are not shown: %s\n",
                err->detail ? err->detail : authsvc_error_describe(err, ctl->pool));
        return CTL_OK;
    }
    settings->secrets = secrets;
    return err ? authsvc_ctl_report(ctl, err) : CTL_OK;
}

/* What counts still; a network of which only a success is known has none. */
static int find(ctl_t *ctl, authsvc_ctx_t *ctx, const authsvc_user_t *user,
                apr_array_header_t **found)
{
    apr_array_header_t *entries;
    authsvc_error_t *err;

    *found = apr_array_make(ctl->pool, 8, sizeof(authsvc_failure_entry_t));
    if (!ctx->settings->secrets) {
        return CTL_OK;
    }
    err = authsvc_lockout_list(ctx, user, &entries);
    if (err) {
        return authsvc_ctl_report(ctl, err);
    }
    for (int i = 0; i < entries->nelts; i++) {
        const authsvc_failure_entry_t *entry =
            &APR_ARRAY_IDX(entries, i, authsvc_failure_entry_t);

        if (entry->failures > 0) {
            APR_ARRAY_PUSH(*found, authsvc_failure_entry_t) = *entry;
        }
    }
    return CTL_OK;
}

int authsvc_ctl_pauses_print(ctl_t *ctl, authsvc_ctx_t *ctx, const authsvc_user_t *user)
{
    apr_array_header_t *found;
    int status = find(ctl, ctx, user, &found);

    for (int i = 0; i < found->nelts; i++) {
        const authsvc_failure_entry_t *entry = &APR_ARRAY_IDX(found, i, authsvc_failure_entry_t);

        fprintf(ctl->out, "login failures: %" APR_INT64_T_FMT ", %s", entry->failures,
                entry->place);
        if (entry->paused_until) {
            fprintf(ctl->out, ", paused until %s",
                    authsvc_time_rfc3339(ctl->pool, entry->paused_until));
        }
        fprintf(ctl->out, "\n");
    }
    return status;
}

int authsvc_ctl_pauses_add(ctl_t *ctl, authsvc_ctx_t *ctx, const authsvc_user_t *user,
                           authsvc_json_t *line)
{
    authsvc_json_t *array = authsvc_json_array(ctl->pool);
    apr_array_header_t *found;
    int status = find(ctl, ctx, user, &found);

    for (int i = 0; i < found->nelts; i++) {
        const authsvc_failure_entry_t *entry = &APR_ARRAY_IDX(found, i, authsvc_failure_entry_t);
        authsvc_json_t *value = authsvc_json_object(ctl->pool);

        authsvc_json_set_string(value, "place", entry->place);
        authsvc_json_set_integer(value, "failures", entry->failures);
        if (entry->paused_until) {
            authsvc_json_set_string(value, "paused_until",
                                    authsvc_time_rfc3339(ctl->pool, entry->paused_until));
        }
        authsvc_json_append(array, value);
    }
    if (ctx->settings->secrets) {
        authsvc_json_set(line, "login_failures", array);
    }
    return status;
}

int authsvc_ctl_pauses_end(ctl_t *ctl, authsvc_ctx_t *ctx, const authsvc_user_t *user)
{
    apr_int64_t cleared = 0;
    authsvc_error_t *err;

    if (!ctx->settings->secrets) {
        return authsvc_ctl_misused(ctl, "unlock needs the server secrets: give --secret-file, or "
                                        "--config, which names it");
    }
    err = authsvc_lockout_clear(ctx, user, &cleared);
    if (err) {
        return authsvc_ctl_report(ctl, err);
    }
    fprintf(ctl->out, "login failures forgotten: of %" APR_INT64_T_FMT " places\n", cleared);
    return CTL_OK;
}
