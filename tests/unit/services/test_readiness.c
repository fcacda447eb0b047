/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include "authsvc/crypto/admission.h"

/* "database clock!" : the checks in order, the failed ones with an exclamation mark. */
static const char *outcome(int *ready)
{
    apr_array_header_t *checks;
    const char *text = "";
    *ready = authsvc_readiness(&fake.ctx, &checks);
    for (int i = 0; i < checks->nelts; i++) {
        const authsvc_readiness_check_t *check =
            &APR_ARRAY_IDX(checks, i, authsvc_readiness_check_t);
        ck_assert_int_eq(check->ok, check->detail == NULL);
        text = apr_pstrcat(fake.ctx.pool, text, *text ? " " : "", check->name,
                           check->ok ? "" : "!", NULL);
    }
    return text;
}

START_TEST(a_first_node_is_ready_and_records_its_secret)
{
    int ready = 0;
    fake.node.database_now = fake.now;
    ck_assert_str_eq(outcome(&ready), "database clock secret hashing keys");
    ck_assert_int_eq(ready, 1);
    ck_assert_int_eq(fake.recorded_secret, 1);
    ck_assert_str_eq(fake.recorded_fingerprint,
                     authsvc_secrets_fingerprint(fake.settings.secrets, 1, fake.ctx.pool));
}
END_TEST

START_TEST(a_dead_database_is_not_ready)
{
    int ready = 1;
    fake.fail_at = 1;
    ck_assert_str_eq(outcome(&ready), "database! hashing keys");
    ck_assert_int_eq(ready, 0);
}
END_TEST

START_TEST(clocks_apart_are_not_ready)
{
    int ready = 1;
    fake.node.database_now = fake.now - apr_time_from_sec(30);
    ck_assert_str_eq(outcome(&ready), "database clock secret hashing keys");
    fake.node.database_now = fake.now - apr_time_from_sec(31);
    ck_assert_str_eq(outcome(&ready), "database clock! secret hashing keys");
    ck_assert_int_eq(ready, 0);
    fake.node.database_now = fake.now + apr_time_from_sec(31);
    ck_assert_str_eq(outcome(&ready), "database clock! secret hashing keys");
}
END_TEST

START_TEST(another_nodes_unknown_secret_is_not_ready)
{
    int ready = 1;
    fake.node.database_now = fake.now;
    fake.node.secret_number = 1;
    fake.node.secret_fingerprint = "AAAAAAAAAAAAAAAAAAAAAA";
    ck_assert_str_eq(outcome(&ready), "database clock secret! hashing keys");
    ck_assert_int_eq(ready, 0);
    ck_assert_int_eq(fake.recorded_secret, 0);
}
END_TEST

/* Rotation: the new secret is appended everywhere, then moved to the front, node by node. */
START_TEST(a_newer_secret_in_front_is_recorded_an_older_one_is_not)
{
    int ready = 0;
    const char *one;
    const char *two;
    authsvc_secrets_t *old_front;
    authsvc_secrets_t *new_front;
    apr_pool_t *pool = fake.ctx.pool;
    ck_assert_ok(authsvc_secrets_generate(pool, 1, &one));
    ck_assert_ok(authsvc_secrets_generate(pool, 2, &two));
    const char *text = apr_pstrcat(pool, one, two, NULL);
    ck_assert_ok(authsvc_secrets_parse(pool, "test", text, strlen(text), &old_front));
    text = apr_pstrcat(pool, two, one, NULL);
    ck_assert_ok(authsvc_secrets_parse(pool, "test", text, strlen(text), &new_front));

    fake.node.database_now = fake.now;
    fake.node.secret_number = 1;
    fake.node.secret_fingerprint = authsvc_secrets_fingerprint(old_front, 1, pool);
    fake.settings.secrets = new_front;
    ck_assert_str_eq(outcome(&ready), "database clock secret hashing keys");
    ck_assert_int_eq(fake.recorded_secret, 2);

    fake.node.secret_number = 2;
    fake.node.secret_fingerprint = authsvc_secrets_fingerprint(new_front, 2, pool);
    fake.recorded_secret = 0;
    fake.settings.secrets = old_front;
    ck_assert_str_eq(outcome(&ready), "database clock secret hashing keys");
    ck_assert_int_eq(fake.recorded_secret, 0);
}
END_TEST

typedef struct {
    const char *outcome;
    int ready;
} removed_t;

/* The pool's last cleanup: the set is gone, what stands for it is still there. */
static apr_status_t look_without_the_set(void *baton)
{
    removed_t *removed = baton;
    removed->outcome = outcome(&removed->ready);
    return APR_SUCCESS;
}

START_TEST(without_its_semaphores_a_node_is_not_ready)
{
    int ready = 0;
    removed_t removed = {NULL, 1};
    apr_pool_t *pool;
    fake.node.database_now = fake.now;
    apr_pool_create(&pool, fake.ctx.pool);
    apr_pool_cleanup_register(pool, &removed, look_without_the_set, apr_pool_cleanup_null);
    ck_assert_ok(authsvc_admission_create(pool, 1, 1, 0, (uid_t)-1, (gid_t)-1,
                                          &fake.ctx.admission));
    ck_assert_str_eq(outcome(&ready), "database clock secret hashing keys");
    ck_assert_int_eq(ready, 1);
    apr_pool_destroy(pool);
    fake.ctx.admission = NULL;
    ck_assert_str_eq(removed.outcome, "database clock secret hashing! keys");
    ck_assert_int_eq(removed.ready, 0);
}
END_TEST

static const char *keys_warning(int *ready)
{
    apr_array_header_t *checks;
    *ready = authsvc_readiness(&fake.ctx, &checks);
    for (int i = 0; i < checks->nelts; i++) {
        const authsvc_readiness_check_t *check =
            &APR_ARRAY_IDX(checks, i, authsvc_readiness_check_t);
        if (strcmp(check->name, "keys") == 0) {
            ck_assert_int_eq(check->ok, 1);
            return check->warning;
        }
        ck_assert_ptr_null(check->warning);
    }
    ck_abort_msg("there is no check of the keys");
}

START_TEST(without_a_successor_of_its_key_a_node_is_ready_and_warns)
{
    int ready = 0;
    ck_assert_ptr_null(keys_warning(&ready)); /* one key, for good */
    fake.settings.keys = fake_rotating_keys(fake.ctx.pool);
    fake.node.database_now = fake.now = apr_time_from_sec(9);
    ck_assert_ptr_null(keys_warning(&ready));
    ck_assert_int_eq(ready, 1);
    ck_assert_ptr_null(strstr(fake.log.all, "AS0234"));
    fake.node.database_now = fake.now = apr_time_from_sec(3600);
    ck_assert_ptr_nonnull(keys_warning(&ready));
    ck_assert_int_eq(ready, 1);
    ck_assert_ptr_nonnull(strstr(fake.log.all, "AS0234"));
    ck_assert_int_eq(fake.log.level, AUTHSVC_LOG_WARNING);
    /* a load balancer asks every few seconds */
    fake.log.all[0] = '\0';
    ck_assert_ptr_nonnull(keys_warning(&ready));
    ck_assert_ptr_null(strstr(fake.log.all, "AS0234"));
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_readiness)
{
    Suite *suite = suite_create("readiness");
    TCase *tcase = fake_tcase(suite, "readiness");
    tcase_add_test(tcase, a_first_node_is_ready_and_records_its_secret);
    tcase_add_test(tcase, a_dead_database_is_not_ready);
    tcase_add_test(tcase, clocks_apart_are_not_ready);
    tcase_add_test(tcase, another_nodes_unknown_secret_is_not_ready);
    tcase_add_test(tcase, a_newer_secret_in_front_is_recorded_an_older_one_is_not);
    tcase_add_test(tcase, without_its_semaphores_a_node_is_not_ready);
    tcase_add_test(tcase, without_a_successor_of_its_key_a_node_is_ready_and_warns);
    return suite;
}
