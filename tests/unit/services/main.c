/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

AUTHSVC_UNIT_SUITE(suite_account);
AUTHSVC_UNIT_SUITE(suite_administration);
AUTHSVC_UNIT_SUITE(suite_authorization);
AUTHSVC_UNIT_SUITE(suite_basic);
AUTHSVC_UNIT_SUITE(suite_basic_limits);
AUTHSVC_UNIT_SUITE(suite_credentials);
AUTHSVC_UNIT_SUITE(suite_feed);
AUTHSVC_UNIT_SUITE(suite_identity);
AUTHSVC_UNIT_SUITE(suite_limits);
AUTHSVC_UNIT_SUITE(suite_lockout);
AUTHSVC_UNIT_SUITE(suite_lockout_writer);
AUTHSVC_UNIT_SUITE(suite_login);
AUTHSVC_UNIT_SUITE(suite_policy);
AUTHSVC_UNIT_SUITE(suite_readiness);
AUTHSVC_UNIT_SUITE(suite_registration);
AUTHSVC_UNIT_SUITE(suite_sessions);
AUTHSVC_UNIT_SUITE(suite_sessions_of_user);

AUTHSVC_UNIT_MAIN(suite_account, suite_administration, suite_authorization, suite_basic,
                  suite_basic_limits, suite_credentials, suite_feed, suite_identity, suite_limits,
                  suite_lockout, suite_lockout_writer, suite_login, suite_policy, suite_readiness,
                  suite_registration, suite_sessions, suite_sessions_of_user)
