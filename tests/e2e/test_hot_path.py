# SPDX-License-Identifier: Apache-2.0
"""What a request costs that is not the first one, counted by calls (count_calls.c)."""
import collections
import pathlib
import struct
import subprocess

import pytest

from harness import databases
from harness.service import Service

SOURCE = pathlib.Path(__file__).with_name("count_calls.c")
TIMES = 10

Calls = collections.namedtuple("Calls", "keys prepared leases sent steps")


class Counted:
    """A service whose httpd counts; the database is not read between two marks but by it."""

    def __init__(self, engine):
        self.service = Service(engine, start=False, limits=True, extra=[
            *(f"AuthSvcRateLimit {limit}" for limit in (  # counted, and admitted
                "login 1000/1s account+ip", "register 1000/1s ip", "refresh 1000/1s session",
                "api 1000/1s account")),
            "AuthSvcRefreshGrace 0",
            "DBDKeep 2", "DBDMax 2"])  # one is left to others: requests and poller share one
        self.file = self.service.httpd.root / "run" / "calls"
        self.file.write_bytes(bytes(struct.calcsize("5l")))
        library = self.service.httpd.root / "run" / "count_calls.so"
        subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror",
                        "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
        self.service.httpd.preload = [library]
        self.service.httpd.env["AUTHSVC_CALLS"] = str(self.file)
        self.service.httpd.start()
        self.api = self.service.api

    def calls(self):
        return Calls(*struct.unpack("5l", self.file.read_bytes()))

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


def expect(counted, calls, leases, lite_transactions=0):
    """lite_transactions: of each request on SQLite, whose BEGIN and COMMIT are not kept."""
    assert calls.keys == 0, "a request parsed a key"
    prepared = 2 * lite_transactions * TIMES if counted.service.engine == "sqlite" else 0
    assert calls.prepared == prepared, "a request prepared a statement"
    if counted.service.engine == "postgresql":
        assert calls.leases == leases * TIMES
        assert calls.sent == leases * TIMES, "as many round trips as leases"
        assert calls.steps == 0
    elif leases:
        assert calls.steps >= leases * TIMES, "the control of those that ask nothing"
    else:
        assert calls.steps == 0


def test_counters_count(counted, user):
    """The positive control of all below."""
    start = counted.calls()
    assert start.keys > 0, "keys are parsed when httpd starts"
    if databases.POOLED:
        assert start.prepared == 0, "through PgBouncer none has a name"
        return
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


def test_logout(counted, user):
    """One statement ends the session and writes down that it did."""
    tokens = [counted.api.login(user["user"]["email"]).json()["refresh_token"]
              for _ in range(TIMES + 1)]
    assert counted.api.logout(tokens.pop()).status_code == 204

    def logout():
        assert counted.api.logout(tokens.pop()).status_code == 204

    expect(counted, counted.during(logout), leases=1, lite_transactions=1)


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


MANY = 2000


def read_by_index(database):
    """{index: entries read} of the sessions; backends report when they end."""
    database.cluster.terminate_backends(database)
    rows = database.cluster.psql(database.name, "SELECT indexrelname, idx_tup_read "
                                 "FROM pg_stat_user_indexes WHERE relname = 'sessions'")
    return {name: int(count) for name, count in rows}


@pytest.fixture
def cluster():
    made = databases.Postgres()
    yield made
    made.destroy()


@pytest.fixture
def alone(cluster):
    made = Service(cluster)
    yield made
    made.destroy()


def test_me_reads_one_session_of_many(alone):
    """PostgreSQL's statistics say that a user has one session; this one has many."""
    service = alone
    user = service.api.new_user()
    service.database.cluster.psql(service.database.name, f"""
        INSERT INTO users (email, password_hash, name)
        SELECT 'other' || i || '@example.org', 'none', 'Other' FROM generate_series(1, 5000) i;
        INSERT INTO sessions (id, user_id, nonce_hash)
        SELECT gen_random_uuid(), id, sha256('none') FROM users WHERE name = 'Other';
        ANALYZE users; ANALYZE sessions;
        INSERT INTO sessions (id, user_id, nonce_hash)
        SELECT gen_random_uuid(), '{user["user"]["id"]}', sha256('none')
        FROM generate_series(1, {MANY})""")
    before = read_by_index(service.database)
    for _ in range(TIMES):
        assert service.api.me(user["access_token"]).status_code == 200
    after = read_by_index(service.database)
    assert after["sessions_pkey"] - before["sessions_pkey"] == TIMES
    # planning looks at the ends of the index
    assert after["idx_sessions_user_id"] - before["idx_sessions_user_id"] < MANY / 10
