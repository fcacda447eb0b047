/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_SERVICES_EVENT_H
#define AUTHSVC_SERVICES_EVENT_H

#include "authsvc/core/context.h"

/**
 * Write a security event to the log: who, what, from where, in which request.
 * @param id the log id of this kind of event
 * @param name "login-failed"; stable, for log watchers
 * @param user_id, session_id NULL if not known
 */
void authsvc_event(authsvc_ctx_t *ctx, const char *id, const char *name, const char *user_id,
                   const char *session_id);

#endif
