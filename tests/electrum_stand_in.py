"""A stand-in for Electrum servers with bad habits, over real sockets.

The real server of `tests.electrum` behaves. Others hold replies back, answer out of order, go away
in the middle of a line, or are no Electrum server at all. A habit is a subclass that changes how a
message is answered; what is answered comes from a little chain of real headers and transactions.
"""

import hashlib
import json
import random
import socket
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from tests.blocks import GENESIS

HEADER_BYTES = 80


class RefusedError(Exception):
    """The server answers a call with an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message}


class StandIn:
    """What a server knows, and its habits. Messages and connections are counted."""

    protocol = "1.4.2"

    def __init__(self, *, blocks: int = 30, transactions: int = 200) -> None:
        self.headers = mine_headers(blocks)
        self.raws = {txid(raw)[::-1].hex(): raw for raw in make_transactions(transactions)}
        self.histories: dict[str, list[dict[str, Any]]] = {}
        self.connections = 0
        self.messages: list[Any] = []
        """What arrived, decoded, in order: objects and arrays."""

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Return each call that arrived, in order."""
        return [
            call
            for message in self.messages
            for call in (message if isinstance(message, list) else [message])
        ]

    def asked(self, method: str) -> list[list[Any]]:
        """Return the parameters of each call of a method, in order."""
        return [call["params"] for call in self.calls if call["method"] == method]

    def talk(self, lines: "Lines") -> None:
        """Answer one connection until the other side ends it."""
        self.connections += 1
        while (line := lines.read()) is not None:
            message = json.loads(line)
            self.messages.append(message)
            self.respond(lines, message)

    def respond(self, lines: "Lines", message: Any) -> None:
        """Answer one message, arrays with arrays."""
        if isinstance(message, list):
            lines.send(json.dumps([self.reply(call) for call in message]).encode())
        else:
            lines.send(json.dumps(self.reply(message)).encode())

    def reply(self, call: dict[str, Any]) -> dict[str, Any]:
        """Return the reply to one call."""
        try:
            result = self.answer(call["method"], call["params"])
        except RefusedError as refused:
            return {"jsonrpc": "2.0", "id": call["id"], "error": refused.error}
        return {"jsonrpc": "2.0", "id": call["id"], "result": result}

    def answer(self, method: str, params: list[Any]) -> Any:
        """Return what a call returns."""
        match method, params:
            case "server.version", [_, _]:
                return ["stand-in", self.protocol]
            case "server.features", []:
                return {"genesis_hash": block_hash(self.headers[0])[::-1].hex()}
            case "blockchain.headers.subscribe", []:
                return {"height": len(self.headers) - 1, "hex": self.headers[-1].hex()}
            case "blockchain.block.headers", [int(start), int(count)]:
                return self.stretch(self.headers[start : start + count])
            case "blockchain.transaction.get", [str(shown), False]:
                if shown not in self.raws:
                    raise RefusedError(2, "daemon error: no such transaction")
                return self.raws[shown].hex()
            case "blockchain.scripthash.get_history", [str(key)]:
                return self.histories.get(key, [])
        raise RefusedError(-32601, f'unknown method "{method}"')

    def stretch(self, headers: Sequence[bytes]) -> dict[str, Any]:
        """Return consecutive headers in the protocol's shape."""
        return {"count": len(headers), "hex": b"".join(headers).hex(), "max": 2016}


class Lines:
    """One connection, by lines."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._file = connection.makefile("rb")

    def read(self) -> bytes | None:
        """Return the next line; nothing where the other side has ended."""
        try:
            return self._file.readline() or None
        except OSError:
            return None

    def send(self, text: bytes) -> None:
        """Send a line, if anybody still reads."""
        self.send_bytes(text + b"\n")

    def send_bytes(self, part: bytes) -> None:
        """Send bytes, if anybody still reads."""
        with suppress(OSError):
            self.connection.sendall(part)

    def end(self) -> None:
        """End the connection."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._file.close()


@contextmanager
def serving(stand_in: StandIn) -> Iterator[str]:
    """Run the server on a free port and return its URI."""
    server = _Server(stand_in)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), name="stand-in")
    thread.start()
    try:
        yield f"electrum+tcp://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        for lines in server.open:
            lines.end()
        thread.join()
        server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False  # so that `server_close` waits for the connections to end

    def __init__(self, stand_in: StandIn) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.stand_in = stand_in
        self.open: list[Lines] = []


class _Connection(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        lines = Lines(self.request)
        self.server.open.append(lines)
        try:
            self.server.stand_in.talk(lines)
        finally:
            lines.close()


def block_hash(header: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(header).digest()).digest()


def txid(raw: bytes) -> bytes:
    """Return the id of a transaction without witness."""
    return hashlib.sha256(hashlib.sha256(raw).digest()).digest()


def mine_headers(count: int, *, after: Sequence[bytes] = (), seed: int = 0) -> list[bytes]:
    """Return linked regtest headers that meet their target: `after`, or none, and `count` more.

    Without `after` the genesis block's is the first one.
    """
    chance = random.Random(seed)
    headers = list(after) or [GENESIS.serialize()[:HEADER_BYTES]]
    while len(headers) < len(after) + count:
        previous = headers[-1]
        time = int.from_bytes(previous[68:72], "little") + chance.randint(-900, 2_000)
        opening = previous[:4] + block_hash(previous) + chance.randbytes(32)
        opening += time.to_bytes(4, "little") + previous[72:76]
        nonces = (opening + nonce.to_bytes(4, "little") for nonce in range(1 << 20))
        headers.append(next(header for header in nonces if block_hash(header)[31] < 0x7F))
    return headers


def make_transactions(count: int, *, seed: int = 1) -> list[bytes]:
    """Return transactions without witness, each of one input and one output."""
    chance = random.Random(seed)
    return [
        bytes.fromhex("0200000001")
        + chance.randbytes(36)
        + bytes.fromhex("00ffffffff01")
        + chance.randrange(10**9).to_bytes(8, "little")
        + b"\x16\x00\x14"
        + chance.randbytes(20)
        + bytes(4)
        for _ in range(count)
    ]
