#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each place that logs has an id of its own, in its layer's range."""
import re
import sys

import guard

RANGES = {"core": (0, 99), "crypto": (0, 99), "db": (100, 199), "repositories": (200, 399),
          "services": (200, 399), "api": (400, 499), "httpd": (500, 699), "ctl": (700, 799)}

LITERAL = re.compile(r'"(AS\d+)(?=[":])')
CALL = re.compile(r"(?<!\w)(authsvc_log)\(\s*((?:[^;\"]|\"(?:\\.|[^\"\\])*\")*?);")
HTTPD_CALL = re.compile(r"(?<!\w)(ap_log_\w*error)\(\s*((?:[^;\"]|\"(?:\\.|[^\"\\])*\")*?);")


def check(root):
    findings = []
    seen = {}
    for path in guard.files(root, "mod_authsvc/**/*.[ch]"):
        relative = guard.name(path, root)
        low, high = RANGES.get(path.parent.name, (0, -1))
        text = guard.without_comments(guard.read(path))
        for match in LITERAL.finditer(text):
            where = f"{relative}:{guard.line_of(text, match.start())}"
            if not re.fullmatch(r"AS0\d{3}", match[1]):
                findings.append(f"{where}: {match[1]} is not AS0nnn")
                continue
            if match[1] in seen:
                findings.append(f"{where}: {match[1]} is also at {seen[match[1]]}")
            seen.setdefault(match[1], where)
            if not low <= int(match[1][2:]) <= high:
                findings.append(f"{where}: {match[1]} is not in its layer's range, "
                                f"AS{low:04}-AS{high:04}")
        for match in CALL.finditer(text):
            arguments = [part.strip() for part in match[2].split(",")]
            if len(arguments) > 2 and not re.fullmatch(r'"AS0\d{3}"|(const char \*)?id', arguments[2]):
                findings.append(f"{relative}:{guard.line_of(text, match.start())}: authsvc_log "
                                f"without an id: {arguments[2]}")
        for match in HTTPD_CALL.finditer(text):
            # A format of "%s..." passes on a line that has its id already.
            if not re.search(r'"(AS0\d{3}: |%s)', match[2]):
                findings.append(f"{relative}:{guard.line_of(text, match.start())}: {match[1]} "
                                "without an id")
    return findings


GOOD = {
    "mod_authsvc/db/a.c": 'authsvc_log(ctx->log, AUTHSVC_LOG_ERROR, "AS0101",\n  "x; %s", y);\n'
                          '/* "AS0101" */\nauthsvc_log(log, level, id, "x");\n',
    "mod_authsvc/services/b.c": 'authsvc_event(ctx, "AS0201", "login");\n',
    "mod_authsvc/httpd/c.c": 'ap_log_error(APLOG_MARK, APLOG_ERR, 0, s, "AS0501: x");\n'
                             'ap_log_rerror(APLOG_MARK, 1, 0, r, "%s", line);\n',
}
BAD = (
    ({"mod_authsvc/db/b.c": '\nauthsvc_log(log, 1, "AS0101", "x");\n'},
     "b.c:2: AS0101 is also at mod_authsvc/db/a.c:1"),
    ({"mod_authsvc/db/b.c": 'authsvc_log(log, 1, "AS0201", "x");\n'}, "not in its layer's range"),
    ({"mod_authsvc/api/b.c": 'authsvc_log(log, 1, "AS401", "x");\n'}, "AS401 is not AS0nnn"),
    ({"mod_authsvc/api/b.c": 'authsvc_log(log, 1, "AS04010", "x");\n'}, "is not AS0nnn"),
    ({"mod_authsvc/api/b.c": 'authsvc_log(log, 1, "login", "x");\n'}, "without an id"),
    ({"mod_authsvc/httpd/b.c": 'ap_log_rerror(APLOG_MARK, 1, 0, r, "no; id");\n'},
     "ap_log_rerror without an id"),
)

if __name__ == "__main__":
    sys.exit(guard.main(check, GOOD, BAD))
