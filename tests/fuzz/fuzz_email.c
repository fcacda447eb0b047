/* SPDX-License-Identifier: Apache-2.0 */
/* Input: an address. */
#include "fuzz.h"

#include <ctype.h>
#include <unistr.h>

#include "authsvc/core/text.h"

#define ATEXT "[a-z0-9!#$%&'*+/=?^_`{|}~-]"
#define LABEL "[a-z0-9]([a-z0-9-]*[a-z0-9])?"

static int is_ascii(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text >= 0x80) {
            return 0;
        }
    }
    return 1;
}

/* The form in which addresses are stored, by the documents. */
static void check_stored(const char *stored, int utf8)
{
    const char *at = strchr(stored, '@'), *label;

    FUZZ_MUST(at && at > stored && at - stored <= 64 && !strchr(at + 1, '@'));
    FUZZ_MUST(strlen(stored) <= 255);
    FUZZ_MUST(u8_check((const uint8_t *)stored, strlen(stored)) == NULL);
    FUZZ_MUST(!authsvc_text_has_control(stored, strlen(stored)));
    FUZZ_MUST(fuzz_matches("(" LABEL "\\.)+" LABEL, at + 1));
    for (label = at; label; label = strchr(label, '.')) {
        FUZZ_MUST(strcspn(++label, ".") <= 63);
    }
    FUZZ_MUST(!fuzz_matches("(.*\\.)?[0-9]+", at + 1));
    FUZZ_MUST(utf8 || is_ascii(stored));
    if (is_ascii(stored)) {
        FUZZ_MUST(fuzz_matches(ATEXT "+(\\." ATEXT "+)*@.*", stored));
    }
}

static const char *normalize(apr_pool_t *pool, const char *email, int utf8)
{
    static const char untouched[] = "untouched";
    const char *stored = untouched;
    const char *refusal = authsvc_email_normalize(pool, email, utf8, &stored);

    if (refusal) {
        FUZZ_MUST(stored == untouched);
        FUZZ_MUST(strcmp(refusal, "format") == 0 || strcmp(refusal, "too-long") == 0 ||
                  (!utf8 && strcmp(refusal, "unsupported-local-part") == 0));
        return NULL;
    }
    check_stored(stored, utf8);
    return stored;
}

/* The same address in other capitals is the same account. */
static void check_capitals(apr_pool_t *pool, const char *email, const char *stored)
{
    char *upper = apr_pstrdup(pool, email), *c;
    const char *other;

    for (c = upper; *c; c++) {
        *c = (char)toupper((unsigned char)*c);
    }
    other = normalize(pool, upper, 0);
    FUZZ_MUST(stored ? other && strcmp(stored, other) == 0 : !other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    fuzz_input_t input = {data, size};
    const char *email = fuzz_string(pool, &input);
    const char *stored[2], *again;
    int utf8;

    for (utf8 = 0; utf8 <= 1; utf8++) {
        stored[utf8] = normalize(pool, email, utf8);
        if (stored[utf8]) {
            again = normalize(pool, stored[utf8], utf8);
            FUZZ_MUST(again && strcmp(again, stored[utf8]) == 0);
        }
    }
    /* The setting takes more addresses, and the others as without it. */
    FUZZ_MUST(!stored[0] || (stored[1] && strcmp(stored[0], stored[1]) == 0));
    if (is_ascii(email)) {
        check_capitals(pool, email, stored[0]);
    }
    apr_pool_destroy(pool);
    return 0;
}
