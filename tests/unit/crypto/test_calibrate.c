/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/calibrate.h"

#include "authsvc/crypto/password.h"
#include "unit.h"

#define MIB ((apr_size_t)1024 * 1024)
#define MS ((apr_interval_time_t)1000)

/* A machine that is not there: what it takes for each MiB and pass, and what it has. */
typedef struct {
    double us_per_mib;
    double fixed_us;
    apr_size_t memory;   /* more is UNAVAILABLE; 0: no limit */
    apr_size_t broken_at; /* INTERNAL from here; 0: never */
    int measured;
    apr_size_t most;
} machine_t;

static authsvc_error_t *model(void *baton, authsvc_calibration_t *cost)
{
    machine_t *machine = baton;
    apr_size_t mib;

    machine->measured++;
    machine->most = cost->memory > machine->most ? cost->memory : machine->most;
    ck_assert_uint_eq(cost->memory % MIB, 0);
    ck_assert_uint_ge(cost->memory, AUTHSVC_HASH_MEMORY_OWASP);
    ck_assert_int_ge(cost->passes, 2);
    ck_assert_int_le(cost->passes, AUTHSVC_HASH_PASSES_MAX);
    if (machine->broken_at && cost->memory >= machine->broken_at) {
        return AUTHSVC_INTERNAL(unit_pool, "broken");
    }
    if (machine->memory && cost->memory > machine->memory) {
        return AUTHSVC_ERROR(unit_pool, AUTHSVC_E_UNAVAILABLE, "overloaded", NULL, "no memory");
    }
    mib = cost->memory / MIB;
    cost->took = (apr_interval_time_t)(machine->fixed_us +
                                       machine->us_per_mib * (double)mib * cost->passes);
    return NULL;
}

static authsvc_calibration_t calibrate(machine_t *machine, apr_interval_time_t target,
                                       apr_size_t memory_max)
{
    authsvc_calibration_t found = {0};

    ck_assert_ptr_null(authsvc_calibrate(target, memory_max, model, machine, &found));
    ck_assert_int_le(machine->measured, 30);
    ck_assert_uint_le(machine->most, memory_max);
    return found;
}

START_TEST(memory_comes_first)
{
    machine_t machine = {.us_per_mib = 600};
    authsvc_calibration_t found = calibrate(&machine, 250 * MS, 1024 * MIB);

    ck_assert_int_eq(found.passes, 2);
    ck_assert_uint_le(found.memory, 208 * MIB);
    ck_assert_uint_ge(found.memory, 195 * MIB);
    ck_assert_int_le(found.took, 250 * MS);
}
END_TEST

START_TEST(then_passes)
{
    machine_t machine = {.us_per_mib = 500};
    authsvc_calibration_t found = calibrate(&machine, 250 * MS, 64 * MIB + 5);

    ck_assert_uint_eq(found.memory, 64 * MIB);
    ck_assert_int_eq(found.passes, 7);
    ck_assert_int_le(found.took, 250 * MS);
}
END_TEST

START_TEST(not_more_passes_than_can_be_set)
{
    machine_t machine = {.us_per_mib = 1};
    authsvc_calibration_t found = calibrate(&machine, 60000 * MS, 32 * MIB);

    ck_assert_uint_eq(found.memory, 32 * MIB);
    ck_assert_int_eq(found.passes, AUTHSVC_HASH_PASSES_MAX);
}
END_TEST

START_TEST(never_less_than_the_minimum)
{
    machine_t machine = {.us_per_mib = 10000};
    authsvc_calibration_t found = calibrate(&machine, 250 * MS, 1024 * MIB);

    ck_assert_uint_eq(found.memory, AUTHSVC_HASH_MEMORY_OWASP);
    ck_assert_int_eq(found.passes, 2);
    ck_assert_int_gt(found.took, 250 * MS);
    ck_assert_int_eq(machine.measured, 1);
}
END_TEST

/* Time that does not go with memory alone: caches, and what each hash takes anyway. */
START_TEST(time_need_not_be_linear)
{
    machine_t machine = {.us_per_mib = 100, .fixed_us = 100000};
    authsvc_calibration_t found = calibrate(&machine, 250 * MS, 4096 * MIB);

    ck_assert_int_le(found.took, 250 * MS);
    ck_assert_uint_ge(found.memory, 650 * MIB);
}
END_TEST

START_TEST(memory_that_is_not_there)
{
    machine_t machine = {.us_per_mib = 10, .memory = 300 * MIB};
    authsvc_calibration_t found = calibrate(&machine, 250 * MS, 4096 * MIB);

    ck_assert_uint_le(found.memory, 300 * MIB);
    ck_assert_uint_ge(found.memory, 200 * MIB);
    ck_assert_int_gt(found.passes, 2);
    ck_assert_int_le(found.took, 250 * MS);
}
END_TEST

START_TEST(what_goes_wrong_is_told)
{
    machine_t machine = {.us_per_mib = 10, .broken_at = 100 * MIB};
    authsvc_calibration_t found;
    authsvc_error_t *err = authsvc_calibrate(250 * MS, 4096 * MIB, model, &machine, &found);

    ck_assert_ptr_nonnull(err);
    ck_assert_int_eq(err->code, AUTHSVC_E_INTERNAL);
    machine = (machine_t){.us_per_mib = 10, .memory = MIB};
    err = authsvc_calibrate(250 * MS, 4096 * MIB, model, &machine, &found);
    ck_assert_ptr_nonnull(err);
    ck_assert_int_eq(err->code, AUTHSVC_E_UNAVAILABLE);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_calibrate)
{
    Suite *suite = suite_create("calibrate");
    TCase *tcase = unit_tcase(suite, "calibrate");

    tcase_add_test(tcase, memory_comes_first);
    tcase_add_test(tcase, then_passes);
    tcase_add_test(tcase, not_more_passes_than_can_be_set);
    tcase_add_test(tcase, never_less_than_the_minimum);
    tcase_add_test(tcase, time_need_not_be_linear);
    tcase_add_test(tcase, memory_that_is_not_there);
    tcase_add_test(tcase, what_goes_wrong_is_told);
    return suite;
}
