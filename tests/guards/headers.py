#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each public header compiles alone, and twice, without a warning."""
import shlex
import sys

import guard

WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wundef", "-Wstrict-prototypes", "-Werror"]


def apr_flags():
    flags = guard.make_variable("APR_CPPFLAGS")
    if flags:
        return shlex.split(flags)
    return shlex.split(guard.tool(["apr-1-config", "--cppflags", "--includes"]))


def check(root):
    findings = []
    command = [*guard.compiler(), *WARNINGS, *apr_flags(), f"-I{root}/include", "-fsyntax-only",
               "-x", "c", "-"]
    for path in guard.files(root, "include/**/*.h"):
        header = path.relative_to(root / "include").as_posix()
        include = f'#include "{header}"\n'
        done = guard.run(command, input=include + include + "typedef int authsvc_guard_t;\n")
        if done.returncode != 0:
            findings.append(f"include/{header} does not compile alone:\n{done.stdout}")
    return findings


GOOD = {"include/authsvc/core/a.h": "#ifndef A_H\n#define A_H\n#include <apr_pools.h>\n"
                                    "int a(apr_pool_t *pool);\nenum { A };\n#endif\n"}
BAD = (
    ({"include/authsvc/core/b.h": "int b(apr_pool_t *pool);\n"}, "b.h does not compile alone"),
    ({"include/authsvc/core/c.h": "enum { C };\n"}, "c.h does not compile alone"),
    ({"include/authsvc/core/d.h": "#ifndef D_H\n#define D_H\nint d();\n#endif\n"}, "d.h"),
)

if __name__ == "__main__":
    sys.exit(guard.main(check, GOOD, BAD))
