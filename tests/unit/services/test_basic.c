/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include <stdlib.h>

#include "authsvc/core/encoding.h"
#include "authsvc/core/revocations.h"
#include "authsvc/crypto/crypto.h"
#include "authsvc/crypto/password.h"
#include "authsvc/crypto/cache.h"

/* Verdicts are as young as the youngest row they may have missed a change of; see basic.c. */
#define MARGIN apr_time_from_sec(15)

static const authsvc_principal_t *principal;

static authsvc_error_t *basic(const char *email, const char *password)
{
    principal = NULL;
    return authsvc_basic_authenticate(&fake.ctx, email, password, strlen(password), &principal);
}

static void use_cache(void)
{
    ck_assert_ok(
        authsvc_cache_create(fake.ctx.pool, 64, AUTHSVC_BASIC_CACHED, &fake.ctx.basic_cache));
}

/* The feed has just looked at the database. */
static void look(void)
{
    authsvc_revocations_look_t now;
    authsvc_revocations_begin(fake.ctx.revocations, &now);
    now.began = fake.now;
    authsvc_revocations_complete(fake.ctx.revocations, &now, 1);
}

/* A set of revocations that is loaded and fresh. */
static void use_feed(void)
{
    apr_size_t size = authsvc_revocations_size(AUTHSVC_REVOCATIONS_MIN);
    void *memory = aligned_alloc(64, (size + 63) / 64 * 64);
    memset(memory, 0, size);
    ck_assert_int_eq(authsvc_revocations_create(memory, AUTHSVC_REVOCATIONS_MIN,
                                                &fake.ctx.revocations),
                     APR_SUCCESS);
    authsvc_revocations_set_max_stale(fake.ctx.revocations, apr_time_from_sec(10));
    look();
}

static void stop_using_feed(void)
{
    void *memory = fake.ctx.revocations;
    authsvc_revocations_destroy(fake.ctx.revocations);
    free(memory);
    fake.ctx.revocations = NULL;
}

/* What a change of this user that is made now writes. */
static void tell_feed(const fake_user_t *user)
{
    unsigned char id[AUTHSVC_UUID_OCTETS];
    ck_assert_int_eq(authsvc_uuid_parse(user->id, id), 1);
    /* An entry's life is by the system's clock, which stands elsewhere. */
    authsvc_revocations_add(fake.ctx.revocations, id, apr_time_sec(fake.now),
                            fake.now - apr_time_now() + fake.settings.access_lifetime);
}

static void set_password(fake_user_t *user, const char *password)
{
    const char *hash;
    ck_assert_ok(authsvc_password_hash(&fake.ctx, password, strlen(password), &hash));
    apr_cpystrn(user->hash, hash, sizeof(user->hash));
}

static int logins(void)
{
    int n = 0;
    for (const char *at = fake.log.all; (at = strstr(at, "event=basic-login ")) != NULL; at++) {
        n++;
    }
    return n;
}

START_TEST(says_who_it_is)
{
    fake_user_t *ada = fake_add_user("ada@example.org");
    ck_assert_ok(basic("ADA@example.org", FAKE_PASSWORD));
    ck_assert_str_eq(principal->claims.subject, ada->id);
    ck_assert_str_eq(principal->claims.email, "ada@example.org");
    ck_assert_str_eq(principal->claims.name, "Ada");
    ck_assert_str_eq(principal->claims.role, AUTHSVC_ROLE_USER);
    ck_assert_ptr_null(principal->claims.session_id);
    ck_assert_int_eq(fake.n_sessions, 0);
    ck_assert_int_eq(logins(), 1);
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(logins(), 2);
}
END_TEST

START_TEST(refuses_as_a_login_does)
{
    fake_user_t *eve = fake_add_user("eve@example.org");
    eve->row.deleted_at = fake.now;
    fake_add_user("ada@example.org");
    use_cache();
    for (int round = 0; round < 2; round++) {
        ck_assert_problem(basic("ada@example.org", "Wrong Horse 9"), AUTHSVC_E_UNAUTHENTICATED,
                          "invalid-credentials");
        ck_assert_problem(basic("bob@example.org", FAKE_PASSWORD), AUTHSVC_E_UNAUTHENTICATED,
                          "invalid-credentials");
        ck_assert_problem(basic("eve@example.org", FAKE_PASSWORD), AUTHSVC_E_UNAUTHENTICATED,
                          "account-deactivated");
        ck_assert_ptr_null(principal);
        ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    }
}
END_TEST

START_TEST(what_can_be_no_password_costs_no_hash)
{
    char longest[1024 + 2], *many;
    fake_user_t *ada = fake_add_user("ada@example.org");
    many = apr_palloc(fake.ctx.pool, 9000);
    memset(many, 'x', 8999);
    many[8999] = '\0';
    memset(longest, 'x', sizeof(longest));
    longest[1025] = '\0';
    const char *const none[] = {"", "\xff\xfe", "p\xe4sswort", longest, many};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        fake.calls = 0;
        ck_assert_problem(basic("ada@example.org", none[i]), AUTHSVC_E_UNAUTHENTICATED,
                          "invalid-credentials");
        ck_assert_int_eq(fake.calls, 0);
    }
    ck_assert_ptr_nonnull(strstr(fake.log.all, "event=login-failed "));
    longest[1024] = '\0';
    set_password(ada, longest);
    ck_assert_ok(basic("ada@example.org", longest));
}
END_TEST

START_TEST(a_name_that_is_no_address_is_not_ours)
{
    static const char *const names[] = {"", "deploy", "ada@", "@example.org", "a b@example.org"};
    fake_add_user("ada@example.org");
    use_cache();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ck_assert_problem(basic(names[i], FAKE_PASSWORD), AUTHSVC_E_NOT_FOUND, NULL);
    }
    ck_assert_int_eq(fake.calls, 0);
    ck_assert_int_eq(fake.log.lines, 0);
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
}
END_TEST

START_TEST(a_kept_verdict_needs_no_database)
{
    fake_add_user("ada@example.org");
    use_cache();
    use_feed();
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    fake.calls = 0;
    ck_assert_ok(basic("Ada@EXAMPLE.org", FAKE_PASSWORD));
    ck_assert_str_eq(principal->claims.email, "ada@example.org");
    ck_assert_str_eq(principal->claims.name, "Ada");
    ck_assert_int_eq(fake.calls, 0);
    ck_assert_int_eq(logins(), 1);
    ck_assert_problem(basic("ada@example.org", "Wrong Horse 9"), AUTHSVC_E_UNAUTHENTICATED,
                      "invalid-credentials");
    ck_assert_int_eq(fake.calls, 3); /* it is looked up, and counted twice */
    stop_using_feed();
}
END_TEST

static void pass(apr_interval_time_t time)
{
    fake.now += time;
    look();
}

START_TEST(a_kept_verdict_ends)
{
    fake_add_user("ada@example.org");
    use_cache();
    use_feed();
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    fake.calls = 0;
    pass(fake.settings.basic_cache - apr_time_from_sec(31));
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(logins(), 1);
    ck_assert_int_eq(fake.calls, 0);
    pass(apr_time_from_sec(31));
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(logins(), 2);
    stop_using_feed();
}
END_TEST

START_TEST(one_request_renews_it_before_its_end_without_a_hash)
{
    fake_add_user("ada@example.org");
    use_cache();
    use_feed();
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    fake.calls = 0;
    for (int i = 1; i <= 3; i++) {
        pass(fake.settings.basic_cache - apr_time_from_sec(30));
        ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
        ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
        ck_assert_int_eq(fake.calls, i);
    }
    ck_assert_int_eq(logins(), 1);
    ck_assert_problem(basic("ada@example.org", "Wrong Horse 9"), AUTHSVC_E_UNAUTHENTICATED,
                      "invalid-credentials");
    stop_using_feed();
}
END_TEST

START_TEST(a_password_is_proved_again_each_day)
{
    fake_add_user("ada@example.org");
    use_cache();
    use_feed();
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    apr_time_t begin = fake.now;
    for (int i = 0; logins() < 2; i++) {
        pass(fake.settings.basic_cache - apr_time_from_sec(20));
        ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
        ck_assert_int_lt(i, 500);
    }
    ck_assert_int_ge(fake.now - begin, apr_time_from_sec(86400));
    ck_assert_int_lt(fake.now - begin, apr_time_from_sec(86400) + 2 * fake.settings.basic_cache);
    stop_using_feed();
}
END_TEST

/* A hash that was changed without a word to the feed, an account that was deactivated so. */
START_TEST(a_renewal_looks_at_the_row)
{
    fake_user_t *ada = fake_add_user("ada@example.org");
    use_cache();
    use_feed();
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    if (_i) {
        ada->row.deleted_at = fake.now;
    } else {
        set_password(ada, "Another Horse 8");
    }
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD)); /* the control: it is kept */
    pass(fake.settings.basic_cache - apr_time_from_sec(30));
    ck_assert_problem(basic("ada@example.org", FAKE_PASSWORD), AUTHSVC_E_UNAUTHENTICATED,
                      _i ? "account-deactivated" : "invalid-credentials");
    ck_assert_problem(basic("ada@example.org", FAKE_PASSWORD), AUTHSVC_E_UNAUTHENTICATED,
                      _i ? "account-deactivated" : "invalid-credentials");
    ck_assert_int_eq(logins(), 1);
    stop_using_feed();
}
END_TEST

/* Who guesses beside the owner would see which guess is right, for as long as it is renewed. */
START_TEST(a_pause_renews_nothing)
{
    fake_add_user("ada@example.org");
    use_cache();
    use_feed();
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    pass(fake.settings.basic_cache - apr_time_from_sec(30));
    for (int i = 0; i < 10; i++) {
        ck_assert_ptr_nonnull(basic("ada@example.org", "Wrong Horse 9"));
    }
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD)); /* to its end, it holds */
    pass(apr_time_from_sec(30));
    ck_assert_problem(basic("ada@example.org", FAKE_PASSWORD), AUTHSVC_E_UNAUTHENTICATED,
                      "invalid-credentials");
    stop_using_feed();
}
END_TEST

/* It holds to its end; and nobody waits for the database in each request meanwhile. */
START_TEST(a_renewal_that_fails_takes_nothing_away)
{
    fake_add_user("ada@example.org");
    use_cache();
    use_feed();
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    pass(fake.settings.basic_cache - apr_time_from_sec(20));
    fake.calls = 0;
    fake.fail_at = 1;
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_str_eq(principal->claims.email, "ada@example.org");
    ck_assert_int_eq(fake.calls, 1);
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(fake.calls, 1);
    pass(apr_time_from_sec(10));
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(fake.calls, 2);
    pass(apr_time_from_sec(20)); /* beyond its first end */
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(logins(), 1);
    /* the control: at its end it is gone */
    pass(fake.settings.basic_cache);
    fake.calls = 0;
    ck_assert_problem(basic("ada@example.org", FAKE_PASSWORD), AUTHSVC_E_UNAVAILABLE, NULL);
    ck_assert_ptr_null(principal);
    stop_using_feed();
}
END_TEST

START_TEST(nothing_is_kept_beyond_what_revocations_remember)
{
    fake_add_user("ada@example.org");
    use_cache();
    fake.settings.access_lifetime = apr_time_from_sec(10);
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(logins(), 2);
    fake.settings.access_lifetime = MARGIN + apr_time_from_sec(20);
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(logins(), 3);
    fake.settings.basic_cache = 0;
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(logins(), 4);
}
END_TEST

/* Nobody knows what was revoked: the row is asked for, the hash is not computed. */
START_TEST(without_a_feed_the_database_is_asked)
{
    fake_user_t *ada = fake_add_user("ada@example.org");
    use_cache();
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    fake.calls = 0;
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(fake.calls, 1);
    ck_assert_int_eq(logins(), 1);
    fake.calls = 0;
    fake.fail_at = 1;
    ck_assert_problem(basic("ada@example.org", FAKE_PASSWORD), AUTHSVC_E_UNAVAILABLE, NULL);
    ck_assert_ptr_null(principal);
    ada->row.deleted_at = fake.now;
    ck_assert_problem(basic("ada@example.org", FAKE_PASSWORD), AUTHSVC_E_UNAUTHENTICATED,
                      "account-deactivated");
    ck_assert_int_eq(logins(), 1);
}
END_TEST

START_TEST(a_stale_feed_is_none)
{
    fake_add_user("ada@example.org");
    use_cache();
    use_feed();
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    fake.calls = 0;
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(fake.calls, 0);
    fake.now += apr_time_from_sec(11);
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(fake.calls, 1);
    fake.calls = 0;
    fake.fail_at = 1;
    ck_assert_problem(basic("ada@example.org", FAKE_PASSWORD), AUTHSVC_E_UNAVAILABLE, NULL);
    stop_using_feed();
}
END_TEST

START_TEST(a_deactivation_ends_a_verdict)
{
    fake_user_t *ada = fake_add_user("ada@example.org");
    use_cache();
    use_feed();
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ada->row.deleted_at = fake.now;
    tell_feed(ada);
    ck_assert_problem(basic("ada@example.org", FAKE_PASSWORD), AUTHSVC_E_UNAUTHENTICATED,
                      "account-deactivated");
    ck_assert_problem(basic("ada@example.org", FAKE_PASSWORD), AUTHSVC_E_UNAUTHENTICATED,
                      "account-deactivated");
    stop_using_feed();
}
END_TEST

/* The change's statement ran before the row was read, and was committed after that. */
START_TEST(a_change_that_was_under_way_ends_a_verdict)
{
    fake_user_t *ada = fake_add_user("ada@example.org");
    use_cache();
    use_feed();
    apr_time_t changed = fake.now;
    fake.now += apr_time_from_sec(4);
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    apr_time_t now = fake.now;
    fake.now = changed;
    tell_feed(ada);
    fake.now = now;
    ada->row.deleted_at = changed;
    ck_assert_problem(basic("ada@example.org", FAKE_PASSWORD), AUTHSVC_E_UNAUTHENTICATED,
                      "account-deactivated");
    stop_using_feed();
}
END_TEST

START_TEST(a_new_role_shows_at_once_and_costs_no_hash)
{
    fake_user_t *ada = fake_add_user("ada@example.org");
    use_cache();
    use_feed();
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_str_eq(principal->claims.role, AUTHSVC_ROLE_USER);
    ada->row.role = AUTHSVC_ROLE_ADMIN;
    tell_feed(ada);
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_str_eq(principal->claims.role, AUTHSVC_ROLE_ADMIN);
    ck_assert_int_eq(logins(), 1);
    /* Once the change is certainly older than what was read after it, nobody is asked. */
    fake.now += MARGIN;
    look();
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    fake.calls = 0;
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_str_eq(principal->claims.role, AUTHSVC_ROLE_ADMIN);
    ck_assert_int_eq(fake.calls, 0);
    ck_assert_int_eq(logins(), 1);
    stop_using_feed();
}
END_TEST

START_TEST(a_new_password_ends_the_old_one)
{
    fake_user_t *ada = fake_add_user("ada@example.org");
    use_cache();
    use_feed();
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    set_password(ada, "Other Horse 9");
    tell_feed(ada);
    ck_assert_problem(basic("ada@example.org", FAKE_PASSWORD), AUTHSVC_E_UNAUTHENTICATED,
                      "invalid-credentials");
    ck_assert_ok(basic("ada@example.org", "Other Horse 9"));
    stop_using_feed();
}
END_TEST

/* Another process made the hash dearer: the same password, checked once more. */
START_TEST(a_renewed_hash_is_checked_once)
{
    fake_user_t *ada = fake_add_user("ada@example.org");
    use_cache();
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    set_password(ada, FAKE_PASSWORD);
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(logins(), 2);
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(logins(), 2);
}
END_TEST

/* Our own renewal is what is kept. */
START_TEST(a_hash_renewed_by_the_check_itself_is_kept)
{
    fake_user_t *ada = fake_add_user("ada@example.org");
    use_cache();
    fake.settings.hash_passes = 2;
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_ptr_nonnull(strstr(ada->hash, "t=2"));
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(logins(), 1);
}
END_TEST

START_TEST(two_databases_have_accounts_of_their_own)
{
    fake_user_t *ada = fake_add_user("ada@example.org");
    use_cache();
    use_feed();
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    fake.ctx.db = (void *)&fake; /* never looked into: only which one it is */
    set_password(ada, "Other Horse 9");
    ck_assert_problem(basic("ada@example.org", FAKE_PASSWORD), AUTHSVC_E_UNAUTHENTICATED,
                      "invalid-credentials");
    fake.ctx.db = NULL;
    fake.calls = 0;
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_int_eq(fake.calls, 0);
    stop_using_feed();
}
END_TEST

/* What a token for a backend says. */
static const char *identity(const char **token)
{
    const char *payload;
    apr_size_t len;
    ck_assert_ok(authsvc_identity_token(&fake.ctx, principal, "backend", token));
    payload = strchr(*token, '.') + 1;
    return (const char *)authsvc_base64url_decode(fake.ctx.pool, payload,
                                                  strcspn(payload, "."), &len);
}

START_TEST(backends_learn_who_it_is_too)
{
    const char *adas, *bobs, *again, *said;
    fake_user_t *ada = fake_add_user("ada@example.org"), *bob = fake_add_user("bob@example.org");
    use_cache();
    ck_assert_ok(authsvc_cache_create(fake.ctx.pool, 64, AUTHSVC_IDENTITY_CACHED,
                                      &fake.ctx.identity_cache));
    ck_assert_ok(basic("ada@example.org", FAKE_PASSWORD));
    ck_assert_ptr_nonnull(strstr(identity(&adas), ada->id));
    ck_assert_ok(basic("bob@example.org", FAKE_PASSWORD));
    said = identity(&bobs);
    ck_assert_ptr_nonnull(strstr(said, bob->id));
    ck_assert_ptr_nonnull(strstr(said, "\"role\":\"user\""));
    ck_assert_ptr_nonnull(strstr(said, "\"iss\":\"https://example.org/api/v1\""));
    ck_assert_ptr_null(strstr(said, "\"sid\""));
    ck_assert_str_ne(adas, bobs);
    use_feed();
    ck_assert_ok(basic("bob@example.org", FAKE_PASSWORD));
    identity(&bobs);
    ck_assert_ok(basic("bob@example.org", FAKE_PASSWORD));
    identity(&again);
    ck_assert_str_eq(bobs, again);
    bob->row.role = AUTHSVC_ROLE_ADMIN;
    tell_feed(bob);
    ck_assert_ok(basic("bob@example.org", FAKE_PASSWORD));
    ck_assert_ptr_nonnull(strstr(identity(&again), "\"role\":\"admin\""));
    stop_using_feed();
}
END_TEST

/*
 * Whatever happens in whatever order, nobody gets in who would not get in by a check of the row
 * as it is, and everybody else gets in, with the role of the row.
 */
static void something_happens(unsigned choice, fake_user_t *user, const char **password)
{
    switch (choice % 8) {
    case 0:
        *password = strcmp(*password, FAKE_PASSWORD) ? FAKE_PASSWORD : "Other Horse 9";
        set_password(user, *password);
        tell_feed(user);
        break;
    case 1:
        user->row.deleted_at = user->row.deleted_at ? 0 : fake.now;
        tell_feed(user);
        break;
    case 2:
        user->row.role = strcmp(user->row.role, AUTHSVC_ROLE_ADMIN) ? AUTHSVC_ROLE_ADMIN
                                                                     : AUTHSVC_ROLE_USER;
        tell_feed(user);
        break;
    case 3:
        set_password(user, *password); /* a renewal: no entry */
        break;
    case 4:
        fake.now += apr_time_from_sec(choice >> 8 & 127);
        look();
        break;
    case 5:
        fake.now += apr_time_from_sec(choice >> 8 & 31); /* perhaps stale */
        break;
    default:
        break;
    }
}

START_TEST(it_answers_as_the_row_does)
{
    const char *passwords[2] = {FAKE_PASSWORD, FAKE_PASSWORD};
    fake_user_t *users[2] = {fake_add_user("ada@example.org"), fake_add_user("bob@example.org")};
    apr_pool_t *pool = fake.ctx.pool;
    int granted = 0, refused = 0, kept = 0;
    fake.settings.login_failures = 0;
    use_cache();
    use_feed();
    for (int step = 0; step < 3000; step++) {
        unsigned choice[2];
        authsvc_crypto_random((unsigned char *)choice, sizeof(choice));
        ck_assert_int_eq(apr_pool_create(&fake.ctx.pool, pool), APR_SUCCESS);
        fake.log.all[0] = '\0';
        something_happens(choice[0], users[choice[1] & 1], &passwords[choice[1] & 1]);
        const int who = (int)(choice[1] >> 1 & 1);
        const char *password = choice[1] >> 2 & 1 ? FAKE_PASSWORD : "Other Horse 9";
        authsvc_error_t *err = basic(users[who]->email, password);
        if (!strcmp(password, passwords[who]) && !users[who]->row.deleted_at) {
            ck_assert_ok(err);
            ck_assert_str_eq(principal->claims.role, users[who]->row.role);
            granted++;
            kept += logins() == 0;
        } else {
            ck_assert_int_eq(err ? err->code : AUTHSVC_E_INTERNAL, AUTHSVC_E_UNAUTHENTICATED);
            refused++;
        }
        apr_pool_destroy(fake.ctx.pool);
    }
    fake.ctx.pool = pool;
    ck_assert_int_gt(granted, 300);
    ck_assert_int_gt(refused, 300);
    ck_assert_int_gt(kept, 100);
    stop_using_feed();
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_basic)
{
    Suite *suite = suite_create("basic");
    TCase *tcase = fake_tcase(suite, "basic");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, says_who_it_is);
    tcase_add_test(tcase, refuses_as_a_login_does);
    tcase_add_test(tcase, what_can_be_no_password_costs_no_hash);
    tcase_add_test(tcase, a_name_that_is_no_address_is_not_ours);
    tcase_add_test(tcase, a_kept_verdict_needs_no_database);
    tcase_add_test(tcase, a_kept_verdict_ends);
    tcase_add_test(tcase, one_request_renews_it_before_its_end_without_a_hash);
    tcase_add_test(tcase, a_password_is_proved_again_each_day);
    tcase_add_loop_test(tcase, a_renewal_looks_at_the_row, 0, 2);
    tcase_add_test(tcase, a_pause_renews_nothing);
    tcase_add_test(tcase, a_renewal_that_fails_takes_nothing_away);
    tcase_add_test(tcase, nothing_is_kept_beyond_what_revocations_remember);
    tcase_add_test(tcase, without_a_feed_the_database_is_asked);
    tcase_add_test(tcase, a_stale_feed_is_none);
    tcase_add_test(tcase, a_deactivation_ends_a_verdict);
    tcase_add_test(tcase, a_change_that_was_under_way_ends_a_verdict);
    tcase_add_test(tcase, a_new_role_shows_at_once_and_costs_no_hash);
    tcase_add_test(tcase, a_new_password_ends_the_old_one);
    tcase_add_test(tcase, a_renewed_hash_is_checked_once);
    tcase_add_test(tcase, a_hash_renewed_by_the_check_itself_is_kept);
    tcase_add_test(tcase, two_databases_have_accounts_of_their_own);
    tcase_add_test(tcase, backends_learn_who_it_is_too);
    tcase_add_test(tcase, it_answers_as_the_row_does);
    return suite;
}
