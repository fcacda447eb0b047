/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/admission.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <time.h>
#include <unistd.h>

#include "authsvc/core/clock.h"
#include "overloaded.h"

/*
 * Four semaphores. Whoever finds no free slot takes a place in the queue, and changes it for a
 * slot in one step, so that a process killed at any moment held exactly what the kernel knows of.
 * The kernel hands a freed slot to who waits longest (semop(2) operations are queued), so nobody
 * overtakes the queue.
 *
 * A resize takes away what is free; what is in use becomes a debt, paid by who gives it back. So
 * a resize waits for nobody.
 */
enum { SLOT, PLACE, SLOT_DEBT, PLACE_DEBT, SEMAPHORES };

#define SEMAPHORE_MAX 32767 /* SEMVMX */

struct authsvc_admission_t {
    int set;
    int slots;
    int places;
    apr_interval_time_t wait;
    pid_t owner; /* who removes the set */
};

union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
};

/* All or nothing, at once. @return 1 if done, 0 if that is not possible now, -1: see errno */
static int attempt(int set, struct sembuf *ops, size_t n)
{
    while (semop(set, ops, n) != 0) {
        if (errno != EINTR) {
            return errno == EAGAIN ? 0 : -1;
        }
    }
    return 1;
}

static int take_slot(int set)
{
    struct sembuf op = {SLOT, -1, SEM_UNDO | IPC_NOWAIT};

    return attempt(set, &op, 1);
}

static int take_place(int set)
{
    struct sembuf op = {PLACE, -1, SEM_UNDO | IPC_NOWAIT};

    return attempt(set, &op, 1);
}

/* What is free may be owed to a resize. */
static void settle(int set, unsigned short semaphore, unsigned short debt)
{
    struct sembuf pay[] = {{semaphore, -1, IPC_NOWAIT}, {debt, -1, IPC_NOWAIT}};

    (void)attempt(set, pay, 2);
}

static void give_place(int set)
{
    struct sembuf op = {PLACE, 1, SEM_UNDO};

    (void)attempt(set, &op, 1);
    settle(set, PLACE, PLACE_DEBT);
}

/* Change the place for a slot. @return 1: done; 0: not in time; -1: see errno */
static int wait_for_slot(const authsvc_admission_t *admission)
{
    apr_interval_time_t wait = __atomic_load_n(&admission->wait, __ATOMIC_RELAXED);
    apr_time_t deadline = authsvc_clock_monotonic() + wait;
    struct sembuf change[] = {{SLOT, -1, SEM_UNDO}, {PLACE, 1, SEM_UNDO}};

    for (;;) {
        apr_interval_time_t rest = deadline - authsvc_clock_monotonic();
        struct timespec timeout;

        rest = rest < 0 ? 0 : rest;
        timeout.tv_sec = (time_t)(rest / APR_USEC_PER_SEC);
        timeout.tv_nsec = (long)(rest % APR_USEC_PER_SEC) * 1000;
        if (semtimedop(admission->set, change, 2, &timeout) == 0) {
            settle(admission->set, PLACE, PLACE_DEBT);
            return 1;
        }
        if (errno != EINTR) {
            return errno == EAGAIN ? 0 : -1;
        }
        if (rest == 0) {
            return 0;
        }
    }
}

authsvc_error_t *authsvc_admission_enter(authsvc_admission_t *admission, apr_pool_t *pool)
{
    int done = take_slot(admission->set);

    if (done == 0) {
        done = take_place(admission->set);
        if (done == 0) {
            return authsvc_crypto_overloaded(pool, "the queue is full");
        }
        if (done > 0) {
            done = wait_for_slot(admission);
            if (done == 0) {
                give_place(admission->set);
                return authsvc_crypto_overloaded(pool, "no slot in time");
            }
        }
    }
    if (done < 0) {
        /* EIDRM, EINVAL: the set is gone, so this process outlives its server. */
        char text[128];

        apr_strerror(APR_FROM_OS_ERROR(errno), text, sizeof(text));
        return authsvc_crypto_overloaded(pool, text);
    }
    return NULL;
}

void authsvc_admission_leave(authsvc_admission_t *admission)
{
    /* The first two undo what enter did and leave the number as it is; the third has the last
       word on whether any of it happens. */
    struct sembuf pay[] = {{SLOT, 1, SEM_UNDO}, {SLOT, -1, 0}, {SLOT_DEBT, -1, IPC_NOWAIT}};
    struct sembuf give = {SLOT, 1, SEM_UNDO};

    if (attempt(admission->set, pay, 3) != 1) {
        (void)attempt(admission->set, &give, 1);
    }
}

static apr_status_t admission_remove(void *data)
{
    authsvc_admission_t *admission = data;

    /* A child that ends must not take the set from the others. */
    if (admission->owner == getpid()) {
        semctl(admission->set, 0, IPC_RMID);
    }
    return APR_SUCCESS;
}

static authsvc_error_t *check_limits(apr_pool_t *pool, int slots, int places,
                                     apr_interval_time_t wait)
{
    if (slots < 1 || slots > SEMAPHORE_MAX || places < 0 || places > SEMAPHORE_MAX || wait < 0) {
        return AUTHSVC_ERROR(pool, AUTHSVC_E_INVALID, NULL,
                             "Hash slots must be 1 to 32767, queue places 0 to 32767.",
                             "slots %d, places %d", slots, places);
    }
    return NULL;
}

static authsvc_error_t *fault(apr_pool_t *pool, const char *call)
{
    char text[128];

    apr_strerror(APR_FROM_OS_ERROR(errno), text, sizeof(text));
    return AUTHSVC_INTERNAL(pool, "%s: %s", call, text);
}

static authsvc_error_t *set_up(apr_pool_t *pool, const authsvc_admission_t *admission, uid_t uid,
                               gid_t gid)
{
    unsigned short values[SEMAPHORES] = {0};
    struct semid_ds status;
    union semun arg;

    values[SLOT] = (unsigned short)admission->slots;
    values[PLACE] = (unsigned short)admission->places;
    arg.array = values;
    if (semctl(admission->set, 0, SETALL, arg) != 0) {
        return fault(pool, "semctl SETALL");
    }
    if (uid == (uid_t)-1 && gid == (gid_t)-1) {
        return NULL;
    }
    arg.buf = &status;
    if (semctl(admission->set, 0, IPC_STAT, arg) != 0) {
        return fault(pool, "semctl IPC_STAT");
    }
    status.sem_perm.uid = uid == (uid_t)-1 ? status.sem_perm.uid : uid;
    status.sem_perm.gid = gid == (gid_t)-1 ? status.sem_perm.gid : gid;
    status.sem_perm.mode = 0600;
    if (semctl(admission->set, 0, IPC_SET, arg) != 0) {
        return fault(pool, "semctl IPC_SET");
    }
    return NULL;
}

authsvc_error_t *authsvc_admission_create(apr_pool_t *pool, int slots, int places,
                                          apr_interval_time_t wait, uid_t uid, gid_t gid,
                                          authsvc_admission_t **admission)
{
    authsvc_admission_t *made = apr_pcalloc(pool, sizeof(*made));
    authsvc_error_t *err;

    AUTHSVC_TRY(check_limits(pool, slots, places, wait));
    made->slots = slots;
    made->places = places;
    made->wait = wait;
    made->owner = getpid();
    made->set = semget(IPC_PRIVATE, SEMAPHORES, IPC_CREAT | IPC_EXCL | 0600);
    if (made->set < 0) {
        return fault(pool, "semget (see kernel.sem in proc(5) if there are too many)");
    }
    err = set_up(pool, made, uid, gid);
    if (err) {
        semctl(made->set, 0, IPC_RMID);
        return err;
    }
    apr_pool_cleanup_register(pool, made, admission_remove, apr_pool_cleanup_null);
    *admission = made;
    return NULL;
}

static int change(int set, unsigned short semaphore, short by)
{
    struct sembuf op = {semaphore, by, IPC_NOWAIT};

    return attempt(set, &op, 1);
}

/* One at a time, as each one may be free, in use, or owed. */
static int resize_one(int set, unsigned short semaphore, unsigned short debt, int from, int to)
{
    int done = 1;

    for (; from < to && done >= 0; from++) {
        done = change(set, debt, -1);
        if (done == 0) {
            done = change(set, semaphore, 1);
        }
    }
    for (; from > to && done >= 0; from--) {
        done = change(set, semaphore, -1);
        if (done == 0) {
            done = change(set, debt, 1);
            /* It may have been given back between the two. */
            settle(set, semaphore, debt);
        }
    }
    return done;
}

authsvc_error_t *authsvc_admission_resize(authsvc_admission_t *admission, apr_pool_t *pool,
                                          int slots, int places, apr_interval_time_t wait)
{
    AUTHSVC_TRY(check_limits(pool, slots, places, wait));
    if (resize_one(admission->set, SLOT, SLOT_DEBT, admission->slots, slots) < 0 ||
        resize_one(admission->set, PLACE, PLACE_DEBT, admission->places, places) < 0) {
        return fault(pool, "semop");
    }
    admission->slots = slots;
    admission->places = places;
    __atomic_store_n(&admission->wait, wait, __ATOMIC_RELAXED); /* others may be entering */
    admission->owner = getpid();
    return NULL;
}

void authsvc_admission_free(authsvc_admission_t *admission, int *slots, int *places)
{
    int free_slots = semctl(admission->set, SLOT, GETVAL);
    int free_places = semctl(admission->set, PLACE, GETVAL);

    *slots = free_slots < 0 ? 0 : free_slots;
    *places = free_places < 0 ? 0 : free_places;
}

int authsvc_admission_alive(const authsvc_admission_t *admission)
{
    return !admission || semctl(admission->set, SLOT, GETVAL) >= 0 ||
           (errno != EIDRM && errno != EINVAL);
}

int authsvc_admission_usable_cpus(void)
{
    cpu_set_t cpus;
    int count;

    CPU_ZERO(&cpus);
    if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0) {
        count = CPU_COUNT(&cpus);
        return count > 0 ? count : 1;
    }
    /* More CPUs than cpu_set_t holds. */
    count = (int)sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? count : 1;
}
