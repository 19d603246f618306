"""Files of a case, as rows: attachments, and copies of what its traces and batches made.

The bytes lie in a folder under their hash (`arien_flows.cases.file_store`), once for all cases. A
row is written only after its bytes lie there; when the last row of some bytes goes, their path is
doomed in the same transaction, and removed from the folder afterwards. So a kill at any moment
leaves neither a row without bytes nor bytes that nobody will remove.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, insert, select

from arien_flows.access.ids import new_id
from arien_flows.casebook.case_acts import record_act
from arien_flows.casebook.case_folders import require_open, written_in
from arien_flows.casebook.case_records import (
    ActKind,
    CaseFile,
    CaseResult,
    Certainty,
    KeptBytes,
    NewFile,
    NewResult,
)
from arien_flows.casebook.case_tables import case_files, case_results
from arien_flows.casebook.doomed import doom, file_path
from arien_flows.errors import ConflictError, NotFoundError

Settle = Callable[[], None]
"""Moves bytes that were received to their place; called inside the transaction, before the row."""


def attach_file(
    connection: Connection, case_id: str, new: NewFile, settle: Settle, *, now: datetime, by: str
) -> CaseFile:
    """Keep a file with a case. Nobody removes its bytes meanwhile: that takes the writer, too."""
    require_open(connection, case_id)
    settle()
    name = _insert_file(connection, case_id, None, new, now=now, by=by)
    record_act(connection, case_id, ActKind.FILE_ATTACHED, now=now, by=by, subject=name)
    return read_file(connection, case_id, name)


def remove_file(
    connection: Connection, case_id: str, file_id: str, *, now: datetime, by: str
) -> None:
    """Take an attachment out of a case; its bytes go where no other case holds them."""
    require_open(connection, case_id)
    found = read_file(connection, case_id, file_id)
    if found.result_id is not None:
        raise ConflictError(f"{file_id} is part of {found.result_id}: remove that")
    connection.execute(delete(case_files).where(case_files.c.id == file_id))
    doom(connection, [file_path(found.content.sha256)], case_id=case_id, now=now)
    record_act(connection, case_id, ActKind.FILE_REMOVED, now=now, by=by, subject=file_id)


def read_file(connection: Connection, case_id: str, file_id: str) -> CaseFile:
    """Return a file of a case; `NotFoundError` where the case holds none of that name."""
    query = select(case_files).where(case_files.c.id == file_id, case_files.c.case_id == case_id)
    found = connection.execute(query).mappings().first()
    if found is None:
        raise NotFoundError(f"{case_id} holds no {file_id}")
    return _file(found)


def files_page(
    connection: Connection, case_id: str, *, before: str | None, limit: int
) -> list[CaseFile]:
    """Return at most `limit` attachments of a case, the newest first."""
    query = select(case_files).where(
        case_files.c.case_id == case_id, case_files.c.result_id.is_(None)
    )
    if before is not None:
        query = query.where(case_files.c.id < before)
    found = connection.execute(query.order_by(case_files.c.id.desc()).limit(limit))
    return [_file(row) for row in found.mappings()]


def attach_result(
    connection: Connection, case_id: str, new: NewResult, settle: Settle, *, now: datetime, by: str
) -> CaseResult:
    """Keep a trace or batch with a case; `ConflictError` where it is there already."""
    require_open(connection, case_id)
    known = select(case_results.c.id).where(
        case_results.c.case_id == case_id, case_results.c.subject == new.subject
    )
    present = connection.execute(known).scalar()
    if present is not None:
        raise ConflictError(f"{case_id} holds {new.subject} already, as {present}")
    settle()
    name = new_id("result", now)
    connection.execute(
        insert(case_results).values(
            id=name,
            case_id=case_id,
            subject=new.subject,
            job_id=new.job_id,
            kind=new.kind,
            request=new.request,
            certainty=Certainty.INFERENCE.value,
            note=new.note,
            version=1,
            made_at=now,
            made_by=by,
            changed_at=now,
            changed_by=by,
        )
    )
    for file in new.files:
        _insert_file(connection, case_id, name, file, now=now, by=by)
    record_act(connection, case_id, ActKind.RESULT_ATTACHED, now=now, by=by, subject=name)
    return read_result(connection, case_id, name)


def remove_result(
    connection: Connection, case_id: str, result_id: str, *, now: datetime, by: str
) -> None:
    """Take a trace or batch out of a case, with the copies of its files."""
    require_open(connection, case_id)
    found = read_result(connection, case_id, result_id)
    connection.execute(delete(case_files).where(case_files.c.result_id == result_id))
    connection.execute(delete(case_results).where(case_results.c.id == result_id))
    paths = [file_path(file.content.sha256) for file in found.files]
    doom(connection, paths, case_id=case_id, now=now)
    record_act(connection, case_id, ActKind.RESULT_REMOVED, now=now, by=by, subject=result_id)


def read_result(connection: Connection, case_id: str, result_id: str) -> CaseResult:
    """Return a result of a case; `NotFoundError` where the case holds none of that name."""
    query = select(case_results).where(
        case_results.c.id == result_id, case_results.c.case_id == case_id
    )
    found = connection.execute(query).mappings().first()
    if found is None:
        raise NotFoundError(f"{case_id} holds no {result_id}")
    return _result(found, _files_of(connection, [result_id])[result_id])


def results_page(
    connection: Connection, case_id: str, *, before: str | None, limit: int
) -> list[CaseResult]:
    """Return at most `limit` results of a case, the newest first."""
    query = select(case_results).where(case_results.c.case_id == case_id)
    if before is not None:
        query = query.where(case_results.c.id < before)
    found = connection.execute(query.order_by(case_results.c.id.desc()).limit(limit))
    rows = found.mappings().all()
    files = _files_of(connection, [row["id"] for row in rows])
    return [_result(row, files[row["id"]]) for row in rows]


def _files_of(connection: Connection, result_ids: Sequence[str]) -> dict[str, tuple[CaseFile, ...]]:
    query = select(case_files).where(case_files.c.result_id.in_(result_ids))
    found = connection.execute(query.order_by(case_files.c.name, case_files.c.id)).mappings()
    files = [_file(row) for row in found]
    return {name: tuple(file for file in files if file.result_id == name) for name in result_ids}


def _insert_file(
    connection: Connection,
    case_id: str,
    result_id: str | None,
    new: NewFile,
    *,
    now: datetime,
    by: str,
) -> str:
    name = new_id("file", now)
    connection.execute(
        insert(case_files).values(
            id=name,
            case_id=case_id,
            result_id=result_id,
            name=new.name,
            media_type=new.content.media_type,
            size=new.content.size,
            sha256=new.content.sha256,
            certainty=new.certainty.value,
            note=new.note,
            version=1,
            made_at=now,
            made_by=by,
            changed_at=now,
            changed_by=by,
        )
    )
    return name


def _file(row: RowMapping) -> CaseFile:
    return CaseFile(
        id=row["id"],
        case_id=row["case_id"],
        result_id=row["result_id"],
        name=row["name"],
        content=KeptBytes(sha256=row["sha256"], size=row["size"], media_type=row["media_type"]),
        certainty=Certainty(row["certainty"]),
        note=row["note"],
        written=written_in(row),
    )


def _result(row: RowMapping, files: tuple[CaseFile, ...]) -> CaseResult:
    return CaseResult(
        id=row["id"],
        case_id=row["case_id"],
        subject=row["subject"],
        job_id=row["job_id"],
        kind=row["kind"],
        request=row["request"],
        certainty=Certainty(row["certainty"]),
        note=row["note"],
        written=written_in(row),
        files=files,
    )
