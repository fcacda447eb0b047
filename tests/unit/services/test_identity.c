/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include "authsvc/crypto/cache.h"

static const authsvc_principal_t *signed_in(const char **access)
{
    authsvc_grant_t grant = fake_login(fake_add_user("ada@example.com"));

    *access = grant.access_token;
    fake_use_token(grant.access_token);
    return fake.ctx.principal;
}

static const char *token_for(const authsvc_principal_t *principal, const char *audience)
{
    const char *token = NULL;

    ck_assert_ok(authsvc_identity_token(&fake.ctx, principal, audience, &token));
    return token;
}

/* As the backend does. */
static authsvc_error_t *read_token(const char *token, const char *audience,
                                   authsvc_token_type_t type, authsvc_claims_t *claims)
{
    const authsvc_jwt_expectation_t expected = {
        .issuer = fake.settings.issuer,
        .audience = audience,
        .type = type,
        .now = apr_time_sec(fake.now),
    };

    return authsvc_jwt_verify(fake.ctx.pool, fake.settings.keys, &expected, token, strlen(token),
                              claims);
}

START_TEST(a_backend_learns_who_it_is)
{
    const char *access;
    const authsvc_principal_t *principal = signed_in(&access);
    authsvc_claims_t claims;
    const char *token = token_for(principal, "backend");

    ck_assert_ok(read_token(token, "backend", AUTHSVC_TYP_IDENTITY, &claims));
    ck_assert_str_eq(claims.subject, fake.users[0].id);
    ck_assert_str_eq(claims.email, "ada@example.com");
    ck_assert_str_eq(claims.role, "user");
    ck_assert_int_eq(claims.expires_at - claims.issued_at, 60);
    ck_assert_str_ne(claims.token_id, principal->claims.token_id);
    ck_assert_ptr_nonnull(read_token(token, "other", AUTHSVC_TYP_IDENTITY, &claims));
}
END_TEST

START_TEST(it_opens_nothing_here)
{
    const char *access;
    const authsvc_principal_t *principal = signed_in(&access), *named = NULL;
    authsvc_claims_t claims;
    const char *token = token_for(principal, "backend");

    ck_assert_ok(
        authsvc_authentication_authorize(&fake.ctx, access, strlen(access), &named));
    ck_assert_problem(authsvc_authentication_authorize(&fake.ctx, token, strlen(token), &named),
                      AUTHSVC_E_UNAUTHENTICATED, "authentication");
    /* Not even a service of that very audience takes it. */
    fake.settings.audience = "backend";
    ck_assert_problem(authsvc_authentication_verify(&fake.ctx, token, strlen(token), &named),
                      AUTHSVC_E_UNAUTHENTICATED, "authentication");
    fake.settings.token_type = AUTHSVC_TYP_AT_JWT;
    ck_assert_problem(authsvc_authentication_verify(&fake.ctx, token, strlen(token), &named),
                      AUTHSVC_E_UNAUTHENTICATED, "authentication");
    ck_assert_ptr_nonnull(read_token(access, "backend", AUTHSVC_TYP_IDENTITY, &claims));
}
END_TEST

START_TEST(our_own_audience_is_no_backends)
{
    const char *access, *token = NULL;
    const authsvc_principal_t *principal = signed_in(&access);

    ck_assert_int_eq(authsvc_identity_token(&fake.ctx, principal, fake.settings.audience, &token)
                         ->code,
                     AUTHSVC_E_INTERNAL);
    ck_assert_ptr_null(token);
}
END_TEST

START_TEST(it_does_not_outlive_the_access_token)
{
    const char *access;
    const authsvc_principal_t *principal = signed_in(&access);
    authsvc_claims_t claims;

    fake.now += apr_time_from_sec(880);
    ck_assert_ok(read_token(token_for(principal, "b"), "b", AUTHSVC_TYP_IDENTITY, &claims));
    ck_assert_int_eq(claims.expires_at, principal->claims.expires_at);
}
END_TEST

START_TEST(one_is_signed_for_many_requests)
{
    const char *access, *first;
    const authsvc_principal_t *principal = signed_in(&access), *other;

    ck_assert_ok(authsvc_cache_create(fake.ctx.pool, 16, AUTHSVC_IDENTITY_CACHED,
                                      &fake.ctx.identity_cache));
    first = token_for(principal, "b");
    ck_assert_str_eq(token_for(principal, "b"), first);
    ck_assert_str_ne(token_for(principal, "c"), first);
    fake.now += apr_time_from_sec(29);
    ck_assert_str_eq(token_for(principal, "b"), first);
    fake.now += apr_time_from_sec(1);
    ck_assert_str_ne(token_for(principal, "b"), first);

    fake_use_token(fake_login(&fake.users[0]).access_token);
    other = fake.ctx.principal;
    ck_assert_str_ne(token_for(other, "b"), token_for(principal, "b"));
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_identity)
{
    Suite *suite = suite_create("identity");
    TCase *tcase = fake_tcase(suite, "identity");

    tcase_add_test(tcase, a_backend_learns_who_it_is);
    tcase_add_test(tcase, it_opens_nothing_here);
    tcase_add_test(tcase, our_own_audience_is_no_backends);
    tcase_add_test(tcase, it_does_not_outlive_the_access_token);
    tcase_add_test(tcase, one_is_signed_for_many_requests);
    return suite;
}
