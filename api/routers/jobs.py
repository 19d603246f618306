"""Jobs: what waits, how far it is, and what it made."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response, StreamingResponse

from api.callers import CallerDep, allow
from api.deps import PageLimit, WorkspaceDep, answer, problems
from api.etags import entity_tag, is_known
from api.routers.job_results import result_file
from api.routers.job_watching import changes
from api.visibility import no_such, require_case, require_seen
from arien_flows.access.permissions import Permission
from arien_flows.access.roles import Role
from arien_flows.answers.jobs import (
    JobAnswer,
    JobList,
    StateName,
    job_answer,
    progress_answer,
)
from arien_flows.casebook.job_records import DONE, Job, JobState
from arien_flows.errors import NotFoundError
from arien_flows.shapes import json_text
from arien_flows.workspace import Workspace

router = APIRouter(prefix="/v1", tags=["jobs"])

PAUSE_SECONDS = 15.0
"""A stream in which nothing happens says so this often, lest something on the way closes it."""

LONGEST_SECONDS = 900.0
"""After this long a stream ends, and the client asks again: keys may have been revoked."""

JobPath = Annotated[
    str,
    Path(
        description="Name of the job.",
        max_length=40,
        pattern=r"^[a-z0-9_]+$",
        examples=["job_01m856nn0b4q4gdpy405spg19n"],
    ),
]
Cursor = Annotated[
    str | None,
    Query(description="`next_cursor` of the last page.", max_length=40, pattern=r"^[a-z0-9_]+$"),
]


@router.get(
    "/jobs",
    operation_id="list_jobs",
    summary="List jobs",
    response_model=JobList,
    dependencies=[allow(Permission.READ_JOBS)],
    responses=problems(_422="A parameter is not valid."),
)
def list_jobs(
    caller: CallerDep,
    workspace: WorkspaceDep,
    limit: PageLimit,
    cursor: Cursor = None,
    kind: Annotated[
        Literal["trace", "batch"] | None, Query(description="Only jobs that do this.")
    ] = None,
    state: Annotated[StateName | None, Query(description="Only jobs in this state.")] = None,
) -> Response:
    """Return your own jobs and those of the cases that you see, the newest first."""
    sees_all = caller.role is Role.LOCAL
    book = workspace.casebook
    found = book.jobs.page(
        owner=None if sees_all else caller.name,
        cases=None if sees_all else book.cases.seen_by(caller),
        before=cursor,
        limit=limit + 1,
        kind=kind,
        state=None if state is None else JobState(state),
    )
    items, following = found[:limit], None
    if len(found) > limit:
        following = items[-1].id
    response = answer(JobList(items=tuple(job_answer(job) for job in items), next_cursor=following))
    if following is not None:
        named = [("kind", kind), ("state", state)]
        shown = "".join(f"&{name}={value}" for name, value in named if value is not None)
        response.headers["Link"] = f'</v1/jobs?limit={limit}&cursor={following}{shown}>; rel="next"'
    return response


@router.get(
    "/jobs/{job_id}",
    operation_id="read_job",
    summary="Show a job",
    response_model=JobAnswer,
    dependencies=[allow(Permission.READ_JOBS)],
    responses={
        304: {"description": "The job is as the `ETag` in `If-None-Match` names it."},
        **problems(_404="There is no such job, or it is not yours to see."),
    },
)
def read_job(job_id: JobPath, request: Request, workspace: WorkspaceDep) -> Response:
    """Return where a job stands; the `ETag` changes with it."""
    job = seen_job(request, workspace, job_id)
    version = f"{job.id}-{job.revision}"
    headers = {"ETag": entity_tag(version)}
    if is_known(request, version):
        return Response(status_code=304, headers=headers)
    response = answer(job_answer(job))
    response.headers.update(headers)
    return response


@router.delete(
    "/jobs/{job_id}",
    operation_id="cancel_job",
    summary="Cancel a job",
    response_model=JobAnswer,
    dependencies=[allow(Permission.READ_JOBS)],
    responses={
        202: {"description": "The job runs, and ends soon.", "model": JobAnswer},
        **problems(
            _403="You may read the case of the job and not change it.",
            _404="There is no such job, or it is not yours to see.",
            _409="The job has ended already.",
        ),
    },
)
def cancel_job(
    job_id: JobPath, request: Request, caller: CallerDep, workspace: WorkspaceDep
) -> Response:
    """End a job that waits, or ask for the end of one that runs: then it is 202, and soon over.

    A job that ends before its worker notices has succeeded, or failed, all the same.
    """
    seen = seen_job(request, workspace, job_id)
    if seen.case_id is not None and seen.owner != caller.name:
        require_case(request, seen.case_id, changes=True)
    job = workspace.casebook.jobs.cancel(job_id, datetime.now(UTC))
    return answer(job_answer(job), 200 if job.state in DONE else 202)


@router.get(
    "/jobs/{job_id}/events",
    operation_id="watch_job",
    summary="Be told of a job's changes as they happen",
    response_class=StreamingResponse,
    dependencies=[allow(Permission.READ_JOBS)],
    responses={
        200: {
            "description": "Server-sent events: `state` with the job, `progress` with how far it "
            "is. The id of an event is the version that it tells of.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        204: {"description": "The job has ended, and the client knows: no need to ask again."},
        **problems(_404="There is no such job, or it is not yours to see."),
    },
)
def watch_job(job_id: JobPath, request: Request, workspace: WorkspaceDep) -> Response:
    """Stream the states and the progress of a job until it ends.

    The first event is the present state. A client that lost the connection says in `Last-Event-ID`
    what it knows, and is told what is new; what came in between is not repeated. A stream ends with
    its job, and after a quarter of an hour in any case.
    """
    job = seen_job(request, workspace, job_id)
    known = request.headers.get("last-event-id")
    is_news = known != str(job.revision)
    if job.state in DONE and not is_news:
        return Response(status_code=204)
    return StreamingResponse(
        _events(request, job, is_news=is_news),
        media_type="text/event-stream",
        # Servers on the way would hold events back until there are enough of them.
        headers={"X-Accel-Buffering": "no"},
    )


@router.get(
    "/jobs/{job_id}/files/{name}",
    operation_id="fetch_job_file",
    summary="Fetch a file that a job made",
    response_class=Response,
    dependencies=[allow(Permission.READ_JOBS)],
    responses={
        200: {
            "description": "The bytes of the file; `ETag` is their SHA-256.",
            "content": {"application/octet-stream": {}},
        },
        206: {"description": "The part that `Range` names."},
        304: {"description": "The file is the one that `If-None-Match` names."},
        416: {"description": "The file has no such part."},
        **problems(
            _404="There is no such job or file, or it is not yours to see.",
            _409="The job has not succeeded.",
            _500="The file is gone, or not what it was.",
        ),
    },
)
def fetch_job_file(
    job_id: JobPath,
    name: Annotated[str, Path(description="Name of the file.", max_length=100)],
    request: Request,
    workspace: WorkspaceDep,
) -> Response:
    """Return the bytes of a file, which never change; `Range` fetches a part."""
    job = seen_job(request, workspace, job_id)
    return result_file(request, workspace, job, name, is_download=True)


def seen_job(request: Request, workspace: Workspace, job_id: str) -> Job:
    """Return a job that the caller may see; `NotFoundError` for any other."""
    try:
        job = workspace.casebook.jobs.read(job_id)
    except NotFoundError:
        raise no_such(job_id) from None
    require_seen(request, job_id, owner=job.owner, case_id=job.case_id)
    return job


async def _events(request: Request, job: Job, *, is_news: bool) -> AsyncIterator[str]:
    yield "retry: 2000\n\n"
    if is_news:
        yield _event(job, "state")
    shown = _without_progress(job)
    async for found in changes(request, job, pause=PAUSE_SECONDS, longest=LONGEST_SECONDS):
        if found is None:
            yield ": nothing new\n\n"
            continue
        before, shown = shown, _without_progress(found)
        yield _event(found, "progress" if shown == before else "state")


def _without_progress(job: Job) -> tuple[object, ...]:
    return job.state, job.is_cancelling, job.attempts


def _event(job: Job, kind: str) -> str:
    told = json_text(progress_answer(job) if kind == "progress" else job_answer(job))
    return f"id: {job.revision}\nevent: {kind}\ndata: {told}\n\n"
