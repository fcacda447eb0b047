/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_TESTS_REPOSITORIES_FIXTURE_H
#define AUTHSVC_TESTS_REPOSITORIES_FIXTURE_H

#include "authsvc/repositories/repositories.h"

#define FIXTURE_HASH "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"

/** A user who is in the database. In ctx->pool. */
authsvc_user_t *fixture_new_user(authsvc_ctx_t *ctx, const char *email);

#endif
