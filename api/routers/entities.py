"""Entities: the addresses that rules join, and what joins two of them."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api.deps import (
    AddressPath,
    AnyNetworkDep,
    NetworkDep,
    PageLimit,
    ProfileQuery,
    answer,
    problems,
)
from arien_flows.account_workspace import OpenAccounts
from arien_flows.answers.account_entity import AccountEntityAnswer, account_entity_answer
from arien_flows.answers.account_why import AccountWhyAnswer, account_why_answer
from arien_flows.answers.conflicts import ConflictPage, conflict_page
from arien_flows.answers.entity import (
    EntityAnswer,
    clustering_of,
    entity_answer,
    lag,
    tags_changed,
)
from arien_flows.answers.why import WhyAnswer, why_answer
from arien_flows.workspace import Reading

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
    response_model=EntityAnswer | AccountEntityAnswer,
    responses=problems(
        _404="No ledger, no such address, or no clustering of the ledger yet.",
        _422="The text is not an address of the network.",
    ),
)
def read_entity(
    address: AddressPath,
    network: AnyNetworkDep,
    limit: PageLimit,
    cursor: Annotated[
        str | None, Query(description="`next_cursor` of the last page.", max_length=25_000)
    ] = None,
    profile: ProfileQuery = "strict",
) -> Response:
    """Return the entity with a page of its addresses, in the order of first appearance."""
    if isinstance(network, OpenAccounts):
        return answer(
            network.ask(
                lambda reading: account_entity_answer(reading, address, limit=limit, cursor=cursor),
                profile,
            )
        )
    return answer(
        network.ask(
            lambda reading: entity_answer(reading, address, limit=limit, cursor=cursor), profile
        )
    )


@router.get(
    "/why",
    operation_id="explain_link",
    summary="Show the transactions and rules that join two addresses",
    response_model=WhyAnswer | AccountWhyAnswer,
    responses=problems(
        _404="No ledger, an address that was never used, or no clustering yet.",
        _422="A text is not an address of the network.",
    ),
)
def explain_link(
    a: AddressQuery, b: AddressQuery, network: AnyNetworkDep, profile: ProfileQuery = "strict"
) -> Response:
    """Return a chain of joins from `a` to `b`, or say that no rule joins them."""
    if isinstance(network, OpenAccounts):
        return answer(network.ask(lambda reading: account_why_answer(reading, a, b), profile))
    return answer(network.ask(lambda reading: why_answer(reading, a, b), profile))


@router.get(
    "/conflicts",
    operation_id="list_conflicts",
    summary="List merges that something spoke against, or that are for review",
    response_model=ConflictPage,
    responses=problems(
        _404="No ledger, or no clustering of it yet.",
        _409="The clustering was run again since the cursor was made.",
        _422="A parameter is out of its range.",
    ),
)
def list_conflicts(
    network: NetworkDep,
    limit: PageLimit,
    review: Annotated[
        bool, Query(description="List merges of large entities that were not made instead.")
    ] = False,
    cursor: Annotated[
        str | None, Query(description="`next_cursor` of the last page.", max_length=25_000)
    ] = None,
    profile: ProfileQuery = "strict",
) -> Response:
    """Return conflicts of a clustering, in the order in which they came up."""

    def page(reading: Reading) -> ConflictPage:
        clustering = clustering_of(reading)
        behind = lag(reading.view, clustering, "conflicts")
        cuts = (*behind, *tags_changed(reading, "conflicts"), *reading.limits)
        return conflict_page(
            reading.view, clustering, cuts, for_review=review, limit=limit, cursor=cursor
        )

    return answer(network.ask(page, profile))
