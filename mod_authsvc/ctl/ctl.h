/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CTL_CTL_H
#define AUTHSVC_CTL_CTL_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <stdio.h>

#include "authsvc/core/error.h"
#include "authsvc/core/log.h"

/** What authsvcctl exits with. */
enum {
    CTL_OK = 0,
    CTL_FAILED = 1, /* asked rightly, could not be done */
    CTL_USAGE = 2   /* asked wrongly */
};

/** One run of authsvcctl. */
typedef struct {
    apr_pool_t *pool; /* lives as long as the process */
    FILE *out;
    FILE *err;
    const char *command; /* "key", for messages */
    authsvc_log_t log;   /* writes to err */
} ctl_t;

/** An option of a command. Exactly one of value and flag is set. */
typedef struct {
    const char *name;   /* without the two dashes; NULL ends the table */
    const char **value; /* takes an argument, which is stored here */
    int *flag;          /* takes none, is set to 1 */
} ctl_option_t;

/**
 * Split a command's arguments into options (--name value, --name=value) and operands. Options may
 * stand anywhere before "--"; "-" is an operand. --help never gets here.
 * @param argv argv[0] is the command's name, and is skipped
 * @param options ends with a NULL name
 * @param operands of const char *
 * @return CTL_OK, or CTL_USAGE after a message (unknown or repeated option, missing argument)
 */
int authsvc_ctl_options(ctl_t *ctl, int argc, char **argv, const ctl_option_t *options,
                        apr_array_header_t **operands);

/** "authsvcctl COMMAND: text" and where to find help, on err. @return CTL_USAGE */
int authsvc_ctl_misused(ctl_t *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** "authsvcctl COMMAND: text" on err. @return CTL_FAILED */
int authsvc_ctl_failed(ctl_t *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The public detail of an error, or else all that is known of it, on err. @return CTL_FAILED */
int authsvc_ctl_report(ctl_t *ctl, const authsvc_error_t *err);

/*
 * Commands. argv[0] is the command's name ("migrate"), the rest are its arguments; the return
 * value is the exit code. Each has an entry in the table of main.c.
 */
int authsvc_ctl_calibrate(ctl_t *ctl, int argc, char **argv);
int authsvc_ctl_check(ctl_t *ctl, int argc, char **argv);
int authsvc_ctl_key(ctl_t *ctl, int argc, char **argv);
int authsvc_ctl_migrate(ctl_t *ctl, int argc, char **argv);
int authsvc_ctl_secret(ctl_t *ctl, int argc, char **argv);
int authsvc_ctl_token(ctl_t *ctl, int argc, char **argv);
int authsvc_ctl_user(ctl_t *ctl, int argc, char **argv);

/* ctl/file.c */

/**
 * Make a file that must not exist, for its owner only (0600), and bring it to the disk. Nothing is
 * left behind if that fails.
 * @return INVALID with a sentence in detail
 */
authsvc_error_t *authsvc_ctl_file_create(apr_pool_t *pool, const char *path, const char *text);

/**
 * Replace a file's content in one step (a new file beside it, then rename(2)), keeping owner,
 * group and mode. Readers see the old or the new content, never a part.
 */
authsvc_error_t *authsvc_ctl_file_replace(apr_pool_t *pool, const char *path, const char *text);

/**
 * Bring the name of a file to the disk too. Some file systems cannot; the file itself is safe then.
 */
void authsvc_ctl_file_sync_directory(apr_pool_t *pool, const char *path);

/** All of a file of at most 64 KiB. @param text NUL-terminated, in pool */
authsvc_error_t *authsvc_ctl_file_read(apr_pool_t *pool, const char *path, const char **text,
                                       apr_size_t *len);

#endif
