/* SPDX-License-Identifier: Apache-2.0 */
#include "password_words.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "authsvc/core/settings.h"
#include "authsvc/core/text.h"

#define WORD_MIN 4 /* code points; shorter ones are in many a good password by chance */

typedef struct {
    const char *text; /* folded */
    apr_size_t len;   /* octets */
    int source;       /* AUTHSVC_WORDS_* */
} word_t;

static void add(apr_array_header_t *words, const char *text, int source)
{
    const word_t word = {text, strlen(text), source};

    if (authsvc_text_length(text, word.len) < WORD_MIN) {
        return;
    }
    for (int i = 0; i < words->nelts; i++) {
        word_t *other = &APR_ARRAY_IDX(words, i, word_t);

        if (strcmp(other->text, text) == 0) {
            other->source |= source;
            return;
        }
    }
    APR_ARRAY_PUSH(words, word_t) = word;
}

/* The text, the runs of letters and digits in it, and these without what stands between them. */
static void add_parts(apr_array_header_t *words, const char *text, int source)
{
    apr_array_header_t *runs = authsvc_text_runs(words->pool, text);

    add(words, text, source);
    for (int i = 0; i < runs->nelts; i++) {
        add(words, APR_ARRAY_IDX(runs, i, const char *), source);
    }
    add(words, apr_array_pstrcat(words->pool, runs, '\0'), source);
}

static void add_email(apr_array_header_t *words, const char *email)
{
    const char *folded = authsvc_text_fold(words->pool, email, strlen(email));
    const char *at = folded ? strchr(folded, '@') : NULL;

    if (at) {
        add(words, folded, AUTHSVC_WORDS_EMAIL);
        add_parts(words, apr_pstrmemdup(words->pool, folded, (apr_size_t)(at - folded)),
                  AUTHSVC_WORDS_EMAIL);
    }
}

static void add_name(apr_array_header_t *words, const char *name)
{
    const char *trimmed = authsvc_text_trim(words->pool, name);
    const char *folded = authsvc_text_fold(words->pool, trimmed, strlen(trimmed));

    if (folded) {
        add_parts(words, folded, AUTHSVC_WORDS_NAME);
    }
}

/* An address is a word as a whole only. */
static int is_address(const char *host)
{
    return strchr(host, ':') || !host[strspn(host, "0123456789.")];
}

/*
 * Of www.example.org: itself, example.org, and the labels but for the last one, which stands for
 * a country or a kind of site.
 */
static void add_site(apr_array_header_t *words, const char *host)
{
    const char *folded = authsvc_text_fold(words->pool, host, strlen(host));
    const char *dot;

    if (!folded) {
        return;
    }
    if (is_address(folded) || !strchr(folded, '.')) {
        add(words, folded, AUTHSVC_WORDS_SITE);
        return;
    }
    for (; (dot = strchr(folded, '.')) != NULL; folded = dot + 1) {
        add(words, folded, AUTHSVC_WORDS_SITE);
        add_parts(words, apr_pstrmemdup(words->pool, folded, (apr_size_t)(dot - folded)),
                  AUTHSVC_WORDS_SITE);
    }
}

static int longest_first(const void *a, const void *b)
{
    const word_t *x = a, *y = b;

    return (x->len < y->len) - (x->len > y->len);
}

/* Mark each place where the word stands and no other one does. @return 1 if there was one */
static int take_out(const word_t *word, const char *text, char *taken)
{
    const char *at = text;
    int found = 0;

    while ((at = strstr(at, word->text)) != NULL) {
        if (memchr(taken + (at - text), 1, word->len)) {
            at++;
        } else {
            memset(taken + (at - text), 1, word->len);
            at += word->len;
            found = 1;
        }
    }
    return found;
}

/* Code points that no word took: octets that do not continue one. */
static int count_rest(const char *text, const char *taken)
{
    int rest = 0;

    for (; *text; text++, taken++) {
        rest += !*taken && ((unsigned char)*text & 0xc0) != 0x80;
    }
    return rest;
}

int authsvc_password_words(authsvc_ctx_t *ctx, const char *folded, const authsvc_person_t *person)
{
    const apr_array_header_t *sites = ctx->settings->sites;
    apr_array_header_t *words = apr_array_make(ctx->pool, 16, sizeof(word_t));
    char *taken = apr_pcalloc(ctx->pool, strlen(folded) + 1);
    int found = 0;

    if (person->email) {
        add_email(words, person->email);
    }
    if (person->name) {
        add_name(words, person->name);
    }
    for (int i = 0; i < sites->nelts; i++) {
        add_site(words, APR_ARRAY_IDX(sites, i, const char *));
    }
    qsort(words->elts, (size_t)words->nelts, sizeof(word_t), longest_first);
    for (int i = 0; i < words->nelts; i++) {
        const word_t *word = &APR_ARRAY_IDX(words, i, word_t);

        if (take_out(word, folded, taken)) {
            found |= word->source;
        }
    }
    return count_rest(folded, taken) < AUTHSVC_WORDS_OWN_MIN ? found : 0;
}
