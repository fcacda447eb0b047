/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_BLOCKLIST_H
#define AUTHSVC_CRYPTO_BLOCKLIST_H

#include <apr_pools.h>

#include "authsvc/core/error.h"

/**
 * Passwords that nobody may choose. Of each list only what tells its members from others is kept;
 * read-only once made, and shared by all who were forked since.
 */
typedef struct authsvc_blocklist_t authsvc_blocklist_t;

/**
 * 1 if this is one of the common passwords that are built in (data/zxcvbn-passwords.txt). Exact.
 * @param folded by authsvc_text_fold()
 */
int authsvc_blocklist_is_common(const char *folded);

/**
 * Read a file of one password a line, UTF-8. An empty line, one that is not UTF-8, and one of more
 * than 4096 octets are no passwords and are passed over. Memory: 8 octets for each other line, and
 * the same again while it is read.
 * @param pool owns the list
 * @param unreadable set to 1 if only permission is missing
 * @return INVALID with a sentence for the admin in detail
 */
authsvc_error_t *authsvc_blocklist_load(apr_pool_t *pool, const char *path, int *unreadable,
                                        const authsvc_blocklist_t **list);

/**
 * 1 if the list has it. Members are told by keyed hashes of 64 bits: of all passwords that are not
 * in a list of n, one in 2^64 / n is taken for a member (n = a million: one in 1.8 * 10^13).
 * @param folded by authsvc_text_fold()
 */
int authsvc_blocklist_has(const authsvc_blocklist_t *list, const char *folded);

/** How many different passwords it has. */
apr_size_t authsvc_blocklist_size(const authsvc_blocklist_t *list);

#endif
