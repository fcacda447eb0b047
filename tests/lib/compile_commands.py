#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
compile_commands.py BUILD [SOURCE...]: write BUILD/compile_commands.json from the variables of
BUILD/Makefile; prints the sources. Those named are built by others, and get the core's flags.
"""
import json
import os
import re
import shlex
import subprocess
import sys

PROGRAMS = re.compile(r"^(\w+)_CPPFLAGS =", re.M)


def variables(build, names):
    """What make expands them to."""
    rules = "".join(f"$(info {name}=$({name}))\n" for name in names) + "nothing: ;\n"
    done = subprocess.run(["make", "-s", "-C", build, "-f", "Makefile", "-f", "-", "nothing"],
                          input=rules, stdout=subprocess.PIPE, text=True, check=True)
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def main(build, alone):
    with open(os.path.join(build, "Makefile"), encoding="utf-8") as makefile:
        programs = PROGRAMS.findall(makefile.read())
    found = variables(build, ["abs_top_srcdir", "DEFS", "DEFAULT_INCLUDES", *(
        f"{program}_{what}" for program in programs for what in ("SOURCES", "CPPFLAGS"))])
    entries = {}

    def add(source, flags):
        path = os.path.join(found["abs_top_srcdir"], source)
        entries.setdefault(path, {"directory": build, "file": path,
                                  "arguments": ["cc", *flags, "-std=c11", "-c", path]})

    for program in programs:
        # the system's own headers are not to be analysed
        flags = [flag for flag in shlex.split(" ".join(
            (found["DEFS"], found["DEFAULT_INCLUDES"], found[f"{program}_CPPFLAGS"])))
                 if flag != "-I/usr/include"]
        for source in found[f"{program}_SOURCES"].split():
            if source.endswith(".c"):
                add(source, flags)
        if program == "libauthsvc_core_la":
            for source in alone:
                add(source, flags)
    with open(os.path.join(build, "compile_commands.json"), "w", encoding="utf-8") as out:
        json.dump(list(entries.values()), out, indent=1)
    print("\n".join(entries))


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), sys.argv[2:])
