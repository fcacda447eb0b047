/* SPDX-License-Identifier: Apache-2.0 */
#include "basic.h"

#include "config.h"

const char *authsvc_basic_read_provider(cmd_parms *cmd, void *dir, const char *arg)
{
    authsvc_dir_config_t *config = dir;

    (void)cmd;
    if (!ap_find_linked_module("mod_auth_basic.c")) {
        return "AuthBasicProvider is mod_auth_basic's, which is not loaded (Debian: a2enmod "
               "auth_basic)";
    }
    AUTHSVC_SET(config, basic_provider,
                config->basic_provider || strcasecmp(arg, AUTHSVC_BASIC_PROVIDER) == 0);
    return NULL;
}
