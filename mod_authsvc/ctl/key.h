/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CTL_KEY_H
#define AUTHSVC_CTL_KEY_H

#include "ctl.h"

/** What kind of key to make, as it was asked. */
typedef struct {
    const char *alg; /* NULL: not said */
    const char *bits_text;
    long bits; /* 0: the default */
} ctl_key_kind_t;

/** The entries of an option table that fill it in. */
#define CTL_KEY_OPTIONS(kind) {"alg", &(kind).alg, NULL}, {"bits", &(kind).bits_text, NULL}

/** @return CTL_OK, or CTL_USAGE after a message */
int authsvc_ctl_key_kind_check(ctl_t *ctl, ctl_key_kind_t *kind);

/* Subcommands; argv[0] is the subcommand's name. In key_rotate.c and key_list.c. */
int authsvc_ctl_key_rotate(ctl_t *ctl, int argc, char **argv);
int authsvc_ctl_key_list(ctl_t *ctl, int argc, char **argv);

#endif
