/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <apr_time.h>

#include "authsvc/core/uuid.h"
#include "databases.h"

authsvc_user_t *fixture_new_user(authsvc_ctx_t *ctx, const char *email)
{
    authsvc_user_t *user = apr_pcalloc(ctx->pool, sizeof(*user));
    int created = 0;
    user->id = authsvc_uuid_v7(ctx->pool, apr_time_now());
    user->email = email;
    user->password_hash = FIXTURE_HASH;
    user->name = "Ada";
    user->role = AUTHSVC_ROLE_USER;
    ck_assert_ok(authsvc_repositories.users->insert(ctx, user, &created));
    ck_assert_int_eq(created, 1);
    return user;
}
