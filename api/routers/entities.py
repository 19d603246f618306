"""Entities: the addresses that rules join, and what joins two of them."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api.deps import AddressPath, NetworkDep, PageLimit, answer, problems
from arien_flows.answers.entity import EntityAnswer, entity_answer
from arien_flows.answers.why import WhyAnswer, why_answer

router = APIRouter(prefix="/v1/{network}", tags=["entities"])

AddressQuery = Annotated[
    str,
    Query(
        description="An address of the network.",
        max_length=25_000,
        examples=["bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"],
    ),
]


@router.get(
    "/entities/{address}",
    operation_id="read_entity",
    summary="Show an entity, named by any of its addresses",
    response_model=EntityAnswer,
    responses=problems(
        _404="No ledger, no such address, or no clustering of the ledger yet.",
        _422="The text is not an address of the network.",
    ),
)
def read_entity(
    address: AddressPath,
    network: NetworkDep,
    limit: PageLimit,
    cursor: Annotated[
        str | None, Query(description="`next_cursor` of the last page.", max_length=25_000)
    ] = None,
) -> Response:
    """Return the entity with a page of its addresses, in the order of first appearance."""
    return answer(
        network.ask(lambda reading: entity_answer(reading, address, limit=limit, cursor=cursor))
    )


@router.get(
    "/why",
    operation_id="explain_link",
    summary="Show the transactions and rules that join two addresses",
    response_model=WhyAnswer,
    responses=problems(
        _404="No ledger, an address that was never used, or no clustering yet.",
        _422="A text is not an address of the network.",
    ),
)
def explain_link(a: AddressQuery, b: AddressQuery, network: NetworkDep) -> Response:
    """Return a chain of joins from `a` to `b`, or say that no rule joins them."""
    return answer(network.ask(lambda reading: why_answer(reading, a, b)))
