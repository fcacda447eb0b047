# SPDX-License-Identifier: Apache-2.0
"""Argon2id at its real cost: memory, the site's own pages, and killed children."""
import collections
import contextlib
import glob
import os
import re
import signal
import statistics
import threading
import time

import httpx
import pytest

from guarded import guarded
from harness import build
from harness.census import PeakMemory, all_semaphores, memory, semaphores
from harness.load import Logins, parallel, wrk
from harness.service import MOUNT, PASSWORD, Service, new_email
from test_auth import problem

pytestmark = pytest.mark.slow

# Each refusal is a line; hundreds are expected here.
REFUSED = "AS0500: status 503"
SLOTS = 2
COST_MIB = 64
# Whatever 256 threads with 200 connections need beside hashing.
CONSTANT_MIB = 128
TUNING = ["ServerLimit 4", "StartServers 4", "ThreadsPerChild 64", "MaxRequestWorkers 256",
          "MinSpareThreads 1", "MaxSpareThreads 256"]


@pytest.fixture(scope="module")
def loaded(engine):
    made = Service(engine, cost="", mpm="event", tuning=TUNING, modules=["authz_user"], start=False,
                   main=[f"AuthSvcHashSlots {SLOTS}", "AuthSvcHashQueue 8 2s",
                         *guarded("/members")])
    members = made.httpd.root / "htdocs" / "members"
    members.mkdir()
    (members / "static.txt").write_text("static\n" * 128, encoding="ascii")
    made.httpd.start()
    made.httpd.allow(REFUSED)
    made.email = made.api.new_user()["user"]["email"]
    yield made
    made.destroy()


def flood(service, count=200):
    """Parallel logins, each on its own connection."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    client = httpx.Client(base_url=service.httpd.origin, trust_env=False, timeout=60,
                          limits=limits)
    body = {"email": service.email, "password": PASSWORD}
    try:
        return parallel([lambda: client.post(f"{MOUNT}/auth/login", json=body)] * count)
    finally:
        client.close()


@pytest.mark.alone
def test_200_parallel_logins(loaded, figure):
    loaded.httpd.allow(REFUSED)
    for _ in range(3):
        loaded.api.login(loaded.email)
    root = loaded.httpd.process.pid
    before = memory(root)["Pss"]
    mark, began = loaded.httpd.mark(), time.monotonic()
    with PeakMemory(root) as watch:
        answers = flood(loaded)
    seconds = time.monotonic() - began
    said = loaded.httpd.log_since(mark, r"authsvc:warn\].*AS0500: status 503", 2)
    assert 1 <= len(said) <= 4 * (seconds + 2), "once a second by each of 4 children"
    statuses = collections.Counter(a.status_code for a in answers)
    assert set(statuses) == {200, 503}, statuses
    assert statuses[200] >= SLOTS, statuses
    for answer in answers:
        if answer.status_code == 503:
            problem(answer, 503, "overloaded")
            assert 1 <= int(answer.headers["retry-after"]) <= 60
    grown = (watch.peak["Pss"] - before) / 2 ** 20
    figure(f"{dict(statuses)}, memory grew by {grown:.0f} MiB")
    assert grown <= SLOTS * COST_MIB + CONSTANT_MIB, f"{grown:.0f} MiB"
    assert grown >= COST_MIB / 2, "positive control: hashing at its real cost was seen"
    assert loaded.api.login(loaded.email).status_code == 200


@pytest.mark.alone
def test_pages_keep_half_of_their_throughput(loaded, figure):
    """
    200 clients log in, and try again when Retry-After says. Static files, open and guarded: no
    database is asked for either, and a login's hash takes many times what its statements do. One
    database will do, the one that large sites have.
    """
    if loaded.engine == "sqlite" and build.MPM == "event":
        pytest.skip("the same on every database, and long")
    loaded.httpd.allow(REFUSED)
    # not of the one who signs in until AuthSvcMaxSessions ends the oldest
    token = loaded.api.new_user()["access_token"]
    assert loaded.api.client.get("/members/static.txt").status_code == 401

    def speeds():
        return wrk(loaded), wrk(loaded, 1, "/members/static.txt", token)

    ratios = [], []
    idle = speeds()
    for _ in range(5):
        before = idle
        with Logins(loaded, 5) as logins:
            busy = speeds()
        assert logins.ok > 0 and logins.refused > 0, vars(logins)
        assert logins.ok + logins.refused == logins.all
        drain(loaded)
        idle = speeds()
        for kind, name in enumerate(("open", "guarded")):
            # the better of the two: what disturbs this machine must not pass for idleness
            ratios[kind].append(busy[kind] / max(before[kind], idle[kind]))
            figure(f"{name}: {before[kind]:.0f} and {idle[kind]:.0f}/s idle, {busy[kind]:.0f}/s under "
                   f"load, ratio {ratios[kind][-1]:.2f}; logins: {logins.ok} ok, "
                   f"{logins.refused} refused")
    for kind in ratios:
        assert statistics.median(kind) >= 0.5, ratios


def nice_values(httpd):
    """Of all threads of the children."""
    found = set()
    for child in httpd.children():
        for path in glob.glob(f"/proc/{child}/task/*/stat"):
            with contextlib.suppress(OSError), open(path, encoding="ascii") as stat:
                found.add(int(stat.read().rpartition(")")[2].split()[16]))
    return found


@pytest.mark.parametrize("nice", [None, 0, 4])
def test_hashing_stands_back(make_service, nice):
    """A thread of lower priority hashes, is gone afterwards, and nobody else is lowered."""
    service = make_service(cost="AuthSvcPasswordCost 256M 3",
                           extra=[] if nice is None else [f"AuthSvcHashNice {nice}"])
    at_rest = nice_values(service.httpd)
    email = service.api.new_user()["user"]["email"]
    assert len(at_rest) == 1, at_rest
    lowered = {value + (10 if nice is None else nice) for value in at_rest}
    seen = set()
    login = threading.Thread(target=swallow, args=(service, email))
    login.start()
    while login.is_alive():
        seen |= nice_values(service.httpd)
    login.join()
    assert seen == at_rest | lowered
    # the lowered thread may be the last to learn that its answer has gone out
    build.wait_until(lambda: nice_values(service.httpd) == at_rest, 5, "nobody is lowered")


def drain(service):
    """Wait until nobody hashes any more."""
    build.wait_until(lambda: service.api.login(service.email).status_code == 200, 20, "drained",
                     step=0.5)


@pytest.mark.alone
def test_static_latency_during_a_hard_attack(loaded):
    """Clients that do not even wait: the site still answers."""
    # for a moment every thread may be at one of them, if only to turn it away
    loaded.httpd.allow(REFUSED, "AH00484")
    with Logins(loaded, 4, polite=False) as logins:
        # event ends idle connections under load: a visitor's browser would open another one, too
        with httpx.Client(base_url=loaded.httpd.origin, trust_env=False, timeout=10,
                          limits=httpx.Limits(max_keepalive_connections=0)) as client:
            times = []
            for _ in range(50):
                start = time.monotonic()
                assert client.get("/static.txt").status_code == 200
                times.append(time.monotonic() - start)
    assert logins.refused > 0
    assert sorted(times)[len(times) // 2] < 0.2, sorted(times)
    drain(loaded)


@pytest.mark.alone
def test_killed_children_lose_no_slot(engine):
    """kill -9 in the middle of hashing, again and again; afterwards all slots are there."""
    service = Service(engine, cost="AuthSvcPasswordCost 64M 4", mpm="event", tuning=[
        "ServerLimit 2", "StartServers 2", "ThreadsPerChild 32", "MaxRequestWorkers 64",
        "MinSpareThreads 1", "MaxSpareThreads 64"],
        main=[f"AuthSvcHashSlots {SLOTS}", "AuthSvcHashQueue 4 5s"])
    try:
        service.httpd.allow("exit signal Killed", REFUSED)
        email = service.email = service.api.new_user()["user"]["email"]
        # at rest, every slot and place is free: the values that must come back
        at_rest = semaphores(service.httpd)
        assert at_rest, "the semaphore set was found"
        alone = min(timed_login(service, email) for _ in range(3))
        for _ in range(6):
            threads = [threading.Thread(target=swallow, args=(service, email)) for _ in range(6)]
            for thread in threads:
                thread.start()
            time.sleep(alone / 2)
            for child in service.httpd.children():
                os.kill(child, signal.SIGKILL)
            for thread in threads:
                thread.join()
            build.wait_until(lambda: reachable(service), 10, "a new child answers")
        build.wait_until(lambda: reachable(service), 10, "httpd answers again")
        service.api.close()
        service.api = service.new_api()
        assert service.api.login(email).status_code == 200
        assert list(semaphores(service.httpd).values()) == list(at_rest.values())
        answers = parallel([lambda: service.api.login(email)] * (SLOTS + 4))
        assert [a.status_code for a in answers] == [200] * (SLOTS + 4), "slots and places are back"
    finally:
        service.destroy()


def reachable(service):
    try:
        return httpx.get(f"{service.httpd.origin}{MOUNT}/health/live", trust_env=False,
                         timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def swallow(service, email):
    try:
        httpx.post(f"{service.httpd.origin}{MOUNT}/auth/login", trust_env=False, timeout=30,
                   json={"email": email, "password": PASSWORD})
    except httpx.TransportError:
        pass


def timed_login(service, email):
    start = time.monotonic()
    assert service.api.login(email).status_code == 200
    return time.monotonic() - start


def test_semaphores_are_removed_at_the_end(engine):
    service = Service(engine)
    service.api.new_user()
    mine = set(semaphores(service.httpd))
    assert mine
    service.destroy()
    assert not mine & set(all_semaphores())


def test_rehash_when_the_cost_rises(engine):
    service = Service(engine)
    email = service.api.new_user()["user"]["email"]
    query = f"SELECT password_hash FROM users WHERE email = '{email}'"
    cheap = service.database.query(query)[0][0]
    assert "m=64,t=1" in cheap
    assert service.api.login(email).status_code == 200
    assert service.database.query(query)[0][0] == cheap
    service.httpd.main = [line.replace("AuthSvcPasswordCost 64K 1", "AuthSvcPasswordCost 1M 2")
                          for line in service.httpd.main]
    service.httpd.graceful()
    api = service.new_api()
    assert api.login(email, "Wrong-Password-1").status_code == 401
    assert service.database.query(query)[0][0] == cheap, "not by a wrong password"
    grant = api.login(email)
    assert grant.status_code == 200
    risen = service.database.query(query)[0][0]
    assert "m=1024,t=2" in risen
    assert api.login(email).status_code == 200
    assert api.refresh(grant.json()["refresh_token"]).status_code == 200
    api.close()
    service.destroy()


@pytest.mark.parametrize("pattern, replacement, event", [
    (r"m=\d+,t=\d+", "m=4194303,t=4000", "AS0091"), (r"m=\d+", "m=4294967295", "AS0091"),
    (r"argon2id", "argon2i", "AS0090"), (r"\$[^$]*$", "$", "AS0090")])
def test_stored_hashes_are_not_trusted(service, pattern, replacement, event):
    """A row that asks for terabytes costs what every login costs, and the log says why."""
    grant = service.api.new_user()
    service.httpd.allow(event)
    where = f"WHERE id = '{grant['user']['id']}'"
    good = service.database.query(f"SELECT password_hash FROM users {where}")[0][0]
    hostile = re.sub(pattern, replacement, good)
    service.database.query(f"UPDATE users SET password_hash = '{hostile}' {where}")
    mark = service.httpd.mark()
    start = time.monotonic()
    problem(service.api.login(grant["user"]["email"]), 401, "invalid-credentials")
    assert time.monotonic() - start < 2
    assert service.httpd.log_since(mark, event, 2)
    service.database.query(f"UPDATE users SET password_hash = '{good}' {where}")
    assert service.api.login(grant["user"]["email"]).status_code == 200


def test_megabyte_passwords_cost_nothing(service):
    start = time.monotonic()
    answer = service.api.login(new_email(), "x" * 2 ** 20)
    assert answer.status_code in (400, 413)
    assert time.monotonic() - start < 1
