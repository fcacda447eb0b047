# SPDX-License-Identifier: Apache-2.0
"""What the logs never hold, and what cannot be forged in them."""
import re

import pytest

from harness import build, raw
from harness.httpd import FAULTS
from harness.service import MOUNT, Service, bearer, new_email
from test_auth import problem


@pytest.fixture(scope="module")
def talkative(engine):
    # httpd itself logs the fields of every request at http:trace4, Authorization included; what is
    # ours, and what works for us, is at trace8.
    made = Service(engine, loglevel="trace8 http:trace3 core:trace3", main=[
        'LogFormat "%h %u %r %{Referer}i %{User-Agent}i" wide', "CustomLog logs/wide.log wide"])
    yield made
    made.destroy()


def all_logs(service):
    return {file.name: file.read_bytes() for file in (service.httpd.root / "logs").iterdir()}


def test_no_secret_in_any_log(talkative):
    api, database = talkative.api, talkative.database
    talkative.httpd.allow(*FAULTS)
    email = new_email()
    passwords = ["Secret-Pass-Phrase-1", "Wrong-Pass-Phrase-2", "short", "Deleting-Phrase-3"]
    grant = api.register(email, password=passwords[0]).json()
    grants = [grant, api.login(email, passwords[0]).json()]
    api.login(email, passwords[1])
    api.login(new_email(), passwords[1])
    api.register(password=passwords[2])
    api.register(email, password=passwords[0])
    grants.append(api.refresh(grant["refresh_token"]).json())
    database.shift("sessions", "rotated_at", -31)
    problem(api.refresh(grant["refresh_token"]), 401, "invalid-refresh-token")  # theft
    api.me(grant["access_token"])
    api.me(grants[1]["access_token"][:-2] + "xx")
    api.rename(grants[1]["access_token"], {"name": "Named-In-Secret"})
    api.delete(grants[1]["access_token"], passwords[3])
    hashes = [row[0] for row in database.query("SELECT password_hash FROM users")]
    database.block()
    api.login(email, passwords[0])
    api.refresh(grants[1]["refresh_token"])
    api.register(new_email(), password=passwords[0])
    database.unblock()
    build.wait_until(lambda: api.get("/health/ready").status_code == 200, 10, "recovery")
    raw.exchange(talkative.httpd.port, raw.request(
        "POST", f"{MOUNT}/auth/login", ["Content-Type: application/json", "Content-Length: 400"],
        b'{"password": "Cut-Short-Phrase-4"'), half_close=True)
    assert api.logout(grants[1]["refresh_token"]).status_code == 204

    secrets = [*passwords[:2], passwords[3], "Cut-Short-Phrase-4", *hashes]
    for one in grants:
        for name in ("access_token", "refresh_token"):
            secrets += [one[name], one[name].split(".")[-1][-40:]]
    keys = talkative.httpd.root / "keys"
    for file in keys.iterdir():
        secrets += [line for line in file.read_text(encoding="ascii").splitlines()
                    if len(line) > 20 and "-----" not in line and not line.startswith("#")]
        secrets += [line.split(":", 1)[1] for line in file.read_text(encoding="ascii").splitlines()
                    if re.match(r"\d+:", line)]
    logs = all_logs(talkative)
    assert b"authsvc" in logs["error.log"], "positive control: we do log"
    assert b"/auth/login" in logs["access.log"]
    for name, content in logs.items():
        for secret in secrets:
            assert secret.encode() not in content, f"{secret!r} is in {name}"
        assert str(database.params).encode() not in content or database.engine == "sqlite"


def test_log_lines_cannot_be_forged(talkative):
    api = talkative.api
    forged = "\r\n[Mon Jan 01 00:00:00 2030] [authsvc:error] AS0999: forged"
    talkative.httpd.allow(r"core:trace")  # httpd's own line, which quotes the path and escapes it
    mark = talkative.httpd.mark()
    api.login(f"a{forged}@example.com")
    api.register(new_email(), name=f"Ada{forged}")
    api.register(f"x{forged}@example.com")
    api.refresh(f"asr1_{forged}")
    api.logout(f"asr1_{forged}")
    api.post("/auth/login", {f"member{forged}": 1, "email": "a", "password": "b"})
    api.get("/nowhere%0d%0a[authsvc:error]%20AS0999:%20forged")
    api.get("/problems/%0d%0aAS0999:%20forged")
    api.post("/auth/login", {"email": "\x1b[2Ja@example.com", "password": "b"})
    raw.exchange(talkative.httpd.port, raw.request(
        "GET", f"{MOUNT}/users/me", ["Authorization: Bearer \x1b[31m", "User-Agent: \x1b[31m x"]))
    new = talkative.httpd.log_text()[mark:]
    assert len(new) > 0
    for line in new.splitlines():
        assert not re.match(r"\[Mon Jan 01 00:00:00 2030\]", line)
        assert not re.match(r"\[[^]]*\] \[authsvc:error\].*forged", line)
        assert "\x1b" not in line
    assert not any(line.startswith("AS0999") for line in new.splitlines())


def test_security_events_are_logged_with_user_and_address(service, api):
    """Login, refusal and theft say who and from where."""
    mark = service.httpd.mark()
    grant = api.new_user()
    api.login(grant["user"]["email"])
    api.login(grant["user"]["email"], "Wrong-Password-1")
    lines = service.httpd.log_since(mark, r"AS0\d{3,}:", 2)
    mine = [line for line in lines if "127.0.0.1" in line]
    assert mine
    assert any(grant["user"]["id"] in line for line in mine), lines


def test_request_id_finds_the_line(service, api):
    mark = service.httpd.mark()
    answer = api.login(new_email(), headers={"Cookie": "x=y"})
    request_id = answer.json()["request_id"]
    refused = api.me("junk")
    lines = service.httpd.log_since(mark, re.escape(request_id), 2)
    assert lines, f"{request_id} is in no line"
    assert refused.status_code == 401


def test_access_log_does_not_name_tokens(service, api):
    grant = api.new_user()
    api.get("/users/me", headers=bearer(grant["access_token"]))
    text = (service.httpd.root / "logs" / "access.log").read_text(encoding="utf-8")
    assert "/users/me" in text
    assert grant["access_token"] not in text
