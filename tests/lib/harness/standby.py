# SPDX-License-Identifier: Apache-2.0
"""A hot standby that follows a primary by streaming."""
import subprocess

from . import build
from .build import PG_BIN
from .databases import Postgres, as_postgres


class Standby(Postgres):
    """
    primary: the Postgres that it follows. port: where it finds it, which may be a proxy's.
    """

    def __init__(self, primary, port):
        self.primary = primary
        self.primary_port = port
        super().__init__(["hot_standby = on"])

    def _create(self):
        subprocess.run(as_postgres(PG_BIN / "pg_basebackup", "-D", self.data, "-X", "stream", "-c",
                                   "fast", "-R", "-d",
                                   f"host=127.0.0.1 port={self.primary_port} user=postgres"),
                       check=True, capture_output=True, cwd="/")

    def promote(self):
        subprocess.run(as_postgres(PG_BIN / "pg_ctl", "-D", self.data, "-w", "-t", "30",
                                   "promote"), check=True, capture_output=True, cwd="/")
        build.wait_until(lambda: self.psql("postgres", "SELECT pg_is_in_recovery()") == [("f",)],
                         10, "the standby is promoted")
