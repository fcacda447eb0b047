/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_TESTS_TORTURE_PLANTED_H
#define AUTHSVC_TESTS_TORTURE_PLANTED_H

#include "cases.h"
#include "inject.h"

/** A case with a fault in it, and what must be found when calls of a kind fail. */
typedef struct {
    torture_case_t tcase;
    inject_kind_t kind;
    const char *finding;
} planted_t;

extern const planted_t planted[];
extern const int planted_count;

#endif
