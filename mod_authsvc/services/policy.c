/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <string.h>

#include "authsvc/core/settings.h"
#include "authsvc/core/text.h"
#include "authsvc/crypto/blocklist.h"
#include "authsvc/crypto/crypto.h"
#include "authsvc/services/services.h"
#include "password_words.h"

#define NAME_MAX_LENGTH 100

typedef struct {
    int kind;
    const char *code;
    const char *detail;
} required_kind_t;

static const required_kind_t required_kinds[] = {
    {AUTHSVC_REQUIRE_UPPER, "needs-upper", "must contain an upper-case letter"},
    {AUTHSVC_REQUIRE_LOWER, "needs-lower", "must contain a lower-case letter"},
    {AUTHSVC_REQUIRE_DIGIT, "needs-digit", "must contain a digit"},
    {AUTHSVC_REQUIRE_SYMBOL, "needs-symbol",
     "must contain a character that is neither letter nor digit"},
};

static const required_kind_t word_kinds[] = {
    {AUTHSVC_WORDS_EMAIL, "contains-email",
     "must have at least 4 characters beside those of the email address"},
    {AUTHSVC_WORDS_NAME, "contains-name",
     "must have at least 4 characters beside those of the name"},
    {AUTHSVC_WORDS_SITE, "contains-site",
     "must have at least 4 characters beside those of this site's name"},
};

static int is_listed(const authsvc_settings_t *settings, const char *folded)
{
    const apr_array_header_t *lists = settings->blocklists;

    if (authsvc_blocklist_is_common(folded)) {
        return 1;
    }
    for (int i = 0; i < lists->nelts; i++) {
        if (authsvc_blocklist_has(APR_ARRAY_IDX(lists, i, const authsvc_blocklist_t *), folded)) {
            return 1;
        }
    }
    return 0;
}

/* What is tried first. The password is well-formed UTF-8 without NUL. */
static void check_guessable(authsvc_ctx_t *ctx, const char *pointer, const char *password,
                            apr_size_t len, const authsvc_person_t *person, authsvc_error_t **err)
{
    const char *folded = authsvc_text_fold(ctx->pool, password, len);
    int words = authsvc_password_words(ctx, folded, person);

    if (is_listed(ctx->settings, folded)) {
        authsvc_error_add_field(ctx->pool, err, pointer, "common-password",
                                "must not be one of the passwords that many people use");
    }
    for (apr_size_t i = 0; i < sizeof(word_kinds) / sizeof(word_kinds[0]); i++) {
        if (words & word_kinds[i].kind) {
            authsvc_error_add_field(ctx->pool, err, pointer, word_kinds[i].code,
                                    word_kinds[i].detail);
        }
    }
    authsvc_crypto_wipe((void *)(uintptr_t)folded, strlen(folded));
}

void authsvc_policy_check_password(authsvc_ctx_t *ctx, const char *pointer, const char *password,
                                   apr_size_t len, const authsvc_person_t *person,
                                   authsvc_error_t **err)
{
    const authsvc_settings_t *settings = ctx->settings;
    apr_ssize_t length = authsvc_text_length(password, len);
    if (length < 0 || memchr(password, '\0', len)) {
        authsvc_error_add_field(ctx->pool, err, pointer, "format",
                                "must be UTF-8 text without the NUL character");
        return;
    }
    if (length < settings->password_min) {
        authsvc_error_add_field(ctx->pool, err, pointer, "too-short",
                                apr_psprintf(ctx->pool, "must have at least %d characters",
                                             settings->password_min));
    }
    if (length > settings->password_max) {
        authsvc_error_add_field(ctx->pool, err, pointer, "too-long",
                                apr_psprintf(ctx->pool, "must have at most %d characters",
                                             settings->password_max));
        return;
    }
    int kinds = authsvc_text_kinds(password, len);
    for (apr_size_t i = 0; i < sizeof(required_kinds) / sizeof(required_kinds[0]); i++) {
        const required_kind_t *required = &required_kinds[i];
        if ((settings->password_require & required->kind) && !(kinds & required->kind)) {
            authsvc_error_add_field(ctx->pool, err, pointer, required->code, required->detail);
        }
    }
    if (settings->password_blocklist) {
        check_guessable(ctx, pointer, password, len, person, err);
    }
}

void authsvc_policy_check_name(authsvc_ctx_t *ctx, const char *pointer, const char *name,
                               const char **trimmed, authsvc_error_t **err)
{
    apr_size_t sent = strlen(name);
    if (authsvc_text_has_control(name, sent)) {
        authsvc_error_add_field(ctx->pool, err, pointer, "control-characters",
                                "must not contain control characters");
        return;
    }
    *trimmed = authsvc_text_trim(ctx->pool, name);
    apr_ssize_t length = authsvc_text_length(*trimmed, strlen(*trimmed));
    if (length < 1) {
        authsvc_error_add_field(ctx->pool, err, pointer, "too-short", "must not be blank");
    } else if (length > NAME_MAX_LENGTH) {
        authsvc_error_add_field(ctx->pool, err, pointer, "too-long",
                                "must have at most 100 characters");
    }
}

void authsvc_policy_check_email(authsvc_ctx_t *ctx, const char *pointer, const char *email,
                                const char **normalized, authsvc_error_t **err)
{
    const char *code =
        authsvc_email_normalize(ctx->pool, email, ctx->settings->email_utf8, normalized);
    if (!code) {
        return;
    }
    const char *detail = "must be an email address";
    if (!strcmp(code, "too-long")) {
        detail = "must have at most 255 octets";
    } else if (!strcmp(code, "unsupported-local-part")) {
        detail = "must have only ASCII characters before the @";
    }
    authsvc_error_add_field(ctx->pool, err, pointer, code, detail);
}
