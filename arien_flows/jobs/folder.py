"""The folder of a job: where its files lie, whole or not at all.

A file is written beside its name, brought to the disk, and then renamed: what bears the name is
whole, whatever happens. Files are for their owner alone, as the casebook is.

One attempt at a time writes there. A worker that was only slow may still be at it when another one
has taken its job over, and must not change what that one has made; so each holds a lock on the
folder, which the operating system takes back when the process ends.
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from arien_flows.access.ids import ID
from arien_flows.casebook.job_records import JobFile
from arien_flows.jobs.run import MadeFile

JOBS = "jobs"
"""The folder of all jobs' folders, in the data folder."""

_LOCK = ".lock"
_UNFINISHED = ".part"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_BYTES_AT_ONCE = 2**20


class FolderInUseError(Exception):
    """Another attempt at the job, which has lost it, has not ended yet."""


def folder_of(data: Path, job_id: str) -> Path:
    """Return where the files of a job lie; the folder may not be there yet."""
    if not ID.fullmatch(job_id):
        raise ValueError("this is no id of a job")
    return data / JOBS / job_id


def make_folder(data: Path, job_id: str) -> Path:
    """Make the folder of a job, for its owner alone, unless it is there; return it."""
    folder = folder_of(data, job_id)
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def is_safe_name(name: str) -> bool:
    """Tell whether a name is one that files of jobs may have: no folder, nothing hidden."""
    return _NAME.fullmatch(name) is not None and not name.endswith(_UNFINISHED)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder; `FolderInUseError` where another attempt still does."""
    descriptor = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderInUseError(folder.name) from error
        yield
    finally:
        os.close(descriptor)


@contextmanager
def writing_file(folder: Path, name: str) -> Iterator[BinaryIO]:
    """Write a file of a job; it bears its name once it is whole, and never otherwise.

    A file of that name is replaced.
    """
    if not is_safe_name(name):
        raise ValueError(f"{name!r} is no name for a file of a job")
    part = folder / f"{name}{_UNFINISHED}"
    descriptor = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    part.replace(folder / name)
    _flush_folder(folder)


def write_file(folder: Path, name: str, media_type: str, content: bytes) -> MadeFile:
    """Write a file of a job whose bytes are at hand."""
    with writing_file(folder, name) as stream:
        stream.write(content)
    return MadeFile(name=name, media_type=media_type)


def measured(folder: Path, made: MadeFile, check: Callable[[], None] = lambda: None) -> JobFile:
    """Return what the casebook keeps of a file: its size and its hash.

    `check` is called now and then, and may raise.
    """
    if not is_safe_name(made.name):
        raise ValueError(f"{made.name!r} is no name for a file of a job")
    digest, size = hashlib.sha256(), 0
    with (folder / made.name).open("rb") as stream:
        while chunk := stream.read(_BYTES_AT_ONCE):
            check()
            digest.update(chunk)
            size += len(chunk)
    return JobFile(name=made.name, media_type=made.media_type, size=size, sha256=digest.hexdigest())


def _flush_folder(folder: Path) -> None:
    """Bring names to the disk; without it a file may be lost with the power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
