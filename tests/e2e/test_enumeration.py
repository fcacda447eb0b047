# SPDX-License-Identifier: Apache-2.0
"""Nobody learns from login whether an account exists."""
import pathlib
import re
import statistics
import subprocess
import time

import pytest

from harness.service import Service, new_email


def comparable(answer):
    """Status, header fields in order, and body, without what differs for every request."""
    headers = [(name, value) for name, value in answer.headers.raw
               if name.lower() not in (b"date", b"x-request-id")]
    body = re.sub(rb'"request_id":\s*"[^"]*"', b'"request_id":""', answer.content)
    return answer.status_code, headers, body


def test_login_answers_are_identical(api):
    known = api.new_user()["user"]["email"]
    deleted = api.new_user()
    assert api.delete(deleted["access_token"]).status_code == 204
    wrong = comparable(api.login(known, "Wrong-Password-1"))
    assert wrong[0] == 401
    assert comparable(api.login(new_email(), "Wrong-Password-1")) == wrong
    assert comparable(api.login(deleted["user"]["email"], "Wrong-Password-1")) == wrong
    assert comparable(api.login("nobody@unknown.example", "x")) == wrong
    assert comparable(api.login(known))[0] == 200


@pytest.fixture
def discreet(make_service):
    return make_service(extra=["AuthSvcRegistrationDisclosure Off", "AuthSvcCookie On"])


def test_register_answers_are_identical(discreet):
    api, known = discreet.api, new_email()
    first = api.register(known, "First-Password-1")
    assert first.status_code == 202 and first.json() == {"status": "received"}
    assert "set-cookie" not in first.headers
    again = api.register(known, "Other-Password-1")
    assert comparable(again) == comparable(first)
    assert comparable(api.register(new_email())) == comparable(first)
    assert api.login(known, "Other-Password-1").status_code == 401, "the account is what it was"
    assert api.login(known, "First-Password-1").status_code == 200, "this is how one goes on"
    assert discreet.httpd.log_text().count("event=registration-of-known-address") == 1


def test_register_refuses_both_alike(discreet):
    api, known = discreet.api, new_email()
    api.register(known)
    assert comparable(api.register(known, "short")) == comparable(api.register(new_email(),
                                                                              "short"))
    assert api.register(known, "short").status_code == 400


def test_a_known_account_keeps_its_sessions(discreet):
    api, known = discreet.api, new_email()
    api.register(known)
    token = api.login(known).json()["refresh_token"]
    assert api.register(known).status_code == 202
    assert api.refresh(token).status_code == 200


def test_a_deactivated_account_is_a_known_address(discreet):
    api, gone = discreet.api, new_email()
    api.register(gone)
    grant = api.login(gone).json()
    assert api.delete(grant["access_token"]).status_code == 204
    assert comparable(api.register(gone)) == comparable(api.register(new_email()))
    assert api.login(gone).json()["type"].endswith("/account-deactivated")


class Counted:
    """A service whose httpd counts hashes (count_hashes.c)."""

    def __init__(self, engine):
        self.service = Service(engine, start=False, extra=["AuthSvcRegistrationDisclosure Off"])
        root = self.service.httpd.root
        self.counter = root / "run" / "hashes"
        self.counter.write_bytes(b"")
        self.counter.chmod(0o666)
        library = root / "run" / "count_hashes.so"
        subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror",
                        "-shared", "-fPIC", "-o", library,
                        pathlib.Path(__file__).with_name("count_hashes.c"), "-ldl"], check=True)
        self.service.httpd.preload = [library]
        self.service.httpd.env["AUTHSVC_HASHES"] = str(self.counter)
        self.service.httpd.start()

    def during(self, request, status):
        before = len(self.counter.read_text(encoding="ascii").split())
        assert request().status_code == status
        return len(self.counter.read_text(encoding="ascii").split()) - before


@pytest.fixture
def counted(engine):
    made = Counted(engine)
    yield made
    made.service.destroy()


def test_each_way_costs_one_hash(counted):
    """And whoever may be told that there is an account is told after that."""
    api, wrong = counted.service.api, "Wrong-Password-1"
    known, gone, unreadable, paused = (new_email() for _ in range(4))
    for email in (known, gone, unreadable, paused):
        assert counted.during(lambda e=email: api.register(e), 202) == 1
    assert counted.during(lambda: api.register(known), 202) == 1, "a known address"
    grant = api.login(gone).json()
    assert counted.during(lambda: api.delete(grant["access_token"], wrong), 401) == 1
    assert counted.during(lambda: api.delete(grant["access_token"]), 204) == 1
    counted.service.database.query(
        f"UPDATE users SET password_hash = '!' WHERE email = '{unreadable}'")
    for _ in range(10):
        assert counted.during(lambda: api.login(paused, wrong), 401) == 1
    assert counted.during(lambda: api.login(paused, wrong), 401) == 1, "in the pause"
    assert counted.during(lambda: api.login(paused), 401) == 1, "the right password in it"
    assert counted.during(lambda: api.login(known), 200) == 1
    assert counted.during(lambda: api.login(known, wrong), 401) == 1
    assert counted.during(lambda: api.login(new_email()), 401) == 1, "unknown"
    assert counted.during(lambda: api.login(gone, wrong), 401) == 1
    assert counted.during(lambda: api.login(gone), 401) == 1, "deactivated"
    counted.service.httpd.allow(r"AS0\d+")
    assert counted.during(lambda: api.login(unreadable), 401) == 1
    assert counted.during(lambda: api.login(unreadable, "!"), 401) == 1
    assert counted.during(lambda: api.login(known, "x" * 1025), 400) == 0, "the control"


@pytest.mark.slow
@pytest.mark.alone
def test_login_takes_the_same_work(make_service):
    """Medians of interleaved samples; an unknown user without a hash would be 10 times faster."""
    service = make_service(cost="AuthSvcPasswordCost 32M 2")
    api = service.api
    known = api.new_user()["user"]["email"]
    classes = {"known": lambda: known, "unknown": new_email}
    for email in list(classes.values()) * 2:
        api.login(email(), "Wrong-Password-1")
    lone = []
    for _ in range(20):  # one might be when the machine does something else
        start = time.perf_counter()
        api.get("/health/live")
        lone.append(time.perf_counter() - start)
    floor = statistics.median(lone)
    apart = []
    for _ in range(3):  # what else the machine does can part two medians, but not join them thrice
        samples = {name: [] for name in classes}
        for _ in range(60):
            for name, email in classes.items():
                start = time.perf_counter()
                assert api.login(email(), "Wrong-Password-1").status_code == 401
                samples[name].append(time.perf_counter() - start)
        medians = {name: statistics.median(values) for name, values in samples.items()}
        assert medians["unknown"] > 5 * floor, "positive control: hashing dominates"
        apart.append(abs(medians["known"] - medians["unknown"]) / medians["known"])
        if apart[-1] < 0.1:
            break
    assert min(apart) < 0.1, apart
