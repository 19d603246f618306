"""Files of cases: attachments, and copies of what traces and batches made.

A body is written to the disk as it comes, and never held whole. It is given back as a download
only: with the media type that its own bytes say, never guessed by a browser, never shown by one.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, Response
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.callers import CallerDep, allow
from api.deps import PageLimit, WorkspaceDep, answer, linked, problems
from api.etags import entity_tag, is_known
from api.routers.case_parts import (
    CHANGING,
    UNSEEN,
    UNSEEN_PART,
    Body,
    CasePath,
    FilePath,
    NameCursor,
    Remark,
    ResultPath,
    item_response,
    now,
)
from api.visibility import no_such, require_case, require_seen
from arien_flows.access.permissions import Permission
from arien_flows.answers.case_content import (
    FileAnswer,
    FilePage,
    ResultAnswer,
    ResultPage,
    file_answer,
    files_answer,
    result_answer,
    results_answer,
)
from arien_flows.casebook.case_records import Certainty
from arien_flows.cases.attaching import (
    LONGEST_NAME,
    Offer,
    attach,
    attach_job,
    plain_name,
    store_of,
)
from arien_flows.cases.deadlines import remove_doomed
from arien_flows.errors import NotFoundError
from arien_flows.shapes import Certainty as CertaintyName

PATH = r"/v1/cases/[^/]+/files"
"""Where a body is a file, which is written to the disk as it comes: a pattern."""

router = APIRouter(prefix="/v1", tags=["cases"])

BYTES: dict[str, Any] = {
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
}

DOWNLOADED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bytes, under the media type they have.", "content": BYTES},
    206: {"description": "The part that `Range` asks for.", "content": BYTES},
    304: {"description": "The bytes are those that `If-None-Match` names."},
    416: {"description": "The file has no such part."},
}

DOWNLOAD_ONLY = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
"""With these a browser shows nothing of it, whatever it holds."""


class ResultBody(Body):
    """A trace or batch that shall be kept with a case."""

    subject: Annotated[str, Field(max_length=40, pattern=r"^(trace|batch)_[0-9a-z]{26}$")]
    """Its name: `trace_…` or `batch_…`. It has to have succeeded."""

    note: Remark = ""
    """What there is to say of it."""


@router.post(
    "/cases/{case_id}/files",
    operation_id="attach_case_file",
    summary="Attach a file to a case",
    status_code=201,
    response_model=FileAnswer,
    dependencies=[allow(Permission.WRITE_CASES)],
    responses=UNSEEN
    | CHANGING
    | problems(_400="The body ended early.", _413="The file is too long: see ARIEN_FILE_BYTES."),
    openapi_extra={"requestBody": {"required": True, "content": BYTES}},
)
async def attach_case_file(
    case_id: CasePath,
    request: Request,
    caller: CallerDep,
    workspace: WorkspaceDep,
    name: Annotated[
        str,
        Query(description="What it is called.", min_length=1, max_length=LONGEST_NAME),
    ] = "attachment",
    certainty: Annotated[CertaintyName, Query(description="What its content rests on.")] = "fact",
    note: Annotated[str, Query(description="What else to say of it.", max_length=2_000)] = "",
) -> Response:
    """Attach the bytes of the body, whatever they are. They are kept once for all cases."""
    await run_in_threadpool(require_case, request, case_id, changes=True)
    offer = Offer(name=plain_name(name), certainty=Certainty(certainty), note=note)
    with store_of(workspace).receiving() as receiving:
        try:
            async for piece in request.stream():
                await run_in_threadpool(receiving.write, piece)
        except ClientDisconnect as error:
            raise HTTPException(400, "the body ended early: nothing was kept") from error
        file = await run_in_threadpool(
            attach, workspace, case_id, receiving, offer, now=now(), by=caller.name
        )
    response = item_response(file_answer(file), 201)
    response.headers["Location"] = f"/v1/cases/{case_id}/files/{file.id}"
    return response


@router.get(
    "/cases/{case_id}/files",
    operation_id="list_case_files",
    summary="List the attachments of a case",
    response_model=FilePage,
    dependencies=[allow(Permission.READ_CASES)],
    responses=UNSEEN | problems(_422="The cursor is not valid."),
)
def list_case_files(
    case_id: CasePath,
    request: Request,
    workspace: WorkspaceDep,
    limit: PageLimit,
    cursor: NameCursor = None,
) -> Response:
    """Return a page of attachments, the newest first."""
    require_case(request, case_id, changes=False)
    content = workspace.casebook.cases.content
    page = files_answer(content.files(case_id, before=cursor, limit=limit + 1), limit)
    return linked(answer(page), request, page.next_cursor)


@router.get(
    "/cases/{case_id}/files/{file_id}",
    operation_id="read_case_file",
    summary="Show what is known of a file",
    response_model=FileAnswer,
    dependencies=[allow(Permission.READ_CASES)],
    responses=UNSEEN_PART,
)
def read_case_file(
    case_id: CasePath, file_id: FilePath, request: Request, workspace: WorkspaceDep
) -> Response:
    """Return a file without its bytes; also one that a trace or batch made."""
    require_case(request, case_id, changes=False)
    return item_response(file_answer(workspace.casebook.cases.content.file(case_id, file_id)))


@router.get(
    "/cases/{case_id}/files/{file_id}/content",
    operation_id="download_case_file",
    summary="Download a file of a case",
    response_class=FileResponse,
    dependencies=[allow(Permission.READ_CASES)],
    responses=DOWNLOADED | UNSEEN_PART,
)
def download_case_file(
    case_id: CasePath, file_id: FilePath, request: Request, workspace: WorkspaceDep
) -> Response:
    """Return the bytes of a file, to be saved and never to be shown by a browser."""
    require_case(request, case_id, changes=False)
    file = workspace.casebook.cases.content.file(case_id, file_id)
    headers = {"ETag": entity_tag(file.content.sha256), **DOWNLOAD_ONLY}
    if is_known(request, file.content.sha256):
        return Response(status_code=304, headers=headers)
    return FileResponse(
        store_of(workspace).path(file.content),
        media_type=file.content.media_type,
        filename=file.name,
        headers=headers,
    )


@router.delete(
    "/cases/{case_id}/files/{file_id}",
    operation_id="remove_case_file",
    summary="Remove an attachment",
    status_code=204,
    response_class=Response,
    dependencies=[allow(Permission.WRITE_CASES)],
    responses=UNSEEN_PART | CHANGING,
)
def remove_case_file(
    case_id: CasePath,
    file_id: FilePath,
    request: Request,
    caller: CallerDep,
    workspace: WorkspaceDep,
) -> Response:
    """Take a file out of a case; its bytes go where no other case holds them."""
    require_case(request, case_id, changes=True)
    moment = now()
    content = workspace.casebook.cases.content
    content.remove_file(case_id, file_id, now=moment, by=caller.name)
    remove_doomed(workspace, moment)
    return Response(status_code=204)


@router.post(
    "/cases/{case_id}/traces",
    operation_id="attach_case_trace",
    summary="Keep a trace or batch with a case",
    status_code=201,
    response_model=ResultAnswer,
    dependencies=[allow(Permission.WRITE_CASES)],
    responses=UNSEEN_PART | CHANGING,
)
def attach_case_trace(
    case_id: CasePath,
    body: ResultBody,
    request: Request,
    caller: CallerDep,
    workspace: WorkspaceDep,
) -> Response:
    """Keep copies of all files of a finished trace or batch of yours, or of this case."""
    require_case(request, case_id, changes=True)
    try:
        job = workspace.casebook.jobs.of_subject(body.subject)
    except NotFoundError as error:
        raise no_such(body.subject) from error
    require_seen(request, body.subject, owner=job.owner, case_id=job.case_id)
    result = attach_job(workspace, case_id, job, note=body.note, now=now(), by=caller.name)
    response = item_response(result_answer(result), 201)
    response.headers["Location"] = f"/v1/cases/{case_id}/traces/{result.id}"
    return response


@router.get(
    "/cases/{case_id}/traces",
    operation_id="list_case_traces",
    summary="List the traces and batches of a case",
    response_model=ResultPage,
    dependencies=[allow(Permission.READ_CASES)],
    responses=UNSEEN | problems(_422="The cursor is not valid."),
)
def list_case_traces(
    case_id: CasePath,
    request: Request,
    workspace: WorkspaceDep,
    limit: PageLimit,
    cursor: NameCursor = None,
) -> Response:
    """Return a page of traces and batches that are kept with a case, the newest first."""
    require_case(request, case_id, changes=False)
    content = workspace.casebook.cases.content
    page = results_answer(content.results(case_id, before=cursor, limit=limit + 1), limit)
    return linked(answer(page), request, page.next_cursor)


@router.get(
    "/cases/{case_id}/traces/{result_id}",
    operation_id="read_case_trace",
    summary="Show a trace or batch of a case",
    response_model=ResultAnswer,
    dependencies=[allow(Permission.READ_CASES)],
    responses=UNSEEN_PART,
)
def read_case_trace(
    case_id: CasePath, result_id: ResultPath, request: Request, workspace: WorkspaceDep
) -> Response:
    """Return what was asked, and the files, which are downloaded like attachments."""
    require_case(request, case_id, changes=False)
    content = workspace.casebook.cases.content
    return item_response(result_answer(content.result(case_id, result_id)))


@router.delete(
    "/cases/{case_id}/traces/{result_id}",
    operation_id="remove_case_trace",
    summary="Take a trace or batch out of a case",
    status_code=204,
    response_class=Response,
    dependencies=[allow(Permission.WRITE_CASES)],
    responses=UNSEEN_PART | CHANGING,
)
def remove_case_trace(
    case_id: CasePath,
    result_id: ResultPath,
    request: Request,
    caller: CallerDep,
    workspace: WorkspaceDep,
) -> Response:
    """Take a result and the copies of its files out of a case; the job itself stays."""
    require_case(request, case_id, changes=True)
    moment = now()
    content = workspace.casebook.cases.content
    content.remove_result(case_id, result_id, now=moment, by=caller.name)
    remove_doomed(workspace, moment)
    return Response(status_code=204)
