/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_TESTS_TORTURE_DRIVER_H
#define AUTHSVC_TESTS_TORTURE_DRIVER_H

#include "authsvc/core/context.h"

/**
 * Stand between a database of one connection and its driver: each call can be made to fail
 * (INJECT_DATABASE). Once in a process.
 */
void driver_replace(authsvc_ctx_t *ctx);

#endif
