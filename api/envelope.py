"""What surrounds every request: its id, the headers that protect a browser, and who may ask.

Without accounts the service trusts whoever can reach its loopback port, and a web page open in
the user's browser can. Two headers give such a page away: `Host` holds the name under which the
browser reached us (an attacker's name that was re-bound to 127.0.0.1), and `Origin` or
`Sec-Fetch-Site` the site that asks. Everything but this machine's own names is refused, and no
CORS header is ever sent. A service with accounts answers to the name of its public address, too.

Where a request comes from is said by the connection, and by `X-Forwarded-For` only where the
connection is that of a proxy which the settings name.
"""

import asyncio
import ipaddress
import json
import random
import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})

LEAST_RATE = 100_000
"""Bytes a second at which a long body may go on arriving past the time that every body has."""

PROTECTION = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every response. An address in a referrer or a cache would tell what is traced."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY = "arien_flows.request_id"
_CLIENT = "arien_flows.client"
_numbers = random.Random()  # noqa: S311 ids are no secrets, and asking the system takes longer

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def request_id_of(scope: MutableMapping[str, Any]) -> str:
    """Return the id of the request that a scope belongs to."""
    return str(scope.get(_KEY, ""))


def client_of(scope: MutableMapping[str, Any]) -> str:
    """Return the address that a request comes from; empty where that is not known."""
    return str(scope.get(_CLIENT, ""))


def header_of(scope: MutableMapping[str, Any], name: bytes) -> str | None:
    """Return a header by its name in small letters; of several the first, nothing for none."""
    for each, value in scope["headers"]:
        if each == name:
            return bytes(value).decode("latin-1")
    return None


class Envelope:
    """Refuses foreign callers and long bodies; adds a request id and protective headers."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        body_bytes: int,
        body_seconds: float = 20,
        longer: Mapping[str, int] | None = None,
        public_url: str | None = None,
        trusted_proxies: Iterable[str] = (),
    ) -> None:
        """Wrap an application.

        `longer` are bounds of bodies that some paths have instead, by expressions of whole paths.
        """
        self.app = app
        self.body_bytes = body_bytes
        self.body_seconds = body_seconds
        self.longer = [(re.compile(path), most) for path, most in (longer or {}).items()]
        self.public_url = public_url
        self.trusted = tuple(ipaddress.ip_network(proxy) for proxy in trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else f"{_numbers.getrandbits(128):032x}"
        scope[_KEY] = request_id
        scope[_CLIENT] = client_address(scope, headers, self.trusted)

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                response = MutableHeaders(scope=message)
                response["X-Request-ID"] = request_id
                for name, value in PROTECTION.items():
                    response.setdefault(name, value)
            await send(message)

        reason = refusal(headers, self.public_url)
        if reason is None:
            most = self._most(scope["path"])
            await self.app(scope, self._bounded(headers, receive, most), send_protected)
        else:
            await refuse(
                scope,
                send_protected,
                status=403,
                code="foreign_caller",
                title="Foreign callers are refused",
                detail=reason,
            )

    def _most(self, path: str) -> int:
        """Return how many bytes a body may have that is sent to a path."""
        for pattern, most in self.longer:
            if pattern.fullmatch(path):
                return most
        return self.body_bytes

    def _bounded(self, headers: Headers, receive: Receive, most: int) -> Receive:
        """Return `receive`, cut off where the body is longer than allowed or says that it will be.

        The same where it does not arrive in time (long bodies have more of it): a caller that
        sends a byte now and then would hold its place for ever. The error is raised where the
        application reads the body, so that it is answered there.
        """
        declared = headers.get("content-length", "")
        announced = int(declared) if declared.isdecimal() and len(declared) < 20 else 0
        read, is_whole = 0, False
        end = asyncio.get_running_loop().time() + self.body_seconds

        async def receive_bounded() -> Message:
            nonlocal read, is_whole
            if is_whole:
                return await receive()
            if announced > most:
                raise HTTPException(413, f"the body is longer than {most:,} bytes")
            try:
                async with asyncio.timeout_at(end + read / LEAST_RATE):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(
                    408,
                    f"the body did not arrive within {self.body_seconds:g} seconds",
                    {"Connection": "close"},
                ) from None
            read += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if read > most:
                raise HTTPException(413, f"the body is longer than {most:,} bytes")
            return message

        return receive_bounded


def refusal(headers: Headers, public_url: str | None = None) -> str | None:
    """Return why a caller is refused, or nothing where it is one of ours.

    `public_url` is the origin under which a service with accounts is reached from elsewhere.
    """
    hosts = headers.getlist("host")
    host = hosts[0].lower() if len(hosts) == 1 else ""
    is_public = public_url is not None and host == _host_of(public_url)
    if not is_public and _name_of("//" + host) not in LOOPBACK_NAMES:
        return (
            "the Host header names another machine; the service answers on loopback only"
            if public_url is None
            else "the Host header names another machine than ARIEN_PUBLIC_URL"
        )
    origin = headers.get("origin")
    if origin is not None and not _is_own(origin.lower(), host, public_url if is_public else None):
        return "the request comes from a page of another origin"
    site = headers.get("sec-fetch-site", "none")
    # A link that a person follows into the page is harmless; a script or image is not.
    if site not in ("same-origin", "none") and headers.get("sec-fetch-mode") != "navigate":
        return "the request comes from a page of another site"
    return None


def client_address(
    scope: MutableMapping[str, Any], headers: Headers, trusted: tuple[Network, ...]
) -> str:
    """Return where a request comes from: past the proxies that are trusted, and no further."""
    peer = scope.get("client")
    address = str(peer[0]) if peer else ""
    if not trusted:
        return address
    said = ",".join(headers.getlist("x-forwarded-for")).split(",")
    # Each proxy adds, at the end, the address that it was asked from.
    while said and _is_within(address, trusted):
        before = said.pop().strip()
        if _ip(before) is None:
            break
        address = before
    return address


def _is_within(address: str, networks: tuple[Network, ...]) -> bool:
    place = _ip(address)
    return place is not None and any(place in network for network in networks)


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_own(origin: str, host: str, public_url: str | None) -> bool:
    if public_url is not None:
        return origin == public_url
    return urlsplit(origin).netloc == host


def _host_of(public_url: str) -> str:
    return public_url.partition("://")[2]


def _name_of(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


async def refuse(
    scope: Scope,
    send: Send,
    *,
    status: int,
    code: str,
    title: str,
    detail: str,
    headers: Iterable[tuple[str, str]] = (),
) -> None:
    """Answer with a problem document; nothing of the application has been run."""
    document = {
        "type": f"urn:arien-flows:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": scope["path"],
        "code": code,
        "request_id": request_id_of(scope),
        "errors": [],
    }
    body = json.dumps(document).encode()
    told = [("content-type", "application/problem+json"), ("content-length", str(len(body)))]
    start = [(name.encode(), value.encode()) for name, value in (*told, *headers)]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})
