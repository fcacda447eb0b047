# SPDX-License-Identifier: Apache-2.0
"""What one node revokes, others know within a second, without asking for each request."""
import time

import pytest

from harness import build
from harness.service import bearer
from harness.tokens import parts
from nodes import Nodes, seen_after, settle, visit

WITHIN = 1.0


@pytest.fixture(scope="module")
def nodes(engine):
    made = Nodes(engine)
    yield made
    made.destroy()


def logout(nodes, grant):
    assert nodes.a.api.logout(grant["refresh_token"]).status_code == 204


def logout_all(nodes, grant):
    assert nodes.a.api.logout_all(grant["access_token"]).status_code == 204


def end(nodes, grant):
    sid = parts(grant["access_token"])[1]["sid"]
    assert nodes.a.api.request("DELETE", f"/users/me/sessions/{sid}",
                               headers=bearer(grant["access_token"])).status_code == 204


def delete(nodes, grant):
    assert nodes.a.api.delete(grant["access_token"]).status_code == 204


def steal(nodes, grant):
    assert nodes.a.api.refresh(grant["refresh_token"]).status_code == 200
    nodes.database.shift("sessions", "rotated_at", -60, "rotated_at IS NOT NULL")
    assert nodes.a.api.refresh(grant["refresh_token"]).status_code == 401


@pytest.mark.parametrize("way", [logout, logout_all, end, delete, steal])
@pytest.mark.alone
def test_seen_by_the_other_node(nodes, way, figure):
    grant, other = nodes.a.api.new_user(), nodes.a.api.new_user()
    assert visit(nodes.a, grant["access_token"]) == visit(nodes.b, grant["access_token"]) == 200
    way(nodes, grant)
    assert visit(nodes.a, grant["access_token"]) == 401, "at once where it was done"
    took = seen_after(nodes.b, grant["access_token"])
    figure(f"{took:.3f} s")
    assert took < WITHIN
    assert visit(nodes.b, other["access_token"]) == 200


@pytest.mark.alone
def test_a_role_set_on_the_command_line(nodes, figure):
    grant, other = nodes.a.api.new_user(), nodes.a.api.new_user()
    assert visit(nodes.a, grant["access_token"]) == visit(nodes.b, grant["access_token"]) == 200
    build.ctl("user", "set", grant["user"]["email"], "--role", "admin", "--dsn",
              f"{'pgsql' if nodes.a.engine == 'postgresql' else 'sqlite3'}:"
              f"{nodes.database.owner_params}")
    took = max(seen_after(node, grant["access_token"]) for node in (nodes.a, nodes.b))
    figure(f"{took:.3f} s")
    assert took < WITHIN
    fresh = nodes.a.api.refresh(grant["refresh_token"]).json()
    assert parts(fresh["access_token"])[1]["role"] == "admin"
    assert visit(nodes.a, fresh["access_token"]) == visit(nodes.b, fresh["access_token"]) == 200
    assert visit(nodes.b, other["access_token"]) == 200


def test_no_query_for_each_request(nodes):
    """What the database says now is not asked for; the positive control is the API, which asks."""
    grant = nodes.a.api.new_user()
    sid = parts(grant["access_token"])[1]["sid"]
    nodes.database.query(f"UPDATE sessions SET epoch = 7 WHERE id = '{sid}'")
    assert visit(nodes.a, grant["access_token"]) == visit(nodes.b, grant["access_token"]) == 200
    assert nodes.a.api.me(grant["access_token"]).status_code == 401


def test_tokens_that_live_longer_than_ours(engine):
    """
    Entries live as long as the longest token on record, and a node without mod_watchdog records
    none: what the database says now counts for such a token.
    """
    nodes = Nodes(engine)
    try:
        nodes.b.httpd.stop()
        nodes.b.httpd.main.append("AuthSvcAccessTokenLifetime 300")
        nodes.b.httpd.start()
        settle(nodes.b)
        grants = {node: node.api.new_user() for node in (nodes.a, nodes.b)}
        for node in grants:
            assert all(visit(node, each["access_token"]) == 200 for each in grants.values())
        for each in grants.values():
            sid = parts(each["access_token"])[1]["sid"]
            nodes.database.query(f"UPDATE sessions SET epoch = 7 WHERE id = '{sid}'")
        assert visit(nodes.b, grants[nodes.a]["access_token"]) == 401
        # the control: these are known to be alive without a query
        assert visit(nodes.b, grants[nodes.b]["access_token"]) == 200
        assert all(visit(nodes.a, each["access_token"]) == 200 for each in grants.values())
    finally:
        nodes.destroy()


def test_a_graceful_restart_forgets_nothing(nodes):
    grant = nodes.a.api.new_user()
    logout(nodes, grant)
    nodes.database.query("DELETE FROM revocations")
    nodes.a.httpd.graceful()
    for _ in range(20):
        assert visit(nodes.a, grant["access_token"]) == 401
    settle(nodes.a)
    nodes.a.httpd.stop()
    nodes.a.httpd.start()
    settle(nodes.a)


def test_a_full_table_asks_the_database(engine):
    nodes = Nodes(engine, lines=["AuthSvcRevocationTableSize 64"])
    try:
        kept, ended = nodes.a.api.new_user(), nodes.a.api.new_user()
        filler = nodes.a.api.new_user()
        user, rows = filler["user"]["id"], []
        for n in range(400):
            rows.append(f"('{n:08d}-0000-7000-8000-000000000000', 0, "
                        + ("now() + interval '1 hour'" if nodes.a.engine == "postgresql" else
                           f"{int((time.time() + 3600) * 1e6)}") + ")")
        nodes.database.query("INSERT INTO revocations (session_id, epoch, expires_at) VALUES "
                             + ", ".join(rows))
        time.sleep(1)
        sid = parts(filler["access_token"])[1]["sid"]
        nodes.database.query(f"UPDATE sessions SET epoch = 7 WHERE id = '{sid}'")
        for node in (nodes.a, nodes.b):
            assert visit(node, filler["access_token"]) == 401, f"asks the database ({user})"
            assert visit(node, kept["access_token"]) == 200
        logout(nodes, ended)
        for node in (nodes.a, nodes.b):
            assert visit(node, ended["access_token"]) == 401
    finally:
        nodes.destroy()
