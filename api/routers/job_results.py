"""What jobs made, as answers: the very bytes, or why there are none."""

from fastapi import Request
from fastapi.responses import FileResponse, Response

from api.errors import problem
from api.etags import entity_tag, is_known
from arien_flows.answers.jobs import job_answer, job_path
from arien_flows.casebook.job_records import Job, JobState
from arien_flows.jobs.kept_files import kept_file
from arien_flows.shapes import json_text
from arien_flows.workspace import Workspace

SOON = "1"
"""Seconds after which it makes sense to look again."""


def accepted(job: Job, preference: str | None = None) -> Response:
    """Tell that a job was taken on, and where to look for it."""
    headers = {"Location": job_path(job.id), "Retry-After": SOON}
    if preference is not None:
        headers["Preference-Applied"] = preference
    content = json_text(job_answer(job))
    return Response(content, 202, headers=headers, media_type="application/json")


def result_file(
    request: Request, workspace: Workspace, job: Job, name: str, *, is_download: bool = False
) -> Response:
    """Return a file of a job that succeeded, and say of any other why there is none."""
    if job.state is not JobState.SUCCEEDED:
        return _no_result(request, job)
    file, path = kept_file(workspace.settings.data, job, name)
    headers = {"ETag": entity_tag(file.sha256)}
    if is_known(request, file.sha256):
        return Response(status_code=304, headers=headers)
    return FileResponse(
        path,
        headers=headers,
        media_type=file.media_type,
        filename=file.name if is_download else None,
    )


def _no_result(request: Request, job: Job) -> Response:
    headers = {"Location": job_path(job.id)}
    if job.failure is not None:
        return problem(
            request,
            status=409,
            code="job_failed",
            title="It was not made: its job failed",
            detail=f"{job.failure.title}: {job.failure.detail}",
            headers=headers,
        )
    if job.state is JobState.CANCELLED:
        return problem(
            request,
            status=409,
            code="job_cancelled",
            title="It was not made: its job was cancelled",
            detail=f"{job.id} was cancelled: ask anew",
            headers=headers,
        )
    return problem(
        request,
        status=409,
        code="not_ready",
        title="It is still being made",
        detail=f"{job.id} is {job.state.value}: look at it until it has succeeded",
        headers={**headers, "Retry-After": SOON},
    )
