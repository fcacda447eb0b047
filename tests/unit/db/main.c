/* SPDX-License-Identifier: Apache-2.0 */
#include "databases.h"

AUTHSVC_UNIT_SUITE(suite_values);
AUTHSVC_UNIT_SUITE(suite_errors);
AUTHSVC_UNIT_SUITE(suite_pgsql);
AUTHSVC_UNIT_SUITE(suite_sqlite);
AUTHSVC_UNIT_SUITE(suite_migrate);

int main(void)
{
    static const unit_suite_t suites[] = {suite_values, suite_errors, suite_pgsql, suite_sqlite,
                                          suite_migrate};

    return databases_main(suites, sizeof(suites) / sizeof(suites[0]));
}
