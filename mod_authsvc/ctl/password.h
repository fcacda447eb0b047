/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CTL_PASSWORD_H
#define AUTHSVC_CTL_PASSWORD_H

#include "ctl.h"

/** A password as it was given. */
typedef struct {
    char text[4096];
    apr_size_t len;
} ctl_password_t;

/**
 * Ask for a new password: twice and without echo on a terminal, else the first line of the
 * standard input. Wipe it after use (explicit_bzero).
 * @return CTL_OK, or what to exit with after a message
 */
int authsvc_ctl_password_read(ctl_t *ctl, ctl_password_t *password);

#endif
