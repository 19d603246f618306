"""Whether the process lives, and whether it can answer."""

from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import Response

from api.deps import WorkspaceDep, answer, problems
from arien_flows.shapes import Shape
from arien_flows.warm_up import compile_kernels

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
)
def live() -> Response:
    """Answer without touching any ledger."""
    return answer(Health(status="ok"))


@router.get(
    "/readyz",
    operation_id="ready",
    summary="Tell that questions are answered at once",
    response_model=Health,
    responses=problems(_500="A ledger cannot be read.", _503="A ledger is being changed."),
)
def ready(workspace: WorkspaceDep) -> Response:
    """Compile the kernels and open every ledger, so that the first question waits for neither."""
    compile_kernels()
    names = workspace.networks()
    for name in names:
        _ = workspace.open_any(name).read().tags.attribution
    return answer(Health(status="ok", networks=tuple(names)))
