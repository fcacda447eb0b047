/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD into httpd: there is no piece of shared memory of more than 64 MiB.
 * test_rate_limits.py builds it, with -D_GNU_SOURCE.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

#define MOST (64UL << 20)

int apr_shm_create(void **memory, size_t size, const char *file, void *pool);
int apr_shm_create(void **memory, size_t size, const char *file, void *pool)
{
    int (*real)(void **, size_t, const char *, void *);

    if (size > MOST) {
        return ENOMEM;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "apr_shm_create");
    return real(memory, size, file, pool);
}
