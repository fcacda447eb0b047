/* SPDX-License-Identifier: Apache-2.0 */
#include "databases.h"

AUTHSVC_UNIT_SUITE(suite_repositories);

int main(void)
{
    static const unit_suite_t suites[] = {suite_repositories};

    return databases_main(suites, 1);
}
