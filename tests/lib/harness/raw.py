# SPDX-License-Identifier: Apache-2.0
"""HTTP by hand, for what a well-behaved client would not send."""
import socket


class RawAnswer:
    """A parsed answer."""

    def __init__(self, octets):
        self.octets = octets
        head, _, self.body = octets.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        self.status = int(lines[0].split()[1]) if octets else 0
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            self.headers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")


def exchange(port, octets, timeout=15, half_close=False):
    """Send octets, read until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(octets)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        parts = []
        while True:
            try:
                part = connection.recv(65536)
            except ConnectionResetError:
                break
            if not part:
                break
            parts.append(part)
    return RawAnswer(b"".join(parts))


def request(method, path, headers=(), body=b"", host="localhost"):
    """The octets of a request that asks to close the connection."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
