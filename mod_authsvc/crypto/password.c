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

#define SALT_OCTETS 16
#define HASH_OCTETS 32
#define PHC_PREFIX "$argon2id$v=19$m="

/* A stored hash may be this many times as dear as the settings ask, or as dear as the floor. */
#define CAP_FACTOR 4
#define CAP_MEMORY_FLOOR ((apr_uint64_t)256 * 1024 * 1024)
#define CAP_PASSES_FLOOR 8

/* Argon2's own minimum, in KiB (RFC 9106 §3.1 for one lane). */
#define MEMORY_KIB_MIN 8

/* What a PHC string says of its cost. */
typedef struct {
    apr_uint64_t memory; /* octets */
    apr_uint64_t passes;
    size_t salt_octets;
    size_t hash_octets;
} cost_t;

static authsvc_error_t *overloaded(apr_pool_t *pool, const char *why)
{
    authsvc_error_t *err =
        AUTHSVC_ERROR(pool, AUTHSVC_E_UNAVAILABLE, "overloaded",
                      "The server is busy. Please try again in a few seconds.", "hashing: %s", why);

    err->retry_after = 1 + (int)randombytes_uniform(5);
    return err;
}

/* Go through the process's gate, then the server's admission. */
static authsvc_error_t *enter(authsvc_ctx_t *ctx)
{
    authsvc_error_t *err;

    if (!authsvc_gate_enter(ctx->gate)) {
        return overloaded(ctx->pool, "too many threads of this process wait");
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
        return overloaded(pool, "no memory");
    }
    apr_strerror(APR_FROM_OS_ERROR(error), text, sizeof(text));
    return AUTHSVC_INTERNAL(pool, "Argon2id: %s", text);
}

authsvc_error_t *authsvc_password_hash(authsvc_ctx_t *ctx, const char *password, apr_size_t len,
                                       const char **hash)
{
    char made[crypto_pwhash_STRBYTES];
    int result, error;

    AUTHSVC_TRY(enter(ctx));
    errno = 0;
    result = crypto_pwhash_str(made, password, len, (unsigned long long)ctx->settings->hash_passes,
                               ctx->settings->hash_memory);
    error = errno;
    leave(ctx);
    if (result == 0) {
        *hash = apr_pstrdup(ctx->pool, made);
    }
    sodium_memzero(made, sizeof(made));
    return result == 0 ? NULL : failed(ctx->pool, error);
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

/* @return 1 if the string is exactly what libsodium writes and reads, in one lane */
static int parse_phc(const char *text, cost_t *cost)
{
    unsigned char octets[crypto_pwhash_STRBYTES];
    const char *dollar, *stop;
    apr_uint64_t memory_kib;
    int done;

    if (!skip(&text, PHC_PREFIX)) {
        return 0;
    }
    text = parse_decimal(text, ',', &memory_kib);
    if (!text || memory_kib < MEMORY_KIB_MIN || !skip(&text, "t=")) {
        return 0;
    }
    text = parse_decimal(text, ',', &cost->passes);
    if (!text || !skip(&text, "p=1$")) {
        return 0;
    }
    dollar = strchr(text, '$');
    if (!dollar) {
        return 0;
    }
    cost->memory = memory_kib * 1024;
    done = sodium_base642bin(octets, sizeof(octets), text, (size_t)(dollar - text), NULL,
                             &cost->salt_octets, &stop,
                             sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0 && stop == dollar;
    text = dollar + 1;
    done = done && sodium_base642bin(octets, sizeof(octets), text, strlen(text), NULL,
                                     &cost->hash_octets, &stop,
                                     sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0 &&
           *stop == '\0';
    sodium_memzero(octets, sizeof(octets));
    return done && cost->salt_octets >= 8 && cost->hash_octets >= 16;
}

static int too_dear(const authsvc_settings_t *settings, const cost_t *cost)
{
    apr_uint64_t memory = (apr_uint64_t)settings->hash_memory * CAP_FACTOR;
    apr_uint64_t passes = (apr_uint64_t)settings->hash_passes * CAP_FACTOR;

    return cost->memory > (memory > CAP_MEMORY_FLOOR ? memory : CAP_MEMORY_FLOOR) ||
           cost->passes > (passes > CAP_PASSES_FLOOR ? passes : CAP_PASSES_FLOOR);
}

/* What is computed against. @return 1: the stored string; 0: the dummy */
static int choose(const authsvc_ctx_t *ctx, const char *stored, cost_t *cost)
{
    if (!stored) {
        return 0;
    }
    if (strlen(stored) >= crypto_pwhash_STRBYTES || !parse_phc(stored, cost)) {
        authsvc_log(ctx->log, AUTHSVC_LOG_ERROR, "AS0090",
                    "a stored password hash cannot be read; its user cannot sign in");
        return 0;
    }
    if (too_dear(ctx->settings, cost)) {
        authsvc_log(ctx->log, AUTHSVC_LOG_ERROR, "AS0091",
                    "a stored password hash costs %" APR_UINT64_T_FMT " octets and %"
                    APR_UINT64_T_FMT " passes, more than this server allows; its user cannot "
                    "sign in", cost->memory, cost->passes);
        return 0;
    }
    return 1;
}

authsvc_error_t *authsvc_password_verify(authsvc_ctx_t *ctx, const char *stored,
                                         const char *password, apr_size_t len,
                                         authsvc_password_verdict_t *verdict)
{
    const authsvc_settings_t *settings = ctx->settings;
    char against[crypto_pwhash_STRBYTES] = {0};
    cost_t cost = {0};
    int known, result, error;

    memset(verdict, 0, sizeof(*verdict));
    known = choose(ctx, stored, &cost);
    if (!known) {
        stored = settings->dummy_hash;
        if (!stored || strlen(stored) >= sizeof(against)) {
            return AUTHSVC_INTERNAL(ctx->pool, "the settings have no dummy hash");
        }
    }
    memcpy(against, stored, strlen(stored));
    AUTHSVC_TRY(enter(ctx));
    errno = 0;
    result = crypto_pwhash_str_verify(against, password, len);
    error = errno;
    leave(ctx);
    sodium_memzero(against, sizeof(against));
    /* libsodium says EINVAL for a wrong password only; anything else is no verdict. */
    if (result != 0 && error != EINVAL) {
        return failed(ctx->pool, error);
    }
    verdict->matches = known && result == 0;
    verdict->needs_rehash =
        verdict->matches && (cost.memory < settings->hash_memory / 1024 * 1024 ||
                             cost.passes < (apr_uint64_t)settings->hash_passes ||
                             cost.salt_octets < SALT_OCTETS || cost.hash_octets < HASH_OCTETS);
    return NULL;
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
