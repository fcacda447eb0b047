# SPDX-License-Identifier: Apache-2.0
"""Small backends that answer with what they were told: by HTTP, and by FastCGI."""
import http.server
import json
import socket
import socketserver
import struct
import threading


class HttpBackend:
    """Answers with its header fields as JSON: a list of [name, value]."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # pylint: disable=invalid-name
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = json.dumps(self.headers.items()).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else body)

            do_POST = do_PUT = do_OPTIONS = do_HEAD = do_DELETE = do_GET

            def log_message(self, *args):  # pylint: disable=arguments-differ
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def _length(data, at):
    """A FastCGI name-value length: one octet, or four of which the first has its high bit set."""
    if data[at] < 0x80:
        return data[at], at + 1
    return struct.unpack_from(">I", data, at)[0] & 0x7FFFFFFF, at + 4


def _parameters(data):
    found, at = {}, 0
    while at < len(data):
        name_length, at = _length(data, at)
        value_length, at = _length(data, at)
        name = data[at:at + name_length].decode("latin-1")
        at += name_length
        found[name] = data[at:at + value_length].decode("latin-1")
        at += value_length
    return found


class FcgiBackend:
    """Answers with its parameters, as a CGI program's environment, as JSON."""

    BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6

    def __init__(self):
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def record(self, kind, number, content):
                self.wfile.write(struct.pack(">BBHHBB", 1, kind, number, len(content), 0, 0)
                                 + content)

            def handle(self):
                parameters = b""
                while len(head := self.rfile.read(8)) == 8:
                    _, kind, number, length, padding, _ = struct.unpack(">BBHHBB", head)
                    content = self.rfile.read(length)
                    self.rfile.read(padding)
                    if kind == outer.PARAMS:
                        parameters += content
                    elif kind == outer.STDIN and not content:
                        body = json.dumps(_parameters(parameters))
                        self.record(outer.STDOUT, number,
                                    f"Content-Type: application/json\r\n\r\n{body}".encode())
                        self.record(outer.STDOUT, number, b"")
                        self.record(outer.END, number, bytes(8))
                        return

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            address_family = socket.AF_INET

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
