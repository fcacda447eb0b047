/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_GUARD_DIRECTIVES_H
#define AUTHSVC_HTTPD_GUARD_DIRECTIVES_H

#include <httpd.h>
#include <http_config.h>

/* Setters of the guard's directives, all of directory scope; the table is in directives.c. */

const char *authsvc_guard_set_remote_user(cmd_parms *cmd, void *dir, const char *arg);
const char *authsvc_guard_set_login_page(cmd_parms *cmd, void *dir, const char *arg);
const char *authsvc_guard_set_forward_headers(cmd_parms *cmd, void *dir, int flag);
const char *authsvc_guard_set_forward_bearer(cmd_parms *cmd, void *dir, int flag);
const char *authsvc_guard_set_forward_token(cmd_parms *cmd, void *dir, const char *arg);

#endif
