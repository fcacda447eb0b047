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
    return h2_exchanges(port, headers, [body], timeout, path, method)[0]


def h2_exchanges(port, headers, bodies, timeout=15, path="/", method="POST"):
    """
    A request for each body on one connection, all of them sent before the first answer is read;
    gives a list of (status, fields, body), in the order of the requests.
    """
    state = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    state.initiate_connection()
    rests, answers, open_streams = {}, {}, set()
    for stream, body in zip(range(1, 2 * len(bodies), 2), bodies):
        state.send_headers(stream, [(":method", method), (":path", path), (":scheme", "http"),
                                    (":authority", "localhost"), *headers], end_stream=not body)
        rests[stream], answers[stream] = body, [0, {}, b""]
        open_streams.add(stream)
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        while open_streams:
            for stream in open_streams:
                send_some(state, stream, rests)
            connection.sendall(state.data_to_send())
            received = connection.recv(65536)
            if not received:
                break
            for event in state.receive_data(received):
                if isinstance(event, h2.events.ResponseReceived):
                    fields = dict(event.headers)
                    answers[event.stream_id][:2] = int(fields[":status"]), fields
                elif isinstance(event, h2.events.DataReceived):
                    answers[event.stream_id][2] += event.data
                    state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                    open_streams.discard(event.stream_id)
    return [tuple(answer) for answer in answers.values()]


def send_some(state, stream, rests):
    """As much of a request's body as the windows allow."""
    while rests[stream] and (window := min(state.local_flow_control_window(stream),
                                           state.max_outbound_frame_size)) > 0:
        part, rests[stream] = rests[stream][:window], rests[stream][window:]
        state.send_data(stream, part, end_stream=not rests[stream])
