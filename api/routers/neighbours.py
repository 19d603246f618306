"""Neighbours: who paid an address or an entity, and whom it paid."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.callers import allow
from api.deps import (
    AddressPath,
    AnyNetworkDep,
    Cursor,
    PageLimit,
    ProfileQuery,
    answer,
    linked,
    problems,
)
from arien_flows.access.permissions import Permission
from arien_flows.answers.neighbours import (
    Level,
    NeighboursAnswer,
    NeighboursRequest,
    neighbours_answer,
)
from arien_flows.relations.found import Direction

router = APIRouter(prefix="/v1/{network}", tags=["neighbours"])

REFUSALS = problems(
    _404="No ledger, an address that was never used, or no clustering where entities are asked "
    "for.",
    _409="The state of the chain, or of the entities, that the cursor names is gone.",
    _422="The text is not an address of the network, or a parameter is out of its range.",
)
DirectionQuery = Annotated[Direction, Query(description="Who paid it, or whom it paid.")]
AssetQuery = Annotated[
    str | None,
    Query(
        max_length=100,
        description="On a chain of accounts: the coin (by default), the symbol of a listed token, "
        "or a token's contract.",
    ),
]
LevelQuery = Annotated[
    Level, Query(description="Whether neighbours are addresses, or entities that rules make.")
]


@router.get(
    "/addresses/{address}/neighbours",
    operation_id="list_neighbours",
    summary="List who paid an address, or whom it paid",
    response_model=NeighboursAnswer,
    responses=REFUSALS,
    dependencies=[allow(Permission.READ_CHAIN)],
)
def list_neighbours(
    http: Request,
    address: AddressPath,
    network: AnyNetworkDep,
    limit: PageLimit,
    direction: DirectionQuery = "out",
    level: LevelQuery = "address",
    asset: AssetQuery = None,
    cursor: Cursor = None,
    profile: ProfileQuery = "strict",
) -> Response:
    """Return a page of neighbours with what moved in sum, the largest value first.

    Where a transaction has several payers, its outputs are divided among them by what each put in:
    an inference by a rule that the answer names. The values of all neighbours and `rest` sum to
    `total`, to the unit.
    """
    request = NeighboursRequest(
        address=address, of_entity=False, direction=direction, level=level, asset=asset
    )
    page = neighbours_answer(network, request, profile, limit=limit, cursor=cursor)
    return linked(answer(page), http, page.next_cursor)


@router.get(
    "/entities/{address}/neighbours",
    operation_id="list_entity_neighbours",
    summary="List who paid an entity, or whom it paid",
    response_model=NeighboursAnswer,
    responses=REFUSALS,
    dependencies=[allow(Permission.READ_CHAIN)],
)
def list_entity_neighbours(
    http: Request,
    address: AddressPath,
    network: AnyNetworkDep,
    limit: PageLimit,
    direction: DirectionQuery = "out",
    level: LevelQuery = "entity",
    asset: AssetQuery = None,
    cursor: Cursor = None,
    profile: ProfileQuery = "strict",
) -> Response:
    """Return a page of neighbours of the entity that an address belongs to.

    What its addresses paid each other is told in `rest`, as `own`.
    """
    request = NeighboursRequest(
        address=address, of_entity=True, direction=direction, level=level, asset=asset
    )
    page = neighbours_answer(network, request, profile, limit=limit, cursor=cursor)
    return linked(answer(page), http, page.next_cursor)
