"""Counts each request and writes one line about it; refuses more at once than can be answered.

The line says which operation was asked, never about what: no path, query, address of a caller, or
anything of a body. What was asked stands in the audit log, which few may read.
"""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import measures
from api.callers import act_of, known_caller
from api.envelope import refuse, request_id_of

log = logging.getLogger("arien_flows.requests")

_QUIET = frozenset({"live", "ready", "metrics"})
"""Operations that monitoring asks for all the time; their lines are of the level DEBUG."""


class Observing:
    """Watches requests of one process."""

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self.app = app
        self.most = most
        self.count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status, size = time.perf_counter(), 0, 0

        async def send_watched(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                size += len(message.get("body", b""))
            await send(message)

        if self.count >= self.most:
            await self._refuse(scope, send_watched)
            _tell(scope, status, size, time.perf_counter() - began)
            return
        self.count += 1
        measures.in_flight.inc()
        try:
            await self.app(scope, receive, send_watched)
        finally:
            self.count -= 1
            measures.in_flight.dec()
            _tell(scope, status, size, time.perf_counter() - began)

    async def _refuse(self, scope: Scope, send: Send) -> None:
        await refuse(
            scope,
            send,
            status=503,
            code="busy",
            title="The service is busy",
            detail=f"{self.most:,} requests are being answered: try again later",
        )


def operation_of(scope: Scope) -> str:
    """Return the operation that a request asked for; `none` where no route took it."""
    act = act_of(scope)
    route = scope.get("route")
    return (act.operation if act else None) or getattr(route, "operation_id", None) or "none"


def _tell(scope: Scope, status: int, size: int, seconds: float) -> None:
    operation, caller = operation_of(scope), known_caller(scope)
    measures.requests.labels(operation, str(status)).inc()
    measures.request_seconds.labels(operation).observe(seconds)
    level = logging.DEBUG if operation in _QUIET and status < 500 else logging.INFO
    log.log(
        level,
        "request",
        extra={
            "operation": operation,
            "status": status,
            "milliseconds": round(seconds * 1000, 1),
            "request_id": request_id_of(scope),
            "caller": caller.name if caller else None,
            "bytes": size,
        },
    )
