"""The connection to an Electrum server: plain, over TLS, through a SOCKS proxy; one line a message.

Nothing is contacted but the named server, or the proxy in its place. With a proxy the server's
name is not looked up here: the proxy does it. Servers on this machine are reached directly.

Every wait ends: connecting, sending, and reading a whole line each have a time by which they must
be done, so that a server which sends one byte a minute is no better than a silent one. The length
of a line is bounded too.
"""

import hashlib
import socket
import ssl
import time
from contextlib import suppress

from chains.access import Access
from chains.bitcoin.electrum.address import ElectrumAddress
from chains.endpoint import Endpoint, proxy_for
from chains.errors import SourceUnavailableError

READ_BYTES = 1 << 16
SOCKS_PORT = 1080


class LostConnectionError(Exception):
    """The connection failed or ended; another one may do better. The text completes "server …"."""


class LineTooLongError(LostConnectionError):
    """A message was longer than it may be."""


def proxy_to(address: ElectrumAddress, access: Access) -> Endpoint | None:
    """Return the proxy by which the server is reached; nothing where it is reached directly."""
    proxy = proxy_for(address.host, access)
    if proxy is None and address.host.endswith(".onion"):
        raise SourceUnavailableError(
            f"{address.name} is an onion service: name Tor's proxy, as in "
            "--proxy socks5h://127.0.0.1:9050"
        )
    if proxy is not None and proxy.scheme != "socks5h":
        raise SourceUnavailableError(
            "an Electrum server is reached through a SOCKS proxy only: socks5h://HOST:PORT"
        )
    return proxy


class Wait:
    """The time until something must have happened."""

    __slots__ = ("_end", "silence")

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self.silence = f"did not answer within {seconds:g} seconds"

    def left(self) -> float:
        """Return the seconds that are left; `LostConnectionError` where none are."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise LostConnectionError(self.silence)
        return left


class LineSocket:
    """An open connection that carries one message a line."""

    __slots__ = ("_buffer", "_socket")

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._buffer = bytearray()

    def send(self, message: bytes, wait: Wait) -> None:
        """Send bytes whose last one ends a line."""
        try:
            self._socket.settimeout(wait.left())
            self._socket.sendall(message)
        except OSError as error:
            raise LostConnectionError(_reason(error, "took no request")) from error

    def read_line(self, *, most_bytes: int, wait: Wait) -> bytes:
        """Return the next line without its end, once it is complete."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > most_bytes:
                raise LineTooLongError(f"answers with more than {most_bytes >> 20} MiB at once")
            self._buffer += self._receive(wait)
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _receive(self, wait: Wait) -> bytes:
        try:
            self._socket.settimeout(wait.left())
            received = self._socket.recv(READ_BYTES)
        except OSError as error:
            raise LostConnectionError(_reason(error, wait.silence)) from error
        if not received:
            raise LostConnectionError("ended the connection")
        return received


def connect(address: ElectrumAddress, proxy: Endpoint | None, seconds: float) -> LineSocket:
    """Open a connection.

    Raises `LostConnectionError` where trying again may help, and `SourceUnavailableError` where it
    won't: a certificate that is not to be trusted stays so.
    """
    plain = _connect_plain(address, proxy, seconds)
    if not address.tls:
        return LineSocket(plain)
    try:
        return LineSocket(_wrap(plain, address))
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise _unverified(address, proxy, seconds, error.verify_message) from error
    except ssl.SSLError as error:
        plain.close()
        raise LostConnectionError("speaks no TLS there; without it: electrum+tcp://") from error
    except OSError as error:
        plain.close()
        silence = f"did not speak TLS within {seconds:g} seconds"
        raise LostConnectionError(_reason(error, silence)) from error
    except SourceUnavailableError:
        plain.close()
        raise


def _connect_plain(
    address: ElectrumAddress, proxy: Endpoint | None, seconds: float
) -> socket.socket:
    try:
        if proxy is None:
            return socket.create_connection((address.host, address.port), seconds)
        return _connect_by_proxy(address, proxy, seconds)
    except socket.gaierror as error:
        raise LostConnectionError("has a name that can't be looked up") from error
    except OSError as error:
        by = f" through the proxy {proxy.authority}" if proxy else ""
        silence = f"can't be reached{by} within {seconds:g} seconds"
        raise LostConnectionError(_reason(error, silence, f"can't be reached{by}")) from error


def _connect_by_proxy(address: ElectrumAddress, proxy: Endpoint, seconds: float) -> socket.socket:
    import socks  # type: ignore[import-untyped]  # PySocks has no type information

    connected: socket.socket = socks.create_connection(
        (address.host, address.port),
        timeout=seconds,
        proxy_type=socks.SOCKS5,
        proxy_addr=proxy.host,
        proxy_port=proxy.port or SOCKS_PORT,
        proxy_rdns=True,
        proxy_username=proxy.user,
        proxy_password=proxy.password.reveal() if proxy.password else None,
    )
    return connected


def _wrap(plain: socket.socket, address: ElectrumAddress) -> ssl.SSLSocket:
    """Speak TLS; the certificate must be the pinned one, or an authority vouches for it."""
    wrapped = _tls(verified=address.cert_sha256 is None).wrap_socket(
        plain, server_hostname=address.host
    )
    if address.cert_sha256 is not None and _shown(wrapped) != address.cert_sha256:
        shown = _shown(wrapped).hex()
        wrapped.close()
        raise SourceUnavailableError(
            f"{address.name} shows another certificate than the one that was named; its SHA-256 "
            f"fingerprint is {shown}. Ask its operator before you trust it"
        )
    return wrapped


def _tls(*, verified: bool) -> ssl.SSLContext:
    from requests.adapters import DEFAULT_CA_BUNDLE_PATH

    context = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _shown(connection: ssl.SSLSocket) -> bytes:
    return hashlib.sha256(connection.getpeercert(binary_form=True) or b"").digest()


def _unverified(
    address: ElectrumAddress, proxy: Endpoint | None, seconds: float, fault: str
) -> SourceUnavailableError:
    """Say that nobody vouches for the certificate, and its fingerprint.

    A refused certificate can't be looked at afterwards, so it is fetched once more; nothing is
    asked over that connection.
    """
    pin = "HEX"
    with suppress(OSError, LostConnectionError):
        plain = _connect_plain(address, proxy, seconds)
        with plain, _tls(verified=False).wrap_socket(plain, server_hostname=address.host) as seen:
            pin = _shown(seen).hex()
    return SourceUnavailableError(
        f"nobody vouches for the certificate of {address.name} ({fault}). If its operator "
        f"confirms its SHA-256 fingerprint, write {address.name}?cert_sha256={pin}"
    )


def _reason(error: OSError, silence: str, otherwise: str = "") -> str:
    """Return what happened, to complete "server …"; without texts of other libraries."""
    if isinstance(error, TimeoutError):
        return silence
    if isinstance(error, ConnectionRefusedError):
        return "refuses the connection"
    if isinstance(error, ConnectionError):
        return "ended the connection"
    return otherwise or f"can't be reached ({error.strerror or type(error).__name__})"
