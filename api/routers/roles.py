"""Roles: what kind of service an entity looks like."""

from fastapi import APIRouter
from fastapi.responses import Response

from api.callers import allow
from api.deps import AddressPath, NetworkDep, answer, problems
from arien_flows.access.permissions import Permission
from arien_flows.answers.roles import RolesAnswer, roles_answer

router = APIRouter(
    prefix="/v1/{network}/entities", tags=["entities"], dependencies=[allow(Permission.READ_CHAIN)]
)


@router.get(
    "/{address}/roles",
    operation_id="read_roles",
    summary="Show what kind of service an entity looks like",
    response_model=RolesAnswer,
    responses=problems(
        _404="No ledger, no such address, or no clustering of the ledger yet.",
        _422="The text is not an address of the network.",
    ),
)
def read_roles(address: AddressPath, network: NetworkDep) -> Response:
    """Return every role of the policy with its features, thresholds and what they come to."""
    return answer(network.ask(lambda reading: roles_answer(reading, address)))
