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
            build.wait_until(lambda: standby.lag() < 1 << 16, 10, "the standby follows")
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
    rows = {row[0] for row in service.database.query("SELECT id FROM users")}
    gone = [email for when, its, email in load.ledger.users if its not in rows]
    assert gone, "the standby lacks what was acknowledged last"
    load.verdict(bites=READS, lost=(cut - 2, end))
