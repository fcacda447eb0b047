/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_SERVICES_UNANSWERED_H
#define AUTHSVC_SERVICES_UNANSWERED_H

#include "authsvc/services/services.h"

/*
 * Exchanges of refresh tokens that the database was asked for and did not answer: it may have done
 * them, then or when it went on. Who sends the token again after an outage longer than the grace is
 * taken for its owner and not for a thief. Kept for a day at most, on this node, in a table as the
 * rate limits' is, but of its own; where there is no memory for those, nothing is noted.
 */

/** The exchange of this token was asked for just now. */
void authsvc_unanswered_note(const authsvc_ctx_t *ctx, const authsvc_session_token_t *token);

/**
 * @param age since the row was last exchanged: what was done before it was asked for in vain was
 *   answered
 * @return 1 if it was noted, and not forgotten since
 */
int authsvc_unanswered_has(const authsvc_ctx_t *ctx, const authsvc_session_token_t *token,
                           apr_interval_time_t age);

/** It is exchanged now, by an answer that came. */
void authsvc_unanswered_forget(const authsvc_ctx_t *ctx, const authsvc_session_token_t *token);

#endif
