#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No mutable data with static storage outside httpd/: the core's objects have none."""
import pathlib
import re
import subprocess
import sys
import tempfile

import guard

SYMBOL = re.compile(r"^\s*\d+:\s+[0-9a-f]+\s+\S+\s+(OBJECT|TLS|COMMON)\s+\w+\s+\w+\s+(\S+)\s+(\S+)")
SECTION = re.compile(r"^\s*\[\s*(\d+)\]\s+(\S+)")


def check_object(path, root):
    sections = {match[1]: match[2]
                for match in map(SECTION.match,
                                 guard.tool(["readelf", "-SW", path]).splitlines()) if match}
    findings = []
    for line in guard.tool(["readelf", "-sW", path]).splitlines():
        match = SYMBOL.match(line)
        if not match:
            continue
        section = "COMMON" if match[2] == "COM" else sections.get(match[2], "")
        # .data.rel.ro is constant once the loader has put the addresses in.
        if re.match(r"(COMMON|\.t?bss|\.t?data)", section) and ".rel.ro" not in section:
            findings.append(f"{guard.name(path, root)}: {match[3]} is mutable ({section})")
    return findings


def check(root):
    findings = []
    objects = 0
    for layer in guard.LAYERS:
        if layer not in ("httpd", "ctl"):
            for path in guard.files(root, f"mod_authsvc/{layer}/.libs/*.o"):
                objects += 1
                findings += check_object(path, root)
    if not objects:
        findings.append("no built objects were found")
    return sorted(set(findings))


SAMPLES = (
    ('static const char *const names[] = {"a"}; const char *f(int i) { return names[i]; }', None),
    ("static const int table[] = {1, 2}; int f(int i) { return table[i]; }", None),
    ("static int counter; int f(void) { return ++counter; }", "counter"),
    ("static int counter = 7; int f(void) { return ++counter; }", "counter"),
    ("int f(void) { static int counter; return ++counter; }", "counter"),
    ("int shared; int f(void) { return shared; }", "shared"),
    ('static const char *names[] = {"a"}; const char **f(void) { return names; }', "names"),
    ("static _Thread_local int mine; int f(void) { return ++mine; }", "mine"),
)


def self_test():
    problems = []
    for text, expected in SAMPLES:
        with tempfile.TemporaryDirectory(prefix="authsvc-guard-") as directory:
            root = pathlib.Path(directory)
            target = root / "mod_authsvc" / "core" / ".libs" / "x.o"
            target.parent.mkdir(parents=True)
            (root / "x.c").write_text(text + "\n", encoding="utf-8")
            subprocess.run([*guard.compiler(), "-O2", "-fPIC", "-c", "-o", target, root / "x.c"],
                           check=True)
            findings = check(root)
        if bool(findings) != bool(expected) or (expected and expected not in findings[0]):
            problems.append(f"for \"{text}\" it found {findings}")
    return problems


def main():
    broken = self_test()
    for problem in broken:
        print(f"this guard is broken: {problem}")
    if broken:
        return 1
    if guard.instrumented():
        print("self-test passed; skipped: sanitizers and coverage bring data of their own")
        return guard.SKIP
    findings = check(guard.BUILD)
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings; {len(SAMPLES)} samples in the self-test")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
