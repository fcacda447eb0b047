/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/core/settings.h"
#include "authsvc/crypto/admission.h"
#include "authsvc/services/services.h"
#include "key_watch.h"

#define MAX_CLOCK_DIFFERENCE apr_time_from_sec(30)

static void add_check(apr_array_header_t *checks, const char *name, const char *failure)
{
    authsvc_readiness_check_t *check = apr_array_push(checks);
    check->name = name;
    check->ok = failure == NULL;
    check->detail = failure;
    check->warning = NULL;
}

/* A key that goes on signing is no reason to send the users elsewhere: the others have it, too. */
static void add_keys(authsvc_ctx_t *ctx, apr_array_header_t *checks)
{
    add_check(checks, "keys", NULL);
    APR_ARRAY_IDX(checks, checks->nelts - 1, authsvc_readiness_check_t).warning =
        authsvc_key_watch(ctx);
}

static const char *clock_failure(authsvc_ctx_t *ctx, const authsvc_node_state_t *state)
{
    apr_interval_time_t difference = authsvc_clock_now(ctx->clock) - state->database_now;
    if (difference < -MAX_CLOCK_DIFFERENCE || difference > MAX_CLOCK_DIFFERENCE) {
        return "this node's clock differs from the database's by more than 30 seconds";
    }
    return NULL;
}

/*
 * A node whose file lacks the secret that others sign with would refuse their tokens. The newest
 * secret in use is on record; a node that has a newer one in front puts it there.
 */
static const char *secret_failure(authsvc_ctx_t *ctx, const authsvc_node_state_t *state)
{
    const authsvc_secrets_t *secrets = ctx->settings->secrets;
    int current = authsvc_secrets_current(secrets);
    if (state->secret_fingerprint &&
        !authsvc_secrets_has_fingerprint(secrets, state->secret_fingerprint)) {
        authsvc_log(ctx->log, AUTHSVC_LOG_ERROR, "AS0231",
                    "server secret %d, which other nodes use, is not in AuthSvcSecretFile",
                    state->secret_number);
        return "this node lacks a server secret that other nodes use";
    }
    if (current > state->secret_number) {
        authsvc_error_t *err = ctx->repositories->node->record_secret(
            ctx, current, authsvc_secrets_fingerprint(secrets, current, ctx->pool));
        if (err) {
            authsvc_log(ctx->log, AUTHSVC_LOG_ERROR, "AS0232", "%s",
                        authsvc_error_describe(err, ctx->pool));
            return "the server secret could not be recorded";
        }
    }
    return NULL;
}

static const char *hashing_failure(authsvc_ctx_t *ctx)
{
    if (!authsvc_admission_alive(ctx->admission)) {
        authsvc_log(ctx->log, AUTHSVC_LOG_ERROR, "AS0233",
                    "the semaphores of AuthSvcHashSlots were removed: reload httpd");
        return "the semaphores for hashing are gone; a reload makes new ones";
    }
    return NULL;
}

int authsvc_readiness(authsvc_ctx_t *ctx, apr_array_header_t **checks)
{
    *checks = apr_array_make(ctx->pool, 4, sizeof(authsvc_readiness_check_t));
    authsvc_node_state_t state = {0};
    const char *hashing = hashing_failure(ctx);
    authsvc_error_t *err = ctx->repositories->node->inspect(ctx, &state);
    if (err) {
        authsvc_log(ctx->log, AUTHSVC_LOG_ERROR, "AS0230", "not ready: %s",
                    authsvc_error_describe(err, ctx->pool));
        add_check(*checks, "database", "the database does not answer, or its schema is too old");
        add_check(*checks, "hashing", hashing);
        add_keys(ctx, *checks);
        return 0;
    }
    const char *clock = clock_failure(ctx, &state);
    const char *secret = secret_failure(ctx, &state);
    add_check(*checks, "database", NULL);
    add_check(*checks, "clock", clock);
    add_check(*checks, "secret", secret);
    add_check(*checks, "hashing", hashing);
    add_keys(ctx, *checks);
    return !clock && !secret && !hashing;
}
