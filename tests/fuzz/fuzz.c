/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <apr_general.h>
#include <dlfcn.h>
#include <regex.h>
#include <sodium.h>

/*
 * An APR pool hands out pieces of large blocks, between which AddressSanitizer sees no border. So
 * in these programs each piece is a block of its own, that is freed with the pool. Nested calls
 * are APR's own (the cleanup's record), and go to APR.
 */
static int nested;

/* All blocks that are in use: a leak checker does not look into APR's own memory. */
typedef struct block_t {
    struct block_t *next, **previous;
    void *memory;
} block_t;

static block_t *blocks;

static apr_status_t free_block(void *data)
{
    block_t *block = data;

    *block->previous = block->next;
    if (block->next) {
        block->next->previous = block->previous;
    }
    free(block->memory);
    free(block);
    return APR_SUCCESS;
}

static block_t *new_block(size_t size)
{
    block_t *block = malloc(sizeof(*block));

    FUZZ_MUST(block != NULL);
    block->memory = malloc(size > 0 ? size : 1);
    FUZZ_MUST(block->memory != NULL);
    memset(block->memory, 0xa5, size); /* as in a pool, nothing good is there before */
    block->next = blocks;
    block->previous = &blocks;
    if (blocks) {
        blocks->previous = &block->next;
    }
    blocks = block;
    return block;
}

/* Declared again, to be seen by APR itself. NOLINTNEXTLINE(readability-redundant-declaration) */
void *apr_palloc(apr_pool_t *pool, apr_size_t size) __attribute__((visibility("default")));

void *apr_palloc(apr_pool_t *pool, apr_size_t size)
{
    void *(*real)(apr_pool_t *, apr_size_t);
    block_t *block;

    if (nested) {
        *(void **)&real = dlsym(RTLD_NEXT, "apr_palloc");
        return real(pool, size);
    }
    block = new_block(size);
    nested = 1;
    apr_pool_cleanup_register(pool, block, free_block, apr_pool_cleanup_null);
    nested = 0;
    return block->memory;
}

static int out_of_memory(int status)
{
    fprintf(stderr, "out of memory (%d)\n", status);
    abort();
}

static apr_pool_t *lasting;

static void end(void)
{
    apr_pool_destroy(lasting);
    apr_terminate();
}

apr_pool_t *fuzz_lasting_pool(void)
{
    if (!lasting) {
        FUZZ_MUST(apr_initialize() == APR_SUCCESS);
        FUZZ_MUST(apr_pool_create_ex(&lasting, NULL, out_of_memory, NULL) == APR_SUCCESS);
        FUZZ_MUST(atexit(end) == 0);
    }
    return lasting;
}

apr_pool_t *fuzz_pool(void)
{
    apr_pool_t *pool;

    FUZZ_MUST(apr_pool_create(&pool, fuzz_lasting_pool()) == APR_SUCCESS);
    return pool;
}

uint8_t fuzz_octet(fuzz_input_t *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->at++;
}

char *fuzz_string(apr_pool_t *pool, fuzz_input_t *input)
{
    const uint8_t *nul = input->left > 0 ? memchr(input->at, '\0', input->left) : NULL;
    size_t len = nul ? (size_t)(nul - input->at) : input->left;
    fuzz_input_t piece = {input->at, len};

    input->at += len + (nul ? 1 : 0);
    input->left -= len + (nul ? 1 : 0);
    return fuzz_rest(pool, &piece, &len);
}

char *fuzz_rest(apr_pool_t *pool, fuzz_input_t *input, size_t *len)
{
    char *text = apr_palloc(pool, input->left + 1);

    if (input->left > 0) {
        memcpy(text, input->at, input->left);
    }
    text[input->left] = '\0';
    *len = input->left;
    input->at += input->left;
    input->left = 0;
    return text;
}

int fuzz_base64url_decode(const char *text, size_t text_len, unsigned char *octets, size_t room,
                          size_t *len)
{
    size_t i;

    /* libsodium 1.0.18 takes some octets beyond ASCII for letters. */
    for (i = 0; i < text_len; i++) {
        if ((unsigned char)text[i] >= 0x80) {
            return 0;
        }
    }
    return sodium_base642bin(octets, room, text, text_len, NULL, len, NULL,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
}

int fuzz_matches(const char *pattern, const char *text)
{
    /* Compiled once each: a target has few of them. */
    static struct {
        const char *pattern;
        regex_t compiled;
    } known[64];
    static size_t count;
    size_t i;

    for (i = 0; i < count && strcmp(known[i].pattern, pattern) != 0; i++) {
    }
    if (i == count) {
        const char *whole = apr_pstrcat(fuzz_lasting_pool(), "^(", pattern, ")$", NULL);

        FUZZ_MUST(count < sizeof(known) / sizeof(known[0]));
        known[i].pattern = apr_pstrdup(fuzz_lasting_pool(), pattern);
        FUZZ_MUST(regcomp(&known[i].compiled, whole, REG_EXTENDED | REG_NOSUB) == 0);
        count++;
    }
    return regexec(&known[i].compiled, text, 0, NULL, 0) == 0;
}
