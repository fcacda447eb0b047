/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_SERVICES_KEY_WATCH_H
#define AUTHSVC_SERVICES_KEY_WATCH_H

#include "authsvc/core/context.h"

/**
 * Whether a key is here to follow the one that signs now. If not, the log says so, once an hour in
 * each process.
 * @return NULL, or a public sentence
 */
const char *authsvc_key_watch(authsvc_ctx_t *ctx);

#endif
