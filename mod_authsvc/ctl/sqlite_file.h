/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CTL_SQLITE_FILE_H
#define AUTHSVC_CTL_SQLITE_FILE_H

#include "database.h"

/**
 * Look at the file of an SQLite database before it is opened, and take what others may do with it
 * away. Nothing happens for other engines.
 * @param create make it, for the owner of its directory, if it is not there
 * @return CTL_OK, or what to exit with after a message
 */
int authsvc_ctl_sqlite_file_check(ctl_t *ctl, const ctl_database_t *database, int create);

#endif
