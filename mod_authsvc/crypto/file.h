/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_FILE_H
#define AUTHSVC_CRYPTO_FILE_H

#include <apr_pools.h>

#include "authsvc/core/error.h"

/** What a guarded file held. */
typedef struct {
    const char *path;
    char *text; /* NUL-terminated */
    apr_size_t len;
    apr_pool_t *pool; /* of text */
    int shared;   /* group or others may do anything with it */
    int writable; /* group or others may write to it */
    int foreign;  /* of an owner that is neither root nor the effective user */
} authsvc_crypto_file_t;

/**
 * Read a regular file of 1 octet to 64 KiB. Whatever comes of it, authsvc_crypto_file_forget() it.
 * @param unreadable may be NULL; set to 1 if only permission is missing
 * @return INVALID with a sentence for the admin in detail
 */
authsvc_error_t *authsvc_crypto_file_read(apr_pool_t *pool, const char *path, int *unreadable,
                                          authsvc_crypto_file_t *file);

/**
 * The same for a file of an open directory, which must be no symbolic link.
 * @param path the whole of it, for messages
 * @param gone set to 1 instead of an error if there is no such file
 */
authsvc_error_t *authsvc_crypto_file_read_at(apr_pool_t *pool, int directory, const char *name,
                                             const char *path, int *unreadable, int *gone,
                                             authsvc_crypto_file_t *file);

/** Wipe and free the text. */
void authsvc_crypto_file_forget(authsvc_crypto_file_t *file);

/**
 * For a file that holds a secret.
 * @return INVALID if anybody but the owner may use it, or if the owner is neither root nor we
 */
authsvc_error_t *authsvc_crypto_file_private(apr_pool_t *pool, const authsvc_crypto_file_t *file);

/**
 * For a file that is no secret, and is believed.
 * @return INVALID if anybody but root and we could change it
 */
authsvc_error_t *authsvc_crypto_file_own(apr_pool_t *pool, const authsvc_crypto_file_t *file);

/**
 * Refuse what an admin gave, with a sentence in pool that names its origin and says what to do.
 */
authsvc_error_t *authsvc_crypto_refuse(apr_pool_t *pool, const char *origin, const char *format,
                                       ...) __attribute__((format(printf, 3, 4)));

#endif
