/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include "authsvc/crypto/token_cache.h"
#include "authsvc/services/rights.h"

static authsvc_error_t *authorize(const char *token, const authsvc_principal_t **principal)
{
    *principal = NULL;
    return authsvc_authentication_authorize(&fake.ctx, token, strlen(token), principal);
}

START_TEST(a_token_of_a_living_session_is_let_in)
{
    authsvc_grant_t grant = fake_login(fake_add_user("ada@example.com"));
    const authsvc_principal_t *principal;

    ck_assert_ok(authorize(grant.access_token, &principal));
    ck_assert_str_eq(principal->session.user_id, fake.users[0].id);
    ck_assert_str_eq(principal->claims.email, "ada@example.com");
    ck_assert_str_eq(principal->claims.name, fake.users[0].name);
    ck_assert_str_eq(principal->claims.role, "user");
    ck_assert_int_eq(principal->claims.email_verified, 0);
    ck_assert_str_eq(principal->claims.session_id, fake.sessions[0].id);

    fake.sessions[0].epoch++;
    ck_assert_problem(authorize(grant.access_token, &principal), AUTHSVC_E_UNAUTHENTICATED,
                      "authentication");
    fake.sessions[0].epoch--;
    ck_assert_ok(authorize(grant.access_token, &principal));
    fake.sessions[0].revoked_at = fake.now;
    ck_assert_problem(authorize(grant.access_token, &principal), AUTHSVC_E_UNAUTHENTICATED,
                      "authentication");
    ck_assert_ptr_null(principal);
}
END_TEST

START_TEST(what_cannot_be_found_out_lets_nobody_in)
{
    authsvc_grant_t grant = fake_login(fake_add_user("ada@example.com"));
    const authsvc_principal_t *principal;

    fake.fail_at = fake.calls + 1;
    ck_assert_int_eq(authorize(grant.access_token, &principal)->code, AUTHSVC_E_UNAVAILABLE);
    ck_assert_ptr_null(principal);
    ck_assert_ok(authorize(grant.access_token, &principal));
}
END_TEST

START_TEST(what_was_revoked_lately_is_known_without_a_query)
{
    authsvc_grant_t grant = fake_login(fake_add_user("ada@example.com"));
    const authsvc_principal_t *principal;
    authsvc_revocations_look_t look;
    unsigned char id[AUTHSVC_UUID_OCTETS];
    void *memory = NULL;
    int calls;

    ck_assert_int_eq(posix_memalign(&memory, 64, authsvc_revocations_size(64)), 0);
    memset(memory, 0, authsvc_revocations_size(64));
    ck_assert_int_eq(authsvc_revocations_create(memory, 64, &fake.ctx.revocations), APR_SUCCESS);
    authsvc_revocations_set_max_stale(fake.ctx.revocations, apr_time_from_sec(10));
    authsvc_revocations_set_max_stale(fake.ctx.revocations, apr_time_from_sec(10));
    ck_assert_int_eq(authsvc_uuid_parse(fake.sessions[0].id, id), 1);

    /* Not loaded yet: the database is asked. */
    calls = fake.calls;
    ck_assert_ok(authorize(grant.access_token, &principal));
    ck_assert_int_eq(fake.calls, calls + 1);

    fake.now = apr_time_now(); /* entries and freshness are by the system's clock */
    fake.sessions[0].created_at = fake.now;
    grant = fake_login(&fake.users[0]);
    ck_assert_int_eq(authsvc_uuid_parse(fake.sessions[1].id, id), 1);
    authsvc_revocations_begin(fake.ctx.revocations, &look);
    authsvc_revocations_complete(fake.ctx.revocations, &look, 1);
    fake.now = apr_time_now();
    calls = fake.calls;
    ck_assert_ok(authorize(grant.access_token, &principal));
    ck_assert_int_eq(fake.calls, calls);

    /* Of a node with a longer lifetime: what is known may have been forgotten before it expires. */
    fake.settings.access_lifetime -= apr_time_from_sec(1);
    ck_assert_ok(authorize(grant.access_token, &principal));
    ck_assert_int_eq(fake.calls, calls + 1);
    fake.sessions[1].epoch++;
    ck_assert_problem(authorize(grant.access_token, &principal), AUTHSVC_E_UNAUTHENTICATED,
                      "authentication");
    fake.sessions[1].epoch--;
    fake.settings.access_lifetime += apr_time_from_sec(1);
    calls = fake.calls;
    ck_assert_ok(authorize(grant.access_token, &principal));
    ck_assert_int_eq(fake.calls, calls);

    authsvc_revocations_add(fake.ctx.revocations, id, 0, apr_time_from_sec(900));
    ck_assert_problem(authorize(grant.access_token, &principal), AUTHSVC_E_UNAUTHENTICATED,
                      "authentication");
    ck_assert_int_eq(fake.calls, calls);

    /* Too long ago: the database is asked, whose fault opens nothing. */
    fake.now += apr_time_from_sec(11);
    grant = fake_login(&fake.users[0]);
    fake.fail_at = fake.calls + 1;
    ck_assert_int_eq(authorize(grant.access_token, &principal)->code, AUTHSVC_E_UNAVAILABLE);
    ck_assert_ok(authorize(grant.access_token, &principal));
    authsvc_revocations_destroy(fake.ctx.revocations);
    free(memory);
}
END_TEST

START_TEST(no_token_of_ours_asks_for_nothing)
{
    const authsvc_principal_t *principal;
    int calls = fake.calls;

    ck_assert_problem(authorize("a.b.c", &principal), AUTHSVC_E_UNAUTHENTICATED,
                      "authentication");
    ck_assert_int_eq(fake.calls, calls);
}
END_TEST

START_TEST(a_known_token_expires_and_ends_with_its_session)
{
    authsvc_grant_t grant = fake_login(fake_add_user("ada@example.com"));
    const authsvc_principal_t *principal;

    ck_assert_ok(authsvc_cache_create(fake.ctx.pool, 16, AUTHSVC_TOKEN_CACHE_CLAIMS,
                                      &fake.ctx.token_cache));
    ck_assert_ok(authorize(grant.access_token, &principal));
    ck_assert_ok(authorize(grant.access_token, &principal));
    ck_assert_str_eq(principal->claims.email, "ada@example.com");
    fake.sessions[0].revoked_at = fake.now;
    ck_assert_problem(authorize(grant.access_token, &principal), AUTHSVC_E_UNAUTHENTICATED,
                      "authentication");
    fake.sessions[0].revoked_at = 0;
    fake.now += apr_time_from_sec(899);
    ck_assert_ok(authorize(grant.access_token, &principal));
    fake.now += apr_time_from_sec(1);
    ck_assert_problem(authorize(grant.access_token, &principal), AUTHSVC_E_UNAUTHENTICATED,
                      "authentication");
}
END_TEST

START_TEST(claims_are_compared_octet_by_octet)
{
    static const char *const true_ones[] = {
        "sub:1", "email:a@b.example", "email_verified:true", "name:Ada: the first",
        "role:admin", "sid:2", "iss:https://a.example", "aud:b"};
    static const char *const false_ones[] = {
        "",       ":",        "sub",        "sub:",      "sub:12",    "role:Admin", "role: admin",
        "role:admin ", "roles:admin", "rol:admin", "jti:3", "name:Ada", "email:A@b.example",
        "email_verified:false", "email_verified:1", "exp:1"};
    const authsvc_claims_t claims = {
        .subject = "1", .email = "a@b.example", .email_verified = 1, .name = "Ada: the first",
        .role = "admin", .session_id = "2", .issuer = "https://a.example", .audience = "b",
        .token_id = "3", .expires_at = 1};
    const authsvc_claims_t silent = {.subject = "1", .role = "user"};
    size_t i;

    for (i = 0; i < sizeof(true_ones) / sizeof(true_ones[0]); i++) {
        ck_assert_msg(authsvc_rights_has_claim(&claims, true_ones[i]), "%s", true_ones[i]);
        ck_assert_msg(authsvc_rights_names_claim(true_ones[i]), "%s", true_ones[i]);
    }
    for (i = 0; i < sizeof(false_ones) / sizeof(false_ones[0]); i++) {
        ck_assert_msg(!authsvc_rights_has_claim(&claims, false_ones[i]), "%s", false_ones[i]);
    }
    ck_assert_int_eq(authsvc_rights_has_claim(&silent, "email:"), 0);
    ck_assert_int_eq(authsvc_rights_has_claim(&silent, "email_verified:false"), 1);
    ck_assert_int_eq(authsvc_rights_names_claim("roles:admin"), 0);
    ck_assert_int_eq(authsvc_rights_names_claim("role"), 0);
    ck_assert_int_eq(authsvc_rights_names_claim(""), 0);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_authorization)
{
    Suite *suite = suite_create("authorization");
    TCase *tcase = fake_tcase(suite, "authorization");

    tcase_add_test(tcase, a_token_of_a_living_session_is_let_in);
    tcase_add_test(tcase, what_cannot_be_found_out_lets_nobody_in);
    tcase_add_test(tcase, what_was_revoked_lately_is_known_without_a_query);
    tcase_add_test(tcase, no_token_of_ours_asks_for_nothing);
    tcase_add_test(tcase, a_known_token_expires_and_ends_with_its_session);
    tcase_add_test(tcase, claims_are_compared_octet_by_octet);
    return suite;
}
