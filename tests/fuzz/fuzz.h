/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_TESTS_FUZZ_H
#define AUTHSVC_TESTS_FUZZ_H

/*
 * What the fuzz targets share. A target is one file, fuzz_<name>.c, with LLVMFuzzerTestOneInput();
 * it asserts what must hold for every input whatever, by FUZZ_MUST(). It is linked with libFuzzer
 * (./configure --enable-fuzzers CC=clang; tests/fuzz/run does it), or with replay.c, which runs it
 * on the files in corpus/<name>/ in `make check`.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_pools.h>
#include <apr_strings.h>

#include "authsvc/core/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** What does not hold ends the program, for libFuzzer and for replay.c. */
#define FUZZ_MUST(condition)                                                          \
    do {                                                                              \
        if (!(condition)) {                                                           \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                  \
        }                                                                             \
    } while (0)

/** The same for a call that may not fail. */
#define FUZZ_OK(call)                                                                   \
    do {                                                                                \
        const authsvc_error_t *fuzz_err = (call);                                       \
                                                                                        \
        if (fuzz_err) {                                                                 \
            fprintf(stderr, "%s:%d: %s failed: %s\n", __FILE__, __LINE__, #call,        \
                    fuzz_err->internal);                                                \
            abort();                                                                    \
        }                                                                               \
    } while (0)

/** A pool for one input; destroy it at the end. Its blocks come from malloc, one by one. */
apr_pool_t *fuzz_pool(void);

/** A pool that lives as long as the program, for what is made once. */
apr_pool_t *fuzz_lasting_pool(void);

/** A piece of the input that has not been read yet. */
typedef struct {
    const uint8_t *at;
    size_t left;
} fuzz_input_t;

/** The next octet; 0 at the end. */
uint8_t fuzz_octet(fuzz_input_t *input);

/** The octets up to the next NUL or the end, as a string of exactly their size; skips the NUL. */
char *fuzz_string(apr_pool_t *pool, fuzz_input_t *input);

/** All that is left, in a block of exactly that size and a NUL. */
char *fuzz_rest(apr_pool_t *pool, fuzz_input_t *input, size_t *len);

/** base64url without padding, by libsodium. @return 1 if it is that, and fits into room */
int fuzz_base64url_decode(const char *text, size_t text_len, unsigned char *octets, size_t room,
                          size_t *len);

/** 1 if the whole text matches a POSIX extended regular expression: "^(pattern)$". */
int fuzz_matches(const char *pattern, const char *text);

#endif
