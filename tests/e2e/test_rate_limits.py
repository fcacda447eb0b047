# SPDX-License-Identifier: Apache-2.0
"""Rate limits: how many are admitted, for whom it is counted, and what the answers say."""
import itertools
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import uuid

import httpx
import pytest

from guarded import lay_out, section
from harness import build, databases
from harness.httpd import Httpd
from harness.load import parallel
from harness.service import PASSWORD, Api, bearer, mount_lines, new_email, service_lines

SLUG = "/problems/rate-limited"
NO_MEMORY = pathlib.Path(__file__).with_name("no_shared_memory.c")
WRONG = "Wrong-Horse-8"
NODE_MODULES = build.SOURCE / "openapi" / "node_modules" / "structured-headers"

# Its clients are those of X-Forwarded-For.
PROXY = ["RemoteIPHeader X-Forwarded-For", "RemoteIPInternalProxy 127.0.0.1",
         "AuthSvcRequireTLS Off"]


def items(field):
    """A RateLimit field as {name: {parameter: number}}."""
    found = {}
    for item in field.split(", "):
        name, *parameters = item.split(";")
        found[name.strip('"')] = {key: int(value) for key, value in
                                  (parameter.split("=") for parameter in parameters)}
    return found


def is_limited(answer):
    """Whether an answer is 429, which has all that it should have."""
    if answer.status_code != 429:
        assert "Retry-After" not in answer.headers
        return False
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"].endswith(SLUG)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "WWW-Authenticate" not in answer.headers
    ((name, told),) = items(answer.headers["RateLimit"]).items()
    assert name in items(answer.headers["RateLimit-Policy"])
    assert told["r"] == 0
    assert int(answer.headers["Retry-After"]) >= told["t"] >= 1
    return True


def guess(api, email=None, **options):
    """A sign-in that fails; whether it was limited."""
    answer = api.login(email or new_email(), WRONG, **options)
    assert answer.status_code in (401, 429), answer.text
    return is_limited(answer)


def admitted(api, tries, **options):
    """How many of so many failing sign-ins, each in another name, are admitted."""
    return sum(not guess(api, **options) for _ in range(tries))


def until_limited(request, most=500):
    """How many answers come before the first that is limited; each call is a request."""
    for count in range(most):
        if is_limited(request()):
            return count
    raise AssertionError(f"none of {most} was limited")


def fits(got, count, seconds, began):
    """Assert that so many were admitted since `began`: count at once, and then evenly."""
    passed = time.monotonic() - began
    assert count <= got <= count + passed * count / seconds + 1, f"{got} in {passed:.1f} s"


def limited(make_service, *lines, **options):
    return make_service(extra=lines, limits=True, **options)


def afar(address):
    return {"headers": {"X-Forwarded-For": address}}


# ---- as shipped

def test_signing_in_by_default(make_service):
    service = limited(make_service)
    email = new_email()
    service.api.new_user(email=email)
    began = time.monotonic()
    own = until_limited(lambda: service.api.login(email, WRONG))
    fits(own, 5, 60, began)
    assert is_limited(service.api.login(email)), "the right password does not help"
    for _ in range(20):
        guess(service.api, email)
    others = until_limited(lambda: service.api.login(new_email(), WRONG))
    # those that were refused do not count for the address
    fits(own + others, 60, 60, began)


def test_registering_by_default(make_service):
    service = limited(make_service)
    began = time.monotonic()
    fits(until_limited(service.api.register), 30, 3600, began)
    answer = service.api.register()
    assert 90 <= int(answer.headers["Retry-After"]) <= 120


def test_refreshing_by_default(make_service):
    service = limited(make_service)
    grant, other = service.api.new_user(), service.api.new_user()
    began = time.monotonic()
    fits(until_limited(lambda: service.api.refresh(grant["refresh_token"])), 60, 60, began)
    assert service.api.refresh(other["refresh_token"]).status_code == 200, "another session"
    assert service.api.logout(grant["refresh_token"]).status_code == 204, "signing out is not"


def test_the_api_by_default(make_service):
    service = limited(make_service)
    grant, other = service.api.new_user(), service.api.new_user()
    tokens = itertools.cycle([grant["access_token"],
                              service.api.login(grant["user"]["email"]).json()["access_token"]])
    began = time.monotonic()
    fits(until_limited(lambda: service.api.me(next(tokens))), 100, 60, began)
    assert service.api.me(other["access_token"]).status_code == 200, "another user"


def test_tokens_that_are_not_ours_are_not_counted(make_service):
    service = limited(make_service, "AuthSvcRateLimit refresh 2/1h session",
                      "AuthSvcRateLimit api 2/1h account")
    grant = service.api.new_user()
    forged = grant["refresh_token"][:-4] + "AAAA", grant["access_token"][:-8] + "AAAAAAAA"
    for _ in range(4):
        assert service.api.refresh(forged[0]).status_code == 401
        assert service.api.me(forged[1]).status_code == 401
    answers = [service.api.refresh(grant["refresh_token"]) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    answers = [service.api.me(grant["access_token"]) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_a_thief_cannot_prevent_signing_out(make_service):
    """Who uses up the user's limit with a stolen token is still got rid of."""
    service = limited(make_service, "AuthSvcRateLimit api 3/1h account")
    stolen = service.api.new_user()
    email = stolen["user"]["email"]
    own = service.api.login(email).json()["access_token"]
    first = service.api.get("/users/me/sessions", headers=bearer(own)).json()["sessions"]
    thief = next(one["id"] for one in first if not one["current"])
    until_limited(lambda: service.api.me(stolen["access_token"]))
    assert is_limited(service.api.me(own)), "positive control"
    for _ in range(5):
        answer = service.api.request("DELETE", f"/users/me/sessions/{uuid.uuid4()}",
                                     headers=bearer(own))
        assert answer.status_code == 404
    answer = service.api.request("DELETE", f"/users/me/sessions/{thief}", headers=bearer(own))
    assert answer.status_code == 204
    assert "RateLimit" not in answer.headers
    assert service.api.me(stolen["access_token"]).status_code == 401
    again = service.api.login(email).json()
    assert service.api.post("/auth/logout-all", headers=bearer(own)).status_code == 204
    assert service.api.me(again["access_token"]).status_code == 401
    assert service.api.refresh(again["refresh_token"]).status_code == 401


def test_tokens_of_an_ended_session_are_not_counted(make_service):
    service = limited(make_service, "AuthSvcRateLimit api 3/1h account")
    stolen = service.api.new_user()
    own = service.api.login(stolen["user"]["email"]).json()
    assert service.api.logout(stolen["refresh_token"]).status_code == 204
    for _ in range(10):
        answer = service.api.me(stolen["access_token"])
        assert answer.status_code == 401
        assert "RateLimit" not in answer.headers
    answers = [service.api.me(own["access_token"]) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429]


def test_cookies_count_as_tokens_do(make_service):
    service = limited(make_service, "AuthSvcCookie On", "AuthSvcRateLimit api 2/1m account")
    service.api.new_user()
    assert "authsvc" in service.api.client.cookies
    own = {"headers": {"Sec-Fetch-Site": "same-origin"}}
    answers = [service.api.get("/users/me", **own) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


# ---- the same in every child

def wrong_logins(service, threads, each):
    """Failing sign-ins on so many connections at the same time: how many were admitted."""
    def work():
        api = service.new_api()
        try:
            return sum(not guess(api) for _ in range(each))
        finally:
            api.close()

    return sum(parallel([work] * threads))


def test_two_children_count_together(make_service):
    """64 connections: within 1 of the policy, and both children had a share."""
    service = limited(make_service, "AuthSvcRateLimit login 100/1h ip",
                      "AuthSvcHashQueue 128 30s", mpm="event", tuning=[
                          "ServerLimit 2", "StartServers 2", "ThreadLimit 128",
                          "ThreadsPerChild 128", "MaxRequestWorkers 256", "MinSpareThreads 1",
                          "MaxSpareThreads 256"])
    build.wait_until(lambda: len(service.httpd.children()) == 2, 10, "two children")
    mark, began = service.httpd.mark(), time.monotonic()
    fits(wrong_logins(service, 64, 10), 100, 3600, began)
    said = service.httpd.log_since(mark, r"AS0202")
    assert len({re.search(r"\[pid (\d+)", line)[1] for line in said}) == 2, "both were asked"


def test_a_graceful_restart_keeps_the_counts(make_service):
    service = limited(make_service, "AuthSvcRateLimit login 10/1h ip")
    assert admitted(service.api, 6) == 6
    before = set(service.httpd.children())
    service.httpd.graceful()
    build.wait_until(lambda: not before & set(service.httpd.children()), 20, "new children")
    assert admitted(service.api, 6) == 4
    # a lower rate takes over what was counted
    service.httpd.main = [line.replace("10/1h", "5/1h") for line in service.httpd.main]
    service.httpd.graceful()
    assert admitted(service.api, 3) == 0
    # a table of another size begins anew
    service.httpd.main.append("AuthSvcRateLimitTableSize 1024")
    service.httpd.graceful()
    build.wait_until(lambda: admitted(service.api, 1) == 1, 20, "counted anew")


def test_without_shared_memory_httpd_does_not_start(make_service):
    """Nobody would see that all limits are off; but a reload does not take the site down."""
    service = limited(make_service, "AuthSvcRateLimit login 2/1h ip", start=False)
    httpd, small = service.httpd, list(service.httpd.main)
    library = httpd.root / "run" / "no_shared_memory.so"
    subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror",
                    "-shared", "-fPIC", "-o", library, NO_MEMORY, "-ldl"], check=True)
    httpd.preload = [library]
    httpd.allow("AS0641: ", "AH00020: ")
    large = [*small, "AuthSvcRateLimitTableSize 16777216"]
    httpd.main = large
    with pytest.raises(RuntimeError, match="AS0641: .*httpd does not start without"):
        httpd.start()
    httpd.main = small
    httpd.start()
    assert admitted(service.new_api(), 4) == 2, "the control"
    httpd.main = large
    httpd.graceful()
    build.wait_until(lambda: admitted(service.new_api(), 4) == 4, 20, "it serves, and says so")
    assert re.search("AS0641: .*nothing is limited", httpd.log_text())


def test_killed_children_leave_nothing_locked(make_service):
    service = limited(make_service, "AuthSvcRateLimit login 10/1h ip")
    service.httpd.allow("exit signal Killed")
    done = threading.Event()
    got, began = [], time.monotonic()

    def flood():
        with httpx.Client(trust_env=False, timeout=10) as client:
            while not done.is_set():
                try:
                    answer = client.post(service.issuer + "/auth/login",
                                         json={"email": new_email(), "password": WRONG})
                    got.append(answer.status_code)
                except httpx.TransportError:
                    time.sleep(0.02)

    threads = [threading.Thread(target=flood) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            time.sleep(0.3)
            for pid in service.httpd.children():
                os.kill(pid, signal.SIGKILL)
            build.wait_until(service.httpd.children, 20, "a new child")
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert got.count(429) > 0
    fits(max(got.count(401), 10), 10, 3600, began)  # some answers were lost with their children
    build.wait_until(lambda: guess(service.new_api()), 10, "it answers, and still limits")
    assert not is_limited(service.api.register()), "what was not used up is admitted"


# ---- who it is

def test_behind_a_proxy_the_client_counts(make_service):
    service = limited(make_service, "AuthSvcRateLimit login 2/1h ip", modules=["remoteip"],
                      main=PROXY)
    assert admitted(service.api, 3, **afar("192.0.2.1")) == 2
    assert admitted(service.api, 3, **afar("192.0.2.2")) == 2
    assert admitted(service.api, 1, **afar("::ffff:192.0.2.1")) == 0
    # what the client itself wrote is further to the left
    assert admitted(service.api, 3, **afar("198.51.100.7, 192.0.2.1")) == 0
    mark = service.httpd.mark()
    assert not service.httpd.log_since(mark, "AS0643")


def test_an_ipv6_network_is_one_client(make_service):
    service = limited(make_service, "AuthSvcRateLimit login 2/1h ip", modules=["remoteip"],
                      main=PROXY)
    assert admitted(service.api, 1, **afar("2001:db8:0:1::1")) == 1
    assert admitted(service.api, 3, **afar("2001:db8:0:1:2:3:4:5")) == 1
    assert admitted(service.api, 3, **afar("2001:db8:0:2::1")) == 2


@pytest.mark.parametrize("lines", [
    {},
    {"modules": ["remoteip"], "main": ["RemoteIPHeader X-Forwarded-For",
                                       "RemoteIPInternalProxy 198.51.100.1"]}],
    ids=["nobody-reads-it", "another-proxy-is-named"])
def test_anybody_may_write_the_field(make_service, lines):
    service = limited(make_service, "AuthSvcRateLimit login 2/1h ip", "AuthSvcRequireTLS Off",
                      **lines)
    mark = service.httpd.mark()
    for i in range(4):
        assert guess(service.api, **afar(f"192.0.2.{i}")) == (i >= 2)
    assert len(service.httpd.log_since(mark, "AS0643", seconds=2)) == 1


def test_exempt_by_address(make_service):
    service = limited(make_service, "AuthSvcRateLimit login 1/1h ip",
                      "AuthSvcRateLimitExempt 192.0.2.0/24 2001:db8::/32 198.51.100.7",
                      modules=["remoteip"], main=PROXY)
    for address in ("192.0.2.200", "2001:db8::5", "198.51.100.7", "::ffff:192.0.2.9"):
        assert admitted(service.api, 4, **afar(address)) == 4, address
    for address in ("192.0.3.1", "2001:db9::5", "198.51.100.8"):
        assert admitted(service.api, 4, **afar(address)) == 1, address
    answer = service.api.login(new_email(), WRONG, **afar("192.0.2.200"))
    assert "RateLimit" not in answer.headers


def test_exempt_by_expression(make_service):
    service = limited(make_service, "AuthSvcRateLimit login 1/1h ip",
                      'AuthSvcRateLimitExempt "expr=%{HTTP:X-Monitor} == \'secret\'"')
    assert admitted(service.api, 4, headers={"X-Monitor": "secret"}) == 4
    answer = service.api.login(new_email(), WRONG, headers={"X-Monitor": "secret"})
    assert "Vary" not in answer.headers, "what it depends on is no secret's name"
    assert admitted(service.api, 4, headers={"X-Monitor": "Secret"}) == 1


def test_off_is_off(make_service):
    service = limited(make_service, "AuthSvcRateLimit login off", "AuthSvcRateLimit register 1/1h ip")
    assert admitted(service.api, 70) == 70
    assert "RateLimit" not in service.api.login(new_email(), WRONG).headers
    assert [service.api.register().status_code for _ in range(2)] == [201, 429], "and no other"


def two_hosts(engine, first, second, same_database):
    httpd = Httpd(limits=True)
    one = engine.new_database()
    other = one if same_database else engine.new_database()
    httpd.main = ["AuthSvcPasswordCost 64K 1", "AuthSvcRateLimit login 3/1h ip",
                  "AuthSvcRateLimit register 1/1h ip", "AuthSvcRateLimitExempt 127.0.0.0/8"]
    for name, database, lines in (("one.example", one, first), ("two.example", other, second)):
        httpd.vhosts.append((name, [
            *service_lines(httpd, database, f"https://{name}/api/v1", name=name),
            "AuthSvcRateLimitExempt none", "AuthSvcRequireTLS Off", *lines, *mount_lines()]))
    httpd.start()
    return httpd, Api(httpd.origin, host="one.example"), Api(httpd.origin, host="two.example")


def test_hosts_are_apart(engine):
    httpd, one, two = two_hosts(engine, [], ["AuthSvcRateLimit login 5/1h ip"], False)
    try:
        assert admitted(one, 5) == 3, "the main server's"
        assert admitted(two, 7) == 5, "its own, and nothing of the other's"
        assert [two.register().status_code for _ in range(2)] == [201, 429], "still the main's"
        assert [one.register().status_code for _ in range(2)] == [201, 429]
    finally:
        httpd.destroy()


def test_hosts_of_the_same_accounts_count_together(engine):
    httpd, one, two = two_hosts(engine, [], [], True)
    try:
        assert admitted(one, 2) == 2
        assert admitted(two, 3) == 1
        assert admitted(one, 1) == 0
    finally:
        httpd.destroy()


# ---- what is told

def told(answer):
    """All of an answer but what names the request."""
    headers = {name: value for name, value in answer.headers.items()
               if name not in ("x-request-id", "date")}
    body = answer.content.replace(answer.headers["X-Request-Id"].encode(), b"-")
    return answer.status_code, headers, body


def test_known_and_unknown_accounts_are_limited_alike(make_service):
    """The same answers, octet by octet, and the limit at the same point."""
    service = limited(make_service, "AuthSvcRateLimit login 3/1h account+ip",
                      "AuthSvcRateLimit login 4/1h account", "AuthSvcRateLimit register 3/1h account")
    known, gone = new_email(), new_email()
    service.api.new_user(email=known)
    service.api.delete(service.api.new_user(email=gone)["access_token"])
    sequences = []
    for email in (known, new_email(), gone):
        sequences.append([told(service.api.login(email, WRONG)) for _ in range(6)])
    assert [status for status, _, _ in sequences[0]] == [401] * 3 + [429] * 3
    assert sequences[0] == sequences[1] == sequences[2]
    names = items(sequences[0][0][1]["ratelimit"])
    assert set(names) == {"login-account+ip"}, "what others left for the account is not told"
    # registering: one try is spent on those who exist
    assert service.api.register(known).status_code == 409
    assert service.api.register(known).status_code == 409
    assert is_limited(service.api.register(known))


def test_fields_tell_the_truth(make_service):
    service = limited(make_service, "AuthSvcRateLimit login 4/40s ip",
                      "AuthSvcRateLimit login 100/1h ip")
    left = []
    while not is_limited(answer := service.api.login(new_email(), WRONG)):
        assert items(answer.headers["RateLimit-Policy"]) == {
            "login-ip": {"q": 4, "w": 40}, "login-ip-3600": {"q": 100, "w": 3600}}
        left.append(items(answer.headers["RateLimit"]))
    assert left[0]["login-ip"] == {"r": 3, "t": 10}
    assert [one["login-ip-3600"]["r"] for one in left[:4]] == [99, 98, 97, 96]
    seconds = int(answer.headers["Retry-After"])
    assert 1 <= seconds <= 10
    time.sleep(max(0, seconds - 3))
    early = guess(service.api)
    time.sleep(3)
    assert not guess(service.api), "it did not have to be later"
    assert early or seconds <= 3, "nor was it earlier"


def test_other_origins_may_read_the_fields(make_service):
    service = limited(make_service, "AuthSvcCorsOrigin https://app.example")
    answer = service.api.login(new_email(), WRONG, headers={"Origin": "https://app.example"})
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(exposed)
    before = items(answer.headers["RateLimit"])["login-ip"]["r"]
    for _ in range(5):
        service.api.request("OPTIONS", "/auth/login", check=False, headers={
            "Origin": "https://app.example", "Access-Control-Request-Method": "POST"})
    answer = service.api.login(new_email(), WRONG)
    assert items(answer.headers["RateLimit"])["login-ip"]["r"] >= before - 1, "preflights are free"


@pytest.mark.skipif(not NODE_MODULES.exists(), reason="npm ci has not run in openapi/")
def test_the_fields_are_structured_fields(make_service):
    """Read by another implementation."""
    service = limited(make_service, "AuthSvcRateLimit login 2/90s account+ip",
                      "AuthSvcRateLimit login 9/1h ip")
    email = new_email()
    answers = [service.api.login(email, WRONG) for _ in range(3)]
    script = build.SOURCE / "openapi" / "rate-limit-fields.mjs"
    fields = [answer.headers[name] for answer in answers for name in ("RateLimit-Policy", "RateLimit")]
    done = subprocess.run(["node", str(script), *fields], capture_output=True, text=True,
                          timeout=30, check=True)
    policies, first, _, second, _, refused = map(json.loads, done.stdout.splitlines())
    assert policies == [["login-ip", {"q": 9, "w": 3600}], ["login-account+ip", {"q": 2, "w": 90}]]
    assert first[0][1]["r"] == 8 and first[1][1]["r"] == 1
    assert second[1][0] == refused[0][0] == "login-account+ip"
    assert second[1][1]["r"] == refused[0][1]["r"] == 0 and 30 <= refused[0][1]["t"] <= 45
    for broken in ('"a";r=1;t=', '"a;r=1', "'a';r=1"):
        assert subprocess.run(["node", str(script), broken], capture_output=True, timeout=30,
                              check=False).returncode != 0, "positive control"


# ---- HTTP Basic

def basic_site(make_service, *lines, main=()):
    service = limited(make_service, *lines, start=False, main=main,
                      modules=["auth_basic", "authz_user", *(["remoteip"] if main else [])])
    lay_out(service.httpd, "members")
    service.httpd.main += section('Location "/members"', "AuthType Basic", 'AuthName "site"',
                                  "AuthBasicProvider authsvc", "Require valid-user")
    service.httpd.allow(r"\[auth_basic:error\].* AH01617: ")
    service.httpd.start()
    return service


def visit(service, email, password=PASSWORD, **options):
    """On the one connection, and so by the same process."""
    return service.api.client.get("/members/secret.txt", auth=(email, password), **options)


def test_basic_is_signing_in(make_service):
    service = basic_site(make_service, "AuthSvcRateLimit login 4/1h account+ip")
    email, other = new_email(), new_email()
    for one in (email, other):
        service.api.new_user(email=one)
    assert visit(service, email).status_code == 200
    assert "RateLimit" not in visit(service, email).headers, "the cache knows them: not counted"
    for _ in range(10):
        assert visit(service, email).status_code == 200
    answers = [visit(service, email, WRONG) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401] * 4 + [429]
    assert is_limited(answers[-1])
    assert is_limited(service.api.login(email)), "they count together"
    assert told(visit(service, email))[2] == told(answers[-1])[2], "nor which guess is right"
    assert visit(service, other).status_code == 200
    unknown = [visit(service, "nobody@example.com", WRONG) for _ in range(5)]
    assert [answer.status_code for answer in unknown] == [401] * 4 + [429]
    assert told(unknown[-1])[2] == told(answers[-1])[2]


def test_what_basic_keeps_answers_no_guesses_from_elsewhere(make_service):
    """Where limit and pause hold, the right password looks as the wrong ones do."""
    service = basic_site(make_service, "AuthSvcRateLimit login 4/1h account+ip", main=PROXY)
    email = new_email()
    service.api.new_user(email=email)
    owner, stranger = afar("192.0.2.1"), afar("192.0.2.2")
    for _ in range(10):
        assert visit(service, email, **owner).status_code == 200
    answers = [visit(service, email, WRONG, **stranger) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401] * 4 + [429]
    guessed = visit(service, email, **stranger)
    assert is_limited(guessed) and told(guessed)[2] == told(answers[-1])[2]
    assert visit(service, email, **owner).status_code == 200, "the owner is elsewhere"


def test_what_basic_keeps_answers_no_guesses_in_a_pause(make_service):
    service = basic_site(make_service, "AuthSvcRateLimit login off", main=PROXY)
    email = new_email()
    service.api.new_user(email=email)
    owner, stranger = afar("192.0.2.1"), afar("192.0.2.2")
    assert visit(service, email, **owner).status_code == 200
    for _ in range(10):
        assert visit(service, email, WRONG, **stranger).status_code == 401
    assert visit(service, email, **stranger).status_code == 401
    assert visit(service, email, **owner).status_code == 200


def test_right_passwords_of_basic_are_not_counted(make_service):
    """Each of many processes asks once; here each request does, since nothing is kept."""
    service = basic_site(make_service, "AuthSvcRateLimit login 4/1h account+ip",
                         "AuthSvcRateLimit login 8/1h ip", "AuthSvcBasicCache 0")
    email = new_email()
    service.api.new_user(email=email)
    mark = service.httpd.mark()
    for _ in range(20):
        answer = visit(service, email)
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers
    assert len(service.httpd.log_since(mark, "event=basic-login ")) == 20, "each was looked at"
    answers = [visit(service, email, WRONG) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401] * 4 + [429], "the control"


def test_basic_is_exempt_too(make_service):
    service = basic_site(make_service, "AuthSvcRateLimit login 1/1h ip",
                         "AuthSvcRateLimitExempt 127.0.0.1")
    assert [visit(service, new_email(), WRONG).status_code for _ in range(4)] == [401] * 4


def test_guarded_pages_are_not_limited(make_service):
    service = limited(make_service, "AuthSvcRateLimit api 1/1h account", start=False,
                      modules=["authz_user"])
    lay_out(service.httpd, "members")
    service.httpd.main += section('Location "/members"', "AuthType AuthSvc", "Require valid-user")
    service.httpd.start()
    grant = service.api.new_user()
    assert service.api.me(grant["access_token"]).status_code == 200
    assert is_limited(service.api.me(grant["access_token"])), "positive control"
    for _ in range(5):
        answer = service.api.client.get("/members/secret.txt",
                                        headers=bearer(grant["access_token"]))
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers


# ---- what configtest says

@pytest.fixture
def configtest():
    engine = databases.SqliteEngine()
    httpd = Httpd(limits=True)
    lines = service_lines(httpd, engine.new_database(migrated=False), "https://example.org/api/v1")

    def test(*own, vhost=()):
        httpd.main = [*lines, *own, *mount_lines()]
        httpd.vhosts = [("vhost.example", list(vhost))] if vhost else []
        return httpd.configtest()

    yield test
    httpd.destroy()
    engine.destroy()


@pytest.mark.parametrize("lines, words", [
    (["AuthSvcRateLimit login 5/1m session"], "one of ip, account\\+ip, account: nothing else"),
    (["AuthSvcRateLimit refresh 5/1m account"], "one of ip, session"),
    (["AuthSvcRateLimit register 5/1m user"], "one of ip"),
    (["AuthSvcRateLimit sign-in 5/1m ip"], "one of login, register, refresh, mail, token"),
    (["AuthSvcRateLimit login 5 ip"], "login 60/1m ip"),
    (["AuthSvcRateLimit login 5/1m"], "login 60/1m ip"),
    (["AuthSvcRateLimit login 0/1m ip"], "login 60/1m ip"),
    (["AuthSvcRateLimit login 5/25h ip"], "1s to 24h"),
    (["AuthSvcRateLimit login 1001/1s ip"], "1000 a second"),
    (["AuthSvcRateLimit login off ip"], "login 60/1m ip"),
    (["AuthSvcRateLimit login off", "AuthSvcRateLimit login 5/1m ip"], "off here already"),
    (["AuthSvcRateLimit login 5/1m ip", "AuthSvcRateLimit login off"], "a limit here already"),
    (["AuthSvcRateLimit login 5/1m ip", "AuthSvcRateLimit login 6/60s ip"], "lower one alone"),
    ([f"AuthSvcRateLimit login 5/{n}m ip" for n in range(1, 10)], "8 limits already"),
    (["AuthSvcRateLimitExempt localhost"], "takes addresses"),
    (["AuthSvcRateLimitExempt 192.0.2.0/33"], "takes addresses"),
    (["AuthSvcRateLimitExempt 192.0.2.1 none"], "none goes with nothing else"),
    (['AuthSvcRateLimitExempt "expr=%{HTTP:X"'], "cannot parse the expression"),
    (["AuthSvcRateLimitTableSize 63"], "64 to 16777216"),
])
def test_refused(configtest, lines, words):
    code, said = configtest(*lines)
    assert code != 0 and re.search(words, said), said


def test_accepted(configtest):
    code, said = configtest(
        "AuthSvcRateLimit LOGIN 5/1m Account+IP", "AuthSvcRateLimit login 5/1m ip",
        "AuthSvcRateLimit login 500/24h ip", "AuthSvcRateLimit register off",
        "AuthSvcRateLimit register off", "AuthSvcRateLimit api 1000/1s session",
        "AuthSvcRateLimitExempt ::1 10.0.0.0/255.0.0.0", "AuthSvcRateLimitTableSize 64", vhost=["AuthSvcRateLimit login off",
                                               "AuthSvcRateLimitExempt none"])
    assert code == 0, said
    assert "AS0640" not in said


def test_what_limits_nothing_is_said(configtest):
    code, said = configtest("AuthSvcRateLimit mail 5/1h account", "AuthSvcRateLimit admin off")
    assert code == 0, said
    assert re.search(r"AS0640: .*AuthSvcRateLimit mail: this version has no operation", said)
    assert "AuthSvcRateLimit admin" not in said


def test_the_table_is_the_main_servers(configtest):
    code, said = configtest(vhost=["AuthSvcRateLimitTableSize 64"])
    assert code != 0 and "cannot occur within <VirtualHost>" in said, said
