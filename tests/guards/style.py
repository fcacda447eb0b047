#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Banned functions; sizes of files and functions; the licence line; paths of a machine."""
import re
import sys

import guard

FILE_LINES = 700
FUNCTION_LINES = 80
COLUMNS = 100

BANNED = {
    "strcpy": "apr_pstrdup, apr_cpystrn", "strcat": "apr_pstrcat", "stpcpy": "apr_cpystrn",
    "sprintf": "apr_psprintf, snprintf", "vsprintf": "apr_pvsprintf", "gets": "fgets",
    "atoi": "authsvc_integer_parse", "atol": "authsvc_integer_parse",
    "atoll": "authsvc_integer_parse", "atof": "strtod", "strtok": "apr_strtok",
    "rand": "authsvc_random", "random": "authsvc_random", "srand": "authsvc_random",
    "gmtime": "apr_time_exp_gmt", "localtime": "apr_time_exp_lt", "ctime": "apr_ctime",
    "asctime": "apr_rfc822_date", "tmpnam": "mkstemp", "mktemp": "mkstemp",
    "system": "nothing", "popen": "nothing", "alloca": "apr_palloc",
}
BANNED_CALL = re.compile(rf"(?<![\w.>])({'|'.join(BANNED)})\s*\(")

# A secret, its hash or a MAC is compared in constant time.
SECRET_COMPARE = re.compile(r"(?<!\w)(?:mem|str|strn|strcase)cmp\s*\(([^;{]*)")
SECRET = re.compile(r"\b\w*(mac|digest|nonce|secret|password|hash)\w*\b", re.I)
NOT_SECRET = re.compile(r"\bhash_(slots|memory|passes|places|wait)|MACH|machine", re.I)

TEXT = ("mod_authsvc/**/*", "include/**/*", "tests/**/*", "conf/**/*", "docs/**/*", "scripts/**/*",
        "sql/**/*", "m4/authsvc*", "openapi/*", ".ci/*", "*.md", "*.ac", "*.am")
# What tools write.
GENERATED = re.compile(r"(^|/)(package-lock\.json|node_modules|__pycache__|\.pytest_cache|\.libs|"
                       r"\.deps)(/|$)|\.(o|lo|la|pyc|png|gz|trs|log|so|gcno|gcda)$|"
                       r"^mod_authsvc/(db/migrations|api/openapi_json)\.c$|^openapi/openapi\.json$|"
                       r"^openapi/\.redocly|^config\.h|(^|/)\.dirstamp$|^tests/unit/[^.]*/test_[a-z]*$|"
                       r"^tests/fuzz/(corpus/|fuzz_[a-z0-9_]*$)")
LICENSED = re.compile(r"\.(c|h|py|sh|sql|mjs|js|m4|ac|am|yaml|dict)$|^scripts/|^\.ci/|"
                      r"^tests/fuzz/[a-z]+$")
# Somebody's home or work directory. The self-test's samples are put together, so that this file
# has none.
MACHINE_PATH = re.compile(r"(?<![\w.$}/-])/(?:home|work|Users)/[\w<]")


def functions(code):
    """(name, first line, lines) of each function body in C code without comments."""
    lines = code.split("\n")
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{" and start is None:
            start = number
        elif line.startswith("}") and start is not None:
            head = " ".join(lines[max(0, start - 8):start - 1])
            names = re.findall(r"(\w+)\s*\(", head)
            yield (names[-1] if names else "?"), start, number - start + 1
            start = None


def check_c(relative, text):
    findings = []
    code = guard.code_only(text)
    for match in BANNED_CALL.finditer(code):
        findings.append(f"{relative}:{guard.line_of(code, match.start())}: {match[1]} is banned; "
                        f"use {BANNED[match[1]]}")
    if relative.startswith("mod_authsvc/"):
        for match in SECRET_COMPARE.finditer(code):
            arguments = NOT_SECRET.sub("", match[1])
            secret = SECRET.search(arguments)
            if match[0].startswith("mem") and secret:
                findings.append(f"{relative}:{guard.line_of(code, match.start())}: memcmp of "
                                f"{secret[0]}: compare secrets in constant time")
    for function, line, length in functions(code):
        if length > FUNCTION_LINES:
            findings.append(f"{relative}:{line}: {function} has {length} lines, more than "
                            f"{FUNCTION_LINES}")
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > COLUMNS:
            findings.append(f"{relative}:{number}: {len(line)} columns, more than {COLUMNS}")
        if "\t" in line or line != line.rstrip():
            findings.append(f"{relative}:{number}: a tab, or white space at the end of the line")
    return findings


def check_file(relative, text):
    findings = []
    lines = text.count("\n")
    if re.search(r"\.(c|h|py)$", relative) and lines > FILE_LINES:
        findings.append(f"{relative}: {lines} lines, more than {FILE_LINES}")
    if LICENSED.search(relative) and "SPDX-License-Identifier: Apache-2.0" not in \
            "\n".join(text.split("\n")[:3]):
        findings.append(f"{relative}: no SPDX-License-Identifier line at its top")
    for match in MACHINE_PATH.finditer(text):
        findings.append(f"{relative}:{guard.line_of(text, match.start())}: a path of one machine")
    if re.search(r"\.[ch]$", relative):
        findings += check_c(relative, text)
    return findings


def check(root):
    findings = []
    for path in guard.files(root, *TEXT):
        relative = guard.name(path, root)
        if GENERATED.search(relative):
            continue
        try:
            text = guard.read(path)
        except UnicodeDecodeError:
            findings.append(f"{relative}: not UTF-8")
            continue
        findings += check_file(relative, text)
    return findings


TOP = "/* SPDX-License-Identifier: Apache-2.0 */\n"
LONG = TOP + "static int f(void)\n{\n" + "    x();\n" * 78 + "}\n"
GOOD = {
    "mod_authsvc/core/a.c": TOP + "/* not strcpy(a, b) */\nint my_strcpy(void);\n"
                            'const char *s = "sprintf(";\nint n = memcmp(text, "abc", 3);\n',
    "mod_authsvc/core/long.c": LONG,
    "scripts/run": "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\ncd \"$HOME/work/x\"\n",
    "tests/fuzz/corpus/a/x.c": "\ttime\n",
    "docs/a.md": "See https://example.com/home/page and /usr/lib/apache2.\n",
}
BAD = (
    ({"mod_authsvc/core/b.c": TOP + "void f(void) { strcpy(a, b); }\n"}, "b.c:2: strcpy"),
    ({"mod_authsvc/core/b.c": TOP + "\n\nint n = atoi (text);\n"}, "b.c:4: atoi"),
    ({"tests/unit/core/b.c": TOP + "char *t = strtok(a, b);\n"}, "strtok"),
    ({"mod_authsvc/core/b.c": TOP + "int n = rand();\n"}, "rand"),
    ({"mod_authsvc/core/b.c": TOP + "tm = gmtime(&now);\n"}, "gmtime"),
    ({"mod_authsvc/core/b.c": TOP + "int n = memcmp(mac, expected_mac, 16);\n"}, "constant time"),
    ({"mod_authsvc/core/b.c": TOP + "int n = memcmp(a,\n    token->nonce_hash, 32);\n"},
     "constant time"),
    ({"mod_authsvc/core/b.c": LONG.replace("{\n", "{\n    y();\n")}, "f has 81 lines"),
    ({"mod_authsvc/core/b.c": TOP + "int x;\n" * 700}, "701 lines"),
    ({"mod_authsvc/core/b.c": "int x;\n"}, "no SPDX"),
    ({"mod_authsvc/core/b.c": TOP + "int x; " + "/" * 101 + "\n"}, "columns"),
    ({"mod_authsvc/core/b.c": TOP + "\tint x;\n"}, "a tab"),
    ({"tests/e2e/b.py": "x = 1\n"}, "no SPDX"),
    ({"tests/fuzz/run": "x\n"}, "no SPDX"),
    ({"docs/b.md": "cd /" + "home/ann/src\n"}, "a path of one machine"),
    ({"scripts/b": "# SPDX-License-Identifier: Apache-2.0\ncd /" + "work/x\n"}, "a path of one"),
)

if __name__ == "__main__":
    sys.exit(guard.main(check, GOOD, BAD))
