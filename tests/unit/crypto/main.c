/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

AUTHSVC_UNIT_SUITE(suite_admission);
AUTHSVC_UNIT_SUITE(suite_blocklist);
AUTHSVC_UNIT_SUITE(suite_cache);
AUTHSVC_UNIT_SUITE(suite_calibrate);
AUTHSVC_UNIT_SUITE(suite_crypto);
AUTHSVC_UNIT_SUITE(suite_jwt);
AUTHSVC_UNIT_SUITE(suite_jwt_claims);
AUTHSVC_UNIT_SUITE(suite_jwt_refusals);
AUTHSVC_UNIT_SUITE(suite_key_directory);
AUTHSVC_UNIT_SUITE(suite_keys);
AUTHSVC_UNIT_SUITE(suite_keyset);
AUTHSVC_UNIT_SUITE(suite_low_priority);
AUTHSVC_UNIT_SUITE(suite_password);
AUTHSVC_UNIT_SUITE(suite_device_token);
AUTHSVC_UNIT_SUITE(suite_refresh_token);
AUTHSVC_UNIT_SUITE(suite_secrets);

AUTHSVC_UNIT_MAIN(suite_admission, suite_blocklist, suite_cache, suite_calibrate, suite_crypto,
                  suite_jwt, suite_jwt_claims, suite_jwt_refusals, suite_key_directory, suite_keys,
                  suite_keyset, suite_low_priority, suite_password, suite_refresh_token,
                  suite_secrets, suite_device_token)
