/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"

void authsvc_event(authsvc_ctx_t *ctx, const char *id, const char *name, const char *user_id,
                   const char *session_id)
{
    authsvc_log(ctx->log, AUTHSVC_LOG_NOTICE, id,
                "event=%s user=%s session=%s address=%s request=%s", name,
                user_id ? user_id : "-", session_id ? session_id : "-",
                ctx->client_ip ? ctx->client_ip : "-", ctx->request_id ? ctx->request_id : "-");
}
