"""Entities: the addresses that rules join, and what joins two of them."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.callers import allow
from api.deps import (
    AddressPath,
    AnyNetworkDep,
    NetworkDep,
    PageLimit,
    ProfileQuery,
    answer,
    problems,
)
from api.lines import as_lines, listed_of
from arien_flows.access.permissions import Permission
from arien_flows.account_workspace import OpenAccounts
from arien_flows.answers.account_entity import AccountEntityAnswer, account_entity_answer
from arien_flows.answers.account_why import AccountWhyAnswer, account_why_answer
from arien_flows.answers.conflicts import ConflictAnswer, ConflictPage, conflict_page
from arien_flows.answers.entity import (
    EntityAnswer,
    clustering_of,
    entity_answer,
    lag,
    tags_changed,
)
from arien_flows.answers.why import WhyAnswer, why_answer
from arien_flows.workspace import Reading

router = APIRouter(
    prefix="/v1/{network}", tags=["entities"], dependencies=[allow(Permission.READ_CHAIN)]
)

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
        _409="A reorganisation removed the place of the cursor.",
        _422="The text is not an address of the network.",
    )
    | as_lines(str),
)
def read_entity(
    http: Request,
    address: AddressPath,
    network: AnyNetworkDep,
    limit: PageLimit,
    cursor: Annotated[
        str | None, Query(description="`next_cursor` of the last page.", max_length=25_000)
    ] = None,
    profile: ProfileQuery = "strict",
) -> Response:
    """Return the entity with a page of its addresses, in the order of first appearance."""
    page = account_entity_answer if isinstance(network, OpenAccounts) else entity_answer
    return listed_of(
        http,
        network,
        profile,
        lambda reading, place: page(reading, address, limit=limit, cursor=place),
        cursor,
        "addresses",
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
    )
    | as_lines(ConflictAnswer),
)
def list_conflicts(
    http: Request,
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

    def page(reading: Reading, place: str | None) -> ConflictPage:
        clustering = clustering_of(reading)
        behind = lag(reading.view, clustering, "conflicts")
        cuts = (*behind, *tags_changed(reading, "conflicts"), *reading.limits)
        return conflict_page(
            reading.view, clustering, cuts, for_review=review, limit=limit, cursor=place
        )

    return listed_of(http, network, profile, page, cursor)
