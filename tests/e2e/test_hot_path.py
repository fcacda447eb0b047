# SPDX-License-Identifier: Apache-2.0
"""What a request costs that is not the first one, counted by calls (count_calls.c)."""
import collections
import pathlib
import struct
import subprocess

import pytest

from harness import build
from harness.service import Service

SOURCE = pathlib.Path(__file__).with_name("count_calls.c")
TIMES = 10

Calls = collections.namedtuple("Calls", "keys prepared leases sent")


class Counted:
    """A service whose httpd counts; the database is not read between two marks but by it."""

    def __init__(self, engine):
        self.service = Service(engine, start=False, extra=["AuthSvcRefreshGrace 0"])
        self.file = self.service.httpd.root / "run" / "calls"
        self.file.write_bytes(bytes(struct.calcsize("4l")))
        library = self.service.httpd.root / "run" / "count_calls.so"
        subprocess.run(["gcc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
                        "-o", library, SOURCE, "-ldl"], check=True)
        self.service.httpd.preload = [library]
        self.service.httpd.env["AUTHSVC_CALLS"] = str(self.file)
        self.service.httpd.start()
        self.api = self.service.api

    def calls(self):
        return Calls(*struct.unpack("4l", self.file.read_bytes()))

    def during(self, request):
        """What TIMES requests called, one after the other on one connection."""
        before = self.calls()
        for _ in range(TIMES):
            request()
        return Calls(*(now - then for now, then in zip(self.calls(), before)))


@pytest.fixture(scope="module")
def counted(engine):
    made = Counted(engine)
    yield made
    made.service.destroy()


@pytest.fixture
def user(counted):
    """Registered; every statement of these tests has been prepared on the one connection."""
    made = counted.api.new_user()
    made = counted.api.login(made["user"]["email"]).json()
    made = counted.api.refresh(made["refresh_token"]).json()
    assert counted.api.me(made["access_token"]).status_code == 200
    return made


def expect(counted, calls, leases):
    assert calls.keys == 0, "a request parsed a key"
    assert calls.prepared == 0, "a request prepared a statement"
    if counted.service.engine == "postgresql":
        assert calls.leases == leases * TIMES
        assert calls.sent == leases * TIMES, "as many round trips as leases"


def test_counters_count(counted, user):
    """The positive control of all below."""
    start = counted.calls()
    assert start.keys > 0, "keys are parsed when httpd starts"
    assert start.prepared > 0, "statements are prepared when they are met for the first time"
    if counted.service.engine == "postgresql":
        counted.service.database.cluster.terminate_backends(counted.service.database)
        assert counted.api.me(user["access_token"]).status_code == 200
        assert counted.calls().prepared > start.prepared, "a new connection knows no statement"
        assert counted.calls().leases > start.leases
        assert counted.calls().sent >= start.sent + 2


def test_me(counted, user):
    def me():
        assert counted.api.me(user["access_token"]).status_code == 200

    expect(counted, counted.during(me), leases=1)


def test_refresh(counted, user):
    token = user["refresh_token"]

    def refresh():
        nonlocal token
        answer = counted.api.refresh(token)
        assert answer.status_code == 200
        token = answer.json()["refresh_token"]

    expect(counted, counted.during(refresh), leases=1)


def test_login(counted, user):
    """Two: no connection is kept while the password is hashed."""
    def login():
        assert counted.api.login(user["user"]["email"]).status_code == 200

    expect(counted, counted.during(login), leases=2)


@pytest.mark.parametrize("token", ["", "x.y.z", "asr1_" + "A" * 71])
def test_junk_asks_no_database(counted, user, token):
    def junk():
        assert counted.api.refresh(token).status_code in (400, 401)
        if token:
            assert counted.api.me(token).status_code == 401

    assert user
    expect(counted, counted.during(junk), leases=0)
