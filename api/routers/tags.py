"""Tags: what sources say of addresses, the documents it stands in, and their imports."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from api.callers import CallerDep, allow
from api.deps import AddressPath, Cursor, PageLimit, WorkspaceDep, answer, problems
from api.lines import as_lines, listed
from arien_flows.access.permissions import Permission
from arien_flows.answers.address_tags import AddressTagsAnswer, known_tags_answer
from arien_flows.answers.tag_imports import (
    ImportReport,
    TagImportAnswer,
    TagImportDetail,
    TagImportPage,
    import_answer,
    import_detail,
    import_report,
    imports_answer,
)
from arien_flows.answers.tag_records import TagPage, TagRecord, known_networks, tag_filter, tag_page
from arien_flows.attribution.formats import TAGPACK
from arien_flows.errors import ForbiddenError, InputError
from chains.bitcoin.networks import BITCOIN
from chains.networks import any_network

router = APIRouter(prefix="/v1", tags=["tags"])

YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
NetworkPath = Annotated[
    str, Path(description="Name of the network.", max_length=40, examples=["bitcoin"])
]
ImportPath = Annotated[int, Path(description="Number of the import.", ge=1, le=2**31 - 1)]

IMPORTED: dict[int | str, dict[str, object]] = {
    200: {"description": "The same document was imported before; nothing was changed."},
    201: {"description": "The document was imported.", "model": ImportReport},
}
UNUSABLE = problems(_500="The casebook cannot be used.", _503="The casebook is being written to.")


@router.get(
    "/{network}/addresses/{address}/tags",
    operation_id="list_address_tags",
    dependencies=[allow(Permission.READ_TAGS)],
    summary="List what sources say of an address and its entity",
    response_model=AddressTagsAnswer,
    responses=UNUSABLE
    | problems(
        _404="No such network.",
        _422="The text is not an address of the network; the answer names the fault.",
    ),
)
def list_address_tags(
    address: AddressPath, network: NetworkPath, workspace: WorkspaceDep
) -> Response:
    """Return tags with their documents; of an unused address those of the address alone."""
    today = datetime.now(UTC).date()
    return answer(known_tags_answer(workspace, network, address, on=today))


@router.get(
    "/tags",
    operation_id="list_tags",
    dependencies=[allow(Permission.READ_TAGS)],
    summary="List the tags in effect",
    response_model=TagPage,
    responses=UNUSABLE
    | problems(_404="No such network.", _422="A filter or the cursor is not valid.")
    | as_lines(TagRecord),
)
def list_tags(
    http: Request,
    workspace: WorkspaceDep,
    limit: PageLimit,
    network: Annotated[
        str | None, Query(description="Only tags of this network.", max_length=40)
    ] = None,
    address: Annotated[
        str | None,
        Query(
            description="Only tags of this address or transaction id; needs `network`.",
            max_length=25_000,
        ),
    ] = None,
    label: Annotated[
        str | None,
        Query(description="Only tags whose label holds this, in any case.", max_length=200),
    ] = None,
    creator: Annotated[
        str | None, Query(description="Only tags of this creator.", max_length=200)
    ] = None,
    cursor: Cursor = None,
) -> Response:
    """Return a page of tags, in the order of their import."""
    wanted = tag_filter(
        network=network,
        subject=address,
        label=label,
        creator=creator,
        known=known_networks(workspace.casebook),
    )
    return listed(
        http,
        lambda place: tag_page(workspace.casebook, wanted, limit=limit, cursor=place),
        cursor,
    )


@router.get(
    "/tags/imports",
    operation_id="list_tag_imports",
    dependencies=[allow(Permission.READ_TAGS)],
    summary="List the imports of tags",
    response_model=TagImportPage,
    responses=UNUSABLE | problems(_422="The cursor is not valid.") | as_lines(TagImportAnswer),
)
def list_tag_imports(
    http: Request, workspace: WorkspaceDep, limit: PageLimit, cursor: Cursor = None
) -> Response:
    """Return a page of imports, in the order in which they were made, withdrawn ones included."""
    return listed(
        http, lambda place: imports_answer(workspace.casebook, limit=limit, cursor=place), cursor
    )


@router.get(
    "/tags/imports/{number}",
    operation_id="read_tag_import",
    dependencies=[allow(Permission.READ_TAGS)],
    summary="Show an import with the rows that could not be used",
    response_model=TagImportDetail,
    responses=UNUSABLE
    | problems(_404="There is no import of that number.", _422="The number is not valid."),
)
def read_tag_import(number: ImportPath, workspace: WorkspaceDep) -> Response:
    """Return one import."""
    return answer(import_detail(workspace.casebook, number))


@router.post(
    "/tags/imports",
    operation_id="import_tags",
    dependencies=[allow(Permission.PROPOSE_TAGS)],
    summary="Import a TagPack",
    response_model=ImportReport,
    responses=IMPORTED
    | UNUSABLE
    | problems(
        _404="No such network.",
        _413="The body is too long; the command line imports larger files.",
        _415="The body is not YAML.",
        _422="The body is no TagPack; the answer names the fault.",
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/yaml": {"schema": {"type": "string"}}},
        }
    },
)
async def import_tags(
    request: Request,
    workspace: WorkspaceDep,
    caller: CallerDep,
    network: Annotated[
        str, Query(description="The network that `BTC` or `ETH` means in it.", max_length=40)
    ] = BITCOIN.name,
    name: Annotated[
        str, Query(description="Name under which the document is kept.", max_length=200)
    ] = "upload.yaml",
) -> Response:
    """Import a document whole. Rows that cannot be used are listed, and the others taken over."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in YAML_TYPES:
        raise HTTPException(415, "send a TagPack as application/yaml")
    assumed = any_network(network).name
    raw = await request.body()
    outcome = await run_in_threadpool(
        workspace.casebook.import_tagpack,
        raw,
        name=name,
        network=assumed,
        now=datetime.now(UTC),
        by=caller.name,
    )
    report = import_report(outcome, TAGPACK)
    if report.error is not None:
        raise InputError(report.error)
    response = answer(report, 201 if outcome.is_new else 200)
    response.headers["Location"] = f"/v1/tags/imports/{outcome.record.id}"
    return response


class WithdrawalBody(BaseModel):
    """Why an import shall no longer count."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)

    reason: Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"\S")]
    """In your own words; it is kept with the import."""


@router.post(
    "/tags/imports/{number}/withdrawal",
    operation_id="withdraw_tag_import",
    dependencies=[allow(Permission.PROPOSE_TAGS)],
    summary="Take an import out of effect",
    response_model=TagImportAnswer,
    responses=UNUSABLE
    | problems(
        _404="There is no import of that number.",
        _413="The body is too long.",
        _422="It was withdrawn before, or no reason is given.",
    ),
)
def withdraw_tag_import(
    number: ImportPath, body: WithdrawalBody, workspace: WorkspaceDep, caller: CallerDep
) -> Response:
    """Withdraw an import. Nothing is deleted, and what it superseded speaks again.

    One's own; those of others are withdrawn by whoever may approve tags.
    """
    made_by = workspace.casebook.read_import(number).imported_by
    if made_by != caller.name and not caller.may(Permission.APPROVE_TAGS):
        raise ForbiddenError(
            f"import {number} was made by {made_by}: whoever approves tags withdraws it"
        )
    record = workspace.casebook.withdraw(
        number, reason=body.reason.strip(), now=datetime.now(UTC), by=caller.name
    )
    return answer(import_answer(record))
