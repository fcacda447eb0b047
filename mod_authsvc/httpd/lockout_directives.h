/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_LOCKOUT_DIRECTIVES_H
#define AUTHSVC_HTTPD_LOCKOUT_DIRECTIVES_H

#include <httpd.h>
#include <http_config.h>

/* Setters of the directives about login failures, of server scope; the table is in directives.c. */

const char *authsvc_lockout_set_failures(cmd_parms *cmd, void *dir, const char *arg);
const char *authsvc_lockout_set_account(cmd_parms *cmd, void *dir, const char *arg);
const char *authsvc_lockout_set_pause(cmd_parms *cmd, void *dir, const char *first,
                                      const char *longest);
const char *authsvc_lockout_set_device(cmd_parms *cmd, void *dir, const char *arg);
const char *authsvc_lockout_set_disclosure(cmd_parms *cmd, void *dir, int flag);

#endif
