"""Asking an application as somebody, without the layers that find out who asks."""

from starlette.types import ASGIApp, Receive, Scope, Send

from api.callers import set_caller
from arien_flows.access.callers import Caller


class AskedBy:
    """An application that a certain caller asks, as authentication would say."""

    def __init__(self, app: ASGIApp, caller: Caller) -> None:
        self._app, self._caller = app, caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            set_caller(scope, self._caller)
        await self._app(scope, receive, send)
