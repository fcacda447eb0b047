# SPDX-License-Identifier: Apache-2.0
"""HTTP by hand, for what a well-behaved client would not send."""
import socket

import h2.config
import h2.connection
import h2.events


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


def h2_exchange(port, headers, body=b"", timeout=15, path="/", method="POST"):
    """One request by HTTP/2 with prior knowledge; gives (status, fields, body)."""
    state = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    state.initiate_connection()
    fields, answer, status = {}, b"", 0
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        state.send_headers(1, [(":method", method), (":path", path), (":scheme", "http"),
                               (":authority", "localhost"), *headers], end_stream=not body)
        while True:
            while body and (window := min(state.local_flow_control_window(1),
                                          state.max_outbound_frame_size)) > 0:
                state.send_data(1, body[:window], end_stream=len(body) <= window)
                body = body[window:]
            connection.sendall(state.data_to_send())
            received = connection.recv(65536)
            if not received:
                break
            for event in state.receive_data(received):
                if isinstance(event, h2.events.ResponseReceived):
                    fields = dict(event.headers)
                    status = int(fields[":status"])
                elif isinstance(event, h2.events.DataReceived):
                    answer += event.data
                elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                    return status, fields, answer
    return status, fields, answer
