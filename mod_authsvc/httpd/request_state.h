/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_REQUEST_STATE_H
#define AUTHSVC_HTTPD_REQUEST_STATE_H

#include <httpd.h>

#include "authsvc/api/guard.h"
#include "authsvc/services/services.h"

/**
 * What the module knows of a request. Subrequests and the targets of internal redirects have
 * their own; what holds for all of them is in that of the root, the request that the client sent.
 */
typedef struct authsvc_request_state_t {
    const request_rec *of; /* whose it is: a copy of a request has none yet */
    int mounted;           /* a mount claimed it */

    /* Who it is, set by whoever authenticated it; NULL: nobody of ours did. */
    const authsvc_principal_t *principal;
    const authsvc_response_t *refusal; /* the guard's answer to it, or NULL */
    int authorizing;                   /* the guard asks the other modules right now */
    int authenticating;                /* Basic: the other modules are asked right now */
    int failure; /* Basic: the status of a check that came to no result, or 0 */

    /* Of the root only: */
    apr_table_t *headers;             /* as they came, however others see them later */
    const server_rec *judged;         /* by whose settings the rest is; NULL: nobody's yet */
    const authsvc_error_t *error;     /* why the credential was refused; NULL: it was not */
    const authsvc_principal_t *owner; /* of the credential */
    authsvc_credential_t credential;
    const authsvc_principal_t *known; /* Basic: whose password was found right */
} authsvc_request_state_t;

/** The request's state; made when it is asked for first. */
authsvc_request_state_t *authsvc_request_state(request_rec *r);

/** The same, NULL if there is none yet. */
const authsvc_request_state_t *authsvc_request_state_peek(const request_rec *r);

/** The request that the client sent. */
request_rec *authsvc_request_root(request_rec *r);

#endif
