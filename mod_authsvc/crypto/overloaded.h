/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_OVERLOADED_H
#define AUTHSVC_CRYPTO_OVERLOADED_H

#include "authsvc/core/error.h"

/**
 * Hashing is not possible now: UNAVAILABLE "overloaded". The refused are told to come back at
 * times spread over some seconds, so that they do not all come at once.
 * @param why for the log
 */
authsvc_error_t *authsvc_crypto_overloaded(apr_pool_t *pool, const char *why);

#endif
