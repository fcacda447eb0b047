# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy in front of PostgreSQL that knows where in the protocol it cuts."""
import contextlib
import select
import socket
import struct
import threading

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104
DISCARD = b"Q" + struct.pack("!I", 4 + len(b"DISCARD ALL\0")) + b"DISCARD ALL\0"


class Closed(Exception):
    """One of the two sides has gone."""


class Stream:
    """One side: what it sent, by whole messages."""

    def __init__(self, connection):
        self.socket = connection
        self.buffer = b""

    def fill(self):
        try:
            part = self.socket.recv(65536)
        except OSError as failure:
            raise Closed from failure
        if not part:
            raise Closed
        self.buffer += part

    def take(self, typed=True):
        """The next whole message, or None."""
        start = 1 if typed else 0
        if len(self.buffer) < start + 4:
            return None
        end = start + struct.unpack_from("!I", self.buffer, start)[0]
        if len(self.buffer) < end:
            return None
        message, self.buffer = self.buffer[:end], self.buffer[end:]
        return message

    def send(self, octets):
        try:
            self.socket.sendall(octets)
        except OSError as failure:
            raise Closed from failure

    def reset(self):
        """RST: the other end reads an error, not an end."""
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.close()


class Session(threading.Thread):
    """One connection of a client, and the one to the server for it."""

    def __init__(self, proxy, client):
        super().__init__(daemon=True)
        self.proxy = proxy
        self.client = Stream(client)
        self.server = None
        self.started = False  # the start-up message has been sent on
        self.idle = False  # the server waits for a query, outside a transaction
        self.commits = False  # what is under way is a COMMIT
        self.held = b""
        self.discards = proxy.discards

    def run(self):
        try:
            self.wait_while(lambda: self.proxy.black_hole)
            if self.proxy.refuses:
                raise Closed
            self.server = Stream(socket.create_connection(self.proxy.target, timeout=10))
            while True:
                self.once()
        except (Closed, OSError, ValueError):
            self.end()

    def wait_while(self, condition):
        while condition() and not self.proxy.closing:
            self.proxy.changed.wait(0.05)

    def once(self):
        ready, _, _ = select.select([self.client.socket, self.server.socket], [], [], 0.2)
        if self.proxy.black_hole:
            self.wait_while(lambda: self.proxy.black_hole)
            return
        if self.client.socket in ready:
            self.client.fill()
            self.from_client()
        if self.server.socket in ready:
            self.server.fill()
            self.from_server()

    def from_client(self):
        while not self.started and (message := self.client.take(typed=False)):
            if struct.unpack_from("!I", message, 4)[0] in (SSL_REQUEST, GSS_REQUEST):
                self.client.send(b"N")
                continue
            self.started = True
            self.server.send(message)
        while self.started and (message := self.client.take()):
            if self.idle and self.discards < self.proxy.discards:
                self.discard()
            self.idle = False
            self.commits = message[:1] == b"Q" and message[5:11] == b"COMMIT"
            if self.commits and self.proxy.cut == "before commit":
                self.proxy.count()
                raise Closed
            self.server.send(message)

    def discard(self):
        """As a pooler does between two users of a connection."""
        self.discards = self.proxy.discards
        self.server.send(DISCARD)
        self.proxy.count()
        while True:
            while (message := self.server.take()) is None:
                self.server.fill()
            if message[:1] == b"Z":
                return

    def from_server(self):
        while (message := self.server.take()):
            ends = message[:1] == b"Z"
            self.idle = ends and message[5:6] == b"I"
            self.held += message
            if ends and self.proxy.wants_cut(self):
                raise Closed
            if ends or not self.proxy.cut:
                octets, self.held = self.held, b""
                self.client.send(octets)

    def end(self):
        self.client.reset()
        if self.server:
            self.server.close()
        self.proxy.forget(self)


class PgProxy:
    """
    127.0.0.1:port in front of target. The faults are attributes:

    refuses     new connections are reset at once
    black_hole  nothing passes, and nobody is told
    cut         "after commit": the server has answered COMMIT, the client never sees it;
                "before commit": the server never sees it; "answers": every third answer, of
                whatever, is lost like that
    discards    when it rises: DISCARD ALL on each connection, before its next transaction
    """

    def __init__(self, target):
        self.target = target
        self.refuses = self.black_hole = self.closing = False
        self.discards = 0
        self.cut = None
        self.counted = 0  # how often it did what it is for
        self.answers = 0
        self.changed = threading.Event()
        self._lock = threading.Lock()
        self._sessions = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = Session(self, client)
            with self._lock:
                self._sessions.add(session)
            session.start()

    def count(self):
        with self._lock:
            self.counted += 1

    def wants_cut(self, session):
        """Asked when the server has answered in full."""
        if self.cut == "after commit" and session.commits:
            self.count()
            return True
        if self.cut == "answers":
            with self._lock:
                self.answers += 1
                if self.answers % 3 == 0:
                    self.counted += 1
                    return True
        return False

    def forget(self, session):
        with self._lock:
            self._sessions.discard(session)

    def reset(self):
        """RST to every connection there is."""
        with self._lock:
            sessions = list(self._sessions)
        for session in sessions:
            for side in (session.client, session.server):
                if side:
                    with contextlib.suppress(OSError):
                        side.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                               struct.pack("ii", 1, 0))
                        side.socket.shutdown(socket.SHUT_RD)
        return len(sessions)

    def close(self):
        self.closing = True
        self.black_hole = False
        self.changed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.reset()
        for session in list(self._sessions):
            session.join(2)
        self._thread.join(2)
