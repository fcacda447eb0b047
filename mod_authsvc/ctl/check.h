/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CTL_CHECK_H
#define AUTHSVC_CTL_CHECK_H

#include "servers.h"

typedef enum { CTL_FINE, CTL_WARNING, CTL_ERROR } ctl_finding_t;

/** `authsvcctl check` at one of its servers. */
typedef struct {
    ctl_t *ctl;
    const ctl_server_t *server;
    const authsvc_json_t *facts; /* of its line: see httpd/dump.c */
    ctl_finding_t worst;
} ctl_check_t;

/** One line on out: how bad, which server, what was looked at, and what was found. */
void authsvc_ctl_found(ctl_check_t *check, ctl_finding_t finding, const char *what,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/** A fact that is a number; 0 if it is not there. */
apr_int64_t authsvc_ctl_fact(const ctl_check_t *check, const char *name);

/** Keys and secrets: whether they load, who else may touch them, and whether a key follows. */
void authsvc_ctl_check_files(ctl_check_t *check);

/** The database: whether it answers, its schema, and the settings of httpd's role there. */
void authsvc_ctl_check_database(ctl_check_t *check);

#endif
