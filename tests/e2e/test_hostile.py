# SPDX-License-Identifier: Apache-2.0
"""
Clients that mean harm: slow ones, giant and malformed bodies, framing tricks, HTTP/2 rapid reset. What
others look like meanwhile: "me" gives the same before, during and after, no child ends, nothing is logged
as an error.

Elsewhere: media types, limits of the body at their edge, early disconnects and Expect in test_http.py;
what strict JSON is, in test_input.py; floods of logins in test_load.py; cookies and fields for backends in
test_cookies.py and test_guard_handover.py; killed children and exhausted limits in tests/faults; the
parsers below httpd in tests/unit/api/test_hostile.c and tests/fuzz.
"""
import copy
import json
import re
import select
import socket
import threading
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import httpx
import pytest

from harness import build, raw
from harness.contract import Contract
from harness.load import Steady
from harness.service import MOUNT, PASSWORD, Service, bearer, new_email
from test_auth import problem

ENGINES = ["sqlite"]  # what is refused here asks no database
JSON = "Content-Type: application/json"
LOGIN = f"{MOUNT}/auth/login"
PAGE = build.SOURCE / "docs" / "hostile-clients.md"
SLOW = 500


class Bystander:
    """Somebody who is signed in, asks who they are again and again, and always gets the same answer."""

    def __init__(self, service, children_stay=True):
        self.service = service
        self.children_stay = children_stay  # else httpd ends those that it has too many of
        self.token = service.api.new_user()["access_token"]
        # event ends idle connections under load: a connection for each request
        self.client = httpx.Client(base_url=service.httpd.origin, trust_env=False, timeout=20,
                                   limits=httpx.Limits(max_keepalive_connections=0))
        self.steady = Steady([("me", self.ask)])

    def ask(self):
        return self.client.get(f"{MOUNT}/users/me", headers=bearer(self.token))

    def __enter__(self):
        self.children = self.service.httpd.children()
        self.before = self.ask()
        assert self.before.status_code == 200
        self.steady.__enter__()
        return self

    def __exit__(self, kind, *error):
        self.steady.__exit__()
        after = self.ask()
        self.client.close()
        if kind is None:
            assert self.steady.total() > 0
            assert self.steady.statuses() == {200}, self.steady.examples
            assert set(self.steady.examples.values()) == {self.before.text} == {after.text}
            if self.children_stay:
                assert set(self.children) <= set(self.service.httpd.children()), "a child ended"


@pytest.fixture(scope="module")
def target(engine):
    made = Service(engine, extra=["AuthSvcMaxBodySize 1M"])
    yield made
    made.destroy()


@pytest.fixture
def attacked(target):
    with Bystander(target):
        yield target


# ---- slow clients

def shipped():
    """(lines of the MPM, lines of mod_reqtimeout) as documented."""
    block = re.search(r"```apache\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[1].splitlines()
    cut = block.index("</IfModule>") + 1
    return block[:cut], block[cut:]


class SlowClients:
    """
    So many connections that stay as slow as they can: an octet of a header or of a body now and then, or
    a large file that is hardly read. Whatever the server ends comes again.
    """

    KINDS = {"header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
             "body": raw.request("POST", LOGIN, [JSON, "Content-Length: 5000"], b"{"),
             "reading": raw.request("GET", "/large")}

    def __init__(self, port, count):
        self.port = port
        kinds = list(self.KINDS)
        self.connections = [self.connect(kinds[n % len(kinds)]) for n in range(count)]
        self.ended = dict.fromkeys(self.KINDS, 0)
        self.ages = {kind: [] for kind in self.KINDS}
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def connect(self, kind):
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.connect(("127.0.0.1", self.port))
        made.setblocking(False)
        made.sendall(self.KINDS[kind])
        return made, kind, time.monotonic()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.stop.set()
        self.thread.join(30)
        for connection, _, _ in self.connections:
            connection.close()

    def run(self):
        while not self.stop.wait(0.5):
            for index, (connection, kind, since) in enumerate(self.connections):
                if self.is_alive(connection, kind):
                    continue
                self.ended[kind] += 1
                self.ages[kind].append(time.monotonic() - since)
                connection.close()
                self.connections[index] = self.connect(kind)

    @staticmethod
    def is_alive(connection, kind):
        try:
            if kind == "reading":
                return connection.recv(16) != b""
            connection.send(b"a")
            connection.recv(4096)  # 408, or the end
            return False
        except BlockingIOError:
            return True
        except OSError:
            return False


def logins(service, email, seconds):
    """How long each of so many seconds of logins took, on connections of their own."""
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.monotonic()
        answer = httpx.post(f"{service.httpd.origin}{LOGIN}", trust_env=False, timeout=20,
                            json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        times.append(time.monotonic() - start)
        time.sleep(0.1)
    return sorted(times)


@pytest.mark.slow
@pytest.mark.alone
def test_slow_connections_do_not_stop_logins(make_service, figure):
    """With exactly the lines that are documented."""
    mpm, timeouts = shipped()
    assert [line for line in timeouts if "RequestReadTimeout" in line][0].strip() in (
        build.SOURCE / "conf" / "authsvc.conf").read_text(encoding="utf-8"), "as in authsvc.conf"
    service = make_service(mpm="event", tuning=mpm, modules=["reqtimeout"], main=timeouts, start=False)
    (service.httpd.root / "htdocs" / "large").write_bytes(b"x" * 2 ** 22)
    service.httpd.start()
    email = service.api.new_user()["user"]["email"]
    with Bystander(service, children_stay=False), \
            SlowClients(service.httpd.port, SLOW) as slow:
        times = logins(service, email, 12)
        assert min(slow.ended["header"], slow.ended["body"]) >= SLOW // 5, "their time was up"
        assert not slow.ended["reading"], "they went on"
        figure(f"{len(times)} logins, median {times[len(times) // 2]:.3f} s, longest {times[-1]:.3f} s; "
               f"ended: {slow.ended}")
    for kind in ("header", "body"):
        assert 9 < min(slow.ages[kind]) and max(slow.ages[kind]) < 13, kind
    assert times[len(times) // 2] < 1, times
    assert times[-1] < 5, times


def test_slow_clients_stop_a_server_without_these_lines(make_service):
    """The control of the above: an octet now and then keeps a thread for as long as one likes."""
    service = make_service(mpm="event", tuning=[
        "ServerLimit 1", "ThreadsPerChild 25", "MaxRequestWorkers 25"])
    email = service.api.new_user()["user"]["email"]
    assert logins(service, email, 0.1)
    service.api.close()
    with SlowClients(service.httpd.port, 60):
        time.sleep(1)
        with pytest.raises(httpx.TransportError):
            httpx.post(f"{service.httpd.origin}{LOGIN}", trust_env=False, timeout=3,
                       json={"email": email, "password": PASSWORD})
    service.httpd.allow("AH00484|AH03490|AH10159")  # all threads are busy
    build.wait_until(lambda: logins(service, email, 0.1), 30, "logins again")


# ---- bodies

def operations_with_bodies():
    """(method, path, schema of the body) of the contract."""
    contract = Contract.shared()
    for method, path, operation in contract.operations.values():
        if "requestBody" in operation:
            content = contract.resolve(operation["requestBody"])["content"]
            yield method, path, contract.resolve(content["application/json"]["schema"])


def example(schema):
    """A body that the contract takes, and whose credentials are nobody's."""
    contract = Contract.shared()
    return {name: sample(contract.resolve(schema["properties"][name]), name)
            for name in schema.get("required", [])}


def sample(schema, name):
    if schema["type"] == "boolean":
        return False
    return {"email": "nobody@example.com", "password": "Wrong-Password-1"}.get(name, "x")


BODIES = list(operations_with_bodies())


def test_the_contract_was_read():
    """The control of what is generated from it."""
    assert {path for _, path, _ in BODIES} >= {
        "/auth/register", "/auth/login", "/auth/refresh", "/auth/logout", "/users/me"}
    assert all(schema["properties"] for _, _, schema in BODIES)


VALUES = [None, True, False, 0, -1, 1.5, 2 ** 31, 2 ** 53, 2 ** 63 - 1, 1e308, "", " ", "x", "\U0001f600",
          "\u202e\ufffe", "%s%n", "x" * 100000, [], [None], {}, {"a": {"b": []}}, ["x"] * 1000,
          {"$ref": "#"}, {"__proto__": {"a": 1}}]
RAW_VALUES = ["1e999", "-0", "18446744073709551616", "9" * 400, "1" + "0" * 5000, '"\\u0000"',
              '"\\ud800"', "NaN", "Infinity", "01", "0x10", "1.", ".5", "+1", "tru", "''", ""]
JSON_TYPES = {"string": str, "boolean": bool}


def ask(service, method, path, text, token):
    return service.api.request(method, path, content=text.encode("utf-8"), headers={
        "Content-Type": "application/json", **bearer(token)})


@pytest.mark.parametrize("method, path, schema", BODIES, ids=[path for _, path, _ in BODIES])
def test_every_type_in_every_field(attacked, method, path, schema):
    """Of each operation; the answers are checked against the contract."""
    token = attacked.api.new_user()["access_token"]
    for name, member in schema["properties"].items():
        wanted = JSON_TYPES[Contract.shared().resolve(member)["type"]]
        for value in VALUES:
            body = dict(copy.deepcopy(example(schema)), **{name: value})
            answer = ask(attacked, method, path, json.dumps(body), token)
            if not isinstance(value, wanted):
                problem(answer, 400, "validation")
                assert f"/{name}" in [error["pointer"] for error in answer.json()["errors"]], body
            else:
                assert answer.status_code < 500, (body, answer.text)
        for value in RAW_VALUES:
            body = json.dumps(dict(example(schema), **{name: "@@"})).replace('"@@"', value)
            problem(ask(attacked, method, path, body, token), 400, "validation")


@pytest.mark.parametrize("method, path, schema", BODIES, ids=[path for _, path, _ in BODIES])
def test_members_twice_deep_and_giant_bodies(attacked, method, path, schema):
    token = attacked.api.new_user()["access_token"]
    body = json.dumps(example(schema))[1:-1]
    for name in schema["properties"]:
        value = json.dumps(sample(Contract.shared().resolve(schema["properties"][name]), name))
        for twice in (f'"{name}": {value}, "{name}": {value}', f'"{name}": 1, "\\u{ord(name[0]):04x}{name[1:]}": {value}'):
            problem(ask(attacked, method, path, f"{{{twice}, {body}}}", token), 400, "validation")
    deep = 30000
    for text in ("[" * deep + "]" * deep, '{"a":' * deep + "1" + "}" * deep,
                 f'{{{body}, "x": {"[" * deep}{"]" * deep}}}', "[" * deep, '[{"":' * deep,
                 '{"' + "x" * 1000000 + '": 1}', "[" + "0," * 400000 + "0]",
                 '"' + "\\u0061" * 100000 + '"'):
        problem(ask(attacked, method, path, text, token), 400, "validation")
    giant = b"{" + b" " * 2 ** 24
    field = f"Authorization: Bearer {token}"
    for fields, octets in (([f"Content-Length: {len(giant)}"], giant),
                           (["Transfer-Encoding: chunked"],
                            b"10000\r\n%b\r\n" % giant[:2 ** 16] * 2 ** 8 + b"0\r\n\r\n")):
        answer = pour(attacked.httpd.port, raw.request(method, MOUNT + path, [JSON, field, *fields]), octets)
        assert answer.status == 413, answer.octets
        assert json.loads(answer.body)["type"].endswith("/problems/body-too-large")


def pour(port, head, body):
    """Send a large body for as long as the server takes it; gives what it says."""
    with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
        connection.sendall(head)
        view, said = memoryview(body), b""
        connection.setblocking(False)
        end = time.monotonic() + 15
        while time.monotonic() < end:
            readable, writable, _ = select.select([connection], [connection] if view else [], [], 5)
            try:
                if readable:
                    part = connection.recv(65536)
                    if not part:
                        break
                    said += part
                    if complete(said):
                        break
                elif writable:
                    view = view[connection.send(view):]
            except (ConnectionResetError, BrokenPipeError):
                break
    return raw.RawAnswer(said)


def complete(octets):
    head, found, body = octets.partition(b"\r\n\r\n")
    length = re.search(rb"\r\nContent-Length: (\d+)", head, re.I)
    return bool(found and length and len(body) >= int(length[1]))


# ---- framing

def smuggled(email):
    """A registration that must never happen."""
    body = json.dumps({"email": email, "password": PASSWORD, "name": "Eve"})
    return (f"POST {MOUNT}/auth/register HTTP/1.1\r\nHost: localhost\r\n{JSON}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


def login_head(*fields, version="HTTP/1.1", host="Host: localhost"):
    return "\r\n".join([f"POST {LOGIN} {version}", host, JSON, *fields]).encode("latin-1") + b"\r\n\r\n"


def tricks(evil):
    """{name: octets}: two readers could see one request, or two."""
    chunk = b"%x\r\n" % len(evil)
    cl = f"Content-Length: {len(evil)}"
    te = "Transfer-Encoding: chunked"
    return {
        "CL.TE": login_head("Content-Length: 5", te) + b"0\r\n\r\n" + evil,
        "TE.CL": login_head(te, "Content-Length: 4") + chunk + evil + b"\r\n0\r\n\r\n",
        "CL and CL": login_head("Content-Length: 0", cl) + evil,
        "CL list": login_head(f"Content-Length: 0, {len(evil)}") + evil,
        "CL signed": login_head(f"Content-Length: +{len(evil)}") + evil,
        "CL negative": login_head("Content-Length: -1") + evil,
        "CL hex": login_head(f"Content-Length: {len(evil):#x}") + evil,
        "CL empty": login_head("Content-Length:") + evil,
        "CL overflow": login_head(f"Content-Length: {2 ** 64 + len(evil)}") + evil,
        "CL with a space": login_head(f"Content-Length : {len(evil)}") + evil,
        "TE unknown": login_head("Transfer-Encoding: xchunked") + evil,
        "TE twice": login_head(te, "Transfer-Encoding: identity") + b"0\r\n\r\n" + evil,
        "TE not last": login_head("Transfer-Encoding: chunked, identity") + b"0\r\n\r\n" + evil,
        "TE with a space": login_head("Transfer-Encoding : chunked") + b"0\r\n\r\n" + evil,
        "TE with a tab": login_head("Transfer-Encoding\t: chunked") + b"0\r\n\r\n" + evil,
        "TE vertical tab": login_head("Transfer-Encoding: \x0bchunked") + b"0\r\n\r\n" + evil,
        "TE in HTTP/1.0": login_head(te, version="HTTP/1.0") + b"0\r\n\r\n" + evil,
        "chunk size junk": login_head(te) + b"zz\r\n" + evil,
        "chunk size negative": login_head(te) + b"-1\r\n" + evil,
        "chunk size overflow": login_head(te) + b"1" + b"0" * 16 + b"\r\n" + evil,
        "chunk size 0x": login_head(te) + b"0x0\r\n\r\n" + evil,
        "chunk size empty": login_head(te) + b"\r\n" + evil,
        "chunk too long": login_head(te) + b"1\r\n{}\r\n0\r\n\r\n" + evil,
        "chunk LF": login_head(te) + b"2\n{}\r\n0\r\n\r\n" + evil,
        "obs-fold": login_head("X-A: b\r\n Content-Length: 0", cl) + evil,
        "obs-fold TE": login_head("Transfer-Encoding:\r\n chunked", "Content-Length: 0") + evil,
        "first field folded": login_head(host=" X: y\r\nHost: localhost") + evil,
        "bare LF": login_head("X-A: b").replace(b"\r\n", b"\n") + evil,
        "bare CR": login_head("X-A: b\rContent-Length: 0") + evil,
        "NUL in a field": login_head("X-A: b\x00c") + evil,
        "NUL in a name": login_head("X\x00A: b") + evil,
        "NUL in the line": login_head("X-A: b").replace(b"/login", b"/login\x00") + evil,
        "field without a name": login_head(": b") + evil,
        "field without a colon": login_head("nonsense") + evil,
        "two hosts": login_head("Host: evil.example") + evil,
        "no host": login_head(host="X-A: b") + evil,
        "bad host": login_head(host="Host: a b/@") + evil,
        "version": login_head(version="HTTP/1.1x") + evil,
        "version 3": login_head(version="HTTP/3.0") + evil,
        "a control character": login_head("X-A: b\x01") + evil,
        "field too long": login_head("X-A: " + "b" * 20000) + evil,
        "too many fields": login_head(*[f"X-{n}: b" for n in range(300)]) + evil,
        "line too long": login_head().replace(b"/login", b"/login" + b"x" * 20000) + evil,
    }


def test_framing_tricks(attacked):
    """A 4xx, the connection ends, and what came behind it is no request."""
    wrong = {}
    for name, _ in tricks(b"").items():
        email = new_email()
        octets = tricks(smuggled(email))[name]
        answer = raw.exchange(attacked.httpd.port, octets, half_close=True)
        answers = re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer.octets)
        registered = attacked.database.query(
            f"SELECT count(*) FROM users WHERE email = '{email}'") != [("0",)]
        if registered or len(answers) != 1 or not answers[0].startswith(b"4"):
            wrong[name] = (answers, registered, answer.octets[:80])
    assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong.items())


def test_two_honest_requests_are_two(attacked):
    """The control: behind a request that is complete, the same octets register somebody."""
    email = new_email()
    body = json.dumps({"email": email, "password": "Wrong-Password-1"}).encode()
    for head, text in ((login_head(f"Content-Length: {len(body)}"), body),
                       (login_head("Transfer-Encoding: chunked"),
                        b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))):
        email = new_email()
        answer = raw.exchange(attacked.httpd.port, head + text + smuggled(email), half_close=True)
        assert re.findall(rb"HTTP/1\.1 (\d{3}) ", answer.octets) == [b"401", b"201"]
        assert attacked.api.login(email).status_code == 200


# ---- HTTP/2

class Resets:
    """A connection that opens streams and takes them back at once."""

    def __init__(self, port):
        self.state = h2.connection.H2Connection(h2.config.H2Configuration())
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.state.initiate_connection()
        self.sent = 0
        self.ended = None

    def burst(self, count, body):
        """@return whether the connection is still there"""
        for _ in range(count):
            stream = self.state.get_next_available_stream_id()
            self.state.send_headers(stream, [
                (":method", "POST"), (":path", LOGIN), (":scheme", "http"), (":authority", "localhost"),
                ("content-type", "application/json"), ("content-length", str(len(body)))])
            self.state.send_data(stream, body)
            self.state.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
            self.sent += 1
        try:
            self.connection.sendall(self.state.data_to_send())
            return self.listen()
        except OSError as failure:
            self.ended = repr(failure)
            return False

    def listen(self):
        self.connection.settimeout(0.02)
        try:
            while received := self.connection.recv(65536):
                for event in self.state.receive_data(received):
                    if isinstance(event, h2.events.ConnectionTerminated):
                        self.ended = f"GOAWAY {event.error_code}"
                        return False
            self.ended = "closed"
            return False
        except TimeoutError:
            return True
        except h2.exceptions.ProtocolError as failure:
            self.ended = repr(failure)
            return False


@pytest.mark.alone
def test_http2_rapid_reset(make_service, figure):
    """Thousands of streams, opened and reset by connections side by side, at a cost that shows."""
    service = make_service(modules=["http2"], mpm="event", main=["Protocols h2c http/1.1"],
                           cost="AuthSvcPasswordCost 8M 1")
    email = service.api.new_user()["user"]["email"]
    body = json.dumps({"email": email, "password": "Wrong-Password-1"}).encode()
    honest = raw.h2_exchange(service.httpd.port, [("content-type", "application/json")],
                             json.dumps({"email": email, "password": PASSWORD}).encode(), path=LOGIN)
    assert honest[0] == 200
    sent, ends, end = 0, [], time.monotonic() + 3
    with Bystander(service):
        while time.monotonic() < end or sent < 2000:
            attack = Resets(service.httpd.port)
            while attack.burst(100, body) and time.monotonic() < end + 10 and attack.sent < 2000:
                pass
            attack.connection.close()
            sent += attack.sent
            ends.append(attack.ended)
    figure(f"{sent} streams on {len(ends)} connections, which ended by {sorted(set(map(str, ends)))}")
    again = raw.h2_exchange(service.httpd.port, [("content-type", "application/json")],
                            json.dumps({"email": email, "password": PASSWORD}).encode(), path=LOGIN)
    assert again[0] == 200
    assert service.api.login(email).status_code == 200
