/* SPDX-License-Identifier: Apache-2.0 */
#include "administration.h"

#include <string.h>

#include "authsvc/core/text.h"
#include "event.h"
#include "new_user.h"
#include "revocation.h"

static int is_role(const char *role)
{
    return strcmp(role, AUTHSVC_ROLE_USER) == 0 || strcmp(role, AUTHSVC_ROLE_ADMIN) == 0;
}

static authsvc_error_t *no_such_role(authsvc_ctx_t *ctx)
{
    return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_INVALID, NULL, "The role must be user or admin.",
                         "unknown role");
}

authsvc_error_t *authsvc_administration_spare_one(authsvc_ctx_t *ctx, const authsvc_user_t *user)
{
    apr_int64_t others = 0;
    if (strcmp(user->role, AUTHSVC_ROLE_ADMIN) != 0 || user->deleted_at) {
        return NULL;
    }
    AUTHSVC_TRY(ctx->repositories->users->lock_admins(ctx, user->id, &others));
    if (others == 0) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_CONFLICT, "last-admin",
                             "This is the last administrator: make another one first.",
                             "the last active admin");
    }
    return NULL;
}

authsvc_error_t *authsvc_administration_create(authsvc_ctx_t *ctx, const char *email,
                                               const char *password, apr_size_t password_len,
                                               const char *name, const char *role,
                                               const authsvc_user_t **user)
{
    const authsvc_new_user_t input = {email, password, password_len, name, role};
    authsvc_user_t *made = NULL;
    if (!is_role(role)) {
        return no_such_role(ctx);
    }
    AUTHSVC_TRY(authsvc_new_user_make(ctx, &input, &made));
    AUTHSVC_TRY(authsvc_new_user_insert(ctx, made));
    authsvc_event(ctx, "AS0240", "user-created", made->id, NULL);
    *user = made;
    return NULL;
}

authsvc_error_t *authsvc_administration_find(authsvc_ctx_t *ctx, const char *id_or_email,
                                             const authsvc_user_t **user)
{
    unsigned char octets[AUTHSVC_UUID_OCTETS];
    const char *email = NULL;
    authsvc_user_t *found = NULL;
    if (authsvc_uuid_parse(id_or_email, octets)) {
        AUTHSVC_TRY(ctx->repositories->users->find_by_id(
            ctx, authsvc_uuid_format(ctx->pool, octets), &found));
    } else if (!authsvc_email_normalize(ctx->pool, id_or_email, 1, &email)) {
        AUTHSVC_TRY(ctx->repositories->users->find_by_email(ctx, email, &found));
    }
    if (!found) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_NOT_FOUND, NULL, "There is no such user.",
                             "no user of this id or email");
    }
    *user = found;
    return NULL;
}

authsvc_error_t *authsvc_administration_list(authsvc_ctx_t *ctx, const authsvc_user_page_t *page,
                                             apr_array_header_t **users)
{
    if (page->role && !is_role(page->role)) {
        return no_such_role(ctx);
    }
    return ctx->repositories->users->list(ctx, page, users);
}

typedef struct {
    const authsvc_user_t *user;
    const char *role;
    authsvc_user_t *changed; /* NULL: somebody else was faster */
    apr_array_header_t *sessions; /* what was revoked */
    apr_array_header_t *himself;
} change_t;

/* The access tokens that tell of the old role are void from here on. */
static authsvc_error_t *change_role(authsvc_ctx_t *ctx, void *baton)
{
    change_t *change = baton;
    if (strcmp(change->role, AUTHSVC_ROLE_ADMIN) != 0) {
        AUTHSVC_TRY(authsvc_administration_spare_one(ctx, change->user));
    }
    AUTHSVC_TRY(ctx->repositories->users->set_role(ctx, change->user, change->role,
                                                  &change->changed));
    if (!change->changed) {
        return NULL;
    }
    AUTHSVC_TRY(ctx->repositories->sessions->raise_epochs(ctx, change->user->id,
                                                          &change->sessions));
    return ctx->repositories->revocations->add_user(ctx, change->user->id, &change->himself);
}

authsvc_error_t *authsvc_administration_set_role(authsvc_ctx_t *ctx, const char *id_or_email,
                                                 const char *role, const authsvc_user_t **user)
{
    if (!is_role(role)) {
        return no_such_role(ctx);
    }
    for (int attempt = 0; attempt < 3; attempt++) {
        change_t change = {.role = role};
        AUTHSVC_TRY(authsvc_administration_find(ctx, id_or_email, user));
        if (strcmp((*user)->role, role) == 0) {
            return NULL;
        }
        change.user = *user;
        AUTHSVC_TRY(ctx->repositories->transaction(ctx, change_role, &change));
        if (change.changed) {
            authsvc_revocation_spread(ctx, change.sessions);
            authsvc_revocation_spread(ctx, change.himself);
            authsvc_event(ctx, "AS0241", "role-changed", (*user)->id, NULL);
            *user = change.changed;
            return NULL;
        }
    }
    return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                         "the account kept changing while its role was set");
}
