# SPDX-License-Identifier: Apache-2.0
"""What refused requests are answered with: problems for programs, pages for people."""
import json
import urllib.parse

import pytest

from guarded import (DENIED, SECRET, ask, guarded, make_site, new_admin, new_token, opens, refused)
from harness.service import Service

ENGINES = ["sqlite"]

BROWSER = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
NAVIGATE = "Sec-Fetch-Mode: navigate"


@pytest.fixture(scope="module")
def site(engine):
    def prepare(root):
        (root / "login").mkdir()
        (root / "login" / "index.html").write_text("<h1>sign in</h1>\n", encoding="ascii")
        (root / "sorry.html").write_text("<h1>sorry</h1>\n", encoding="ascii")

    lines = [
        *guarded("/plain"),
        *guarded("/paged", "AuthSvcLoginPage /login/"),
        *guarded("/paged/api", "AuthSvcLoginPage Off"),
        *guarded("/paged/admin", "AuthSvcLoginPage /login/", how="Require authsvc-role admin"),
        *guarded("/loop", "AuthSvcLoginPage /loop/index.html"),
        *guarded("/text", 'ErrorDocument 401 "who are you"', 'ErrorDocument 403 "not you"',
                 how="Require authsvc-role admin"),
        *guarded("/document", "ErrorDocument 401 /sorry.html", "ErrorDocument 403 /sorry.html",
                 how="Require authsvc-role admin"),
        *guarded("/broken", "ErrorDocument 401 /plain/sorry.html"),
        "AuthSvcCookie On",
    ]
    service = make_site(
        lambda **options: Service(engine, **options), *lines, prepare=prepare,
        folders=("plain", "paged", "paged/api", "paged/admin", "loop", "text", "document",
                 "broken"))
    yield service
    service.destroy()


@pytest.mark.parametrize("fields", [[NAVIGATE], [BROWSER], [NAVIGATE, BROWSER],
                                    [NAVIGATE, "Accept: */*"]])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_people_are_sent_to_the_login_page(site, fields, method):
    answer = ask(site, "/paged/secret.txt?a=b&c=%2f", fields=fields, method=method)
    assert answer.status == 302
    where = urllib.parse.urlsplit(answer.headers["location"])
    assert (where.scheme, where.netloc, where.path) in (
        ("", "", "/login/"), ("http", "localhost", "/login/"))
    assert urllib.parse.parse_qs(where.query) == {"return_to": ["/paged/secret.txt?a=b&c=%2f"]}
    assert answer.headers["cache-control"] == "no-store"
    assert {"accept", "sec-fetch-mode", "cookie", "authorization"} <= {
        name.strip().lower() for name in answer.headers["vary"].split(",")}
    assert "www-authenticate" not in answer.headers
    assert SECRET.encode() not in answer.body


@pytest.mark.parametrize("method, fields", [
    ("GET", []), ("GET", ["Accept: application/json"]), ("GET", ["Accept: */*"]),
    ("GET", [BROWSER, "X-Requested-With: XMLHttpRequest"]),
    ("GET", [BROWSER, "Sec-Fetch-Mode: cors"]), ("GET", [BROWSER, "Sec-Fetch-Mode: no-cors"]),
    ("GET", [BROWSER, "Sec-Fetch-Mode: same-origin"]),
    ("POST", [NAVIGATE, BROWSER, "Content-Length: 0"]), ("OPTIONS", [BROWSER]),
    ("PROPFIND", [BROWSER])])
def test_programs_are_not(site, method, fields):
    answer = ask(site, "/paged/secret.txt", fields=fields, method=method)
    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.body)["status"] == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert "location" not in answer.headers
    assert "Accept" in answer.headers["vary"]


def test_who_sends_a_token_is_told_that_it_is_wrong(site):
    for field in ("Authorization: Bearer x.y.z", "Authorization: Basic YTpi"):
        answer = refused(site, "/paged/secret.txt", fields=[NAVIGATE, field])
        assert "location" not in answer.headers
    # a cookie that is over is nobody's fault
    answer = ask(site, "/paged/secret.txt", fields=[NAVIGATE, "Cookie: authsvc=x.y.z"])
    assert answer.status == 302
    assert ask(site, "/paged/secret.txt",
               fields=[NAVIGATE, f"Cookie: authsvc={new_token(site)}"]).status == 200


@pytest.mark.parametrize("target, expected", [
    ("//evil.example/paged/secret.txt", None),
    ("http://evil.example/paged/secret.txt", ""),
    ("/paged/secret.txt?x=\\evil", ""),
    ("/paged/secret.txt?" + "x" * 2100, ""),
    ("/paged/secret.txt?//evil.example", "/paged/secret.txt?//evil.example"),
    ("/paged/%2f%2fevil.example", None),
    ("/paged/%0d%0aX-Evil:1", "/paged/%0d%0aX-Evil:1"),
])
def test_no_open_redirect(site, target, expected):
    answer = ask(site, target, fields=[NAVIGATE])
    if expected is None:
        assert answer.status in (400, 401, 404), answer.octets
        assert "location" not in answer.headers
        return
    assert answer.status == 302, answer.octets
    assert "x-evil" not in answer.headers
    where = urllib.parse.urlsplit(answer.headers["location"])
    assert where.netloc in ("", "localhost", f"localhost:{site.httpd.port}", "evil.example") \
        and where.path == "/login/"
    assert urllib.parse.parse_qs(where.query).get("return_to", [""]) == [expected]


def test_insufficient_rights_are_no_matter_of_signing_in(site):
    site.httpd.allow(DENIED)
    for fields in ([], [NAVIGATE, BROWSER]):
        answer = refused(site, "/paged/admin/secret.txt", new_token(site), status=403,
                         fields=fields)
        assert "location" not in answer.headers
    opens(site, "/paged/admin/secret.txt", new_admin(site), fields=[NAVIGATE])


def test_no_loop_and_off(site):
    assert ask(site, "/loop/secret.txt", fields=[NAVIGATE]).status == 302
    refused(site, "/loop/index.html", fields=[NAVIGATE])
    answer = refused(site, "/paged/api/secret.txt", fields=[NAVIGATE])
    assert "location" not in answer.headers


def test_without_a_login_page_people_see_httpds_own(site):
    answer = refused(site, "/plain/secret.txt", fields=[NAVIGATE, BROWSER])
    assert answer.headers["content-type"].startswith("text/html")
    assert b"<h1>Unauthorized</h1>" in answer.body
    assert answer.headers["www-authenticate"].startswith("Bearer ")


@pytest.mark.parametrize("fields", [[], [NAVIGATE]])
def test_the_admins_own_answers(site, fields):
    site.httpd.allow(DENIED)
    user = new_token(site)
    for path, texts in (("/text", (b"who are you", b"not you")),
                        ("/document", (b"<h1>sorry</h1>\n", b"<h1>sorry</h1>\n"))):
        answer = refused(site, f"{path}/secret.txt", fields=fields)
        assert answer.body.strip() == texts[0].strip()
        assert answer.headers["www-authenticate"].startswith("Bearer ")
        assert answer.headers["cache-control"] == "no-store"
        answer = refused(site, f"{path}/secret.txt", user, status=403, fields=fields)
        assert answer.body.strip() == texts[1].strip()
        opens(site, f"{path}/secret.txt", new_admin(site), fields=fields)


def test_an_error_document_that_is_guarded_itself(site):
    answer = refused(site, "/broken/secret.txt")
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    answer = refused(site, "/broken/secret.txt", fields=[NAVIGATE])
    assert "location" not in answer.headers


def test_keep_alive_after_a_refusal(site):
    """The length is right: the next answer on the connection is the next request's."""
    client = site.api.client
    client.cookies.clear()
    for _ in range(3):
        assert client.get("/plain/secret.txt").status_code == 401
        assert client.head("/plain/secret.txt").status_code == 401
        assert client.post("/plain/secret.txt", content=b"x" * 1000).status_code == 401
        assert client.get("/open.txt").text == "open\n"
