/* SPDX-License-Identifier: Apache-2.0 */
/* Input: what somebody's data brings into a log line. */
#include "fuzz.h"

#include "authsvc/core/encoding.h"
#include "authsvc/core/log.h"

#define PREFIX "AS0000: says "
#define LINE_MAX_OCTETS 2048

/* What the line tells, unescaped, is what was said; if it was cut, the beginning of that. */
static void write_line(void *baton, authsvc_log_level_t level, const char *line)
{
    const unsigned char *said = *(const unsigned char **)baton;
    const char *end = line + strlen(line);
    int cut = strlen(line) > LINE_MAX_OCTETS - 8 && strcmp(end - 3, "...") == 0;

    FUZZ_MUST(level == AUTHSVC_LOG_WARNING && strlen(line) <= LINE_MAX_OCTETS);
    FUZZ_MUST(strncmp(line, PREFIX, strlen(PREFIX)) == 0);
    end -= cut ? 3 : 0;
    for (line += strlen(PREFIX); line < end; line++, said++) {
        unsigned char octet = (unsigned char)*line;

        FUZZ_MUST(octet >= 0x20 && octet < 0x7f && *said);
        if (octet == '\\') {
            char digits[3] = {line[2], line[3], '\0'};

            FUZZ_MUST(line[1] == 'x' && authsvc_hex_decode(digits, &octet, 1));
            FUZZ_MUST(octet < 0x20 || octet >= 0x7f || octet == '\\');
            line += 3;
        }
        FUZZ_MUST(octet == *said);
    }
    FUZZ_MUST(cut || *said == '\0');
    *(const unsigned char **)baton = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    fuzz_input_t input = {data, size};
    const char *said = fuzz_string(pool, &input), *left = said;
    authsvc_log_t log = {write_line, &left};

    authsvc_log(&log, AUTHSVC_LOG_WARNING, "AS0000", "says %s", said);
    FUZZ_MUST(left == NULL); /* one line, not none and not two */
    apr_pool_destroy(pool);
    return 0;
}
