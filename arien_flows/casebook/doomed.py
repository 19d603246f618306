"""Paths of the data folder that are to be removed: written down with the row that went.

A path of bytes that some case (again) holds is let go of instead, and that is decided as the one
writer, so that nobody attaches the same bytes in between. The folder of a job is tried again for a
while: a worker that has not noticed yet that its job is gone may still write there.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from arien_flows.casebook.case_tables import case_files, doomed_paths

WORKERS_NOTICE = timedelta(hours=1)
"""So long after its end a job's folder may be written to: far longer than any lease."""

_FILES, _JOBS = "files/", "jobs/"


def file_path(sha256: str) -> str:
    """Return where bytes lie in the data folder."""
    return f"{_FILES}{sha256[:2]}/{sha256}"


def job_path(job_id: str) -> str:
    """Return where the files of a job lie in the data folder."""
    return f"{_JOBS}{job_id}"


def doom(connection: Connection, paths: Iterable[str], *, case_id: str, now: datetime) -> None:
    """Note paths that are to be removed because of a case."""
    known = set(connection.execute(select(doomed_paths.c.path)).scalars())
    rows = [
        {"path": path, "case_id": case_id, "doomed_at": now} for path in sorted(set(paths) - known)
    ]
    if rows:
        connection.execute(insert(doomed_paths), rows)


def doomed(connection: Connection) -> list[str]:
    """Return the paths that are to be removed."""
    return list(connection.execute(select(doomed_paths.c.path)).scalars())


def remove_doomed(
    connection: Connection, path: str, remove: Callable[[str], None], *, now: datetime
) -> None:
    """Have a path removed, unless a case holds those bytes; as the writer."""
    row = doomed_paths.c.path == path
    doomed_at = connection.execute(select(doomed_paths.c.doomed_at).where(row)).scalar()
    if doomed_at is None:
        return
    held = select(case_files.c.id).where(case_files.c.sha256 == path.rpartition("/")[2])
    if path.startswith(_JOBS) or connection.execute(held.limit(1)).first() is None:
        remove(path)
    if path.startswith(_FILES) or now - doomed_at > WORKERS_NOTICE:
        connection.execute(delete(doomed_paths).where(row))
