/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_SERVICES_CREDENTIALS_H
#define AUTHSVC_SERVICES_CREDENTIALS_H

#include "authsvc/services/services.h"

/**
 * The event and the error of wrong credentials, whatever is wrong with them.
 * @param user NULL: nobody's
 */
authsvc_error_t *authsvc_credentials_refuse(authsvc_ctx_t *ctx, const authsvc_user_t *user);

#endif
