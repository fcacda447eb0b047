#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lines and branches that ran, for each folder of the core; fails below the least share."""
import argparse
import json
import subprocess
import sys

CORE = ("core", "crypto", "db", "repositories", "services", "api")


def measured(source, build):
    """gcovr's figures: a list of files."""
    done = subprocess.run(
        ["gcovr", "--root", source, "--object-directory", build, "--json",
         *(f"--filter={source}/mod_authsvc/{folder}/" for folder in CORE), build],
        check=True, stdout=subprocess.PIPE, text=True)
    return [(one["file"], one["lines"]) for one in json.loads(done.stdout)["files"]]


def figures(files):
    """(lines that ran, lines, branches taken, branches)."""
    lines = [line for _, found in files for line in found if not line.get("gcovr/noncode")]
    branches = [branch for line in lines for branch in line["branches"]]
    return (sum(line["count"] > 0 for line in lines), len(lines),
            sum(branch["count"] > 0 for branch in branches), len(branches))


def row(name, ran, lines, taken, branches):
    return (f"{name:14}{100 * ran / lines:6.1f} % of {lines:5} lines"
            f"{100 * taken / branches:8.1f} % of {branches:5} branches")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--least", type=float, required=True)
    parser.add_argument("--lines", action="store_true")
    parser.add_argument("source")
    parser.add_argument("build")
    args = parser.parse_args()
    files = measured(args.source, args.build)
    for folder in CORE:
        own = [one for one in files if one[0].startswith(f"mod_authsvc/{folder}/")]
        if not own or not any(figures(own)):
            sys.exit(f"{folder}/ was not measured")
        print(row(folder, *figures(own)))
        for name, found in own if args.lines else ():
            missed = [str(line["line_number"]) for line in found
                      if not line["count"] and not line.get("gcovr/noncode")]
            if missed:
                print(f"    {name}: {' '.join(missed)}")
    total = figures(files)
    print(row("all of it", *total), f"(at least {args.least:g} % of lines)")
    return 0 if 100 * total[0] / total[1] >= args.least else 1


if __name__ == "__main__":
    sys.exit(main())
