/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

AUTHSVC_UNIT_SUITE(suite_bearer);
AUTHSVC_UNIT_SUITE(suite_contract);
AUTHSVC_UNIT_SUITE(suite_cookie);
AUTHSVC_UNIT_SUITE(suite_cors);
AUTHSVC_UNIT_SUITE(suite_document);
AUTHSVC_UNIT_SUITE(suite_guard);
AUTHSVC_UNIT_SUITE(suite_hostile);
AUTHSVC_UNIT_SUITE(suite_limits);
AUTHSVC_UNIT_SUITE(suite_operations);
AUTHSVC_UNIT_SUITE(suite_problem);
AUTHSVC_UNIT_SUITE(suite_request);
AUTHSVC_UNIT_SUITE(suite_router);
AUTHSVC_UNIT_SUITE(suite_schema);
AUTHSVC_UNIT_SUITE(suite_session_cookies);

AUTHSVC_UNIT_MAIN(suite_bearer, suite_contract, suite_cookie, suite_cors, suite_document,
                  suite_guard, suite_hostile, suite_operations, suite_problem, suite_request,
                  suite_router, suite_schema, suite_session_cookies, suite_limits)
