"""HTTP answers that are whole by a deadline, or are given up.

Time-outs of sockets bound a silence only: a server that drips a byte a minute, headers included,
never meets one. So each read is given what is left of the time for the whole answer. The HTTP
library has no such bound, but lets us choose what it reads answers from. For the same reason an
adapter that is closed can end the reads that are under way in other threads.
"""

import functools
import io
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPResponse
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

_MOST_CONNECTIONS = 16


class _Reads:
    """The sockets from which threads wait for something, until all of that is ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._ended = False

    @contextmanager
    def of(self, waited_for: socket.socket) -> Iterator[None]:
        with self._lock:
            if self._ended:
                raise ConnectionAbortedError("closed while an answer was read")
            self._sockets.append(waited_for)
        try:
            yield
        finally:
            with self._lock:
                self._sockets.remove(waited_for)

    def end(self) -> None:
        with self._lock:
            self._ended = True
            for waited_for in self._sockets:
                with suppress(OSError):
                    # Not the method of a TLS socket, which is not made for several threads.
                    socket.socket.shutdown(waited_for, socket.SHUT_RDWR)


class _Deadline(threading.local):
    """Until when the request of this thread must be answered, in seconds of `monotonic`."""

    def __init__(self) -> None:
        self._end = 0.0
        self._silence = 0.0
        self.reads = _Reads()

    def set(self, reads: _Reads, *, answer: float, silence: float) -> None:
        self._end = time.monotonic() + answer
        self._silence = silence
        self.reads = reads

    def remaining(self) -> float:
        """Return the seconds that the next read may take."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the whole answer took too long")
        return min(left, self._silence)


_deadline = _Deadline()


class _TimedStream(io.RawIOBase):
    """What arrives at a socket, each read with a time-out of its own."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        # Keeps the socket open where the connection is closed before its answer is read.
        self._hold = connected.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]  # narrower
        self._socket.settimeout(_deadline.remaining())
        with _deadline.reads.of(self._socket):
            return self._hold.readinto(buffer)

    def close(self) -> None:
        self._hold.close()
        super().close()


class _TimedSocket:
    """All that reading a response asks of a socket."""

    def __init__(self, connected: socket.socket) -> None:
        self._connected = connected

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedStream(self._connected), 1 << 16)


class _TimedResponse(HTTPResponse):
    def __init__(self, connected: socket.socket, *args: object, **options: object) -> None:
        super().__init__(_TimedSocket(connected), *args, **options)  # type: ignore[arg-type]


@functools.cache
def _timed(connection: type) -> type:
    return type(connection.__name__, (connection,), {"response_class": _TimedResponse})


class DeadlineAdapter(HTTPAdapter):
    """Kept connections whose answers come within a deadline; for several threads at once.

    It is used without a session, which would follow redirects, keep cookies and read the
    environment.
    """

    def __init__(self) -> None:
        super().__init__(pool_connections=1, pool_maxsize=_MOST_CONNECTIONS)
        self._reads = _Reads()

    def close(self) -> None:
        """Close the connections; a thread that reads an answer finds it broken off."""
        self._reads.end()
        super().close()

    def open(
        self,
        request: requests.PreparedRequest,
        *,
        connect: float,
        silence: float,
        answer: float,
        proxies: Mapping[str, str],
    ) -> requests.Response:
        """Send a request and return the answer, its body yet to be read by the same thread.

        Seconds bound the connecting, each silence, and the answer from now to its last byte.
        """
        _deadline.set(self._reads, answer=answer, silence=silence)
        return self.send(
            request, stream=True, timeout=(connect, silence), verify=True, proxies=dict(proxies)
        )

    def get_connection_with_tls_context(
        self, *args: Any, **options: Any
    ) -> urllib3.connectionpool.ConnectionPool:
        """Return a pool whose connections read as timed here."""
        pool = super().get_connection_with_tls_context(*args, **options)
        if isinstance(pool, urllib3.HTTPConnectionPool):
            # The pool is a new one only the first time.
            connection = pool.ConnectionCls
            if getattr(connection, "response_class", None) is not _TimedResponse:
                pool.ConnectionCls = _timed(connection)
        return pool
