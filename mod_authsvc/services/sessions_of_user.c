/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "event.h"
#include "revocation.h"
#include "sessions.h"

static authsvc_error_t *no_principal(authsvc_ctx_t *ctx)
{
    return AUTHSVC_INTERNAL(ctx->pool, "an operation on sessions without a principal");
}

authsvc_error_t *authsvc_sessions_list(authsvc_ctx_t *ctx, apr_array_header_t **entries)
{
    const authsvc_session_limits_t limits = authsvc_sessions_limits(ctx);
    if (!ctx->principal) {
        return no_principal(ctx);
    }
    AUTHSVC_TRY(ctx->repositories->sessions->list(ctx, &ctx->principal->session, &limits,
                                                  entries));
    return (*entries)->nelts > 0 ? NULL : authsvc_authentication_session_ended(ctx);
}

/* Nothing was ended: the asking session is over itself, or there is none of that id. */
static authsvc_error_t *explain(authsvc_ctx_t *ctx, const authsvc_session_limits_t *limits)
{
    authsvc_user_t *user = NULL;
    AUTHSVC_TRY(ctx->repositories->sessions->find_user(ctx, &ctx->principal->session, limits,
                                                       &user));
    return user ? AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_NOT_FOUND, NULL, "There is no such session.",
                                "no living session of this user and id")
                : authsvc_authentication_session_ended(ctx);
}

authsvc_error_t *authsvc_sessions_end(authsvc_ctx_t *ctx, const char *id)
{
    const authsvc_session_limits_t limits = authsvc_sessions_limits(ctx);
    unsigned char octets[AUTHSVC_UUID_OCTETS];
    apr_array_header_t *revoked = NULL;
    if (!ctx->principal) {
        return no_principal(ctx);
    }
    if (authsvc_uuid_parse(id, octets)) {
        id = authsvc_uuid_format(ctx->pool, octets);
        AUTHSVC_TRY(ctx->repositories->sessions->revoke_one(ctx, id, &ctx->principal->session,
                                                            &limits, &revoked));
    }
    if (!revoked || revoked->nelts == 0) {
        return explain(ctx, &limits);
    }
    authsvc_revocation_spread(ctx, revoked);
    authsvc_event(ctx, "AS0215", "session-ended", ctx->principal->session.user_id, id);
    return NULL;
}

void authsvc_sessions_end_surplus(authsvc_ctx_t *ctx, const char *user_id)
{
    const authsvc_session_limits_t limits = authsvc_sessions_limits(ctx);
    apr_array_header_t *revoked = NULL;
    authsvc_error_t *err =
        ctx->repositories->sessions->revoke_surplus(ctx, user_id, &limits, &revoked);
    if (err) {
        authsvc_log(ctx->log, AUTHSVC_LOG_WARNING, "AS0216", "%s keeps more than %d sessions: %s",
                    user_id, limits.most, authsvc_error_describe(err, ctx->pool));
        return;
    }
    authsvc_revocation_spread(ctx, revoked);
    for (int i = 0; i < revoked->nelts; i++) {
        authsvc_event(ctx, "AS0217", "oldest-session-ended", user_id,
                      APR_ARRAY_IDX(revoked, i, authsvc_revocation_t).id);
    }
}
