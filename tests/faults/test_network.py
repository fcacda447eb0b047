# SPDX-License-Identifier: Apache-2.0
"""What stands between httpd and PostgreSQL: the network, by a proxy that cuts where it hurts."""
import time

import pytest

from harness import build
from harness.proxy import PgProxy
from mixed import Mixed
from test_postgresql import READS, WRITES


@pytest.fixture
def proxy(cluster):
    made = PgProxy(("127.0.0.1", cluster.port))
    yield made
    made.close()


@pytest.fixture
def far(cluster, proxy, make_documented):
    """A service that reaches PostgreSQL through the proxy."""
    return make_documented(cluster, port=proxy.port)


def test_resets(far, proxy, times):
    hit = 0
    with Mixed(far, "connections reset") as load:
        with load.fault():
            for _ in range(times(10, 100)):
                hit += proxy.reset()
                time.sleep(0.4)
        load.recover()
    assert hit >= 10
    load.verdict()


def test_refused(far, proxy, times):
    with Mixed(far, "connections refused") as load:
        with load.fault():
            proxy.refuses = True
            proxy.reset()
            time.sleep(times(4, 30))
            proxy.refuses = False
        load.recover()
    load.verdict(bites=(*READS, *WRITES))


@pytest.mark.parametrize("goes_on", [True, False], ids=["goes-on", "is-dead"])
def test_black_hole(far, proxy, times, goes_on):
    """Afterwards the old connections go on where they stood, or are found dead."""
    with Mixed(far, "black hole" if goes_on else "black hole, then all reset") as load:
        with load.fault():
            proxy.black_hole = True
            time.sleep(times(8, 30))  # 3 s of it pass before the first 503
            if not goes_on:
                proxy.reset()
            proxy.black_hole = False
        load.recover()
    load.verdict(bites=(*READS, *WRITES))


def test_cut_after_commit(far, proxy, times):
    """The row is there, and nobody was told: 503, then a 409 that the row proves right."""
    with Mixed(far, "cut between COMMIT and its answer") as load:
        with load.fault():
            proxy.cut = "after commit"
            time.sleep(times(3, 30))
            proxy.cut = None
        load.recover()
    assert proxy.counted >= 5
    assert load.ledger.counts()["compared"] >= 3
    load.verdict(bites=("register",))


def test_cut_before_commit(far, proxy, times):
    """Nothing was committed: 503, and the same request works then."""
    with Mixed(far, "cut before COMMIT arrives") as load:
        with load.fault():
            proxy.cut = "before commit"
            time.sleep(times(3, 30))
            proxy.cut = None
        load.recover()
    assert proxy.counted >= 5
    assert load.ledger.counts()["compared"] == 0
    load.verdict(bites=("register",))


def test_lost_answers(far, proxy, times):
    """Statements that commit by themselves, too: a rotation whose answer is lost ends no chain."""
    with Mixed(far, "every third answer lost") as load:
        with load.fault():
            proxy.cut = "answers"
            time.sleep(times(6, 60))
            proxy.cut = None
        load.recover()
    assert proxy.counted >= 10
    load.verdict(bites=("login", "refresh", "rename"))


def test_discard_all(far, proxy, times):
    """A pooler that forgets what was prepared."""
    with Mixed(far, "DISCARD ALL on pooled connections") as load:
        with load.fault():
            for _ in range(times(10, 100)):
                proxy.discards += 1
                time.sleep(0.3)
        load.recover()
    assert proxy.counted >= 10
    load.verdict()


def exchanged_in_vain(far, proxy):
    """A refresh token whose exchange was done, and not answered; now its grace is over."""
    for _ in range(30):  # a connection that is new has other questions first
        build.wait_until(lambda: far.api.get("/health/ready").status_code == 200, 10, "it recovers")
        token = far.api.new_user()["refresh_token"]
        proxy.answers, proxy.cut = 2, "answers"  # the third is lost
        status = far.api.refresh(token, check=False).status_code
        proxy.cut = None
        if status == 503 and far.database.query(
                "SELECT counter FROM sessions ORDER BY created_at DESC LIMIT 1") == [("1",)]:
            time.sleep(1.5)
            return token
    raise AssertionError("no exchange lost its answer")


def test_an_outage_longer_than_the_grace(cluster, proxy, make_documented):
    """Whoever has the token when it is over is no thief."""
    far = make_documented(cluster, port=proxy.port, extra=["AuthSvcRefreshGrace 1s"])
    first = exchanged_in_vain(far, proxy)
    second = far.api.refresh(first).json()["refresh_token"]
    assert second != first
    time.sleep(1.5)
    assert far.api.refresh(second).json()["refresh_token"] not in (first, second)


def test_an_exchange_that_is_done_when_the_outage_ends(cluster, make_documented):
    """It was sent to a database that stood still, and is done long after it was given up."""
    service = make_documented(cluster, extra=["AuthSvcRefreshGrace 1s"])
    counter = "SELECT counter FROM sessions ORDER BY created_at DESC LIMIT 1 OFFSET 1"
    for _ in range(10):  # a connection that is new has other questions first
        token, other = (service.api.new_user()["refresh_token"] for _ in range(2))
        service.api.refresh(other)
        cluster.freeze()
        status = service.api.refresh(token, check=False).status_code
        cluster.thaw()
        time.sleep(2)
        assert status == 503
        if service.database.query(counter) == [("1",)]:
            break
    assert service.database.query(counter) == [("1",)], "it was done"
    assert service.api.refresh(token).json()["refresh_token"] != token
