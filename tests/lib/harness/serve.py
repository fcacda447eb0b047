# SPDX-License-Identifier: Apache-2.0
"""
python3 -m harness.serve [--engine sqlite|postgresql] -- COMMAND: run a command while a service is
up; it finds the mount's URL in AUTHSVC_URL, and in AUTHSVC_LIMITED the name of a header field that
makes it meet rate limits.
"""
import argparse
import os
import subprocess
import sys

from . import databases
from .service import Service

LIMITED = "X-Limited"  # requests with this field are limited, to one an account and session


def main():
    parser = argparse.ArgumentParser(prog="harness.serve")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    engine = databases.SqliteEngine() if options.engine == "sqlite" else databases.Postgres()
    try:
        service = Service(engine, limits=True, extra=[
            *(f"AuthSvcRateLimit {limit}" for limit in (
                "login 1/1h account", "register 1/1h account", "refresh 1/1h session",
                "api 1/1h account")),
            f'AuthSvcRateLimitExempt "expr=-z %{{HTTP:{LIMITED}}}"'])
        try:
            done = subprocess.run(options.command, check=False,
                                  env=dict(os.environ, AUTHSVC_URL=service.issuer,
                                           AUTHSVC_LIMITED=LIMITED))
        finally:
            service.destroy()
    finally:
        engine.destroy()
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
