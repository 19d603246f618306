"""Who asks, what for, and whether the route allows it.

The middleware finds out who asks and leaves it in the request's scope. Each route declares the
permission it needs by the one dependency that `allow` makes; a test refuses routes without. What a
route is about to do is noted there, too, for the audit log.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.params import Depends as Dependency

from arien_flows.access.callers import Caller
from arien_flows.access.permissions import Permission, Public, SignedIn
from arien_flows.accounts.purposes import Purposes, case_in, reason_in
from arien_flows.errors import ForbiddenError, NotAuthenticatedError

Needed = Permission | type[Public] | type[SignedIn]
"""What a route asks of its callers."""

_CALLER = "arien_flows.caller"
_ACT = "arien_flows.act"
_BEFORE = "arien_flows.before_act"


@dataclass(slots=True)
class Act:
    """What a request does, as its route says."""

    operation: str
    """The operation id."""

    permission: Permission | None
    """Nothing where everybody may."""

    subjects: list[str] = field(default_factory=list)
    """What it is about, where path and query do not tell: sources of a trace, rows of a batch."""

    case_id: str | None = None

    reason: str | None = None
    """In the caller's own words, where he or she gave one."""


BeforeAct = Callable[[Act], Awaitable[None]]
"""Is waited for when a caller may do something, and before it is done; may raise."""


def set_caller(scope: MutableMapping[str, Any], caller: Caller) -> None:
    """Say who asks; authentication does."""
    scope[_CALLER] = caller


def known_caller(scope: MutableMapping[str, Any]) -> Caller | None:
    """Return who asks, or nothing where that is not known."""
    caller = scope.get(_CALLER)
    return caller if isinstance(caller, Caller) else None


def caller_of(request: Request) -> Caller:
    """Return who asks; `NotAuthenticatedError` where that is not known."""
    caller = known_caller(request.scope)
    if caller is None:
        raise NotAuthenticatedError(
            "this needs an account: send a key as `Authorization: Bearer af_…`, or sign in"
        )
    return caller


def act_of(scope: MutableMapping[str, Any]) -> Act | None:
    """Return what a request was about to do; nothing where no route took it."""
    act = scope.get(_ACT)
    return act if isinstance(act, Act) else None


def set_act(scope: MutableMapping[str, Any], act: Act) -> None:
    """Say what a request does."""
    scope[_ACT] = act


def note_subjects(request: Request, *subjects: str) -> None:
    """Note for the audit log what a request is about, where its path does not tell."""
    act = act_of(request.scope)
    if act is not None:
        act.subjects.extend(subjects)


def note_case(request: Request, case_id: str | None) -> None:
    """Note for the audit log which case a request belongs to."""
    act = act_of(request.scope)
    if act is not None and case_id is not None:
        act.case_id = case_id


def before_act(scope: MutableMapping[str, Any], wait: BeforeAct) -> None:
    """Have something done before a route begins; what is said last is done first."""
    scope[_BEFORE] = (wait, *scope.get(_BEFORE, ()))


def allow(needed: Needed, *, is_about_subjects: bool = True) -> Any:
    """Return the dependency by which a route declares what it needs.

    Questions about the chain say what they are for (`X-Case-ID`), unless they are about nobody:
    which networks there are, and what the rules say.
    """
    return Depends(_Allowed(needed, is_about_subjects))


def declared(dependency: Dependency) -> Needed | None:
    """Return what a dependency declares, if it is one of `allow`."""
    made: Callable[..., Any] | None = dependency.dependency
    return made.needed if isinstance(made, _Allowed) else None


class _Allowed:
    """Checks what one route needs."""

    def __init__(self, needed: Needed, is_about_subjects: bool) -> None:
        self.needed = needed
        self.is_about_subjects = is_about_subjects

    async def __call__(self, request: Request) -> None:
        """Note the act, and raise where the caller may not do it."""
        permission = self.needed if isinstance(self.needed, Permission) else None
        route = request.scope.get("route")
        operation = getattr(route, "operation_id", None) or getattr(route, "name", "")
        act = Act(operation=str(operation), permission=permission)
        set_act(request.scope, act)
        if self.needed is not Public:
            caller = caller_of(request)
            if permission is not None and not caller.may(permission):
                raise ForbiddenError(
                    f"{caller.name} ({caller.role.value}) may not do this: it needs "
                    f"`{permission.value}`"
                )
            await self._note_purpose(request, caller, act)
        for wait in request.scope.get(_BEFORE, ()):
            await wait(act)

    async def _note_purpose(self, request: Request, caller: Caller, act: Act) -> None:
        act.reason = reason_in(request.headers.get("x-reason"))
        case_id = case_in(request.headers.get("x-case-id"))
        purposes: Purposes = request.app.state.purposes
        if case_id is not None:
            if not purposes.is_at_hand(case_id):
                await run_in_threadpool(purposes.look_up, case_id)
            purposes.check(caller, case_id)
            act.case_id = case_id
        elif isinstance(self.needed, Permission) and self.is_about_subjects:
            purposes.require(self.needed)


CallerDep = Annotated[Caller, Depends(caller_of)]
