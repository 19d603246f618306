"""Sending one message to one receiver, bounded in time and in what is read of the answer.

The connection goes to an address that `targets` has judged, while certificate, SNI and `Host` are
those of the name. Nothing is taken from the environment: no proxy, no `.netrc`. Redirects are not
followed. One deadline covers connecting, TLS and the answer's headers, each single read included,
so that a receiver that drips a byte a second gains nothing. Of the body a little is read, so that
the receiver's end closes in order; what it says is not kept, since it may hold anything.
"""

import io
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPException, HTTPResponse
from time import monotonic
from typing import Literal

from arien_flows.webhooks.targets import (
    Resolve,
    Target,
    TargetError,
    TargetPolicy,
    checked_addresses,
    read_target,
    system_resolve,
)

SECONDS = 15.0
"""For everything up to the end of the answer's headers."""

BODY_SECONDS = 1.0
MOST_ANSWER_BYTES = 65_536
"""Of the answer's body nothing is read past these."""

SendFailure = Literal[
    "target_refused", "not_reached", "tls", "timed_out", "no_http", "redirect", "secret_lost"
]  # fmt: skip
"""Why there is no usable status: the receiver's URL may not be used, or nobody answered there, or
its certificate is not that of the name, it took too long, it did not speak HTTP, it named another
place; or nothing was sent, because the secret to sign with cannot be opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of sending a message."""

    status: int | None
    """Status of the answer; nothing where there was none."""

    failure: SendFailure | None
    words: str = ""
    """What is wrong, for the receiver's owner; names no address."""

    answer_bytes: int = 0
    """How much of the answer's body was read."""

    retry_after: str = ""
    """The answer's header, as it is."""

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver took the message."""
        return self.failure is None and self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """How messages are sent."""

    policy: TargetPolicy
    resolve: Resolve = system_resolve
    trust: ssl.SSLContext | None = field(default=None, repr=False)
    """Whom to trust; by default those whom the operating system does (`SSL_CERT_FILE` adds)."""

    seconds: float = SECONDS

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Sent:
        """Post a body to a URL."""
        end = monotonic() + self.seconds
        try:
            target = read_target(url)
            addresses = checked_addresses(target, self.policy, self.resolve)
        except TargetError as error:
            return Sent(status=None, failure="target_refused", words=str(error))
        try:
            with _connected(target, [str(it) for it in addresses], self.trust, end) as connection:
                connection.sendall(_request(target, headers, body))
                return _answer(connection, end)
        except ssl.SSLError as error:
            return Sent(status=None, failure="tls", words=_tls_words(error))
        except TimeoutError:
            return Sent(status=None, failure="timed_out", words="there was no answer in time")
        except (HTTPException, ValueError):
            return Sent(status=None, failure="no_http", words="the answer is not HTTP")
        except OSError as error:
            reason = error.strerror or type(error).__name__
            return Sent(status=None, failure="not_reached", words=reason)


def _tls_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is refused: {error.verify_message}"
    return f"TLS failed: {(error.reason or 'broken off').replace('_', ' ').lower()}"


def _connected(
    target: Target, addresses: Sequence[str], trust: ssl.SSLContext | None, end: float
) -> socket.socket:
    """Connect to the first address that takes the connection."""
    for place, address in enumerate(addresses):
        try:
            plain = socket.create_connection((address, target.port), timeout=_left(end))
            break
        except OSError:
            if place + 1 == len(addresses):
                raise
    if target.scheme == "http":
        return plain
    try:
        plain.settimeout(_left(end))
        context = trust if trust is not None else _system_trust()
        return context.wrap_socket(plain, server_hostname=target.host)
    except BaseException:
        plain.close()
        raise


@cache
def _system_trust() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _left(end: float) -> float:
    left = end - monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left


def _request(target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    told = {
        "Host": target.authority,
        **headers,
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines = [f"POST {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _answer(connection: socket.socket, end: float) -> Sent:
    stream = _TimedStream(connection, end)
    response = HTTPResponse(_Readable(stream), method="POST")  # type: ignore[arg-type]  # all it asks
    response.begin()
    status = response.status
    read = 0
    stream.end = min(end, monotonic() + BODY_SECONDS)
    with suppress(OSError, HTTPException, ValueError):
        while chunk := response.read1(min(8192, MOST_ANSWER_BYTES - read)):
            read += len(chunk)
            if read >= MOST_ANSWER_BYTES:
                break
    is_redirect = 300 <= status < 400
    return Sent(
        status=status,
        failure="redirect" if is_redirect else None,
        words="redirects are not followed: name the final URL" if is_redirect else "",
        answer_bytes=read,
        retry_after=response.headers.get("Retry-After", ""),
    )


class _TimedStream(io.RawIOBase):
    """What arrives at a socket; no read goes past the end."""

    def __init__(self, connection: socket.socket, end: float) -> None:
        self._connection = connection
        self.end = end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # narrower
        self._connection.settimeout(_left(self.end))
        return self._connection.recv_into(buffer)


class _Readable:
    """All that reading a response asks of a socket."""

    def __init__(self, stream: _TimedStream) -> None:
        self._stream = stream

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._stream)
