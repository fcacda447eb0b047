/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials.h"

#include "authsvc/core/settings.h"
#include "authsvc/core/text.h"
#include "event.h"
#include "limits.h"

authsvc_error_t *authsvc_credentials_refuse(authsvc_ctx_t *ctx, const authsvc_user_t *user)
{
    authsvc_event(ctx, "AS0202", "login-failed", user ? user->id : NULL, NULL);
    return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAUTHENTICATED, "invalid-credentials",
                         "Invalid email or password.", "wrong email or password");
}

/* A stored hash below today's cost is replaced; that it could not be is no reason to refuse. */
static void rehash(authsvc_ctx_t *ctx, authsvc_user_t *user, const char *password, apr_size_t len)
{
    const char *hash = NULL;
    int replaced = 0;
    authsvc_error_t *err = authsvc_password_hash(ctx, password, len, &hash);
    if (!err) {
        err = ctx->repositories->users->replace_hash(ctx, user->id, user->password_hash, hash,
                                                    &replaced);
    }
    if (err) {
        authsvc_log(ctx->log, AUTHSVC_LOG_WARNING, "AS0203", "the password hash of %s stays: %s",
                    user->id, authsvc_error_describe(err, ctx->pool));
    } else if (replaced) {
        user->password_hash = hash;
    }
}

/*
 * What fails before there is a hash told nobody anything, and costs nothing of what a client may
 * try. After it, it would: where a wrong password cannot be counted, that is its answer.
 */
static authsvc_error_t *untold(authsvc_ctx_t *ctx, authsvc_error_t *err)
{
    if (err) {
        authsvc_limits_give_back(ctx, AUTHSVC_LIMIT_LOGIN);
    }
    return err;
}

/*
 * Guesses that were under way when others failed are worth no more than those after them, so the
 * limit is asked before the hash and after it; and whatever comes of that says nothing about the
 * password.
 */
authsvc_error_t *authsvc_credentials_prove(authsvc_ctx_t *ctx, const authsvc_lockout_t *lockout,
                                           const authsvc_user_t *user, const char *password,
                                           apr_size_t password_len,
                                           authsvc_password_verdict_t *verdict)
{
    int paused, paused_since;
    AUTHSVC_TRY(untold(ctx, authsvc_lockout_check(ctx, lockout, &paused)));
    AUTHSVC_TRY(untold(ctx, authsvc_password_verify(ctx, user ? user->password_hash : NULL,
                                                    password, password_len, verdict)));
    AUTHSVC_TRY(authsvc_lockout_check(ctx, lockout, &paused_since));
    verdict->matches = verdict->matches && user;
    if (!paused && !verdict->matches) {
        AUTHSVC_TRY(authsvc_lockout_failed(ctx, lockout, user));
    }
    verdict->matches = verdict->matches && !paused && !paused_since;
    return NULL;
}

authsvc_error_t *authsvc_credentials_check(authsvc_ctx_t *ctx, const char *email,
                                           const char *password, apr_size_t password_len,
                                           const authsvc_user_t **user)
{
    authsvc_user_t *found = NULL;
    const char *normalized = NULL;
    authsvc_password_verdict_t verdict;
    authsvc_lockout_t lockout = {0};
    if (authsvc_email_normalize(ctx->pool, email, ctx->settings->email_utf8, &normalized)) {
        normalized = NULL; /* nobody's; takes as long as anybody's */
    }
    AUTHSVC_TRY(authsvc_limits_login(ctx, normalized ? normalized : email,
                                     authsvc_lockout_device(ctx)));
    AUTHSVC_TRY(untold(ctx, authsvc_password_admits(ctx)));
    if (normalized) {
        AUTHSVC_TRY(untold(ctx, authsvc_lockout_find(ctx, normalized, &lockout, &found)));
    }
    AUTHSVC_TRY(authsvc_credentials_prove(ctx, &lockout, found, password, password_len, &verdict));
    if (!found || !verdict.matches) {
        return authsvc_credentials_refuse(ctx, found);
    }
    if (found->deleted_at) {
        authsvc_event(ctx, "AS0204", "login-of-deactivated", found->id, NULL);
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAUTHENTICATED, "account-deactivated",
                             "This account has been deactivated.", "account is deactivated");
    }
    authsvc_lockout_succeeded(ctx, &lockout, found);
    if (verdict.needs_rehash) {
        rehash(ctx, found, password, password_len);
    }
    *user = found;
    return NULL;
}
