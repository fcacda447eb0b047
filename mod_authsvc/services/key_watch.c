/* SPDX-License-Identifier: Apache-2.0 */
#include "key_watch.h"

#include "authsvc/core/settings.h"
#include "authsvc/crypto/keys.h"

const char *authsvc_key_watch(authsvc_ctx_t *ctx)
{
    const authsvc_keyset_t *keys = ctx->settings->keys;
    apr_time_t now = authsvc_clock_now(ctx->clock);

    if (!authsvc_keyset_lacks_successor(keys, now)) {
        return NULL;
    }
    if (authsvc_keyset_reminds(keys, now)) {
        authsvc_log(ctx->log, AUTHSVC_LOG_WARNING, "AS0234",
                    "no key is loaded that follows the one that signs; it goes on signing. Run "
                    "authsvcctl key rotate, and reload httpd");
    }
    return "no key is loaded that follows the one that signs";
}
