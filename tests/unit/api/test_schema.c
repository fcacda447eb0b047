/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

static authsvc_json_t *json(const char *text)
{
    const char *problem = NULL;
    authsvc_json_t *value = authsvc_json_parse(unit_pool, text, strlen(text), &problem);

    ck_assert_msg(value != NULL, "%s: %s", text, problem);
    return value;
}

static const struct {
    const char *schema, *value;
    const char *pointer, *code; /* NULL: it fits */
} samples[] = {
    {"{\"type\":\"string\"}", "\"\"", NULL, NULL},
    {"{\"type\":\"string\"}", "1", "", "type"},
    {"{\"type\":\"string\"}", "null", "", "type"},
    {"{\"type\":[\"string\",\"null\"]}", "null", NULL, NULL},
    {"{\"type\":[\"string\",\"null\"]}", "false", "", "type"},
    {"{\"type\":\"integer\"}", "1", NULL, NULL},
    {"{\"type\":\"integer\"}", "1.0", "", "type"},
    {"{\"type\":\"integer\"}", "\"1\"", "", "type"},
    {"{\"type\":\"integer\"}", "true", "", "type"},
    {"{\"type\":\"boolean\"}", "true", NULL, NULL},
    {"{\"type\":\"boolean\"}", "false", NULL, NULL},
    {"{\"type\":\"boolean\"}", "0", "", "type"},
    {"{\"type\":\"null\"}", "null", NULL, NULL},
    {"{\"type\":\"null\"}", "{}", "", "type"},
    {"{\"type\":\"string\",\"minLength\":2}", "\"ab\"", NULL, NULL},
    {"{\"type\":\"string\",\"minLength\":2}", "\"\\u20ac\"", "", "too-short"},
    {"{\"type\":\"string\",\"maxLength\":2}", "\"\\u20ac\\ud83d\\ude00\"", NULL, NULL},
    {"{\"type\":\"string\",\"maxLength\":2}", "\"abc\"", "", "too-long"},
    {"{\"type\":\"integer\",\"minimum\":-2}", "-2", NULL, NULL},
    {"{\"type\":\"integer\",\"minimum\":-2}", "-3", "", "minimum"},
    {"{\"type\":\"integer\",\"maximum\":9}", "9", NULL, NULL},
    {"{\"type\":\"integer\",\"maximum\":9}", "9223372036854775807", "", "maximum"},
    {"{\"type\":\"string\",\"enum\":[\"a\",\"b\"]}", "\"b\"", NULL, NULL},
    {"{\"type\":\"string\",\"enum\":[\"a\",\"b\"]}", "\"B\"", "", "enum"},
    {"{\"type\":\"string\",\"const\":\"a\"}", "\"a\"", NULL, NULL},
    {"{\"type\":\"string\",\"const\":\"a\"}", "\"\"", "", "const"},
    {"{\"type\":\"string\",\"format\":\"email\"}", "\"a@b.example\"", NULL, NULL},
    {"{\"type\":\"string\",\"format\":\"email\"}", "\"\\u00e9@b.example\"", NULL, NULL},
    {"{\"type\":\"string\",\"format\":\"email\"}", "\"a@\"", "", "format"},
    {"{\"type\":\"string\",\"format\":\"uuid\"}", "\"01980c6e-5f0a-7c31-9d2b-3f1c7a5e8b42\"", NULL,
     NULL},
    {"{\"type\":\"string\",\"format\":\"uuid\"}", "\"01980c6e5f0a7c319d2b3f1c7a5e8b42\"", "",
     "format"},
    {"{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}", "[1,2]", NULL, NULL},
    {"{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}", "[1,\"2\"]", "/1", "type"},
    {"{\"type\":\"array\",\"minItems\":1}", "[1]", NULL, NULL},
    {"{\"type\":\"array\",\"minItems\":1}", "[]", "", "too-few"},
    {"{\"type\":\"array\",\"maxItems\":1}", "[1]", NULL, NULL},
    {"{\"type\":\"array\",\"maxItems\":1}", "[1,2]", "", "too-many"},
    {"{\"type\":\"array\",\"maxItems\":1}", "{}", "", "type"},
    {"{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"a\":"
     "{\"type\":\"string\"}}}", "{}", NULL, NULL},
    {"{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"a\":"
     "{\"type\":\"string\"}},\"required\":[\"a\"]}", "{}", "/a", "required"},
    {"{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"a\":"
     "{\"type\":\"string\"}}}", "{\"A\":\"\"}", "/A", "unknown-member"},
    {"{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"a\":{\"type\":"
     "\"array\",\"items\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":"
     "{\"x/y\":{\"type\":\"null\"}}}}}}", "{\"a\":[{},{\"x/y\":0}]}", "/a/1/x~1y", "type"},
    {"{\"$ref\":\"#/defs/name\",\"description\":\"d\"}", "\"abc\"", NULL, NULL},
    {"{\"$ref\":\"#/defs/name\"}", "\"a\"", "", "too-short"},
    {"{\"$ref\":\"#/defs/chain\"}", "\"a\"", "", "too-short"},
    {"{\"$ref\":\"#/defs/od~1d~0\"}", "\"a\"", "", "type"},
    {"{\"type\":\"string\",\"title\":\"t\",\"examples\":[1],\"writeOnly\":true,\"x-y\":0}", "\"\"",
     NULL, NULL},
};

static const char defs[] =
    "{\"defs\":{\"name\":{\"type\":\"string\",\"minLength\":2},"
    "\"chain\":{\"$ref\":\"#/defs/name\"},"
    "\"od/d~\":{\"type\":\"integer\"},\"round\":{\"$ref\":\"#/defs/about\"},"
    "\"about\":{\"$ref\":\"#/defs/round\"},\"tree\":{\"type\":\"array\",\"items\":"
    "{\"$ref\":\"#/defs/tree\"}}}}";

START_TEST(keyword_holds)
{
    const authsvc_schema_t *schema = NULL;
    authsvc_error_t *err = authsvc_schema_compile(unit_pool, json(defs), json(samples[_i].schema),
                                                  &schema);

    ck_assert_msg(!err, "%s: %s", samples[_i].schema, err ? err->internal : "");
    authsvc_schema_validate(schema, unit_pool, json(samples[_i].value), &err);
    if (!samples[_i].code) {
        ck_assert_msg(!err, "%s %s", samples[_i].schema, samples[_i].value);
        return;
    }
    ck_assert_msg(err != NULL, "%s %s", samples[_i].schema, samples[_i].value);
    ck_assert_int_eq(err->code, AUTHSVC_E_INVALID);
    ck_assert_int_eq(err->fields->nelts, 1);
    ck_assert_str_eq(APR_ARRAY_IDX(err->fields, 0, authsvc_error_field_t).pointer,
                     samples[_i].pointer);
    ck_assert_str_eq(APR_ARRAY_IDX(err->fields, 0, authsvc_error_field_t).code, samples[_i].code);
}
END_TEST

static const struct {
    const char *text;
    int ok;
} dates[] = {
    {"2026-01-31T23:59:59Z", 1},      {"2026-01-31t23:59:60z", 1},
    {"2026-01-31T23:59:59.123Z", 1},  {"2026-01-31T23:59:59+01:00", 1},
    {"2024-02-29T00:00:00-23:59", 1}, {"2000-02-29T00:00:00Z", 1},
    {"", 0},                          {"2026-01-31", 0},
    {"2026-01-31T23:59:59", 0},       {"2026-01-31 23:59:59Z", 0},
    {"2026-13-31T23:59:59Z", 0},      {"2026-00-31T23:59:59Z", 0},
    {"2026-02-29T23:59:59Z", 0},      {"1900-02-29T23:59:59Z", 0},
    {"2026-04-31T23:59:59Z", 0},      {"2026-01-00T23:59:59Z", 0},
    {"2026-01-31T24:00:00Z", 0},      {"2026-01-31T23:60:00Z", 0},
    {"2026-01-31T23:59:61Z", 0},      {"2026-01-31T23:59:59.Z", 0},
    {"2026-01-31T23:59:59Zx", 0},     {"2026-01-31T23:59:59+24:00", 0},
    {"2026-01-31T23:59:59+0100", 0},  {"2026-01-31T23:59:59+01:0", 0},
    {"2026-01-31T23:59:59+01:60", 0}, {"x026-01-31T23:59:59Z", 0},
    {"2026/01/31T23:59:59Z", 0},      {"-026-01-31T23:59:59Z", 0},
};

START_TEST(date_time_is_checked)
{
    const authsvc_schema_t *schema = NULL;
    authsvc_error_t *err = authsvc_schema_compile(
        unit_pool, json("{}"), json("{\"type\":\"string\",\"format\":\"date-time\"}"), &schema);

    ck_assert_ptr_null(err);
    authsvc_schema_validate(
        schema, unit_pool, json(apr_pstrcat(unit_pool, "\"", dates[_i].text, "\"", NULL)), &err);
    ck_assert_msg((err == NULL) == dates[_i].ok, "%s", dates[_i].text);
}
END_TEST

static const char *const refused[] = {
    "1",
    "true",
    "{}",
    "{\"type\":\"number\"}",
    "{\"type\":[]}",
    "{\"type\":[\"string\",5]}",
    "{\"type\":5}",
    "{\"minLength\":1}",
    "{\"type\":\"string\",\"pattern\":\"x\"}",
    "{\"type\":\"string\",\"minLength\":-1}",
    "{\"type\":\"string\",\"minLength\":\"1\"}",
    "{\"type\":\"string\",\"format\":\"hostname\"}",
    "{\"type\":\"string\",\"format\":5}",
    "{\"type\":\"string\",\"enum\":\"a\"}",
    "{\"type\":\"string\",\"oneOf\":[]}",
    "{\"type\":\"object\"}",
    "{\"type\":\"object\",\"additionalProperties\":true}",
    "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}",
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"a\"]}",
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[5]}",
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"a\":{}}}",
    "{\"type\":\"object\",\"additionalProperties\":false,\"patternProperties\":{}}",
    "{\"type\":\"array\",\"items\":{}}",
    "{\"type\":\"array\",\"uniqueItems\":true}",
    "{\"$ref\":\"#/defs/nowhere\"}",
    "{\"$ref\":\"other.json#/x\"}",
    "{\"$ref\":\"\"}",
    "{\"$ref\":\"#/defs/name\",\"minLength\":3}",
    "{\"$ref\":\"#/defs/round\"}",
    "{\"$ref\":\"#/defs/tree\"}",
};

START_TEST(unknown_keyword_is_our_fault)
{
    const authsvc_schema_t *schema = NULL;
    authsvc_error_t *err =
        authsvc_schema_compile(unit_pool, json(defs), json(refused[_i]), &schema);

    ck_assert_msg(err != NULL, "%s", refused[_i]);
    ck_assert_int_eq(err->code, AUTHSVC_E_INTERNAL);
}
END_TEST

START_TEST(list_of_faults_ends)
{
    const authsvc_schema_t *schema = NULL;
    const char *many = "[0";
    authsvc_error_t *err = authsvc_schema_compile(
        unit_pool, json("{}"), json("{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"),
        &schema);
    int i;

    ck_assert_ptr_null(err);
    for (i = 0; i < 50; i++) {
        many = apr_pstrcat(unit_pool, many, ",0", NULL);
    }
    authsvc_schema_validate(schema, unit_pool, json(apr_pstrcat(unit_pool, many, "]", NULL)),
                            &err);
    ck_assert_int_eq(err->fields->nelts, AUTHSVC_MAX_FIELDS);
}
END_TEST

START_TEST(list_of_unknown_members_ends)
{
    const char *many = "{\"m\":0";
    int i;

    for (i = 0; i < 50; i++) {
        many = apr_psprintf(fake.ctx.pool, "%s,\"m%d\":0", many, i);
    }
    world_post("/auth/login", apr_pstrcat(fake.ctx.pool, many, "}", NULL));
    world_expect_problem(400, "validation");
    ck_assert_uint_eq(authsvc_json_size(authsvc_json_get(world.body, "errors")),
                      AUTHSVC_MAX_FIELDS);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_schema)
{
    Suite *suite = suite_create("schema");
    TCase *tcase = unit_tcase(suite, "schema");

    tcase_add_loop_test(tcase, keyword_holds, 0, sizeof(samples) / sizeof(samples[0]));
    tcase_add_loop_test(tcase, date_time_is_checked, 0, sizeof(dates) / sizeof(dates[0]));
    tcase_add_loop_test(tcase, unknown_keyword_is_our_fault, 0,
                        sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(tcase, list_of_faults_ends);
    tcase = world_tcase(suite, "members");
    tcase_add_test(tcase, list_of_unknown_members_ends);
    return suite;
}
