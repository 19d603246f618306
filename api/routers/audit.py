"""The audit log: who asked or did what. Reading it is recorded like anything else."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import AwareDatetime

from api.callers import allow
from api.deps import PageLimit, WorkspaceDep, answer, problems
from arien_flows.access.permissions import Permission
from arien_flows.answers.audit import (
    AuditHead,
    AuditPage,
    audit_head,
    audit_page,
    export_lines,
)
from arien_flows.audit.reading import AuditFilter
from arien_flows.audit.verify import AuditVerification
from arien_flows.casebook.evidence_verify import head_named

LINES = "application/jsonl"

router = APIRouter(prefix="/v1/audit", tags=["audit"])

LISTED: dict[int | str, dict[str, object]] = {
    200: {
        "description": "One row a line, the oldest first, with both hashes.",
        "content": {LINES: {"schema": {"type": "string"}}},
    }
}
REFUSALS = problems(_403="The caller may not read the audit log.", _503="It cannot be read now.")


async def filter_of(
    caller: Annotated[
        str | None, Query(max_length=200, description="Only what this caller asked or did.")
    ] = None,
    case: Annotated[
        str | None, Query(max_length=100, description="Only what belongs to this case.")
    ] = None,
    operation: Annotated[
        str | None, Query(max_length=100, description="Only this operation id.")
    ] = None,
    request_id: Annotated[
        str | None, Query(max_length=64, description="Only this request.")
    ] = None,
    since: Annotated[
        AwareDatetime | None, Query(description="First moment, with its zone.")
    ] = None,
    until: Annotated[
        AwareDatetime | None, Query(description="First moment after, with its zone.")
    ] = None,
) -> AuditFilter:
    """Return which rows are meant."""
    return AuditFilter(
        caller=caller,
        case_id=case,
        operation=operation,
        request_id=request_id,
        since=since,
        until=until,
    )


FilterDep = Annotated[AuditFilter, Depends(filter_of)]


@router.get(
    "",
    operation_id="list_audit",
    summary="List who asked or did what",
    response_model=AuditPage,
    responses=REFUSALS,
    dependencies=[allow(Permission.READ_AUDIT)],
)
def list_audit(
    workspace: WorkspaceDep,
    wanted: FilterDep,
    limit: PageLimit,
    cursor: Annotated[
        str | None,
        Query(max_length=18, pattern="^[0-9]+$", description="`next_cursor` of the last page."),
    ] = None,
) -> Response:
    """Return a page of the log, the newest rows first.

    An act has two rows of one `request_id`: one from before it was done, without an outcome, and
    one with what came of it. Where the second is missing, the process ended in between.
    """
    before = None if cursor is None else int(cursor)
    page = audit_page(workspace.audit, wanted, before=before, limit=limit)
    response = answer(page)
    if page.next_cursor is not None:
        response.headers["Link"] = f'<?limit={limit}&cursor={page.next_cursor}>; rel="next"'
    return response


@router.get(
    "/export",
    operation_id="export_audit",
    summary="Export the log as lines of JSON",
    response_class=StreamingResponse,
    responses=LISTED | REFUSALS,
    dependencies=[allow(Permission.READ_AUDIT)],
)
def export_audit(workspace: WorkspaceDep, wanted: FilterDep) -> Response:
    """Stream all rows that are meant, up to the one that is the last when it begins.

    Each line is canonical JSON, so that hashes can be checked without this service: with
    `prev_hash` and `row_hash` taken out, `sha256(prev_hash || JSON with its names in order, without
    spaces, in ASCII)` is `row_hash`.
    """
    name = "attachment; filename=audit.jsonl"
    lines = export_lines(workspace.audit, wanted)
    return StreamingResponse(lines, media_type=LINES, headers={"Content-Disposition": name})


@router.get(
    "/head",
    operation_id="read_audit_head",
    summary="Show the last row of the log",
    response_model=AuditHead,
    responses=REFUSALS,
    dependencies=[allow(Permission.READ_AUDIT)],
)
def read_audit_head(workspace: WorkspaceDep) -> Response:
    """Return the number and hash that stand for everything that is recorded.

    The row about this very question is the next one.
    """
    return answer(audit_head(workspace.audit))


@router.get(
    "/verification",
    operation_id="verify_audit",
    summary="Check the log",
    response_model=AuditVerification,
    responses=REFUSALS,
    dependencies=[allow(Permission.READ_AUDIT)],
)
def verify_audit(
    workspace: WorkspaceDep,
    expect: Annotated[
        str | None,
        Query(
            max_length=90,
            description="A head that was kept elsewhere, as SEQ:HASH: it has to be in the log.",
        ),
    ] = None,
) -> Response:
    """Check every row against its hash and the row before, and that nothing lets rows be changed.

    Reads the whole log: about ten seconds for a million rows.
    """
    expected = None if expect is None else head_named(expect)
    return answer(workspace.audit.verify(expected=expected))
