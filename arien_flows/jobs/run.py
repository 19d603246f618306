"""What a worker gives to the code that does a job.

The code of a kind of job is a function of a `JobRun`. It may be begun more than once (a worker was
killed), in the same folder, so it must make the same files again or go on from what is there. It
never writes to the casebook: its worker registers the files when it returns, in the same
transaction that ends the job, so that a job has one result however often it was begun.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from arien_flows.casebook.job_records import Job
from arien_flows.workspace import Workspace


class JobCancelledError(Exception):
    """Somebody cancelled the job, or its worker lost it; raised by `progress` and `check`."""


class JobRun(Protocol):
    """One attempt at a job."""

    @property
    def job(self) -> Job:
        """What is to be done."""

    @property
    def workspace(self) -> Workspace:
        """The ledgers and the casebook."""

    @property
    def folder(self) -> Path:
        """Where the job's files lie; the same for each attempt."""

    def progress(self, done: int, total: int | None, unit: str) -> None:
        """Say how far it is, as often as one likes; raises `JobCancelledError`."""

    def check(self) -> None:
        """Raise `JobCancelledError` where the work is not wanted any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFile:
    """A file that a job leaves in its folder."""

    name: str
    media_type: str


Handler = Callable[[JobRun], tuple[MadeFile, ...]]
"""Does a job of one kind. An expected error fails the job with its words; any other is a bug."""
