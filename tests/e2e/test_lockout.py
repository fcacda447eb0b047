# SPDX-License-Identifier: Apache-2.0
"""Wrong passwords begin pauses, which nobody can turn on the owner: docs/brute-force.md."""
import base64
import hashlib
import http.client
import itertools
import json
import os
import re
import signal
import socket
import time

import pytest

from harness import build, databases
from harness.load import parallel
from harness.service import PASSWORD, Service, new_email
from test_enumeration import comparable

WRONG = "Wrong-Password-1"
BEHIND_PROXY = ["RemoteIPHeader X-Forwarded-For", "RemoteIPInternalProxy 127.0.0.1",
                "AuthSvcRequireTLS Off"]
PROXIED = {"modules": ["remoteip"]}

_hosts = itertools.count(1)


def new_network():
    """An address that no test used before."""
    number = next(_hosts)
    return f"203.0.{number // 250}.{number % 250 + 1}"


def from_(address):
    return {"headers": {"X-Forwarded-For": address}}


def attempt(api, email, password=WRONG, address="192.0.2.1", **body):
    return api.post("/auth/login", {"email": email, "password": password, **body},
                    **from_(address))


def fail(api, email, times, address="192.0.2.1", **body):
    for _ in range(times):
        assert attempt(api, email, address=address, **body).status_code == 401


class Quick:
    """A client for many tries, whose answers are not held against the contract."""

    def __init__(self, site):
        self.connection = http.client.HTTPConnection("127.0.0.1", site.httpd.port, timeout=60)

    def attempt(self, email, address, password=WRONG):
        """The status."""
        self.connection.request("POST", "/api/v1/auth/login",
                                json.dumps({"email": email, "password": password}),
                                {"Content-Type": "application/json", "X-Forwarded-For": address})
        answer = self.connection.getresponse()
        answer.read()
        return answer.status

    def close(self):
        self.connection.close()


def may(api, email, address="192.0.2.1", **body):
    """Whether the right password signs in."""
    answer = attempt(api, email, PASSWORD, address, **body)
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


def rows(service):
    return {place: int(failures) for place, failures in service.database.query(
        "SELECT place, failures FROM login_failures")}


def written(service, place, failures):
    """Wait until the database knows."""
    build.wait_until(lambda: rows(service).get(place) == failures, 10, f"{place}: {failures}")


def make_proxied(make, *lines, **options):
    return make(extra=[*BEHIND_PROXY, *lines], **PROXIED, **options)


@pytest.fixture(scope="module")
def shared(engine):
    made = Service(engine, extra=BEHIND_PROXY, **PROXIED)
    yield made
    made.destroy()


@pytest.fixture
def site(shared):
    """Of this module; each test has accounts and networks of its own."""
    shared.database.query("DELETE FROM login_failures")
    return shared


@pytest.fixture
def alone(make_service):
    return make_proxied(make_service)


def registered(site, address="192.0.2.1"):
    answer = site.api.register(**from_(address))
    assert answer.status_code == 201
    return answer.json()["user"]["email"], answer.json().get("device_token")


def test_ten_failures_begin_a_pause(site):
    email, _ = registered(site)
    away = new_network()
    fail(site.api, email, 9, away)
    assert may(site.api, email, away), "the control: nine do not, and success clears them"
    fail(site.api, email, 9, away)
    assert may(site.api, email, away)
    fail(site.api, email, 10, away)
    assert not may(site.api, email, away)
    assert may(site.api, email, new_network()), "another network is not meant"
    written(site, f"ip {away}", 10)
    site.database.shift("login_failures", "paused_until", -57)
    assert not may(site.api, email, away)
    site.database.shift("login_failures", "paused_until", -60)
    assert may(site.api, email, away)


def test_pauses_are_told_once(alone):
    email, _ = registered(alone)
    away = new_network()
    fail(alone.api, email, 25, away)
    written(alone, f"ip {away}", 10)
    alone.database.shift("login_failures", "paused_until", -61)
    fail(alone.api, email, 5, away)
    written(alone, f"ip {away}", 11)
    said = re.findall(r"AS0280: event=login-paused user=(\S+) place=\"ip ([\d.]+)\" failures=(\d+) "
                      r"seconds=(\d+)", alone.httpd.log_text())
    assert [line[1:] for line in said] == [(away, "10", "60"), (away, "11", "120")]
    assert re.fullmatch(r"[0-9a-f-]{36}", said[0][0])


def test_answers_in_a_pause_are_those_of_nobody(site):
    """Byte for byte, headers too; the password may be right."""
    email, _ = registered(site)
    known, away = comparable(attempt(site.api, email, address=new_network())), new_network()
    nobody = comparable(attempt(site.api, new_email(), address=new_network()))
    assert nobody == known
    fail(site.api, email, 10, away)
    unknown = new_email()
    fail(site.api, unknown, 10, away)
    assert comparable(attempt(site.api, email, PASSWORD, away)) == nobody
    assert comparable(attempt(site.api, email, WRONG, away)) == nobody
    assert comparable(attempt(site.api, unknown, WRONG, away)) == nobody
    assert attempt(site.api, email, PASSWORD, new_network()).status_code == 200, "the control"


def test_unknown_addresses_leave_the_same_rows(alone):
    email, _ = registered(alone)
    fail(alone.api, email, 12, one := new_network())
    fail(alone.api, new_email(), 12, other := new_network())
    written(alone, f"ip {one}", 10)
    written(alone, f"ip {other}", 10)
    assert "@" not in str(alone.database.query("SELECT place FROM login_failures"))
    sums = "SELECT failures FROM login_failures WHERE place = 'all'"
    build.wait_until(lambda: [int(failures) for failures, in alone.database.query(sums)] == [10, 10],
                     10, "the sums")


def test_invented_addresses_write_nothing(alone):
    quick = Quick(alone)
    for _ in range(300):
        assert quick.attempt(new_email(), new_network()) == 401
    quick.close()
    fail(alone.api, new_email(), 3, control := new_network())
    written(alone, f"ip {control}", 3)
    written(alone, "all", 3)
    assert rows(alone) == {f"ip {control}": 3, "all": 3}


def test_a_device_is_known_again(site):
    email, token = registered(site)
    stranger, foreign = registered(site)
    away = new_network()
    fail(site.api, email, 10, away)
    assert not may(site.api, email, away)
    octets = bytearray(base64.urlsafe_b64decode(token[5:] + "=="))
    octets[-1] ^= 1
    forged = "asd1_" + base64.urlsafe_b64encode(octets).decode().rstrip("=")
    refused = comparable(attempt(site.api, email, PASSWORD, away))
    for other in (foreign, forged, "asd1_", "x" * 1024):
        assert comparable(attempt(site.api, email, PASSWORD, away, device_token=other)) == refused
    answer = attempt(site.api, email, PASSWORD, away, device_token=token)
    assert answer.status_code == 200
    renewed = answer.json().get("device_token")
    assert renewed[:27] == token[:27], "the same device"
    assert may(site.api, stranger, away, device_token=foreign)
    fail(site.api, email, 10, away, device_token=renewed)
    assert not may(site.api, email, away, device_token=renewed), "it has a counter of its own"
    assert not may(site.api, email, away, device_token=token), "which is that of the device"
    assert may(site.api, email, new_network())


def test_a_neighbour_does_not_use_up_the_owners_limit(make_service):
    """In one network, with the limits that are on by default."""
    service = make_proxied(make_service, limits=True)
    email, token = registered(service, office := new_network())
    _, foreign = registered(service, office)
    flood = [attempt(service.api, email, address=office).status_code for _ in range(30)]
    assert flood.count(429) >= 20, "the control: it is limited"
    assert attempt(service.api, email, PASSWORD, office).status_code == 429, "and so is everybody"
    forged = token[:-1] + ("A" if token[-1] != "A" else "Q")
    assert attempt(service.api, email, PASSWORD, office, device_token=forged).status_code == 429
    answer = attempt(service.api, email, PASSWORD, office, device_token=token)
    assert answer.status_code == 200
    flood = [attempt(service.api, email, address=office, device_token=foreign).status_code
             for _ in range(8)]
    assert flood[:5] == [401] * 5 and flood[5:] == [429] * 3, "another account's is a count, too"
    renewed = answer.json()["device_token"]
    assert attempt(service.api, email, PASSWORD, office, device_token=renewed).status_code == 200


def test_device_tokens_expire(make_service):
    service = make_proxied(make_service, "AuthSvcDeviceTokenLifetime 1m")
    email, _ = registered(service)
    fail(service.api, email, 10)
    old = make_token_older(service, email, 50)
    assert may(service.api, email, device_token=old), "the control"
    old = make_token_older(service, email, 61)
    assert not may(service.api, email, device_token=old), service.database.query(
        "SELECT place, failures, pauses, since, paused_until FROM login_failures")


def make_token_older(service, email, seconds):
    """A token of this service that was made so long ago; as crypto/device_token.c says."""
    secret = base64.urlsafe_b64decode(
        service.httpd.secret("main-secret").read_text().split(":")[1].strip() + "==")
    key = hashlib.blake2b(b"", digest_size=32, key=secret, salt=(1).to_bytes(8, "little") + bytes(8),
                          person=b"asdevice" + bytes(8)).digest()
    (user, database), = service.database.query(
        f"SELECT u.id, d.id FROM users u, authsvc_database d WHERE u.email = '{email}'")
    fields = (b"\x01" + bytes(16) + bytes.fromhex(user.replace("-", "")) +
              (int(time.time()) - seconds).to_bytes(8, "big"))
    mac = hashlib.blake2b(b"authsvc device token 1\0" + bytes.fromhex(database.replace("-", "")) +
                          fields, digest_size=16, key=key).digest()
    return "asd1_" + base64.urlsafe_b64encode(fields + mac).decode().rstrip("=")


def test_the_device_cookie(make_service):
    """It is sent to login, stays after signing out, and is as good as the body's."""
    service = make_proxied(make_service, "AuthSvcCookie On")
    api = service.new_api()
    same = {"Sec-Fetch-Site": "same-origin"}
    away = new_network()
    email = new_email()

    def login(client, password=PASSWORD, **headers):
        return client.post("/auth/login", {"email": email, "password": password,
                                           "omit_tokens": True},
                           headers={"X-Forwarded-For": away, **same, **headers})

    answer = api.post("/auth/register", {"email": email, "password": PASSWORD, "name": "Ada",
                                         "omit_tokens": True}, headers=same)
    assert answer.status_code == 201
    assert set(answer.json()) == {"expires_in", "user"}
    assert api.post("/auth/logout", {}, headers=same).status_code == 204
    assert set(api.client.cookies) == {"authsvc-device"}
    fail(service.new_api(), email, 10, away)
    stranger = service.new_api()
    assert login(stranger).status_code == 401
    answer = login(api)
    assert answer.status_code == 200
    cookie, = (field for field in answer.headers.get_list("set-cookie") if "device" in field)
    assert re.fullmatch(r"authsvc-device=asd1_[\w-]+; Path=/api/v1/auth; Max-Age=31536000; "
                        r"HttpOnly; SameSite=Lax", cookie)
    api.close()
    stranger.close()


def test_the_sum_keeps_newcomers_away(make_service):
    service = make_proxied(make_service, "AuthSvcLoginFailuresPerAccount 12/1h")
    email, token = registered(service)
    known = new_network()
    assert may(service.api, email, known)
    for _ in range(12):
        fail(service.api, email, 1, new_network())
    away = new_network()
    assert not may(service.api, email, away)
    assert may(service.api, email, away, device_token=token)
    assert may(service.api, email, known)
    assert may(service.api, email), "it registered from there"
    build.wait_until(lambda: rows(service).get("all", 0) >= 12, 10, "the sum is written")
    service.database.shift("login_failures", "since", -3600, "place = 'all'")
    assert may(service.api, email, away)
    assert service.httpd.log_text().count("event=login-paused-elsewhere") == 1


def test_ipv6_networks(site):
    email, _ = registered(site)
    fail(site.api, email, 5, "2001:db8:7:1::1")
    fail(site.api, email, 5, "2001:db8:7:1:ffff::2")
    assert not may(site.api, email, "2001:db8:7:1::3")
    assert may(site.api, email, "2001:db8:7:2::1")


def test_deleting_an_account_counts_too(site):
    email, _ = registered(site)
    grant = attempt(site.api, email, PASSWORD).json()
    for _ in range(10):
        assert site.api.delete(grant["access_token"], WRONG).status_code == 401
    refused = site.api.delete(grant["access_token"])
    assert refused.status_code == 401, "the right password, in a pause"
    build.wait_until(lambda: rows(site).get("ip 127.0.0.1") == 10, 10, "written")
    site.database.shift("login_failures", "paused_until", -61)
    assert site.api.delete(grant["access_token"]).status_code == 204


def test_off(make_service):
    service = make_proxied(make_service, "AuthSvcLoginFailures Off")
    answer = service.api.new_user()
    assert "device_token" not in answer
    fail(service.api, answer["user"]["email"], 30)
    assert may(service.api, answer["user"]["email"])
    assert not rows(service)


def test_thresholds_are_of_a_virtual_host(make_service):
    """Whichever of those that share a database has its failures written."""
    service = make_proxied(make_service, vhosts=[
        ("off.example", ["AuthSvcLoginFailures Off"]),  # what is asked without a name
        ("strict.example", ["AuthSvcLoginFailures 3/1m", "AuthSvcLoginPause 2s 4s"]),
        ("usual.example", ["AuthSvcLoginFailures 10/15m"])])
    strict, usual = (service.new_api(host=f"{name}.example") for name in ("strict", "usual"))
    email, _ = registered(service)
    fail(service.api, email, 30)
    assert may(service.api, email)
    assert not rows(service), "where it is off"
    fail(strict, email, 3)
    assert not may(strict, email)
    written(service, "ip 192.0.2.1", 3)
    assert not may(strict, email)
    assert not may(usual, email), "a pause is a row of the database"
    assert may(service.api, email)
    service.database.shift("login_failures", "paused_until", -3)
    assert may(usual, email), "and so is its end"
    fail(usual, email, 9)
    assert may(usual, email)
    strict.close()
    usual.close()


def is_up(site):
    try:
        with socket.create_connection(("127.0.0.1", site.httpd.port), timeout=2) as probe:
            probe.sendall(b"GET /static.txt HTTP/1.0\r\n\r\n")
            return probe.recv(12).startswith(b"HTTP/1.1")
    except OSError:
        return False


def test_what_was_counted_survives(alone):
    """A reload, a killed child, and, once it is written, a restart."""
    email, _ = registered(alone)
    away = new_network()
    fail(alone.api, email, 5, away)
    alone.httpd.graceful()
    fail(alone.api, email, 3, away)
    alone.httpd.allow("exit signal Killed")
    for child in alone.httpd.children():
        os.kill(child, signal.SIGKILL)
    build.wait_until(lambda: is_up(alone), 20, "it answers")
    api = alone.new_api()
    fail(api, email, 2, away)
    assert not may(api, email, away)
    written(alone, f"ip {away}", 10)
    api.close()
    alone.httpd.stop()
    alone.httpd.start()
    api = alone.new_api()
    assert not may(api, email, away)
    api.close()


def test_without_the_database_nobody_is_refused_uncounted(alone):
    email, _ = registered(alone)
    away = new_network()
    fail(alone.api, email, 9, away)
    alone.httpd.allow(r"\[authsvc:error\].* AS0\d+", r"\[dbd:error\]")
    alone.database.block()
    try:
        for password in (WRONG, PASSWORD):
            assert attempt(alone.api, email, password, away).status_code == 503
    finally:
        alone.database.unblock()
    build.wait_until(lambda: attempt(alone.api, new_email()).status_code == 401, 20, "it is back")
    fail(alone.api, email, 1, away)
    assert not may(alone.api, email, away)


def test_parallel_guesses_do_not_outrun_the_counter(site):
    """As many are looked at as were under way; the right one is refused from the tenth on."""
    email, _ = registered(site)
    away = new_network()
    site.httpd.allow("AH00161")  # prefork has fewer processes
    clients = [Quick(site) for _ in range(100)]
    answers = parallel(lambda c=c: c.attempt(email, away) for c in clients)
    for client in clients:
        client.close()
    assert set(answers) <= {401, 503}
    assert not may(site.api, email, away)
    build.wait_until(lambda: rows(site).get(f"ip {away}", 0) >= 10, 10, "written")
    # half of the threads of the two children may wait for a hash
    assert rows(site)[f"ip {away}"] < 10 + 128


class TestNodes:
    """Two servers on one database."""

    @pytest.fixture
    def nodes(self, engine):
        a = Service(engine, extra=BEHIND_PROXY, **PROXIED)
        b = Service(engine, start=False, extra=BEHIND_PROXY, database=a.database, issuer=a.issuer,
                    **PROXIED)
        for key in (a.httpd.root / "keys").iterdir():
            copy = b.httpd.root / "keys" / key.name
            copy.write_bytes(key.read_bytes())
            copy.chmod(0o600)
        b.httpd.start()
        yield a, b
        b.destroy()
        a.destroy()

    def test_they_count_together(self, nodes):
        a, b = nodes
        email, token = registered(a)
        away = new_network()
        fail(a.api, email, 5, away)
        written(a, f"ip {away}", 5)
        fail(b.api, email, 4, away)
        written(a, f"ip {away}", 9)
        fail(a.api, email, 1, away)
        assert not may(a.api, email, away)
        written(a, f"ip {away}", 10)
        assert not may(b.api, email, away)
        assert may(b.api, email, away, device_token=token)
        a.database.shift("login_failures", "paused_until", -61)
        assert may(b.api, email, away)
        assert may(a.api, email, away)


@pytest.fixture
def cluster():
    made = databases.Postgres()
    yield made
    made.destroy()


@pytest.fixture
def on_postgresql(cluster):
    made = Service(cluster, extra=BEHIND_PROXY, **PROXIED)
    yield made
    made.destroy()


def test_the_databases_clock_decides(on_postgresql):
    service = on_postgresql
    email, _ = registered(service)
    fail(service.api, email, 10, away := new_network())
    written(service, f"ip {away}", 10)
    assert not may(service.api, email, away)
    service.database.set_clock(1)
    assert may(service.api, email, away)


def test_commits_that_are_answered_too_late_count_once(on_postgresql):
    """The writer hears of no outcome, and writes again: but not what has come into the row."""
    service = on_postgresql
    email, _ = registered(service)
    for line in ("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
                 "$$BEGIN PERFORM pg_sleep(0.7); RETURN NULL; END$$",
                 "CREATE CONSTRAINT TRIGGER slow AFTER INSERT OR UPDATE ON login_failures "
                 "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()"):
        service.database.query(line)
    fail(service.api, email, 4, away := new_network())
    build.wait_until(lambda: "AS0608" in service.httpd.error_log.read_text(), 10,
                     "a commit takes too long")
    time.sleep(4)
    service.database.query("DROP TRIGGER slow ON login_failures")
    written(service, f"ip {away}", 4)
    time.sleep(2)
    written(service, f"ip {away}", 4)
    assert may(service.api, email, away)


def test_a_slow_database_is_written_to_bit_by_bit(on_postgresql):
    """More is due than can be written in the half second that a turn may take."""
    service = on_postgresql
    for line in ("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
                 "$$BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END$$",
                 "CREATE TRIGGER slow BEFORE INSERT ON login_failures "
                 "FOR EACH ROW EXECUTE FUNCTION slow()"):
        service.database.query(line)
    quick, emails = Quick(service), [new_email() for _ in range(60)]
    for email in emails:
        for _ in range(3):
            assert quick.attempt(email, "192.0.2.1") == 401
    quick.close()
    build.wait_until(lambda: [row[0] for row in service.database.query(
        "SELECT count(*) FROM login_failures WHERE failures = 3")] == [str(2 * len(emails))],
        20, "all are written")


FLOOD_NETWORKS = 50
FLOOD = 10000


@pytest.mark.slow
@pytest.mark.alone
def test_a_flood_does_not_lock_the_owner_out(alone, figure):
    email, token = registered(alone, "192.0.2.1")
    networks = [new_network() for _ in range(FLOOD_NETWORKS)]
    each = FLOOD // FLOOD_NETWORKS

    def attack(address):
        client = Quick(alone)
        seen = {client.attempt(email, address) for _ in range(each)}
        client.close()
        return seen

    start = time.monotonic()
    for batch in range(0, FLOOD_NETWORKS, 10):
        for seen in parallel(lambda a=a: attack(a) for a in networks[batch:batch + 10]):
            assert seen == {401}
    figure(f"{FLOOD / (time.monotonic() - start):.0f} wrong tries/s")
    away = new_network()
    assert not may(alone.api, email, away), "a new network, and no device token"
    assert not may(alone.api, email, networks[0])
    assert may(alone.api, email, away, device_token=token), "the owner's device, from anywhere"
    assert may(alone.api, email, networks[0], device_token=token), "the attacker's network, too"
    assert may(alone.api, email, "192.0.2.1"), "a network of former successes"
    assert len(rows(alone)) < 2 * FLOOD_NETWORKS + 10
