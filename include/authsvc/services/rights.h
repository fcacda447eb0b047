/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_SERVICES_RIGHTS_H
#define AUTHSVC_SERVICES_RIGHTS_H

#include "authsvc/crypto/jwt.h"

/* What can be required of somebody, by the claims of the access token alone. */

/** 1 if text up to its first colon, which must be there, names a claim that can be required. */
int authsvc_rights_names_claim(const char *text);

/**
 * 1 if a claim has this value, octet by octet.
 * @param text "role:admin", "email_verified:true"; what is behind the first colon is the value
 */
int authsvc_rights_has_claim(const authsvc_claims_t *claims, const char *text);

#endif
