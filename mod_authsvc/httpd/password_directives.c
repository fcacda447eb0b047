/* SPDX-License-Identifier: Apache-2.0 */
#include "password_directives.h"

#include "config.h"

const char *authsvc_password_set_policy(cmd_parms *cmd, void *dir, const char *arg)
{
    const authsvc_password_policy_t *policy = authsvc_password_policy(arg);

    (void)dir;
    if (!policy) {
        return "AuthSvcPasswordPolicy is seed (8 to 128 characters, with an upper-case letter, a "
               "lower-case letter and a digit) or nist (15 to 256 characters of any kind)";
    }
    AUTHSVC_SET(authsvc_config_server(cmd->server), password_policy, policy->name);
    return NULL;
}

/* Off is NULL, On an empty array; of one server's lines none may contradict another. */
const char *authsvc_password_set_blocklist(cmd_parms *cmd, void *dir, const char *arg)
{
    authsvc_server_config_t *config = authsvc_config_server(cmd->server);
    int off = strcasecmp(arg, "Off") == 0;
    const char *path;

    (void)dir;
    if (config->password_blocklist_set && off != !config->password_blocklist) {
        return "AuthSvcPasswordBlocklist Off excludes all other lines of this directive beside it";
    }
    if (!config->password_blocklist_set) {
        AUTHSVC_SET(config, password_blocklist,
                    off ? NULL : apr_array_make(cmd->pool, 2, sizeof(const char *)));
    }
    if (off || strcasecmp(arg, "On") == 0) {
        return NULL;
    }
    path = *arg ? ap_server_root_relative(cmd->pool, arg) : NULL;
    if (!path) {
        return "AuthSvcPasswordBlocklist takes the path of a file, absolute or below ServerRoot; "
               "or On, or Off";
    }
    APR_ARRAY_PUSH(config->password_blocklist, const char *) = path;
    return NULL;
}
