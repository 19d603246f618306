"""Vendors: the accounts that documents speak of, and what links them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from api.callers import allow
from api.deps import PageLimit, WorkspaceDep, answer, problems
from api.lines import as_lines, listed
from api.routers.vendor_profiles import MOST_BUDGET
from arien_flows.access.permissions import Permission
from arien_flows.answers.vendor import ProfileRequest, vendor_profile
from arien_flows.answers.vendor_account_shapes import (
    VendorAnswer,
    VendorLinkAnswer,
    VendorPage,
    VendorRecord,
)
from arien_flows.answers.vendor_accounts import Sort, VendorQuery, vendor_answer, vendors_answer
from arien_flows.answers.vendor_aliases import strict_reading_of
from arien_flows.answers.vendor_links import vendor_link_answer
from arien_flows.answers.vendor_shapes import VendorProfile
from arien_flows.prices.currencies import currency_named
from arien_flows.vendors.account import account_id

router = APIRouter(prefix="/v1/vendors", tags=["vendors"])

MarketPath = Annotated[
    str, Path(description="Short name of the market.", max_length=60, examples=["empire"])
]
HandlePath = Annotated[
    str, Path(description="The account's name there.", max_length=100, examples=["GreenShop"])
]
LedgerQuery = Annotated[
    str | None,
    Query(
        description="Network whose strict clustering names the entities of wallets, and links "
        "accounts under whose names one entity was paid; by default the only one with a ledger.",
        max_length=40,
    ),
]
UNUSABLE = problems(_500="The casebook cannot be used.", _503="The casebook is being written to.")


@router.get(
    "",
    operation_id="list_vendors",
    dependencies=[allow(Permission.READ_LISTINGS)],
    summary="List the accounts of vendors that documents speak of",
    response_model=VendorPage,
    responses=UNUSABLE
    | problems(_422="A filter or the cursor is not valid.")
    | as_lines(VendorRecord),
)
def list_vendors(
    http: Request,
    workspace: WorkspaceDep,
    limit: PageLimit,
    market: Annotated[
        str | None, Query(description="Only accounts of this market.", max_length=60)
    ] = None,
    sort: Annotated[Sort, Query(description="By name, or the largest or latest first.")] = "id",
    cursor: Annotated[
        str | None, Query(description="`next_cursor` of the last page.", max_length=100)
    ] = None,
) -> Response:
    """Return a page of accounts."""
    query = VendorQuery(market=market, sort=sort)
    return listed(
        http,
        lambda place: vendors_answer(workspace.casebook, query, limit=limit, cursor=place),
        cursor,
    )


@router.get(
    "/{market}/{handle}",
    operation_id="read_vendor",
    dependencies=[allow(Permission.READ_LISTINGS)],
    summary="Show what documents say of an account, and who else its owner is",
    response_model=VendorAnswer,
    responses=UNUSABLE
    | problems(
        _404="No document in effect speaks of such an account.",
        _422="The name is none, or the network has no clustering.",
    ),
)
def read_vendor(
    market: MarketPath, handle: HandlePath, workspace: WorkspaceDep, network: LedgerQuery = None
) -> Response:
    """Return keys, contacts, offers, sales, wallets and aliases, with the bytes that show them."""
    ledger = strict_reading_of(workspace, network)
    return answer(vendor_answer(workspace.casebook, account_id(market, handle), ledger))


@router.get(
    "/{market}/{handle}/links",
    operation_id="read_vendor_link",
    dependencies=[allow(Permission.READ_LISTINGS)],
    summary="Show what links two accounts",
    response_model=VendorLinkAnswer,
    responses=UNUSABLE
    | problems(
        _404="No document in effect speaks of one of them.", _422="Both are the same account."
    ),
)
def read_vendor_link(
    market: MarketPath,
    handle: HandlePath,
    workspace: WorkspaceDep,
    other: Annotated[
        str,
        Query(
            description="The other account: market and handle.",
            max_length=161,
            examples=["apollon/GreenShop"],
        ),
    ],
    network: LedgerQuery = None,
) -> Response:
    """Return the links between two accounts, what joins them over others, and what is alike."""
    ledger = strict_reading_of(workspace, network)
    named = account_id(market, handle)
    return answer(vendor_link_answer(workspace.casebook, named, other, ledger))


@router.get(
    "/{market}/{handle}/profile",
    operation_id="read_account_profile",
    dependencies=[allow(Permission.READ_CHAIN)],
    summary="Show what the chain shows of an account's wallets",
    response_model=VendorProfile,
    responses=UNUSABLE
    | problems(
        _404="No such account, no ledger or clustering, or documents name no wallet of it.",
        _422="The request is out of bounds, or several networks have a ledger.",
    ),
)
def read_account_profile(
    market: MarketPath,
    handle: HandlePath,
    workspace: WorkspaceDep,
    network: Annotated[
        str | None,
        Query(description="By default the only one that has a ledger.", max_length=40),
    ] = None,
    fiat: Annotated[str | None, Query(max_length=8)] = None,
    trace_budget: Annotated[int, Query(ge=0, le=MOST_BUDGET)] = 0,
) -> Response:
    """Return the vendor profile of all wallets that documents name as its owner's, as one wallet.

    Those of the owner's other accounts are joined by links between accounts, an inference.
    """
    request = ProfileRequest(
        subject=account_id(market, handle),
        currency=None if fiat is None else currency_named(fiat),
        trace_budget=trace_budget,
    )
    opened = workspace.open(network or workspace.choose())
    return answer(opened.ask(lambda reading: vendor_profile(reading, request)))
