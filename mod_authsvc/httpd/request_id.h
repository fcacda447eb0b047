/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_REQUEST_ID_H
#define AUTHSVC_HTTPD_REQUEST_ID_H

#include <httpd.h>

/** A name for this request in answers and logs: mod_unique_id's, else a UUID version 7. */
const char *authsvc_request_id(const request_rec *r);

#endif
