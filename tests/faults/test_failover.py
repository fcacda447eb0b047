# SPDX-License-Identifier: Apache-2.0
"""A standby takes over that lacks what the primary acknowledged last."""
import time

import pytest

from harness import build
from harness.proxy import PgProxy
from harness.standby import Standby
from mixed import Mixed
from test_postgresql import READS

AHEAD = 10  # chains that rotate in the second that is lost


@pytest.fixture
def pair(own_cluster):
    """(primary, standby, the line between them)"""
    primary = own_cluster()
    line = PgProxy(("127.0.0.1", primary.port))
    standby = Standby(primary, line.port)
    yield primary, standby, line
    standby.destroy()
    line.close()


def test_failover(pair, make_documented):
    primary, standby, line = pair
    proxy = PgProxy(("127.0.0.1", primary.port))
    try:
        service = make_documented(primary, port=proxy.port)
        fail_over(service, primary, standby, line, proxy)
    finally:
        proxy.close()


def fail_over(service, primary, standby, line, proxy):
    api = service.api
    mark = service.httpd.mark()
    email = api.new_user()["user"]["email"]
    tokens = [api.login(email).json()["refresh_token"] for _ in range(AHEAD)]
    with Mixed(service, "fail-over to a standby that lacks the last second") as load:
        with load.fault():
            # what was answered before this moment is on the standby, for certain
            since = time.monotonic()
            follow(primary, standby)
            line.black_hole = True
            cut = time.monotonic()
            ahead = [api.refresh(token).json()["refresh_token"] for token in tokens]
            time.sleep(1)
            primary.stop("immediate")
            end = time.monotonic()
            standby.promote()
            service.database.cluster = standby
            proxy.target = ("127.0.0.1", standby.port)
            proxy.reset()
        load.recover()
        answers = [api.refresh(token) for token in ahead]
    assert [a.status_code for a in answers] == [200] * AHEAD, "tokens ahead of their row go on"
    assert len(service.httpd.log_since(mark, "AS0214")) >= AHEAD, "and they were ahead"
    assert cut - since < 1, "the standby was close behind"
    load.verdict(bites=READS, lost=(since, end))
    lost_by_the_fail_over_alone(load, primary)


def follow(primary, standby):
    """Wait until the standby has all that was committed when this began."""
    here = primary.psql("postgres", "SELECT pg_current_wal_lsn()")[0][0]
    behind = f"SELECT pg_last_wal_replay_lsn() < '{here}'::pg_lsn"
    build.wait_until(lambda: standby.psql("postgres", behind) == [("f",)], 10,
                     "the standby follows")


def lost_by_the_fail_over_alone(load, primary):
    """
    The old primary, started again where nobody reaches it, still has each acknowledged row that the
    standby lacks: none was lost by anybody else.
    """
    primary.start()
    database = load.service.database
    for kept, table in ((load.ledger.users, "users"), (load.ledger.sessions, "sessions")):
        query = f"SELECT id FROM {table}"
        there = {row[0] for row in database.query(query)}
        then = {row[0] for row in primary.psql(database.name, query)}
        gone = {row[1] for row in kept} - there
        assert gone, "positive control: the standby lacks what was acknowledged last"
        assert gone <= then
    alive = {row[0] for row in database.query("SELECT id FROM sessions WHERE revoked_at IS NULL")}
    ended = {row[0] for row in primary.psql(
        database.name, "SELECT id FROM sessions WHERE revoked_at IS NOT NULL")}
    assert {its for _, its in load.ledger.revoked} & alive <= ended
