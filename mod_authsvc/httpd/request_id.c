/* SPDX-License-Identifier: Apache-2.0 */
#include "request_id.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "authsvc/core/uuid.h"

#define MAX_OCTETS 64

/* SetEnv or a rewrite rule may have put anything into the variable. */
static int is_sane(const char *id)
{
    const char *p;

    for (p = id; *p; p++) {
        if (!apr_isalnum(*p) && !strchr("-_@.", *p)) {
            return 0;
        }
    }
    return p > id && p - id <= MAX_OCTETS;
}

const char *authsvc_request_id(const request_rec *r)
{
    const char *id = apr_table_get(r->subprocess_env, "UNIQUE_ID");

    if (id && is_sane(id)) {
        return id;
    }
    id = authsvc_uuid_v7(r->pool, r->request_time);
    if (!id) {
        id = apr_psprintf(r->pool, "%" APR_TIME_T_FMT "-%lx", r->request_time, r->connection->id);
    }
    return id;
}
