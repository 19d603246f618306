"""A small HTTP server for the tests, which answers as a test says: busy, slow, wrong, elsewhere.

What it answers is decided by a function of the request, so that a test can hold up, spoil or pass
on what a real server behind it says.
"""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    client_port: int
    """Tells connections apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    raw: bytes | None = None
    """Sent in place of everything else, and the connection closed after it."""

    pause: float = 0
    """Seconds before each byte of `raw` or of the body."""


@dataclass(slots=True, kw_only=True)
class Served:
    """A running server."""

    port: int
    asked: list[Asked] = field(default_factory=list)
    """Requests so far, in order."""

    @property
    def url(self) -> str:
        """Return the server's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        """Return the paths that were asked for, in order."""
        return [asked.path for asked in self.asked]


Answer = Callable[[Asked], Reply]


@contextmanager
def serving(answer: Answer | Reply, tls: ssl.SSLContext | None = None) -> Iterator[Served]:
    """Run a server that answers so, on a free loopback port, until the end of the block."""
    decide = (lambda _asked: answer) if isinstance(answer, Reply) else answer
    server = _Server(decide, tls)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="http-server")
    thread.start()
    try:
        yield server.served
    finally:
        server.ending.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that `server_close` waits for the connections to end

    def __init__(self, decide: Answer, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.decide = decide
        self.ending = threading.Event()
        self.served = Served(port=self.server_port)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 0.05
    # Else the body waits until the client has confirmed the headers, which takes it 40 ms.
    disable_nagle_algorithm = True
    server: _Server

    def handle_one_request(self) -> None:
        # A connection that is kept open must not outlive the server, so waiting is in short steps.
        try:
            self.connection.settimeout(self.timeout)
            first = self.rfile.peek(1)
        except TimeoutError:
            self.close_connection = self.server.ending.is_set()
            return
        except OSError:
            first = b""
        if not first:
            self.close_connection = True
            return
        self.connection.settimeout(10)
        super().handle_one_request()

    def handle(self) -> None:
        self.close_connection = False
        while not self.close_connection:
            self.handle_one_request()

    def do_GET(self) -> None:
        self.reply("GET")

    def do_POST(self) -> None:
        self.reply("POST")

    def reply(self, method: str) -> None:
        asked = Asked(
            method=method,
            path=self.path,
            headers=dict(self.headers),
            body=self.rfile.read(int(self.headers.get("Content-Length", 0))),
            client_port=self.client_address[1],
        )
        self.server.served.asked.append(asked)
        reply = self.server.decide(asked)
        if reply.raw is not None:
            self.close_connection = True
            self.send(reply.raw, reply.pause)
            return
        self.send_response_only(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.send(reply.body, reply.pause)

    def send(self, content: bytes, pause: float) -> None:
        if not pause:
            self.wfile.write(content)
            return
        for byte in content:
            if self.server.ending.wait(pause):
                return
            self.wfile.write(bytes([byte]))

    def log_message(self, *_args: object) -> None:
        """Say nothing."""
