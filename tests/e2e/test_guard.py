# SPDX-License-Identifier: Apache-2.0
"""AuthType AuthSvc: who gets in, and what the others are told."""
import json
import pathlib
import subprocess

import pytest

from guarded import (DENIED, SECRET, UNKNOWN_METHOD, ask, bearer, database_gone, guarded, make_site, new_admin, new_token,
                     opens, refused)
from harness import build
from harness.service import Service
from test_auth import problem

NO_CONDITIONS = pathlib.Path(__file__).with_name("no_conditions.c")

AREAS = {
    "members": "Require valid-user",
    "admin": "Require authsvc-role admin",
    "both": "Require authsvc-role user admin",
    "verified": "Require authsvc-verified-email",
}
LINES = [line for area, how in AREAS.items() for line in guarded(f"/{area}", how=how)]


@pytest.fixture(scope="module")
def site(engine):
    service = make_site(lambda **options: Service(engine, **options), *LINES, folders=AREAS)
    yield service
    service.destroy()


def members(site, token=None, path="/members/secret.txt", **options):
    headers = {**(bearer(token) if token else {}), **options.pop("headers", {})}
    return site.api.client.request(options.pop("method", "GET"), path, headers=headers, **options)


def test_a_bearer_token_opens(site):
    grant = site.api.new_user()
    answer = members(site, grant["access_token"])
    assert (answer.status_code, answer.text) == (200, SECRET)
    assert members(site, path="/open.txt").text == "open\n"


def test_without_a_token(site):
    answer = members(site)
    problem(answer, 401, "authentication")
    assert answer.headers["www-authenticate"] == f'Bearer realm="{site.issuer}"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["instance"] == "/members/secret.txt"
    assert int(answer.headers["content-length"]) == len(answer.content)


@pytest.mark.parametrize("field", [
    "", "Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Basic YTpi", "Bearer  ", "X", "Digest x",
    "Bearer {token} ", "Bearer\t{token}", "Bearer {token} {token}", "Bearer {token},", "{token}",
    "Bearer {token}x", "Bearer {other}"])
def test_a_wrong_credential(site, field):
    token = new_token(site)
    head, claims, signature = token.split(".")
    other = ".".join((head, claims, signature[:-5] + signature[-5:].swapcase()))
    value = field.format(token=token, other=other)
    answer = ask(site, "/members/secret.txt", fields=[f"Authorization: {value}"])
    if field == "Bearer {token} ":  # the white space is httpd's to take off
        assert answer.status == 200
        return
    assert answer.status == 401, answer.octets
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    opens(site, "/members/secret.txt", token)


def test_two_authorization_fields(site):
    token = new_token(site)
    for pair in ((f"Bearer {token}", f"Bearer {token}"), (f"Bearer {token}", "Basic YTpi"),
                 ("Basic YTpi", f"Bearer {token}")):
        refused(site, "/members/secret.txt", fields=[f"Authorization: {one}" for one in pair])
    opens(site, "/members/secret.txt", token)


def test_an_ended_session_is_refused(site):
    grant = site.api.new_user()
    assert members(site, grant["access_token"]).status_code == 200
    assert site.api.logout(grant["refresh_token"]).status_code == 204
    answer = members(site, grant["access_token"])
    problem(answer, 401, "authentication")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_role_is_required(site):
    site.httpd.allow(DENIED)
    user, admin = new_token(site), new_admin(site)
    for area, statuses in {"members": (200, 200), "admin": (403, 200), "both": (200, 200),
                           "verified": (403, 403)}.items():
        got = tuple(members(site, token, f"/{area}/secret.txt").status_code
                    for token in (user, admin))
        assert got == statuses, area
        problem(members(site, path=f"/{area}/secret.txt"), 401, "authentication")
    answer = members(site, user, "/admin/secret.txt")
    problem(answer, 403, "insufficient-rights")
    assert "www-authenticate" not in answer.headers
    assert SECRET not in answer.text


def test_a_changed_role_takes_effect(site):
    admin = site.api.new_user()["user"]
    site.database.set_role(admin["id"], "admin")
    token = site.api.login(admin["email"]).json()["access_token"]
    assert members(site, token, "/admin/secret.txt").status_code == 200
    keep = new_admin(site)
    build.ctl("user", "set", admin["email"], "--role", "user", "--config", site.httpd.conf)
    # somebody else did it: httpd hears of it within a second, and a busy machine is late
    build.wait_until(lambda: members(site, token, "/admin/secret.txt").status_code == 401, 5,
                     "the old role opens nothing any more")
    assert members(site, keep, "/admin/secret.txt").status_code == 200


def test_a_verified_email(site):
    site.httpd.allow(DENIED)
    grant = site.api.new_user()
    true = "true" if site.engine == "postgresql" else "1"
    site.database.query(
        f"UPDATE users SET email_verified = {true} WHERE id = '{grant['user']['id']}'")
    assert members(site, grant["access_token"], "/verified/secret.txt").status_code == 403, \
        "the token says what it said"
    grant = site.api.login(grant["user"]["email"]).json()
    assert members(site, grant["access_token"], "/verified/secret.txt").text == SECRET


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS",
                                    "PROPFIND", "REPORT", "TRACE", "CONNECT", "FOO", "get"])
def test_no_method_gets_around(site, method):
    """TRACE and CONNECT never reach a file; the others are refused as GET is."""
    site.httpd.allow(UNKNOWN_METHOD)
    token = new_token(site)
    answer = ask(site, "/members/secret.txt", method=method)
    if method in ("TRACE", "CONNECT"):
        assert answer.status in (400, 405), answer.octets
        return
    assert answer.status == 401, answer.octets
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    if method == "HEAD":
        assert answer.body == b"" and int(answer.headers["content-length"]) > 0
    else:
        assert json.loads(answer.body)["status"] == 401
    allowed = ask(site, "/members/secret.txt", token, method=method)
    assert allowed.status not in (401, 403, 500), allowed.octets


def test_without_a_database_nothing_opens(make_service):
    site = make_site(make_service, *guarded("/members"), "AuthSvcRevocationMaxStale 1s")
    token = new_token(site)
    opens(site, "/members/secret.txt", token)
    with database_gone(site):
        build.wait_until(lambda: members(site, token).status_code == 503, 10, "nothing is believed")
        answer = members(site, token)
        problem(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert members(site).status_code == 401, "nothing was sent that could be looked up"
        assert members(site, path="/open.txt").status_code == 200
    build.wait_until(lambda: members(site, token).status_code == 200, 10, "open again")


def test_a_process_without_connections_opens_nothing(make_service):
    site = make_site(make_service, *guarded("/members"))
    token = new_token(site)
    opens(site, "/members/secret.txt", token)
    site.httpd.stop()
    library = site.httpd.root / "run" / "no_conditions.so"
    subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror",
                    "-shared", "-fPIC", "-o", library, NO_CONDITIONS, "-ldl"], check=True)
    site.httpd.preload = [library]
    site.httpd.allow("AS0571: ", "AS0500: status 503, ", "AS0622: status 503, ")
    site.httpd.start()
    for _ in range(3):
        answer = refused(site, "/members/secret.txt", token, status=503)
        assert "retry-after" in answer.headers
    refused(site, "/members/secret.txt")
    assert site.api.me(token).status_code == 503
    assert ask(site, "/open.txt").status == 200, "the control: the process lives"


def test_remote_user_is_sub_or_email(make_service):
    log = ['LogFormat "%u %{AUTHSVC_SUB}e %{AUTHSVC_ROLE}e" who', "CustomLog logs/who.log who"]
    site = make_site(make_service, *log, *guarded("/members"),
                     *guarded("/mail", "AuthSvcRemoteUser email"), folders=("members", "mail"))
    grant = site.api.new_user()
    for area in ("members", "mail"):
        opens(site, f"/{area}/secret.txt", grant["access_token"])
    site.httpd.stop()  # a line is written after its answer was sent
    said = (site.httpd.root / "logs" / "who.log").read_text(encoding="utf-8").splitlines()
    user = grant["user"]
    # those of nobody are of the registration, and of another connection, in whatever order
    assert [line for line in said if line != "- - -"] == [
        f"{user['id']} {user['id']} user", f"{user['email']} {user['id']} user"]
