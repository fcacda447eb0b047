/* SPDX-License-Identifier: Apache-2.0 */
#include "guesses.h"

#include <sys/mman.h>

authsvc_error_t *guess(const char *email, const char *password)
{
    authsvc_grant_t grant = {0};
    return authsvc_login(&fake.ctx, email, password, strlen(password), &grant);
}

void guess_refused(const char *email, const char *password)
{
    ck_assert_problem(guess(email, password), AUTHSVC_E_UNAUTHENTICATED, "invalid-credentials");
}

void guess_wrong(const char *email, int n)
{
    for (int i = 0; i < n; i++) {
        guess_refused(email, WRONG);
    }
}

int guess_events(const char *text)
{
    int n = 0;
    for (const char *at = fake.log.all; (at = strstr(at, text)); at++) {
        n++;
    }
    return n;
}

void guess_in_memory_of(apr_size_t entries)
{
    void *memory = mmap(NULL, authsvc_failures_size(entries), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    ck_assert_int_eq(authsvc_failures_create(memory, entries, &fake.ctx.failures), APR_SUCCESS);
}

void guess_in_memory(void)
{
    guess_in_memory_of(4096);
}
