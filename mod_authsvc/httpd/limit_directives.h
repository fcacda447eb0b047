/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_LIMIT_DIRECTIVES_H
#define AUTHSVC_HTTPD_LIMIT_DIRECTIVES_H

#include <httpd.h>
#include <http_config.h>

#include "config.h"

const char *authsvc_limit_add_rule(cmd_parms *cmd, void *dir, const char *policy,
                                   const char *rate, const char *key);
const char *authsvc_limit_add_exemption(cmd_parms *cmd, void *dir, const char *arg);
const char *authsvc_limit_set_entries(cmd_parms *cmd, void *dir, const char *arg);

/** Whether the configuration says something about a policy, be it off. */
int authsvc_limits_is_set(const authsvc_server_config_t *config, authsvc_limit_policy_t policy);

#endif
