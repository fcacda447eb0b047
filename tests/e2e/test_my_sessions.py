# SPDX-License-Identifier: Apache-2.0
"""A user's own sessions: seen, ended, and no more of them than allowed."""
import datetime
import time

import pytest

from harness.service import PASSWORD, Service, bearer
from harness.tokens import parts
from test_auth import problem

AGENT = {"User-Agent": "test/1.0 \xe9".encode("latin-1")}


@pytest.fixture(scope="module")
def service(engine):
    made = Service(engine, extra=["AuthSvcMaxSessions 4"])
    yield made
    made.destroy()


def listed(service, token):
    answer = service.api.get("/users/me/sessions", headers=bearer(token))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()["sessions"]


def end(service, token, session):
    return service.api.request("DELETE", f"/users/me/sessions/{session}", headers=bearer(token))


def sid(token):
    return parts(token)[1]["sid"]


def login(service, user, **options):
    answer = service.api.login(user["user"]["email"], **options)
    assert answer.status_code == 200
    return answer.json()


def test_what_is_seen(service):
    user = service.api.new_user(headers=AGENT)
    (only,) = listed(service, user["access_token"])
    assert only["id"] == sid(user["access_token"])
    assert only["current"] is True
    assert (only["ip"], only["user_agent"]) == ("127.0.0.1", "test/1.0 ?")
    made = datetime.datetime.fromisoformat(only["created_at"])
    assert abs(made.timestamp() - time.time()) < 60
    assert only["last_used_at"] == only["created_at"]
    second = login(service, user)
    time.sleep(1.1)  # times have whole seconds
    used = service.api.refresh(second["refresh_token"]).json()
    first, other = listed(service, user["access_token"])
    assert (first["id"], first["current"]) == (only["id"], True), "the one that asks comes first"
    assert (other["id"], other["current"]) == (sid(second["access_token"]), False)
    assert other["last_used_at"] > other["created_at"]
    assert [one["current"] for one in listed(service, used["access_token"])] == [True, False]


def test_others_are_not_seen_and_not_ended(service):
    ada, bob = service.api.new_user(), service.api.new_user()
    assert len(listed(service, ada["access_token"])) == 1
    problem(end(service, ada["access_token"], sid(bob["access_token"])), 404, "not-found")
    assert service.api.me(bob["access_token"]).status_code == 200
    assert len(listed(service, bob["access_token"])) == 1


@pytest.mark.parametrize("session", [
    "00000000-0000-7000-8000-000000000000", "x", "'", "00000000-0000-7000-8000-00000000000G"])
def test_there_is_no_such_session(service, session):
    user = service.api.new_user()
    problem(end(service, user["access_token"], session), 404, "not-found")
    assert end(service, user["access_token"], sid(user["access_token"])).status_code == 204


def test_one_of_several_ends(service):
    user = service.api.new_user()
    other = login(service, user)
    assert end(service, user["access_token"], sid(other["access_token"]).upper()).status_code == 204
    problem(service.api.me(other["access_token"]), 401, "authentication")
    problem(service.api.refresh(other["refresh_token"]), 401, "invalid-refresh-token")
    assert [one["id"] for one in listed(service, user["access_token"])] == [
        sid(user["access_token"])]
    problem(end(service, user["access_token"], sid(other["access_token"])), 404, "not-found")
    assert service.api.refresh(user["refresh_token"]).status_code == 200


def test_the_asking_one_ends(service):
    user = service.api.new_user()
    other = login(service, user)
    own = sid(user["access_token"])
    assert end(service, user["access_token"], own).status_code == 204
    problem(end(service, user["access_token"], sid(other["access_token"])), 401, "authentication")
    problem(service.api.get("/users/me/sessions", headers=bearer(user["access_token"])), 401,
            "authentication")
    assert [one["id"] for one in listed(service, other["access_token"])] == [
        sid(other["access_token"])]


def test_idle_and_old_sessions_are_none(service):
    user = service.api.new_user()
    other = login(service, user)
    service.database.shift("sessions", "created_at", -31 * 86400,
                           f"id = '{sid(other['access_token'])}'")
    assert len(listed(service, user["access_token"])) == 1
    problem(end(service, user["access_token"], sid(other["access_token"])), 404, "not-found")


def test_the_oldest_ends(service):
    first = service.api.new_user()
    others = [login(service, first) for _ in range(3)]
    assert len(listed(service, first["access_token"])) == 4
    newest = login(service, first)
    problem(service.api.me(first["access_token"]), 401, "authentication")
    problem(service.api.refresh(first["refresh_token"]), 401, "invalid-refresh-token")
    for one in [*others, newest]:
        assert service.api.me(one["access_token"]).status_code == 200
    assert len(listed(service, newest["access_token"])) == 4
    # a wrong password ends nobody's
    service.api.login(first["user"]["email"], PASSWORD + "x")
    assert len(listed(service, newest["access_token"])) == 4
