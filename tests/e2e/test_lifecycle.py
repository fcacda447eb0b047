# SPDX-License-Identifier: Apache-2.0
"""Reloads, dying children, short-lived children, every MPM."""
import os
import signal
import subprocess
import time

import pytest

from harness import build
from harness.census import all_semaphores, open_files, semaphores
from harness.load import Steady
from harness.service import Service, new_email
from test_auth import problem

pytestmark = pytest.mark.slow


def traffic(service):
    # new connections: a kept one may belong to a generation that is about to end
    clients = [service.new_api() for _ in range(4)]
    email = clients[0].new_user()["user"]["email"]
    reader = clients[1].new_user()  # somebody else: many logins end the oldest of their sessions
    return clients, Steady([("login", lambda: clients[0].login(email)),
                            ("me", lambda: clients[1].me(reader["access_token"])),
                            ("register", lambda: clients[2].register(new_email())),
                            ("jwks", lambda: clients[3].get("/.well-known/jwks.json"))])


def test_graceful_reloads_under_load(make_service):
    """No failed request, no growth."""
    service = make_service()
    service.api.new_user()
    service.httpd.graceful()
    files, sets = open_files(service.httpd.process.pid), semaphores(service.httpd)
    clients, steady = traffic(service)
    service.httpd.allow("AH03490")  # the children of eight generations may not end in time
    with steady:
        for _ in range(8):
            time.sleep(0.3)
            service.httpd.graceful()
        time.sleep(0.5)
    for client in clients:
        client.close()
    # a keep-alive connection that httpd closes as the next request comes in is HTTP's own race
    for name, good in (("login", 200), ("me", 200), ("register", 201), ("jwks", 200)):
        assert steady.statuses(name) <= {good, 0}, (steady.counts, steady.examples)
        assert steady.total(name, good) > 10
    assert steady.total(status=0) <= 0.02 * steady.total() + 8, steady.counts
    assert open_files(service.httpd.process.pid) <= files + 2
    assert semaphores(service.httpd) == sets, "kept across the reloads, and free again"


def test_a_reload_changes_settings(make_service):
    service = make_service()
    assert service.api.register().status_code == 201
    service.httpd.main.append("AuthSvcRegistration Off")
    service.httpd.graceful()
    api = service.new_api()
    build.wait_until(lambda: api.register().status_code == 403, 5, "the new setting holds")
    api.close()


def test_removed_semaphores(make_service):
    """ipcrm: nobody can log in, readiness says so, and a reload mends it."""
    service = make_service()
    email = service.api.new_user()["user"]["email"]
    ready = service.api.get("/health/ready")
    assert {"name": "hashing", "ok": True} in ready.json()["checks"]
    (gone,) = semaphores(service.httpd)
    subprocess.run(["ipcrm", "-s", str(gone)], check=True)
    service.httpd.allow("AS0233", "AS0500")
    problem(service.api.login(email), 503, "overloaded")
    answer = problem(service.api.get("/health/ready"), 503, "not-ready")
    assert [check["name"] for check in answer["checks"] if not check["ok"]] == ["hashing"]
    service.httpd.graceful()
    api = service.new_api()
    build.wait_until(lambda: api.get("/health/ready").status_code == 200, 10, "ready again")
    assert api.login(email).status_code == 200
    assert gone not in semaphores(service.httpd)
    kept = semaphores(service.httpd)
    assert len(kept) == 1
    service.httpd.graceful()
    api.close()
    api = service.new_api()
    assert api.login(email).status_code == 200
    api.close()
    assert semaphores(service.httpd) == kept, "and kept from then on"
    service.httpd.stop()
    assert not set(kept) & set(all_semaphores()), "removed at the end"


def test_killed_children_do_no_half_work(make_service):
    service = make_service()
    service.httpd.allow("exit signal Killed", "AH00052")
    clients, steady = traffic(service)
    with steady:
        for _ in range(6):
            time.sleep(0.3)
            for child in service.httpd.children()[:1]:
                os.kill(child, signal.SIGKILL)
        time.sleep(0.5)
    for client in clients:
        client.close()
    assert steady.statuses("login") <= {200, 0, 503}, steady.counts
    assert steady.statuses("me") <= {200, 0, 503}, steady.counts
    assert steady.statuses("register") <= {201, 0, 503}, steady.counts
    rows = service.database.query(
        "SELECT (SELECT count(*) FROM users) - (SELECT count(DISTINCT user_id) FROM sessions)")
    assert rows == [("0",)], "each user came with a first session, in one transaction"
    api = service.new_api()
    assert api.register().status_code == 201
    api.close()


def test_children_of_one_connection(make_service):
    """MaxConnectionsPerChild: every child starts and ends cleanly."""
    service = make_service(main=["MaxConnectionsPerChild 3"])
    # httpd's word where children end faster than their places are free again
    service.httpd.allow("AH00484|AH03490")
    for _ in range(12):
        api = service.new_api()
        assert api.register().status_code == 201
        api.close()


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
def test_every_mpm(engine, mpm):
    service = Service(engine, mpm=mpm)
    try:
        clients, steady = traffic(service)
        with steady:
            time.sleep(2)
        for client in clients:
            client.close()
        assert steady.statuses("login") == {200}, (steady.counts, steady.examples)
        assert steady.statuses("me") == {200}
        assert steady.statuses("register") == {201}
        service.api.close()
        service.httpd.graceful()
        api = service.api = service.new_api()
        assert api.register().status_code == 201
    finally:
        service.destroy()


def test_stop_is_clean(engine):
    """Connections are closed, nothing is left running."""
    service = Service(engine)
    for _ in range(5):
        service.api.new_user()
    children = service.httpd.children()
    assert children
    start = time.monotonic()
    service.httpd.stop()
    assert time.monotonic() - start < 10
    # (a zombie has no exe: whoever adopted it has not looked yet)
    assert not [pid for pid in children if os.path.exists(f"/proc/{pid}/exe")]
    service.destroy()
