# SPDX-License-Identifier: Apache-2.0
"""The rules for email, name, password and JSON."""
import itertools
import json
import os

import pytest

from harness.service import PASSWORD, new_email
from test_auth import problem

_numbers = itertools.count(1)


def unique():
    return f"{os.getpid()}-{next(_numbers)}"


def pointers(answer):
    return [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("sent, stored", [
    ("Mixed.Case-{n}@EXAMPLE.Com", "mixed.case-{n}@example.com"),
    ("plus+tag-{n}@example.com", "plus+tag-{n}@example.com"),
    ("idn-{n}@BÜCHER.example", "idn-{n}@xn--bcher-kva.example"),
    ("idn-{n}@xn--fiqs8s.example", "idn-{n}@xn--fiqs8s.example"),
])
def test_email_is_stored_in_one_form(service, api, sent, stored):
    mark = unique()
    sent, stored = sent.format(n=mark), stored.format(n=mark)
    answer = api.register(sent)
    assert answer.status_code == 201, answer.text
    assert answer.json()["user"]["email"] == stored
    assert service.database.query(
        f"SELECT count(*) FROM users WHERE email = '{stored}'") == [("1",)]
    for spelling in (sent, stored, stored.upper()):
        assert api.login(spelling).status_code == 200, spelling
    problem(api.register(stored), 409, "email-exists")


@pytest.mark.parametrize("email", [
    "", "plain", "@example.com", "a@", "a@@example.com", "a b@example.com", "a@exa mple.com",
    "a@example.com\r\nBcc: x@example.com", "a\u0000@example.com", "a@-example.com",
    "a@" + "x" * 64 + ".com", "a" * 250 + "@example.com", "jürgen@example.com",
    ".a@example.com", "a..b@example.com", "a@example..com", 7, None, ["a@example.com"],
    {"a": 1}, True])
def test_bad_email(api, email):
    answer = api.post("/auth/register", {"email": email, "password": PASSWORD, "name": "Ada"})
    problem(answer, 400, "validation")
    assert pointers(answer)[0] in ("/email", "")  # "": the JSON itself is refused (NUL)


def test_email_of_255_octets(api):
    local = ("l" + unique().replace("-", "")).ljust(64, "x")
    labels = ["d" * 60, "d" * 60, "d" * 56, "example.com"]
    longest = f"{local}@{'.'.join(labels)}"
    assert len(longest) == 255
    answer = api.register(longest)
    assert answer.status_code == 201, answer.text
    assert api.login(longest).status_code == 200
    labels[2] += "d"
    problem(api.register(f"{local}@{'.'.join(labels)}"), 400, "validation")


def test_email_utf8_local_part(make_service):
    service = make_service(extra=["AuthSvcEmailUtf8 On"])
    answer = service.api.register("jürgen@example.com")
    assert answer.status_code == 201, answer.text
    assert service.api.login("jürgen@example.com").status_code == 200


@pytest.mark.parametrize("sent, stored", [
    (" Ada ", "Ada"), ("\u3000Ada\u00a0", "Ada"), ("Ada  Lovelace", "Ada  Lovelace"),
    ("x" * 100, "x" * 100), ("\U0001f600" * 100, "\U0001f600" * 100), (" " + "y" * 100 + " ", "y" * 100),
    ("Ƶoë <b>'\"; DROP TABLE users; -- %s %n", "Ƶoë <b>'\"; DROP TABLE users; -- %s %n"),
    ("é" * 100, "é" * 100)])
def test_name_is_trimmed(api, sent, stored):
    answer = api.register(name=sent)
    assert answer.status_code == 201, answer.text
    assert answer.json()["user"]["name"] == stored
    assert api.me(answer.json()["access_token"]).json()["name"] == stored


@pytest.mark.parametrize("name", ["", " ", "\u3000", "x" * 101, "\U0001f600" * 101, "a\u0001b", "a\nb",
                                  "a\u007fb", "a\u0085b", "a\u0000b", 1, None, ["Ada"]])
def test_bad_name(api, name):
    answer = api.post("/auth/register",
                      {"email": new_email(), "password": PASSWORD, "name": name})
    problem(answer, 400, "validation")
    assert pointers(answer)[0] in ("/name", "")


@pytest.mark.parametrize("password", [
    "Abcdef7", "abcdefg7", "ABCDEFG7", "Abcdefgh", "A1" + "a" * 127, "", " " * 8,
    "\U0001f600" * 5 + "A1", 12345678, None, "Aa1aaaa\u0000", "Aa1" + "x" * 100000])
def test_bad_password(api, password):
    answer = api.post("/auth/register",
                      {"email": new_email(), "password": password, "name": "Ada"})
    if answer.status_code == 413:
        problem(answer, 413, "body-too-large")
        return
    problem(answer, 400, "validation")
    assert pointers(answer)[0] in ("/password", "")


@pytest.mark.parametrize("password", [
    "Abcdefg7", "A1" + "a" * 126, "Aa1" + "\U0001f600" * 5, "Aa1" + "e\u0301" * 3, "Ünïcode7",
    "Aa1     ", "  Aa1   ", "Aa1\t\r\nxxxx", "Aa1\u202e\u0001xyz"])
def test_good_password(api, password):
    email = new_email()
    assert api.register(email, password=password).status_code == 201
    assert api.login(email, password).status_code == 200
    problem(api.login(email, password + "x"), 401, "invalid-credentials")


def test_passwords_are_byte_exact(api):
    """No normalisation, no trimming, no truncation."""
    email = new_email()
    nfc, nfd = "Caf\u00e9-au-lait-7", "Cafe\u0301-au-lait-7"
    assert api.register(email, password=nfc).status_code == 201
    for wrong in (nfd, nfc + " ", " " + nfc, nfc.lower(), nfc[:-1], nfc + "\u200b"):
        problem(api.login(email, wrong), 401, "invalid-credentials")
    problem(api.login(email, nfc + "\u0000"), 400, "validation")
    assert api.login(email, nfc).status_code == 200
    email = new_email()
    longest = "A1" + "a" * 126
    assert api.register(email, password=longest).status_code == 201
    for wrong in (longest + "a", longest + "b"):
        problem(api.login(email, wrong), 401, "invalid-credentials")
    assert api.login(email, longest).status_code == 200


def test_every_wrong_member_is_named_at_once(api):
    answer = api.post("/auth/register", {"email": "nobody", "password": "short", "name": ""})
    problem(answer, 400, "validation")
    assert sorted(set(pointers(answer))) == ["/email", "/name", "/password"]
    answer = api.post("/auth/register", {})
    problem(answer, 400, "validation")
    assert sorted(set(pointers(answer))) == ["/email", "/name", "/password"]
    for error in answer.json()["errors"]:
        assert error["code"] and error["detail"]


@pytest.mark.parametrize("extra", [
    {"role": "admin"}, {"is_admin": True}, {"id": "00000000-0000-0000-0000-000000000000"},
    {"email_verified": True}, {"password_hash": "x"}, {"created_at": "2000-01-01T00:00:00Z"},
    {"deleted_at": None}, {"__proto__": {}}, {"Email": "x@example.com"}])
def test_unknown_members_are_refused(service, api, extra):
    email = new_email()
    body = {"email": email, "password": PASSWORD, "name": "Ada"}
    answer = api.post("/auth/register", dict(body, **extra))
    problem(answer, 400, "validation")
    assert pointers(answer) == ["/" + next(iter(extra))]
    assert service.database.query(
        f"SELECT count(*) FROM users WHERE email = '{email}'") == [("0",)]
    answer = api.post("/auth/register", body)
    assert answer.status_code == 201
    assert answer.json()["user"]["role"] == "user"


def test_unknown_members_of_other_operations(api):
    grant = api.new_user()
    problem(api.post("/auth/login", {"email": grant["user"]["email"], "password": PASSWORD,
                                     "otp": "1"}), 400, "validation")
    problem(api.post("/auth/refresh", {"refresh_token": grant["refresh_token"], "x": 1}), 400,
            "validation")
    problem(api.post("/auth/logout", {"refresh_token": grant["refresh_token"], "x": 1}), 400,
            "validation")
    assert api.refresh(grant["refresh_token"]).status_code == 200


def raw_json(api, text, path="/auth/login"):
    octets = text if isinstance(text, bytes) else text.encode("utf-8")
    return api.request("POST", path, content=octets, headers={"Content-Type": "application/json"})


def test_json_is_strict(api):
    email = api.new_user()["user"]["email"]
    good = json.dumps({"email": email, "password": PASSWORD})
    inner = good[1:-1]
    wrong = {
        "empty": "", "blank": "  ", "cut": good[:-1], "trailing": good + "x",
        "two values": good + good, "single quotes": good.replace('"', "'"),
        "trailing comma": "{" + inner + ",}", "comment": "/* x */" + good,
        "duplicate member": '{"email": "x@example.com", ' + inner + "}",
        "duplicate password": "{" + inner + ', "password": "x"}',
        "BOM": b"\xef\xbb\xbf" + good.encode(), "NUL after": good.encode() + b"\0",
        "bad UTF-8": good.encode().replace(b"@", b"\xff@"),
        "overlong UTF-8": good.encode().replace(b"@", b"\xc0\xaf@"),
        "UTF-8 surrogate": good.encode().replace(b"@", b"\xed\xa0\x80@"),
        "lone surrogate": good.replace("@", "\\ud800@"),
        "UTF-16": good.encode("utf-16"), "array": "[" + good + "]", "string": '"x"',
        "number": "1", "null": "null", "NaN": "NaN", "deep": "[" * 3000 + "]" * 3000,
        "deep member": "{" + inner + ', "x":' + "[" * 3000 + "]" * 3000 + "}",
        "big number": "{" + inner + ', "x": 1e999}', "control": good.replace("@", "\n@"),
    }
    for name, text in wrong.items():
        answer = raw_json(api, text)
        assert answer.status_code == 400, f"{name}: {answer.status_code} {answer.text}"
        problem(answer, 400, "validation")
    for text in (good, " \r\n\t" + good + "\n", good.replace("@", "\\u0040")):
        assert raw_json(api, text).status_code == 200


@pytest.mark.parametrize("text", [
    "' OR '1'='1", "%s%s%n%x", "\u202e\u0007[31m", "x'; DROP TABLE users; --", "../../etc/passwd",
    "${jndi:ldap://127.0.0.1/x}", "<script>alert(1)</script>", "\\ud83d\\u0000"])
def test_hostile_text_is_only_text(api, text):
    email = new_email()
    password = "Aa1" + text.ljust(8, "x")
    assert api.register(email, password=password).status_code == 201
    assert api.login(email, password).status_code == 200
    problem(api.login(email, password[:-1]), 401, "invalid-credentials")
    problem(api.refresh(text), 401, "invalid-refresh-token")
    assert api.logout(text).status_code == 204


def test_password_policy_by_directive(make_service):
    """The NIST form: 15 or more, no composition."""
    nist = make_service(extra=["AuthSvcPasswordLength 15 200", "AuthSvcPasswordRequire none"])
    problem(nist.api.register(password="Aa1aaaaaaaaaaa"), 400, "validation")
    for password in ("correct horse battery", "111111111111111", "密码" * 8, "a" * 200):
        email = new_email()
        assert nist.api.register(email, password=password).status_code == 201
        assert nist.api.login(email, password).status_code == 200
    problem(nist.api.register(password="a" * 201), 400, "validation")
    symbol = make_service(extra=["AuthSvcPasswordRequire symbol digit"])
    problem(symbol.api.register(password="abcdefgh7"), 400, "validation")
    problem(symbol.api.register(password="abcdefgh!"), 400, "validation")
    assert symbol.api.register(password="abcdefg!7").status_code == 201


def test_effective_values_are_in_the_served_contract(make_service):
    service = make_service(extra=["AuthSvcPasswordLength 15 200"])
    answer = service.api.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["servers"] == [{"url": "."}]
    assert '"minLength":15' in json.dumps(answer.json(), separators=(",", ":"))
