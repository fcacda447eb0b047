/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a file of server secrets. The other opinion: regular expressions and libsodium. */
#include "fuzz.h"

#include <sodium.h>

#include "authsvc/core/encoding.h"
#include "authsvc/crypto/crypto.h"
#include "authsvc/crypto/refresh_token.h"

#define NUMBER "([1-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])"
#define LINE NUMBER ":[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"

typedef struct {
    int count;
    int number[255];
    const char *secret[255];
} read_t;

/* @return 1 if the line is blank, a comment, or a new secret, which is noted */
static int read_line(apr_pool_t *pool, const char *line, size_t len, read_t *read)
{
    char *text = apr_pstrmemdup(pool, line, len);
    int i, number = 0;

    if (strlen(text) != len) {
        return line[0] == '#'; /* a NUL */
    }
    while (len > 0 && strchr(" \t\r", text[len - 1])) {
        text[--len] = '\0';
    }
    if (len == 0 || text[0] == '#') {
        return 1;
    }
    if (!fuzz_matches(LINE, text) || fuzz_matches("[^:]*:A*", text)) {
        return 0;
    }
    for (; *text != ':'; text++) {
        number = number * 10 + (*text - '0');
    }
    for (i = 0; i < read->count; i++) {
        if (read->number[i] == number || strcmp(read->secret[i], text) == 0) {
            return 0;
        }
    }
    read->number[read->count] = number;
    read->secret[read->count++] = text;
    return 1;
}

static int other_opinion(apr_pool_t *pool, const char *text, size_t len, read_t *read)
{
    const char *end = text + len;

    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline ? newline : end;

        if (!read_line(pool, text, (size_t)(stop - text), read)) {
            return 0;
        }
        text = stop + 1;
    }
    return read->count > 0;
}

static void check_accepted(apr_pool_t *pool, const authsvc_secrets_t *secrets, const read_t *read)
{
    static const unsigned char database[AUTHSVC_UUID_OCTETS] = {0};
    authsvc_refresh_token_t token = {{1}, {2}, 3}, back;
    const char *text;
    int number;

    FUZZ_MUST(authsvc_secrets_current(secrets) == read->number[0]);
    for (number = 0; number <= 256; number++) {
        const char *fingerprint = authsvc_secrets_fingerprint(secrets, number, pool);
        int there = 0, i;

        for (i = 0; i < read->count; i++) {
            there |= read->number[i] == number;
        }
        FUZZ_MUST((fingerprint != NULL) == there);
        if (fingerprint) {
            FUZZ_MUST(strlen(fingerprint) == AUTHSVC_FINGERPRINT_TEXT);
            FUZZ_MUST(authsvc_secrets_has_fingerprint(secrets, fingerprint));
        }
    }
    FUZZ_MUST(!authsvc_secrets_has_fingerprint(secrets, ""));
    FUZZ_OK(authsvc_refresh_token_encode(pool, secrets, database, &token, &text));
    FUZZ_OK(authsvc_refresh_token_decode(pool, secrets, database, text, strlen(text), &back));
    FUZZ_MUST(memcmp(&token, &back, sizeof(token)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    fuzz_input_t input = {data, size};
    authsvc_secrets_t *secrets = NULL;
    authsvc_error_t *err;
    read_t read = {0};
    size_t len;
    char *text = fuzz_rest(pool, &input, &len);

    FUZZ_OK(authsvc_crypto_init(pool));
    err = authsvc_secrets_parse(pool, "the file", text, len, &secrets);
    FUZZ_MUST((err == NULL) == other_opinion(pool, text, len, &read));
    if (err) {
        FUZZ_MUST(err->code == AUTHSVC_E_INVALID && secrets == NULL);
        FUZZ_MUST(strncmp(err->detail, "the file: ", 10) == 0 && !strchr(err->detail, '\n'));
    } else {
        check_accepted(pool, secrets, &read);
    }
    apr_pool_destroy(pool);
    return 0;
}
