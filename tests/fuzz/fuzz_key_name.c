/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: the name of a file in a directory of keys. What is accepted is what the pattern and the C
 * library's calendar say, and it is written again as it was.
 */
#include "fuzz.h"

#include <time.h>

#include "authsvc/crypto/key_directory.h"

#define TIME "[0-9]{8}T[0-9]{6}Z-"
#define NAME TIME TIME TIME "[A-Za-z0-9_-]{8}[.]pem"
#define TIME_LEN 17 /* with its hyphen */

static int number(const char *text, int digits)
{
    int value = 0;

    for (; digits > 0; digits--) {
        value = value * 10 + (*text++ - '0');
    }
    return value;
}

/* The nth time of a name that has the form; -1 if there is none such, as on the 31st of April. */
static apr_time_t time_of(const char *name, int n)
{
    const char *text = name + (ptrdiff_t)n * TIME_LEN;
    struct tm parts = {0}, asked;
    time_t seconds;

    parts.tm_year = number(text, 4) - 1900;
    parts.tm_mon = number(text + 4, 2) - 1;
    parts.tm_mday = number(text + 6, 2);
    parts.tm_hour = number(text + 9, 2);
    parts.tm_min = number(text + 11, 2);
    parts.tm_sec = number(text + 13, 2);
    asked = parts;
    seconds = timegm(&parts);
    if (seconds < 0 || parts.tm_year != asked.tm_year || parts.tm_mon != asked.tm_mon ||
        parts.tm_mday != asked.tm_mday || parts.tm_hour != asked.tm_hour ||
        parts.tm_min != asked.tm_min || parts.tm_sec != asked.tm_sec) {
        return -1;
    }
    return apr_time_from_sec(seconds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    fuzz_input_t input = {data, size};
    const char *name = fuzz_string(pool, &input);
    authsvc_key_name_t parsed;
    int accepted = authsvc_key_name_parse(name, &parsed), expected = 0;

    if (fuzz_matches(NAME, name)) {
        apr_time_t publish = time_of(name, 0), sign = time_of(name, 1), retire = time_of(name, 2);

        expected = publish >= 0 && publish <= sign && sign < retire;
        FUZZ_MUST(!accepted || (parsed.publish_at == publish && parsed.sign_at == sign &&
                                parsed.retire_at == retire));
    }
    FUZZ_MUST(accepted == expected);
    if (accepted) {
        FUZZ_MUST(parsed.file == name);
        FUZZ_MUST(strncmp(name + 3 * TIME_LEN, parsed.kid, AUTHSVC_KEY_NAME_KID) == 0);
        FUZZ_MUST(strcmp(authsvc_key_name_format(pool, &parsed), name) == 0);
    }
    apr_pool_destroy(pool);
    return 0;
}
