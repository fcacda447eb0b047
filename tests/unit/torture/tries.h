/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_TESTS_TORTURE_TRIES_H
#define AUTHSVC_TESTS_TORTURE_TRIES_H

#include "unit.h"

/** Where the databases of all tries are. */
extern char tries_directory[64];

#endif
