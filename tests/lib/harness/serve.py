# SPDX-License-Identifier: Apache-2.0
"""
python3 -m harness.serve [--engine sqlite|postgresql] -- COMMAND: run a command while a service is
up; it finds the mount's URL in AUTHSVC_URL.
"""
import argparse
import os
import subprocess
import sys

from . import databases
from .service import Service


def main():
    parser = argparse.ArgumentParser(prog="harness.serve")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    engine = databases.SqliteEngine() if options.engine == "sqlite" else databases.Postgres()
    try:
        service = Service(engine)
        try:
            done = subprocess.run(options.command, check=False,
                                  env=dict(os.environ, AUTHSVC_URL=service.issuer))
        finally:
            service.destroy()
    finally:
        engine.destroy()
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
