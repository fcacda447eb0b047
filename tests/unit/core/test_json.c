/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <setjmp.h>
#include <signal.h>

#include <jansson.h>

#include "authsvc/core/json.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static authsvc_json_t *parse(const char *text)
{
    const char *problem = "none";
    authsvc_json_t *value = authsvc_json_parse(unit_pool, text, strlen(text), &problem);

    ck_assert_msg(value != NULL, "%s: %s", text, problem);
    return value;
}

static const struct {
    const char *text;
    authsvc_json_type_t type;
    const char *dump; /* NULL: as text */
} values[] = {
    {"{}", AUTHSVC_JSON_OBJECT, NULL},
    {" \t\r\n{ } \n", AUTHSVC_JSON_OBJECT, "{}"},
    {"[]", AUTHSVC_JSON_ARRAY, NULL},
    {"[1,[2,{}]]", AUTHSVC_JSON_ARRAY, NULL},
    {"\"x\"", AUTHSVC_JSON_STRING, NULL},
    {"\"\"", AUTHSVC_JSON_STRING, NULL},
    {"0", AUTHSVC_JSON_INTEGER, NULL},
    {"-0", AUTHSVC_JSON_INTEGER, "0"},
    {"9223372036854775807", AUTHSVC_JSON_INTEGER, NULL},
    {"-9223372036854775808", AUTHSVC_JSON_INTEGER, NULL},
    {"1.0", AUTHSVC_JSON_REAL, NULL},
    {"1e3", AUTHSVC_JSON_REAL, "1000.0"},
    {"1E-2", AUTHSVC_JSON_REAL, "0.01"},
    {"true", AUTHSVC_JSON_TRUE, NULL},
    {"false", AUTHSVC_JSON_FALSE, NULL},
    {"null", AUTHSVC_JSON_NULL, NULL},
    {"{\"z\":1,\"a\":2,\"m\":null}", AUTHSVC_JSON_OBJECT, NULL}, /* order is kept */
    {"\"\\u00fc\\ud83d\\ude00\"", AUTHSVC_JSON_STRING, "\"\xc3\xbc\xf0\x9f\x98\x80\""},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", AUTHSVC_JSON_STRING, "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
    {"\"\\u001f\\u007f\"", AUTHSVC_JSON_STRING, "\"\\u001F\x7f\""},
    {"{\"a\":{\"a\":1}}", AUTHSVC_JSON_OBJECT, NULL}, /* the same name one level down is fine */
};

START_TEST(parses)
{
    authsvc_json_t *value = parse(values[_i].text);

    ck_assert_int_eq(authsvc_json_type(value), values[_i].type);
    ck_assert_str_eq(authsvc_json_dump(unit_pool, value),
                     values[_i].dump ? values[_i].dump : values[_i].text);
}
END_TEST

static const struct {
    const char *text;
    const char *problem; /* how it starts */
} refused[] = {
    {"", "the text ends too early"},
    {" ", "the text ends too early"},
    {"\xef\xbb\xbf{}", "not JSON"}, /* byte order mark */
    {"{", "the text ends too early"},
    {"[1,2", "the text ends too early"},
    {"\"abc", "the text ends too early"},
    {"{}x", "something follows the value"},
    {"{}{}", "something follows the value"},
    {"1 2", "something follows the value"},
    {"{\"a\":1,\"a\":2}", "a member occurs twice"},
    {"{\"a\":1,\"\\u0061\":2}", "a member occurs twice"},
    {"{\"x\":{\"a\":1,\"a\":1}}", "a member occurs twice"},
    {"\"\\ud800\"", "not JSON"},
    {"\"\\udc00\"", "not JSON"},
    {"\"\\ud800\\u0041\"", "not JSON"},
    {"\"\xed\xa0\x80\"", "not UTF-8"},
    {"\"\xc0\x80\"", "not UTF-8"},
    {"\"\xff\"", "not UTF-8"},
    {"\"\\u0000\"", "a string contains U+0000"},
    {"{\"\\u0000\":1}", "a string contains U+0000"},
    {"9223372036854775808", "a number is out of range"},
    {"-9223372036854775809", "a number is out of range"},
    {"1e999", "a number is out of range"},
    {"-1e999", "a number is out of range"},
    {"01", "not JSON"},
    {"+1", "not JSON"},
    {".5", "not JSON"},
    {"1.", "not JSON"},
    {"0x10", "something follows the value"},
    {"NaN", "not JSON"},
    {"Infinity", "not JSON"},
    {"nul", "not JSON"},
    {"True", "not JSON"},
    {"'a'", "not JSON"},
    {"{a:1}", "not JSON"},
    {"{\"a\":1,}", "not JSON"},
    {"[1,]", "not JSON"},
    {"[1 2]", "not JSON"},
    {"{\"a\" 1}", "not JSON"},
    {"\"a\nb\"", "not JSON"},
    {"\"\\x41\"", "not JSON"},
    {"// no\n{}", "not JSON"},
    {"/* no */{}", "not JSON"},
};

START_TEST(refuses)
{
    const char *problem = NULL;

    ck_assert_ptr_null(
        authsvc_json_parse(unit_pool, refused[_i].text, strlen(refused[_i].text), &problem));
    ck_assert_ptr_nonnull(problem);
    ck_assert_msg(strncmp(problem, refused[_i].problem, strlen(refused[_i].problem)) == 0,
                  "%s: \"%s\" is not \"%s\"", refused[_i].text, problem, refused[_i].problem);
    ck_assert_ptr_nonnull(strstr(problem, "(line "));
    /* And nobody has to ask why. */
    ck_assert_ptr_null(
        authsvc_json_parse(unit_pool, refused[_i].text, strlen(refused[_i].text), NULL));
}
END_TEST

START_TEST(problem_gives_the_place_and_quotes_nothing)
{
    static const char text[] = "{\"a\": 1,\n \"password\": hunter2}";
    const char *problem = NULL;

    ck_assert_ptr_null(authsvc_json_parse(unit_pool, text, strlen(text), &problem));
    ck_assert_ptr_nonnull(strstr(problem, "line 2"));
    ck_assert_ptr_null(strstr(problem, "hunter2"));
}
END_TEST

START_TEST(goes_by_length)
{
    const char *problem = NULL;

    ck_assert_ptr_nonnull(authsvc_json_parse(unit_pool, "{}garbage", 2, NULL));
    ck_assert_ptr_nonnull(authsvc_json_parse(unit_pool, "{}\0", 2, NULL));
    ck_assert_ptr_null(authsvc_json_parse(unit_pool, "{}\0", 3, &problem));
    ck_assert_ptr_null(authsvc_json_parse(unit_pool, "{}\0{}", 5, &problem));
    ck_assert_ptr_null(authsvc_json_parse(unit_pool, "\0{}", 3, &problem));
    ck_assert_ptr_null(authsvc_json_parse(unit_pool, "\"a\0b\"", 5, &problem));
    ck_assert_ptr_null(authsvc_json_parse(unit_pool, "", 0, &problem));
}
END_TEST

static char *nested(int depth)
{
    char *text = apr_palloc(unit_pool, (apr_size_t)depth * 2 + 1);

    memset(text, '[', (size_t)depth);
    memset(text + depth, ']', (size_t)depth);
    text[2 * depth] = '\0';
    return text;
}

START_TEST(depth_is_limited)
{
    const char *problem = NULL;
    const char *fits = nested(2000), *deep = nested(3000), *hostile = nested(1000000);
    authsvc_json_t *value = parse(fits);

    ck_assert_str_eq(authsvc_json_dump(unit_pool, value), fits);
    ck_assert_ptr_null(authsvc_json_parse(unit_pool, deep, strlen(deep), &problem));
    ck_assert_int_eq(strncmp(problem, "nested too deeply", 17), 0);
    ck_assert_ptr_null(authsvc_json_parse(unit_pool, hostile, strlen(hostile), &problem));
}
END_TEST

START_TEST(long_string)
{
    const apr_size_t size = 5 * 1024 * 1024;
    char *text = apr_palloc(unit_pool, size + 3);
    authsvc_json_t *value;

    text[0] = '"';
    memset(text + 1, 'x', size);
    text[size + 1] = '"';
    text[size + 2] = '\0';
    value = parse(text);
    ck_assert_uint_eq(authsvc_json_string_size(value), size);
    ck_assert_uint_eq(strlen(authsvc_json_string(value)), size);
    ck_assert_uint_eq(strlen(authsvc_json_dump(unit_pool, value)), size + 2);
}
END_TEST

START_TEST(readers)
{
    authsvc_json_t *object = parse("{\"s\":\"f\xc3\xbcr\",\"n\":-5,\"r\":5.0,\"a\":[1,\"two\"],"
                                   "\"t\":true,\"z\":null}");
    authsvc_json_t *array = authsvc_json_get(object, "a");
    apr_int64_t number = 99;

    ck_assert_uint_eq(authsvc_json_size(object), 6);
    ck_assert_str_eq(authsvc_json_get_string(object, "s"), "f\xc3\xbcr");
    ck_assert_uint_eq(authsvc_json_string_size(authsvc_json_get(object, "s")), 4);
    ck_assert_int_eq(authsvc_json_integer(authsvc_json_get(object, "n"), &number), 1);
    ck_assert_int_eq(number, -5);
    ck_assert_uint_eq(authsvc_json_size(array), 2);
    ck_assert_str_eq(authsvc_json_string(authsvc_json_at(array, 1)), "two");
    ck_assert_int_eq(authsvc_json_type(authsvc_json_get(object, "t")), AUTHSVC_JSON_TRUE);
}
END_TEST

START_TEST(readers_of_the_wrong_type)
{
    authsvc_json_t *object = parse("{\"s\":\"x\",\"n\":-5,\"r\":5.0,\"a\":[1],\"z\":null}");
    authsvc_json_t *string = authsvc_json_get(object, "s");
    authsvc_json_t *array = authsvc_json_get(object, "a");
    apr_int64_t number = 99;

    ck_assert_ptr_null(authsvc_json_get(object, "none"));
    ck_assert_ptr_null(authsvc_json_get(object, ""));
    ck_assert_ptr_null(authsvc_json_get(array, "s"));
    ck_assert_ptr_null(authsvc_json_get(NULL, "s"));
    ck_assert_ptr_null(authsvc_json_get_string(object, "n"));
    ck_assert_ptr_null(authsvc_json_get_string(object, "none"));
    ck_assert_ptr_null(authsvc_json_string(array));
    ck_assert_ptr_null(authsvc_json_string(NULL));
    ck_assert_uint_eq(authsvc_json_string_size(array), 0);
    ck_assert_uint_eq(authsvc_json_string_size(NULL), 0);
    ck_assert_int_eq(authsvc_json_integer(authsvc_json_get(object, "r"), &number), 0);
    ck_assert_int_eq(authsvc_json_integer(string, &number), 0);
    ck_assert_int_eq(authsvc_json_integer(NULL, &number), 0);
    ck_assert_int_eq(number, 99);
    ck_assert_uint_eq(authsvc_json_size(string), 0);
    ck_assert_uint_eq(authsvc_json_size(NULL), 0);
    ck_assert_ptr_null(authsvc_json_at(array, 1));
    ck_assert_ptr_null(authsvc_json_at(object, 0));
    ck_assert_ptr_null(authsvc_json_at(NULL, 0));
    ck_assert_int_eq(authsvc_json_type(NULL), AUTHSVC_JSON_NULL);
    ck_assert_str_eq(authsvc_json_dump(unit_pool, NULL), "null");
}
END_TEST

typedef struct {
    char names[64];
    const char *stop_at;
} walk_t;

static int walk(void *baton, const char *name, authsvc_json_t *member)
{
    walk_t *seen = baton;

    ck_assert_ptr_nonnull(member);
    strncat(seen->names, name, sizeof(seen->names) - strlen(seen->names) - 1);
    return seen->stop_at && !strcmp(name, seen->stop_at) ? 42 : 0;
}

START_TEST(each_goes_in_order_and_stops)
{
    authsvc_json_t *object = parse("{\"z\":1,\"b\":2,\"a\":3}");
    walk_t seen = {"", NULL};

    ck_assert_int_eq(authsvc_json_each(object, walk, &seen), 0);
    ck_assert_str_eq(seen.names, "zba");
    memset(seen.names, 0, sizeof(seen.names));
    seen.stop_at = "b";
    ck_assert_int_eq(authsvc_json_each(object, walk, &seen), 42);
    ck_assert_str_eq(seen.names, "zb");
    memset(seen.names, 0, sizeof(seen.names));
    ck_assert_int_eq(authsvc_json_each(parse("{}"), walk, &seen), 0);
    ck_assert_int_eq(authsvc_json_each(parse("[1]"), walk, &seen), 0);
    ck_assert_int_eq(authsvc_json_each(NULL, walk, &seen), 0);
    ck_assert_str_eq(seen.names, "");
}
END_TEST

START_TEST(equality)
{
    ck_assert_int_eq(authsvc_json_equal(parse("{\"a\":1,\"b\":[2]}"), parse("{\"b\":[2],\"a\":1}")),
                     1);
    ck_assert_int_eq(authsvc_json_equal(parse("[1,2]"), parse("[2,1]")), 0);
    ck_assert_int_eq(authsvc_json_equal(parse("1"), parse("1.0")), 0);
    ck_assert_int_eq(authsvc_json_equal(parse("\"1\""), parse("1")), 0);
    ck_assert_int_eq(authsvc_json_equal(parse("{\"a\":1}"), parse("{\"a\":1,\"b\":2}")), 0);
    ck_assert_int_eq(authsvc_json_equal(parse("null"), NULL), 0);
    ck_assert_int_eq(authsvc_json_equal(NULL, NULL), 1);
}
END_TEST

START_TEST(copy_is_independent)
{
    authsvc_json_t *object = parse("{\"in\":{\"a\":1}}");
    authsvc_json_t *copy = authsvc_json_copy(unit_pool, object);

    authsvc_json_set_integer(authsvc_json_get(copy, "in"), "a", 2);
    ck_assert_str_eq(authsvc_json_dump(unit_pool, object), "{\"in\":{\"a\":1}}");
    ck_assert_str_eq(authsvc_json_dump(unit_pool, copy), "{\"in\":{\"a\":2}}");
    ck_assert_ptr_null(authsvc_json_copy(unit_pool, NULL));
}
END_TEST

START_TEST(builders)
{
    authsvc_json_t *object = authsvc_json_object(unit_pool);
    authsvc_json_t *array = authsvc_json_array(unit_pool);

    authsvc_json_append(array, authsvc_json_object(unit_pool));
    authsvc_json_append(array, NULL);
    authsvc_json_append_string(array, "x");
    authsvc_json_append_string(array, NULL);
    authsvc_json_set_string(object, "s", "a\"\\\n\xc3\xbc");
    authsvc_json_set_string(object, "none", NULL);
    authsvc_json_set_integer(object, "i", APR_INT64_C(-9223372036854775807) - 1);
    authsvc_json_set_bool(object, "t", 7);
    authsvc_json_set_bool(object, "f", 0);
    authsvc_json_set(object, "list", array);
    authsvc_json_set(object, "null", NULL);
    authsvc_json_set_string(object, "f", "again"); /* replaces, keeps its place */
    ck_assert_str_eq(authsvc_json_dump(unit_pool, object),
                     "{\"s\":\"a\\\"\\\\\\n\xc3\xbc\",\"none\":null,\"i\":-9223372036854775808,"
                     "\"t\":true,\"f\":\"again\",\"list\":[{},null,\"x\",null],\"null\":null}");
}
END_TEST

static const struct {
    const char *text;
    const char *repaired;
} broken[] = {
    {"a\xff" "b", "a\xef\xbf\xbd" "b"},
    {"\xc3", "\xef\xbf\xbd"},
    {"f\xc3\xbcr\x80", "f\xc3\xbcr\xef\xbf\xbd"},
    {"\xed\xa0\x80", NULL}, /* how many U+FFFD is a library's choice */
    {"\xc0\xaf", NULL},
    {"\xe2\x82" "x", NULL},
    {"", ""},
    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
};

START_TEST(strings_that_are_not_utf8_are_repaired)
{
    authsvc_json_t *object = authsvc_json_object(unit_pool);
    const char *dump, *got;

    authsvc_json_set_string(object, "s", broken[_i].text);
    authsvc_json_set_string(object, broken[_i].text, "name");
    got = authsvc_json_get_string(object, "s");
    ck_assert_ptr_nonnull(got);
    if (broken[_i].repaired) {
        ck_assert_str_eq(got, broken[_i].repaired);
        ck_assert_str_eq(authsvc_json_get_string(object, broken[_i].repaired), "name");
    } else {
        ck_assert_ptr_nonnull(strstr(got, "\xef\xbf\xbd"));
    }
    ck_assert_uint_eq(authsvc_json_size(object), 2);
    dump = authsvc_json_dump(unit_pool, object);
    ck_assert_ptr_nonnull(authsvc_json_parse(unit_pool, dump, strlen(dump), NULL));
}
END_TEST

/* Under AddressSanitizer these two are the proof. */
START_TEST(a_value_outlives_the_pool_of_its_member)
{
    apr_pool_t *brief;
    authsvc_json_t *object = authsvc_json_object(unit_pool), *member;

    apr_pool_create(&brief, NULL);
    member = authsvc_json_parse(brief, "{\"deep\":[1]}", 12, NULL);
    authsvc_json_set(object, "m", member);
    apr_pool_destroy(brief);
    ck_assert_str_eq(authsvc_json_dump(unit_pool, object), "{\"m\":{\"deep\":[1]}}");
}
END_TEST

START_TEST(a_member_may_be_shared)
{
    apr_pool_t *brief;
    authsvc_json_t *shared = parse("{\"k\":\"v\"}"), *object;

    apr_pool_create(&brief, NULL);
    object = authsvc_json_object(brief);
    authsvc_json_set(object, "a", shared);
    authsvc_json_set(object, "b", shared);
    ck_assert_str_eq(authsvc_json_dump(brief, object), "{\"a\":{\"k\":\"v\"},\"b\":{\"k\":\"v\"}}");
    apr_pool_destroy(brief);
    ck_assert_str_eq(authsvc_json_get_string(shared, "k"), "v");
}
END_TEST

START_TEST(setting_a_member_of_what_is_no_object_ends_the_process)
{
    authsvc_json_set_bool(authsvc_json_array(unit_pool), "lost", 1);
}
END_TEST

/* jansson's allocations fail from the n-th on; the pool's abort function jumps back. */
static int allocations_left;
static jmp_buf ran_out;

static void *scarce_malloc(size_t size)
{
    return allocations_left-- > 0 ? malloc(size) : NULL;
}

/* What others brought along stays; what has no owner ends the process from now on. */
START_TEST(jansson_is_made_to_end_the_process)
{
    json_malloc_t malloc_fn;
    json_free_t free_fn;

    json_set_alloc_funcs(scarce_malloc, free);
    authsvc_json_init();
    json_get_alloc_funcs(&malloc_fn, &free_fn);
    ck_assert(malloc_fn == scarce_malloc);
    json_set_alloc_funcs(malloc, free);
    authsvc_json_init();
    authsvc_json_init();
    json_get_alloc_funcs(&malloc_fn, &free_fn);
    ck_assert(malloc_fn != malloc);
    ck_assert(free_fn == free);
    ck_assert_str_eq(authsvc_json_dump(unit_pool, parse("[1]")), "[1]");
}
END_TEST

static int jump_back(int status)
{
    (void)status;
    longjmp(ran_out, 1);
}

static void make_scarce(int allocations)
{
    apr_pool_abort_set(jump_back, unit_pool);
    allocations_left = allocations;
    json_set_alloc_funcs(scarce_malloc, free);
}

START_TEST(running_out_of_memory_is_no_refusal)
{
    static const char text[] = "[1,[2,[3]]]";

    if (setjmp(ran_out) == 0) {
        make_scarce(_i);
        authsvc_json_parse(unit_pool, text, strlen(text), NULL);
        ck_abort_msg("it came back");
    }
}
END_TEST

START_TEST(enough_memory_is_the_positive_control)
{
    make_scarce(1000);
    ck_assert_ptr_nonnull(authsvc_json_parse(unit_pool, "[1,[2,[3]]]", 11, NULL));
    ck_assert_int_lt(allocations_left, 1000 - 6);
}
END_TEST

START_TEST(builders_run_out_of_memory)
{
    if (setjmp(ran_out) == 0) {
        make_scarce(0);
        authsvc_json_object(unit_pool);
        ck_abort_msg("it came back");
    }
}
END_TEST

START_TEST(dump_and_copy_run_out_of_memory)
{
    authsvc_json_t *value = parse("[1]");

    if (setjmp(ran_out) == 0) {
        make_scarce(_i);
        authsvc_json_copy(unit_pool, value);
        ck_abort_msg("it came back");
    }
    if (setjmp(ran_out) == 0) {
        make_scarce(0);
        authsvc_json_dump(unit_pool, value);
        ck_abort_msg("it came back");
    }
}
END_TEST

START_TEST(setting_runs_out_of_memory)
{
    authsvc_json_t *object = authsvc_json_object(unit_pool);

    make_scarce(_i);
    authsvc_json_set_string(object, "name", "text");
}
END_TEST

START_TEST(text_for_a_terminal_is_printable_ascii)
{
    const authsvc_json_t *value = parse("[\"\xc3\xa4\x7f\x7f b\",\"\\u001b\xc2\x9b\",1]");

    ck_assert_str_eq(authsvc_json_dump_ascii(unit_pool, value),
                     "[\"\\u00E4\\u007F\\u007F b\",\"\\u001B\\u009B\",1]");
}
END_TEST

/* An allocator whose memory libc's free() does not know. */
static void *foreign_malloc(size_t size)
{
    char *memory = malloc(size + 64);

    /* cppcheck-suppress memleak ; foreign_free() finds it */
    return memory ? memory + 64 : NULL;
}

static void foreign_free(void *memory)
{
    if (memory) {
        free((char *)memory - 64);
    }
}

START_TEST(another_modules_allocator_frees_what_it_gave)
{
    authsvc_json_t *value;

    json_set_alloc_funcs(foreign_malloc, foreign_free);
    authsvc_json_init();
    value = authsvc_json_parse(unit_pool, "{\"a\":\"\xc3\xa4\"}", 10, NULL);
    ck_assert_ptr_nonnull(value);
    ck_assert_str_eq(authsvc_json_dump(unit_pool, value), "{\"a\":\"\xc3\xa4\"}");
    apr_pool_clear(unit_pool);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_json)
{
    Suite *suite = suite_create("json");
    TCase *tcase = unit_tcase(suite, "parse");

    tcase_add_loop_test(tcase, parses, 0, COUNT(values));
    tcase_add_loop_test(tcase, refuses, 0, COUNT(refused));
    tcase_add_test(tcase, problem_gives_the_place_and_quotes_nothing);
    tcase_add_test(tcase, goes_by_length);
    tcase_add_test(tcase, depth_is_limited);
    tcase_add_test(tcase, long_string);
    tcase = unit_tcase(suite, "read");
    tcase_add_test(tcase, readers);
    tcase_add_test(tcase, readers_of_the_wrong_type);
    tcase_add_test(tcase, each_goes_in_order_and_stops);
    tcase_add_test(tcase, equality);
    tcase_add_test(tcase, copy_is_independent);
    tcase = unit_tcase(suite, "build");
    tcase_add_test(tcase, builders);
    tcase_add_loop_test(tcase, strings_that_are_not_utf8_are_repaired, 0, COUNT(broken));
    tcase_add_test(tcase, a_value_outlives_the_pool_of_its_member);
    tcase_add_test(tcase, a_member_may_be_shared);
    tcase_add_test_raise_signal(tcase, setting_a_member_of_what_is_no_object_ends_the_process,
                                SIGABRT);
    tcase = unit_tcase(suite, "memory");
    tcase_add_loop_test(tcase, running_out_of_memory_is_no_refusal, 0, 6);
    tcase_add_test(tcase, enough_memory_is_the_positive_control);
    tcase_add_test(tcase, builders_run_out_of_memory);
    tcase_add_test(tcase, jansson_is_made_to_end_the_process);
    tcase_add_test(tcase, text_for_a_terminal_is_printable_ascii);
    tcase_add_test(tcase, another_modules_allocator_frees_what_it_gave);
    tcase_add_loop_test(tcase, dump_and_copy_run_out_of_memory, 0, 3);
    tcase_add_loop_test_raise_signal(tcase, setting_runs_out_of_memory, SIGABRT, 0, 3);
    return suite;
}
