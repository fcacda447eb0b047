/* SPDX-License-Identifier: Apache-2.0 */
/*
 * APR's atomics, for ThreadSanitizer to see: preloaded, they take the place of libapr's, which are
 * not instrumented. Without them, each pool that the event MPM recycles (by a list linked with
 * apr_atomic_casptr) would look like a race of its two users, and whatever is counted with
 * atomics would be no concern of the sanitizer's.
 */
#include <apr_atomic.h>

#define PUBLIC __attribute__((visibility("default")))
#define ORDER __ATOMIC_SEQ_CST

#define DEFINE_ATOMICS(bits)                                                                   \
    PUBLIC apr_uint##bits##_t apr_atomic_read##bits(volatile apr_uint##bits##_t *mem)          \
    {                                                                                          \
        return __atomic_load_n(mem, ORDER);                                                    \
    }                                                                                          \
    PUBLIC void apr_atomic_set##bits(volatile apr_uint##bits##_t *mem, apr_uint##bits##_t val) \
    {                                                                                          \
        __atomic_store_n(mem, val, ORDER);                                                     \
    }                                                                                          \
    PUBLIC apr_uint##bits##_t apr_atomic_add##bits(volatile apr_uint##bits##_t *mem,           \
                                                   apr_uint##bits##_t val)                     \
    {                                                                                          \
        return __atomic_fetch_add(mem, val, ORDER);                                            \
    }                                                                                          \
    PUBLIC void apr_atomic_sub##bits(volatile apr_uint##bits##_t *mem, apr_uint##bits##_t val) \
    {                                                                                          \
        (void)__atomic_fetch_sub(mem, val, ORDER);                                             \
    }                                                                                          \
    PUBLIC apr_uint##bits##_t apr_atomic_inc##bits(volatile apr_uint##bits##_t *mem)           \
    {                                                                                          \
        return __atomic_fetch_add(mem, 1, ORDER);                                              \
    }                                                                                          \
    PUBLIC int apr_atomic_dec##bits(volatile apr_uint##bits##_t *mem)                          \
    {                                                                                          \
        return __atomic_sub_fetch(mem, 1, ORDER) != 0;                                         \
    }                                                                                          \
    PUBLIC apr_uint##bits##_t apr_atomic_cas##bits(volatile apr_uint##bits##_t *mem,           \
                                                   apr_uint##bits##_t with,                    \
                                                   apr_uint##bits##_t cmp)                     \
    {                                                                                          \
        (void)__atomic_compare_exchange_n(mem, &cmp, with, 0, ORDER, ORDER);                   \
        return cmp;                                                                            \
    }                                                                                          \
    PUBLIC apr_uint##bits##_t apr_atomic_xchg##bits(volatile apr_uint##bits##_t *mem,          \
                                                    apr_uint##bits##_t val)                    \
    {                                                                                          \
        return __atomic_exchange_n(mem, val, ORDER);                                           \
    }

DEFINE_ATOMICS(32)
DEFINE_ATOMICS(64)

PUBLIC void *apr_atomic_casptr(volatile void **mem, void *with, const void *cmp)
{
    void *found = (void *)cmp;

    (void)__atomic_compare_exchange_n((void *volatile *)mem, &found, with, 0, ORDER, ORDER);
    return found;
}

PUBLIC void *apr_atomic_xchgptr(volatile void **mem, void *with)
{
    return __atomic_exchange_n((void *volatile *)mem, with, ORDER);
}
