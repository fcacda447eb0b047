/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/secrets.h"

#include <apr_strings.h>
#include <apr_tables.h>
#include <sodium.h>
#include <string.h>

#include "authsvc/core/encoding.h"
#include "authsvc/crypto/crypto.h"
#include "file.h"
#include "secrets_private.h"

#define SECRET_OCTETS crypto_kdf_KEYBYTES
#define FINGERPRINT_OCTETS 16
#define NUMBER_MAX 255

/* One crypto_kdf context for each purpose; never to be changed, or all tokens die. */
#define CONTEXT_REFRESH "asrefrsh"
#define CONTEXT_FINGERPRINT "asfprint"
#define CONTEXT_DEVICE "asdevice"
#define CONTEXT_ACCOUNT "asaccnts"

typedef struct {
    int number;
    unsigned char secret[SECRET_OCTETS]; /* to find one given twice; then wiped */
    unsigned char refresh_key[AUTHSVC_SUBKEY_OCTETS];
    unsigned char device_key[AUTHSVC_SUBKEY_OCTETS];
    unsigned char account_key[AUTHSVC_SUBKEY_OCTETS];
    char fingerprint[AUTHSVC_FINGERPRINT_TEXT + 1];
} secret_t;

struct authsvc_secrets_t {
    secret_t *secret; /* the current one first */
    int count;
};

static apr_status_t wipe(void *data)
{
    authsvc_secrets_t *secrets = data;

    sodium_memzero(secrets->secret, NUMBER_MAX * sizeof(*secrets->secret));
    return APR_SUCCESS;
}

static const secret_t *find(const authsvc_secrets_t *secrets, int number)
{
    int i;

    for (i = 0; i < secrets->count; i++) {
        if (secrets->secret[i].number == number) {
            return &secrets->secret[i];
        }
    }
    return NULL;
}

static authsvc_error_t *derive(apr_pool_t *pool, secret_t *secret)
{
    static const unsigned char label[] = "authsvc server secret";
    unsigned char key[AUTHSVC_SUBKEY_OCTETS], print[FINGERPRINT_OCTETS];
    const char *text;
    int failed;

    failed = crypto_kdf_derive_from_key(secret->refresh_key, AUTHSVC_SUBKEY_OCTETS, 1,
                                        CONTEXT_REFRESH, secret->secret) != 0 ||
             crypto_kdf_derive_from_key(secret->device_key, AUTHSVC_SUBKEY_OCTETS, 1,
                                        CONTEXT_DEVICE, secret->secret) != 0 ||
             crypto_kdf_derive_from_key(secret->account_key, AUTHSVC_SUBKEY_OCTETS, 1,
                                        CONTEXT_ACCOUNT, secret->secret) != 0 ||
             crypto_kdf_derive_from_key(key, sizeof(key), 1, CONTEXT_FINGERPRINT,
                                        secret->secret) != 0 ||
             crypto_generichash(print, sizeof(print), label, sizeof(label) - 1, key,
                                sizeof(key)) != 0;
    sodium_memzero(key, sizeof(key));
    if (failed) {
        return AUTHSVC_INTERNAL(pool, "deriving a subkey");
    }
    text = authsvc_base64url_encode(pool, print, sizeof(print));
    memcpy(secret->fingerprint, text, sizeof(secret->fingerprint));
    return NULL;
}

/* Digits up to ':', 1-255, no leading zero. @return octets read, colon included; 0 if it is none */
static apr_size_t parse_number(const char *line, apr_size_t len, int *number)
{
    apr_size_t i;

    *number = 0;
    for (i = 0; i < len && i < 3 && line[i] >= '0' && line[i] <= '9'; i++) {
        *number = *number * 10 + (line[i] - '0');
    }
    if (i == 0 || i == len || line[i] != ':' || line[0] == '0' || *number > NUMBER_MAX) {
        return 0;
    }
    return i + 1;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static authsvc_error_t *parse_line(apr_pool_t *pool, const char *origin, int line_number,
                                   const char *line, apr_size_t len, authsvc_secrets_t *secrets)
{
    secret_t *secret = &secrets->secret[secrets->count];
    unsigned char *octets;
    apr_size_t skip, size = 0;
    int number, i;

    skip = parse_number(line, len, &number);
    if (skip == 0) {
        return authsvc_crypto_refuse(pool, origin, "line %d is not \"number:secret\" with a number "
                                                   "of 1 to 255; make one with authsvcctl secret "
                                                   "generate", line_number);
    }
    if (find(secrets, number)) {
        return authsvc_crypto_refuse(pool, origin, "line %d: the number %d is there twice",
                                     line_number, number);
    }
    octets = authsvc_base64url_decode(pool, line + skip, len - skip, &size);
    if (!octets || size != SECRET_OCTETS || sodium_is_zero(octets, size)) {
        return authsvc_crypto_refuse(pool, origin, "line %d: the secret is not the base64url form "
                                                   "of 32 random octets; make one with authsvcctl "
                                                   "secret generate", line_number);
    }
    memcpy(secret->secret, octets, SECRET_OCTETS);
    sodium_memzero(octets, size);
    for (i = 0; i < secrets->count; i++) {
        if (sodium_memcmp(secrets->secret[i].secret, secret->secret, SECRET_OCTETS) == 0) {
            return authsvc_crypto_refuse(pool, origin, "line %d: the secret is the same as that of "
                                                       "the number %d", line_number,
                                         secrets->secret[i].number);
        }
    }
    secret->number = number;
    AUTHSVC_TRY(derive(pool, secret));
    secrets->count++;
    return NULL;
}

static authsvc_error_t *parse_lines(apr_pool_t *pool, const char *origin, const char *text,
                                    apr_size_t len, authsvc_secrets_t *secrets)
{
    const char *end = text + len;
    int line_number;

    for (line_number = 1; text < end; line_number++) {
        const char *newline = memchr(text, '\n', (apr_size_t)(end - text));
        const char *stop = newline ? newline : end;
        apr_size_t line_len = (apr_size_t)(stop - text);

        while (line_len > 0 && is_blank(text[line_len - 1])) {
            line_len--;
        }
        if (line_len > 0 && text[0] != '#') {
            AUTHSVC_TRY(parse_line(pool, origin, line_number, text, line_len, secrets));
        }
        text = newline ? newline + 1 : end;
    }
    if (secrets->count == 0) {
        return authsvc_crypto_refuse(pool, origin, "holds no secret; make one with authsvcctl "
                                                   "secret generate");
    }
    return NULL;
}

authsvc_error_t *authsvc_secrets_parse(apr_pool_t *pool, const char *origin, const char *text,
                                       apr_size_t len, authsvc_secrets_t **secrets)
{
    authsvc_secrets_t *made = apr_pcalloc(pool, sizeof(*made));
    authsvc_error_t *err;
    int i;

    /* As many as there are numbers: nothing is ever copied to a larger place and left behind. */
    made->secret = apr_pcalloc(pool, NUMBER_MAX * sizeof(*made->secret));
    apr_pool_cleanup_register(pool, made, wipe, apr_pool_cleanup_null);
    err = parse_lines(pool, origin, text, len, made);
    for (i = 0; i < NUMBER_MAX; i++) {
        sodium_memzero(made->secret[i].secret, SECRET_OCTETS);
    }
    if (!err) {
        *secrets = made;
    }
    return err;
}

authsvc_error_t *authsvc_secrets_load(apr_pool_t *pool, const char *path, int *unreadable,
                                      authsvc_secrets_t **secrets)
{
    authsvc_crypto_file_t file;
    authsvc_error_t *err = authsvc_crypto_file_read(pool, path, unreadable, &file);

    if (!err) {
        err = authsvc_crypto_file_private(pool, &file);
    }
    if (!err) {
        err = authsvc_secrets_parse(pool, path, file.text, file.len, secrets);
    }
    authsvc_crypto_file_forget(&file);
    return err;
}

int authsvc_secrets_current(const authsvc_secrets_t *secrets)
{
    return secrets->secret[0].number;
}

const unsigned char *authsvc_secrets_refresh_key(const authsvc_secrets_t *secrets, int number)
{
    const secret_t *secret = find(secrets, number);

    return secret ? secret->refresh_key : NULL;
}

const unsigned char *authsvc_secrets_device_key(const authsvc_secrets_t *secrets, int number)
{
    const secret_t *secret = find(secrets, number);

    return secret ? secret->device_key : NULL;
}

const unsigned char *authsvc_secrets_account_key(const authsvc_secrets_t *secrets, int number)
{
    const secret_t *secret = find(secrets, number);

    return secret ? secret->account_key : NULL;
}

const char *authsvc_secrets_fingerprint(const authsvc_secrets_t *secrets, int number,
                                        apr_pool_t *pool)
{
    const secret_t *secret = find(secrets, number);

    return secret ? apr_pstrdup(pool, secret->fingerprint) : NULL;
}

int authsvc_secrets_has_fingerprint(const authsvc_secrets_t *secrets, const char *fingerprint)
{
    int i;

    for (i = 0; i < secrets->count; i++) {
        if (strcmp(secrets->secret[i].fingerprint, fingerprint) == 0) {
            return 1;
        }
    }
    return 0;
}

authsvc_error_t *authsvc_secrets_generate(apr_pool_t *pool, int number, const char **line)
{
    unsigned char octets[SECRET_OCTETS];

    if (number < 1 || number > NUMBER_MAX) {
        return AUTHSVC_ERROR(pool, AUTHSVC_E_INVALID, NULL, "The number must be 1 to 255.",
                             "number %d", number);
    }
    authsvc_crypto_random(octets, sizeof(octets));
    *line = apr_psprintf(pool, "%d:%s\n", number,
                         authsvc_base64url_encode(pool, octets, sizeof(octets)));
    sodium_memzero(octets, sizeof(octets));
    return NULL;
}
