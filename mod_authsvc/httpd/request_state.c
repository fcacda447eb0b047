/* SPDX-License-Identifier: Apache-2.0 */
#include "request_state.h"

#include <http_config.h>

#include "config.h"

const authsvc_request_state_t *authsvc_request_state_peek(const request_rec *r)
{
    const authsvc_request_state_t *state = ap_get_module_config(r->request_config, &authsvc_module);

    return state && state->of == r ? state : NULL;
}

authsvc_request_state_t *authsvc_request_state(request_rec *r)
{
    authsvc_request_state_t *state = ap_get_module_config(r->request_config, &authsvc_module);

    if (!state || state->of != r) {
        state = apr_pcalloc(r->pool, sizeof(*state));
        state->of = r;
        ap_set_module_config(r->request_config, &authsvc_module, state);
    }
    return state;
}

request_rec *authsvc_request_root(request_rec *r)
{
    while (r->main || r->prev) {
        r = r->main ? r->main : r->prev;
    }
    return r;
}
