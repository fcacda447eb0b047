# SPDX-License-Identifier: Apache-2.0
"""No room: for PostgreSQL's tables, or for its log."""
import time

import pytest

from harness import build
from harness.disk import fill, small_disk
from mixed import Mixed
from test_postgresql import READS

pytestmark = pytest.mark.skipif(not build.IS_ROOT, reason="mounts a small file system")


def test_tables_full(cluster, make_documented, times):
    """What needs no new page goes on."""
    with small_disk(32, "postgres") as disk:
        cluster.psql("postgres", f"CREATE TABLESPACE small LOCATION '{disk}'")
        service = None
        try:
            service = make_documented(cluster)
            for table in ("users", "sessions"):
                service.database.query(f"ALTER TABLE {table} SET TABLESPACE small")
            with Mixed(service, "disk full (tables)") as load:
                with load.fault():
                    ballast = fill(disk)
                    time.sleep(times(5, 30))
                    ballast.unlink()
                load.recover()
            assert not load.seen("me", 503)
            load.verdict(bites=("login", "register"))
        finally:
            if service:
                for table in ("users", "sessions"):
                    service.database.query(f"ALTER TABLE {table} SET TABLESPACE pg_default")
            cluster.psql("postgres", "DROP TABLESPACE small")


def test_log_full(own_cluster, make_documented, times):
    """PostgreSQL panics when it cannot log, and has to be started when there is room again."""
    with small_disk(64, "postgres") as disk:
        cluster = own_cluster("min_wal_size = 32MB", "max_wal_size = 32MB", wal=disk / "wal")
        try:
            service = make_documented(cluster)
            with Mixed(service, "disk full (WAL)") as load:
                with load.fault():
                    ballast = fill(disk)
                    # as much again as fits into the segments that there are
                    for _ in range(6):
                        cluster.psql("postgres", "SELECT pg_switch_wal()", check=False)
                    time.sleep(times(5, 30))
                    ballast.unlink()
                    if not cluster.pids() or cluster.psql("postgres", "SELECT 1",
                                                          check=False) is None:
                        cluster.stop("immediate")
                        cluster.start()
                load.recover()
            load.verdict(bites=READS)
        finally:
            cluster.destroy()
