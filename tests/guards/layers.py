#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls go one way: which layer may include what of another, and which library is whose."""
import re
import sys

import guard

BELOW = {
    "core": set(),
    "crypto": {"core"},
    "db": {"core"},
    # crypto for the types of a session's secrets; no key is ever touched there.
    "repositories": {"core", "crypto", "db"},
    "services": {"core", "crypto", "db", "repositories"},
    # repositories for the types of what services return.
    "api": {"core", "crypto", "repositories", "services"},
    "httpd": {"core", "crypto", "db", "repositories", "services", "api"},
    "ctl": {"core", "crypto", "db", "services"},
}

# Each library's headers, and the one layer that knows them.
LIBRARIES = (
    (r"jansson\w*\.h", "core"),
    (r"(idn2|unistr|unictype|uninorm|uniname|uniconv|unicase)\.h", "core"),
    (r"sodium(\.h|/.*)", "crypto"),
    (r"openssl/.*", "crypto"),
    (r"(libpq|pg|postgres)[\w-]*\.h", "db"),
    (r"sqlite3\w*\.h", "db"),
    (r"jwt\.h", "ctl"),
    (r"(httpd|unixd|scoreboard|ap_\w+|http_\w+|mod_\w+|mpm_\w+|util_\w+)\.h", "httpd"),
)

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)


def layer_of(path):
    parts = path.split("/")
    if parts[0] == "mod_authsvc" or parts[:2] == ["include", "authsvc"]:
        return parts[-2] if len(parts) >= 3 else ""
    return None


def check_library(where, layer, is_public, header):
    for pattern, owner in LIBRARIES:
        if re.fullmatch(pattern, header):
            if layer is None:  # a unit test: any library, but not httpd
                return [f"{where}: {header} belongs to httpd/"] if owner == "httpd" else []
            if layer != owner:
                return [f"{where}: {header} belongs to {owner}/ only"]
            if is_public:
                return [f"{where}: {header} must not show through a public header"]
    return []


def check_include(where, layer, is_public, quote, header, path):
    match = re.fullmatch(r"authsvc/(\w+)/[\w.]+", header)
    if match:
        if layer and match[1] != layer and match[1] not in BELOW[layer]:
            return [f"{where}: {layer} must not know {header}"]
        return []
    tests = re.match(r"tests/unit/(\w+)/", where)
    if tests and re.fullmatch(rf"mod_authsvc/{tests[1]}/\w+\.h", header):
        return []
    if header.startswith("authsvc/") or ".." in header or "mod_authsvc/" in header:
        return [f"{where}: {header} reaches into another folder"]
    # config.h and files with generated contents have no fixed place.
    if (quote == '"' and layer and header != "config.h" and not (path.parent / header).is_file()
            and not header.endswith(".inc")):
        return [f"{where}: \"{header}\" is not beside it"]
    return check_library(where, layer, is_public, header)


def check(root):
    findings = []
    for path in guard.files(root, "mod_authsvc/**/*.[ch]", "include/**/*.h",
                            "tests/unit/**/*.[ch]"):
        relative = guard.name(path, root)
        layer = layer_of(relative)
        if layer is not None and layer not in BELOW:
            findings.append(f"{relative}: belongs to no layer")
            continue
        text = guard.without_comments(guard.read(path))
        for match in INCLUDE.finditer(text):
            where = f"{relative}:{guard.line_of(text, match.start())}"
            findings += check_include(where, layer, relative.startswith("include/"), match[1],
                                      match[2], path)
    return findings


GOOD = {
    "include/authsvc/core/json.h": "#include <apr_pools.h>\n",
    "include/authsvc/db/db.h": '#include "authsvc/core/json.h"\n',
    "mod_authsvc/core/json.c": '#include <jansson.h>\n#include "authsvc/core/json.h"\n',
    "mod_authsvc/crypto/keys.c": '#include <openssl/evp.h>\n#include <unistd.h>\n',
    "mod_authsvc/db/pgsql.h": "#include <libpq-fe.h>\n",
    "mod_authsvc/db/pgsql.c": '#include "pgsql.h"\n/* #include <jansson.h> */\n',
    "mod_authsvc/httpd/module.c": '#include <httpd.h>\n#include <unixd.h>\n#include "authsvc/db/db.h"\n',
    "tests/unit/crypto/test_jwt.c": "#include <jwt.h>\n#include <openssl/evp.h>\n",
    "tests/unit/db/test_a.c": '#include "mod_authsvc/db/pgsql.h"\n',
}
BAD = (
    ({"mod_authsvc/api/x.c": "#include <jansson.h>\n"}, "jansson.h belongs to core/"),
    ({"mod_authsvc/services/x.c": "#  include <sodium.h>\n"}, "sodium.h belongs to crypto/"),
    ({"mod_authsvc/db/x.c": "\n#include <openssl/sha.h>\n"}, "x.c:2: openssl/sha.h"),
    ({"mod_authsvc/repositories/x.c": '#include "libpq-fe.h"\n'}, "is not beside it"),
    ({"mod_authsvc/repositories/x.c": "#include <libpq-events.h>\n"}, "belongs to db/"),
    ({"mod_authsvc/httpd/x.c": "#include <sqlite3.h>\n"}, "belongs to db/"),
    ({"mod_authsvc/crypto/x.c": "#include <jwt.h>\n"}, "jwt.h belongs to ctl/"),
    ({"mod_authsvc/api/x.c": "#include <http_log.h>\n"}, "belongs to httpd/"),
    ({"mod_authsvc/api/x.c": "#include <mod_dbd.h>\n"}, "belongs to httpd/"),
    ({"mod_authsvc/api/x.c": "#include <unistr.h>\n"}, "belongs to core/"),
    ({"tests/unit/api/x.c": "#include <httpd.h>\n"}, "belongs to httpd/"),
    ({"mod_authsvc/core/x.c": '#include "authsvc/db/db.h"\n'}, "core must not know"),
    ({"mod_authsvc/api/x.c": '#include "authsvc/db/db.h"\n'}, "api must not know"),
    ({"mod_authsvc/ctl/x.c": '#include "authsvc/api/api.h"\n'}, "ctl must not know"),
    ({"include/authsvc/db/x.h": '#include "authsvc/services/services.h"\n'}, "db must not know"),
    ({"include/authsvc/db/x.h": "#include <libpq-fe.h>\n"}, "through a public header"),
    ({"mod_authsvc/api/x.c": '#include "../db/pgsql.h"\n'}, "reaches into another folder"),
    ({"tests/unit/api/x.c": '#include "mod_authsvc/db/pgsql.h"\n'}, "reaches into another"),
    ({"mod_authsvc/util/x.c": "int x;\n"}, "belongs to no layer"),
)

if __name__ == "__main__":
    sys.exit(guard.main(check, GOOD, BAD))
