# SPDX-License-Identifier: Apache-2.0
"""Refresh tokens: tabs, races, theft, and the end of a session by time."""
import random
import time

import pytest

from harness import tokens
from harness.load import parallel
from harness.service import PASSWORD, new_email
from harness.tokens import unb64
from test_auth import problem

DAY = 86400


def session_id(grant):
    return tokens.parts(grant["access_token"])[1]["sid"]


def row_of(grant):
    return f"id = '{session_id(grant)}'"


def counter(token):
    return int.from_bytes(unb64(token[len("asr1_"):])[33:37], "big")


def dead(api, *refresh_tokens):
    for token in refresh_tokens:
        problem(api.refresh(token), 401, "invalid-refresh-token")


def test_two_tabs(api):
    """A refreshes twice, then B with the parent: both hold the same token, nobody is out."""
    parent = api.new_user()["refresh_token"]
    first = api.refresh(parent).json()["refresh_token"]
    second = api.refresh(first).json()["refresh_token"]
    tab_b = api.refresh(parent)
    assert tab_b.status_code == 200
    assert first == second == tab_b.json()["refresh_token"]
    assert counter(first) == counter(parent) + 1
    assert api.refresh(first).status_code == 200
    assert api.me(tab_b.json()["access_token"]).status_code == 200


def test_parallel_refreshes_agree(api):
    for _ in range(10):
        grant = api.new_user()
        answers = parallel([lambda: api.refresh(grant["refresh_token"])] * 50)
        assert [a.status_code for a in answers] == [200] * 50
        children = {a.json()["refresh_token"] for a in answers}
        assert len(children) == 1, "one successor for all"
        child = children.pop()
        assert child != grant["refresh_token"]
        answers = parallel([lambda: api.refresh(grant["refresh_token"]),
                            lambda: api.refresh(child)])
        assert {a.json()["refresh_token"] for a in answers} == {child}


def test_old_parent_is_theft(service, api):
    """A parent that comes after the grace ends the session, and an event says so."""
    grant = api.new_user()
    child = api.refresh(grant["refresh_token"]).json()
    service.database.shift("sessions", "rotated_at", -31, row_of(grant))
    mark = service.httpd.mark()
    dead(api, grant["refresh_token"])
    assert service.httpd.log_since(mark, r"AS0\d+:.*(reuse|stolen|theft|replay)", 2)
    dead(api, child["refresh_token"], grant["refresh_token"])
    problem(api.me(child["access_token"]), 401, "authentication")


def test_grandparent_is_theft_even_within_the_grace(service, api):
    grant = api.new_user()
    child = api.refresh(grant["refresh_token"]).json()
    service.database.shift("sessions", "rotated_at", -31, row_of(grant))
    grandchild = api.refresh(child["refresh_token"]).json()
    assert counter(grandchild["refresh_token"]) == 2
    assert api.refresh(child["refresh_token"]).status_code == 200, "positive control: the parent"
    dead(api, grant["refresh_token"], grandchild["refresh_token"])


def test_current_token_lives_on_after_the_grace(service, api):
    grant = api.new_user()
    token = grant["refresh_token"]
    for turn in range(1, 6):
        token = api.refresh(token).json()["refresh_token"]
        assert counter(token) == turn
        service.database.shift("sessions", "rotated_at", -31, row_of(grant))


def test_no_grace(make_service):
    service = make_service(extra=["AuthSvcRefreshGrace 0"])
    api = service.api
    grant = api.new_user()
    child = api.refresh(grant["refresh_token"]).json()["refresh_token"]
    grandchild = api.refresh(child).json()["refresh_token"]
    assert [counter(child), counter(grandchild)] == [1, 2]
    dead(api, child, grandchild)


def test_short_grace_by_the_clock(make_service):
    service = make_service(extra=["AuthSvcRefreshGrace 1s"])
    api = service.api
    grant = api.new_user()
    child = api.refresh(grant["refresh_token"]).json()["refresh_token"]
    assert api.refresh(grant["refresh_token"]).json()["refresh_token"] == child
    time.sleep(1.3)
    dead(api, grant["refresh_token"], child)


@pytest.mark.parametrize("extra, idle, absolute", [
    ((), 30 * DAY, 90 * DAY),
    (("AuthSvcRefreshTokenLifetime 1h", "AuthSvcSessionLifetime 1d"), 3600, DAY)])
def test_idle_and_absolute_limit(make_service, extra, idle, absolute):
    service = make_service(extra=list(extra))
    api, shift = service.api, service.database.shift
    young, old = api.new_user(), api.new_user()
    shift("sessions", "created_at", -idle + 60, row_of(young))
    shift("sessions", "created_at", -idle - 1, row_of(old))
    problem(api.me(old["access_token"]), 401, "authentication")
    dead(api, old["refresh_token"])
    assert api.me(young["access_token"]).status_code == 200
    young = api.refresh(young["refresh_token"]).json()
    shift("sessions", "rotated_at", -idle + 60, row_of(young))
    young = api.refresh(young["refresh_token"]).json()
    shift("sessions", "rotated_at", -idle - 1, row_of(young))
    dead(api, young["refresh_token"])

    lasting = api.refresh(api.new_user()["refresh_token"]).json()
    shift("sessions", "created_at", -absolute + 60, row_of(lasting))
    shift("sessions", "rotated_at", -60, row_of(lasting))
    lasting = api.refresh(lasting["refresh_token"]).json()
    shift("sessions", "created_at", -120, row_of(lasting))
    dead(api, lasting["refresh_token"])
    problem(api.me(lasting["access_token"]), 401, "authentication")


def test_a_row_behind_its_token_lost_commits(service, api):
    """A database that forgot rotations (crash, failover) does not log anybody out."""
    grant = api.new_user()
    child = api.refresh(grant["refresh_token"]).json()["refresh_token"]
    service.database.query(
        f"UPDATE sessions SET counter = 0, rotated_at = NULL WHERE {row_of(grant)}")
    mark = service.httpd.mark()
    answer = api.refresh(child)
    assert answer.status_code == 200
    assert counter(answer.json()["refresh_token"]) == 2
    assert service.httpd.log_since(mark, r"AS0\d+:", 2)


def test_a_row_far_behind_its_token_is_not_believed(service, api):
    grant = api.new_user()
    token = grant["refresh_token"]
    for _ in range(18):
        token = api.refresh(token).json()["refresh_token"]
        service.database.shift("sessions", "rotated_at", -31, row_of(grant))
    service.database.query(f"UPDATE sessions SET counter = 2 WHERE {row_of(grant)}")
    assert api.refresh(token).status_code == 200, "16 behind"
    grant = api.new_user()
    token = grant["refresh_token"]
    for _ in range(18):
        token = api.refresh(token).json()["refresh_token"]
        service.database.shift("sessions", "rotated_at", -31, row_of(grant))
    service.database.query(f"UPDATE sessions SET counter = 1 WHERE {row_of(grant)}")
    dead(api, token)


def test_parallel_registers_of_one_email(service, api):
    for _ in range(3):
        email = new_email()
        answers = parallel([lambda: api.register(email)] * 50)
        statuses = [a.status_code for a in answers]
        assert statuses.count(201) == 1, statuses
        assert statuses.count(409) == 49, statuses
        assert service.database.query(
            f"SELECT count(*) FROM users WHERE email = '{email}'") == [("1",)]


def jitter():
    time.sleep(random.random() * 0.004)


def test_refresh_racing_logout(api):
    """Whoever wins, nothing lives afterwards."""
    outcomes = set()
    for _ in range(60):
        grant = api.new_user()
        token = grant["refresh_token"]

        def refresh(token=token):
            jitter()
            return api.refresh(token)

        def logout(token=token):
            jitter()
            return api.logout(token)

        refreshed, left = parallel([refresh, logout])
        assert left.status_code == 204
        outcomes.add(refreshed.status_code)
        assert refreshed.status_code in (200, 401)
        dead(api, token)
        problem(api.me(grant["access_token"]), 401, "authentication")
        if refreshed.status_code == 200:
            child = refreshed.json()
            dead(api, child["refresh_token"])
            problem(api.me(child["access_token"]), 401, "authentication")
    assert outcomes == {200, 401}, "both orders were seen"


def test_refresh_and_login_racing_delete(api):
    for _ in range(20):
        grant = api.new_user()
        email = grant["user"]["email"]
        refreshed, entered, gone = parallel([
            lambda: (jitter(), api.refresh(grant["refresh_token"]))[1],
            lambda: (jitter(), api.login(email))[1],
            lambda: (jitter(), api.delete(grant["access_token"], PASSWORD))[1]])
        assert gone.status_code == 204
        for answer in (refreshed, entered):
            assert answer.status_code in (200, 401)
            if answer.status_code == 200:
                dead(api, answer.json()["refresh_token"])
                problem(api.me(answer.json()["access_token"]), 401, "authentication")


def test_refresh_racing_logout_all(api):
    for _ in range(30):
        grant = api.new_user()
        refreshed, left = parallel([
            lambda: (jitter(), api.refresh(grant["refresh_token"]))[1],
            lambda: (jitter(), api.logout_all(grant["access_token"]))[1]])
        assert left.status_code == 204
        dead(api, grant["refresh_token"])
        if refreshed.status_code == 200:
            dead(api, refreshed.json()["refresh_token"])


def test_refresh_racing_a_role_change(service, api):
    """A refresh that began after the change was committed never shows the old role."""
    session = service.database.session()
    try:
        for _ in range(50):
            grant = api.new_user()
            change = f"UPDATE users SET role = 'admin' WHERE id = '{grant['user']['id']}'"

            def promote(change=change):
                jitter()
                session.run(change)
                return time.monotonic()

            def refresh(token=grant["refresh_token"]):
                jitter()
                began = time.monotonic()
                return began, api.refresh(token)

            changed, (began, answer) = parallel([promote, refresh])
            assert answer.status_code == 200
            body = answer.json()
            role = tokens.parts(body["access_token"])[1]["role"]
            assert role == body["user"]["role"]
            if began > changed:
                assert role == "admin"
            assert api.me(body["access_token"]).json()["role"] == "admin"
            again = api.refresh(body["refresh_token"]).json()
            assert tokens.parts(again["access_token"])[1]["role"] == "admin"
    finally:
        session.close()


def test_refresh_waits_for_a_role_change_under_way(service, api):
    """The change holds its lock while the refresh comes in: the new role must be in the answer."""
    session = service.database.session()
    try:
        for _ in range(5):
            grant = api.new_user()
            session.run("BEGIN" if service.engine == "postgresql" else "BEGIN IMMEDIATE")
            session.run(f"UPDATE users SET role = 'admin' WHERE id = '{grant['user']['id']}'")

            def commit():
                time.sleep(0.3)
                session.run("COMMIT")

            _, answer = parallel([commit, lambda: api.refresh(grant["refresh_token"])])
            assert answer.status_code == 200
            body = answer.json()
            assert body["user"]["role"] == "admin"
            assert tokens.parts(body["access_token"])[1]["role"] == "admin"
    finally:
        session.close()


def test_refresh_waits_for_a_logout_under_way(service, api):
    session = service.database.session()
    try:
        grant = api.new_user()
        now = "now()" if service.engine == "postgresql" else "1"
        session.run("BEGIN" if service.engine == "postgresql" else "BEGIN IMMEDIATE")
        session.run(f"UPDATE sessions SET revoked_at = {now} WHERE {row_of(grant)}")

        def commit():
            time.sleep(0.3)
            session.run("COMMIT")

        _, answer = parallel([commit, lambda: api.refresh(grant["refresh_token"])])
        problem(answer, 401, "invalid-refresh-token")
    finally:
        session.close()


def test_tokens_are_distinct(api):
    grants = [api.new_user() for _ in range(50)]
    assert len({g["refresh_token"] for g in grants}) == 50
    assert len({tokens.parts(g["access_token"])[1]["jti"] for g in grants}) == 50
    nonces = {unb64(g["refresh_token"][5:])[17:33] for g in grants}
    assert len(nonces) == 50


def test_tokens_of_another_database_are_refused(make_service):
    """The same secret and keys, another database: the MAC covers the database's id."""
    one = make_service()
    other = make_service(start=False)
    for name in ("main-secret", "main-rs256.pem"):
        (other.httpd.root / "keys" / name).write_bytes(
            (one.httpd.root / "keys" / name).read_bytes())
    other.httpd.start()
    grant = one.api.new_user()
    dead(other.api, grant["refresh_token"])
    assert one.api.refresh(grant["refresh_token"]).status_code == 200
