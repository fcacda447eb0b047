/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include <apr_strings.h>
#include <sys/mman.h>

#include "authsvc/crypto/password.h"

#define WRONG "Wrong Horse 9"
#define MINUTE apr_time_from_sec(60)
#define ELSEWHERE "198.51.100.7"

static authsvc_error_t *login(const char *email, const char *password)
{
    authsvc_grant_t grant = {0};
    return authsvc_login(&fake.ctx, email, password, strlen(password), &grant);
}

static const char *device_of(const char *email)
{
    authsvc_grant_t grant = {0};
    ck_assert_ok(authsvc_login(&fake.ctx, email, FAKE_PASSWORD, strlen(FAKE_PASSWORD), &grant));
    ck_assert_ptr_nonnull(grant.device_token);
    return grant.device_token;
}

static void refused(const char *email, const char *password)
{
    ck_assert_problem(login(email, password), AUTHSVC_E_UNAUTHENTICATED, "invalid-credentials");
}

static void fail_times(const char *email, int n)
{
    for (int i = 0; i < n; i++) {
        refused(email, WRONG);
    }
}

static int count_text(const char *text)
{
    int n = 0;
    for (const char *at = fake.log.all; (at = strstr(at, text)); at++) {
        n++;
    }
    return n;
}

/* Memory that counts, as processes share it. */
static void count_in_memory_of(apr_size_t entries)
{
    void *memory = mmap(NULL, authsvc_failures_size(entries), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    ck_assert_int_eq(authsvc_failures_create(memory, entries, &fake.ctx.failures), APR_SUCCESS);
}

/* So many entries that none has to make room, whatever their hashes. */
static void count_in_memory(void)
{
    count_in_memory_of(4096);
}

START_TEST(the_tenth_failure_begins_a_pause)
{
    fake_add_user("ada@example.org");
    if (_i) {
        count_in_memory();
    }
    fail_times("ada@example.org", 9);
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
    fail_times("ada@example.org", 9);
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
    fail_times("ada@example.org", 10);
    refused("ada@example.org", FAKE_PASSWORD);
    ck_assert_int_eq(fake.n_sessions, 2);
}
END_TEST

START_TEST(a_pause_ends_and_the_next_is_twice_as_long)
{
    fake_add_user("ada@example.org");
    fail_times("ada@example.org", 10);
    ck_assert_int_eq(count_text("event=login-paused "), 1);
    fake.now += MINUTE - 1;
    refused("ada@example.org", FAKE_PASSWORD);
    fake.now += 1;
    refused("ada@example.org", WRONG);
    ck_assert_int_eq(count_text("event=login-paused "), 2);
    fake.now += 2 * MINUTE - 1;
    refused("ada@example.org", FAKE_PASSWORD);
    fake.now += 1;
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
    fail_times("ada@example.org", 9);
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(count_text("event=login-paused "), 2);
}
END_TEST

START_TEST(tries_during_a_pause_do_not_count)
{
    fake_add_user("ada@example.org");
    fail_times("ada@example.org", 10);
    int records = fake.records;
    fail_times("ada@example.org", 20);
    ck_assert_int_eq(fake.records, records);
    ck_assert_int_eq(count_text("event=login-paused "), 1);
    fake.now += MINUTE;
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
}
END_TEST

START_TEST(an_unknown_address_is_treated_alike)
{
    fake_add_user("ada@example.org");
    fake.calls = 0;
    fail_times("ada@example.org", 12);
    int calls = fake.calls;
    fake.calls = 0;
    fail_times("nobody@example.org", 12);
    ck_assert_int_eq(fake.calls, calls);
    ck_assert_int_eq(fake.n_failures, 4);
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(fake.failures[i].place, fake.failures[i + 2].place);
        ck_assert_int_eq(fake.failures[i].failures, fake.failures[i + 2].failures);
    }
    ck_assert_ptr_nonnull(strstr(fake.log.all, "event=login-paused user=- place=\"ip 192.0.2.1\""));
}
END_TEST

START_TEST(another_network_is_not_paused)
{
    fake_add_user("ada@example.org");
    fail_times("ada@example.org", 10);
    fake.ctx.client_ip = ELSEWHERE;
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
    fake.ctx.client_ip = "192.0.2.1";
    refused("ada@example.org", FAKE_PASSWORD);
    fake.ctx.client_ip = "::ffff:192.0.2.1";
    refused("ada@example.org", FAKE_PASSWORD);
}
END_TEST

START_TEST(a_known_device_has_its_own_counter)
{
    fake_add_user("ada@example.org");
    const char *token = device_of("ada@example.org");
    fail_times("ada@example.org", 10);
    refused("ada@example.org", FAKE_PASSWORD);
    fake.ctx.device_token = token;
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
    fail_times("ada@example.org", 10);
    refused("ada@example.org", FAKE_PASSWORD);
    fake.now += MINUTE;
    fake.ctx.device_token = token;
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
    /* whose success is not that of the network */
    fake.ctx.device_token = NULL;
    fail_times("ada@example.org", 1);
    refused("ada@example.org", FAKE_PASSWORD);
}
END_TEST

START_TEST(a_token_of_another_account_or_an_old_one_is_none)
{
    fake_add_user("ada@example.org");
    fake_add_user("eve@example.org");
    const char *old = device_of("ada@example.org");
    fake.now += fake.settings.device_lifetime;
    const char *good = device_of("ada@example.org");
    const char *eves = device_of("eve@example.org");
    fail_times("ada@example.org", 10);
    const char *const tokens[] = {eves, old, "asd1_junk", "", NULL};
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        fake.ctx.device_token = tokens[i];
        refused("ada@example.org", FAKE_PASSWORD);
    }
    fake.ctx.device_token = good;
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
}
END_TEST

/* The device's id is in the middle of the token's octets, the time after it. */
START_TEST(a_login_renews_the_token_of_the_same_device)
{
    fake_add_user("ada@example.org");
    fake_add_user("eve@example.org");
    const char *first = device_of("ada@example.org");
    fake.now += MINUTE;
    ck_assert_int_ne(strncmp(device_of("ada@example.org"), first, 5 + 22), 0);
    fake.ctx.device_token = first;
    const char *renewed = device_of("ada@example.org");
    ck_assert_str_ne(renewed, first);
    ck_assert_int_eq(strncmp(renewed, first, 5 + 22), 0);
    ck_assert_int_ne(strncmp(device_of("eve@example.org"), first, 5 + 22), 0);
    fake.settings.device_lifetime = 0;
    authsvc_grant_t grant = {0};
    ck_assert_ok(authsvc_login(&fake.ctx, "ada@example.org", FAKE_PASSWORD, strlen(FAKE_PASSWORD),
                               &grant));
    ck_assert_ptr_null(grant.device_token);
}
END_TEST

/* n failures, each network's own pause never reached */
static void fail_from_everywhere(const char *email, int n)
{
    for (int i = 0; i < n; i++) {
        fake.ctx.client_ip = apr_psprintf(fake.ctx.pool, "203.0.113.%d", i % 50);
        refused(email, WRONG);
    }
}

START_TEST(the_sum_keeps_newcomers_away_and_nobody_else)
{
    fake_add_user("ada@example.org");
    if (_i) {
        count_in_memory();
    }
    const char *token = device_of("ada@example.org");
    fail_from_everywhere("ada@example.org", 99);
    fake.ctx.client_ip = ELSEWHERE;
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
    fail_from_everywhere("ada@example.org", 1);
    ck_assert_int_eq(count_text("event=login-paused-elsewhere "), _i ? 0 : 1);
    fake.ctx.client_ip = "198.51.100.9"; /* new */
    refused("ada@example.org", FAKE_PASSWORD);
    fake.ctx.device_token = token;
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
    fake.ctx.device_token = NULL;
    fake.ctx.client_ip = ELSEWHERE; /* known */
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
    if (_i == 0) {
        fake.ctx.client_ip = "198.51.100.10";
        fake.now += apr_time_from_sec(3600);
        ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
    }
}
END_TEST

START_TEST(registration_makes_the_network_known)
{
    authsvc_grant_t grant = {0};
    ck_assert_ok(authsvc_registration_register(&fake.ctx, "ada@example.org", FAKE_PASSWORD,
                                               strlen(FAKE_PASSWORD), "Ada", &grant));
    ck_assert_ptr_nonnull(grant.device_token);
    fail_from_everywhere("ada@example.org", 100);
    fake.ctx.client_ip = ELSEWHERE;
    refused("ada@example.org", FAKE_PASSWORD);
    fake.ctx.client_ip = "192.0.2.1";
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
}
END_TEST

/* What others do while this try is under way. */
static void others_fail(void)
{
    authsvc_ctx_t other = fake.ctx;
    fake.after_find = NULL;
    for (int i = 0; i < 10; i++) {
        authsvc_grant_t grant;
        ck_assert_ptr_nonnull(
            authsvc_login(&other, "ada@example.org", WRONG, strlen(WRONG), &grant));
    }
}

START_TEST(a_guess_under_way_is_worth_nothing_after_the_limit)
{
    fake_add_user("ada@example.org");
    count_in_memory();
    fake.after_find = others_fail;
    refused("ada@example.org", FAKE_PASSWORD);
    ck_assert_ptr_null(fake.after_find);
}
END_TEST

/* And then the writer has its turn. */
static void others_fail_and_it_is_written(void)
{
    authsvc_ctx_t other = fake.ctx;
    fake.after_find = NULL;
    for (int i = 0; i < (int)fake.settings.account_failures; i++) {
        authsvc_grant_t grant;
        other.client_ip = apr_psprintf(fake.ctx.pool, "203.0.113.%d", i % 50);
        ck_assert_ptr_nonnull(
            authsvc_login(&other, "ada@example.org", WRONG, strlen(WRONG), &grant));
    }
    ck_assert_ok(authsvc_lockout_write(&fake.ctx));
    ck_assert_int_gt(fake.records, 0);
}

static void all_fail_and_it_is_written(void)
{
    others_fail();
    ck_assert_ok(authsvc_lockout_write(&fake.ctx));
    ck_assert_int_eq(fake.records, 2);
}

/* What it was told of is old, and what it counts by has been emptied meanwhile. */
START_TEST(a_guess_under_way_is_worth_nothing_after_the_limit_was_written)
{
    fake_add_user("ada@example.org");
    fake.ctx.device_token = _i == 1 ? device_of("ada@example.org") : NULL;
    count_in_memory();
    fake.after_find = _i == 2 ? others_fail_and_it_is_written : all_fail_and_it_is_written;
    refused("ada@example.org", FAKE_PASSWORD);
    ck_assert_ptr_null(fake.after_find);
}
END_TEST

START_TEST(nothing_is_counted_where_it_is_off)
{
    fake_add_user("ada@example.org");
    fake.settings.login_failures = 0;
    fail_times("ada@example.org", 30);
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(fake.n_failures, 0);
    fake.settings.login_failures = 10;
    fake.settings.account_failures = 0;
    fail_from_everywhere("ada@example.org", 120);
    fake.ctx.client_ip = ELSEWHERE;
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
}
END_TEST

START_TEST(basic_and_the_deletion_of_an_account_count_too)
{
    const authsvc_principal_t *principal = NULL;
    fake_user_t *user = fake_add_user("ada@example.org");
    authsvc_grant_t grant = fake_login(user);
    fake_use_token(grant.access_token);
    for (int i = 0; i < 5; i++) {
        ck_assert_problem(authsvc_basic_authenticate(&fake.ctx, user->email, WRONG, strlen(WRONG),
                                                     &principal),
                          AUTHSVC_E_UNAUTHENTICATED, "invalid-credentials");
        ck_assert_problem(authsvc_account_delete(&fake.ctx, WRONG, strlen(WRONG)),
                          AUTHSVC_E_UNAUTHENTICATED, "invalid-credentials");
    }
    refused(user->email, FAKE_PASSWORD);
    ck_assert_problem(authsvc_basic_authenticate(&fake.ctx, user->email, FAKE_PASSWORD,
                                                 strlen(FAKE_PASSWORD), &principal),
                      AUTHSVC_E_UNAUTHENTICATED, "invalid-credentials");
    ck_assert_problem(authsvc_account_delete(&fake.ctx, FAKE_PASSWORD, strlen(FAKE_PASSWORD)),
                      AUTHSVC_E_UNAUTHENTICATED, "invalid-credentials");
    fake.now += MINUTE;
    ck_assert_ok(authsvc_account_delete(&fake.ctx, FAKE_PASSWORD, strlen(FAKE_PASSWORD)));
}
END_TEST

START_TEST(others_do_not_keep_the_owner_from_deleting)
{
    fake_user_t *user = fake_add_user("ada@example.org");
    authsvc_grant_t grant = fake_login(user);
    fake_use_token(grant.access_token);
    fail_from_everywhere(user->email, 100);
    fake.ctx.client_ip = ELSEWHERE;
    refused(user->email, FAKE_PASSWORD);
    ck_assert_ok(authsvc_account_delete(&fake.ctx, FAKE_PASSWORD, strlen(FAKE_PASSWORD)));
}
END_TEST

START_TEST(memory_is_written_once_for_many)
{
    fake_add_user("ada@example.org");
    count_in_memory();
    fail_times("ada@example.org", 8);
    ck_assert_int_eq(fake.records, 0);
    ck_assert_ok(authsvc_lockout_write(&fake.ctx));
    ck_assert_int_eq(fake.records, 2); /* the network, and the sum */
    ck_assert_int_eq(fake.transactions, 2); /* a short one first */
    ck_assert_int_eq(fake.failures[0].failures, 8);
    fail_times("ada@example.org", 2);
    refused("ada@example.org", FAKE_PASSWORD);
    ck_assert_ok(authsvc_lockout_write(&fake.ctx));
    ck_assert_int_eq(fake.records, 2); /* a second has not passed */
    ck_assert_int_eq(count_text("event=login-paused "), 0);
}
END_TEST

/* Without a thread that writes, whoever fails does. */
START_TEST(who_fails_writes_if_nobody_else_does)
{
    fake_add_user("ada@example.org");
    count_in_memory();
    fail_times("ada@example.org", 5);
    ck_assert_int_eq(fake.records, 0);
    apr_sleep(apr_time_from_sec(3));
    fail_times("ada@example.org", 1);
    ck_assert_int_eq(fake.records, 2);
    ck_assert_int_eq(fake.failures[0].failures, 6);
    apr_sleep(apr_time_from_sec(3) + 50000);
    fake.fail_at = fake.calls + 2; /* after the look-up */
    fail_times("ada@example.org", 1);
    ck_assert_ptr_nonnull(strstr(fake.log.all, "AS0282"));
    ck_assert_int_eq(fake.failures[0].failures, 6);
}
END_TEST

START_TEST(what_could_not_be_written_stays)
{
    fake_add_user("ada@example.org");
    count_in_memory();
    fail_times("ada@example.org", 10);
    fake.fail_at = fake.calls + 1;
    ck_assert_problem(authsvc_lockout_write(&fake.ctx), AUTHSVC_E_UNAVAILABLE, NULL);
    ck_assert_int_eq(fake.n_failures, 0);
    refused("ada@example.org", FAKE_PASSWORD);
}
END_TEST

#define DUE 90

static void count_many(void)
{
    static const unsigned char account[AUTHSVC_ACCOUNT_OCTETS] = {1};
    const authsvc_failure_limit_t limit = {10, apr_time_from_sec(900), MINUTE, MINUTE};
    count_in_memory_of(4096);
    for (int i = 0; i < DUE; i++) {
        ck_assert(authsvc_failures_add(fake.ctx.failures, account,
                                       apr_psprintf(fake.ctx.pool, "ip 203.0.113.%d", i), NULL,
                                       &limit, 1));
    }
}

static void write_next_turn(void)
{
    apr_sleep(apr_time_from_sec(1) + 50000);
    fake.ctx.db_budget = 500000;
    ck_assert_ok(authsvc_lockout_write(&fake.ctx));
}

/* Of what is due only a part can be written in the time that there is; if it must be, one. */
START_TEST(a_very_slow_database_gets_one)
{
    count_many();
    fake.record_time = 400000;
    write_next_turn();
    ck_assert_int_eq(fake.n_failures, 1);
    write_next_turn();
    ck_assert_int_eq(fake.n_failures, 2);
    ck_assert_int_eq(fake.records, 2);
}
END_TEST

START_TEST(a_slow_database_gets_as_many_as_it_takes)
{
    count_many();
    fake.record_time = 8000;
    write_next_turn();
    ck_assert_int_eq(fake.n_failures, 61); /* 1 2 4 8, then half of what is left: 16 15 8 4 2 1 */
    write_next_turn();
    ck_assert_int_eq(fake.n_failures, DUE);
    ck_assert_int_eq(fake.records, DUE);
    for (int i = 0; i < DUE; i++) {
        ck_assert_int_eq(fake.failures[i].failures, 1);
    }
}
END_TEST

START_TEST(what_was_written_stays_when_the_rest_fails)
{
    count_many();
    fake.ctx.db_budget = 500000;
    fake.fail_at = fake.calls + 25;
    ck_assert_problem(authsvc_lockout_write(&fake.ctx), AUTHSVC_E_UNAVAILABLE, NULL);
    ck_assert_int_eq(fake.n_failures, 15);
    fake.fail_at = 0;
    write_next_turn();
    ck_assert_int_eq(fake.n_failures, DUE);
    for (int i = 0; i < DUE; i++) {
        ck_assert_int_eq(fake.failures[i].failures, 1);
    }
}
END_TEST

static void write_unanswered(void)
{
    apr_sleep(apr_time_from_sec(1) + 50000);
    fake.unanswered = 1;
    ck_assert_problem(authsvc_lockout_write(&fake.ctx), AUTHSVC_E_UNAVAILABLE, NULL);
    ck_assert_int_eq(fake.unanswered, 0);
}

/*
 * Few typos must not become a pause because commits are answered too late, whichever of them were
 * done.
 */
START_TEST(a_commit_without_an_answer_counts_once)
{
    fake_add_user("ada@example.org");
    fake.settings.account_failures = 0; /* one row */
    count_in_memory();
    fail_times("ada@example.org", 3);
    for (int i = 0; i < 3; i++) {
        fake.commits = _i >> i & 1;
        write_unanswered();
        fail_times("ada@example.org", 1);
    }
    write_next_turn();
    ck_assert_int_eq(fake.n_failures, 1);
    ck_assert_int_eq(fake.failures[0].failures, 6);
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
    fail_times("ada@example.org", 10);
    refused("ada@example.org", FAKE_PASSWORD);
}
END_TEST

/* Of a row that is over nothing counts, however many it once had. */
START_TEST(what_an_old_row_holds_is_not_taken_for_new)
{
    fake_add_user("ada@example.org");
    fake.settings.account_failures = 0;
    count_in_memory();
    fail_times("ada@example.org", 9);
    write_next_turn();
    fake.now += fake.settings.login_failures_window;
    fail_times("ada@example.org", 5);
    write_unanswered(); /* and rolled back */
    ck_assert_int_eq(fake.failures[0].failures, 9);
    write_next_turn();
    ck_assert_int_eq(fake.failures[0].failures, 5);
}
END_TEST

static void it_is_written(void)
{
    fake.after_find = NULL;
    write_next_turn();
}

/* The look-up was before it. */
START_TEST(a_success_clears_what_was_written_meanwhile)
{
    fake_add_user("ada@example.org");
    fake.settings.account_failures = 0;
    count_in_memory();
    fail_times("ada@example.org", 9);
    fake.after_find = it_is_written;
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(fake.records, 1);
    ck_assert_int_eq(fake.failures[0].failures, 0);
}
END_TEST

static void sign_in_meanwhile(void)
{
    authsvc_ctx_t other = fake.ctx;
    authsvc_grant_t grant = {0};
    other.txn = NULL;
    fake.before_record = NULL;
    ck_assert_ok(authsvc_login(&other, "ada@example.org", FAKE_PASSWORD, strlen(FAKE_PASSWORD),
                               &grant));
}

/* Five failures are in one row, and the right password came before it was there. */
static void sign_in_while(void (*write)(void))
{
    fake_add_user("ada@example.org");
    fake.settings.account_failures = 0;
    count_in_memory();
    fail_times("ada@example.org", 5);
    fake.before_record = sign_in_meanwhile;
    fake.commits = 1;
    write();
    ck_assert_ptr_null(fake.before_record);
}

/* It cannot see the row that a writer is about to make. */
START_TEST(a_success_clears_what_is_on_its_way)
{
    sign_in_while(write_next_turn);
    ck_assert_int_eq(fake.records, 1);
    ck_assert_int_eq(fake.failures[0].failures, 0);
    fail_times("ada@example.org", 9);
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
}
END_TEST

/* Nor whether it was made; nor is it forgotten if the clearing fails. */
START_TEST(a_success_clears_what_may_have_come)
{
    sign_in_while(write_unanswered);
    ck_assert_int_eq(fake.failures[0].failures, 5);
    fail_times("ada@example.org", 4);
    for (int i = 1; i <= 2; i++) { /* the look at the row, the clearing */
        apr_sleep(apr_time_from_sec(1) + 50000);
        fake.fail_at = fake.calls + i;
        ck_assert_problem(authsvc_lockout_write(&fake.ctx), AUTHSVC_E_UNAVAILABLE, NULL);
        ck_assert_int_eq(fake.failures[0].failures, 5);
    }
    fake.fail_at = 0;
    write_next_turn();
    ck_assert_int_eq(fake.failures[0].failures, 4);
    fail_times("ada@example.org", 5);
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
}
END_TEST

/* What another node has added since was after the success. */
START_TEST(a_success_does_not_clear_what_others_wrote_after_it)
{
    sign_in_while(write_unanswered);
    fake.failures[0].failures++;
    write_next_turn();
    write_next_turn();
    ck_assert_int_eq(fake.failures[0].failures, 6);
}
END_TEST

START_TEST(without_memory_a_failure_that_cannot_be_written_is_no_answer)
{
    fake_add_user("ada@example.org");
    fake.fail_at = fake.calls + 2;
    ck_assert_problem(login("ada@example.org", WRONG), AUTHSVC_E_UNAVAILABLE, NULL);
    fake.fail_at = 0;
    refused("ada@example.org", WRONG);
}
END_TEST

/* Basic needs nothing but that the database answers. */
START_TEST(a_right_password_is_one_also_where_nothing_can_be_written)
{
    const authsvc_principal_t *principal = NULL;
    fake_user_t *user = fake_add_user("ada@example.org");
    fail_times(user->email, _i ? 1 : 0); /* which are to be cleared; else there is a network */
    fake.calls = 0;
    ck_assert_ok(authsvc_basic_authenticate(&fake.ctx, user->email, FAKE_PASSWORD,
                                            strlen(FAKE_PASSWORD), &principal));
    ck_assert_int_gt(fake.calls, 1); /* the control: it writes */
    ck_assert_ptr_null(strstr(fake.log.all, "AS0285"));
    fake.now += apr_time_from_sec(2 * 86400);
    fail_times(user->email, _i ? 1 : 0);
    fake.fail_at = fake.calls + 2; /* after the look-up */
    ck_assert_ok(authsvc_basic_authenticate(&fake.ctx, user->email, FAKE_PASSWORD,
                                            strlen(FAKE_PASSWORD), &principal));
    ck_assert_str_eq(principal->session.user_id, user->id);
    ck_assert_ptr_nonnull(strstr(fake.log.all, "AS0285"));
}
END_TEST

START_TEST(support_sees_and_clears)
{
    fake_user_t *user = fake_add_user("ada@example.org");
    apr_array_header_t *entries;
    apr_int64_t cleared = 0;
    user->row.email = user->email;
    user->row.id = user->id;
    fail_times("ada@example.org", 10);
    ck_assert_ok(authsvc_lockout_list(&fake.ctx, &user->row, &entries));
    ck_assert_int_eq(entries->nelts, 2);
    ck_assert_ok(authsvc_lockout_clear(&fake.ctx, &user->row, &cleared));
    ck_assert_int_eq(cleared, 2);
    ck_assert_ptr_nonnull(strstr(fake.log.all, "event=login-unpaused "));
    ck_assert_ok(login("ada@example.org", FAKE_PASSWORD));
}
END_TEST

START_TEST(expired_rows_are_purged_now_and_then)
{
    apr_time_t purged_at = 0;
    fake.purged = 1000;
    ck_assert_ok(authsvc_lockout_tidy(&fake.ctx, &purged_at));
    ck_assert_ok(authsvc_lockout_tidy(&fake.ctx, &purged_at));
    ck_assert_int_eq(fake.purges, 2);
    fake.purged = 3;
    ck_assert_ok(authsvc_lockout_tidy(&fake.ctx, &purged_at));
    ck_assert_ok(authsvc_lockout_tidy(&fake.ctx, &purged_at));
    ck_assert_int_eq(fake.purges, 3);
}
END_TEST

START_TEST(an_unseen_registration_is_the_same_for_all)
{
    fake_add_user("ada@example.org");
    fake.calls = 0;
    for (int i = 0; i < 2; i++) {
        int before = fake.calls;
        ck_assert_ok(authsvc_registration_request(&fake.ctx,
                                                  i ? "ada@example.org" : "new@example.org",
                                                  FAKE_PASSWORD, strlen(FAKE_PASSWORD), "Ada"));
        ck_assert_int_eq(fake.calls - before, 1);
    }
    ck_assert_int_eq(fake.n_users, 2);
    ck_assert_int_eq(fake.n_sessions, 0);
    ck_assert_int_eq(count_text("event=registered "), 1);
    ck_assert_int_eq(count_text("event=registration-of-known-address "), 1);
    fake.settings.registration_open = 0;
    ck_assert_problem(authsvc_registration_request(&fake.ctx, "ada@example.org", FAKE_PASSWORD,
                                                   strlen(FAKE_PASSWORD), "Ada"),
                      AUTHSVC_E_FORBIDDEN, "registration-closed");
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_lockout)
{
    Suite *suite = suite_create("lockout");
    TCase *tcase = fake_tcase(suite, "lockout");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, the_tenth_failure_begins_a_pause, 0, 2);
    tcase_add_test(tcase, a_pause_ends_and_the_next_is_twice_as_long);
    tcase_add_test(tcase, tries_during_a_pause_do_not_count);
    tcase_add_test(tcase, an_unknown_address_is_treated_alike);
    tcase_add_test(tcase, another_network_is_not_paused);
    tcase_add_test(tcase, a_known_device_has_its_own_counter);
    tcase_add_test(tcase, a_token_of_another_account_or_an_old_one_is_none);
    tcase_add_test(tcase, a_login_renews_the_token_of_the_same_device);
    tcase_add_loop_test(tcase, the_sum_keeps_newcomers_away_and_nobody_else, 0, 2);
    tcase_add_test(tcase, registration_makes_the_network_known);
    tcase_add_test(tcase, a_guess_under_way_is_worth_nothing_after_the_limit);
    tcase_add_loop_test(tcase, a_guess_under_way_is_worth_nothing_after_the_limit_was_written, 0,
                        3);
    tcase_add_test(tcase, nothing_is_counted_where_it_is_off);
    tcase_add_test(tcase, basic_and_the_deletion_of_an_account_count_too);
    tcase_add_test(tcase, others_do_not_keep_the_owner_from_deleting);
    tcase_add_test(tcase, memory_is_written_once_for_many);
    tcase_add_test(tcase, who_fails_writes_if_nobody_else_does);
    tcase_add_test(tcase, what_could_not_be_written_stays);
    tcase_add_test(tcase, a_very_slow_database_gets_one);
    tcase_add_test(tcase, a_slow_database_gets_as_many_as_it_takes);
    tcase_add_loop_test(tcase, a_commit_without_an_answer_counts_once, 0, 8);
    tcase_add_test(tcase, what_an_old_row_holds_is_not_taken_for_new);
    tcase_add_test(tcase, a_success_clears_what_was_written_meanwhile);
    tcase_add_test(tcase, a_success_clears_what_is_on_its_way);
    tcase_add_test(tcase, a_success_clears_what_may_have_come);
    tcase_add_test(tcase, a_success_does_not_clear_what_others_wrote_after_it);
    tcase_add_test(tcase, what_was_written_stays_when_the_rest_fails);
    tcase_add_test(tcase, without_memory_a_failure_that_cannot_be_written_is_no_answer);
    tcase_add_loop_test(tcase, a_right_password_is_one_also_where_nothing_can_be_written, 0, 2);
    tcase_add_test(tcase, support_sees_and_clears);
    tcase_add_test(tcase, expired_rows_are_purged_now_and_then);
    tcase_add_test(tcase, an_unseen_registration_is_the_same_for_all);
    return suite;
}
