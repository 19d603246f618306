"""No caller waits for ever: an answer that does not begin in time is an error.

A thread that computes cannot be stopped from outside. So the caller is told, and the work goes on
until its own budget ends it; what it would have said is dropped. It keeps its place among the
threads that answer meanwhile, of which there are only so many: a service whose threads are all held
up refuses in time what comes next, and falls no further behind.
"""

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.envelope import refuse

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Deadline:
    """Refuses requests whose answers do not begin within some seconds."""

    def __init__(self, app: ASGIApp, *, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_begun, refusal = False, None

        def expire() -> None:
            nonlocal refusal
            if not has_begun:
                refusal = asyncio.ensure_future(self._refuse(scope, send))

        async def send_in_time(message: Message) -> None:
            nonlocal has_begun
            if refusal is None:
                has_begun = True
                await send(message)

        timer = asyncio.get_running_loop().call_later(self.seconds, expire)
        try:
            await self.app(scope, receive, send_in_time)
        except Exception:
            if refusal is None:
                raise
        finally:
            timer.cancel()
            await _ended(refusal)

    async def _refuse(self, scope: Scope, send: Send) -> None:
        is_read = scope["method"] in _READS
        await refuse(
            scope,
            send,
            status=504,
            code="deadline",
            title="The answer took too long",
            detail=f"there was no answer within {self.seconds:g} seconds: "
            + (
                "ask for less, or let a job do it"
                if is_read
                else "what was asked may still be done; look before you ask for it again"
            ),
            headers=[("Connection", "close")],
        )


async def _ended(refusal: "asyncio.Future[Any] | None") -> None:
    if refusal is not None:
        await refusal
