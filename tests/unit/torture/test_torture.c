/* SPDX-License-Identifier: Apache-2.0 */
#include "tries.h"

#include "torture.h"

#define TIMEOUT 600 /* seconds; for sanitizers on a busy machine */

static void tell(const torture_case_t *tcase, const char *how, const tally_t *tally)
{
    printf("%s: %s: %ld tries, %ld errors, %ld ends, %ld absorbed\n", tcase->name, how,
           tally->tries, tally->errors, tally->ends, tally->absorbed);
}

static void torture_all(const scene_t *scene, const torture_case_t *tcase)
{
    static const char *const modes[] = {"database unavailable", "database refuses",
                                        "connection dead", "answer lost", "answer spoilt"};
    const char *only = getenv("TORTURE_KIND");
    const char *finding;
    int mode;

    for (mode = 0; mode < INJECT_MODES && (!only || *only == 'd'); mode++) {
        tally_t tally = {0};

        finding = torture(scene, tcase, INJECT_DATABASE, (inject_mode_t)mode, 0, &tally);
        ck_assert_msg(!finding, "%s", finding);
        tell(tcase, modes[mode], &tally);
    }
    for (mode = INJECT_UNAVAILABLE; mode <= INJECT_INTERNAL && (!only || *only == 'c'); mode++) {
        tally_t tally = {0};

        finding = torture(scene, tcase, INJECT_CRYPTO, (inject_mode_t)mode, 0, &tally);
        ck_assert_msg(!finding, "%s", finding);
        tell(tcase, "crypto", &tally);
    }
    for (mode = 0; mode < 2 && (!only || *only == 'm'); mode++) {
        tally_t tally = {0};

        finding = torture(scene, tcase, INJECT_MEMORY, INJECT_UNAVAILABLE, mode, &tally);
        ck_assert_msg(!finding, "%s", finding);
        tell(tcase, mode ? "no memory from there on" : "one allocation", &tally);
    }
}

static const scene_t *make_scene(const char *algorithm)
{
    static scene_t scene;
    static char directory[128];

    snprintf(directory, sizeof(directory), "%s/%ld", tries_directory, (long)getpid());
    scene_make(&scene, directory, algorithm);
    return &scene;
}

START_TEST(every_operation_fails_whole)
{
    torture_all(make_scene("ES256"), &torture_operations[_i]);
}
END_TEST

START_TEST(every_service_fails_whole)
{
    torture_all(make_scene("ES256"), &torture_services[_i]);
}
END_TEST

static int count(const torture_case_t *cases)
{
    int n = 0;

    while (cases[n].name) {
        n++;
    }
    return n;
}

AUTHSVC_UNIT_SUITE(suite_torture)
{
    Suite *suite = suite_create("torture");
    TCase *tcase = unit_tcase(suite, "operations");

    tcase_set_timeout(tcase, TIMEOUT);
    tcase_add_loop_test(tcase, every_operation_fails_whole, 0, count(torture_operations));
    tcase = unit_tcase(suite, "services");
    tcase_set_timeout(tcase, TIMEOUT);
    tcase_add_loop_test(tcase, every_service_fails_whole, 0, count(torture_services));
    return suite;
}
