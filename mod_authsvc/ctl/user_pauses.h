/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CTL_USER_PAUSES_H
#define AUTHSVC_CTL_USER_PAUSES_H

#include "authsvc/core/json.h"
#include "authsvc/services/services.h"
#include "ctl.h"

/**
 * Read the server secrets, by which an account's login failures are found.
 * @param file NULL: there are none
 * @param optional 1: go on without them, after a message
 * @return CTL_OK, or what to exit with after a message
 */
int authsvc_ctl_pauses_open(ctl_t *ctl, const char *file, int optional,
                            authsvc_settings_t *settings);

/** Print a line for each place with login failures. Nothing without secrets. */
int authsvc_ctl_pauses_print(ctl_t *ctl, authsvc_ctx_t *ctx, const authsvc_user_t *user);

/** The same as a member of a line of JSON. */
int authsvc_ctl_pauses_add(ctl_t *ctl, authsvc_ctx_t *ctx, const authsvc_user_t *user,
                           authsvc_json_t *line);

/** Forget all login failures of a user, and say of how many places. */
int authsvc_ctl_pauses_end(ctl_t *ctl, authsvc_ctx_t *ctx, const authsvc_user_t *user);

#endif
