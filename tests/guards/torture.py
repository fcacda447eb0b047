#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each operation of the contract and each function of the services is tortured: it has a row in
tests/unit/torture/, which calls it."""
import json
import re
import sys

import guard

CONTRACT = "openapi/openapi.json"
HEADER = "include/authsvc/services/services.h"
OPERATIONS = "tests/unit/torture/operations.c"
SERVICES = "tests/unit/torture/services.c"

METHODS = ("get", "put", "post", "delete", "patch")
PROTOTYPE = re.compile(r"^[a-z][\w ]*[ *](authsvc_\w+)\(", re.M)
ROW = re.compile(r"^\s*\{\"(\w+)(?:: [^\"]*)?\",\s*(\w+),", re.M)


def rows(text):
    """(name, C function) of each row."""
    return ROW.findall(guard.without_comments(text))


def check_operations(root):
    findings = []
    contract = json.loads(guard.read(root / CONTRACT))
    text = guard.read(root / OPERATIONS)
    names = {name for name, _ in rows(text)}
    known = set()
    for path, item in contract["paths"].items():
        for method in set(METHODS) & set(item):
            operation = item[method]["operationId"]
            known.add(operation)
            if operation not in names:
                findings.append(f"{OPERATIONS}: the operation {operation} has no row")
            fixed = path.split("{")[0]
            if not re.search(rf'"{re.escape(fixed)}[\w.-]*"', text):
                findings.append(f"{OPERATIONS}: nothing asks for {path}")
    findings += [f"{OPERATIONS}: {name} is no operation" for name in sorted(names - known)]
    return findings


def check_services(root):
    findings = []
    functions = set(PROTOTYPE.findall(guard.without_comments(guard.read(root / HEADER))))
    text = guard.code_only(guard.read(root / SERVICES))
    names = {name for name, _ in rows(guard.read(root / SERVICES))}
    for function in sorted(functions):
        if function not in names:
            findings.append(f"{SERVICES}: {function} has no row")
        if f"{function}(" not in text:
            findings.append(f"{SERVICES}: nothing calls {function}")
    findings += [f"{SERVICES}: {name} is not in services.h" for name in sorted(names - functions)]
    if not functions:
        findings.append(f"{HEADER}: no function was found")
    return findings


def check(root):
    return check_operations(root) + check_services(root)


def contract_of(*operations):
    return json.dumps({"paths": {path: {method: {"operationId": name}}
                                 for path, method, name in operations}})


LOGIN = ("/auth/login", "post", "login")
PROBLEM = ("/problems/{slug}", "get", "getProblem")
OPERATIONS_C = """
REQUEST(log_in, "POST", "/auth/login", "{}")
REQUEST(get_problem, "GET", "/problems/validation", NULL)
const torture_case_t torture_operations[] = {
    {"login", log_in, 200, 0, NULL, NULL},
    {"getProblem: a variant", get_problem, 200, 0, NULL, NULL},
    {NULL, NULL, 0, 0, NULL, NULL},
};
"""
SERVICES_H = """
/** As authsvc_other(ctx) does. */
authsvc_error_t *authsvc_login(authsvc_ctx_t *ctx, const char *email,
                               authsvc_grant_t *grant);
int authsvc_readiness(authsvc_ctx_t *ctx, apr_array_header_t **checks);
"""
SERVICES_C = """
static void log_in(void)
{
    authsvc_login(ctx, "x", NULL);
    authsvc_readiness(ctx, NULL);
}
    {"authsvc_login", log_in, 200, 0, NULL, NULL},
    {"authsvc_readiness", log_in, 200, 0, NULL, NULL},
"""
GOOD = {CONTRACT: contract_of(LOGIN, PROBLEM), OPERATIONS: OPERATIONS_C, HEADER: SERVICES_H,
        SERVICES: SERVICES_C}
BAD = (
    ({CONTRACT: contract_of(LOGIN, PROBLEM, ("/users", "get", "listUsers"))},
     "the operation listUsers has no row"),
    ({CONTRACT: contract_of(LOGIN, PROBLEM, ("/users", "get", "listUsers"))},
     "nothing asks for /users"),
    ({CONTRACT: contract_of(LOGIN)}, "getProblem is no operation"),
    ({OPERATIONS: OPERATIONS_C.replace('{"login", log_in', '/* {"login", log_in')
                              .replace("NULL},\n    {\"get", "NULL}, */\n    {\"get")},
     "the operation login has no row"),
    ({HEADER: SERVICES_H + "void authsvc_account_purge(authsvc_ctx_t *ctx);\n"},
     "authsvc_account_purge has no row"),
    ({SERVICES: SERVICES_C.replace("authsvc_readiness(ctx, NULL);", "")},
     "nothing calls authsvc_readiness"),
    ({SERVICES: SERVICES_C.replace('"authsvc_login"', '"authsvc_logout"')},
     "authsvc_logout is not in services.h"),
    ({HEADER: ""}, "no function was found"),
)

if __name__ == "__main__":
    sys.exit(guard.main(check, GOOD, BAD))
