/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_GUARD_H
#define AUTHSVC_HTTPD_GUARD_H

#include <httpd.h>

#include "authsvc/api/guard.h"
#include "request_state.h"

/* guard.c: AuthType AuthSvc */

/** What AuthType calls it. */
#define AUTHSVC_AUTH_TYPE "AuthSvc"

/**
 * Remove the fields that only the guard may send.
 * @param own 0: the table is others', too; a copy takes its place if need be, and own becomes 1
 */
void authsvc_guard_drop_reserved(request_rec *r, int *own);

/**
 * The post_read_request hook, before anybody looks at header fields: those that only we may send
 * to backends are taken out of every request.
 */
int authsvc_guard_cleanse(request_rec *r);

/** The check_authn hook. */
int authsvc_guard_authenticate(request_rec *r);

/**
 * The check_authz hook, before mod_authz_core's: asks the others, and answers 403 where they would
 * ask somebody who is signed in to sign in again.
 */
int authsvc_guard_authorize(request_rec *r);

/** The fixups hook: what takes over another request's permission takes over who it is, too. */
int authsvc_guard_inherit(request_rec *r);

/**
 * In the handler: what is answered with the file of a subrequest (mod_dir's index, mod_negotiation)
 * takes over who signed in for that.
 */
void authsvc_guard_take_over(request_rec *r);

/* guard_refusal.c */

/**
 * Answer with an error's problem.
 * @param sent a credential was sent
 * @return the status, for the hook to give back
 */
int authsvc_guard_answer(request_rec *r, authsvc_ctx_t *ctx, const authsvc_error_t *err, int sent);

/** The insert_error_filter hook: a problem in place of httpd's own page. */
void authsvc_guard_insert_error_filter(request_rec *r);

/** Register the filter. */
void authsvc_guard_register_filter(void);

/* guard_identity.c */

/** Tell those within httpd who it is: environment variables. */
void authsvc_guard_set_environment(request_rec *r, const authsvc_principal_t *principal);

/**
 * A cookie opened something: unlike of Authorization, shared caches do not know that the answer is
 * not for everybody. Tells them in the fields that a proxied answer does not replace, of the
 * request whose answer goes out.
 */
void authsvc_guard_keep_private(request_rec *r);

/**
 * The handler hook, before all others: the header fields as the handler, and what is behind it,
 * may see them. Never handles the request.
 */
int authsvc_guard_hand_over(request_rec *r);

/* guard_authz.c */

/** Register what Require may ask for. */
void authsvc_guard_register_providers(apr_pool_t *pool);

#endif
