/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_DIRECTIVES_H
#define AUTHSVC_HTTPD_DIRECTIVES_H

#include <httpd.h>
#include <http_config.h>

/**
 * The directives' table. What one directive alone can tell to be wrong is refused while it is
 * read; what needs several of them, or a file, is refused in check_config.
 */
extern const command_rec authsvc_directives[];

#endif
