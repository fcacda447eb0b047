/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CTL_DATABASE_H
#define AUTHSVC_CTL_DATABASE_H

#include "ctl.h"

/** Which database a command is to work on, as it was asked. All may be NULL. */
typedef struct {
    const char *dsn;    /* "pgsql:conninfo", "sqlite3:path" */
    const char *config; /* an httpd.conf; excludes dsn */
    const char *vhost;  /* of it: a ServerName or ServerAlias, with or without :port */
    const char *httpd;  /* the program that reads it; NULL: the one this was built for */
} ctl_database_options_t;

/** The entries of an option table that fill it in. */
#define CTL_DATABASE_OPTIONS(asked)                                          \
    {"dsn", &(asked).dsn, NULL}, {"config", &(asked).config, NULL},          \
        {"vhost", &(asked).vhost, NULL}, {"httpd", &(asked).httpd, NULL}

/** What authsvc_db_open takes. params is never printed: it may hold a password. */
typedef struct {
    const char *driver;
    const char *params;
    const struct authsvc_json_t *policy; /* the site's rules for accounts; NULL with --dsn */
    const apr_array_header_t *sites; /* host names of its servers; never NULL */
    const char *secret_file; /* of the server secrets; NULL with --dsn */
    apr_interval_time_t failures_window; /* of a sum of login failures; 0 with --dsn */
    const char *policies; /* NULL, or the servers of this database whose rules differ */
} ctl_database_t;

/**
 * Find the database: by --dsn, or by asking httpd for the DBDriver and DBDParams of the server
 * that serves accounts.
 * @return CTL_OK, or what to exit with after a message
 */
int authsvc_ctl_database_find(ctl_t *ctl, const ctl_database_options_t *asked,
                              ctl_database_t *database);

#endif
