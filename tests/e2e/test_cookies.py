# SPDX-License-Identifier: Apache-2.0
"""AuthSvcCookie: sessions in cookies, as a browser's requests carry them."""
import re

import pytest

from harness.service import PASSWORD, bearer, new_email
from test_auth import problem

OPTIONS = {"extra": ["AuthSvcCookie On"]}
SAME = {"Sec-Fetch-Site": "same-origin"}
CROSS = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}


@pytest.fixture
def site(module_service):
    """A client of its own, with a browser's cookie jar."""
    api = module_service.new_api()
    yield api
    api.close()


def set_cookies(answer):
    """{name: (value, attributes)} of an answer."""
    found = {}
    for field in answer.headers.get_list("set-cookie"):
        pair, *attributes = field.split("; ")
        name, value = pair.split("=", 1)
        assert name not in found
        found[name] = (value, set(attributes))
    return found


def sign_in(api, **body):
    answer = api.post("/auth/register", {"email": new_email(), "password": PASSWORD,
                                         "name": "Ada", **body}, headers=SAME)
    assert answer.status_code == 201, answer.text
    return answer


def is_signed_in(api):
    return api.get("/users/me").status_code == 200


def test_walk(site):
    """Register, read, refresh, sign out: without a token in any body."""
    answer = sign_in(site, omit_tokens=True)
    assert set(answer.json()) == {"expires_in", "user"}
    cookies = set_cookies(answer)
    assert cookies["authsvc"][1] == {"Path=/", "Max-Age=900", "HttpOnly", "SameSite=Lax"}
    assert cookies["authsvc-refresh"][1] == {"Path=/api/v1/auth", "Max-Age=2592000", "HttpOnly",
                                             "SameSite=Strict"}
    assert is_signed_in(site)
    assert site.request("PATCH", "/users/me", json={"name": "Ada King"},
                        headers=SAME).json()["name"] == "Ada King"
    refreshed = site.post("/auth/refresh", {"omit_tokens": True}, headers=SAME)
    assert refreshed.status_code == 200
    assert set_cookies(refreshed)["authsvc-refresh"][0] != cookies["authsvc-refresh"][0]
    assert is_signed_in(site)
    answer = site.post("/auth/logout", {}, headers=SAME)
    assert answer.status_code == 204
    assert {name: value for name, (value, _) in set_cookies(answer).items()} == {
        "authsvc": "", "authsvc-refresh": ""}
    assert all("Max-Age=0" in attributes for _, attributes in set_cookies(answer).values())
    assert set(site.client.cookies) == {"authsvc-device"}, "it stays, and opens nothing"
    assert not is_signed_in(site)


@pytest.mark.parametrize("body", [{}, {"omit_tokens": False}])
def test_refresh_by_cookie_tells_no_token(site, body):
    """Or each script in the site's pages had what HttpOnly keeps from it."""
    grant = sign_in(site).json()
    refreshed = site.post("/auth/refresh", body, headers=SAME)
    assert refreshed.status_code == 200
    assert set(refreshed.json()) == {"expires_in", "user"}
    assert set(set_cookies(refreshed)) == {"authsvc", "authsvc-refresh"}
    assert is_signed_in(site)
    again = site.post("/auth/refresh", {"refresh_token": grant["refresh_token"], **body},
                      headers=SAME)
    assert {"access_token", "refresh_token"} < set(again.json()), "by the token itself"


def test_log_tells_what_is_lost_on_plain_http(module_service):
    lines = [line for line in module_service.httpd.log_text().splitlines() if "AS0651" in line]
    assert lines and "Secure" in lines[0]
    assert len(set(re.sub(r"^\[[^]]*\] ", "", line) for line in lines)) == 1


def test_https_issuer_has_prefixes(make_service):
    """However the request itself comes: a proxy may end TLS."""
    service = make_service(issuer="https://www.example.org/api/v1", extra=["AuthSvcCookie On"])
    answer = sign_in(service.api)
    cookies = set_cookies(answer)
    assert set(cookies) == {"__Host-authsvc", "__Secure-authsvc-refresh",
                            "__Secure-authsvc-device"}
    assert cookies["__Secure-authsvc-device"][1] == {
        "Path=/api/v1/auth", f"Max-Age={365 * 86400}", "HttpOnly", "Secure", "SameSite=Lax"}
    assert all("Secure" in attributes for _, attributes in cookies.values())
    assert "AS0651" not in service.httpd.log_text()
    field = {"Cookie": f"__Host-authsvc={cookies['__Host-authsvc'][0]}"}
    assert service.api.get("/users/me", headers=field).status_code == 200
    field["Cookie"] = field["Cookie"].removeprefix("__Host-")
    problem(service.api.get("/users/me", headers=field), 401, "authentication")


def test_path_is_the_mounts(make_service):
    service = make_service(mount="/deep/er", extra=["AuthSvcCookie On"])
    assert "Path=/deep/er/auth" in set_cookies(sign_in(service.api))["authsvc-refresh"][1]


@pytest.mark.parametrize("headers, proven", [
    ({"Sec-Fetch-Site": "same-origin"}, True), ({"Origin": "{origin}"}, True),
    ({"Sec-Fetch-Site": "same-site", "Origin": "{origin}"}, False),
    ({"Sec-Fetch-Site": "none"}, False), ({"Origin": "null"}, False),
    ({"Origin": "http://127.0.0.1:1"}, False), ({"Origin": "https://{host}"}, False),
    # the Host field, and what proxies say of it, is no proof
    ({"Origin": "http://evil.example", "Host": "evil.example"}, False),
    ({"Origin": "http://evil.example", "X-Forwarded-Proto": "https"}, False),
    ({"Referer": "{origin}/login/"}, False), ({}, False)])
def test_proof(site, module_service, headers, proven):
    sign_in(site)
    origin = module_service.httpd.origin
    headers = {name: value.format(origin=origin, host=origin.split("//")[1])
               for name, value in headers.items()}
    answer = site.request("PATCH", "/users/me", json={"name": "Eve"}, headers=headers)
    if proven:
        assert answer.json()["name"] == "Eve"
    elif "X-Forwarded-Proto" in headers:
        problem(answer, 403, "tls-required")
    else:
        problem(answer, 403, "cross-site")
    assert site.get("/users/me").json()["name"] == ("Eve" if proven else "Ada")


def test_another_page_signs_nobody_in(site):
    body = {"email": new_email(), "password": PASSWORD, "name": "Ada"}
    for headers in (CROSS, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        problem(site.post("/auth/register", body, headers=headers), 403, "cross-site")
        assert not site.client.cookies
    assert site.post("/auth/register", body).status_code == 201, "no browser at all"
    site.client.cookies.clear()
    login = {"email": body["email"], "password": PASSWORD}
    problem(site.post("/auth/login", login, headers=CROSS), 403, "cross-site")
    assert not site.client.cookies
    assert site.post("/auth/login", login, headers=SAME).status_code == 200
    assert site.client.cookies


def test_two_cookies_of_one_name(site, module_service):
    """Somebody else's beside one's own, in one field or in two: no credential."""
    mine, other = (set_cookies(sign_in(module_service.new_api()))["authsvc"][0] for _ in "ab")
    for fields in ([("Cookie", f"authsvc={mine}; authsvc={other}")],
                   [("Cookie", f"authsvc={mine}"), ("Cookie", f"authsvc={other}")]):
        problem(site.get("/users/me", headers=fields), 401, "authentication")
    assert site.get("/users/me", headers=[
        ("Cookie", f"authsvc={mine}; authsvc={mine}")]).status_code == 200


def test_a_comma_parts_no_cookies(site, module_service):
    """A sibling domain's cookie cannot smuggle in one of a prefixed name, in its value."""
    grant = sign_in(module_service.new_api()).json()
    access, refresh = grant["access_token"], grant["refresh_token"]
    for fields in ([("Cookie", f"x=1, authsvc={access}")], [("Cookie", f"x=1,authsvc={access}")],
                   [("Cookie", f"x=1, authsvc={access}; y=2")],
                   # httpd joins fields by a comma; user agents send but one (RFC 6265, 5.4)
                   [("Cookie", "x=1"), ("Cookie", f"authsvc={access}")]):
        problem(site.get("/users/me", headers=fields), 401, "authentication")
    assert site.get("/users/me", headers={
        "Cookie": f"x=1, y=2; authsvc={access}; z=3, w=4"}).status_code == 200
    answer = site.post("/auth/refresh", {}, headers={
        "Cookie": f"x=1, authsvc-refresh={refresh}", **SAME})
    assert problem(answer, 400, "validation")["errors"][0]["pointer"] == "/refresh_token"
    assert site.post("/auth/refresh", {}, headers={
        "Cookie": f"x=1; authsvc-refresh={refresh}", **SAME}).status_code == 200


def test_refused_refresh_removes_the_cookies(site):
    answer = sign_in(site)
    assert site.logout(answer.json()["refresh_token"], headers={
        "Cookie": "a=b", **SAME}).status_code == 204
    site.client.cookies.set("authsvc-refresh", answer.json()["refresh_token"],
                            domain="127.0.0.1", path="/api/v1/auth")
    refused = site.post("/auth/refresh", {}, headers=SAME)
    problem(refused, 401, "invalid-refresh-token")
    assert {value for value, _ in set_cookies(refused).values()} == {""}


def test_ending_everything_removes_the_cookies(site):
    for end in (lambda: site.request("POST", "/auth/logout-all", headers=SAME),
                lambda: site.post("/users/me/delete", {"password": PASSWORD}, headers=SAME)):
        sign_in(site)
        answer = end()
        assert answer.status_code == 204
        assert set(set_cookies(answer)) == {"authsvc", "authsvc-refresh"}
        assert set(site.client.cookies) == {"authsvc-device"}


def test_a_token_needs_no_proof(site):
    token = sign_in(site).json()["access_token"]
    site.client.cookies.clear()
    assert site.rename(token, {"name": "Eve"}).status_code == 200
    assert site.request("PATCH", "/users/me", json={"name": "Eve"},
                        headers={**bearer(token), **CROSS}).status_code == 200


def test_allowed_origin_gets_tokens_and_no_cookies(make_service):
    page = {"Origin": "https://app.example.org", "Sec-Fetch-Site": "same-site"}
    service = make_service(extra=["AuthSvcCookie On", "AuthSvcCorsOrigin https://app.example.org"])
    api = service.api
    answer = api.register(headers=page)
    assert answer.status_code == 201 and "set-cookie" not in answer.headers
    assert "access-control-allow-credentials" not in answer.headers
    token = answer.json()["access_token"]
    field = {"Cookie": f"authsvc={token}"}
    problem(api.request("PATCH", "/users/me", json={"name": "Eve"}, headers={**page, **field}),
            403, "cross-site")
    assert api.rename(token, {"name": "Eve"}).status_code == 200
    refused = api.post("/auth/register", {"email": new_email(), "password": PASSWORD, "name": "A",
                                          "omit_tokens": True}, headers=page)
    assert [entry["code"] for entry in problem(refused, 400, "validation")["errors"]] == [
        "no-cookies"]


def test_without_cookie_mode_nothing_changes(api):
    """The positive control of all this: the default service."""
    answer = api.register(headers=CROSS)
    assert answer.status_code == 201 and "set-cookie" not in answer.headers
    grant = answer.json()
    problem(api.get("/users/me", headers={"Cookie": f"authsvc={grant['access_token']}"}), 401,
            "authentication")
    refused = api.post("/auth/refresh", {}, headers={
        "Cookie": f"authsvc-refresh={grant['refresh_token']}", **SAME})
    assert problem(refused, 400, "validation")["errors"][0]["pointer"] == "/refresh_token"
    refused = api.post("/auth/login", {"email": grant["user"]["email"], "password": PASSWORD,
                                       "omit_tokens": True})
    assert problem(refused, 400, "validation")["errors"][0]["code"] == "no-cookies"


def test_the_largest_token_fits_into_a_cookie(make_service):
    """Browsers drop a cookie whose name and value exceed 4096 octets."""
    service = make_service(extra=["AuthSvcCookie On", "AuthSvcEmailUtf8 On"])
    local = "\u00e4" * 32
    email = f"{local}@" + ".".join(["a" * 60] * 3) + ".example"
    answer = service.api.register(email=email, name="\U0001f600" * 100, headers=SAME)
    assert answer.status_code == 201, answer.text
    for name, (value, _) in set_cookies(answer).items():
        # an RSA key of 8192 bits instead of 2048 adds 1024 octets to the signature
        assert len("__Host-") + len(name) + len(value) + 1024 < 4096
