"""What the casebook says of a job."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum


class JobState(StrEnum):
    """Where a job stands; it goes from the first to one of the last three."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


RESULT_PLACES: Mapping[str, str] = {"trace": "/v1/traces", "batch": "/v1/batches"}
"""Where the service tells of what each kind of job makes."""

DONE = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """How far a job is."""

    done: int = 0
    total: int | None = None
    """Nothing where it is not known beforehand."""

    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailure:
    """Why a job failed, in the words of a problem document."""

    code: str
    title: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFile:
    """One file that a job made. Its bytes lie in the data folder, never to change."""

    name: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of long work."""

    id: str
    """`job_…`; what the job makes has a name of its own, as `trace_…`, in `subject`."""

    kind: str
    subject: str
    request: Mapping[str, object]
    """What was asked, as JSON knows it."""

    owner: str
    case_id: str | None
    state: JobState
    progress: JobProgress
    attempts: int
    """How often a worker has begun it."""

    is_cancelling: bool
    """Whether somebody asked for its end and the worker has not noticed yet."""

    created_at: datetime
    started_at: datetime | None
    """When a worker began it last."""

    finished_at: datetime | None
    failure: JobFailure | None
    files: tuple[JobFile, ...] = ()
    revision: int = 0
    """Grows with every change that those who look at the job can see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What a worker holds while it does a job: nobody else does it until the lease has expired."""

    job: Job
    """As it stood when it was claimed."""

    token: str
    """Names the attempt; whatever it writes is refused once the job is somebody else's."""


class Holding(Enum):
    """What a worker is told of a job that it believes to hold."""

    KEPT = "kept"
    CANCELLING = "cancelling"
    """Still held, and not wanted any more."""

    LOST = "lost"
    """It is another worker's, or was ended."""
