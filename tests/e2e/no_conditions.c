/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD into httpd: mod_authsvc gets no condition variable, so that its processes have no
 * database connections. test_guard.py builds it, with -D_GNU_SOURCE.
 */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

int apr_thread_cond_create(void **cond, void *pool);
int apr_thread_cond_create(void **cond, void *pool)
{
    int (*real)(void **, void *);
    Dl_info caller;

    if (dladdr(__builtin_return_address(0), &caller) && strstr(caller.dli_fname, "mod_authsvc")) {
        return ENOMEM;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "apr_thread_cond_create");
    return real(cond, pool);
}
