"""A SOCKS5 proxy for the tests, which writes down what it is asked for.

Whether a name is looked up here or by the proxy can't be seen from the client's side; the proxy
sees it. It knows only the names that a test gives it and never asks a name server, so a name that
arrives is proof that nobody else was asked for it, and nothing leaves this machine.
"""

import ipaddress
import select
import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

VERSION = 5
NO_AUTHENTICATION = 0
CONNECT = 1
IPV4, NAME, IPV6 = 1, 3, 4
GRANTED, HOST_UNREACHABLE, REFUSED, UNKNOWN_COMMAND = 0, 4, 5, 7


class Asked(NamedTuple):
    """One connection that a client asked for."""

    host: str
    """As it arrived: a name, or an address where the client looked the name up itself."""

    port: int


@dataclass(slots=True, kw_only=True)
class SocksProxy:
    """A running proxy."""

    port: int
    asked: list[Asked] = field(default_factory=list)
    """What clients asked for, in order."""

    @property
    def url(self) -> str:
        """Return the proxy's URL, by which names are left to the proxy."""
        return f"socks5h://127.0.0.1:{self.port}"

    @property
    def hosts(self) -> list[str]:
        """Return the hosts that clients asked for, in order."""
        return [asked.host for asked in self.asked]


@contextmanager
def socks_proxy(names: Mapping[str, str]) -> Iterator[SocksProxy]:
    """Run a proxy that knows `names` (name to loopback address) and nothing else.

    Loopback addresses may be asked for directly; any other host is unreachable.
    """
    server = _Server(names)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="socks-proxy")
    thread.start()
    try:
        yield server.proxy
    finally:
        server.ending.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False  # so that `server_close` waits for the connections to end

    def __init__(self, names: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.names = dict(names)
        self.ending = threading.Event()
        self.proxy = SocksProxy(port=self.server_address[1])

    def address_of(self, host: str) -> str | None:
        """Return the loopback address to connect to, or nothing where there is none."""
        known = self.names.get(host, host)
        try:
            return known if ipaddress.ip_address(known).is_loopback else None
        except ValueError:
            return None

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away."""


class _Connection(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        version, methods = self.rfile.read(2)
        if version != VERSION or NO_AUTHENTICATION not in self.rfile.read(methods):
            self.connection.sendall(bytes([VERSION, 0xFF]))
            return
        self.connection.sendall(bytes([VERSION, NO_AUTHENTICATION]))
        _, command, _, kind = self.rfile.read(4)
        asked = Asked(self.host(kind), int.from_bytes(self.rfile.read(2), "big"))
        self.server.proxy.asked.append(asked)
        if command != CONNECT:
            self.answer(UNKNOWN_COMMAND)
            return
        address = self.server.address_of(asked.host)
        if address is None:
            self.answer(HOST_UNREACHABLE)
            return
        try:
            target = socket.create_connection((address, asked.port), timeout=5)
        except OSError:
            self.answer(REFUSED)
            return
        with target:
            self.answer(GRANTED)
            self.relay(target)

    def host(self, kind: int) -> str:
        if kind == NAME:
            return self.rfile.read(self.rfile.read(1)[0]).decode("ascii")
        return str(ipaddress.ip_address(self.rfile.read({IPV4: 4, IPV6: 16}[kind])))

    def answer(self, code: int) -> None:
        self.connection.sendall(bytes([VERSION, code, 0, IPV4, 0, 0, 0, 0, 0, 0]))

    def relay(self, target: socket.socket) -> None:
        """Pass bytes on in both directions until one side ends or the proxy does."""
        other = {self.connection: target, target: self.connection}
        while not self.server.ending.is_set():
            for ready in select.select(list(other), [], [], 0.05)[0]:
                passed = ready.recv(1 << 16)
                if not passed:
                    return
                other[ready].sendall(passed)
