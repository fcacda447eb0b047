# SPDX-License-Identifier: Apache-2.0
"""Through a real PgBouncer in transaction mode."""
import time

import pytest

from harness.pgbouncer import PgBouncer
from mixed import Mixed
from test_postgresql import READS, WRITES

OFF = ["AuthSvcPreparedStatements Off"]


@pytest.fixture
def make_bouncer(cluster):
    made = []

    def make(*settings):
        made.append(PgBouncer(cluster.dir, cluster.port, settings))
        return made[-1]

    yield make
    for one in made:
        one.destroy()


@pytest.fixture
def bouncer(make_bouncer):
    return make_bouncer()


@pytest.fixture
def pooled(cluster, bouncer, make_documented):
    return make_documented(cluster, port=bouncer.port, extra=OFF)


def test_bouncer_restart(pooled, bouncer, times):
    mark = pooled.httpd.mark()
    with Mixed(pooled, "restart of PgBouncer") as load:
        with load.fault():
            for _ in range(times(3, 20)):
                bouncer.restart()
                time.sleep(1)
        load.recover()
    assert pooled.httpd.log_since(mark, "AS0104"), "connections were opened anew"
    load.verdict()


@pytest.mark.long
def test_bouncer_stopped(pooled, bouncer, times):
    with Mixed(pooled, "PgBouncer stopped") as load:
        with load.fault():
            bouncer.stop()
            time.sleep(times(4, 30))
            bouncer.start()
        load.recover()
    load.verdict(bites=(*READS, *WRITES))


def test_restart_behind_bouncer(pooled, cluster, times):
    with Mixed(pooled, "fast restart behind PgBouncer") as load:
        with load.fault():
            cluster.stop("fast")
            time.sleep(times(1, 10))
            cluster.start()
        load.recover()
    # PgBouncer lets some wait instead, for so short a time
    load.verdict(bites=times(("login",), (*READS, *WRITES)))


def test_no_session_state(cluster, make_bouncer, make_documented, times):
    """
    Two server connections for all, and each forgets everything after each transaction: nothing
    that the module does needs what an earlier transaction left there.
    """
    bouncer = make_bouncer("default_pool_size = 2", "server_reset_query = DISCARD ALL",
                           "server_reset_query_always = 1")
    service = make_documented(cluster, port=bouncer.port, extra=OFF)
    service.database.query(f"ALTER ROLE {service.database.role} SET client_encoding = 'LATIN1'")
    with Mixed(service, "DISCARD ALL after each transaction, by PgBouncer") as load:
        with load.fault():
            time.sleep(times(3, 30))
        load.recover()
    load.verdict(is_harmless=True)
    grant = service.api.new_user(name="Łucja 日本")
    for _ in range(5):
        assert service.api.me(grant["access_token"]).json()["name"] == "Łucja 日本"
    assert service.database.query(
        f"SELECT name FROM users WHERE id = '{grant['user']['id']}'") == [("Łucja 日本",)]


def test_prepared_statements_would_not_do(cluster, bouncer, make_documented):
    """The control: PgBouncer does mix sessions, so that names of statements are lost or doubled."""
    service = make_documented(cluster, port=bouncer.port)
    mark = service.httpd.mark()
    with Mixed(service, "control", pace=0) as load:
        with load.fault():
            time.sleep(3)
    said = service.httpd.log_since(mark, r"prepared statement .* (does not exist|already exists)")
    assert load.seen(status=503) > 0 and said
    assert not service.httpd.log_since(mark, r"AS0\d+.*idle in transaction")
