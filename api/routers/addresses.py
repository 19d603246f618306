"""Addresses: summary, transactions, entity."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.callers import allow
from api.deps import (
    AddressPath,
    AnyNetworkDep,
    PageLimit,
    ProfileQuery,
    answer,
    problems,
)
from api.lines import as_lines, listed_of
from arien_flows.access.permissions import Permission
from arien_flows.account_workspace import OpenAccounts
from arien_flows.answers.account_address import AccountAnswer, account_answer
from arien_flows.answers.account_entity import AccountEntityAnswer, account_entity_answer
from arien_flows.answers.account_history import AccountHistoryAnswer, account_history_answer
from arien_flows.answers.account_ranking import (
    MOST_LISTED,
    MOST_PUSHES,
    RankingAnswer,
    RankingRequest,
    ranked,
)
from arien_flows.answers.address import AddressAnswer, address_answer
from arien_flows.answers.entity import EntityAnswer, entity_answer
from arien_flows.answers.history import HistoryAnswer, HistoryRow, Order, history_answer
from arien_flows.errors import InputError
from heuristics.ranking import Variant

router = APIRouter(
    prefix="/v1/{network}/addresses",
    tags=["addresses"],
    dependencies=[allow(Permission.READ_CHAIN)],
)

REFUSALS = problems(
    _404="The network has no ledger here, or the address was never used up to its last block.",
    _422="The text is not an address of the network; the answer names the fault.",
)


@router.get(
    "/{address}",
    operation_id="read_address",
    summary="Summarise an address",
    response_model=AddressAnswer | AccountAnswer,
    responses=REFUSALS,
)
def read_address(
    address: AddressPath, network: AnyNetworkDep, profile: ProfileQuery = "strict"
) -> Response:
    """Return totals (facts), entity (inference) and tags (attributions) of an address.

    A chain of accounts tells balances of tokens, too, and what the account is.
    """
    if isinstance(network, OpenAccounts):
        return answer(network.ask(lambda reading: account_answer(reading, address), profile))
    return answer(network.ask(lambda reading: address_answer(reading, address), profile))


@router.get(
    "/{address}/transactions",
    operation_id="list_address_transactions",
    summary="List the transactions of an address",
    response_model=HistoryAnswer | AccountHistoryAnswer,
    responses=REFUSALS
    | problems(_409="A reorganisation removed the place of the cursor.")
    | as_lines(HistoryRow),
)
def list_address_transactions(
    http: Request,
    address: AddressPath,
    network: AnyNetworkDep,
    limit: PageLimit,
    order: Annotated[Order, Query(description="Which end comes first.")] = "newest",
    cursor: Annotated[
        str | None, Query(description="`next_cursor` of the last page.", max_length=100)
    ] = None,
    show_all: Annotated[
        bool,
        Query(
            alias="all",
            description="Of a chain of accounts: show dust and poison, too, which strangers made "
            "to be seen.",
        ),
    ] = False,
) -> Response:
    """Return a page of transactions; `next_cursor` and the `Link` header lead to the next."""
    if isinstance(network, OpenAccounts):
        return listed_of(
            http,
            network,
            "strict",
            lambda reading, place: account_history_answer(
                reading, address, limit=limit, order=order, cursor=place, show_all=show_all
            ),
            cursor,
        )
    if show_all:
        raise InputError("`all` is for chains of accounts: leave it out")
    return listed_of(
        http,
        network,
        "strict",
        lambda reading, place: history_answer(
            reading, address, limit=limit, order=order, cursor=place
        ),
        cursor,
    )


@router.get(
    "/{address}/entity",
    operation_id="read_entity_of_address",
    summary="Show the entity that an address belongs to",
    response_model=EntityAnswer | AccountEntityAnswer,
    responses=REFUSALS
    | problems(_409="A reorganisation removed the place of the cursor.")
    | as_lines(str),
)
def read_entity_of_address(
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
    "/{address}/next",
    operation_id="rank_accounts_around",
    summary="Rank the accounts around one: what to look at next",
    response_model=RankingAnswer,
    responses=REFUSALS,
)
def rank_accounts_around(
    address: AddressPath,
    network: AnyNetworkDep,
    asset: Annotated[
        str | None,
        Query(
            max_length=100,
            description="The coin, the symbol of a listed token, or a token's contract; by default "
            "all.",
        ),
    ] = None,
    by: Annotated[Variant, Query(description="How attention is shared out.")] = Variant.REDIRECT,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED, description="Most accounts listed.")] = 20,
    budget: Annotated[
        int, Query(ge=1, le=MOST_PUSHES, description="How often attention may be passed on.")
    ] = 500,
) -> Response:
    """Return a ranking on a chain of accounts; it says nothing about amounts or guilt."""
    if not isinstance(network, OpenAccounts):
        raise InputError("accounts are ranked on chains of accounts, such as ethereum")
    request = RankingRequest(address=address, asset=asset, by=by.value, limit=limit, budget=budget)
    return answer(network.ask(lambda reading: ranked(reading, request)))
