"""Where an Electrum server is: `electrum+tcp://HOST:PORT` or `electrum+ssl://HOST:PORT`.

Most Electrum servers sign their own certificate, which proves nothing by itself. Such a server is
named together with its certificate's fingerprint, `?cert_sha256=HEX`: then it is known for what it
is, whoever has signed. Without a fingerprint the certificate must be one that an authority vouches
for, as on the web.
"""

import re
from dataclasses import dataclass
from typing import Self

from chains.endpoint import Endpoint
from chains.errors import SourceUnavailableError

TCP = "tcp"
TLS = "ssl"

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ElectrumAddress:
    """A server's host and port, and how it is reached."""

    name: str
    """The URI without its options."""

    host: str

    port: int

    tls: bool

    cert_sha256: bytes | None = None
    """SHA-256 of the one certificate, in DER form, that the server may show."""

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Read a URI; `SourceUnavailableError` says what is wrong and repeats no secret of it."""
        endpoint = Endpoint.parse(uri, schemes=(TCP, TLS))
        if endpoint.user is not None or endpoint.path:
            raise _wrong("holds a user, a password or a path, which the protocol does not know")
        if not endpoint.port:
            raise _wrong("names no port; usual are 50001 for tcp and 50002 for ssl")
        tls = endpoint.scheme == TLS
        pin = _fingerprint(endpoint, tls=tls)
        return cls(
            name=endpoint.name, host=endpoint.host, port=endpoint.port, tls=tls, cert_sha256=pin
        )


def _fingerprint(endpoint: Endpoint, *, tls: bool) -> bytes | None:
    if not endpoint.query:
        return None
    if list(endpoint.query) != ["cert_sha256"]:
        raise _wrong("has an option that is not known; the only one is ?cert_sha256=HEX")
    if not tls:
        raise _wrong("has a certificate's fingerprint, but over tcp no certificate is shown")
    digits = endpoint.query["cert_sha256"].replace(":", "").lower()
    if not _FINGERPRINT.fullmatch(digits):
        raise _wrong("has a cert_sha256 that is not 64 hexadecimal digits")
    return bytes.fromhex(digits)


def _wrong(fault: str) -> SourceUnavailableError:
    return SourceUnavailableError(
        f"the URI {fault}; an Electrum server is named as in electrum+{TCP}://HOST:PORT or "
        f"electrum+{TLS}://HOST:PORT"
    )
