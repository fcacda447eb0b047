/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CORE_MEMORY_H
#define AUTHSVC_CORE_MEMORY_H

#include <stdlib.h>

#include <apr_errno.h>
#include <apr_pools.h>

/* A library's malloc failed: end as a failed apr_palloc would. pool may be NULL. */
static inline _Noreturn void authsvc_out_of_memory(apr_pool_t *pool)
{
    apr_abortfunc_t give_up = pool ? apr_pool_abort_get(pool) : NULL;

    if (give_up) {
        give_up(APR_ENOMEM);
    }
    abort();
}

#endif
