"""Where a source is, and whether a proxy leads there: read from a URI that may hold secrets.

Nothing printed here shows a secret, and no message repeats a part of a URI that could not be read:
a password with an unescaped `@` or `/` turns up in any other part.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from chains.access import Access, Secret
from chains.errors import SourceUnavailableError

_SPLIT_HINT = "write %40, %2F, %3F, %23 and %3A for @ / ? # : in a user's name or password"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A place to connect to, from a URI such as `esplora+https://USER:PASS@HOST:PORT/path?key=k`.

    Printing one shows no secret.
    """

    kind: str
    """What stands before the `+` of the scheme; empty without one."""

    scheme: str

    host: str
    """Without the brackets of an IPv6 address."""

    port: int | None

    path: str
    """Without a slash at its end."""

    user: str | None = field(repr=False)

    password: Secret | None

    query: Mapping[str, str] = field(repr=False)
    """Options of the source; they may hold keys."""

    @property
    def name(self) -> str:
        """Return the URI without user, password and query."""
        kind = f"{self.kind}+" if self.kind else ""
        return f"{kind}{self.scheme}://{self.authority}{self.path}"

    @property
    def authority(self) -> str:
        """Return `HOST` or `HOST:PORT`, an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    @classmethod
    def parse(cls, text: str, *, schemes: tuple[str, ...] = ("http", "https")) -> Self:
        """Read a URI; `SourceUnavailableError` says what is wrong and repeats no part of it."""
        parts = _split(text)
        port = _port(parts)
        kind, _, scheme = parts.scheme.rpartition("+")
        if scheme not in schemes:
            known = " or ".join(f"{scheme}://" for scheme in schemes)
            raise SourceUnavailableError(f"the address must begin with {known}")
        if not parts.hostname:
            raise SourceUnavailableError(f"the address names no host, as in {schemes[0]}://HOST")
        _check_host(parts.hostname)
        readable = text.isprintable() and not re.search(r"\s", text)
        if "@" in parts.path or parts.fragment or not readable:
            raise SourceUnavailableError(f"the address cannot be read: {_SPLIT_HINT}")
        return cls(
            kind=kind,
            scheme=scheme,
            host=parts.hostname,
            port=port,
            path=parts.path.rstrip("/"),
            user=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else Secret(unquote(parts.password)),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        )


def _split(text: str) -> SplitResult:
    # Messages of `urlsplit` quote the text, so the error is not raised while one is handled.
    try:
        return urlsplit(text)
    except ValueError:
        pass
    raise SourceUnavailableError(f"the address cannot be read: {_SPLIT_HINT}")


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise SourceUnavailableError(
            f"the port behind the host must be a number from 1 to 65535; {_SPLIT_HINT}"
        )
    return port


def _check_host(host: str) -> None:
    """Refuse a name that cannot be looked up; nothing below says so in the same way."""
    try:
        host.encode("idna")
    except UnicodeError:
        pass
    else:
        return
    raise SourceUnavailableError(
        f"the host is no name: it has an empty part, or one that is too long; {_SPLIT_HINT}"
    )


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine itself, by its name alone: nothing is looked up."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def proxy_for(host: str, access: Access) -> Endpoint | None:
    """Return the proxy that leads to `host`; nothing for this machine, or where none is set."""
    if access.proxy is None:
        return None
    scheme = access.proxy.partition("://")[0].lower()
    if scheme in ("socks5", "socks4", "socks4a", "socks"):
        raise SourceUnavailableError(
            f"a proxy {scheme}://… is not used: write socks5h:// so that the proxy looks names up"
        )
    try:
        proxy = Endpoint.parse(access.proxy, schemes=("socks5h", "http"))
    except SourceUnavailableError as error:
        raise SourceUnavailableError(f"the proxy is not understood: {error}") from None
    return None if is_loopback(host) else proxy
