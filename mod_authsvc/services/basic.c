/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <string.h>

#include "authsvc/core/network.h"
#include "authsvc/core/revocations.h"
#include "authsvc/core/settings.h"
#include "authsvc/core/text.h"
#include "authsvc/crypto/cache.h"
#include "authsvc/crypto/crypto.h"
#include "credentials.h"
#include "event.h"
#include "limits.h"

/* The longest the contract lets through anywhere, in code points: nobody has a longer one. */
#define PASSWORD_MAX 1024

/*
 * A change that ends a verdict bears the database's second of its statement, but is seen when it
 * commits: a row that was read in between is younger by its clock, and old all the same. A
 * request's statements have AuthSvcDatabaseTimeout; the commit, and those of authsvcctl, get this.
 */
#define COMMIT_SECONDS 10

/*
 * So long before its end one request renews a verdict, and the others go on with it: else all the
 * connections of a client would ask for a hash, and be counted, in the same moment. That needs no
 * hash: the password was right for the row as it is.
 */
#define RENEW_SECONDS 30
#define RENEW_AGAIN 10  /* if whoever wanted to could not */
#define PROOF_SECONDS 86400 /* then the password is proved again, as at a login */

/* What is kept of an account for which credentials were right. */
typedef struct {
    unsigned char id[AUTHSVC_UUID_OCTETS];
    char email[256];
    char name[512];
    char role[16];
    int email_verified;
    apr_int64_t as_of;             /* the database's second at which it was certainly true */
    char token_id[AUTHSVC_UUID_TEXT + 1]; /* another one for each reading of the row */
    apr_int64_t until;             /* this node's second at which it ends */
    apr_int64_t proved_at;         /* the same, at which the password was hashed */
    apr_int64_t renewing_at;       /* and somebody set about renewing it; 0: nobody */
    authsvc_cache_key_t row;       /* of the password's hash: a keyed hash */
} verdict_t;

_Static_assert(sizeof(verdict_t) <= AUTHSVC_BASIC_CACHED, "a verdict does not fit");

static apr_int64_t margin(const authsvc_settings_t *settings)
{
    return apr_time_sec(settings->db_timeout) + 1 + COMMIT_SECONDS;
}

/* Seconds. Revocations are remembered for as long as an access token lives: so may a verdict. */
static apr_int64_t life(const authsvc_settings_t *settings)
{
    apr_int64_t most = apr_time_sec(settings->access_lifetime) - margin(settings);
    apr_int64_t wanted = apr_time_sec(settings->basic_cache);
    return wanted < most ? wanted : most;
}

static authsvc_error_t *no_key(authsvc_ctx_t *ctx)
{
    return AUTHSVC_INTERNAL(ctx->pool, "no keyed hash of credentials");
}

/*
 * Virtual hosts have accounts of their own, and one cache. A verdict is for the network that proved
 * the password: to anybody else it would tell whether a guess is right, past limits and pauses.
 */
static authsvc_error_t *key_of(authsvc_ctx_t *ctx, const char *email, const char *password,
                               apr_size_t len, authsvc_cache_key_t *key)
{
    const char *network = authsvc_network(ctx->pool, ctx->client_ip);
    /* Neither network nor address holds a NUL: they end there, and the password begins. */
    apr_size_t network_octets = strlen(network) + 1, email_octets = strlen(email) + 1;
    apr_size_t octets = network_octets + email_octets + len;
    char *all = apr_palloc(ctx->pool, octets);
    int made;
    memcpy(all, network, network_octets);
    memcpy(all + network_octets, email, email_octets);
    memcpy(all + network_octets + email_octets, password, len);
    made = authsvc_cache_key(ctx->basic_cache, ctx->db, all, octets, key);
    authsvc_crypto_wipe(all, octets);
    return made ? NULL : no_key(ctx);
}

/* @return 0 if it is too long to be kept */
static int copy_text(char *to, apr_size_t size, const char *from)
{
    return apr_cpystrn(to, from, size) == to + strlen(from);
}

static authsvc_error_t *new_id(authsvc_ctx_t *ctx, const char **id)
{
    *id = authsvc_uuid_v7(ctx->pool, authsvc_clock_now(ctx->clock));
    return *id ? NULL : AUTHSVC_INTERNAL(ctx->pool, "no random octets for a token id");
}

/* @param fits 0: the row cannot be kept */
static authsvc_error_t *take_row(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                 verdict_t *verdict, int *fits)
{
    const char *token_id;
    AUTHSVC_TRY(new_id(ctx, &token_id));
    *fits = authsvc_uuid_parse(user->id, verdict->id) &&
            copy_text(verdict->email, sizeof(verdict->email), user->email) &&
            copy_text(verdict->name, sizeof(verdict->name), user->name) &&
            copy_text(verdict->role, sizeof(verdict->role), user->role) &&
            copy_text(verdict->token_id, sizeof(verdict->token_id), token_id);
    verdict->email_verified = user->email_verified;
    verdict->as_of = apr_time_sec(user->read_at) - margin(ctx->settings);
    return authsvc_cache_key(ctx->basic_cache, NULL, user->password_hash,
                             strlen(user->password_hash), &verdict->row)
               ? NULL
               : no_key(ctx);
}

static void keep(authsvc_ctx_t *ctx, const authsvc_cache_key_t *key, const verdict_t *verdict)
{
    authsvc_cache_put(ctx->basic_cache, key, apr_time_sec(authsvc_clock_now(ctx->clock)),
                      verdict->until, verdict, sizeof(*verdict));
}

/* Whether this request is the one to renew it. Two may be told so, in the same instant. */
static int is_to_renew(authsvc_ctx_t *ctx, const authsvc_cache_key_t *key, verdict_t *verdict)
{
    apr_int64_t now = apr_time_sec(authsvc_clock_now(ctx->clock));
    apr_int64_t early = life(ctx->settings) / 4;
    early = early < RENEW_SECONDS ? early : RENEW_SECONDS;
    if (verdict->until - now > early || now - verdict->renewing_at < RENEW_AGAIN ||
        now - verdict->proved_at >= PROOF_SECONDS) {
        return 0;
    }
    verdict->renewing_at = now;
    keep(ctx, key, verdict);
    return 1;
}

/*
 * Compare a verdict with the row, and begin its time anew. Not in a pause: then it ends as it would
 * have, so that who guesses beside the owner does not go on.
 */
static authsvc_error_t *renew(authsvc_ctx_t *ctx, const authsvc_cache_key_t *key,
                              verdict_t *verdict, int *holds)
{
    apr_int64_t now = apr_time_sec(authsvc_clock_now(ctx->clock));
    verdict_t fresh = *verdict;
    authsvc_lockout_t lockout;
    authsvc_user_t *user = NULL;
    int fits = 0, paused;
    AUTHSVC_TRY(authsvc_lockout_find(ctx, verdict->email, &lockout, &user));
    AUTHSVC_TRY(authsvc_lockout_check(ctx, &lockout, &paused));
    *holds = user && !user->deleted_at;
    if (*holds) {
        AUTHSVC_TRY(take_row(ctx, user, &fresh, &fits));
        *holds = fits && memcmp(fresh.id, verdict->id, sizeof(fresh.id)) == 0 &&
                 memcmp(fresh.row.octets, verdict->row.octets, sizeof(fresh.row.octets)) == 0;
    }
    if (*holds) {
        if (!paused && now - fresh.proved_at < PROOF_SECONDS) {
            fresh.until = now + life(ctx->settings);
            fresh.renewing_at = 0;
        }
        *verdict = fresh;
        keep(ctx, key, verdict);
    } else {
        authsvc_cache_remove(ctx->basic_cache, key);
    }
    return NULL;
}

/* Whether a kept verdict still holds; it is brought up to date if the database had to say. */
static authsvc_error_t *confirm(authsvc_ctx_t *ctx, const authsvc_cache_key_t *key,
                                verdict_t *verdict, int *holds)
{
    int is_known = authsvc_revocations_verdict(ctx->revocations, verdict->id, verdict->as_of,
                                               authsvc_clock_now(ctx->clock)) ==
                   AUTHSVC_SESSION_ALIVE;
    authsvc_error_t *err;
    *holds = 1;
    if (is_known && !is_to_renew(ctx, key, verdict)) {
        return NULL;
    }
    /* Also if it was revoked: a new role is no new password, and asks for no new hash. */
    err = renew(ctx, key, verdict, holds);
    return is_known && err ? NULL : err; /* it holds to its end without the database */
}

/* @param id of the verdict: claims of the same id are the same */
static const authsvc_principal_t *principal_of(authsvc_ctx_t *ctx, const authsvc_user_t *user,
                                               const char *id)
{
    apr_int64_t now = apr_time_sec(authsvc_clock_now(ctx->clock));
    authsvc_principal_t *principal = apr_pcalloc(ctx->pool, sizeof(*principal));
    principal->session.user_id = user->id;
    principal->claims.issuer = ctx->settings->issuer;
    principal->claims.audience = ctx->settings->audience;
    principal->claims.token_id = id;
    principal->claims.issued_at = principal->claims.not_before = now;
    principal->claims.expires_at = now + AUTHSVC_IDENTITY_LIFETIME;
    principal->claims.subject = user->id;
    principal->claims.email = user->email;
    principal->claims.name = user->name;
    principal->claims.role = user->role;
    principal->claims.email_verified = user->email_verified;
    return principal;
}

/* @param principal NULL if nothing is kept of these credentials, or does not hold any more */
static authsvc_error_t *recall(authsvc_ctx_t *ctx, const authsvc_cache_key_t *key,
                               const authsvc_principal_t **principal)
{
    apr_size_t len = 0;
    int holds = 0;
    verdict_t *verdict = authsvc_cache_get(ctx->basic_cache, ctx->pool, key,
                                           apr_time_sec(authsvc_clock_now(ctx->clock)), &len);
    if (!verdict) {
        return NULL;
    }
    AUTHSVC_TRY(confirm(ctx, key, verdict, &holds));
    if (holds) {
        const authsvc_user_t user = {
            .id = authsvc_uuid_format(ctx->pool, verdict->id),
            .email = verdict->email,
            .name = verdict->name,
            .role = verdict->role,
            .email_verified = verdict->email_verified,
        };
        *principal = principal_of(ctx, &user, verdict->token_id);
    }
    return NULL;
}

/* Every account's password is strict UTF-8 of a bounded length, and not empty. */
static int may_be_a_password(const char *password, apr_size_t len)
{
    apr_ssize_t length = len <= 4 * PASSWORD_MAX ? authsvc_text_length(password, len) : -1;
    return length > 0 && length <= PASSWORD_MAX;
}

/* Ask the database and Argon2id, and keep what they said. */
static authsvc_error_t *check(authsvc_ctx_t *ctx, const char *email, const char *password,
                              apr_size_t len, const authsvc_cache_key_t *key,
                              const authsvc_principal_t **principal)
{
    const authsvc_user_t *user = NULL;
    const char *token_id;
    apr_int64_t now = apr_time_sec(authsvc_clock_now(ctx->clock));
    verdict_t verdict = {.until = now + life(ctx->settings), .proved_at = now};
    int fits = 0;
    AUTHSVC_TRY(authsvc_credentials_check(ctx, email, password, len, &user));
    /* Each process has to find out once, and a client must not pay for how many there are. */
    authsvc_limits_give_back(ctx, AUTHSVC_LIMIT_LOGIN);
    authsvc_event(ctx, "AS0222", "basic-login", user->id, NULL);
    if (key) {
        AUTHSVC_TRY(take_row(ctx, user, &verdict, &fits));
    }
    if (fits) {
        keep(ctx, key, &verdict);
    }
    AUTHSVC_TRY(new_id(ctx, &token_id));
    *principal = principal_of(ctx, user, token_id);
    return NULL;
}

authsvc_error_t *authsvc_basic_authenticate(authsvc_ctx_t *ctx, const char *email,
                                            const char *password, apr_size_t password_len,
                                            const authsvc_principal_t **principal)
{
    const char *normalized = NULL;
    authsvc_cache_key_t key;
    int keeps = ctx->basic_cache && life(ctx->settings) > 0;
    *principal = NULL;
    if (authsvc_email_normalize(ctx->pool, email, ctx->settings->email_utf8, &normalized)) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_NOT_FOUND, NULL, NULL,
                             "the user name is no email address");
    }
    if (!may_be_a_password(password, password_len)) {
        return authsvc_credentials_refuse(ctx, NULL);
    }
    if (keeps) {
        AUTHSVC_TRY(key_of(ctx, normalized, password, password_len, &key));
        /* Else who guesses there would still see which guess is right. */
        if (!authsvc_limits_is_used_up(ctx, AUTHSVC_LIMIT_LOGIN, normalized)) {
            AUTHSVC_TRY(recall(ctx, &key, principal));
        }
    }
    return *principal ? NULL
                      : check(ctx, normalized, password, password_len, keeps ? &key : NULL,
                              principal);
}
