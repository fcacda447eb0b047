/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

AUTHSVC_UNIT_SUITE(suite_error);
AUTHSVC_UNIT_SUITE(suite_failures);
AUTHSVC_UNIT_SUITE(suite_limits);
AUTHSVC_UNIT_SUITE(suite_log);
AUTHSVC_UNIT_SUITE(suite_network);
AUTHSVC_UNIT_SUITE(suite_process);
AUTHSVC_UNIT_SUITE(suite_rate);
AUTHSVC_UNIT_SUITE(suite_rate_shared);
AUTHSVC_UNIT_SUITE(suite_revocations);
AUTHSVC_UNIT_SUITE(suite_revocations_shared);
AUTHSVC_UNIT_SUITE(suite_revocations_steps);
AUTHSVC_UNIT_SUITE(suite_text);
AUTHSVC_UNIT_SUITE(suite_email);
AUTHSVC_UNIT_SUITE(suite_encoding);
AUTHSVC_UNIT_SUITE(suite_uuid);
AUTHSVC_UNIT_SUITE(suite_units);
AUTHSVC_UNIT_SUITE(suite_url);
AUTHSVC_UNIT_SUITE(suite_json);

AUTHSVC_UNIT_MAIN(suite_error, suite_failures, suite_log, suite_process, suite_text, suite_email,
                  suite_encoding, suite_uuid, suite_units, suite_url, suite_json,
                  suite_revocations, suite_revocations_shared, suite_revocations_steps,
                  suite_network, suite_rate, suite_rate_shared, suite_limits)
