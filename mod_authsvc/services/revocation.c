/* SPDX-License-Identifier: Apache-2.0 */
#include "revocation.h"

#include "authsvc/repositories/revocations.h"

void authsvc_revocation_spread(authsvc_ctx_t *ctx, const apr_array_header_t *revoked)
{
    for (int i = 0; revoked && i < revoked->nelts; i++) {
        const authsvc_revocation_t *entry = &APR_ARRAY_IDX(revoked, i, authsvc_revocation_t);
        unsigned char id[AUTHSVC_UUID_OCTETS];

        if (authsvc_uuid_parse(entry->id, id) &&
            !authsvc_revocations_add(ctx->revocations, id, entry->epoch, entry->lifetime)) {
            /* Some process stands still while it writes: to wait for each would take hours. */
            authsvc_revocations_miss(ctx->revocations, (apr_uint64_t)(revoked->nelts - i - 1));
            return;
        }
    }
}
