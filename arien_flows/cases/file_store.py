"""The folder of files: bytes under their hash, once for all cases that hold them.

Bytes are received into a file of their own, hashed on the way, flushed, and moved to their place
by the transaction that writes the row: then there is no row without its bytes. What was received
and never moved (somebody hung up, a kill) is removed after a day.

The folder and its files are for their owner alone. Nothing in it bears a name, an ending or a mode
that lets it be run.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO

from arien_flows.casebook.case_records import KeptBytes
from arien_flows.casebook.doomed import file_path
from arien_flows.cases.media_types import Sniffer
from arien_flows.errors import InputError, NotFoundError

PIECE = 1 << 20
FORGOTTEN_SECONDS = 24 * 3600
"""So long what was received waits to be moved to its place."""

_INCOMING = "files/incoming"


class Receiving:
    """Bytes that come in, and lie in a file that is not yet anybody's."""

    def __init__(self, file: BinaryIO, path: Path, most: int) -> None:
        self._file = file
        self._most = most
        self._hash = hashlib.sha256()
        self._sniffer = Sniffer()
        self._size = 0
        self.path = path

    def write(self, piece: bytes) -> None:
        """Take the next bytes; `InputError` where they are more than a file may have."""
        self._size += len(piece)
        if self._size > self._most:
            raise InputError(
                f"the file is longer than {self._most:,} bytes: split it, or raise ARIEN_FILE_BYTES"
            )
        self._hash.update(piece)
        self._sniffer.feed(piece)
        self._file.write(piece)

    def received(self) -> KeptBytes:
        """Bring the bytes to the disk; return what they are."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return KeptBytes(
            sha256=self._hash.hexdigest(), size=self._size, media_type=self._sniffer.found()
        )


class FileStore:
    """The files of one data folder."""

    def __init__(self, data: Path, *, most_bytes: int) -> None:
        self._data = data
        self._most = most_bytes

    @contextmanager
    def receiving(self) -> Iterator[Receiving]:
        """Open a file for bytes to come; it is gone afterwards, unless it was moved."""
        folder = _private(self._data / _INCOMING)
        descriptor, name = mkstemp(dir=folder)
        path = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield Receiving(file, path, self._most)
        finally:
            path.unlink(missing_ok=True)

    def settle(self, received: Iterable[tuple[Path, KeptBytes]]) -> Callable[[], None]:
        """Return what moves received files to their places; call it inside the transaction."""
        listed = list(received)

        def move() -> None:
            for path, content in listed:
                self._move(path, content)

        return move

    def path(self, content: KeptBytes) -> Path:
        """Return where bytes lie; `NotFoundError` where somebody took them away."""
        path = self._data / file_path(content.sha256)
        if not path.is_file():
            raise NotFoundError(
                f"the bytes of {content.sha256} are not in the folder of files: restore it from a "
                "backup"
            )
        return path

    def remove(self, path: str) -> None:
        """Remove a file or a folder by its path in the data folder; one that is gone is gone."""
        found = self._data / path
        if found.is_dir():
            shutil.rmtree(found)
        else:
            found.unlink(missing_ok=True)

    def remove_forgotten(self) -> None:
        """Remove what was received long ago and never kept."""
        folder = self._data / _INCOMING
        before = time.time() - FORGOTTEN_SECONDS
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)

    def _move(self, received: Path, content: KeptBytes) -> None:
        place = self._data / file_path(content.sha256)
        if place.exists():
            return
        _private(place.parent)
        received.chmod(0o400)
        received.rename(place)
        _flush(place.parent)


def _private(folder: Path) -> Path:
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
