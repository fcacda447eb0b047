/* SPDX-License-Identifier: Apache-2.0 */
#include "administration.h"
#include "credentials.h"
#include "event.h"
#include "revocation.h"
#include "sessions.h"

static authsvc_error_t *find_user(authsvc_ctx_t *ctx, authsvc_user_t **user)
{
    if (!ctx->principal) {
        return AUTHSVC_INTERNAL(ctx->pool, "an operation on an account without a principal");
    }
    const authsvc_session_limits_t limits = authsvc_sessions_limits(ctx);
    AUTHSVC_TRY(ctx->repositories->sessions->find_user(ctx, &ctx->principal->session, &limits,
                                                      user));
    return *user ? NULL : authsvc_authentication_session_ended(ctx);
}

authsvc_error_t *authsvc_account_get(authsvc_ctx_t *ctx, const authsvc_user_t **user)
{
    authsvc_user_t *found = NULL;
    AUTHSVC_TRY(find_user(ctx, &found));
    *user = found;
    return NULL;
}

authsvc_error_t *authsvc_account_rename(authsvc_ctx_t *ctx, const char *name,
                                        const authsvc_user_t **user)
{
    if (!ctx->principal) {
        return AUTHSVC_INTERNAL(ctx->pool, "an operation on an account without a principal");
    }
    authsvc_error_t *err = NULL;
    const char *trimmed = NULL;
    authsvc_policy_check_name(ctx, "/name", name, &trimmed, &err);
    if (err) {
        return err;
    }
    const authsvc_session_limits_t limits = authsvc_sessions_limits(ctx);
    authsvc_user_t *renamed = NULL;
    AUTHSVC_TRY(ctx->repositories->users->rename(ctx, &ctx->principal->session, &limits, trimmed,
                                                &renamed));
    if (!renamed) {
        return authsvc_authentication_session_ended(ctx);
    }
    *user = renamed;
    return NULL;
}

authsvc_error_t *authsvc_account_logout_all(authsvc_ctx_t *ctx)
{
    authsvc_user_t *user = NULL;
    AUTHSVC_TRY(find_user(ctx, &user));
    apr_array_header_t *revoked = NULL;
    AUTHSVC_TRY(ctx->repositories->sessions->revoke_all(ctx, user->id, &revoked));
    authsvc_revocation_spread(ctx, revoked);
    authsvc_event(ctx, "AS0211", "logout-all", user->id, NULL);
    return NULL;
}

typedef struct {
    const authsvc_user_t *user;
    int deleted;
    apr_array_header_t *sessions; /* what was revoked */
    apr_array_header_t *himself;
} deletion_t;

static authsvc_error_t *delete_user_and_sessions(authsvc_ctx_t *ctx, void *baton)
{
    deletion_t *deletion = baton;
    const authsvc_user_t *user = deletion->user;
    AUTHSVC_TRY(authsvc_administration_spare_one(ctx, user));
    AUTHSVC_TRY(ctx->repositories->users->mark_deleted(ctx, user, &deletion->deleted));
    if (!deletion->deleted) {
        return NULL;
    }
    AUTHSVC_TRY(ctx->repositories->sessions->revoke_all(ctx, user->id, &deletion->sessions));
    return ctx->repositories->revocations->add_user(ctx, user->id, &deletion->himself);
}

/*
 * Whoever has the session may not have the password: guesses count. Those of others do not keep
 * the owner from it, unless they come from the same network.
 */
static authsvc_error_t *check_password(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                       const char *password, apr_size_t password_len)
{
    authsvc_password_verdict_t verdict;
    authsvc_lockout_t lockout;
    authsvc_user_t *same = NULL;
    AUTHSVC_TRY(authsvc_lockout_find(ctx, user->email, &lockout, &same));
    lockout.is_inside = 1;
    AUTHSVC_TRY(authsvc_credentials_prove(ctx, &lockout, user, password, password_len, &verdict));
    if (!verdict.matches) {
        authsvc_event(ctx, "AS0220", "account-delete-refused", user->id, NULL);
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAUTHENTICATED, "invalid-credentials",
                             "Invalid password.", "wrong password");
    }
    return NULL;
}

authsvc_error_t *authsvc_account_delete(authsvc_ctx_t *ctx, const char *password,
                                        apr_size_t password_len)
{
    /* A hash or a role that changed between the check and the change asks for another check. */
    for (int attempt = 0; attempt < 3; attempt++) {
        authsvc_user_t *user = NULL;
        AUTHSVC_TRY(find_user(ctx, &user));
        AUTHSVC_TRY(check_password(ctx, user, password, password_len));
        deletion_t deletion = {.user = user};
        AUTHSVC_TRY(ctx->repositories->transaction(ctx, delete_user_and_sessions, &deletion));
        if (deletion.deleted) {
            authsvc_revocation_spread(ctx, deletion.sessions);
            authsvc_revocation_spread(ctx, deletion.himself);
            authsvc_event(ctx, "AS0221", "account-deleted", user->id, NULL);
            return NULL;
        }
    }
    return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                         "the account kept changing during its deletion");
}
