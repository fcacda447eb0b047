# SPDX-License-Identifier: Apache-2.0
"""Checks answers against openapi.json with python3-jsonschema."""
import json
import re

import jsonschema

from . import build


class Contract:
    """The checked-in bundle of the contract."""

    _shared = None

    @classmethod
    def shared(cls):
        if cls._shared is None:
            cls._shared = cls(build.SOURCE / "openapi" / "openapi.json")
        return cls._shared

    def __init__(self, path):
        self.document = json.loads(path.read_text(encoding="utf-8"))
        self.resolver = jsonschema.RefResolver("", self.document)
        self.formats = jsonschema.FormatChecker()
        self.operations = {}
        self.routes = []
        for template, item in self.document["paths"].items():
            pattern = re.compile(re.sub(r"\\{[^/]+?\\}", "[^/]+", re.escape(template)))
            for method in ("get", "post", "put", "patch", "delete"):
                if method in item:
                    operation = item[method]
                    self.operations[operation["operationId"]] = (method.upper(), template,
                                                                 operation)
                    self.routes.append((pattern, template, method.upper(), operation))
        # a path without parameters wins over one with them
        self.routes.sort(key=lambda route: "{" in route[1])

    def resolve(self, node):
        while "$ref" in node:
            _, node = self.resolver.resolve(node["$ref"])
        return node

    def documented(self):
        """All (operationId, status)."""
        return {(name, int(status)) for name, (_, _, operation) in self.operations.items()
                for status in operation["responses"]}

    def find(self, method, path):
        path = path.split("?")[0]
        method = "GET" if method == "HEAD" else method
        for pattern, _, its_method, operation in self.routes:
            if its_method == method and pattern.fullmatch(path):
                return operation
        return None

    def validate(self, schema, value):
        validator = jsonschema.Draft202012Validator(schema, resolver=self.resolver,
                                                    format_checker=self.formats)
        errors = sorted(validator.iter_errors(value), key=str)
        assert not errors, "; ".join(f"{list(e.absolute_path)}: {e.message}" for e in errors)

    def check(self, method, path, answer):
        """Assert that an answer is one the contract documents; gives the operationId."""
        operation = self.find(method, path)
        if operation is None:
            return None
        name, status = operation["operationId"], answer.status_code
        responses = operation["responses"]
        assert str(status) in responses, f"{name} answered {status}, which is not documented: " \
                                         f"{answer.text[:500]}"
        response = self.resolve(responses[str(status)])
        for header, spec in response.get("headers", {}).items():
            spec = self.resolve(spec)
            if spec.get("required"):
                assert header in answer.headers, f"{name} {status} has no {header}"
            if header in answer.headers and "schema" in spec:
                value = answer.headers[header]
                schema = self.resolve(spec["schema"])
                self.validate(schema, int(value) if schema.get("type") == "integer" else value)
        content = response.get("content")
        if not content:
            assert answer.content == b"", f"{name} {status} has a body: {answer.text[:200]}"
            return name
        media = answer.headers["content-type"].split(";")[0]
        assert media in content, f"{name} {status} is {media}, not {list(content)}"
        if method != "HEAD" and (media == "application/json" or media.endswith("+json")):
            self.validate(content[media]["schema"], answer.json())
        return name
