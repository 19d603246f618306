"""Listings: collected documents, and what was found in them."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from api.callers import CallerDep, allow
from api.deps import Cursor, PageLimit, WorkspaceDep, answer, problems
from api.lines import as_lines, listed
from api.routers.tags import UNUSABLE
from arien_flows.access.permissions import Permission
from arien_flows.answers.listing_views import record_view
from arien_flows.answers.listings import (
    ListingDetail,
    ListingPage,
    ListingRecord,
    listing_detail,
    listing_page,
)

router = APIRouter(
    prefix="/v1/listings", tags=["listings"], dependencies=[allow(Permission.READ_LISTINGS)]
)


@router.get(
    "",
    operation_id="list_listings",
    summary="List collected documents",
    response_model=ListingPage,
    responses=UNUSABLE
    | problems(_422="A filter or the cursor is not valid.")
    | as_lines(ListingRecord),
)
def list_listings(
    http: Request,
    workspace: WorkspaceDep,
    limit: PageLimit,
    market: Annotated[
        str | None, Query(description="Only pages of this market.", max_length=200)
    ] = None,
    address: Annotated[
        str | None,
        Query(description="Only documents in which this address stands.", max_length=200),
    ] = None,
    cursor: Cursor = None,
) -> Response:
    """Return a page of captures in the order of their import, withdrawn documents included."""
    return listed(
        http,
        lambda place: listing_page(
            workspace.casebook, limit=limit, cursor=place, market=market, address=address
        ),
        cursor,
    )


@router.get(
    "/{sha256}",
    operation_id="read_listing",
    summary="Show a document with all that was found in it",
    response_model=ListingDetail,
    responses=UNUSABLE
    | problems(_404="No collected document has that hash.", _422="The text is no SHA-256."),
)
def read_listing(
    workspace: WorkspaceDep,
    caller: CallerDep,
    sha256: Annotated[
        str,
        Path(description="SHA-256 of the document.", pattern="^[0-9a-fA-F]{64}$", max_length=64),
    ],
) -> Response:
    """Return a document's captures, its readings, and the words around each address.

    Keys and seed phrases are hidden; of a document that holds any the evidence chain keeps that
    it was looked at.
    """
    detail = listing_detail(workspace.casebook, sha256)
    record_view(
        workspace.casebook, detail, reason="GET /v1/listings", at=datetime.now(UTC), by=caller.name
    )
    return answer(detail)
