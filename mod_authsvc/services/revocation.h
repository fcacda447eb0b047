/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_SERVICES_REVOCATION_H
#define AUTHSVC_SERVICES_REVOCATION_H

#include <apr_tables.h>

#include "authsvc/core/context.h"

/**
 * Let this node know what it has just revoked. After the change is committed, never before.
 * @param revoked of authsvc_revocation_t; NULL: nothing
 */
void authsvc_revocation_spread(authsvc_ctx_t *ctx, const apr_array_header_t *revoked);

#endif
