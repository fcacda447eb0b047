# SPDX-License-Identifier: Apache-2.0
"""GET and PATCH /users/me, POST /users/me/delete."""
import pytest

from harness import raw
from harness.service import MOUNT, PASSWORD, bearer
from test_auth import problem


def test_me_needs_a_token(api):
    answer = api.get("/users/me")
    problem(answer, 401, "authentication")
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith("Bearer")
    assert "error" not in challenge, "RFC 6750 3.1: no error code when no token was sent"
    answer = api.me("junk")
    problem(answer, 401, "authentication")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert api.me(api.new_user()["access_token"]).status_code == 200


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "X", "Basic dXNlcjpwYXNz", "Bearer\t",
                                   "Bearer a b", "Bearer  ", "Bearer,", "Bearer \x01", "\x80\xff",
                                   "Bearer \xe9", "Bearera.b.c", "Bearer" + " " * 4000])
def test_odd_authorization(service, value):
    answer = raw.exchange(service.httpd.port, raw.request(
        "GET", f"{MOUNT}/users/me", [f"Authorization: {value}"]))
    assert answer.status in (400, 401), answer.octets
    if answer.status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_scheme_is_case_insensitive(api):
    token = api.new_user()["access_token"]
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert api.get("/users/me",
                       headers={"Authorization": f"{scheme} {token}"}).status_code == 200


def test_two_authorization_fields(api):
    token = api.new_user()["access_token"]
    answer = api.get("/users/me", headers=[("Authorization", f"Bearer {token}"),
                                           ("Authorization", "Bearer other")])
    assert answer.status_code in (400, 401)


def test_token_in_the_query_is_not_taken(api):
    token = api.new_user()["access_token"]
    problem(api.get(f"/users/me?access_token={token}"), 401, "authentication")


def test_rename(service, api):
    grant = api.new_user()
    answer = api.rename(grant["access_token"], {"name": "  Grace Hopper "})
    assert answer.status_code == 200, answer.text
    assert answer.json() == dict(grant["user"], name="Grace Hopper")
    assert api.me(grant["access_token"]).json()["name"] == "Grace Hopper"
    rows = service.database.query(f"SELECT name FROM users WHERE id = '{grant['user']['id']}'")
    assert rows == [("Grace Hopper",)]


@pytest.mark.parametrize("body", [
    {}, {"name": ""}, {"name": "   "}, {"name": "x" * 101}, {"name": 7}, {"name": None},
    {"name": "bad\u0007bell"}, {"name": "Ada", "role": "admin"}, {"role": "admin"},
    {"name": "Ada", "email": "other@example.com"}, {"name": "Ada", "email_verified": True},
    {"name": "Ada", "id": "0"}, ["name"], "name", None])
def test_rename_refusals(service, api, body):
    grant = api.new_user()
    problem(api.rename(grant["access_token"], body), 400, "validation")
    assert api.me(grant["access_token"]).json() == grant["user"]
    del service


def test_rename_needs_a_living_session(api):
    grant = api.new_user()
    api.logout(grant["refresh_token"])
    problem(api.rename(grant["access_token"], {"name": "Ghost"}), 401, "authentication")
    again = api.login(grant["user"]["email"]).json()
    assert again["user"]["name"] == grant["user"]["name"]


def test_delete(service, api):
    grant = api.new_user()
    email = grant["user"]["email"]
    other = api.login(email).json()
    problem(api.delete(grant["access_token"], "Wrong-Password-1"), 401, "invalid-credentials")
    assert api.me(grant["access_token"]).status_code == 200
    assert api.delete(grant["access_token"]).status_code == 204
    for dead in (grant, other):
        problem(api.me(dead["access_token"]), 401, "authentication")
        problem(api.refresh(dead["refresh_token"]), 401, "invalid-refresh-token")
    problem(api.login(email), 401, "account-deactivated")
    problem(api.login(email, "Wrong-Password-1"), 401, "invalid-credentials")
    problem(api.register(email), 409, "email-exists")
    rows = service.database.query(
        f"SELECT count(*) FROM users WHERE email = '{email}' AND deleted_at IS NOT NULL")
    assert rows == [("1",)]


def test_delete_needs_password_and_token(api):
    grant = api.new_user()
    problem(api.post("/users/me/delete", {"password": PASSWORD}), 401, "authentication")
    problem(api.post("/users/me/delete", {}, headers=bearer(grant["access_token"])), 400,
            "validation")
    assert api.me(grant["access_token"]).status_code == 200
