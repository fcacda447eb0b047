# SPDX-License-Identifier: Apache-2.0
"""Somebody who takes every connection that a PostgreSQL server has to give."""
import contextlib
import socket
import struct
import threading
import time


class Hogs:
    """While started: each connection that comes free, and keeps it."""

    def __init__(self, cluster, database):
        self.cluster = cluster
        self.database = database
        self.most = 0
        self._held = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _connect(self):
        """A connection that was let in, or None."""
        fields = f"user\0{self.database.role}\0database\0{self.database.name}\0" \
                 "application_name\0hog\0\0".encode("ascii")
        connection = socket.create_connection(("127.0.0.1", self.cluster.port), timeout=5)
        try:
            connection.sendall(struct.pack("!II", 8 + len(fields), 196608) + fields)
            if connection.recv(1) == b"R":
                return connection
        except OSError:
            pass
        connection.close()
        return None

    def _run(self):
        while not self._stop.is_set():
            with contextlib.suppress(OSError):
                if one := self._connect():
                    self._held.append(one)
                    self.most = max(self.most, len(self._held))
                    continue
            time.sleep(0.01)

    def start(self):
        self._thread.start()
        for _ in range(10):
            time.sleep(0.1)
            self.cluster.psql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                              f"WHERE usename = '{self.database.role}' "
                              "AND application_name <> 'hog'")

    def stop(self):
        self._stop.set()
        self._thread.join()
        for connection in self._held:
            connection.close()
