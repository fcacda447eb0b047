/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/core/settings.h"
#include "authsvc/core/text.h"
#include "authsvc/crypto/password.h"
#include "authsvc/services/services.h"
#include "event.h"

static authsvc_error_t *invalid_credentials(authsvc_ctx_t *ctx, const authsvc_user_t *user)
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

/* One try. *settled is 0 if the user's row changed between check and session. */
static authsvc_error_t *try_login(authsvc_ctx_t *ctx, const char *email, const char *password,
                                  apr_size_t len, authsvc_grant_t *grant, int *settled)
{
    authsvc_user_t *user = NULL;
    *settled = 1;
    if (email) {
        AUTHSVC_TRY(ctx->repositories->users->find_by_email(ctx, email, &user));
    }
    authsvc_password_verdict_t verdict;
    AUTHSVC_TRY(authsvc_password_verify(ctx, user ? user->password_hash : NULL, password, len,
                                        &verdict));
    if (!user || !verdict.matches) {
        return invalid_credentials(ctx, user);
    }
    if (user->deleted_at) {
        authsvc_event(ctx, "AS0204", "login-of-deactivated", user->id, NULL);
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAUTHENTICATED, "account-deactivated",
                             "This account has been deactivated.", "account is deactivated");
    }
    if (verdict.needs_rehash) {
        rehash(ctx, user, password, len);
    }
    const char *session_id = NULL;
    AUTHSVC_TRY(authsvc_sessions_open(ctx, user, grant, &session_id, settled));
    if (*settled) {
        authsvc_event(ctx, "AS0205", "login", user->id, session_id);
    }
    return NULL;
}

authsvc_error_t *authsvc_login(authsvc_ctx_t *ctx, const char *email, const char *password,
                               apr_size_t password_len, authsvc_grant_t *grant)
{
    const char *normalized = NULL;
    if (authsvc_email_normalize(ctx->pool, email, ctx->settings->email_utf8, &normalized)) {
        normalized = NULL; /* nobody's; takes as long as anybody's */
    }
    AUTHSVC_TRY(authsvc_password_admits(ctx));
    /* A parallel login's rehash, or a new password: what is stored now decides. */
    for (int attempt = 0; attempt < 3; attempt++) {
        int settled = 0;
        AUTHSVC_TRY(try_login(ctx, normalized, password, password_len, grant, &settled));
        if (settled) {
            return NULL;
        }
    }
    return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                         "the account kept changing during login");
}
