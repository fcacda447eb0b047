/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_BODY_H
#define AUTHSVC_HTTPD_BODY_H

#include <httpd.h>

#include "authsvc/core/error.h"

typedef enum {
    AUTHSVC_BODY_READ,
    AUTHSVC_BODY_REFUSED,  /* *err says why; the connection will be closed */
    AUTHSVC_BODY_GONE,     /* the client is: nobody to answer */
    AUTHSVC_BODY_ANSWERED  /* a filter has sent its own error */
} authsvc_body_outcome_t;

/**
 * Read the whole body, of a Content-Length or chunked, at most limit octets. A Content-Length
 * beyond the limit is refused before anything is read, so that a client that waits for "100
 * Continue" does not send it.
 * @param body in r->pool, followed by a NUL that is not counted; NULL if it is empty
 */
authsvc_body_outcome_t authsvc_body_read(request_rec *r, apr_size_t limit, const char **body,
                                         apr_size_t *len, authsvc_error_t **err);

/**
 * For an answer that is sent without having read the body: let httpd skip a small one, and close
 * the connection after the answer otherwise.
 */
void authsvc_body_skip(request_rec *r, apr_size_t limit);

#endif
