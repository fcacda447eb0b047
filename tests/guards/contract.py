#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The contract and the code name the same operations; its request schemas use the keywords that
the server knows; its operations and the problem types all occur in the end-to-end tests."""
import json
import re
import sys

import guard

METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
KEYWORDS = {"$ref", "type", "properties", "required", "additionalProperties", "minLength",
            "maxLength", "minimum", "maximum", "enum", "const", "items", "minItems", "maxItems",
            "format"}
ANNOTATIONS = {"title", "description", "examples", "writeOnly", "deprecated"}
# Answers to what is no operation of the contract: unknown methods, and guarded paths.
NO_OPERATION = {"method-not-allowed", "insufficient-rights"}
FORMATS = {"email", "uuid", "date-time", "password"}

BINDING = re.compile(r'\{\s*"(\w+)",\s*(authsvc_operation_\w+)\s*\}')
SLUG = re.compile(r'\{\s*AUTHSVC_E_\w+,\s*\d,\s*(\d+),\s*"([a-z-]+)"')


def operations(document):
    """(operationId, path, operation) of the contract."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield item[method].get("operationId"), path, item[method]


def resolve(document, node):
    while isinstance(node, dict) and "$ref" in node:
        target = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def check_schema(document, schema, where):
    findings = []
    if "$ref" in schema and not schema["$ref"].startswith("#/"):
        return [f"{where}: {schema['$ref']} is not a local reference"]
    if "$ref" in schema and set(schema) - ANNOTATIONS != {"$ref"}:
        findings.append(f"{where}: keywords beside $ref")
    schema = resolve(document, schema)
    for keyword in schema:
        if keyword not in KEYWORDS | ANNOTATIONS:
            findings.append(f"{where}: the server does not know the keyword {keyword}")
    if schema.get("format", "email") not in FORMATS:
        findings.append(f"{where}: the server does not know the format {schema['format']}")
    if "object" in schema.get("type", ""):
        if schema.get("additionalProperties") is not False:
            findings.append(f"{where}: does not say additionalProperties: false")
        for name in set(schema.get("required", [])) - set(schema.get("properties", {})):
            findings.append(f"{where}: requires {name} without describing it")
    if "type" not in schema:
        findings.append(f"{where}: has no type")
    for name, member in schema.get("properties", {}).items():
        findings += check_schema(document, member, f"{where}/{name}")
    if "items" in schema:
        findings += check_schema(document, schema["items"], f"{where}/items")
    return findings


def check_requests(document):
    findings = []
    for name, _, operation in operations(document):
        body = resolve(document, operation.get("requestBody", {}))
        for media, content in body.get("content", {}).items():
            if media != "application/json":
                findings.append(f"{name}: takes {media}")
            findings += check_schema(document, content["schema"], name)
    return findings


def check_bindings(document, code):
    names = [name for name, _, _ in operations(document)]
    bound = [name for name, _ in BINDING.findall(code)]
    findings = ["an operation of the contract has no operationId" for name in names if not name]
    findings += [f"{name} is in the contract twice" for name in set(names) if names.count(name) > 1]
    findings += [f"{name} is bound twice" for name in set(bound) if bound.count(name) > 1]
    findings += [f"{name} is in the contract and bound to no function"
                 for name in names if name and name not in bound]
    findings += [f"{name} is bound and not in the contract" for name in bound if name not in names]
    for name, function in BINDING.findall(code):
        if not re.search(rf"\b{function}\([^;{{]*\)\s*\{{", code):
            findings.append(f"{name}: {function} is not defined")
    return findings


def check_problems(document, slugs):
    """Each problem that the contract shows is in the table, with that status."""
    findings = []
    table = {slug: int(status) for status, slug in slugs}
    shown = set(re.findall(r'"type": "https?://[^"]*/problems/([a-z-]+)"', json.dumps(document)))
    for slug in sorted(shown - set(table)):
        findings.append(f"the contract shows the problem {slug}, which is not in the table")
    for slug in sorted(set(table) - shown - NO_OPERATION):
        findings.append(f"the problem {slug} is in the table and not in the contract")
    return findings


def check_tests(document, slugs, tests):
    findings = []
    for name, path, _ in operations(document):
        stem = path.split("{")[0]
        if not re.search(rf'["\']{name}["\']|\.{name}\(', tests) and \
                not re.search(rf'["\'/]{re.escape(stem)}', tests):
            findings.append(f"no end-to-end test names {name} or {path}")
    for _, slug in slugs:
        if not re.search(rf'["\'/]{slug}["\']', tests):
            findings.append(f"no end-to-end test names the problem {slug}")
    return findings


def check(root):
    document = json.loads(guard.read(root / "openapi/openapi.json"))
    code = "\n".join(guard.without_comments(guard.read(path))
                     for path in guard.files(root, "mod_authsvc/api/*.c"))
    slugs = SLUG.findall(code)
    tests = "\n".join(guard.read(path) for path in guard.files(root, "tests/e2e/**/*.py"))
    findings = [] if slugs else ["no table of problem types was found in mod_authsvc/api"]
    return (findings + check_requests(document) + check_bindings(document, code)
            + check_problems(document, slugs) + check_tests(document, slugs, tests))


def sample(schema, name="login"):
    return json.dumps({
        "paths": {"/auth/login": {"post": {
            "operationId": name,
            "requestBody": {"content": {"application/json": {"schema": schema}}},
            "responses": {"401": {"example": {"type": "https://a.example/problems/wrong"}}}}}},
        "components": {"schemas": {"Name": {"type": "string", "maxLength": 9}}}})


SCHEMA = {"type": "object", "additionalProperties": False, "required": ["name"],
          "properties": {"name": {"$ref": "#/components/schemas/Name"},
                         "email": {"type": "string", "format": "email", "description": "x"}}}
CODE = """
const x[] = { {"login", authsvc_operation_login}, {NULL, NULL} };
authsvc_error_t *authsvc_operation_login(authsvc_call_t *call)
{
}
const t[] = { {AUTHSVC_E_UNAUTHENTICATED, 0, 401, "wrong", "Wrong", 0}, };
"""
TESTS = 'def test_login(api):\n    problem(api.post("/auth/login"), 401, "wrong")\n'
GOOD = {"openapi/openapi.json": sample(SCHEMA), "mod_authsvc/api/a.c": CODE,
        "tests/e2e/test_a.py": TESTS}


def with_member(**member):
    return {"openapi/openapi.json": sample({**SCHEMA, "properties": {
        **SCHEMA["properties"], "more": member}})}


BAD = (
    (with_member(type="string", pattern="^a"), "login/more: the server does not know the keyword"),
    (with_member(type="string", format="uri"), "the server does not know the format uri"),
    (with_member(oneOf=[]), "the keyword oneOf"),
    (with_member(type="object", additionalProperties=True), "additionalProperties: false"),
    (with_member(type="array", items={"type": "string", "uniqueItems": True}),
     "login/more/items: the server does not know the keyword uniqueItems"),
    (with_member(**{"$ref": "other.yaml"}), "not a local reference"),
    ({"openapi/openapi.json": sample({**SCHEMA, "required": ["nobody"]})}, "requires nobody"),
    ({"openapi/openapi.json": sample(SCHEMA, "signIn")}, "signIn is in the contract and bound to"),
    ({"openapi/openapi.json": sample(SCHEMA, "signIn")}, "login is bound and not in the contract"),
    ({"mod_authsvc/api/a.c": CODE.replace("authsvc_operation_login(", "other(")}, "not defined"),
    ({"mod_authsvc/api/a.c": CODE.replace('"wrong"', '"other"')}, "wrong, which is not in the"),
    ({"mod_authsvc/api/a.c": CODE.replace('"wrong"', '"other"')}, "no end-to-end test names the"),
    ({"mod_authsvc/api/a.c": CODE.replace("0},", '0}, {AUTHSVC_E_INVALID, 1, 400, "more", 0},')},
     "more is in the table and not in the contract"),
    ({"tests/e2e/test_a.py": TESTS.replace("/auth/login", "/x")}, "names login or /auth/login"),
    ({"mod_authsvc/api/a.c": CODE.split("const t")[0]}, "no table of problem types"),
)

if __name__ == "__main__":
    sys.exit(guard.main(check, GOOD, BAD))
