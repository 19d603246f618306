"""Putting files and the results of jobs into a case."""

import json
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from arien_flows.casebook.case_records import (
    CaseFile,
    CaseResult,
    Certainty,
    KeptBytes,
    NewFile,
    NewResult,
)
from arien_flows.casebook.job_records import Job, JobState
from arien_flows.cases.file_store import PIECE, FileStore, Receiving
from arien_flows.errors import ConflictError, InputError
from arien_flows.jobs.folder import folder_of
from arien_flows.workspace import Workspace

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What is said of a file that is attached."""

    name: str
    """Without folders, on one line; see `plain_name`."""

    certainty: Certainty
    note: str


def store_of(workspace: Workspace) -> FileStore:
    """Return the folder of files of a workspace."""
    settings = workspace.settings
    return FileStore(settings.data, most_bytes=settings.file_bytes)


def plain_name(name: str) -> str:
    """Return the name of a file without its folders; `InputError` for what is no name."""
    last = name.replace("\\", "/").rpartition("/")[2].strip()
    if not last.isprintable() or last in ("", ".", "..") or len(last) > LONGEST_NAME:
        raise InputError(
            f"{name[:40]!r} is no name of a file: at most {LONGEST_NAME} printable characters"
        )
    return last


def attach(
    workspace: Workspace,
    case_id: str,
    receiving: Receiving,
    offer: Offer,
    *,
    now: datetime,
    by: str,
) -> CaseFile:
    """Keep what was received as a file of a case."""
    content = receiving.received()
    if content.size == 0:
        raise InputError(f"{offer.name} is empty: there is nothing to attach")
    settle = store_of(workspace).settle([(receiving.path, content)])
    new = NewFile(name=offer.name, content=content, certainty=offer.certainty, note=offer.note)
    return workspace.casebook.cases.content.attach_file(case_id, new, settle, now=now, by=by)


def attach_path(
    workspace: Workspace,
    case_id: str,
    path: Path,
    *,
    certainty: Certainty,
    note: str,
    now: datetime,
    by: str,
) -> CaseFile:
    """Keep a copy of a file of this machine with a case."""
    offer = Offer(name=plain_name(path.name), certainty=certainty, note=note)
    with store_of(workspace).receiving() as receiving:
        _copy(path, receiving)
        return attach(workspace, case_id, receiving, offer, now=now, by=by)


def attach_job(
    workspace: Workspace, case_id: str, job: Job, *, note: str, now: datetime, by: str
) -> CaseResult:
    """Keep a finished trace or batch with a case, with copies of its files.

    `ConflictError` where it is not finished, or belongs to another case.
    """
    if job.state is not JobState.SUCCEEDED:
        raise ConflictError(f"{job.subject} is {job.state.value}: attach it when it has succeeded")
    if job.case_id not in (None, case_id):
        raise ConflictError(f"{job.subject} belongs to another case")
    store, folder = store_of(workspace), folder_of(workspace.settings.data, job.id)
    with ExitStack() as stack:
        received: list[tuple[Path, KeptBytes]] = []
        files = []
        for file in job.files:
            receiving = stack.enter_context(store.receiving())
            _copy(folder / file.name, receiving)
            content = receiving.received()
            if content.sha256 != file.sha256:
                raise ConflictError(f"{file.name} of {job.subject} is not as the job left it")
            kept = KeptBytes(sha256=content.sha256, size=content.size, media_type=file.media_type)
            received.append((receiving.path, kept))
            files.append(NewFile(name=file.name, content=kept, certainty=Certainty.INFERENCE))
        new = NewResult(
            subject=job.subject,
            job_id=job.id,
            kind=job.kind,
            request=json.dumps(dict(job.request), ensure_ascii=False, sort_keys=True),
            note=note,
            files=tuple(files),
        )
        content_of = workspace.casebook.cases.content
        return content_of.attach_result(case_id, new, store.settle(received), now=now, by=by)


def _copy(path: Path, receiving: Receiving) -> None:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            receiving.write(piece)
