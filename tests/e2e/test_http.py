# SPDX-License-Identifier: Apache-2.0
"""Methods, bodies, media types, headers, CORS, HTTP/2."""
import gzip
import json
import re
import socket
import subprocess
import time

import pytest

from harness import raw
from harness.contract import Contract
from harness.service import MOUNT, PASSWORD, Service, bearer, new_email
from test_auth import problem

LIMIT = 64 * 1024
JSON = "Content-Type: application/json"
NO_ONE = json.dumps({"email": "nobody@example.com", "password": "Wrong-Password-1"}).encode()
LOGIN = f"{MOUNT}/auth/login"


def send(service, method, path, headers=(), body=b"", **options):
    return raw.exchange(service.httpd.port, raw.request(method, path, headers, body), **options)


def padded(size):
    """A login of exactly so many octets."""
    return NO_ONE + b" " * (size - len(NO_ONE))


def chunked(octets, size=1000):
    out = b""
    for start in range(0, len(octets), size):
        part = octets[start:start + size]
        out += b"%x\r\n%s\r\n" % (len(part), part)
    return out + b"0\r\n\r\n"


# ---- methods

def test_unknown_path(api):
    for path in ("/", "", "/nowhere", "/auth", "/auth/", "/auth/login/", "/auth/login/x",
                 "/users/me/delete/x", "/AUTH/login", "/auth/login%20"):
        answer = api.get(path)
        problem(answer, 404, "not-found")
    assert api.get("/health/live").status_code == 200


def test_escaped_paths_are_not_other_operations(service):
    for path in ("/auth%2flogin", "/auth/%2e%2e/auth/login%2f", "/auth/login;x=1", "/auth/login%00"):
        answer = send(service, "GET", MOUNT + path)
        assert answer.status in (400, 404), path


def test_method_not_allowed(api):
    document = Contract.shared().document["paths"]
    for path, item in document.items():
        path = re.sub(r"\{\w+\}", "validation", path)
        documented = {m.upper() for m in ("get", "post", "put", "patch", "delete") if m in item}
        if "GET" in documented:
            documented.add("HEAD")
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "BREW"):
            if method in documented:
                continue
            answer = api.request(method, path, check=False)
            assert answer.status_code == 405, f"{method} {path}: {answer.status_code}"
            allowed = {name.strip() for name in answer.headers["allow"].split(",")}
            assert documented <= allowed <= documented | {"OPTIONS"}, (path, allowed)
            if method != "HEAD":
                assert answer.json()["type"].endswith("/problems/method-not-allowed")


def test_trace_is_refused(make_service):
    service = make_service(main=["TraceEnable On"])
    answer = send(service, "TRACE", f"{MOUNT}/users/me", ["Authorization: Bearer abc"])
    assert answer.status in (403, 405, 501)
    assert b"Bearer abc" not in answer.body


def test_head_is_get_without_a_body(service, api):
    token = api.new_user()["access_token"]
    for path, headers in (("/health/live", {}), ("/.well-known/jwks.json", {}),
                          ("/openapi.json", {}), ("/problems/validation", {}),
                          ("/users/me", bearer(token)), ("/users/me", {})):
        get = api.get(path, headers=headers)
        head = api.request("HEAD", path, headers=headers)
        assert head.status_code == get.status_code
        assert head.content == b""
        for name in ("content-type", "content-length", "cache-control", "www-authenticate"):
            assert head.headers.get(name) == get.headers.get(name), name
    answer = send(service, "HEAD", f"{MOUNT}/nowhere")
    assert (answer.status, answer.body) == (404, b"")


def test_options(api):
    answer = api.request("OPTIONS", "/auth/login")
    assert answer.status_code in (200, 204)
    assert "POST" in answer.headers["allow"]
    assert answer.content == b""


# ---- media types

@pytest.mark.parametrize("media", [
    None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "application/json; charset=utf-16", "application/json; charset=iso-8859-1", "application/xml",
    "application/jsonx", "text/json", "application/json, text/plain", "*/*", "json",
    "application/problem+json"])
def test_unsupported_media_type(service, media):
    headers = [f"Content-Length: {len(NO_ONE)}"]
    if media is not None:
        headers.append(f"Content-Type: {media}")
    answer = send(service, "POST", LOGIN, headers, NO_ONE)
    assert answer.status == 415, answer.octets
    assert json.loads(answer.body)["type"].endswith("/problems/unsupported-media-type")


@pytest.mark.parametrize("media", [
    "application/json", "Application/JSON", "application/json;charset=utf-8",
    'application/json; charset="UTF-8"', "application/json ; charset=UTF-8"])
def test_supported_media_type(service, media):
    answer = send(service, "POST", LOGIN,
                  [f"Content-Length: {len(NO_ONE)}", f"Content-Type: {media}"], NO_ONE)
    assert answer.status == 401, answer.octets


def test_compressed_body_is_refused(service):
    body = gzip.compress(NO_ONE)
    for coding, status in (("gzip", (400, 415)), ("br", (400, 415)), ("identity", (401,))):
        octets = NO_ONE if coding == "identity" else body
        answer = send(service, "POST", LOGIN, [JSON, f"Content-Encoding: {coding}",
                                               f"Content-Length: {len(octets)}"], octets)
        assert answer.status in status, coding


# ---- bodies

def test_body_limit(service):
    for size, status in ((LIMIT - 1, 401), (LIMIT, 401), (LIMIT + 1, 413), (LIMIT * 4, 413)):
        body = padded(size)
        answer = send(service, "POST", LOGIN, [JSON, f"Content-Length: {size}"], body)
        assert answer.status == status, size
        assert answer.headers["content-type"].startswith("application/problem+json")
        answer = send(service, "POST", LOGIN, [JSON, "Transfer-Encoding: chunked"],
                      chunked(body))
        assert answer.status == status, f"chunked {size}"
        assert json.loads(answer.body)["status"] == status


def test_announced_giant_body_is_not_awaited(service):
    start = time.monotonic()
    answer = send(service, "POST", LOGIN, [JSON, "Content-Length: 99999999999"], b"{")
    assert answer.status == 413
    assert time.monotonic() - start < 5


def test_body_limit_by_directive(make_service):
    service = make_service(extra=["AuthSvcMaxBodySize 1K"])
    for size, status in ((1024, 401), (1025, 413)):
        answer = send(service, "POST", LOGIN, [JSON, f"Content-Length: {size}"], padded(size))
        assert answer.status == status


def test_chunked_in_small_pieces(service):
    answer = send(service, "POST", LOGIN, [JSON, "Transfer-Encoding: chunked"],
                  chunked(NO_ONE, 1))
    assert answer.status == 401


def test_bad_chunks(service):
    for junk in (b"zz\r\nxx\r\n0\r\n\r\n", b"-1\r\n\r\n", b"ffffffffffffffffff\r\n"):
        answer = send(service, "POST", LOGIN, [JSON, "Transfer-Encoding: chunked"], junk,
                      half_close=True)
        assert answer.status in (0, 400, 413), answer.octets
    assert send(service, "POST", LOGIN, [JSON, f"Content-Length: {len(NO_ONE)}"],
                NO_ONE).status == 401


def test_no_body(service):
    for headers in ([JSON], [JSON, "Content-Length: 0"]):
        assert send(service, "POST", LOGIN, headers).status == 400
    answer = send(service, "POST", LOGIN, [JSON, "Transfer-Encoding: chunked"], b"0\r\n\r\n")
    assert answer.status == 400


def test_lying_content_length(service):
    email = new_email()
    body = json.dumps({"email": email, "password": PASSWORD, "name": "Ada"}).encode()
    answer = send(service, "POST", f"{MOUNT}/auth/register",
                  [JSON, f"Content-Length: {len(body) + 10}"], body, half_close=True)
    assert answer.status in (0, 400, 408), answer.octets
    answer = send(service, "POST", f"{MOUNT}/auth/register",
                  [JSON, f"Content-Length: {len(body) - 1}"], body)
    assert answer.status == 400
    assert service.api.login(email).status_code == 401, "nobody was registered"


def test_both_lengths(service):
    """CL.TE: either refused or read by Transfer-Encoding, never two readings."""
    answer = send(service, "POST", LOGIN,
                  [JSON, "Content-Length: 4", "Transfer-Encoding: chunked"], chunked(NO_ONE))
    assert answer.status in (400, 401)
    assert answer.octets.count(b"HTTP/1.1 ") == 1


def test_expect_continue(service):
    """The server asks for the body before it is sent, and only then."""
    head = raw.request("POST", LOGIN, [JSON, f"Content-Length: {len(NO_ONE)}",
                                       "Expect: 100-continue"])
    with socket.create_connection(("127.0.0.1", service.httpd.port), timeout=10) as connection:
        connection.sendall(head)
        first = connection.recv(4096)
        assert first.startswith(b"HTTP/1.1 100"), first
        connection.sendall(NO_ONE)
        rest = b""
        while part := connection.recv(65536):
            rest += part
    assert b"HTTP/1.1 401" in first + rest


def test_expect_continue_is_not_given_to_a_refused_body(service):
    for path, headers, status in (
            (LOGIN, [JSON, f"Content-Length: {LIMIT + 1}"], b"413"),
            (f"{MOUNT}/nowhere", [JSON, "Content-Length: 10"], b"404")):
        with socket.create_connection(("127.0.0.1", service.httpd.port), timeout=10) as connection:
            connection.sendall(raw.request("POST", path, [*headers, "Expect: 100-continue"]))
            assert connection.recv(4096).startswith(b"HTTP/1.1 " + status)


def test_early_disconnect(service):
    """Clients that vanish cost a request, not the server."""
    for cut in (b"", NO_ONE[:10]):
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", service.httpd.port)) as connection:
                connection.sendall(raw.request("POST", LOGIN, [
                    JSON, f"Content-Length: {len(NO_ONE)}"], cut))
    for _ in range(20):  # gone while the answer is made
        with socket.create_connection(("127.0.0.1", service.httpd.port)) as connection:
            connection.sendall(raw.request("POST", LOGIN, [
                JSON, f"Content-Length: {len(NO_ONE)}"], NO_ONE))
    assert service.api.get("/health/live").status_code == 200
    assert send(service, "POST", LOGIN, [JSON, f"Content-Length: {len(NO_ONE)}"],
                NO_ONE).status == 401


def test_keepalive_after_a_refused_body(service):
    """The unread rest of a body is not the next request."""
    evil = b"GET /static.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"
    body = evil * 10
    head = (f"POST {MOUNT}/nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}"
            "\r\n\r\n").encode()
    answer = raw.exchange(service.httpd.port, head + body, half_close=True)
    assert answer.status == 404
    assert answer.octets.count(b"HTTP/1.1 ") == 1


# ---- header fields

def test_headers_of_every_answer(api):
    grant = api.new_user()
    personal = [api.login(grant["user"]["email"]), api.refresh(grant["refresh_token"]),
                api.me(grant["access_token"]), api.rename(grant["access_token"], {"name": "B"}),
                api.get("/users/me"), api.login(new_email()), api.post("/auth/login", {}),
                api.logout("x"), api.get("/nowhere"), api.get("/auth/login")]
    public = [api.get("/.well-known/jwks.json"), api.get("/openapi.json"),
              api.get("/.well-known/openid-configuration"), api.get("/problems/validation")]
    health = [api.get("/health/live"), api.get("/health/ready")]
    seen = set()
    for answer in personal + public + health:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert re.fullmatch(r"[\w@-]{16,64}", answer.headers["x-request-id"])
        seen.add(answer.headers["x-request-id"])
        if answer.content:
            assert answer.headers["content-type"]
        assert "server" not in answer.headers or "/" not in answer.headers["server"]
        assert "x-powered-by" not in answer.headers
        assert "set-cookie" not in answer.headers
    assert len(seen) == len(personal + public + health)
    for answer in personal[:8] + health:
        assert "no-store" in answer.headers["cache-control"]
    for answer in public[:1]:
        assert "max-age" in answer.headers["cache-control"]
        assert "no-store" not in answer.headers["cache-control"]


def test_request_id_is_not_the_clients(api):
    answer = api.get("/health/live", headers={"X-Request-Id": "mine"})
    assert answer.headers["x-request-id"] != "mine"


CHALLENGE = re.compile(r'Bearer(?: [a-z_]+="[\x20-\x21\x23-\x5b\x5d-\x7e]*"'
                       r'(?:, ?[a-z_]+="[\x20-\x21\x23-\x5b\x5d-\x7e]*")*)?')


def test_challenge_grammar(api):
    grant = api.new_user()
    api.logout(grant["refresh_token"])
    for headers in ({}, bearer("x"), bearer("a.b.c"), bearer(grant["access_token"]),
                    bearer('"quote\\\\'), bearer("x" * 8000)):
        answer = api.get("/users/me", headers=headers)
        assert answer.status_code == 401
        assert CHALLENGE.fullmatch(answer.headers["www-authenticate"]), headers
        parameters = re.findall(r'([a-z_]+)=', answer.headers["www-authenticate"])
        assert len(parameters) == len(set(parameters))
    answer = api.login(new_email())
    assert answer.status_code == 401
    # RFC 9110 15.5.2 wants a challenge; RFC 6750 3.1 no error code, since no token was sent
    assert CHALLENGE.fullmatch(answer.headers["www-authenticate"])
    assert "error" not in answer.headers["www-authenticate"]


# ---- problems

def test_every_problem_is_explained(service, api):
    answer = api.get("/auth/login")
    kind = answer.json()["type"]
    base = kind[:-len("method-not-allowed")]
    assert base == f"{service.issuer}/problems/", "the base comes from AuthSvcIssuer"
    for slug in problem_slugs():
        page = api.get(f"/problems/{slug}")
        assert page.status_code == 200, slug
        assert page.text
    problem(api.get("/problems/no-such-problem"), 404, "not-found")


def problem_slugs():
    """All problem types that the contract names."""
    text = json.dumps(Contract.shared().document)
    slugs = set(re.findall(r'"type": "[^"]*/problems/([a-z][a-z-]+)"', text))
    assert {"validation", "authentication", "email-exists", "invalid-credentials",
            "account-deactivated", "not-found", "internal"} <= slugs | {"internal"}
    return sorted(slugs)


def test_problem_base_and_host(make_service):
    service = make_service(extra=["AuthSvcProblemBase https://docs.example/p/"])
    answer = service.api.get("/auth/login", headers={"Host": "evil.example"})
    assert answer.json()["type"] == "https://docs.example/p/method-not-allowed"
    assert "evil.example" not in answer.text
    assert answer.json()["instance"] == f"{MOUNT}/auth/login"
    discovery = service.api.get("/.well-known/openid-configuration",
                                headers={"Host": "evil.example"})
    assert discovery.json()["issuer"] == service.issuer
    assert "evil.example" not in discovery.text


def test_query_is_not_reflected(api):
    answer = api.get("/nowhere?secret=hunter2")
    problem(answer, 404, "not-found")
    assert "hunter2" not in answer.text


# ---- TLS

@pytest.fixture(scope="module")
def far(engine):
    """A service that sees its client's address in X-Forwarded-For."""
    made = Service(engine, modules=["remoteip"], main=[
        "RemoteIPHeader X-Forwarded-For", "RemoteIPInternalProxy 127.0.0.1",
        "SetEnvIf X-Forwarded-Proto ^https$ HTTPS=on"])
    yield made
    made.destroy()


AFAR = {"X-Forwarded-For": "203.0.113.9"}


def test_credentials_need_tls(far):
    api = far.api
    email = new_email()
    body = {"email": email, "password": PASSWORD, "name": "Ada"}
    problem(api.post("/auth/register", body, headers=AFAR), 403, "tls-required")
    problem(api.post("/auth/login", {"email": email, "password": PASSWORD}, headers=AFAR), 403,
            "tls-required")
    grant = api.register(email).json()
    problem(api.post("/auth/refresh", {"refresh_token": grant["refresh_token"]}, headers=AFAR),
            403, "tls-required")
    problem(api.get("/users/me", headers={**AFAR, **bearer(grant["access_token"])}), 403,
            "tls-required")
    secure = {**AFAR, "X-Forwarded-Proto": "https"}
    assert api.post("/auth/login", {"email": email, "password": PASSWORD},
                    headers=secure).status_code == 200
    assert api.get("/.well-known/jwks.json", headers=AFAR).status_code == 200
    assert api.get("/health/live", headers=AFAR).status_code == 200


@pytest.mark.parametrize("field", [
    "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: localhost",
    "X-Real-IP: 127.0.0.1",
    "Forwarded: for=127.0.0.1;proto=https", "Via: 1.1 localhost"])
def test_a_proxy_of_this_host_is_not_its_client(service, field):
    """Without mod_remoteip who forwarded a request is known, not who sent it."""
    headers = dict([field.split(": ")])
    assert service.api.login(new_email()).status_code == 401, "control"
    problem(service.api.login(new_email(), headers=headers), 403, "tls-required")
    assert service.api.get("/health/live", headers=headers).status_code == 200


def test_require_tls_off(make_service):
    service = make_service(modules=["remoteip"], extra=["AuthSvcRequireTLS Off"], main=[
        "RemoteIPHeader X-Forwarded-For", "RemoteIPInternalProxy 127.0.0.1"])
    assert service.api.login(new_email(), headers=AFAR).status_code == 401


# ---- CORS

APP = "https://app.example"


@pytest.fixture(scope="module")
def cors(engine):
    made = Service(engine, extra=[f"AuthSvcCorsOrigin {APP}", "AuthSvcCorsOrigin http://localhost:5173"])
    yield made
    made.destroy()


def preflight(api, origin, method="POST", path="/auth/login", headers="content-type"):
    return api.request("OPTIONS", path, headers={
        "Origin": origin, "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers})


def tokens_of(value):
    return {token.strip().lower() for token in value.split(",")}


def test_cors_preflight(cors):
    for origin in (APP, "http://localhost:5173"):
        answer = preflight(cors.api, origin)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == origin
        assert "post" in tokens_of(answer.headers["access-control-allow-methods"])
        assert "content-type" in tokens_of(answer.headers["access-control-allow-headers"])
        assert "origin" in tokens_of(answer.headers["vary"])
        assert "access-control-allow-credentials" not in answer.headers
    answer = preflight(cors.api, APP, "PATCH", "/users/me", "authorization,content-type")
    assert "patch" in tokens_of(answer.headers["access-control-allow-methods"])
    assert {"authorization", "content-type"} <= tokens_of(
        answer.headers["access-control-allow-headers"])


def test_cors_of_answers(cors):
    api = cors.api
    email = new_email()
    assert api.register(email, headers={"Origin": APP}).headers[
        "access-control-allow-origin"] == APP
    refused = api.login(email, "Wrong-Password-1", headers={"Origin": APP})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == APP, "problems are readable too"
    exposed = tokens_of(refused.headers.get("access-control-expose-headers", ""))
    assert {"x-request-id", "retry-after"} <= exposed
    big = api.request("POST", "/auth/login", content=b" " * (LIMIT + 1),
                      headers={"Origin": APP, "Content-Type": "application/json"})
    assert big.status_code == 413
    assert big.headers["access-control-allow-origin"] == APP


@pytest.mark.parametrize("origin", [
    "https://evil.example", "null", "https://app.example.evil.example", "https://app.example:8443",
    "http://app.example", "https://xapp.example", "https://APP.example/", "https://app.example,x",
    "", "*"])
def test_cors_of_other_origins(cors, origin):
    for answer in (preflight(cors.api, origin),
                   cors.api.login(new_email(), headers={"Origin": origin})):
        assert "access-control-allow-origin" not in answer.headers
        assert "access-control-allow-methods" not in answer.headers
        assert "origin" in tokens_of(answer.headers.get("vary", ""))


def test_no_cors_by_default(service):
    assert "access-control-allow-origin" not in preflight(service.api, APP).headers
    assert "access-control-allow-origin" not in service.api.login(
        new_email(), headers={"Origin": APP}).headers


# ---- HTTP/2

@pytest.fixture(scope="module")
def h2(engine):
    made = Service(engine, modules=["http2"], main=["Protocols h2c http/1.1"], mpm="event")
    yield made
    made.destroy()


def curl(service, *options, path="/auth/login"):
    done = subprocess.run(
        ["curl", "-sS", "--http2-prior-knowledge", "-o", "-", "-w", "\n%{http_code} %{http_version}",
         "-m", "20", *options, f"{service.httpd.origin}{MOUNT}{path}"],
        capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    body, _, last = done.stdout.rpartition(b"\n")
    status, version = last.split()
    assert version == b"2"
    return int(status), body


def test_http2(h2):
    email = new_email()
    json_type = ("-H", "Content-Type: application/json")
    status, body = curl(h2, *json_type, "-d", json.dumps(
        {"email": email, "password": PASSWORD, "name": "Ada"}), path="/auth/register")
    assert status == 201
    token = json.loads(body)["access_token"]
    status, body = curl(h2, "-H", f"Authorization: Bearer {token}", path="/users/me")
    assert (status, json.loads(body)["email"]) == (200, email)
    status, body = curl(h2, *json_type, "-d", NO_ONE.decode())
    assert status == 401
    # (The answer comes before its request is read, and RST_STREAM NO_ERROR after it, RFC 9113 8.1:
    # curl 7.88 loses such answers, of httpd's own too.)
    status, _, body = raw.h2_exchange(h2.httpd.port, [("content-type", "application/json")],
                                      padded(LIMIT + 1), path=LOGIN)
    assert (status, json.loads(body)["status"]) == (413, 413)
    status, _, body = raw.h2_exchange(h2.httpd.port, [("content-type", "application/json")],
                                      padded(LIMIT), path=LOGIN)
    assert status == 401
    status, _ = curl(h2, "-d", "a=b")
    assert status == 415
    status, _ = curl(h2, path="/nowhere")
    assert status == 404


def test_http2_cookies_in_fields_of_their_own(engine):
    """As browsers may send them (RFC 9113, 8.2.3); each of them is one, whatever is in the others."""
    service = Service(engine, modules=["http2"], mpm="event",
                      main=["Protocols h2c http/1.1", "AuthSvcCookie On"])
    try:
        token = service.api.new_user()["access_token"]
        for fields, expected in (([("cookie", "x=1"), ("cookie", f"authsvc={token}")], 200),
                                 ([("cookie", f"authsvc={token}"), ("cookie", "x=1, y=2")], 200),
                                 ([("cookie", "x=1"), ("cookie", f"y=2, authsvc={token}")], 401)):
            status, _, _ = raw.h2_exchange(service.httpd.port, fields, path=f"{MOUNT}/users/me",
                                           method="GET")
            assert status == expected, fields
    finally:
        service.destroy()


def test_http2_many_streams(h2):
    """
    Streams of one connection, side by side. (Threads that share an httpx client would not do:
    httpcore 0.16 gives one stream number to two of them.)
    """
    email = h2.api.new_user()["user"]["email"]
    body = json.dumps({"email": email, "password": PASSWORD}).encode()
    answers = raw.h2_exchanges(h2.httpd.port, [("content-type", "application/json")], [body] * 30,
                               path=LOGIN, timeout=30)
    assert [status for status, _, _ in answers] == [200] * 30
    assert len({json.loads(body)["refresh_token"] for _, _, body in answers}) == 30
    assert len({fields["x-request-id"] for _, fields, _ in answers}) == 30
