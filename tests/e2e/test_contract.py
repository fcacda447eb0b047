# SPDX-License-Identifier: Apache-2.0
"""
Every documented status of every operation, and every problem type it names, is provoked, and each
answer is validated against openapi.json by python3-jsonschema.
"""
import json

import pytest

from harness import build
from harness.contract import Contract
from harness.httpd import FAULTS
from harness.load import parallel
from harness.service import PASSWORD, Service, bearer, new_email
from harness.tokens import parts
from test_auth import problem

DEFAULT_SLUG = {400: "validation", 401: "authentication", 403: "tls-required", 404: "not-found",
                413: "body-too-large", 415: "unsupported-media-type", 429: "rate-limited",
                500: "internal",
                503: "unavailable"}
BEARER = ("logoutAll", "getMe", "updateMe", "deleteMe", "listSessions", "endSession")
HASHING = {"register", "login", "deleteMe"}


def cases():
    """(operationId, status, slug or None) of all that is documented."""
    contract = Contract.shared()
    found = []
    for name, (_, _, operation) in contract.operations.items():
        for status, response in operation["responses"].items():
            response = contract.resolve(response)
            examples = response.get("content", {}).get("application/problem+json", {}).get(
                "examples", {})
            slugs = sorted({example["value"]["type"].rsplit("/", 1)[1]
                            for example in map(contract.resolve, examples.values())}) or [None]
            if name not in HASHING and "overloaded" in slugs:
                slugs.remove("overloaded")  # needs a frozen database: test_faults
            found += [(name, int(status), slug) for slug in slugs]
    return found


CASES = cases()
provoked = set()


def case_id(case):
    return "-".join(str(part) for part in case if part)


class World:
    """The service under test, with its odd sisters made when they are needed."""

    def __init__(self, engine):
        self.engine = engine
        self.main = Service(engine, modules=["remoteip"], main=[
            "RemoteIPHeader X-Forwarded-For", "RemoteIPInternalProxy 127.0.0.1"])
        self.others = {}

    def other(self, name, **options):
        if name not in self.others:
            self.others[name] = Service(self.engine, **options)
        return self.others[name]

    def destroy(self):
        for one in [self.main, *self.others.values()]:
            one.destroy()


@pytest.fixture(scope="module")
def world(engine):
    made = World(engine)
    yield made
    made.destroy()


def prepare(api, name):
    """(method, path, options) of a request that succeeds."""
    method, path, _ = Contract.shared().operations[name]
    path = path.replace("{slug}", "validation")
    if name == "register":
        return method, path, {"json": {"email": new_email(), "password": PASSWORD, "name": "Ada"}}
    if name in ("login", "refresh", "logout", *BEARER):
        grant = api.new_user()
        path = path.replace("{id}", parts(grant["access_token"])[1]["sid"])
        body = {"login": {"email": grant["user"]["email"], "password": PASSWORD},
                "refresh": {"refresh_token": grant["refresh_token"]},
                "logout": {"refresh_token": grant["refresh_token"]},
                "updateMe": {"name": "Grace"}, "deleteMe": {"password": PASSWORD}}.get(name)
        options = {"json": body} if body else {}
        if name in BEARER:
            options["headers"] = bearer(grant["access_token"])
        return method, path, options
    return method, path, {}


def send(api, request):
    method, path, options = request
    return api.request(method, path, **options)


def without_json(request, content, media):
    method, path, options = request
    options = {name: value for name, value in options.items() if name != "json"}
    options["content"] = content
    options["headers"] = {**options.get("headers", {}), "Content-Type": media}
    return method, path, options


def cross_site(api, name):
    """The request that succeeds from a page of the site is sent by another page."""
    method, path, options = prepare(api, name)
    headers = dict(options.get("headers", {}))
    if "Authorization" in headers:
        headers["Cookie"] = "authsvc=" + headers.pop("Authorization").removeprefix("Bearer ")

    def ask(site):
        return api.request(method, path, **dict(options, headers={**headers,
                                                                  "Sec-Fetch-Site": site}))

    api.client.cookies.clear()
    refused = ask("cross-site")
    assert ask("same-origin").status_code < 300, "positive control"
    api.client.cookies.clear()
    return refused


def provoke(world, name, status, slug):  # pylint: disable=too-many-return-statements
    """An answer to operation `name` with this status and problem."""
    service, api = world.main, world.main.api
    if slug == "registration-closed":
        return world.other("closed", extra=["AuthSvcRegistration Off"]).api.register()
    if slug == "overloaded":
        busy = world.other("busy", cost="AuthSvcPasswordCost 128M 3",
                           main=["AuthSvcHashSlots 1", "AuthSvcHashQueue 1 1s"])
        busy.httpd.allow("AS0500: status 503")
        requests = [prepare(busy.api, name) for _ in range(8)]
        answers = parallel(lambda r=r: send(busy.api, r) for r in requests)
        assert any(answer.status_code < 300 for answer in answers), "positive control"
        return next(a for a in answers if a.status_code == 503)
    if (name, status) == ("register", 202):
        return world.other("discreet", extra=["AuthSvcRegistrationDisclosure Off"]).api.register()
    if slug == "rate-limited":
        strict = world.other("strict", limits=True, extra=[
            f"AuthSvcRateLimit {limit}" for limit in (
                "login 1/1h account", "register 1/1h account", "refresh 1/1h session",
                "api 1/1h account")])
        request = prepare(strict.api, name)
        first = request
        if name == "deleteMe":  # the right password ends the session, and with it the count
            first = (*request[:2], dict(request[2], json={"password": "Wrong-Password-1"}))
        assert send(strict.api, first).status_code in (200, 201, 204, 401), "positive control"
        return send(strict.api, request)
    request = prepare(api, name)
    method, path, options = request
    if status < 300:
        return send(api, request)
    if slug == "not-found":
        return send(api, (method, f"{path[:path.rindex('/')]}/nonsense", options))
    if slug == "validation":
        return api.request(method, path, **dict(options, json={}))
    if slug == "authentication":
        return api.request(method, path, **dict(options, headers={}))
    if slug == "invalid-credentials":
        return api.request(method, path, **dict(
            options, json=dict(options["json"], password="Wrong-Password-1")))
    if slug == "account-deactivated":
        gone = api.new_user()
        assert api.delete(gone["access_token"]).status_code == 204
        return api.login(gone["user"]["email"])
    if slug == "invalid-refresh-token":
        return api.refresh("asr1_nonsense")
    if slug == "email-exists":
        assert send(api, request).status_code == 201
        return send(api, request)
    if slug == "last-admin":
        me = api.get("/users/me", headers=options["headers"]).json()
        service.database.set_role(me["id"], "admin")
        try:
            return send(api, request)
        finally:
            service.database.set_role(me["id"], "user")
    if slug == "cross-site":
        return cross_site(world.other("cookies", extra=["AuthSvcCookie On"]).api, name)
    if slug == "tls-required":
        headers = {**options.get("headers", {}), "X-Forwarded-For": "203.0.113.9"}
        return api.request(method, path, **dict(options, headers=headers))
    if slug == "body-too-large":
        return send(api, without_json(request, b" " * 70000, "application/json"))
    if slug == "unsupported-media-type":
        return send(api, without_json(request, b"a=b", "text/plain"))
    if slug == "internal":
        service.httpd.allow("broken on purpose")
        undo = service.database.break_clock()
        try:
            return send(api, request)
        finally:
            service.database.query(undo)
    if slug in ("unavailable", "not-ready"):
        service.httpd.allow(*FAULTS)
        service.database.block()
        try:
            return send(api, request)
        finally:
            service.database.unblock()
            build.wait_until(lambda: api.get("/health/ready").status_code == 200, 10,
                             "the service recovered")
    raise NotImplementedError(f"nothing provokes {name} {status} {slug}: write it here")


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_documented_answer(world, case):
    name, status, slug = case
    if slug == "internal" and world.engine.engine == "sqlite":
        pytest.skip("authsvc_now() is the module's own function on SQLite")
    answer = provoke(world, name, status, slug)
    assert answer.status_code == status, answer.text
    if slug:
        problem(answer, status, slug)
        if status == 503:
            assert 1 <= int(answer.headers["retry-after"]) <= 120
    if world.engine.engine == "postgresql" or slug == "internal":
        provoked.add(case)
    assert (name, status) in {(n, s) for n, s, _ in CASES}


def test_nothing_documented_was_left_out(request):
    """Compares with the contract itself, not with the list the tests were made from."""
    selected = [item for item in request.session.items
                if item.name.startswith("test_documented_answer") and "postgresql" in item.name]
    if len(selected) < len(CASES):
        pytest.skip("only a part of the cases was selected")
    assert {(name, status) for name, status, _ in provoked} == Contract.shared().documented()
    assert provoked == set(CASES)


def test_every_problem_type_of_the_table_is_documented(world):
    """What the server explains and what the contract names are the same types."""
    named = {slug for _, _, slug in CASES if slug} | {"method-not-allowed"}
    for slug in named:
        page = world.main.api.get(f"/problems/{slug}").json()
        assert page["type"].endswith(f"/problems/{slug}")
        if slug in DEFAULT_SLUG.values():
            assert DEFAULT_SLUG[page["status"]] == slug
    for slug in ("conflict", "invalid-token", "email-not-verified", "throttled", "nonsense"):
        answer = world.main.api.get(f"/problems/{slug}")
        assert answer.status_code in (200, 404)


def test_served_contract_is_the_bundle(world):
    """But for servers and the effective values."""
    served = world.main.api.get("/openapi.json").json()
    bundle = json.loads(json.dumps(Contract.shared().document))
    assert served["paths"] == bundle["paths"]
    assert served["servers"] == [{"url": "."}]
    assert set(served["components"]["schemas"]) == set(bundle["components"]["schemas"])
