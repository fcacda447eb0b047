/* SPDX-License-Identifier: Apache-2.0 */
#include "limiter.h"

#include <stdlib.h>

#define ENTRIES 1024
#define ALIGNMENT 64

typedef struct {
    authsvc_rate_table_t *table;
    const apr_time_t *now;
} baton_t;

static int take(void *baton, authsvc_try_t *tries, int n)
{
    const baton_t *made = baton;

    return authsvc_rate_table_take_all(made->table, tries, n, *made->now);
}

static int peek(void *baton, authsvc_try_t *tries, int n)
{
    const baton_t *made = baton;

    return authsvc_rate_table_peek_all(made->table, tries, n, *made->now);
}

static void give_back(void *baton, const authsvc_try_t *tries, int n)
{
    const baton_t *made = baton;

    for (int i = 0; i < n; i++) {
        authsvc_rate_table_give_back(made->table, &tries[i], *made->now);
    }
}

static const authsvc_rate_store_t *make_store(apr_pool_t *pool, const apr_time_t *now)
{
    apr_uintptr_t memory =
        (apr_uintptr_t)apr_pcalloc(pool, authsvc_rate_table_size(ENTRIES) + ALIGNMENT);
    authsvc_rate_store_t *store = apr_pcalloc(pool, sizeof(*store));
    baton_t *baton = apr_pcalloc(pool, sizeof(*baton));

    memory = (memory + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (authsvc_rate_table_create((void *)memory, ENTRIES, &baton->table) != APR_SUCCESS) {
        abort();
    }
    baton->now = now;
    store->take = take;
    store->peek = peek;
    store->give_back = give_back;
    store->baton = baton;
    return store;
}

const authsvc_limiter_t *unit_limiter(apr_pool_t *pool, const apr_time_t *now)
{
    authsvc_limiter_t *limiter = apr_pcalloc(pool, sizeof(*limiter));

    limiter->store = make_store(pool, now);
    limiter->notes = make_store(pool, now);
    return limiter;
}
