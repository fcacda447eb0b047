/* SPDX-License-Identifier: Apache-2.0 */
#include "low_priority.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#define STACK_OCTETS ((size_t)256 * 1024)

typedef struct {
    int nice;
    void (*function)(void *baton);
    void *baton;
} job_t;

/* Linux keeps the nice value by thread, whatever POSIX says (setpriority(2), sched(7)). */
static void yield_cpu(int nice)
{
    id_t self = (id_t)gettid();
    int current;

    errno = 0;
    current = getpriority(PRIO_PROCESS, self);
    if (errno == 0) {
        (void)setpriority(PRIO_PROCESS, self, current + nice);
    }
}

static void *run(void *data)
{
    const job_t *job = data;

    yield_cpu(job->nice);
    job->function(job->baton);
    return NULL;
}

/* All but those that a fault of the thread's own raises. */
static void hold_signals(sigset_t *before)
{
    sigset_t held;

    sigfillset(&held);
    sigdelset(&held, SIGSEGV);
    sigdelset(&held, SIGBUS);
    sigdelset(&held, SIGFPE);
    sigdelset(&held, SIGILL);
    sigdelset(&held, SIGABRT);
    pthread_sigmask(SIG_BLOCK, &held, before);
}

static int start(job_t *job, pthread_t *thread)
{
    pthread_attr_t attributes;
    int made;

    if (pthread_attr_init(&attributes) != 0) {
        return 0;
    }
    made = pthread_attr_setstacksize(&attributes, STACK_OCTETS) == 0 &&
           pthread_create(thread, &attributes, run, job) == 0;
    pthread_attr_destroy(&attributes);
    return made;
}

void authsvc_low_priority_run(int nice, void (*function)(void *baton), void *baton)
{
    job_t job = {nice, function, baton};
    pthread_t thread;
    sigset_t before;

    if (nice <= 0) {
        function(baton);
        return;
    }
    hold_signals(&before);
    if (start(&job, &thread)) {
        pthread_join(thread, NULL);
    } else {
        function(baton);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
