/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_MOUNT_H
#define AUTHSVC_HTTPD_MOUNT_H

#include <httpd.h>

/** 1 if the Location that this request fell into has AuthSvc On. */
int authsvc_mount_owns(const request_rec *r);

/**
 * The hooks translate_name and type_checker: what lies in a mount belongs to it,
 * whatever mod_rewrite, mod_proxy, mod_alias, mod_dir, mod_negotiation, a .htaccess or a
 * directory of the same name would make of it. Access control of the Location stays in force.
 */
int authsvc_mount_claim(request_rec *r);

/** The hook map_to_storage, for what translate_name claimed: there is no file to look at. */
int authsvc_mount_map_to_storage(request_rec *r);

/**
 * The path below the mount, starting with '/'. An operation has one spelling: double slashes and
 * escapes, which httpd makes equal to it, are not taken for it, lest something in front of httpd
 * judges the request by another path.
 * @return NULL if it is spelt otherwise, holds a control character, or is not below the mount
 */
const char *authsvc_mount_path(const request_rec *r);

#endif
