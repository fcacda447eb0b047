/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_SECRETS_H
#define AUTHSVC_CRYPTO_SECRETS_H

#include <apr_pools.h>

#include "authsvc/core/error.h"

/**
 * Numbered server secrets. The first in the file makes new tokens, all are accepted. One line
 * each: number (1-255), ':', base64url of 32 random octets; '#' starts a comment line.
 */
typedef struct authsvc_secrets_t authsvc_secrets_t;

#define AUTHSVC_FINGERPRINT_TEXT 22 /* base64url of 16 octets */

/** Read from text. @return INVALID with a sentence for the admin in detail */
authsvc_error_t *authsvc_secrets_parse(apr_pool_t *pool, const char *origin, const char *text,
                                       apr_size_t len, authsvc_secrets_t **secrets);

/** Read from a file, under the same rules as a private key's (authsvc_key_load). */
authsvc_error_t *authsvc_secrets_load(apr_pool_t *pool, const char *path, int *unreadable,
                                      authsvc_secrets_t **secrets);

/** The number of the secret that makes new tokens. */
int authsvc_secrets_current(const authsvc_secrets_t *secrets);

/**
 * A name for a secret that tells nothing about it: keyed BLAKE2b under a subkey of its own.
 * @return base64url in pool; NULL if there is no secret of this number
 */
const char *authsvc_secrets_fingerprint(const authsvc_secrets_t *secrets, int number,
                                        apr_pool_t *pool);

/** 1 if one of the secrets has this fingerprint. */
int authsvc_secrets_has_fingerprint(const authsvc_secrets_t *secrets, const char *fingerprint);

/** A new secret's line, with a newline. @param number 1-255 */
authsvc_error_t *authsvc_secrets_generate(apr_pool_t *pool, int number, const char **line);

#endif
