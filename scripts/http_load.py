"""A small client for loading a service over loopback: raw HTTP/1.1 on connections that stay open.

It costs a fraction of what the service does, so that one core can drive it. In the *open* loop
requests fall due at a fixed rate, whatever the service does, and latency counts from the moment
when a request was due: a service that stalls is charged for everything that had to wait
(no coordinated omission). In the *closed* loop each connection asks again when it has its answer.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

Pick = Callable[[], tuple[str, bytes]]
"""Returns the kind of the next request, and its bytes."""


@dataclass(slots=True)
class Outcome:
    """What came of some requests."""

    seconds: float = 0.0
    latencies: dict[str, list[float]] = field(default_factory=dict)
    """Seconds by kind."""

    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    """Connections that ended before their answer."""

    def add(self, kind: str, status: int, latency: float) -> None:
        self.statuses[status] += 1
        self.latencies.setdefault(kind, []).append(latency)


class Connection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self._received = b""
        self._answer: asyncio.Future[int] | None = None
        self._wanted = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes) -> "asyncio.Future[int]":
        """Send a request; the future holds the status."""
        self._received, self._wanted = b"", -1
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._wanted < 0:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._received[:end].lower()
            length = head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]
            self._wanted = end + 4 + int(length)
        if len(self._received) >= self._wanted and self._answer and not self._answer.done():
            self._answer.set_result(int(self._received[9:12]))

    def connection_lost(self, _error: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionResetError("ended before its answer"))


async def connect(port: int) -> Connection:
    _, connection = await asyncio.get_running_loop().create_connection(
        Connection, "127.0.0.1", port
    )
    return connection


async def closed_loop(port: int, pick: Pick, connections: int, seconds: float) -> Outcome:
    """Ask over some connections, each again when it has its answer."""
    outcome, clock = Outcome(), time.perf_counter
    began = clock()

    async def ask_on() -> None:
        connection = await connect(port)
        while clock() - began < seconds:
            kind, request = pick()
            sent = clock()
            try:
                outcome.add(kind, await connection.ask(request), clock() - sent)
            except ConnectionResetError:
                outcome.broken += 1
                connection = await connect(port)
        connection.transport.close()

    await asyncio.gather(*(ask_on() for _ in range(connections)))
    outcome.seconds = clock() - began
    return outcome


async def open_loop(
    port: int, pick: Pick, rate: float, seconds: float, connections: int
) -> Outcome:
    """Let requests fall due at a fixed rate; each takes the connection that is free."""
    outcome, clock = Outcome(), time.perf_counter
    free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
    opened = [await connect(port) for _ in range(connections)]
    # Connections are spread over the processes by chance: none is preferred.
    random.Random(1).shuffle(opened)  # noqa: S311 not for secrets
    for connection in opened:
        free.put_nowait(connection)
    waiting = set()
    began = clock()

    async def ask(due: float) -> None:
        connection = await free.get()
        kind, request = pick()
        try:
            outcome.add(kind, await connection.ask(request), clock() - due)
            free.put_nowait(connection)
        except ConnectionResetError:
            outcome.broken += 1
            free.put_nowait(await connect(port))

    for number in range(int(rate * seconds)):
        due = began + number / rate
        if (pause := due - clock()) > 0:
            await asyncio.sleep(pause)
        task = asyncio.ensure_future(ask(due))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
    while waiting:
        await asyncio.wait(waiting)
    outcome.seconds = clock() - began
    for connection in opened:
        connection.transport.close()
    return outcome


def chooser(requests: dict[str, Sequence[bytes]], weights: dict[str, int], seed: int) -> Pick:
    """Return what picks requests at random, the kinds by their weights."""
    rng = random.Random(seed)  # noqa: S311 not for secrets
    kinds = [kind for kind, weight in weights.items() for _ in range(weight)]

    def pick() -> tuple[str, bytes]:
        kind = rng.choice(kinds)
        return kind, rng.choice(requests[kind])

    return pick
