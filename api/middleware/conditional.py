"""`ETag`, `If-None-Match` and HEAD for every answer that is sent in one piece.

The tag is the hash of the very bytes, so it is strong, and answers that are about a block which is
still the last have the same one. A program that keeps an answer asks with `If-None-Match` and gets
304 as long as nothing changed. Browsers are told to keep nothing (`no-store`, see the envelope):
what they kept would tell what is being investigated; a program that keeps answers decides that
itself, and `no-store` does not stand in the way of its conditional requests.
"""

import hashlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.etags import entity_tag, is_listed

_OF_CONTENT = ("content-length", "content-type")


class Conditional:
    """Adds tags to answers, and leaves out what the client has or does not want."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        known = Headers(scope=scope).get("if-none-match")
        is_head = scope["method"] == "HEAD"
        start: Message | None = None

        async def send_tagged(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                if is_head:
                    scope["method"] = "HEAD"
                return
            if start is None:
                if not is_head:
                    await send(message)
                return
            begun, start = start, None
            body, more = message.get("body", b""), message.get("more_body", False)
            if begun["status"] == 200 and not more:
                headers = MutableHeaders(scope=begun)
                headers.setdefault("ETag", entity_tag(hashlib.sha256(body).hexdigest()))
                if known is not None and is_listed(known, headers["etag"]):
                    for name in _OF_CONTENT:
                        del headers[name]
                    begun["status"], body = 304, b""
            await send(begun)
            if is_head:
                await send({"type": "http.response.body", "body": b""})
            else:
                await send({**message, "body": body})

        if is_head:
            # Not in a copy: what the route notes in the scope is recorded outside of here.
            scope["method"] = "GET"
        await self.app(scope, receive, send_tagged)
