/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_HTTPD_BASIC_H
#define AUTHSVC_HTTPD_BASIC_H

#include <httpd.h>

#include "authsvc/services/services.h"
#include <http_config.h>

/** What AuthBasicProvider calls us. */
#define AUTHSVC_BASIC_PROVIDER "authsvc"

/** Register it. */
void authsvc_basic_register_provider(apr_pool_t *pool);

/**
 * The check_authn hook, before mod_auth_basic's: asks that one and all others, and answers 403 or
 * 503 where the provider could not say yes or no. mod_auth_basic knows 401 and 500 only.
 */
int authsvc_basic_check_authn(request_rec *r);

/**
 * The note_auth_failure hook, before mod_auth_basic's: the challenge says that we take UTF-8
 * (RFC 7617 §2.1).
 */
int authsvc_basic_challenge(request_rec *r, const char *type);

/**
 * AuthBasicProvider, which is mod_auth_basic's: read along, to know where we will be asked before
 * we are, so that no password is asked for over plain http.
 */
const char *authsvc_basic_read_provider(cmd_parms *cmd, void *dir, const char *arg);

/** 1 where AuthType is Basic. */
int authsvc_basic_applies(request_rec *r);

/** Let it be known who it is. */
void authsvc_basic_accept(request_rec *r, const authsvc_principal_t *principal);

#endif
