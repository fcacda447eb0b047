#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The shared object: it exports its module record and nothing else, and it is hardened."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import guard


def check_object(path):
    findings = []
    exports = [line.split()[-1].split("@")[0]
               for line in guard.tool(["nm", "-D", "--defined-only", path]).splitlines()]
    if sorted(exports) != ["authsvc_module"]:
        findings.append(f"exports {sorted(exports)}, not authsvc_module alone")
    dynamic = guard.tool(["readelf", "-dW", path])
    if not re.search(r"\(BIND_NOW\)|\(FLAGS\).*BIND_NOW|\(FLAGS_1\).*\bNOW\b", dynamic):
        findings.append("no BIND_NOW")
    if re.search(r"\(TEXTREL\)", dynamic):
        findings.append("text relocations")
    if re.search(r"\((RPATH|RUNPATH)\)", dynamic):
        findings.append("carries a library path of the build machine")
    segments = guard.tool(["readelf", "-lW", path])
    if "GNU_RELRO" not in segments:
        findings.append("no RELRO")
    stack = re.search(r"GNU_STACK.*", segments)
    if not stack or re.search(r"\bRWE\b", stack[0]):
        findings.append("executable stack")
    wanted = guard.tool(["nm", "-D", "--undefined-only", path])
    if "__stack_chk_fail" not in wanted:
        findings.append("no stack protector")
    if os.environ.get("AUTHSVC_GUARD_FORTIFY") == "1" and not re.search(r"__\w+_chk\b",
            wanted.replace("__stack_chk_fail", "")):
        findings.append("not built with _FORTIFY_SOURCE")
    return [f"{path.name}: {finding}" for finding in findings]


def check(root):
    objects = guard.files(root, ".libs/*authsvc*.so")  # builds may lie in one another
    if not objects:
        return ["no built module was found"]
    return [finding for path in objects for finding in check_object(path)]


# The samples are built here rather than given as text, so this guard brings its own self-test.
SAMPLE = """
#include <string.h>
int leaf(char *);
__attribute__((visibility("default"))) int authsvc_module;
EXTRA
int work(const char *text);
int work(const char *text) { char room[64]; strncpy(room, text, 60); return leaf(room); }
"""
HARD = ["-shared", "-fPIC", "-O2", "-fvisibility=hidden", "-fstack-protector-strong",
        "-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack"]
BAD = (
    (HARD, "int other;", None),
    ([*HARD[:3], *HARD[4:]], "", "exports"),
    (HARD, '__attribute__((visibility("default"))) int other;', "exports"),
    ([*HARD, "-fno-stack-protector"], "", "no stack protector"),
    ([*HARD, "-Wl,-z,lazy"], "", "no BIND_NOW"),
    ([*HARD, "-Wl,-z,norelro"], "", "no RELRO"),
    ([*HARD, "-Wl,-z,execstack"], "", "executable stack"),
    ([*HARD, "-Wl,-rpath,/nowhere"], "", "library path"),
)


def self_test():
    problems = []
    for flags, extra, expected in BAD:
        with tempfile.TemporaryDirectory(prefix="authsvc-guard-") as directory:
            root = pathlib.Path(directory)
            target = root / ".libs" / "mod_authsvc.so"
            target.parent.mkdir()
            (root / "x.c").write_text(SAMPLE.replace("EXTRA", extra), encoding="utf-8")
            subprocess.run([*guard.compiler(), *flags, "-o", target, root / "x.c"], check=True)
            findings = check(root)
        if expected is None and findings:
            problems.append(f"finds faults in a good object: {findings}")
        elif expected and not any(expected in finding for finding in findings):
            problems.append(f"does not see \"{expected}\"; it found {findings}")
    with tempfile.TemporaryDirectory(prefix="authsvc-guard-") as directory:
        if not check(pathlib.Path(directory)):
            problems.append("is content without any module")
    return problems


def main():
    broken = self_test()
    for problem in broken:
        print(f"this guard is broken: {problem}")
    if broken:
        return 1
    if guard.instrumented():
        print("self-test passed; skipped: sanitizers and coverage bring symbols of their own")
        return guard.SKIP
    if "_FORTIFY_SOURCE" in guard.make_variable("AUTHSVC_CPPFLAGS"):
        os.environ["AUTHSVC_GUARD_FORTIFY"] = "1"
    findings = check(guard.BUILD)
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings; {len(BAD)} sample objects in the self-test")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
