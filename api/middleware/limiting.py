"""Refuses who asks too much, and tells everybody how much is left.

Everything costs one; what is worked out at length costs more, which is known when the route has
taken the request. Each key has a bucket of its own, each session or token that of its person, and
whoever is not known that of the address, where each request counts as ten.
"""

import time

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.callers import Act, before_act, known_caller
from api.envelope import client_of, refuse
from api.errors import words_of
from api.middleware.rates import SharedRates, Taken
from arien_flows.access.permissions import Permission

PERMISSION_COSTS = {Permission.TRACE: 20, Permission.RUN_BATCHES: 100}
"""What requests cost by the permission that they need; any other costs one."""

OPERATION_COSTS = {
    "find_exposure": 10,
    "read_address_exposure": 10,
    "read_entity_exposure": 10,
    "read_address_risk": 10,
    "read_entity_risk": 10,
    "verify_audit": 100,
    "export_audit": 100,
}
"""And by operation, where the permission does not tell."""

UNKNOWN_COST = 10
"""What any request costs of a caller that nobody knows: each leaves a row in the audit log."""


class Limiting:
    """Takes what each request costs from its caller's bucket."""

    def __init__(self, app: ASGIApp, rates: SharedRates | None) -> None:
        """Without `rates` there is no limit."""
        self.app = app
        self.rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or self.rates is None:
            await self.app(scope, receive, send)
            return
        who, rates = _who(scope), self.rates
        cost = 1 if known_caller(scope) else UNKNOWN_COST
        taken = rates.take(who, cost, time.monotonic())

        async def charge(act: Act) -> None:
            nonlocal taken
            cost = cost_of(act)
            if cost > 1:
                taken = rates.take(who, cost - 1, time.monotonic())
                if not taken.is_allowed:
                    raise HTTPException(429, _detail(taken))

        async def send_told(message: Message) -> None:
            if message["type"] == "http.response.start":
                _tell(MutableHeaders(scope=message), taken)
            await send(message)

        if taken.is_allowed:
            before_act(scope, charge)
            await self.app(scope, receive, send_told)
            return
        code, title = words_of(429, "")
        await refuse(scope, send_told, status=429, code=code, title=title, detail=_detail(taken))


def cost_of(act: Act) -> int:
    """Return how much an act counts."""
    by_permission = PERMISSION_COSTS.get(act.permission, 1) if act.permission else 1
    return OPERATION_COSTS.get(act.operation, by_permission)


def _who(scope: Scope) -> str:
    caller = known_caller(scope)
    if caller is None:
        return f"address {client_of(scope)}"
    return f"key {caller.key_id}" if caller.key_id else f"caller {caller.name}"


def _detail(taken: Taken) -> str:
    return (
        f"{taken.limit:,} questions a minute are allowed, and long ones count as several: "
        f"ask again in {taken.retry_seconds} seconds"
    )


def _tell(headers: MutableHeaders, taken: Taken) -> None:
    headers["X-RateLimit-Limit"] = str(taken.limit)
    headers["X-RateLimit-Remaining"] = str(taken.remaining)
    headers["X-RateLimit-Reset"] = str(taken.reset_seconds)
    if not taken.is_allowed:
        headers["Retry-After"] = str(max(1, taken.retry_seconds))
