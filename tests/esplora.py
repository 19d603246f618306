"""A server of Esplora's documented routes, over HTTP and with the faults of the world.

What it says is `tests.explorer`'s. What goes wrong is switched on with a `Fault`.
"""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.explorer import Explorer, Habits, RefusalError, Snapshot

PATH = "/api"


@dataclass(slots=True, kw_only=True)
class Fault:
    """Something that goes wrong with requests whose route `route` matches, `times` times."""

    route: str = ""
    times: int = 1_000_000
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """Instead of the right answer."""

    drip_seconds: float = 0
    """Pause before each byte of the body."""

    hang_up: bool = False
    """Close the connection without an answer."""


class EsploraServer(ThreadingHTTPServer):
    """A running server."""

    daemon_threads = False  # so that `server_close` waits for the connections to end

    def __init__(self, explorer: Explorer, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.explorer = explorer
        self.faults: list[Fault] = []
        """The first one that matches a request and is not used up is what happens."""

        self.requests: list[str] = []
        """Routes that were asked for, in order."""

        self.headers: list[Mapping[str, str]] = []
        """Of each request."""

        self.before: Callable[[str], None] | None = None
        """Called with each route before it is answered."""

        self._guard = threading.Lock()
        self._open: set[socket.socket] = set()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def uri(self) -> str:
        return f"esplora+http://127.0.0.1:{self.port}{PATH}"

    def fault_of(self, route: str) -> Fault | None:
        """Note a request, and use up one time of the fault that it meets."""
        with self._guard:
            self.requests.append(route)
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.route, route):
                    fault.times -= 1
                    return fault
        return None

    def get_request(self) -> Any:
        connection, address = super().get_request()
        with self._guard:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End the connections that clients keep open."""
        with self._guard:
            for connection in self._open:
                with suppress(OSError):  # the client was quicker
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away."""


class _Handler(BaseHTTPRequestHandler):
    server: EsploraServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        route = self.path.removeprefix(PATH)
        fault = self.server.fault_of(route)
        self.server.headers.append(dict(self.headers))
        if self.server.before is not None:
            self.server.before(route)
        if fault is not None and fault.hang_up:
            self.close_connection = True
            return
        if fault is not None and fault.body is not None:
            self.reply(fault.status, "text/plain", fault.body, fault)
            return
        status, body = 200, b""
        try:
            if not self.path.startswith(PATH):
                raise RefusalError(404, "Not Found")
            body = self.server.explorer.answer(route)
        except RefusalError as refusal:
            status, body = refusal.status, refusal.text.encode()
        kind = "application/json" if body[:1] in (b"{", b"[") else "text/plain"
        self.reply(status, kind, body, fault)

    def reply(self, status: int, kind: str, body: bytes, fault: Fault | None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in ({} if fault is None else fault.headers).items():
            self.send_header(name, value)
        self.end_headers()
        if fault is None or not fault.drip_seconds:
            self.wfile.write(body)
            return
        for place in range(len(body)):
            time.sleep(fault.drip_seconds)
            self.wfile.write(body[place : place + 1])
            self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Write no log."""


@contextmanager
def esplora(
    snapshot: Snapshot, habits: Habits | None = None, port: int = 0
) -> Iterator[EsploraServer]:
    """Run a server of its own, with the habits given, at `port` or any that is free."""
    server = EsploraServer(Explorer(snapshot=snapshot, habits=habits or Habits()), port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="esplora-server")
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.hang_up()
        server.server_close()
