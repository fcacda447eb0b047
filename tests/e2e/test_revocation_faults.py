# SPDX-License-Identifier: Apache-2.0
"""Revocations while children, PostgreSQL and clocks fail: late or refused, never forgotten."""
import os
import re
import signal
import time
from pathlib import Path

import pytest

from guarded import make_site
from harness import build
from harness.databases import Postgres
from harness.httpd import FAULTS
from harness.service import Service
from harness.tokens import parts
from nodes import LINES, Nodes, seen_after, settle, visit

ENGINES = ["postgresql"]
WITHIN = 1.0
# A child looks every 300 ms whether the one that followed is gone; the killing takes time, too.
TAKEN_OVER = 1.5
CHILDREN = {
    "threads": ["ServerLimit 8", "StartServers 3", "ThreadLimit 16", "ThreadsPerChild 16",
                "MaxRequestWorkers 128", "MinSpareThreads 32", "MaxSpareThreads 128"],
    "prefork": ["ServerLimit 8", "StartServers 3", "MinSpareServers 3", "MaxSpareServers 4",
                "MaxRequestWorkers 8"],
}
LOST = r"\[authsvc:warn\].* AS0600"


def log_out(node, grant):
    assert node.api.logout(grant["refresh_token"]).status_code == 204


def hurt(engine):
    """Nodes of which nobody minds what they say of their database."""
    made = Nodes(engine)
    yield made
    made.a.httpd.allow(LOST)
    made.b.httpd.allow(LOST)
    for fault in FAULTS:
        made.a.httpd.allow(fault)
        made.b.httpd.allow(fault)
    made.destroy()


@pytest.fixture
def apart(engine):
    """For tests that hurt the database."""
    yield from hurt(engine)


@pytest.fixture
def cluster():
    """Small, so that it is back soon: after a crash PostgreSQL syncs every file it has."""
    made = Postgres()
    yield made
    made.destroy()


@pytest.fixture
def on_cluster(cluster):
    yield from hurt(cluster)


@pytest.mark.alone
def test_the_child_that_follows_is_killed(engine, figure):
    """Each of those that were there in the beginning is killed; one of them was it."""
    # Long: only a look makes the node see it, no set that became stale meanwhile.
    nodes = Nodes(engine, ["AuthSvcRevocationMaxStale 60s"],
                  tuning=CHILDREN["prefork" if build.MPM == "prefork" else "threads"])
    try:
        nodes.a.httpd.allow(r"AH00052: child pid \d+ exit signal Killed")
        children = nodes.a.httpd.children()
        assert len(children) >= 3
        for pid in children:
            grant = nodes.b.api.new_user()
            assert visit(nodes.a, grant["access_token"]) == 200
            nodes.a.api.client.close()
            nodes.a.api = nodes.a.new_api()
            os.kill(pid, signal.SIGKILL)
            log_out(nodes.b, grant)
            took = seen_after(nodes.a, grant["access_token"])
            figure(f"{took:.3f} s")
            assert took < TAKEN_OVER, "another one took over"
            other = nodes.b.api.new_user()
            assert visit(nodes.a, other["access_token"]) == 200
            log_out(nodes.b, other)
            assert seen_after(nodes.a, other["access_token"]) < WITHIN
    finally:
        nodes.destroy()


@pytest.mark.usefixtures("engine")
def test_postgresql_restarts(on_cluster, cluster):
    apart = on_cluster
    grant, kept = apart.a.api.new_user(), apart.a.api.new_user()
    cluster.restart("immediate")
    build.wait_until(lambda: apart.a.api.logout(grant["refresh_token"]).status_code == 204, 20,
                     "a logout succeeds")
    assert visit(apart.a, grant["access_token"]) == 401
    # What took longer to come back than a set may be old is refused with 503, not believed.
    assert seen_after(apart.b, grant["access_token"], undecided=(200, 503)) < 5
    settle(apart.b)
    assert visit(apart.b, kept["access_token"]) == 200
    log_out(apart.a, kept)
    assert seen_after(apart.b, kept["access_token"]) < WITHIN


def test_expired_entries_cannot_be_removed(apart):
    """Revocations are followed all the same, and nothing else is claimed."""
    apart.b.httpd.stop()
    apart.database.query(f"REVOKE DELETE ON revocations FROM {apart.database.role}")
    apart.b.httpd.allow(r"\[authsvc:warn\].* AS0606", r"permission denied for table revocations")
    mark = len(apart.b.httpd.log_text())
    apart.b.httpd.start()
    settle(apart.b)
    for _ in range(3):
        grant = apart.a.api.new_user()
        assert visit(apart.b, grant["access_token"]) == 200
        log_out(apart.a, grant)
        assert seen_after(apart.b, grant["access_token"]) < WITHIN
    time.sleep(1)
    lines = apart.b.httpd.log_text()[mark:].splitlines()
    assert not [line for line in lines if "AS0600" in line]
    assert len([line for line in lines if "AS0606" in line]) == 1, "said once a minute"


def test_stale_means_asking_and_then_closed(apart):
    """For AuthSvcRevocationMaxStale tokens are believed, then the database decides, or 503."""
    grant, ended = apart.a.api.new_user(), apart.a.api.new_user()
    log_out(apart.a, ended)
    assert seen_after(apart.b, ended["access_token"]) < WITHIN
    apart.database.block()
    start = time.monotonic()
    try:
        assert visit(apart.b, grant["access_token"]) == 200, "believed at first"
        build.wait_until(lambda: visit(apart.b, grant["access_token"]) == 503, 10, "closed")
        assert time.monotonic() - start > 2, "the database was not asked before"
        for _ in range(10):
            assert visit(apart.b, grant["access_token"]) == 503
            assert visit(apart.b, ended["access_token"]) == 401, "what is known stays known"
            time.sleep(0.1)
    finally:
        apart.database.unblock()
    build.wait_until(lambda: visit(apart.b, grant["access_token"]) == 200, 10, "open again")
    assert visit(apart.b, ended["access_token"]) == 401
    lines = re.findall(LOST, apart.b.httpd.log_text())
    assert len(lines) == 1, "said once"
    settle(apart.b)
    assert "AS0601" in apart.b.httpd.log_text()


def test_a_child_stops_while_the_database_is_frozen(apart, engine):
    engine.freeze()
    try:
        time.sleep(1)
        start = time.monotonic()
        apart.b.httpd.stop()
        assert time.monotonic() - start < 10
    finally:
        engine.thaw()
    apart.b.httpd.start()
    settle(apart.b)


@pytest.mark.alone
def test_a_child_ends_after_its_look(engine, figure):
    """What the thread that follows uses is not taken away under it. With prefork, where nothing
    else waits for what is leased."""
    site = make_site(lambda **more: Service(engine, mpm="prefork", loglevel="info authsvc:debug",
                                            **more), *LINES)
    locked = site.database.session()
    try:
        settle(site)
        pid = re.findall(r"\[pid (\d+)[^]]*\] .*AS0605", site.httpd.log_text())[-1]
        locked.run("BEGIN; LOCK TABLE revocations IN ACCESS EXCLUSIVE MODE")
        build.wait_until(lambda: locked.run(
            "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'revocations'::regclass"), 5,
            "a look waits")
        start = time.monotonic()
        os.kill(int(pid), signal.SIGTERM)
        build.wait_until(lambda: not os.path.exists(f"/proc/{pid}/exe"), 10, "the child ended")
        took = time.monotonic() - start
        figure(f"{took:.3f} s")
        assert 1 < took < 4
        locked.run("ROLLBACK")
        settle(site)
    finally:
        locked.close()
        site.httpd.allow(LOST)
        for fault in FAULTS:
            site.httpd.allow(fault)
        site.destroy()


def blocked(status):
    """The signals a thread blocks."""
    mask = int(re.search(r"SigBlk:\s*(\w+)", status.read_text())[1], 16)
    return {number for number in signal.Signals if mask >> number - 1 & 1}


def test_signals_go_to_the_main_thread(engine):
    """With prefork it holds them off while it uses a connection, and httpd blocks them in others."""
    ending = {signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1}
    site = make_site(lambda **more: Service(engine, mpm="prefork", **more), *LINES)
    try:
        settle(site)
        children = site.httpd.children()
        assert len(children) > 1
        for pid in children:
            tasks = Path(f"/proc/{pid}/task")
            threads = {int(path.name): path / "status" for path in tasks.iterdir()}
            assert len(threads) > 1
            assert not blocked(threads.pop(pid)) & ending
            for status in threads.values():
                assert blocked(status) >= ending
    finally:
        site.destroy()


@pytest.mark.parametrize("hours", [1, -1])
def test_the_databases_clock_is_off(engine, hours):
    nodes = Nodes(engine)
    try:
        nodes.database.set_clock(hours)
        grant, other = nodes.a.api.new_user(), nodes.a.api.new_user()
        assert visit(nodes.b, grant["access_token"]) == 200
        log_out(nodes.a, grant)
        assert visit(nodes.a, grant["access_token"]) == 401
        assert seen_after(nodes.b, grant["access_token"]) < WITHIN
        time.sleep(1)
        assert visit(nodes.b, grant["access_token"]) == 401, "and stays so"
        assert visit(nodes.b, other["access_token"]) == 200
    finally:
        nodes.destroy()


def test_a_standby_is_not_believed(engine):
    """Read-only and behind: what it says is no reason to believe a token."""
    database = engine.new_database()
    site = make_site(lambda **more: Service(engine, database=database, **more), *LINES)
    try:
        settle(site)
        grant = site.api.new_user()
        database.query("CREATE FUNCTION public.pg_is_in_recovery() RETURNS boolean LANGUAGE sql "
                       "AS 'SELECT true'; ALTER ROLE " + database.role +
                       " SET search_path = public, pg_catalog")
        engine.terminate_backends(database)
        site.httpd.allow(LOST)
        build.wait_until(lambda: "is a standby" in site.httpd.log_text(), 10, "it is found out")
        time.sleep(4)
        sid = parts(grant["access_token"])[1]["sid"]
        database.query(f"UPDATE sessions SET epoch = 7 WHERE id = '{sid}'")
        assert visit(site, grant["access_token"]) == 401, "the database is asked"
    finally:
        for fault in FAULTS:
            site.httpd.allow(fault)
        site.destroy()
