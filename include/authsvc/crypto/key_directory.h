/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_KEY_DIRECTORY_H
#define AUTHSVC_CRYPTO_KEY_DIRECTORY_H

#include "authsvc/crypto/keys.h"

/*
 * A directory of signing keys that follow each other. Each is a file whose name says when it is
 * published, begins to sign, and is retired, in UTC, and begins which key it holds:
 *
 *   20261124T120000Z-20261125T120000Z-20261226T130000Z-kPrK_qmx.pem
 *
 * so that the names sort by time and nothing else has to be kept of it.
 */

/** How much of the key's id the name holds. */
#define AUTHSVC_KEY_NAME_KID 8

/** What a file's name says. Times are whole seconds; publish_at <= sign_at < retire_at. */
typedef struct {
    const char *file; /* the name, without the directory */
    apr_time_t publish_at;
    apr_time_t sign_at;
    apr_time_t retire_at;
    char kid[AUTHSVC_KEY_NAME_KID + 1]; /* how the key's id begins */
} authsvc_key_name_t;

/** What is in a directory. */
typedef struct {
    apr_array_header_t *names;   /* of authsvc_key_name_t, in the order in which they sign */
    apr_array_header_t *ignored; /* of const char *: other files without a leading dot */
} authsvc_key_listing_t;

/**
 * Read a file's name.
 * @param parsed its file is `name`
 * @return 1 if it is one of a key, every octet of it
 */
int authsvc_key_name_parse(const char *name, authsvc_key_name_t *parsed);

/** The name of these times (years 1970 to 9999, cut to seconds) and this key. @return in pool */
const char *authsvc_key_name_format(apr_pool_t *pool, const authsvc_key_name_t *parts);

/**
 * See what is in a directory. Names that end in .pem must be those of keys; others are no
 * concern of ours.
 * @param unreadable may be NULL; set to 1 if only permission is missing
 * @return INVALID with a sentence: it cannot be read, is no directory, may be written to by others
 *   or belongs to somebody else (who could have put any key into it), or holds a strange .pem
 */
authsvc_error_t *authsvc_key_directory_list(apr_pool_t *pool, const char *path, int *unreadable,
                                            authsvc_key_listing_t *listing);

/**
 * Load all keys of a directory. Each file is held to the rules of authsvc_key_load(), must be no
 * symbolic link, and must hold the key that its name says.
 * @param keys of authsvc_timed_key_t, in the order in which they sign; at least one
 */
authsvc_error_t *authsvc_key_directory_load(apr_pool_t *pool, const char *path, int *unreadable,
                                            apr_array_header_t **keys);

#endif
