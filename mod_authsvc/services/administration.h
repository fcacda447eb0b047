/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_SERVICES_ADMINISTRATION_H
#define AUTHSVC_SERVICES_ADMINISTRATION_H

#include "authsvc/services/services.h"

/**
 * In a transaction that is about to deactivate or demote this user: nobody else can do so with
 * another admin before it ends.
 * @return CONFLICT "last-admin" if the user is the only active admin
 */
authsvc_error_t *authsvc_administration_spare_one(authsvc_ctx_t *ctx, const authsvc_user_t *user);

#endif
