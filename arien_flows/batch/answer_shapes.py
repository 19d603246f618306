"""Batches as the service tells of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from arien_flows.answers.jobs import (
    FailureAnswer,
    JobFileAnswer,
    ProgressAnswer,
    StateName,
    job_answer,
    job_path,
)
from arien_flows.batch.job import asked_in
from arien_flows.batch.request import BatchRequest
from arien_flows.batch.row_shapes import BatchRow
from arien_flows.casebook.job_records import Job
from arien_flows.shapes import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTable(Shape):
    """The table that was sent."""

    name: str
    """Its name."""

    sha256: str
    """Hash of its bytes as they came."""

    rows: int
    """Rows that can be answered."""

    faults: int
    """Rows that cannot; they are in the results, and say why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAnswer(Shape):
    """A batch: what was asked, where it stands, and what came of it."""

    id: str
    """Name of the batch."""

    job: str
    """Path of the job that makes it: there it is watched and cancelled."""

    state: StateName
    """`queued` and `running` become one of the others, which are final."""

    progress: ProgressAnswer
    """How far it is."""

    owner: str
    """Who asked for it."""

    case_id: str | None
    """The case that it belongs to."""

    created_at: datetime
    """When it was asked for."""

    finished_at: datetime | None
    """When it reached its final state."""

    table: BatchTable
    """What it was made of."""

    request: BatchRequest
    """The question."""

    counts: dict[str, int]
    """Rows by status; empty before it has succeeded."""

    result_sha256: str | None
    """Over all rows' answers; equal hashes, equal answers. Nothing before it has succeeded."""

    rows: str | None
    """Path of the rows' answers; nothing before it has succeeded."""

    failure: FailureAnswer | None
    """Why it failed, if it did."""

    files: tuple[JobFileAnswer, ...]
    """What it made; nothing before it has succeeded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchList(Shape):
    """A page of batches, the newest first."""

    items: tuple[BatchAnswer, ...]
    """The batches; their `counts` are told one by one."""

    next_cursor: str | None
    """Leads to the next page; nothing on the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRows(Shape):
    """A page of rows' answers, in the order of the table."""

    items: tuple[BatchRow, ...]
    """The answers."""

    next_cursor: str | None
    """Leads to the next page; nothing on the last one."""


def batch_path(batch_id: str) -> str:
    """Return where the service tells of a batch."""
    return f"/v1/batches/{batch_id}"


def batch_answer(job: Job, manifest: Mapping[str, object] | None = None) -> BatchAnswer:
    """Return what the service says of a batch; its manifest tells how rows came out."""
    asked, told = asked_in(job.request), job_answer(job)
    counts = {} if manifest is None else manifest.get("counts", {})
    result = None if manifest is None else manifest.get("result_sha256")
    return BatchAnswer(
        id=job.subject,
        job=job_path(job.id),
        state=told.state,
        progress=told.progress,
        owner=job.owner,
        case_id=job.case_id,
        created_at=job.created_at,
        finished_at=job.finished_at,
        table=BatchTable(
            name=asked.name, sha256=asked.sha256, rows=asked.rows, faults=asked.faults
        ),
        request=asked.request,
        counts=dict(counts) if isinstance(counts, dict) else {},
        result_sha256=str(result) if result else None,
        rows=f"{batch_path(job.subject)}/rows" if told.files else None,
        failure=told.failure,
        files=tuple(
            JobFileAnswer(
                name=file.name,
                media_type=file.media_type,
                size=file.size,
                sha256=file.sha256,
                path=f"{batch_path(job.subject)}/files/{file.name}",
            )
            for file in told.files
        ),
    )
