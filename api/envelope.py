"""What surrounds every request: its id, the headers that protect a browser, and who may ask.

Without accounts the service trusts whoever can reach its loopback port, and a web page open in
the user's browser can. Two headers give such a page away: `Host` holds the name under which the
browser reached us (an attacker's name that was re-bound to 127.0.0.1), and `Origin` or
`Sec-Fetch-Site` the site that asks. Everything but this machine's own names is refused, and no
CORS header is ever sent.
"""

import json
import re
import uuid
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})

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


def request_id_of(scope: MutableMapping[str, Any]) -> str:
    """Return the id of the request that a scope belongs to."""
    return str(scope.get(_KEY, ""))


class Envelope:
    """Refuses foreign callers and long bodies; adds a request id and protective headers."""

    def __init__(self, app: ASGIApp, *, body_bytes: int) -> None:
        self.app = app
        self.body_bytes = body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        scope[_KEY] = request_id

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                response = MutableHeaders(scope=message)
                response["X-Request-ID"] = request_id
                for name, value in PROTECTION.items():
                    response.setdefault(name, value)
            await send(message)

        reason = refusal(headers)
        if reason is None:
            await self.app(scope, self._bounded(headers, receive), send_protected)
        else:
            await _refuse(scope, send_protected, reason)

    def _bounded(self, headers: Headers, receive: Receive) -> Receive:
        """Return `receive`, cut off where the body is longer than allowed or says that it will be.

        The error is raised where the application reads the body, so that it is answered there.
        """
        declared = headers.get("content-length", "")
        announced = int(declared) if declared.isdecimal() and len(declared) < 20 else 0
        read = 0

        async def receive_bounded() -> Message:
            nonlocal read
            message = await receive() if announced <= self.body_bytes else {"type": "too long"}
            read += len(message.get("body", b""))
            if max(read, announced) > self.body_bytes:
                raise HTTPException(413, f"the body is longer than {self.body_bytes:,} bytes")
            return message

        return receive_bounded


def refusal(headers: Headers) -> str | None:
    """Return why a caller is refused, or nothing where it is this machine's own."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or _name_of("//" + hosts[0]) not in LOOPBACK_NAMES:
        return "the Host header names another machine; the service answers on loopback only"
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != hosts[0].lower():
        return "the request comes from a page of another origin"
    site = headers.get("sec-fetch-site", "none")
    # A link that a person follows into the page is harmless; a script or image is not.
    if site not in ("same-origin", "none") and headers.get("sec-fetch-mode") != "navigate":
        return "the request comes from a page of another site"
    return None


def _name_of(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


async def _refuse(scope: Scope, send: Send, reason: str) -> None:
    """Answer with a problem document; nothing of the application has been run."""
    document = {
        "type": "urn:arien-flows:problem:foreign_caller",
        "title": "Foreign callers are refused",
        "status": 403,
        "detail": reason,
        "instance": scope["path"],
        "code": "foreign_caller",
        "request_id": request_id_of(scope),
        "errors": [],
    }
    body = json.dumps(document).encode()
    await send(
        {
            "type": "http.response.start",
            "status": 403,
            "headers": [
                (b"content-type", b"application/problem+json"),
                (b"content-length", str(len(body)).encode()),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
