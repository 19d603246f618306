"""The networks that have a ledger here."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from api.callers import allow
from api.deps import WorkspaceDep, answer, problems
from arien_flows.access.permissions import Permission
from arien_flows.answers.account_status import AccountStatusAnswer, network_status
from arien_flows.answers.status import StatusAnswer
from arien_flows.shapes import Shape

router = APIRouter(
    prefix="/v1",
    tags=["networks"],
    dependencies=[allow(Permission.READ_CHAIN, is_about_subjects=False)],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkList(Shape):
    """The networks that have a ledger here."""

    items: tuple[StatusAnswer | AccountStatusAnswer, ...]
    """What each ledger holds, in the order of the networks' names."""


@router.get(
    "/networks",
    operation_id="list_networks",
    summary="List the networks and what their ledgers hold",
    response_model=NetworkList,
    responses=problems(_500="A ledger cannot be read."),
)
def list_networks(workspace: WorkspaceDep) -> Response:
    """Return every network that has a ledger in the data folder."""
    items = tuple(network_status(workspace, name) for name in workspace.networks())
    return answer(NetworkList(items=items))
