/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_atomic.h>

#include "authsvc/core/gate.h"

void authsvc_gate_init(authsvc_gate_t *gate, apr_uint32_t limit)
{
    gate->limit = limit > 0 ? limit : 1;
    apr_atomic_set32(&gate->inside, 0);
}

int authsvc_gate_enter(authsvc_gate_t *gate)
{
    apr_uint32_t seen, found;

    if (!gate) {
        return 1;
    }
    seen = apr_atomic_read32(&gate->inside);
    while (seen < gate->limit) {
        found = apr_atomic_cas32(&gate->inside, seen + 1, seen);
        if (found == seen) {
            return 1;
        }
        seen = found;
    }
    return 0;
}

int authsvc_gate_is_full(const authsvc_gate_t *gate)
{
    return gate && apr_atomic_read32((volatile apr_uint32_t *)&gate->inside) >= gate->limit;
}

void authsvc_gate_leave(authsvc_gate_t *gate)
{
    if (gate) {
        apr_atomic_dec32(&gate->inside);
    }
}
