"""Files that jobs made, as they are given out: none is shown that is not what it was."""

import hashlib
from functools import lru_cache
from pathlib import Path

from arien_flows.casebook.job_records import Job, JobFile
from arien_flows.errors import NotFoundError, ResultDamagedError
from arien_flows.jobs.folder import folder_of

_KEPT = 1024


def kept_file(data: Path, job: Job, name: str) -> tuple[JobFile, Path]:
    """Return what the casebook knows of a file of a job, and where the file lies.

    `NotFoundError` where the job made none of that name, `ResultDamagedError` where the file is
    gone or its bytes are others than when the job ended.
    """
    file = next((each for each in job.files if each.name == name), None)
    if file is None:
        raise NotFoundError(f"{job.id} made no file of that name")
    path = folder_of(data, job.id) / file.name
    try:
        status = path.stat()
        is_same = status.st_size == file.size and file.sha256 == _hash_of(
            path, status.st_ino, status.st_mtime_ns, status.st_size
        )
    except FileNotFoundError:
        raise ResultDamagedError(
            f"{file.name} of {job.id} is not in the data folder any more: restore it from a "
            "backup, or ask anew"
        ) from None
    if not is_same:
        raise ResultDamagedError(
            f"{file.name} of {job.id} is not what the job made: restore it from a backup, or ask "
            "anew"
        )
    return file, path


@lru_cache(maxsize=_KEPT)
def _hash_of(path: Path, _inode: int, _changed_at: int, _size: int) -> str:
    """Return the hash of a file; read again only where the file was touched."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
