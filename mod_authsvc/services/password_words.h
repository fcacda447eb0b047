/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_SERVICES_PASSWORD_WORDS_H
#define AUTHSVC_SERVICES_PASSWORD_WORDS_H

#include "authsvc/services/services.h"

/** What of its surroundings a password is made of. */
enum { AUTHSVC_WORDS_EMAIL = 1, AUTHSVC_WORDS_NAME = 2, AUTHSVC_WORDS_SITE = 4 };

/** A password must have as many code points that do not come from such words. */
#define AUTHSVC_WORDS_OWN_MIN 4

/**
 * Whether a password consists of words that whoever attacks this account knows: its email address,
 * the user's name, the site's host name, and parts of these of at least four code points. All of
 * them are taken out of the password, the longest first, however often they occur.
 * @param folded the password, by authsvc_text_fold()
 * @return AUTHSVC_WORDS_* of those found, if fewer than AUTHSVC_WORDS_OWN_MIN code points are left;
 *   else 0
 */
int authsvc_password_words(authsvc_ctx_t *ctx, const char *folded, const authsvc_person_t *person);

#endif
