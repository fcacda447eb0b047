/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_PASSWORD_H
#define AUTHSVC_CRYPTO_PASSWORD_H

#include "authsvc/core/context.h"
#include "authsvc/core/error.h"

/** What a cost may be set to: octets, passes. */
#define AUTHSVC_HASH_MEMORY_MIN ((apr_size_t)8 * 1024)
#define AUTHSVC_HASH_MEMORY_MAX ((apr_size_t)4 * 1024 * 1024 * 1024)
#define AUTHSVC_HASH_PASSES_MAX 64

/** OWASP's minimum for Argon2id, with two passes (Password Storage Cheat Sheet). */
#define AUTHSVC_HASH_MEMORY_OWASP ((apr_size_t)19 * 1024 * 1024)

/** What verification found out. */
typedef struct {
    int matches;
    int needs_rehash; /* matches, but the stored cost is below or beside the settings' */
} authsvc_password_verdict_t;

/**
 * Hash with Argon2id (RFC 9106) at the settings' cost, under ctx->gate and ctx->admission.
 * @param hash PHC string, in ctx->pool
 * @return UNAVAILABLE "overloaded" when there is no slot or no memory
 */
authsvc_error_t *authsvc_password_hash(authsvc_ctx_t *ctx, const char *password, apr_size_t len,
                                       const char **hash);

/**
 * Whether a hash could be begun or queued at this moment: what would be refused need not look at
 * the database first. Holds nothing.
 * @return UNAVAILABLE "overloaded" if not
 */
authsvc_error_t *authsvc_password_admits(const authsvc_ctx_t *ctx);

/**
 * Check a password, with exactly one Argon2id computation on every path.
 * @param stored PHC string; NULL, unreadable (anything but Argon2id version 19, one lane, a salt
 *   of 16 octets), or dearer than the cap (4x the settings' memory or passes, at least 1 GiB and
 *   20, so that a lowered cost locks nobody out): the settings' dummy hash is computed instead,
 *   nothing matches (and the two latter are logged)
 * @return UNAVAILABLE as above; never an error for a wrong password
 */
authsvc_error_t *authsvc_password_verify(authsvc_ctx_t *ctx, const char *stored,
                                         const char *password, apr_size_t len,
                                         authsvc_password_verdict_t *verdict);

/**
 * A PHC string of this cost that no password is known for: salt and hash are random octets.
 * @param memory octets, passes >= 1
 */
authsvc_error_t *authsvc_password_dummy(apr_pool_t *pool, apr_size_t memory, int passes,
                                        const char **hash);

#endif
