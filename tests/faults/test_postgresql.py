# SPDX-License-Identifier: Apache-2.0
"""One fault of PostgreSQL at a time, under the mixed load."""
import time

import pytest

from harness.hogs import Hogs
from mixed import Mixed

READS, WRITES = ("login", "me"), ("login", "register", "refresh", "rename")


LONG = pytest.mark.long


@pytest.mark.parametrize("mode", ["fast", pytest.param("immediate", marks=LONG)])
def test_restart(pg, cluster, times, mode):
    with Mixed(pg, f"{mode} restart") as load:
        with load.fault():
            for n in range(times(1, 5)):
                time.sleep(1.5 * (n > 0))
                cluster.restart(mode)
        load.recover()
    load.verdict(bites=READS)


def test_stopped(pg, cluster, times):
    with Mixed(pg, f"immediate stop for {times(10, 60)} s") as load:
        with load.fault():
            cluster.stop("immediate")
            time.sleep(times(10, 60))
            cluster.start()
        load.recover()
    load.verdict(bites=(*READS, *WRITES))


def test_killed_backends(pg, cluster, times):
    mark = pg.httpd.mark()
    with Mixed(pg, "all backends killed each second") as load:
        with load.fault():
            for _ in range(times(5, 60)):
                cluster.terminate_backends(pg.database)
                time.sleep(1)
        load.recover()
    assert len(pg.httpd.log_since(mark, "AS0104")) >= 5, "connections were opened anew"
    load.verdict()


def test_frozen(pg, cluster, times):
    with Mixed(pg, f"SIGSTOP for {times(15, 60)} s") as load:
        with load.fault():
            cluster.freeze()
            time.sleep(times(15, 60))
            cluster.thaw()
        load.recover()
    load.verdict(bites=(*READS, *WRITES))


def test_row_lock(pg, times):
    """A lock on some user's row is nobody else's trouble, and no reader's."""
    with Mixed(pg, "lock on the user's row") as load:
        other, mine = load.clients[0], load.clients[1]
        session = pg.database.session()
        with load.fault():
            session.run("BEGIN")
            session.run(f"SELECT 1 FROM users WHERE email = '{mine.email}' FOR UPDATE")
            time.sleep(times(7, 30))
            session.run("ROLLBACK")
        load.recover()
        session.close()
    assert other.statuses() == {200}
    assert mine.statuses() == {200, 503}
    assert not load.seen("me", 503) and not load.seen("register", 503)
    load.verdict(bites=("login",))


def test_table_lock(pg, times):
    with Mixed(pg, "lock on the table of users") as load:
        session = pg.database.session()
        with load.fault():
            session.run("BEGIN")
            session.run("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
            time.sleep(times(7, 30))
            session.run("ROLLBACK")
        load.recover()
        session.close()
    load.verdict(bites=(*READS, *WRITES))


@pytest.mark.parametrize("what, away, back, bites", [
    ("table of users missing", "ALTER TABLE users RENAME TO users_away",
     "ALTER TABLE users_away RENAME TO users", (*READS, *WRITES)),
    pytest.param("table of sessions missing", "ALTER TABLE sessions RENAME TO sessions_away",
                 "ALTER TABLE sessions_away RENAME TO sessions", (*READS, *WRITES), marks=LONG),
    ("column missing", "ALTER TABLE sessions RENAME COLUMN rotated_at TO away",
     "ALTER TABLE sessions RENAME COLUMN away TO rotated_at", ("me", "refresh", "rename")),
], ids=["users", "sessions", "column"])
def test_missing(pg, times, what, away, back, bites):
    with Mixed(pg, what) as load:
        with load.fault():
            pg.database.query(away)
            time.sleep(times(3, 20))
            pg.database.query(back)
        load.recover()
    load.verdict(bites=bites)


def test_read_only(pg, cluster, times):
    """Who only reads goes on."""
    with Mixed(pg, "read-only") as load:
        with load.fault():
            cluster.configure("default_transaction_read_only = on")
            time.sleep(times(3, 20))
            cluster.configure("default_transaction_read_only = off")
        load.recover()
    assert not load.seen("me", 503)
    load.verdict(bites=WRITES)


def test_connections_used_up(own_cluster, make_documented, times):
    """Others take every connection that the server has."""
    cluster = own_cluster("max_connections = 30")
    service = make_documented(cluster)
    with Mixed(service, "max_connections used up") as load:
        hogs = Hogs(cluster, service.database)
        with load.fault():
            hogs.start()
            time.sleep(times(5, 30))
            hogs.stop()
        load.recover()
    assert hogs.most >= 20
    load.verdict(bites=READS)
