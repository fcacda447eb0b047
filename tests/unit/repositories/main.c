/* SPDX-License-Identifier: Apache-2.0 */
#include "databases.h"

AUTHSVC_UNIT_SUITE(suite_repositories);
AUTHSVC_UNIT_SUITE(suite_revocation_rows);
AUTHSVC_UNIT_SUITE(suite_login_failures);

int main(void)
{
    static const unit_suite_t suites[] = {suite_repositories, suite_revocation_rows,
                                          suite_login_failures};

    return databases_main(suites, 3);
}
