#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each test is run: Check tests are added to a case, suites to a main, files and programs to
Makefile.am, and no pytest function hides another of its name. Each fuzz target has a corpus."""
import re
import sys

import guard

START = re.compile(r"^\s*START_TEST\((\w+)\)", re.M)
ADDED = re.compile(r"\btcase_add_\w*test\w*\(\s*[^,]+,\s*(\w+)")
SUITE = re.compile(r"AUTHSVC_UNIT_SUITE\((\w+)\)\s*\{")
DECLARED = re.compile(r"AUTHSVC_UNIT_SUITE\(\w+\)")
PYTEST = re.compile(r"^(?:async )?def (test_\w+)\(", re.M)


def check_unit(root, makefile):
    findings = []
    for path in guard.files(root, "tests/unit/*/*.c"):
        relative = guard.name(path, root)
        text = guard.without_comments(guard.read(path))
        for test in sorted(set(START.findall(text)) - set(ADDED.findall(text))):
            findings.append(f"{relative}: {test} is never run: no tcase_add_test adds it")
        mains = "".join(DECLARED.sub("", guard.without_comments(guard.read(other)))
                        for other in guard.files(path.parent, "main.c"))
        for suite in SUITE.findall(text):
            if not re.search(rf"\b{suite}\b", mains):
                findings.append(f"{relative}: {suite} is run by no main.c beside it")
        if START.search(text) and not SUITE.search(text) and "Suite *" not in text \
                and "TCase *" not in text:
            findings.append(f"{relative}: has tests and no suite")
        if relative not in makefile.split():
            findings.append(f"{relative} is not in Makefile.am")
        program = f"tests/unit/{path.parent.name}/test_{path.parent.name}"
        for variable in ("check_PROGRAMS", "TESTS"):
            if not re.search(rf"^{variable} \+=(?:.*\\\n)*.*\s{program}(\s|$)", makefile, re.M):
                findings.append(f"Makefile.am: {program} is not in {variable}")
    return findings


def check_pytest(root):
    findings = []
    for path in [*guard.files(root, "tests/e2e/**/*.py"),
                 *guard.files(root, "tests/faults/**/*.py")]:
        tests = PYTEST.findall(guard.read(path))
        relative = guard.name(path, root)
        for test in sorted({test for test in tests if tests.count(test) > 1}):
            findings.append(f"{relative}: {test} is defined twice; the first is never run")
        if tests and not path.name.startswith("test_"):
            findings.append(f"{relative}: pytest does not look into it")
        if path.name.startswith("test_") and not tests and "    def test_" not in guard.read(path):
            findings.append(f"{relative}: has no test")
    return findings


def check_fuzz(root, makefile):
    findings = []
    match = re.search(r"^fuzz_programs =((?:.*\\\n)*.*)", makefile, re.M)
    listed = match[1].split() if match else []
    for path in guard.files(root, "tests/fuzz/fuzz_*.c"):
        program = guard.name(path, root).removesuffix(".c")
        if program not in listed:
            findings.append(f"Makefile.am: {program} is not in fuzz_programs")
        if not guard.files(root, f"tests/fuzz/corpus/{path.stem.removeprefix('fuzz_')}/*"):
            findings.append(f"{program} has no corpus")
    if listed and not re.search(r"^TESTS \+=.*\$\(fuzz_programs\)", makefile, re.M):
        findings.append("Makefile.am: $(fuzz_programs) is not in TESTS")
    return findings


def check(root):
    makefile = guard.read(root / "Makefile.am").replace("$(guards)", " $(guards) ")
    findings = check_unit(root, makefile) + check_pytest(root) + check_fuzz(root, makefile)
    match = re.search(r"^guards =((?:.*\\\n)*.*)", makefile, re.M)
    listed = match[1].replace("\\", " ").split() if match else []
    for path in guard.files(root, "tests/guards/*.py"):
        relative = guard.name(path, root)
        if path.name != "guard.py" and relative not in listed:
            findings.append(f"Makefile.am: {relative} is not in guards")
    for variable in ("TESTS", "EXTRA_DIST"):
        if not re.search(rf"^{variable} \+=.*\$\(guards\)", makefile, re.M):
            findings.append(f"Makefile.am: $(guards) is not in {variable}")
    return sorted(set(findings))


UNIT = """
START_TEST(one)
{
}
END_TEST
START_TEST(two)
{
}
END_TEST
AUTHSVC_UNIT_SUITE(suite_a)
{
    tcase_add_test(tcase, one);
    tcase_add_loop_test(tcase, two,
                        0, 3);
}
"""
MAKEFILE = """
check_PROGRAMS += tests/unit/core/test_core
TESTS += tests/unit/core/test_core
x_SOURCES = tests/unit/core/main.c \\
\ttests/unit/core/test_a.c
fuzz_programs = tests/fuzz/fuzz_a
TESTS += $(fuzz_programs)
guards = tests/guards/a.py \\
\ttests/guards/b.py
TESTS += $(guards)
EXTRA_DIST += $(guards) tests/guards/guard.py
"""
GOOD = {
    "Makefile.am": MAKEFILE,
    "tests/unit/core/test_a.c": UNIT,
    "tests/unit/core/main.c": "AUTHSVC_UNIT_SUITE(suite_a);\nAUTHSVC_UNIT_MAIN(suite_a)\n",
    "tests/fuzz/fuzz_a.c": "int x;\n", "tests/fuzz/corpus/a/1": "x",
    "tests/guards/guard.py": "", "tests/guards/a.py": "", "tests/guards/b.py": "",
    "tests/e2e/test_x.py": "def test_a():\n    pass\n\n\ndef test_b(x):\n    pass\n",
    "tests/e2e/conftest.py": "def helper():\n    pass\n",
}
BAD = (
    ({"tests/unit/core/test_a.c": UNIT.replace("tcase_add_test(tcase, one);", "")},
     "one is never run"),
    ({"tests/unit/core/test_a.c": UNIT.replace("tcase_add_test(tcase, one);",
                                               "/* tcase_add_test(tcase, one); */")},
     "one is never run"),
    ({"tests/unit/core/main.c": "AUTHSVC_UNIT_SUITE(suite_a);\nAUTHSVC_UNIT_MAIN(suite_b)\n"},
     "suite_a is run by no main.c"),
    ({"tests/unit/core/main.c": None}, "suite_a is run by no main.c"),
    ({"tests/unit/core/test_b.c": "int x;\n"}, "test_b.c is not in Makefile.am"),
    ({"tests/unit/db/main.c": "int x;\n"}, "tests/unit/db/test_db is not in TESTS"),
    ({"Makefile.am": MAKEFILE.replace("\ntest", "\ncheck_")
                             .replace("check_PROGRAMS += tests/unit/core/test_core", "")},
     "is not in check_PROGRAMS"),
    ({"tests/guards/c.py": ""}, "tests/guards/c.py is not in guards"),
    ({"Makefile.am": MAKEFILE.replace("TESTS += $(guards)", "")}, "$(guards) is not in TESTS"),
    ({"tests/fuzz/fuzz_b.c": "int x;\n"}, "tests/fuzz/fuzz_b is not in fuzz_programs"),
    ({"tests/fuzz/corpus/a/1": None}, "tests/fuzz/fuzz_a has no corpus"),
    ({"Makefile.am": MAKEFILE.replace("TESTS += $(fuzz_programs)", "")},
     "$(fuzz_programs) is not in TESTS"),
    ({"tests/e2e/test_x.py": "def test_a():\n    pass\n\n\ndef test_a():\n    pass\n"},
     "test_a is defined twice"),
    ({"tests/e2e/more.py": "def test_a():\n    pass\n"}, "pytest does not look into it"),
    ({"tests/faults/more.py": "def test_a():\n    pass\n"}, "pytest does not look into it"),
    ({"tests/e2e/test_y.py": "x = 1\n"}, "has no test"),
)

if __name__ == "__main__":
    sys.exit(guard.main(check, GOOD, BAD))
