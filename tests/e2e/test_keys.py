# SPDX-License-Identifier: Apache-2.0
"""AuthSvcKeyDirectory: keys follow each other by the clock, and nobody is cut off."""
import json
import os
import subprocess
import threading
import time

import httpx
import pytest

from harness import build, keys, tokens
from harness.httpd import Httpd
from harness.service import PASSWORD, Api, Service, bearer, new_email, service_lines
from test_auth import problem

NODE_MODULES = build.SOURCE / "openapi" / "node_modules" / "jose"
FAST = ("--alg", "ES256")
LONG = 600_000  # milliseconds


def with_directory(service, path):
    """Take the keys from there."""
    service.httpd.main = [f"AuthSvcKeyDirectory {path}"
                          if line.startswith("AuthSvcSigningKey ") else line
                          for line in service.httpd.main]


@pytest.fixture(name="rotating")
def make_rotating(make_service):
    """A service that is not started, and its directory of keys, still empty."""
    service = make_service(start=False)
    path = keys.directory(service.httpd.root / "keys" / "rotating")
    with_directory(service, path)
    return service, path


def kid_of(grant):
    return tokens.parts(grant["access_token"])[0]["kid"]


def published(api):
    return [key["kid"] for key in api.get("/.well-known/jwks.json").json()["keys"]]


def ready_keys(api):
    """The check of the keys in /health/ready, which is 200."""
    answer = api.get("/health/ready")
    assert answer.status_code == 200 and answer.json()["status"] == "ready"
    (check,) = [check for check in answer.json()["checks"] if check["name"] == "keys"]
    return check


def test_the_clock_switches_keys_without_a_restart(rotating):
    service, path = rotating
    keys.rotate(path, *FAST, "--every", "10s", "--publish", "3s")
    first, second = [line["kid"] for line in keys.listed(path)]
    switch = keys.times(keys.files(path)[1])[1].timestamp()
    service.httpd.start()
    pids = service.httpd.children()
    api = service.api
    grant = api.new_user()
    assert kid_of(grant) == first
    assert published(api) == [first]
    age = api.get("/.well-known/jwks.json").headers["cache-control"]
    assert int(age.rpartition("=")[2]) <= switch - time.time() + 1, "no copy lacks the next key"
    build.wait_until(lambda: len(published(api)) == 2, 15, "the second is published")
    assert time.time() < switch, "before it signs"
    assert published(api) == [first, second]
    assert api.get("/.well-known/jwks.json").headers["cache-control"] == "public, max-age=900"
    assert kid_of(api.refresh(grant["refresh_token"]).json()) == first
    time.sleep(max(0.0, switch - time.time()) + 0.1)
    later = api.refresh(grant["refresh_token"]).json()
    assert kid_of(later) == second
    assert published(api) == [second, first], "the first goes on verifying"
    for each in (grant, later):
        assert api.me(each["access_token"]).status_code == 200
    assert set(pids) <= set(service.httpd.children()), "none was restarted"


class Follower:
    """jose in a program of its own, which sees tokens and fetches keys."""

    def __init__(self, service, milliseconds):
        script = build.SOURCE / "openapi" / "follow-keys.mjs"
        self.program = subprocess.Popen(
            ["node", str(script), f"{service.issuer}/.well-known/jwks.json", service.issuer,
             service.issuer, str(milliseconds)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.lock = threading.Lock()
        self.kids = set()
        self.errors = []

    def verify(self, token):
        with self.lock:
            self.program.stdin.write(token + "\n")
            seen = json.loads(self.program.stdout.readline())
            self.kids.add(seen["kid"])
            if "error" in seen:
                self.errors.append(seen)

    def close(self):
        self.program.stdin.close()
        assert self.program.wait(30) == 0
        self.program.stdout.close()


class Users:
    """Each in a thread: refresh, ask with the new token and with all of before."""

    def __init__(self, service, followers, count):
        self.service = service
        self.followers = followers
        self.stop = threading.Event()
        self.wrong = []
        self.answers = 0
        self.threads = [threading.Thread(target=self._live) for _ in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)

    def _live(self):
        try:
            # a connection for each request: a reload closes those that are kept
            with httpx.Client(base_url=self.service.issuer, trust_env=False, timeout=30,
                              headers={"Connection": "close"}) as client:
                self._use(client)
        except Exception as failure:  # pylint: disable=broad-except
            self.wrong.append(repr(failure))

    def _take(self, answer, wanted):
        self.answers += 1
        if answer.status_code != wanted:
            self.wrong.append(f"{answer.request.url}: {answer.status_code} {answer.text}")
        return answer.json()

    def _use(self, client):
        body = {"email": new_email(), "password": PASSWORD, "name": "Ada"}
        grant = self._take(client.post("/auth/register", json=body), 201)
        by_key = {}
        while not self.stop.is_set():
            by_key.setdefault(kid_of(grant), grant["access_token"])
            for token in [grant["access_token"], *by_key.values()]:
                self._take(client.get("/users/me", headers=bearer(token)), 200)
                for follower in self.followers:
                    follower.verify(token)
            grant = self._take(client.post(
                "/auth/refresh", json={"refresh_token": grant["refresh_token"]}), 200)


@pytest.mark.skipif(not NODE_MODULES.exists() and not os.environ.get("CI"),
                    reason="npm ci has not run in openapi/")
@pytest.mark.slow
@pytest.mark.alone
def test_jose_follows_a_rotation_under_load(rotating, figure):
    """
    Three changes of the key, new ones loaded by graceful restarts, and no token is refused: neither
    by the service nor by a verifier that fetches the keys every second, when each is published two
    seconds before it signs.
    """
    service, path = rotating
    times = (*FAST, "--every", "4s", "--publish", "2s")
    keys.rotate(path, *times)
    service.httpd.start()
    timely, late = Follower(service, 1000), Follower(service, LONG)
    made = 2
    try:
        with Users(service, [timely, late], 3) as users:
            end = time.monotonic() + 60
            while len(timely.kids) < 4 and time.monotonic() < end:
                count = keys.rotate(path, *times).count("made ")
                if count:
                    service.httpd.graceful()
                made += count
                time.sleep(0.5)
        assert not users.wrong, users.wrong[:3]
        assert len(timely.kids) >= 4 and made >= 4, "positive control: the key changed"
        assert timely.errors == []
        assert late.errors, "positive control: who never fetches the keys again is left behind"
        assert {seen["kid"] for seen in late.errors} <= timely.kids
        figure(f"{users.answers} answers, {len(timely.kids)} keys, none refused")
    finally:
        timely.close()
        late.close()


def test_a_removed_key_is_refused(rotating):
    """What to do with a key that leaked: remove it, rotate, reload."""
    service, path = rotating
    keys.rotate(path, *FAST)
    service.httpd.start()
    grant = service.api.new_user()
    leaked, successor = keys.files(path)
    signer = tokens.Signer(path / leaked)
    forged = signer.token(*tokens.parts(grant["access_token"]))
    assert service.api.me(grant["access_token"]).status_code == 200
    assert service.api.me(forged).status_code == 200, "positive control"
    (path / leaked).unlink()
    assert service.api.me(forged).status_code == 200, "not before the reload"
    service.httpd.graceful()
    api = service.new_api()
    problem(api.me(grant["access_token"]), 401, "authentication")
    problem(api.me(forged), 401, "authentication")
    fresh = api.refresh(grant["refresh_token"]).json()
    assert kid_of(fresh) == keys.listed(path)[0]["kid"]
    assert successor[-12:-4] == kid_of(fresh)[:8], "the successor signs at once"
    assert api.me(fresh["access_token"]).status_code == 200
    assert published(api) == [kid_of(fresh)]
    assert "warning" in ready_keys(api)
    api.close()
    keys.rotate(path, *FAST)
    service.httpd.graceful()
    api = service.new_api()
    assert api.me(fresh["access_token"]).status_code == 200
    newest = api.refresh(fresh["refresh_token"]).json()
    assert kid_of(newest) not in (kid_of(grant), kid_of(fresh)) and "warning" not in ready_keys(api)
    problem(api.me(forged), 401, "authentication")
    api.close()


def test_a_forgotten_rotation_is_no_outage(rotating):
    service, path = rotating
    keys.rotate(path, *FAST)
    keys.age(path, days=100)
    service.httpd.start()
    assert service.httpd.log_since(0, "warn.*AS0662", 5)
    api = service.api
    grant = api.new_user()
    assert kid_of(grant) == keys.listed(path)[-1]["kid"] and published(api) == [kid_of(grant)]
    assert api.me(grant["access_token"]).status_code == 200
    check = ready_keys(api)
    assert check["ok"] and "no key is loaded that follows" in check["warning"]
    assert service.httpd.log_since(0, r"\[authsvc:warn\].*AS0234", 5)
    keys.rotate(path, *FAST)
    assert "warning" in ready_keys(api), "not loaded yet"
    service.httpd.graceful()
    fresh = service.new_api()
    build.wait_until(lambda: "warning" not in ready_keys(fresh), 10, "the successor is loaded")
    assert fresh.me(grant["access_token"]).status_code == 200
    fresh.close()


def test_a_single_signing_key_warns_of_nothing(service):
    assert ready_keys(service.api) == {"name": "keys", "ok": True}


def test_from_a_signing_key_to_a_directory_and_back(make_service):
    """AuthSvcVerifyKey bridges both ways."""
    service = make_service()
    old = service.api.new_user()
    path = keys.directory(service.httpd.root / "keys" / "rotating")
    keys.rotate(path, *FAST)
    single = [line for line in service.httpd.main if line.startswith("AuthSvcSigningKey ")]
    with_directory(service, path)
    service.httpd.main.append(single[0].replace("SigningKey", "VerifyKey"))
    service.httpd.graceful()
    api = service.new_api()
    assert api.me(old["access_token"]).status_code == 200
    new = api.refresh(old["refresh_token"]).json()
    assert kid_of(new) == keys.listed(path)[0]["kid"]
    assert set(published(api)) == {kid_of(old), kid_of(new)}
    api.close()
    service.httpd.main = [line for line in service.httpd.main if "VerifyKey" not in line and
                          "KeyDirectory" not in line]
    service.httpd.main += [single[0], f"AuthSvcVerifyKey {path / keys.files(path)[0]}"]
    service.httpd.graceful()
    api = service.new_api()
    assert api.me(new["access_token"]).status_code == 200
    assert kid_of(api.refresh(new["refresh_token"]).json()) == kid_of(old)
    api.close()


def test_two_nodes_share_a_directory(engine):
    """Each accepts what the other signs, also while only one of them has loaded the next key."""
    database = engine.new_database()
    one = Service(engine, database=database, start=False)
    two = Service(engine, database=database, start=False, issuer=one.issuer)
    try:
        path = keys.directory(one.httpd.root / "keys" / "shared")
        for node in (one, two):
            with_directory(node, path)
            node.httpd.main = [line.replace(str(two.httpd.root), str(one.httpd.root))
                               if line.startswith("AuthSvcSecretFile") else line
                               for line in node.httpd.main]
        keys.rotate(path, *FAST)
        keys.age(path, days=28, hours=12)
        keys.rotate(path, *FAST)
        one.httpd.start()
        two.httpd.start()
        keys.age(path, days=1, hours=13)  # the time has come, for the node that reads the names anew
        one.httpd.graceful()
        api = one.new_api()
        first = two.api.new_user()
        second = api.new_user()
        assert kid_of(first) != kid_of(second), "positive control: two keys sign"
        for grant in (first, second):
            assert api.me(grant["access_token"]).status_code == 200
            assert two.api.me(grant["access_token"]).status_code == 200
        api.close()
    finally:
        two.destroy()
        one.destroy()


def test_a_virtual_host_has_keys_of_its_own(engine):
    """A directory in the main server, and a single key in one of its virtual hosts."""
    httpd = Httpd()
    database = engine.new_database()
    path = keys.directory(httpd.root / "keys" / "rotating")
    keys.rotate(path, *FAST)
    main = service_lines(httpd, database, f"{httpd.origin}/api/v1")
    mount = ['<Location "/api/v1">', "AuthSvc On", "</Location>"]
    httpd.main = [f"AuthSvcKeyDirectory {path}" if line.startswith("AuthSvcSigningKey") else line
                  for line in main] + mount
    httpd.vhosts = [("same.example", []),
                    ("single.example", [f"AuthSvcSigningKey {httpd.key()}"])]
    httpd.start()
    shown = {}
    for host in ("same.example", "single.example"):
        api = Api(httpd.origin, host=host)
        shown[host] = published(api)
        api.close()
    own = subprocess.run([str(build.BUILD / "authsvcctl"), "key", "show", str(httpd.key())],
                         capture_output=True, text=True, check=True).stdout
    directory = keys.listed(path)
    httpd.destroy()
    assert shown["same.example"] == [directory[0]["kid"]]
    assert shown["single.example"] == [own.split()[1]]
