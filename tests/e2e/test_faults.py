# SPDX-License-Identifier: Apache-2.0
"""
A database that is frozen, dead, locked, or not migrated: what single requests are told. What a
steady load sees of faults is in tests/faults.
"""
import contextlib
import re
import sqlite3
import threading
import time

import httpx
import pytest

from harness import build, databases
from harness.httpd import FAULTS
from harness.load import Steady, parallel
from harness.service import PASSWORD, Service, new_email
from test_auth import problem

TIMEOUT = 3.0
SLACK = 1.0


# ---- PostgreSQL

@pytest.fixture(scope="module")
def cluster():
    made = databases.Postgres()
    yield made
    made.destroy()


@pytest.fixture
def pg(cluster):
    """A service on a cluster that a test may ill-treat."""
    made = Service(cluster)
    made.httpd.allow(*FAULTS)
    made.cluster = cluster
    yield made
    cluster.thaw()
    if not cluster.pids():
        cluster.start()
    made.destroy()


def works(api, email):
    """Everything answers as it should."""
    answer = api.login(email)
    if answer.status_code != 200:
        return False
    grant = answer.json()
    return (api.me(grant["access_token"]).status_code == 200
            and api.refresh(grant["refresh_token"]).status_code == 200)


def recovered(api, email, seconds=5):
    build.wait_until(lambda: works(api, email), seconds, "the service recovered", step=0.1)
    for _ in range(20):
        assert works(api, email), "and stays so"


def no_open_transactions(service):
    rows = service.database.query(
        "SELECT pid, query FROM pg_stat_activity WHERE datname = current_database() "
        "AND state LIKE 'idle in transaction%'")
    assert rows == []


def test_terminated_backends_at_rest(pg):
    """Connections that died while idle are noticed before anything is sent: all answers 200."""
    email = pg.api.new_user()["user"]["email"]
    for _ in range(5):
        answers = parallel([lambda: pg.api.login(email)] * 8)
        assert [a.status_code for a in answers] == [200] * 8
        pg.cluster.terminate_backends(pg.database)
        time.sleep(0.2)
    for _ in range(40):
        assert pg.api.login(email).status_code == 200


@pytest.mark.slow
@pytest.mark.alone
def test_frozen_server(pg, figure):
    """SIGSTOP: every answer within the deadline, and the site goes on."""
    api = pg.api
    grant = api.new_user()
    email = grant["user"]["email"]
    parallel([lambda: api.login(email)] * 8)
    requests = {
        "login": lambda: api.login(email),
        "me": lambda: api.me(grant["access_token"]),
        "refresh": lambda: api.refresh(grant["refresh_token"]),
        "register": api.register,
        "logout": lambda: api.logout("asr1_x"),
        "ready": lambda: api.get("/health/ready"),
    }
    pg.cluster.freeze()
    try:
        static = httpx.Client(base_url=pg.httpd.origin, trust_env=False, timeout=15)
        site = Steady([("static", lambda: static.get("/static.txt"))])
        with site:
            def timed(name):
                start = time.monotonic()
                answer = requests[name]()
                return name, answer, time.monotonic() - start

            outcomes = []
            for count in (1, 4, 30):  # alone, a few, more than may wait
                names = list(requests) * count
                outcomes += parallel(lambda n=n: timed(n) for n in names[:60])
        for name, answer, took in outcomes:
            assert took < TIMEOUT + SLACK, (name, took)
            if name == "logout" and answer.status_code == 204:
                continue  # junk dies without a query
            assert answer.status_code == 503, (name, answer.text)
            assert int(answer.headers["retry-after"]) >= 1
        figure(f"slowest answer {max(took for _, _, took in outcomes):.2f} s; static files: "
               f"slowest of {site.total()} {site.longest:.3f} s")
        assert site.statuses() == {200}
        assert site.longest < 1.0, "static files are not affected"
        assert site.total() > 100
        start = time.monotonic()
        assert api.get("/health/live").status_code == 200
        assert time.monotonic() - start < 1
    finally:
        pg.cluster.thaw()
    recovered(api, email)
    no_open_transactions(pg)


def test_dead_database(pg):
    api = pg.api
    grant = api.new_user()
    pg.cluster.stop("fast")
    for _ in range(3):
        for answer in (api.login(grant["user"]["email"]), api.register(),
                       api.me(grant["access_token"]), api.refresh(grant["refresh_token"]),
                       api.logout(grant["refresh_token"]), api.logout_all(grant["access_token"])):
            problem(answer, 503, "unavailable")
            assert int(answer.headers["retry-after"]) >= 1
            for leak in ("postgres", "libpq", "socket", "connect", str(pg.cluster.port)):
                assert leak not in answer.text.lower()
        problem(api.get("/health/ready"), 503, "not-ready")
    problem(api.me("junk"), 401, "authentication")
    assert api.get("/health/live").status_code == 200
    assert api.get("/.well-known/jwks.json").status_code == 200
    pg.cluster.start()
    recovered(api, grant["user"]["email"])
    assert api.refresh(grant["refresh_token"]).status_code == 200


def test_httpd_starts_without_a_database(cluster):
    """A database that is down is never a start-up error, and it is found when it comes."""
    service = Service(cluster, start=False)
    cluster.stop("fast")
    try:
        service.httpd.allow(*FAULTS)
        code, said = service.httpd.configtest()
        assert code == 0, said
        service.httpd.start()
        problem(service.api.login(new_email()), 503, "unavailable")
        cluster.start()
        build.wait_until(lambda: service.api.register().status_code == 201, 10, "recovery",
                         step=0.2)
    finally:
        if not cluster.pids():
            cluster.start()
        service.destroy()


def test_row_lock_is_bounded(pg):
    """A lock that somebody holds costs one deadline, and nothing after it."""
    api = pg.api
    grant = api.new_user()
    session = pg.database.session()
    session.run("BEGIN")
    session.run(f"UPDATE users SET name = name WHERE id = '{grant['user']['id']}'")
    start = time.monotonic()
    answer = api.rename(grant["access_token"], {"name": "Blocked"})
    assert time.monotonic() - start < TIMEOUT + SLACK
    problem(answer, 503, "unavailable")
    session.run("ROLLBACK")
    session.close()
    assert api.rename(grant["access_token"], {"name": "Free"}).json()["name"] == "Free"
    time.sleep(0.2)
    no_open_transactions(pg)


def test_database_timeout_by_directive(cluster):
    service = Service(cluster, extra=["AuthSvcDatabaseTimeout 1s"])
    try:
        service.httpd.allow(*FAULTS)
        grant = service.api.new_user()
        session = service.database.session()
        session.run("BEGIN")
        session.run(f"UPDATE users SET name = name WHERE id = '{grant['user']['id']}'")
        start = time.monotonic()
        problem(service.api.rename(grant["access_token"], {"name": "B"}), 503, "unavailable")
        assert 0.5 < time.monotonic() - start < 2
        session.run("ROLLBACK")
        session.close()
    finally:
        service.destroy()


def test_more_requests_than_connections(cluster):
    """Who gets no connection in time is told so; nobody waits for ever."""
    service = Service(cluster)
    service.httpd.stop()
    service.httpd.main = [re.sub(r"^(DBDMax|DBDKeep) .*", r"\1 2", line)
                          for line in service.httpd.main]
    service.httpd.start()
    try:
        service.httpd.allow(*FAULTS)
        email = service.api.new_user()["user"]["email"]
        answers = parallel([lambda: service.api.login(email)] * 40)
        assert {a.status_code for a in answers} <= {200, 503}
        assert sum(a.status_code == 200 for a in answers) >= 2
        used = service.database.query(
            f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{service.database.role}'")
        assert int(used[0][0]) <= 2 * len(service.httpd.children())
        recovered(service.api, email)
    finally:
        service.destroy()


def test_lost_prepared_statements(pg):
    """DISCARD ALL on pooled connections (a pooler in between) is survived."""
    email = pg.api.new_user()["user"]["email"]
    assert works(pg.api, email)
    service = Service(pg.cluster, extra=["AuthSvcPreparedStatements Off"])
    try:
        email = service.api.new_user()["user"]["email"]
        assert works(service.api, email)
        rows = service.database.query("SELECT count(*) FROM pg_prepared_statements")
        assert rows == [("0",)]
    finally:
        service.destroy()


def test_runtime_role_owns_nothing(pg):
    """The role in httpd.conf reads and writes rows, and cannot change the schema."""
    with pytest.raises(RuntimeError, match="permission denied|must be owner"):
        pg.cluster.psql(pg.database.name, "DROP TABLE users", user=pg.database.role)
    with pytest.raises(RuntimeError, match="permission denied"):
        pg.cluster.psql(pg.database.name, "CREATE TABLE mine (x int)", user=pg.database.role)
    with pytest.raises(RuntimeError, match="permission denied"):
        pg.cluster.psql(pg.database.name, "UPDATE authsvc_schema SET version = 1",
                        user=pg.database.role)


# ---- both engines

def test_schema_is_missing(make_service, engine):
    """503, and the log names the command; nothing is migrated by itself."""
    database = engine.new_database(migrated=False)
    service = make_service(database=database)
    service.httpd.allow(*FAULTS)
    mark = service.httpd.mark()
    problem(service.api.login(new_email()), 503, "unavailable")
    assert service.httpd.log_since(mark, r"authsvcctl migrate up", 3)
    problem(service.api.get("/health/ready"), 503, "not-ready")
    database.migrate()
    build.wait_until(lambda: service.api.get("/health/ready").status_code == 200, 10,
                     "the migrated database is found", step=0.2)
    assert service.api.register().status_code == 201


def test_schema_is_too_old(make_service, engine):
    database = engine.new_database(migrated=False)
    database.migrate("up", "--to", "1")
    service = make_service(database=database)
    service.httpd.allow(*FAULTS)
    mark = service.httpd.mark()
    problem(service.api.login(new_email()), 503, "unavailable")
    assert service.httpd.log_since(mark, r"authsvcctl migrate up", 3)
    database.migrate()
    build.wait_until(lambda: service.api.register().status_code == 201, 10, "recovery", step=0.2)


def test_schema_needs_a_newer_module(make_service, engine):
    database = engine.new_database()
    database.query("UPDATE authsvc_schema SET min_module = 99 WHERE version = 2")
    service = make_service(database=database)
    service.httpd.allow(*FAULTS)
    problem(service.api.login(new_email()), 503, "unavailable")
    database.query("UPDATE authsvc_schema SET min_module = 1 WHERE version = 2")
    build.wait_until(lambda: service.api.register().status_code == 201, 10, "recovery", step=0.2)


def test_auto_migrate(make_service, engine):
    if engine.engine == "postgresql":
        database = engine.new_database(migrated=False)
        database.params = database.owner_params
    else:
        database = engine.new_database(migrated=False)
    service = make_service(database=database, extra=["AuthSvcAutoMigrate On"])
    answers = parallel([service.api.register] * 8)
    assert [a.status_code for a in answers] == [201] * 8
    versions = database.query("SELECT version FROM authsvc_schema ORDER BY version")
    assert [row[0] for row in versions] == ["1", "2", "3", "4"]


# ---- SQLite

@pytest.fixture
def lite():
    engine = databases.SqliteEngine()
    made = Service(engine)
    made.httpd.allow(*FAULTS)
    yield made
    made.destroy()
    engine.destroy()


def test_locked_file_is_503_and_nothing_is_lost(lite):
    api = lite.api
    grant = api.new_user()
    with contextlib.closing(lite.database.connect()) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE users SET name = 'Other' WHERE 0")
        email = new_email()
        start = time.monotonic()
        problem(api.register(email), 503, "unavailable")
        assert time.monotonic() - start < TIMEOUT + SLACK
        problem(api.refresh(grant["refresh_token"]), 503, "unavailable")
        assert api.me(grant["access_token"]).status_code == 200, "readers are not blocked (WAL)"
        other.execute("ROLLBACK")
    assert api.register(email).status_code == 201, "the same request works then"
    assert api.refresh(grant["refresh_token"]).status_code == 200
    with contextlib.closing(sqlite3.connect(lite.database.path)) as second:
        assert second.execute("SELECT count(*) FROM users WHERE email = ?",
                              (email,)).fetchone() == (1,)
        assert second.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert second.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert second.execute("PRAGMA foreign_key_check").fetchall() == []


def test_writers_take_turns(lite):
    """50 writers at once and a second process that writes too: all are served."""
    api = lite.api
    stop = threading.Event()

    def disturb():
        with contextlib.closing(lite.database.connect()) as other:
            while not stop.is_set():
                other.execute("UPDATE users SET updated_at = updated_at")
                time.sleep(0.002)

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        answers = parallel([api.register] * 30)
        assert [a.status_code for a in answers].count(201) >= 15
        assert {a.status_code for a in answers} <= {201, 503}
    finally:
        stop.set()
        thread.join()
    made = [a.json()["user"]["id"] for a in answers if a.status_code == 201]
    rows = {row[0] for row in lite.database.query("SELECT id FROM users")}
    assert rows == set(made), "every 201 has its row, every row its 201"


def test_read_only_file(lite):
    api = lite.api
    email = api.new_user()["user"]["email"]
    lite.httpd.stop()
    if build.IS_ROOT:
        for file in [lite.database.path.parent, *lite.database.path.parent.iterdir()]:
            build.give_to(file, "root")
        lite.database.path.chmod(0o644)
        lite.database.path.parent.chmod(0o755)
        lite.httpd.start()
        problem(api.login(email, PASSWORD), 503, "unavailable")
        lite.httpd.stop()
        for file in [lite.database.path.parent, *lite.database.path.parent.iterdir()]:
            build.give_to(file, build.HTTPD_USER)
    lite.httpd.start()
    assert works(api, email)


def test_missing_directory(lite):
    away = lite.database.path.parent.with_name("away")
    email = lite.api.new_user()["user"]["email"]
    lite.httpd.stop()
    lite.database.path.parent.rename(away)
    lite.httpd.start()
    problem(lite.api.login(email), 503, "unavailable")
    away.rename(lite.database.path.parent)
    recovered(lite.api, email, 10)
