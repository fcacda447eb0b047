/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <apr_atomic.h>
#include <apr_thread_proc.h>

#include "authsvc/core/clock.h"
#include "authsvc/core/gate.h"
#include "authsvc/core/settings.h"

#define GATE_THREADS 8
#define GATE_LIMIT 3

START_TEST(clock_null_is_the_systems)
{
    apr_time_t before = apr_time_now(), now = authsvc_clock_now(NULL);
    apr_time_t later = authsvc_clock_now(&authsvc_clock_system);

    ck_assert_int_ge(now, before);
    ck_assert_int_ge(later, now);
    ck_assert_int_lt(later, before + apr_time_from_sec(60));
}
END_TEST

START_TEST(clock_can_be_replaced)
{
    apr_time_t there = apr_time_from_sec(4294967296);
    authsvc_clock_t clock = {unit_clock_now, &there};

    ck_assert_int_eq(authsvc_clock_now(&clock), apr_time_from_sec(4294967296));
    there += 1;
    ck_assert_int_eq(authsvc_clock_now(&clock), apr_time_from_sec(4294967296) + 1);
}
END_TEST

START_TEST(clock_monotonic_counts_microseconds)
{
    apr_time_t before = authsvc_clock_monotonic(), after;

    apr_sleep(20000);
    after = authsvc_clock_monotonic();
    ck_assert_int_ge(after - before, 20000);
    ck_assert_int_lt(after - before, apr_time_from_sec(3));
}
END_TEST

START_TEST(gate_lets_in_up_to_its_limit)
{
    authsvc_gate_t gate;

    authsvc_gate_init(&gate, 2);
    ck_assert_int_eq(authsvc_gate_enter(&gate), 1);
    ck_assert_int_eq(authsvc_gate_is_full(&gate), 0);
    ck_assert_int_eq(authsvc_gate_enter(&gate), 1);
    ck_assert_int_eq(authsvc_gate_is_full(&gate), 1);
    ck_assert_int_eq(authsvc_gate_enter(&gate), 0);
    authsvc_gate_leave(&gate);
    ck_assert_int_eq(authsvc_gate_is_full(&gate), 0);
    ck_assert_int_eq(authsvc_gate_is_full(NULL), 0);
    ck_assert_int_eq(authsvc_gate_enter(&gate), 1);
    ck_assert_int_eq(authsvc_gate_enter(&gate), 0);
}
END_TEST

START_TEST(gate_of_none_lets_one_in)
{
    authsvc_gate_t gate;

    authsvc_gate_init(&gate, 0);
    ck_assert_int_eq(authsvc_gate_enter(&gate), 1);
    ck_assert_int_eq(authsvc_gate_enter(&gate), 0);
}
END_TEST

START_TEST(gate_null_is_always_open)
{
    ck_assert_int_eq(authsvc_gate_enter(NULL), 1);
    authsvc_gate_leave(NULL);
}
END_TEST

typedef struct {
    authsvc_gate_t gate;
    volatile apr_uint32_t inside;
    volatile apr_uint32_t most; /* only ever raised */
    volatile apr_uint32_t entered;
} crowd_t;

static void *APR_THREAD_FUNC push(apr_thread_t *thread, void *data)
{
    crowd_t *crowd = data;
    int i;

    for (i = 0; i < 20000; i++) {
        if (authsvc_gate_enter(&crowd->gate)) {
            apr_uint32_t now = apr_atomic_inc32(&crowd->inside) + 1;
            apr_uint32_t most = apr_atomic_read32(&crowd->most);

            while (now > most && apr_atomic_cas32(&crowd->most, now, most) != most) {
                most = apr_atomic_read32(&crowd->most);
            }
            apr_atomic_inc32(&crowd->entered);
            if (i % 64 == 0) {
                apr_sleep(100);
            }
            apr_atomic_dec32(&crowd->inside);
            authsvc_gate_leave(&crowd->gate);
        }
    }
    (void)thread;
    return NULL; /* no apr_thread_exit(): AddressSanitizer trips over what that leaves behind */
}

START_TEST(gate_holds_among_threads)
{
    crowd_t crowd = {.inside = 0, .most = 0, .entered = 0};
    apr_thread_t *threads[GATE_THREADS];
    apr_status_t rv;
    int i;

    authsvc_gate_init(&crowd.gate, GATE_LIMIT);
    for (i = 0; i < GATE_THREADS; i++) {
        ck_assert_int_eq(apr_thread_create(&threads[i], NULL, push, &crowd, unit_pool), 0);
    }
    for (i = 0; i < GATE_THREADS; i++) {
        apr_thread_join(&rv, threads[i]);
    }
    ck_assert_uint_le(crowd.most, GATE_LIMIT);
    ck_assert_uint_gt(crowd.most, 1);
    ck_assert_uint_gt(crowd.entered, 0);
    ck_assert_uint_eq(crowd.gate.inside, 0);
}
END_TEST

START_TEST(settings_defaults)
{
    authsvc_settings_t settings;

    memset(&settings, 0xa5, sizeof(settings));
    authsvc_settings_init(&settings, unit_pool);
    ck_assert_ptr_null(settings.issuer);
    ck_assert_ptr_null(settings.audience);
    ck_assert_ptr_null(settings.problem_base);
    ck_assert_ptr_null(settings.origin);
    ck_assert_int_eq(settings.cookie, 0);
    ck_assert_int_eq(settings.cookie_secure, 1);
    ck_assert_ptr_null(settings.keys);
    ck_assert_ptr_null(settings.secrets);
    ck_assert_ptr_null(settings.dummy_hash);
    ck_assert_int_eq(settings.token_type, AUTHSVC_TYP_JWT);
    ck_assert_int_eq(settings.access_lifetime, 900000000);
    ck_assert_int_eq(settings.refresh_lifetime, 2592000000000);
    ck_assert_int_eq(settings.session_lifetime, 7776000000000);
    ck_assert_int_eq(settings.refresh_grace, 30000000);
    ck_assert_int_eq(settings.registration_open, 1);
    ck_assert_int_eq(settings.email_utf8, 0);
    ck_assert_int_eq(settings.password_min, 8);
    ck_assert_int_eq(settings.password_max, 128);
    ck_assert_int_eq(settings.password_require, 1 | 2 | 4);
    ck_assert_uint_eq(settings.hash_memory, 67108864);
    ck_assert_int_eq(settings.hash_passes, 2);
    ck_assert_int_eq(settings.hash_nice, 10);
    ck_assert_uint_eq(settings.max_body, 65536);
    ck_assert_int_eq(settings.db_timeout, 3000000);
    ck_assert_int_eq(settings.require_tls, 1);
    ck_assert_ptr_nonnull(settings.cors_origins);
    ck_assert_int_eq(settings.cors_origins->nelts, 0);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_process)
{
    Suite *suite = suite_create("process");
    TCase *tcase = unit_tcase(suite, "clock");

    tcase_add_test(tcase, clock_null_is_the_systems);
    tcase_add_test(tcase, clock_can_be_replaced);
    tcase_add_test(tcase, clock_monotonic_counts_microseconds);
    tcase = unit_tcase(suite, "gate");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, gate_lets_in_up_to_its_limit);
    tcase_add_test(tcase, gate_of_none_lets_one_in);
    tcase_add_test(tcase, gate_null_is_always_open);
    tcase_add_test(tcase, gate_holds_among_threads);
    tcase = unit_tcase(suite, "settings");
    tcase_add_test(tcase, settings_defaults);
    return suite;
}
