/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include <http_config.h>

#include "config.h"

void authsvc_guard_set_environment(request_rec *r, const authsvc_principal_t *principal)
{
    authsvc_identity_t list[AUTHSVC_IDENTITIES + 1];
    const authsvc_identity_t *one;

    authsvc_guard_identities(&principal->claims, list);
    for (one = list; one->variable; one++) {
        if (one->value) {
            apr_table_setn(r->subprocess_env, one->variable, one->value);
        }
    }
}

static void add_fields(request_rec *r, const authsvc_principal_t *principal)
{
    authsvc_identity_t list[AUTHSVC_IDENTITIES + 1];
    const authsvc_identity_t *one;

    authsvc_guard_identities(&principal->claims, list);
    for (one = list; one->variable; one++) {
        if (one->value) {
            apr_table_setn(r->headers_in, one->field,
                           authsvc_guard_field_value(r->pool, one->value));
        }
    }
}

int authsvc_guard_hand_over(request_rec *r)
{
    const authsvc_request_state_t *state = authsvc_request_state_peek(r);
    const authsvc_dir_config_t *config = authsvc_config_dir(r);
    int hides_bearer;

    if (!state || !state->principal || !config) {
        return DECLINED;
    }
    hides_bearer = config->forward_bearer_set && !config->forward_bearer;
    if (!config->forward_headers && !hides_bearer) {
        return DECLINED;
    }
    /* A copy: subrequests and internal redirects share the table, and are judged by it. */
    r->headers_in = apr_table_copy(r->pool, r->headers_in);
    if (hides_bearer) {
        apr_table_unset(r->headers_in, "Authorization");
    }
    if (config->forward_headers) {
        add_fields(r, state->principal);
    }
    return DECLINED;
}
