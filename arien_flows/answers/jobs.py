"""Jobs as the service tells of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from arien_flows.casebook.job_records import RESULT_PLACES, Job, JobFile, JobState
from arien_flows.shapes import Shape

StateName = Literal["queued", "running", "succeeded", "failed", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressAnswer(Shape):
    """How far a job is."""

    done: int
    """How much is done, in `unit`."""

    total: int | None
    """How much there is to do; nothing where that is not known beforehand."""

    unit: str
    """What is counted; empty before the job has begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureAnswer(Shape):
    """Why a job failed, in the words of a problem document."""

    code: str
    """Stable name of the kind of failure, for programs."""

    title: str
    """The kind of failure in words."""

    detail: str
    """What was wrong in this case, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFileAnswer(Shape):
    """A file that a job made."""

    name: str
    """Name of the file."""

    media_type: str
    """What it holds."""

    size: int
    """Its length in bytes."""

    sha256: str
    """Hash of its bytes, which never change."""

    path: str
    """Where to fetch it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAnswer(Shape):
    """A piece of long work: where it stands, and what came of it."""

    id: str
    """Name of the job."""

    kind: str
    """What it does: `trace` or `batch`."""

    state: StateName
    """`queued` and `running` become one of the others, which are final."""

    subject: str
    """Name of what it makes."""

    result: str | None
    """Where the result is; nothing before the job has succeeded."""

    owner: str
    """Who asked for it."""

    case_id: str | None
    """The case that it belongs to."""

    progress: ProgressAnswer
    """How far the present attempt is."""

    attempts: int
    """How often a worker has begun it: more than once where a worker was lost."""

    is_cancelling: bool
    """Whether somebody asked for its end and its worker has not noticed yet."""

    created_at: datetime
    """When it was asked for."""

    started_at: datetime | None
    """When a worker began it last."""

    finished_at: datetime | None
    """When it reached its final state."""

    failure: FailureAnswer | None
    """Why it failed, if it did."""

    files: tuple[JobFileAnswer, ...]
    """What it made; nothing before it has succeeded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobList(Shape):
    """A page of jobs, the newest first."""

    items: tuple[JobAnswer, ...]
    """The jobs."""

    next_cursor: str | None
    """Leads to the next page; nothing on the last one."""


def job_path(job_id: str) -> str:
    """Return where the service tells of a job."""
    return f"/v1/jobs/{job_id}"


def result_path(job: Job) -> str:
    """Return where the service tells of what a job makes."""
    return f"{RESULT_PLACES[job.kind]}/{job.subject}"


def job_answer(job: Job) -> JobAnswer:
    """Return what the service says of a job."""
    has_result = job.state is JobState.SUCCEEDED and job.kind in RESULT_PLACES
    failure = job.failure
    return JobAnswer(
        id=job.id,
        kind=job.kind,
        state=job.state.value,
        subject=job.subject,
        result=result_path(job) if has_result else None,
        owner=job.owner,
        case_id=job.case_id,
        progress=progress_answer(job),
        attempts=job.attempts,
        is_cancelling=job.is_cancelling,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        failure=None
        if failure is None
        else FailureAnswer(code=failure.code, title=failure.title, detail=failure.detail),
        files=tuple(_file(job, file) for file in job.files),
    )


def progress_answer(job: Job) -> ProgressAnswer:
    """Return how far a job is."""
    progress = job.progress
    return ProgressAnswer(done=progress.done, total=progress.total, unit=progress.unit)


def _file(job: Job, file: JobFile) -> JobFileAnswer:
    return JobFileAnswer(
        name=file.name,
        media_type=file.media_type,
        size=file.size,
        sha256=file.sha256,
        path=f"{job_path(job.id)}/files/{file.name}",
    )
