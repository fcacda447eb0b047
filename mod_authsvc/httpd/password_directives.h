/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_PASSWORD_DIRECTIVES_H
#define AUTHSVC_HTTPD_PASSWORD_DIRECTIVES_H

#include <httpd.h>
#include <http_config.h>

/* Setters of what new passwords must be like; the table is in directives.c. */

const char *authsvc_password_set_policy(cmd_parms *cmd, void *dir, const char *arg);
const char *authsvc_password_set_blocklist(cmd_parms *cmd, void *dir, const char *arg);

#endif
