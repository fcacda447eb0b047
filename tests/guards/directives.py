#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each directive is documented in conf/authsvc.conf and docs/directives.md, none is only there,
and each member of a configuration is set by a directive and merged."""
import re
import sys

import guard

DIRECTIVE = re.compile(r'AP_INIT_\w+\(\s*"(\w+)"')
# Read along; another module's.
FOREIGN = {"AuthBasicProvider"}
NAME = re.compile(r"\b(AuthSvc\w*)\b")
SETTINGS = re.compile(r"#define\s+(AUTHSVC_\w+_SETTINGS)\(X\)((?:.*\\\n)*.*)")
MEMBER = re.compile(r"X\(\s*[^,()]+,\s*(\w+)\s*\)")
ASSIGNED = re.compile(r"(?<!\w)(?:config|server_config\(cmd\))->(\w+)\s*=[^=]")


def check_documents(root, directives):
    findings = []
    for path, entry in (("conf/authsvc.conf", r"^#*\s*{}\b"),
                        ("docs/directives.md", r"^(?:#+\s.*|\|\s*`){}\b")):
        if not (root / path).is_file():
            findings.append(f"{path} does not exist")
            continue
        text = guard.read(root / path)
        for directive in directives:
            if not re.search(entry.format(directive), text, re.M):
                findings.append(f"{path} has no entry for {directive}")
        for name in sorted(set(NAME.findall(text)) - set(directives)):
            findings.append(f"{path} speaks of {name}, which is no directive")
    for path in guard.files(root, "conf/*.conf", "conf/recipes/*", "docs/recipes/*"):
        for name in sorted(set(NAME.findall(guard.read(path))) - set(directives)):
            findings.append(f"{guard.name(path, root)} speaks of {name}, which is no directive")
    return findings


def check_members(root, sources):
    findings = []
    code = "\n".join(sources.values())
    members = set()
    macros = SETTINGS.findall(code)
    if not macros:
        findings.append("mod_authsvc/httpd has no AUTHSVC_*_SETTINGS(X)")
    for macro, body in macros:
        if not re.search(rf"^\s*{macro}\(MERGE\)", code, re.M):
            findings.append(f"{macro} is not merged")
        members |= set(MEMBER.findall(body))
    readers = "\n".join(text for path, text in sources.items() if "directives" in path)
    for member in sorted(members):
        if not re.search(rf"(?<!\w){member}(?!\w)", readers):
            findings.append(f"the member {member} is set by no directive")
    for member in sorted(set(ASSIGNED.findall(readers)) - members):
        if f"merged->{member}" not in code:
            findings.append(f"the member {member} is set by a directive and not merged")
    return findings


def check(root):
    sources = {guard.name(path, root): guard.without_comments(guard.read(path))
               for path in guard.files(root, "mod_authsvc/httpd/*.[ch]")}
    directives = [name for text in sources.values() for name in DIRECTIVE.findall(text)]
    findings = []
    if not directives:
        findings.append("mod_authsvc/httpd has no directives")
    for name in sorted({name for name in directives if directives.count(name) > 1}):
        findings.append(f"{name} is declared twice")
    for name in directives:
        if not name.startswith("AuthSvc") and name not in FOREIGN:
            findings.append(f"{name} does not start with AuthSvc")
    return findings + check_documents(root, directives) + check_members(root, sources)


CONFIG = """
#define AUTHSVC_SERVER_SETTINGS(X) \\
    X(const char *, issuer) /* x */ \\
    X(apr_interval_time_t, grace)
"""
MERGED = "void m(void)\n{\n    AUTHSVC_SERVER_SETTINGS(MERGE)\n    merged->mounts = 1;\n}\n"
TABLE = """
static void f(void) { AUTHSVC_SET(config, issuer, arg); config->mounts = x; use(grace); }
AP_INIT_FLAG("AuthSvc", f), AP_INIT_TAKE1("AuthSvcIssuer",
AP_INIT_TAKE1(
    "AuthSvcGrace", /* AP_INIT_TAKE1("AuthSvcOld" */
"""
GOOD = {
    "mod_authsvc/httpd/config.h": CONFIG,
    "mod_authsvc/httpd/config.c": MERGED,
    "mod_authsvc/httpd/directives.c": TABLE,
    "conf/authsvc.conf": "# AuthSvc On|Off\n#AuthSvcIssuer url\n#   AuthSvcGrace time\n",
    "docs/directives.md": "## AuthSvc\n| `AuthSvcIssuer` url |\n### `AuthSvcGrace`\nSee AuthSvcIssuer.\n",
}
BAD = (
    ({"conf/authsvc.conf": "# AuthSvc\n# AuthSvcIssuer, see AuthSvcGrace\n"},
     "conf/authsvc.conf has no entry for AuthSvcGrace"),
    ({"docs/directives.md": "# AuthSvc\n## AuthSvcGrace\nAuthSvcIssuer\n| x | `AuthSvcIssuer` |\n"},
     "docs/directives.md has no entry for AuthSvcIssuer"),
    ({"docs/directives.md": None}, "docs/directives.md does not exist"),
    ({"conf/authsvc.conf": GOOD["conf/authsvc.conf"] + "# AuthSvcOld 1\n"},
     "AuthSvcOld, which is no directive"),
    ({"conf/recipes/x.conf": "AuthSvcIsuer x\n"}, "AuthSvcIsuer, which is no directive"),
    ({"mod_authsvc/httpd/config.c": "merged->mounts\n"}, "AUTHSVC_SERVER_SETTINGS is not merged"),
    ({"mod_authsvc/httpd/config.c": MERGED.replace("mounts", "other")},
     "mounts is set by a directive and not merged"),
    ({"mod_authsvc/httpd/config.h": CONFIG.replace("grace", "extra")},
     "the member extra is set by no directive"),
    ({"mod_authsvc/httpd/directives.c": TABLE + 'AP_INIT_TAKE1("AuthSvcIssuer",'},
     "AuthSvcIssuer is declared twice"),
    ({"mod_authsvc/httpd/directives.c": TABLE + 'AP_INIT_TAKE1("AuthsvcNew",'},
     "does not start with AuthSvc"),
    ({"mod_authsvc/httpd/directives.c": "int x;\n"}, "has no directives"),
)

if __name__ == "__main__":
    sys.exit(guard.main(check, GOOD, BAD))
