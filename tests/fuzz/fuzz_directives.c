/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: a directive's value; it is read as a duration, a size, a whole number, a rate, a name, a
 * base URL and an origin; its first eight octets are also taken for a time.
 */
#include "fuzz.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

#include "authsvc/core/rate.h"
#include "authsvc/core/units.h"
#include "authsvc/core/url.h"

#define YEARS_100 (INT64_C(36525) * 86400 * 1000000)
#define PCHAR "[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}"
#define HOST "(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._~-]+)"
#define PORT "(:[1-9][0-9]{0,4})?"
#define URL "https?://" HOST PORT "(/(" PCHAR ")*)*"
#define SIMPLE_URL "https?://[a-z0-9]+([.][a-z0-9]+)*(:(80|443|65535))?(/[a-z0-9.]*)*"
#define ORIGIN "[a-z][a-z0-9+.-]*://(\\[[0-9a-f:.]+\\]|[a-z0-9._~-]+)" PORT
#define SIMPLE_ORIGIN "[a-z]+://[a-z0-9]+([.][a-z0-9]+)*(:(80|443|65535))?"

/* Digits as a number, ULLONG_MAX for more than that. */
static unsigned long long number_of(const char *text)
{
    return strtoull(text, NULL, 10);
}

static void check_duration(const char *text)
{
    static const struct {
        const char *pattern;
        unsigned long long microseconds;
    } units[] = {{"[0-9]+s?", 1000000},
                 {"[0-9]+ms", 1000},
                 {"[0-9]+m", 60000000},
                 {"[0-9]+h", 3600000000},
                 {"[0-9]+d", 86400000000},
                 {"[0-9]+w", 604800000000}};
    apr_interval_time_t duration = -7;
    int accepted = authsvc_duration_parse(text, &duration), expected = 0;
    unsigned long long number = number_of(text);
    size_t i;

    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (fuzz_matches(units[i].pattern, text) && number <= YEARS_100 / units[i].microseconds) {
            expected = 1;
            FUZZ_MUST(duration == (apr_interval_time_t)(number * units[i].microseconds));
        }
    }
    FUZZ_MUST(accepted == expected && (accepted || duration == -7));
}

static void check_size(const char *text)
{
    static const struct {
        const char *pattern;
        unsigned long long octets;
    } units[] = {
        {"[0-9]+", 1}, {"[0-9]+K", 1024}, {"[0-9]+M", 1048576}, {"[0-9]+G", 1073741824}};
    apr_size_t size = 7;
    int accepted = authsvc_size_parse(text, &size), expected = 0;
    unsigned long long number;
    size_t i;

    errno = 0;
    number = number_of(text);
    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (fuzz_matches(units[i].pattern, text) && errno == 0 &&
            number <= ULLONG_MAX / units[i].octets) {
            expected = 1;
            FUZZ_MUST(size == number * units[i].octets);
        }
    }
    FUZZ_MUST(accepted == expected && (accepted || size == 7));
}

static void check_integer(const char *text)
{
    static const long limits[] = {LONG_MIN, -1, 0, 1, 64, 30000, LONG_MAX};
    size_t i, j;

    for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        for (j = i; j < sizeof(limits) / sizeof(limits[0]); j++) {
            unsigned long long number = number_of(text);
            long value = -7;
            int accepted = authsvc_integer_parse(text, limits[i], limits[j], &value);

            FUZZ_MUST(accepted == (fuzz_matches("[0-9]+", text) && number <= LONG_MAX &&
                                   (long)number >= limits[i] && (long)number <= limits[j]));
            FUZZ_MUST(value == (accepted ? (long)number : -7));
        }
    }
}

static void check_rate(const char *text)
{
    static const struct {
        const char *pattern;
        unsigned long long milliseconds;
    } units[] = {{"[0-9]{1,19}/[0-9]+s?", 1000},       {"[0-9]{1,19}/[0-9]+ms", 1},
                 {"[0-9]{1,19}/[0-9]+m", 60000},       {"[0-9]{1,19}/[0-9]+h", 3600000},
                 {"[0-9]{1,19}/[0-9]+d", 86400000},    {"[0-9]{1,19}/[0-9]+w", 604800000}};
    authsvc_rate_t rate = {-7, -7};
    int accepted = authsvc_rate_parse(text, &rate), expected = 0;
    const char *slash = strchr(text, '/');

    for (size_t i = 0; slash && i < sizeof(units) / sizeof(units[0]); i++) {
        unsigned long long count = number_of(text), number = number_of(slash + 1), time;

        if (!fuzz_matches(units[i].pattern, text) || number > 86400000) {
            continue;
        }
        time = number * units[i].milliseconds;
        if (time >= 1000 && time <= 86400000 && time % 1000 == 0 && count >= 1 && count <= time) {
            expected = 1;
            FUZZ_MUST(rate.count == (apr_int64_t)count);
            FUZZ_MUST(rate.window == (apr_interval_time_t)time * 1000);
        }
    }
    FUZZ_MUST(accepted == expected && (accepted || (rate.count == -7 && rate.window == -7)));
}

static void check_url(const char *text)
{
    int fits = strlen(text) <= AUTHSVC_NAME_MAX;
    int base = authsvc_url_is_base(text), origin = authsvc_url_is_origin(text);

    FUZZ_MUST(authsvc_name_is_plain(text) == (fits && fuzz_matches("[]!#-;=?-[^-~]+", text)));
    FUZZ_MUST(!base || (fits && fuzz_matches(URL, text)));
    FUZZ_MUST(base || !fits || !fuzz_matches(SIMPLE_URL, text));
    FUZZ_MUST(!origin || (fits && fuzz_matches(ORIGIN, text)));
    FUZZ_MUST(origin || !fits || !fuzz_matches(SIMPLE_ORIGIN, text));
}

/* Any time at all has a text; within the years of four digits it can be read back. */
static void check_time(apr_pool_t *pool, const char *octets, size_t len)
{
    apr_time_t time = 0;
    const char *text, *end;
    struct tm parts = {0};

    memcpy(&time, octets, len < sizeof(time) ? len : sizeof(time));
    text = authsvc_time_rfc3339(pool, time);
    FUZZ_MUST(*text);
    if (time >= INT64_C(-62135596800) * 1000000 && time < INT64_C(253402300800) * 1000000) {
        apr_time_t seconds;

        end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts);
        FUZZ_MUST(strlen(text) == 20 && end && *end == '\0');
        seconds = (apr_time_t)timegm(&parts) * 1000000;
        FUZZ_MUST(seconds <= time && time - seconds < 1000000);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    fuzz_input_t input = {data, size}, again = input;
    const char *text = fuzz_string(pool, &input);
    size_t len;

    check_duration(text);
    check_size(text);
    check_integer(text);
    check_rate(text);
    check_url(text);
    text = fuzz_rest(pool, &again, &len);
    check_time(pool, text, len);
    apr_pool_destroy(pool);
    return 0;
}
