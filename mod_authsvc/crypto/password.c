/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/password.h"

#include <apr_strings.h>
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <string.h>

#include "authsvc/core/settings.h"
#include "authsvc/crypto/admission.h"
#include "authsvc/crypto/crypto.h"
#include "low_priority.h"
#include "overloaded.h"

#define SALT_OCTETS crypto_pwhash_SALTBYTES
#define HASH_OCTETS 32     /* of the hashes we make */
#define HASH_OCTETS_MIN 16 /* of those we read */
#define PHC_PREFIX "$argon2id$v=19$m="

/* A stored hash may be this many times as dear as the settings ask, or as dear as the floor. */
#define CAP_FACTOR 4
#define CAP_MEMORY_FLOOR ((apr_uint64_t)1024 * 1024 * 1024)
#define CAP_PASSES_FLOOR 20

/* Argon2's own minimum, in KiB (RFC 9106 §3.1 for one lane). */
#define MEMORY_KIB_MIN 8

/* What a PHC string says. */
typedef struct {
    apr_uint64_t memory; /* octets */
    apr_uint64_t passes;
    unsigned char salt[SALT_OCTETS];
    unsigned char hash[crypto_pwhash_STRBYTES];
    size_t hash_octets;
} phc_t;

/* One computation: what goes in, and what comes out. */
typedef struct {
    unsigned char *out;
    size_t out_octets;
    const char *password;
    apr_size_t password_len;
    const unsigned char *salt; /* NULL: make one, and write a PHC string */
    unsigned long long passes;
    size_t memory;
    int result; /* 0, or -1 and: */
    int error;  /* errno */
} argon2id_t;

/* Go through the process's gate, then the server's admission. */
static authsvc_error_t *enter(authsvc_ctx_t *ctx)
{
    authsvc_error_t *err;

    if (!authsvc_gate_enter(ctx->gate)) {
        return authsvc_crypto_overloaded(ctx->pool, "too many threads of this process wait");
    }
    if (!ctx->admission) {
        return NULL;
    }
    err = authsvc_admission_enter(ctx->admission, ctx->pool);
    if (err) {
        authsvc_gate_leave(ctx->gate);
    }
    return err;
}

authsvc_error_t *authsvc_password_admits(const authsvc_ctx_t *ctx)
{
    int slots = 1, places = 0;

    /* Whoever meets a set that was removed shall say that, not that the house is full. */
    if (ctx->admission && authsvc_admission_alive(ctx->admission)) {
        authsvc_admission_free(ctx->admission, &slots, &places);
    }
    if (authsvc_gate_is_full(ctx->gate) || (slots == 0 && places == 0)) {
        return authsvc_crypto_overloaded(ctx->pool, "no slot and no place is free");
    }
    return NULL;
}

static void leave(authsvc_ctx_t *ctx)
{
    if (ctx->admission) {
        authsvc_admission_leave(ctx->admission);
    }
    authsvc_gate_leave(ctx->gate);
}

static authsvc_error_t *failed(apr_pool_t *pool, int error)
{
    char text[128];

    if (error == ENOMEM || error == EAGAIN) {
        return authsvc_crypto_overloaded(pool, "no memory");
    }
    apr_strerror(APR_FROM_OS_ERROR(error), text, sizeof(text));
    return AUTHSVC_INTERNAL(pool, "Argon2id: %s", text);
}

static void argon2id(void *baton)
{
    argon2id_t *job = baton;

    errno = 0;
    if (job->salt) {
        job->result = crypto_pwhash(job->out, job->out_octets, job->password, job->password_len,
                                    job->salt, job->passes, job->memory,
                                    crypto_pwhash_ALG_ARGON2ID13);
    } else {
        job->result = crypto_pwhash_str((char *)job->out, job->password, job->password_len,
                                        job->passes, job->memory);
    }
    job->error = errno;
}

/* The one place where Argon2id is computed: admitted, and out of the way of the site's pages. */
static authsvc_error_t *compute(authsvc_ctx_t *ctx, argon2id_t *job)
{
    AUTHSVC_TRY(enter(ctx));
    authsvc_low_priority_run(ctx->settings->hash_nice, argon2id, job);
    leave(ctx);
    return job->result == 0 ? NULL : failed(ctx->pool, job->error);
}

authsvc_error_t *authsvc_password_hash(authsvc_ctx_t *ctx, const char *password, apr_size_t len,
                                       const char **hash)
{
    char made[crypto_pwhash_STRBYTES];
    argon2id_t job = {0};
    authsvc_error_t *err;

    job.out = (unsigned char *)made;
    job.password = password;
    job.password_len = len;
    job.passes = (unsigned long long)ctx->settings->hash_passes;
    job.memory = ctx->settings->hash_memory;
    err = compute(ctx, &job);
    if (!err) {
        *hash = apr_pstrdup(ctx->pool, made);
    }
    sodium_memzero(made, sizeof(made));
    return err;
}

/* Digits without a leading zero, then one given character. @return what follows, or NULL */
static const char *parse_decimal(const char *text, char end, apr_uint64_t *value)
{
    const char *at = text;

    *value = 0;
    while (*at >= '0' && *at <= '9' && at - text < 10) {
        *value = *value * 10 + (apr_uint64_t)(*at - '0');
        at++;
    }
    return at > text && *text != '0' && *at == end && *value <= UINT32_MAX ? at + 1 : NULL;
}

static int skip(const char **text, const char *expected)
{
    size_t len = strlen(expected);

    if (strncmp(*text, expected, len) != 0) {
        return 0;
    }
    *text += len;
    return 1;
}

/* base64 up to a stop character. @return 1 if it was, in canonical form */
static int parse_base64(const char *text, const char *stop, unsigned char *out, size_t size,
                        size_t *len)
{
    const char *end = NULL;

    return sodium_base642bin(out, size, text, (size_t)(stop - text), NULL, len, &end,
                             sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0 && end == stop;
}

/* @return 1 if the string is of the form that libsodium writes, in one lane */
static int parse_phc(const char *text, phc_t *phc)
{
    const char *dollar;
    apr_uint64_t memory_kib;
    size_t salt_octets = 0;

    if (strlen(text) >= crypto_pwhash_STRBYTES || !skip(&text, PHC_PREFIX)) {
        return 0;
    }
    text = parse_decimal(text, ',', &memory_kib);
    if (!text || memory_kib < MEMORY_KIB_MIN || !skip(&text, "t=")) {
        return 0;
    }
    text = parse_decimal(text, ',', &phc->passes);
    if (!text || !skip(&text, "p=1$")) {
        return 0;
    }
    dollar = strchr(text, '$');
    if (!dollar || !parse_base64(text, dollar, phc->salt, sizeof(phc->salt), &salt_octets) ||
        salt_octets != SALT_OCTETS) {
        return 0;
    }
    phc->memory = memory_kib * 1024;
    text = dollar + 1;
    return parse_base64(text, text + strlen(text), phc->hash, sizeof(phc->hash),
                        &phc->hash_octets) && phc->hash_octets >= HASH_OCTETS_MIN;
}

static int too_dear(const authsvc_settings_t *settings, const phc_t *phc)
{
    apr_uint64_t memory = (apr_uint64_t)settings->hash_memory * CAP_FACTOR;
    apr_uint64_t passes = (apr_uint64_t)settings->hash_passes * CAP_FACTOR;

    return phc->memory > (memory > CAP_MEMORY_FLOOR ? memory : CAP_MEMORY_FLOOR) ||
           phc->passes > (passes > CAP_PASSES_FLOOR ? passes : CAP_PASSES_FLOOR);
}

/* @return 1 if the stored string is to be computed, 0 if the dummy is */
static int choose(const authsvc_ctx_t *ctx, const char *stored, phc_t *phc)
{
    if (!stored) {
        return 0;
    }
    if (!parse_phc(stored, phc)) {
        authsvc_log(ctx->log, AUTHSVC_LOG_ERROR, "AS0090",
                    "a stored password hash cannot be read; its user cannot sign in");
        return 0;
    }
    if (too_dear(ctx->settings, phc)) {
        authsvc_log(ctx->log, AUTHSVC_LOG_ERROR, "AS0091",
                    "a stored password hash costs %" APR_UINT64_T_FMT " octets and %"
                    APR_UINT64_T_FMT " passes, more than this server allows; its user cannot "
                    "sign in", phc->memory, phc->passes);
        return 0;
    }
    return 1;
}

/*
 * Not crypto_pwhash_str_verify: that of libsodium 1.0.18 reports a lack of memory as a wrong
 * password (-1 and EINVAL for both).
 */
static authsvc_error_t *compare(authsvc_ctx_t *ctx, const phc_t *phc, const char *password,
                                apr_size_t len, int *equal)
{
    unsigned char computed[sizeof(phc->hash)];
    argon2id_t job = {0};
    authsvc_error_t *err;

    job.out = computed;
    job.out_octets = phc->hash_octets;
    job.password = password;
    job.password_len = len;
    job.salt = phc->salt;
    job.passes = phc->passes;
    job.memory = (size_t)phc->memory;
    err = compute(ctx, &job);
    *equal = !err && sodium_memcmp(computed, phc->hash, phc->hash_octets) == 0;
    sodium_memzero(computed, sizeof(computed));
    return err;
}

authsvc_error_t *authsvc_password_verify(authsvc_ctx_t *ctx, const char *stored,
                                         const char *password, apr_size_t len,
                                         authsvc_password_verdict_t *verdict)
{
    const authsvc_settings_t *settings = ctx->settings;
    authsvc_error_t *err;
    phc_t phc;
    int known, equal = 0;

    memset(verdict, 0, sizeof(*verdict));
    memset(&phc, 0, sizeof(phc));
    known = choose(ctx, stored, &phc);
    if (!known && (!settings->dummy_hash || !parse_phc(settings->dummy_hash, &phc))) {
        return AUTHSVC_INTERNAL(ctx->pool, "the settings have no dummy hash");
    }
    err = compare(ctx, &phc, password, len, &equal);
    verdict->matches = !err && known && equal;
    verdict->needs_rehash = verdict->matches &&
                            (phc.memory < settings->hash_memory / 1024 * 1024 ||
                             phc.passes < (apr_uint64_t)settings->hash_passes ||
                             phc.hash_octets < HASH_OCTETS);
    sodium_memzero(&phc, sizeof(phc));
    return err;
}

authsvc_error_t *authsvc_password_dummy(apr_pool_t *pool, apr_size_t memory, int passes,
                                        const char **hash)
{
    unsigned char octets[SALT_OCTETS + HASH_OCTETS];
    char salt[sodium_base64_ENCODED_LEN(SALT_OCTETS, sodium_base64_VARIANT_ORIGINAL_NO_PADDING)];
    char text[sodium_base64_ENCODED_LEN(HASH_OCTETS, sodium_base64_VARIANT_ORIGINAL_NO_PADDING)];

    if (memory < crypto_pwhash_MEMLIMIT_MIN || memory / 1024 > UINT32_MAX || passes < 1) {
        return AUTHSVC_ERROR(pool, AUTHSVC_E_INVALID, NULL,
                             "Argon2id needs at least 8 KiB of memory and one pass.",
                             "memory %" APR_SIZE_T_FMT ", passes %d", memory, passes);
    }
    authsvc_crypto_random(octets, sizeof(octets));
    sodium_bin2base64(salt, sizeof(salt), octets, SALT_OCTETS,
                      sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    sodium_bin2base64(text, sizeof(text), octets + SALT_OCTETS, HASH_OCTETS,
                      sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    *hash = apr_psprintf(pool, PHC_PREFIX "%" APR_SIZE_T_FMT ",t=%d,p=1$%s$%s", memory / 1024,
                         passes, salt, text);
    return NULL;
}
