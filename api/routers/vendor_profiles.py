"""Wallets as if they were vendors'."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api.callers import allow
from api.deps import AddressPath, NetworkDep, answer, problems
from arien_flows.access.permissions import Permission
from arien_flows.answers.vendor import ProfileRequest, vendor_profile
from arien_flows.answers.vendor_shapes import VendorProfile
from arien_flows.prices.currencies import currency_named

router = APIRouter(
    prefix="/v1/{network}/entities", tags=["entities"], dependencies=[allow(Permission.READ_CHAIN)]
)

MOST_BUDGET = 20_000
"""Transactions that a trace of the cash-out may look at here."""


@router.get(
    "/{address}/vendor-profile",
    operation_id="read_vendor_profile",
    summary="Show a wallet as if it were a vendor's",
    response_model=VendorProfile,
    responses=problems(
        _404="No ledger, no such address or account, or no clustering yet.",
        _422="The text is not an address of the network, or the request is out of bounds.",
    ),
)
def read_vendor_profile(
    address: AddressPath,
    network: NetworkDep,
    account: Annotated[str | None, Query(max_length=200)] = None,
    fiat: Annotated[str | None, Query(max_length=8)] = None,
    trace_budget: Annotated[int, Query(ge=0, le=MOST_BUDGET)] = 0,
) -> Response:
    """Return score and evidence, wallets, markets, revenue, stable pairs and cash-out.

    `account` (`MARKET/HANDLE`) is an account in documents whose price list and hours the wallet is
    held against.
    The first question about a state of the ledger reads all that markets pay out, which takes
    seconds on a large one; later ones do not.
    """
    request = ProfileRequest(
        subject=address,
        account=account,
        currency=None if fiat is None else currency_named(fiat),
        trace_budget=trace_budget,
    )
    return answer(network.ask(lambda reading: vendor_profile(reading, request)))
