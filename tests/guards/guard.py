# SPDX-License-Identifier: Apache-2.0
"""
What all guards share.

A guard is a function check(root) that gives a list of findings for the tree below root. Before it
looks at the real tree it must prove itself on samples: files in a temporary directory, of which
each bad one must lead to a finding with a given text, and the good ones to none. A guard that
does not see a planted fault fails, whatever the tree is like.

`make check` gives srcdir; the build directory is where it runs.
"""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

SKIP = 77  # what automake takes for "skipped"

SOURCE = pathlib.Path(os.environ.get("srcdir") or
                      pathlib.Path(__file__).resolve().parents[2]).resolve()
BUILD = pathlib.Path.cwd()

LAYERS = ("core", "crypto", "db", "repositories", "services", "api", "httpd", "ctl")


def read(path):
    return path.read_text(encoding="utf-8")


def files(root, *patterns):
    """The files below root that match one of the glob patterns, in order."""
    found = {path for pattern in patterns for path in root.glob(pattern) if path.is_file()}
    return sorted(path for path in found if "node_modules" not in path.parts)


def name(path, root):
    return path.relative_to(root).as_posix()


_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    """C text with its comments blanked; every line stays where it was."""
    return _TOKEN.sub(lambda m: _blank(m[0]) if m[0][0] == "/" else m[0], text)


def code_only(text):
    """C text with its comments and the insides of its literals blanked."""
    def blank(match):
        token = match[0]
        return _blank(token) if token[0] == "/" else token[0] + _blank(token[1:-1]) + token[-1]
    return _TOKEN.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def make_variable(variable, default=""):
    """A variable's value in the build directory's Makefile."""
    makefile = BUILD / "Makefile"
    if makefile.is_file():
        match = re.search(rf"^{variable} = ((?:.*\\\n)*.*)$", read(makefile), re.M)
        if match:
            return match[1].replace("\\\n", " ").strip()
    return default


def compiler():
    return shlex.split(make_variable("CC", os.environ.get("CC", "cc")))


def instrumented():
    """Whether this build carries sanitizers or coverage, which add symbols of their own."""
    flags = make_variable("AUTHSVC_CFLAGS") + make_variable("CFLAGS")
    return "-fsanitize" in flags or "--coverage" in flags or "-fprofile" in flags


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)


def tool(command):
    """The output of a command that must succeed."""
    done = run(command)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: {done.stdout}")
    return done.stdout


def _sample_findings(check, sample):
    root = pathlib.Path(tempfile.mkdtemp(prefix="authsvc-guard-"))
    try:
        for path, content in sample.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8")
        return check(root)
    finally:
        shutil.rmtree(root)


def self_test(check, good, bad):
    """
    @param good a sample {path: text} without a fault
    @param bad (files that replace or join the good sample's, a text the findings must contain)
    """
    problems = []
    findings = _sample_findings(check, good)
    if findings:
        problems.append(f"finds faults in the good sample: {findings}")
    for change, expected in bad:
        sample = {**good, **change}
        sample = {path: text for path, text in sample.items() if text is not None}
        findings = _sample_findings(check, sample)
        if not any(expected in finding for finding in findings):
            problems.append(f"does not see \"{expected}\" in a sample that has it; "
                            f"it found {findings}")
    return problems


def main(check, good, bad, tree=None, skip=None):
    """
    Self-test, then the tree.
    @param tree where to look; the source directory by default
    @param skip why the tree cannot be looked at, or None
    """
    broken = self_test(check, good, bad)
    for problem in broken:
        print(f"this guard is broken: {problem}")
    if broken:
        return 1
    if skip:
        print(f"self-test passed ({len(bad)} planted faults seen); skipped: {skip}")
        return SKIP
    findings = check(tree or SOURCE)
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings; {len(bad)} planted faults seen in the self-test")
    return 1 if findings else 0
