/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_SETTINGS_H
#define AUTHSVC_HTTPD_SETTINGS_H

#include <apr_hash.h>

#include "authsvc/core/error.h"
#include "config.h"

/**
 * The settings that a server's directives come to: the defaults, and over them what was set.
 * Keys, secrets and the dummy hash are not loaded yet.
 */
authsvc_settings_t *authsvc_settings_from_config(apr_pool_t *pool,
                                                 const authsvc_server_config_t *config);

/**
 * Load the signing key, the other keys and the secrets, which must be named.
 * @param unreadable set to 1 if the error is only that this user may not read a file
 * @return INVALID with a sentence for the admin in detail
 */
authsvc_error_t *authsvc_settings_load_files(apr_pool_t *pool,
                                             const authsvc_server_config_t *config,
                                             authsvc_settings_t *settings, int *unreadable);

/**
 * Load the files of AuthSvcPasswordBlocklist, each once for all servers.
 * @param loaded path to const authsvc_blocklist_t *: those that were loaded before; added to
 * @param unreadable, return as above
 */
authsvc_error_t *authsvc_settings_load_blocklists(apr_pool_t *pool, apr_hash_t *loaded,
                                                  const authsvc_server_config_t *config,
                                                  authsvc_settings_t *settings, int *unreadable);

#endif
