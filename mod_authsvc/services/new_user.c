/* SPDX-License-Identifier: Apache-2.0 */
#include "new_user.h"

#include "authsvc/crypto/password.h"

authsvc_error_t *authsvc_new_user_make(authsvc_ctx_t *ctx, const authsvc_new_user_t *input,
                                       authsvc_user_t **user)
{
    authsvc_error_t *err = NULL;
    authsvc_user_t *made = apr_pcalloc(ctx->pool, sizeof(*made));
    authsvc_person_t person = {NULL, input->name};
    authsvc_policy_check_email(ctx, "/email", input->email, &made->email, &err);
    person.email = made->email;
    authsvc_policy_check_password(ctx, "/password", input->password, input->password_len, &person,
                                  &err);
    authsvc_policy_check_name(ctx, "/name", input->name, &made->name, &err);
    if (err) {
        return err;
    }
    made->role = input->role;
    made->id = authsvc_uuid_v7(ctx->pool, authsvc_clock_now(ctx->clock));
    if (!made->id) {
        return AUTHSVC_INTERNAL(ctx->pool, "no random octets for a user id");
    }
    AUTHSVC_TRY(authsvc_password_hash(ctx, input->password, input->password_len,
                                      &made->password_hash));
    *user = made;
    return NULL;
}

authsvc_error_t *authsvc_new_user_insert(authsvc_ctx_t *ctx, authsvc_user_t *user)
{
    int created = 0;
    AUTHSVC_TRY(ctx->repositories->users->insert(ctx, user, &created));
    if (!created) {
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_CONFLICT, "email-exists",
                             "An account with this email address exists already.",
                             "a new account with a known email");
    }
    return NULL;
}
