/* SPDX-License-Identifier: Apache-2.0 */
#include "tries.h"

#include "planted.h"
#include "torture.h"

#define TIMEOUT 1200 /* seconds; for sanitizers on a busy machine */

/*
 * make check lets each allocation of each operation fail once. What goes much the same way is
 * sampled: an operation's variants, the services by themselves, memory that stays away, and the
 * first request on a connection. AUTHSVC_TORTURE=full leaves nothing out.
 */
#define SAMPLE_VARIANTS 4
#define SAMPLE_SERVICES 5
#define SAMPLE_ONWARDS 7

static int is_full(void)
{
    const char *wanted = getenv("AUTHSVC_TORTURE");

    return wanted && strcmp(wanted, "full") == 0;
}

static scene_t scene_of_test;

static void free_scene(void)
{
    scene_free(&scene_of_test);
}

static const scene_t *make_scene(const char *algorithm)
{
    char name[128];

    snprintf(name, sizeof(name), "%s/%ld", tries_directory, (long)getpid());
    scene_make(&scene_of_test, name, algorithm);
    return &scene_of_test;
}

/* @return how many calls failed */
static long run_plan(const scene_t *scene, const torture_case_t *tcase, const char *how,
                     plan_t plan)
{
    tally_t tally = {0};
    const char *finding = torture(scene, tcase, &plan, &tally);

    ck_assert_msg(!finding, "%s", finding);
    printf("%s: %s: %ld tries, %ld errors, %ld ends, %ld absorbed\n", tcase->name, how,
           tally.tries, tally.errors, tally.ends, tally.absorbed);
    return tally.tries;
}

static long fail_database(const scene_t *scene, const torture_case_t *tcase)
{
    static const char *const modes[] = {"database unavailable", "database refuses",
                                        "connection dead", "answer lost", "answer spoilt"};
    long tries = 0;
    int mode;

    for (mode = 0; mode < INJECT_MODES; mode++) {
        tries += run_plan(scene, tcase, modes[mode],
                          (plan_t){INJECT_DATABASE, (inject_mode_t)mode, 0, 0, 1});
    }
    return tries;
}

static long fail_crypto(const scene_t *scene, const torture_case_t *tcase)
{
    return run_plan(scene, tcase, "crypto without memory",
                    (plan_t){INJECT_CRYPTO, INJECT_UNAVAILABLE, 0, 1, 1}) +
           run_plan(scene, tcase, "crypto refuses",
                    (plan_t){INJECT_CRYPTO, INJECT_INTERNAL, 0, 1, 1});
}

/* @param cold the connection's first request, too */
static long fail_memory(const scene_t *scene, const torture_case_t *tcase, int cold, int sample)
{
    int warm = !cold && !is_full();
    int onwards = is_full() ? 1 : SAMPLE_ONWARDS;

    return run_plan(scene, tcase, "one allocation",
                    (plan_t){INJECT_MEMORY, INJECT_UNAVAILABLE, 0, warm, is_full() ? 1 : sample}) +
           run_plan(scene, tcase, "no memory from there on",
                    (plan_t){INJECT_MEMORY, INJECT_UNAVAILABLE, 1, warm, onwards});
}

/* What is the same for everybody asks no database and proves nothing; readiness asks only. */
static int asks_database(const torture_case_t *tcase)
{
    return strncmp(tcase->name, "get", 3) != 0 || strcmp(tcase->name, "getMe") == 0 ||
           strcmp(tcase->name, "getReadiness") == 0;
}

static int uses_crypto(const torture_case_t *tcase)
{
    return asks_database(tcase) && strcmp(tcase->name, "getReadiness") != 0;
}

START_TEST(every_operation_fails_whole)
{
    const torture_case_t *tcase = &torture_operations[_i];
    const scene_t *scene = make_scene("ES256");
    int cold = strcmp(tcase->name, "getReadiness") == 0;

    ck_assert_int_eq(fail_database(scene, tcase) > 0, asks_database(tcase));
    ck_assert_int_eq(fail_crypto(scene, tcase) > 0, uses_crypto(tcase));
    ck_assert_int_gt(fail_memory(scene, tcase, cold,
                                 strchr(tcase->name, ':') ? SAMPLE_VARIANTS : 1), 0);
}
END_TEST

/* These look at a text, or count, and call nothing that can fail. */
static int needs_nothing(const torture_case_t *tcase)
{
    return strcmp(tcase->name, "authsvc_limits_api") == 0 ||
           strcmp(tcase->name, "authsvc_policy_check_name") == 0;
}

START_TEST(every_service_fails_whole)
{
    const torture_case_t *tcase = &torture_services[_i];
    const scene_t *scene = make_scene("ES256");
    long tries = fail_database(scene, tcase) + fail_crypto(scene, tcase) +
                 fail_memory(scene, tcase, 0, SAMPLE_SERVICES);

    ck_assert_int_eq(tries > 0, !needs_nothing(tcase));
}
END_TEST

static const torture_case_t *find_service(const char *name)
{
    const torture_case_t *tcase = torture_services;

    while (tcase->name && strcmp(tcase->name, name) != 0) {
        tcase++;
    }
    ck_assert_ptr_nonnull(tcase->name);
    return tcase;
}

START_TEST(signatures_of_other_keys_fail_whole)
{
    static const char *const algorithms[] = {"RS256", "EdDSA"};
    static const char *const services[] = {"authsvc_authentication_verify",
                                           "authsvc_sessions_grant"};
    const scene_t *scene = make_scene(algorithms[_i]);
    size_t i;

    for (i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        const torture_case_t *tcase = find_service(services[i]);

        ck_assert_int_gt(fail_crypto(scene, tcase), 0);
        ck_assert_int_gt(fail_memory(scene, tcase, 0, 1), 0);
    }
}
END_TEST

START_TEST(planted_faults_are_found)
{
    const planted_t *fault = &planted[_i];
    const plan_t plan = {fault->kind, INJECT_UNAVAILABLE, 0, 1, 1};
    tally_t tally = {0};
    const char *finding = torture(make_scene("ES256"), &fault->tcase, &plan, &tally);

    ck_assert_msg(finding != NULL, "%s: nothing was found", fault->tcase.name);
    ck_assert_msg(strstr(finding, fault->finding) != NULL, "%s: not found, but: %s",
                  fault->tcase.name, finding);
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

static TCase *new_tcase(Suite *suite, const char *name)
{
    TCase *tcase = unit_tcase(suite, name);

    tcase_add_checked_fixture(tcase, NULL, free_scene);
    tcase_set_timeout(tcase, TIMEOUT);
    return tcase;
}

AUTHSVC_UNIT_SUITE(suite_torture)
{
    Suite *suite = suite_create("torture");
    TCase *tcase = new_tcase(suite, "planted");

    tcase_add_loop_test(tcase, planted_faults_are_found, 0, planted_count);
    tcase = new_tcase(suite, "operations");
    tcase_add_loop_test(tcase, every_operation_fails_whole, 0, count(torture_operations));
    tcase = new_tcase(suite, "services");
    tcase_add_loop_test(tcase, every_service_fails_whole, 0, count(torture_services));
    tcase_add_loop_test(tcase, signatures_of_other_keys_fail_whole, 0, 2);
    return suite;
}
