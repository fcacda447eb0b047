# SPDX-License-Identifier: Apache-2.0
"""Register, login, refresh, logout and logout-all: what works, and every refusal."""
import datetime
import re
import uuid

from harness.service import PASSWORD, new_email


def problem(answer, status, slug):
    """Assert that an answer is this problem; gives its members."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].split(";")[0] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["type"].endswith("/problems/" + slug), body["type"]
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["title"]
    return body


def test_register_signs_in(service, api):
    email = new_email()
    answer = api.register(email, name="Ada Lovelace")
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 900
    assert re.fullmatch(r"asr1_[A-Za-z0-9_-]+", body["refresh_token"])
    user = body["user"]
    assert set(user) == {"id", "email", "name", "role", "email_verified", "created_at"}
    assert uuid.UUID(user["id"]).version == 7
    assert (user["email"], user["name"], user["role"]) == (email, "Ada Lovelace", "user")
    assert user["email_verified"] is False
    created = datetime.datetime.fromisoformat(user["created_at"].replace("Z", "+00:00"))
    assert user["created_at"].endswith("Z")
    assert abs((datetime.datetime.now(datetime.timezone.utc) - created).total_seconds()) < 60
    assert api.me(body["access_token"]).json() == user
    rows = service.database.query(
        f"SELECT name, role, password_hash FROM users WHERE email = '{email}'")
    assert len(rows) == 1
    assert rows[0][:2] == ("Ada Lovelace", "user")
    assert rows[0][2].startswith("$argon2id$v=19$")
    assert PASSWORD not in rows[0][2]


def test_register_twice_is_a_conflict(service, api):
    email = new_email()
    assert api.register(email).status_code == 201
    problem(api.register(email), 409, "email-exists")
    problem(api.register(email.upper()), 409, "email-exists")
    rows = service.database.query(f"SELECT count(*) FROM users WHERE email = '{email}'")
    assert rows == [("1",)]


def test_registration_closed(make_service):
    closed = make_service(extra=["AuthSvcRegistration Off"])
    problem(closed.api.register(), 403, "registration-closed")
    assert closed.database.query("SELECT count(*) FROM users") == [("0",)]


def test_login(api):
    user = api.new_user()["user"]
    answer = api.login(user["email"])
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["user"] == user
    assert api.me(body["access_token"]).status_code == 200


def test_login_wrong_password(api):
    email = api.new_user()["user"]["email"]
    problem(api.login(email, PASSWORD + "x"), 401, "invalid-credentials")
    problem(api.login(email, PASSWORD[:-1]), 401, "invalid-credentials")
    problem(api.login(email, PASSWORD.swapcase()), 401, "invalid-credentials")
    problem(api.login(email, ""), 400, "validation")
    assert api.login(email).status_code == 200


def test_each_login_is_a_session_of_its_own(api):
    email = api.new_user()["user"]["email"]
    one, two = api.login(email).json(), api.login(email).json()
    assert one["refresh_token"] != two["refresh_token"]
    assert api.logout(one["refresh_token"]).status_code == 204
    problem(api.me(one["access_token"]), 401, "authentication")
    assert api.me(two["access_token"]).status_code == 200
    assert api.refresh(two["refresh_token"]).status_code == 200


def test_refresh(api):
    grant = api.new_user()
    answer = api.refresh(grant["refresh_token"])
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["user"] == grant["user"]
    assert body["refresh_token"] != grant["refresh_token"]
    assert api.me(body["access_token"]).status_code == 200
    assert api.refresh(body["refresh_token"]).status_code == 200


def test_refresh_of_what_is_no_token(api):
    token = api.new_user()["refresh_token"]
    flip = "A" if token[40] != "A" else "B"
    for wrong in ("x", "asr1_", "asr1_AAAA", token[:-1], token + "A", token + "=",
                  token[:40] + flip + token[41:], token.upper(), "asr2_" + token[5:]):
        problem(api.refresh(wrong), 401, "invalid-refresh-token")
    assert api.refresh(token).status_code == 200


def test_access_token_is_no_refresh_token_nor_the_other_way(api):
    grant = api.new_user()
    problem(api.refresh(grant["access_token"]), 401, "invalid-refresh-token")
    problem(api.me(grant["refresh_token"]), 401, "authentication")
    assert api.me(grant["access_token"]).status_code == 200


def test_logout_ends_the_session_and_is_idempotent(api):
    grant = api.new_user()
    assert api.logout(grant["refresh_token"]).status_code == 204
    problem(api.refresh(grant["refresh_token"]), 401, "invalid-refresh-token")
    problem(api.me(grant["access_token"]), 401, "authentication")
    assert api.logout(grant["refresh_token"]).status_code == 204
    assert api.logout("no token at all").status_code == 204


def test_logout_by_a_rotated_token(api):
    grant = api.new_user()
    child = api.refresh(grant["refresh_token"]).json()
    assert api.logout(grant["refresh_token"]).status_code == 204
    problem(api.refresh(child["refresh_token"]), 401, "invalid-refresh-token")


def test_logout_all(api):
    first = api.new_user()
    second = api.login(first["user"]["email"]).json()
    other = api.new_user()
    assert api.logout_all(first["access_token"]).status_code == 204
    for grant in (first, second):
        problem(api.me(grant["access_token"]), 401, "authentication")
        problem(api.refresh(grant["refresh_token"]), 401, "invalid-refresh-token")
    problem(api.logout_all(first["access_token"]), 401, "authentication")
    assert api.me(other["access_token"]).status_code == 200
    assert api.login(first["user"]["email"]).status_code == 200


def test_only_hashes_are_stored(service, api):
    grant = api.new_user()
    child = api.refresh(grant["refresh_token"]).json()
    from harness.tokens import unb64  # pylint: disable=import-outside-toplevel
    raw = unb64(grant["refresh_token"][len("asr1_"):])
    nonce = raw[17:33]
    rows = service.database.query("SELECT * FROM sessions")
    assert rows
    text = repr(rows)
    for secret in (grant["refresh_token"], child["refresh_token"], grant["access_token"],
                   nonce.hex()):
        assert secret not in text
    assert not any(isinstance(cell, bytes) and nonce in cell for row in rows for cell in row)
