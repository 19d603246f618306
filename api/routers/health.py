"""Whether the process lives, and whether it can answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.callers import allow
from api.deps import WorkspaceDep, answer, problems
from api.errors import problem
from arien_flows.access.permissions import Public
from arien_flows.shapes import Shape
from arien_flows.warm_up import compiling
from arien_flows.workspace import Workspace

router = APIRouter(tags=["service"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Health(Shape):
    """State of the service."""

    status: Literal["ok"]
    """Always `ok`; anything else is an error answer."""

    networks: tuple[str, ...] = ()
    """Networks that can be asked about."""


@router.get(
    "/livez",
    operation_id="live",
    summary="Tell that the process lives",
    response_model=Health,
    dependencies=[allow(Public)],
)
def live() -> Response:
    """Answer without touching any ledger."""
    return answer(Health(status="ok"))


COMPILING_SECONDS = 3.0
"""How long a question waits for kernels that are being compiled: less than whoever watches over a
service waits for an answer."""

READY_CHECKS: tuple[Callable[[Workspace], object], ...] = (
    lambda it: it.casebook.check(),
    lambda it: it.audit.head(),
)
"""What else has to be usable; each raises where it is not."""


@router.get(
    "/readyz",
    operation_id="ready",
    summary="Tell that questions are answered at once",
    response_model=Health,
    dependencies=[allow(Public)],
    responses=problems(
        _500="A ledger, the casebook or the audit log cannot be used.",
        _503="Kernels are being compiled (`compiling`), or a ledger is being changed.",
    ),
)
def ready(request: Request, workspace: WorkspaceDep) -> Response:
    """Compile the kernels and open every ledger, so that the first question waits for neither.

    On a fresh installation compiling takes a minute, once; until then the answer is 503, with
    `Retry-After`.
    """
    try:
        compiling().result(COMPILING_SECONDS)
    except TimeoutError:
        return problem(
            request,
            status=503,
            code="compiling",
            title="Not ready yet",
            detail="kernels are being compiled, which takes a minute on a fresh installation: ask "
            "again",
            headers={"Retry-After": "2"},
        )
    for check in READY_CHECKS:
        check(workspace)
    names = workspace.networks()
    for name in names:
        _ = workspace.open_any(name).read().tags.attribution
    return answer(Health(status="ok", networks=tuple(names)))
