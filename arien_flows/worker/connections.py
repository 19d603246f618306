"""Connections that neither dawdle nor flood: bounds on what comes before the application is asked.

The web server waits for ever for the rest of a request, and keeps as many headers as somebody
sends. Here the head of a request has some seconds to arrive and some kilobytes to be of, its body
somewhat longer than the application waits for it, and a process holds so many connections. What
cannot be read is answered with a problem document like everything else.
"""

import asyncio
import json
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 20.0
"""How long request line and headers may take to arrive."""

HEAD_BYTES = 65_536
"""How long they may be together."""

SLACK_SECONDS = 5.0
"""How much longer than the application a connection waits for a body: it answers first."""

MOST = 800
"""Connections of one process; most systems allow a process 1,024 open files."""

_PROBLEMS = {
    HTTPStatus.BAD_REQUEST: ("bad_request", "The request cannot be read", "this is no HTTP/1.1"),
    HTTPStatus.REQUEST_TIMEOUT: (
        "too_slow",
        "The request did not arrive in time",
        f"request line and headers have {HEAD_SECONDS:g} seconds to arrive",
    ),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        "headers_too_large",
        "The headers are too long",
        f"request line and headers may have {HEAD_BYTES:,} bytes together",
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "busy",
        "The service is busy",
        f"{MOST:,} connections are open: try again later",
    ),
}


class HeadTooLongError(Exception):
    """A request's head is longer than allowed; ends the parsing."""


class BoundedConnection(HttpToolsProtocol):
    """One connection. `body_seconds` is what the application waits for a body."""

    body_seconds = 20.0

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MOST:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self._wait(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._wait(None)
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin to wait for a head."""
        super().on_message_begin()
        self._head_bytes = 0
        self._wait(HEAD_SECONDS)

    def on_url(self, url: bytes) -> None:
        """Take a part of the request line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to wait for a body."""
        self._wait(self.body_seconds + SLACK_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for nothing more."""
        self._wait(None)
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 the library's words
        """Answer what cannot be read, and close the connection."""
        self._refuse(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            if self._head_bytes > HEAD_BYTES
            else HTTPStatus.BAD_REQUEST
        )

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_BYTES:
            raise HeadTooLongError

    def _wait(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._expire)

    def _expire(self) -> None:
        """End a connection on which nothing that was begun is finished."""
        cycle: Any = self.cycle  # nothing before the first request
        is_answering = cycle is not None and not cycle.response_complete
        if is_answering or not self._head_bytes:
            self.transport.close()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        code, title, detail = _PROBLEMS[status]
        body = json.dumps(
            {
                "type": f"urn:arien-flows:problem:{code}",
                "title": title,
                "status": status,
                "detail": detail,
                "instance": "",
                "code": code,
                "request_id": "",
                "errors": [],
            }
        ).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            "content-type: application/problem+json\r\n"
            "cache-control: private, no-store\r\nx-content-type-options: nosniff\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
