/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_SERVICES_SESSIONS_H
#define AUTHSVC_SERVICES_SESSIONS_H

#include "authsvc/core/revocations.h"
#include "authsvc/services/services.h"

/* sessions.c */

/** The limits of a session's life by the settings. */
authsvc_session_limits_t authsvc_sessions_limits(const authsvc_ctx_t *ctx);

/* authentication.c */

/** UNAUTHENTICATED: the token is good, its session is not any more. */
authsvc_error_t *authsvc_authentication_session_ended(authsvc_ctx_t *ctx);

/** What ctx->revocations say about a session. */
authsvc_session_verdict_t authsvc_authentication_verdict(const authsvc_ctx_t *ctx,
                                                         const authsvc_session_ref_t *session);

/* sessions_of_user.c */

/**
 * End the oldest sessions of a user who has more than the settings allow. That it could not is
 * logged: the next sign-in tries again.
 */
void authsvc_sessions_end_surplus(authsvc_ctx_t *ctx, const char *user_id);

#endif
