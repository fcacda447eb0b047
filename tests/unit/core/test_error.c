/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "authsvc/core/error.h"

static authsvc_error_t *fine(void)
{
    return NULL;
}

static authsvc_error_t *taken(apr_pool_t *pool)
{
    return authsvc_error_make(pool, AUTHSVC_E_CONFLICT, "email-exists", "Taken.",
                              "/build/mod_authsvc/mod_authsvc/services/register.c", 42,
                              "user %d of %s", 7, "nine");
}

static authsvc_error_t *try_both(apr_pool_t *pool, int *reached)
{
    AUTHSVC_TRY(fine());
    *reached = 1;
    AUTHSVC_TRY(taken(pool));
    *reached = 2;
    return NULL;
}

START_TEST(make_keeps_everything)
{
    authsvc_error_t *err = taken(unit_pool);

    ck_assert_int_eq(err->code, AUTHSVC_E_CONFLICT);
    ck_assert_str_eq(err->slug, "email-exists");
    ck_assert_str_eq(err->detail, "Taken.");
    ck_assert_str_eq(err->internal, "user 7 of nine");
    ck_assert_int_eq(err->line, 42);
    ck_assert_int_eq(err->retry_after, 0);
    ck_assert_ptr_null(err->fields);
    ck_assert_ptr_null(err->cause);
    ck_assert_ptr_eq(err->pool, unit_pool);
}
END_TEST

START_TEST(macros_fill_in_the_place)
{
    int line = __LINE__ + 1;
    authsvc_error_t *err = AUTHSVC_INTERNAL(unit_pool, "no %s", "way");

    ck_assert_int_eq(err->code, AUTHSVC_E_INTERNAL);
    ck_assert_int_eq(err->line, line);
    ck_assert_str_eq(err->file, __FILE__);
    ck_assert_str_eq(err->internal, "no way");
    ck_assert_ptr_null(err->detail);
}
END_TEST

START_TEST(try_returns_the_first_error_only)
{
    int reached = 0;
    authsvc_error_t *err = try_both(unit_pool, &reached);

    ck_assert_ptr_nonnull(err);
    ck_assert_int_eq(err->code, AUTHSVC_E_CONFLICT);
    ck_assert_int_eq(reached, 1);
}
END_TEST

START_TEST(describe_walks_the_chain_on_one_line)
{
    authsvc_error_t *cause = authsvc_error_make(unit_pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                                                "../../src/db.c", 7, "no server");
    authsvc_error_t *err = authsvc_error_cause(taken(unit_pool), cause);

    ck_assert_str_eq(authsvc_error_describe(err, unit_pool),
                     "services/register.c:42: user 7 of nine: db.c:7: no server");
    ck_assert_str_eq(authsvc_error_describe(NULL, unit_pool), "no error");
}
END_TEST

START_TEST(add_field_starts_an_invalid_error)
{
    authsvc_error_t *err = NULL;
    const authsvc_error_field_t *fields;

    authsvc_error_add_field(unit_pool, &err, "/email", "required", "Give an address.");
    authsvc_error_add_field(unit_pool, &err, "/name", "too-long", "At most 100.");
    ck_assert_ptr_nonnull(err);
    ck_assert_int_eq(err->code, AUTHSVC_E_INVALID);
    ck_assert_int_eq(err->fields->nelts, 2);
    fields = (const authsvc_error_field_t *)err->fields->elts;
    ck_assert_str_eq(fields[0].pointer, "/email");
    ck_assert_str_eq(fields[0].code, "required");
    ck_assert_str_eq(fields[0].detail, "Give an address.");
    ck_assert_str_eq(fields[1].pointer, "/name");
}
END_TEST

START_TEST(add_field_keeps_an_error_that_is_there)
{
    authsvc_error_t *err = taken(unit_pool), *same = err;
    int i;

    for (i = 0; i < 100; i++) {
        authsvc_error_add_field(unit_pool, &err, "/x", "bad", "No.");
    }
    ck_assert_ptr_eq(err, same);
    ck_assert_int_eq(err->code, AUTHSVC_E_CONFLICT);
    ck_assert_int_eq(err->fields->nelts, 100);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_error)
{
    Suite *suite = suite_create("error");
    TCase *tcase = unit_tcase(suite, "error");

    tcase_add_test(tcase, make_keeps_everything);
    tcase_add_test(tcase, macros_fill_in_the_place);
    tcase_add_test(tcase, try_returns_the_first_error_only);
    tcase_add_test(tcase, describe_walks_the_chain_on_one_line);
    tcase_add_test(tcase, add_field_starts_an_invalid_error);
    tcase_add_test(tcase, add_field_keeps_an_error_that_is_there);
    return suite;
}
