# SPDX-License-Identifier: Apache-2.0
"""
Nobody learns from the time of an answer whether there is an account: 2,000 samples of each class,
in turn, by the clock and by the CPU time of httpd. A build that spares unknown addresses the hash
must be found out by both.
"""
import json
import random
import shutil
import socket
import statistics
import subprocess
import time

import pytest

from harness import build
from harness.service import PASSWORD, Service, new_email
from test_lockout import BEHIND_PROXY, PROXIED, new_network

SAMPLES = 2000
USERS = 20000      # among whom those lie whose addresses somebody tries
RUNS = 3           # a neighbour on the machine may part two medians, but not in each of them
SHARE = 0.01       # of the larger median
FLOOR = 100e-6     # s
GUESSED_RIGHT = 0.52  # of single answers to a login
# Of registrations: 10 us for other pages of the indexes are felt beside a hash of 1 ms; one of 80 ms
# hides them.
REGISTRATIONS_GUESSED_RIGHT = 0.55

# One process, whose CPU time is read; a hash that takes some milliseconds, not most of the test.
LINES = [*BEHIND_PROXY, "AuthSvcLoginFailuresPerAccount Off", "AuthSvcLoginPause 24h 24h"]
OPTIONS = {"cost": "AuthSvcPasswordCost 2M 1", "mpm": "event",
           "tuning": ["ServerLimit 1", "StartServers 1", "ThreadsPerChild 25",
                      "MaxRequestWorkers 25", "MinSpareThreads 1", "MaxSpareThreads 25"], **PROXIED}

pytestmark = [pytest.mark.slow, pytest.mark.alone,
              pytest.mark.skipif(build.SANITIZED, reason="the time would be the sanitizer's")]


class Probe:
    """One connection, and the clocks."""

    def __init__(self, service):
        self.socket = socket.create_connection(("127.0.0.1", service.httpd.port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        child, = service.httpd.children()
        self.cpu = (~child << 3) | 2  # CLOCK_PROCESS_CPUTIME_ID of another process, as in glibc

    @staticmethod
    def request(path, address, **body):
        text = json.dumps(body).encode()
        return (f"POST /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {address}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
                ).encode() + text

    def measure(self, request, status):
        """(seconds, seconds of CPU)."""
        cpu, start = time.clock_gettime(self.cpu), time.perf_counter()
        self.socket.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.socket.recv(65536)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self.socket.recv(65536)
        took = time.perf_counter() - start
        used = time.clock_gettime(self.cpu) - cpu
        assert head.startswith(b"HTTP/1.1 %d " % status), answer
        return took, used

    def close(self):
        self.socket.close()


def collect(service, classes, status):
    """{class: [(seconds, seconds of CPU)]}; each round in an order of its own."""
    probe = Probe(service)
    samples = {name: [] for name in classes}
    for sample in range(SAMPLES + 20):
        for name in random.sample(sorted(classes), len(classes)):
            measured = probe.measure(classes[name](), status)
            if sample >= 20:
                samples[name].append(measured)
    probe.close()
    return samples


def parted(medians):
    """What keeps the medians from being the same; None if nothing does."""
    low, high = min(medians.values()), max(medians.values())
    return None if high - low <= max(SHARE * high, FLOOR) else medians


def guessed(one, other):
    """How often whoever sees one time is right about its class, by the best threshold of a half."""
    half = len(one) // 2
    ranked = sorted([(time, 1) for time in one[:half]] + [(time, 0) for time in other[:half]])
    right = best = half
    threshold = ranked[0][0]
    for value, is_one in ranked:  # below it: the first class
        right += 1 if is_one else -1
        if abs(right - half) > abs(best - half):
            best, threshold = right, value
    is_below = best >= half
    hits = sum((value <= threshold) == is_below for value in one[half:])
    hits += sum((value <= threshold) != is_below for value in other[half:])
    return hits / (2 * (len(one) - half))


def judge(samples, figure=None, limit=GUESSED_RIGHT):
    """{what: why not}"""
    findings = {}
    for column, clock in enumerate(("clock", "CPU")):
        times = {name: [sample[column] for sample in found] for name, found in samples.items()}
        medians = {name: statistics.median(values) for name, values in times.items()}
        if figure:
            figure(f"{clock}: " + ", ".join(f"{name} {value * 1e6:.0f} us"
                                            for name, value in sorted(medians.items())))
        if parted(medians):
            findings[clock] = medians
    names = sorted(samples)
    for other in names[1:]:
        share = guessed([sample[0] for sample in samples[names[0]]],
                        [sample[0] for sample in samples[other]])
        if figure:
            figure(f"{names[0]} or {other}: {share:.1%} guessed right")
        if share > limit:
            findings[f"{names[0]} or {other}"] = share
    return findings


def runs(collected, figure=None, **options):
    """What was found in each run, until one finds nothing, or all so far together do not."""
    found, pooled = [], {}
    while len(found) < RUNS and (not found or found[-1]):
        samples = collected()
        for name, measured in samples.items():
            pooled.setdefault(name, []).extend(measured)
        found.append(judge(samples, figure, **options) and judge(pooled, figure, **options))
    return found


def login_classes(service):
    """What is tried, each from a network of its own but for the one that is in a pause."""
    def user():
        made = service.api.register(headers={"X-Forwarded-For": new_network()})
        assert made.status_code == 201
        return made.json()

    def request(email, address):
        return Probe.request("/auth/login", address, email=email, password="Wrong-Password-1")

    known, gone, paused = user(), user(), user()
    assert service.api.delete(gone["access_token"]).status_code == 204
    inside = new_network()
    for _ in range(10):
        assert service.api.post("/auth/login", {"email": paused["user"]["email"],
                                                "password": "Wrong-Password-1"},
                                headers={"X-Forwarded-For": inside}).status_code == 401
    assert service.api.post("/auth/login", {"email": paused["user"]["email"],
                                            "password": PASSWORD},
                            headers={"X-Forwarded-For": inside}).status_code == 401
    pad = len(known["user"]["email"])
    return {
        "unknown": lambda: request(new_email().rjust(pad, "x"), new_network()),
        "wrong": lambda: request(known["user"]["email"], new_network()),
        "deactivated": lambda: request(gone["user"]["email"], new_network()),
        "paused": lambda: request(paused["user"]["email"], inside),
    }


@pytest.fixture
def timed(engine):
    made = Service(engine, extra=LINES, **OPTIONS)
    yield made
    made.destroy()


def test_login(timed, figure):
    classes = login_classes(timed)
    found = runs(lambda: collect(timed, classes, 401), figure)
    assert not found[-1], found


def any_email():
    """In no order, so that it is beside any other in an index."""
    return f"{random.getrandbits(64):016x}@example.com"


def users_of_long_ago(database):
    """Their addresses, in another order than their rows."""
    emails = [any_email() for _ in range(USERS)]
    now = "now()" if database.engine == "postgresql" else str(time.time_ns() // 1000)
    digest = f"$argon2id$v=19$m=2048,t=1,p=1${'c' * 22}${'h' * 43}"
    rows = ", ".join(f"('01980000-0000-7000-8000-{number:012x}', '{email}', '{digest}', 'Ada', "
                     f"{now}, {now})" for number, email in enumerate(emails))
    database.query("INSERT INTO users (id, email, password_hash, name, created_at, updated_at) "
                   f"VALUES {rows}")
    random.shuffle(emails)
    return emails


def test_registration(engine, figure):
    """
    Its branches write a row each, and wait for the disk. Each address is tried once: from then on
    it is known either way.
    """
    service = Service(engine, extra=[*LINES, "AuthSvcRegistrationDisclosure Off"], **OPTIONS)

    def request(email):
        return Probe.request("/auth/register", "192.0.2.1", email=email, password=PASSWORD,
                             name="Ada Lovelace")

    try:
        known = users_of_long_ago(service.database)
        found = runs(lambda: collect(service, {"new": lambda: request(any_email()),
                                               "known": lambda: request(known.pop())}, 202), figure,
                     limit=REGISTRATIONS_GUESSED_RIGHT)
        rows, = service.database.query("SELECT COUNT(*) FROM users")
        assert int(rows[0]) == USERS + len(found) * (SAMPLES + 20)
    finally:
        service.destroy()
    assert not found[-1], found


@pytest.fixture(scope="module")
def leaky_module(tmp_path_factory):
    """A build that answers for unknown addresses without a hash."""
    folder = tmp_path_factory.mktemp("leaky") / "build"
    source = "mod_authsvc/services/credentials.c"
    shutil.copytree(build.BUILD, folder, symlinks=True,
                    ignore=shutil.ignore_patterns("tests", "*.log"))
    before = (build.SOURCE / source).read_text(encoding="utf-8")
    planted = before.replace("    AUTHSVC_TRY(authsvc_credentials_prove(",
                             "    if (!found) {\n        return authsvc_credentials_refuse(ctx, "
                             "NULL);\n    }\n    AUTHSVC_TRY(authsvc_credentials_prove(", 1)
    assert planted != before
    # a source in the build directory is taken before the tree's own
    (folder / source).write_text(planted, encoding="utf-8")
    for header in (build.SOURCE / source).parent.glob("*.h"):
        shutil.copy(header, folder / "mod_authsvc" / "services")
    subprocess.run(["make", "-C", folder, "mod_authsvc.la"], check=True, capture_output=True)
    return folder


def test_a_leak_is_found_out(engine, leaky_module, monkeypatch):
    """The positive control, in each run and by each way."""
    monkeypatch.setattr(build, "BUILD", leaky_module)
    service = Service(engine, extra=LINES, **OPTIONS)
    try:
        classes = login_classes(service)
        for _ in range(RUNS):
            found = judge(collect(service, {name: classes[name] for name in ("unknown", "wrong")},
                                  401))
            assert {"clock", "CPU", "unknown or wrong"} <= set(found), found
    finally:
        service.destroy()
