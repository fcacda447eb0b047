/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_SECRETS_PRIVATE_H
#define AUTHSVC_CRYPTO_SECRETS_PRIVATE_H

#include "authsvc/crypto/secrets.h"

#define AUTHSVC_SUBKEY_OCTETS 32

/** The subkey for refresh tokens' MACs; NULL if there is no secret of this number. */
const unsigned char *authsvc_secrets_refresh_key(const authsvc_secrets_t *secrets, int number);

/** The same for device tokens' MACs, and for what stands for accounts. */
const unsigned char *authsvc_secrets_device_key(const authsvc_secrets_t *secrets, int number);
const unsigned char *authsvc_secrets_account_key(const authsvc_secrets_t *secrets, int number);

#endif
