"""The file of a backup: a ZIP of lines of JSON and of the files that databases name.

`manifest.json` is written last and names every other part with its size and SHA-256: an archive
without it is one that was not finished. Parts are `casebook/<table>.jsonl`, `audit/<table>.jsonl`
and `files/…`, `jobs/…` as they lie in the data folder. Ledgers are not in it (a node or block files
make them again), and neither is the key that protects the secrets of webhooks.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from arien_flows.casebook.backup import KeptDatabase
from arien_flows.errors import InputError
from arien_flows.shapes import Shape, plain, shaped

MANIFEST = "manifest.json"
FORMAT = "arien-flows backup 1"
MOST_MANIFEST_BYTES = 256 * 2**20
_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile(Shape):
    """A file of the data folder in a backup."""

    path: str
    """Below the data folder, with `/` between its parts."""

    size: int
    """In bytes."""

    sha256: str
    """Of its bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupManifest(Shape):
    """What a backup holds."""

    format: str
    """`arien-flows backup 1`."""

    program: str
    """Version of the program that made it."""

    made_at: str
    """When, in RFC 3339."""

    databases: dict[str, KeptDatabase]
    """`casebook` and `audit`, where there is one; each as of one moment."""

    evidence_head: str
    """Last row of the evidence chain, as `evidence head` prints it; empty where there is none."""

    audit_head: str
    """Last row of the audit log, as `audit head` prints it; empty where there is none."""

    files: tuple[KeptFile, ...]
    """In the order of their paths."""


class Writer:
    """Writes an archive beside its place, and puts it there when it is whole."""

    def __init__(self, target: Path) -> None:
        if target.exists():
            raise InputError(f"{target} exists already: name another file")
        self._target = target
        self._part = target.with_name(f"{target.name}.part")

    def __enter__(self) -> "Writer":
        # For its owner alone: it holds seized documents.
        self._part.unlink(missing_ok=True)
        handle = os.open(self._part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        self._file = os.fdopen(handle, "w+b")
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED, compresslevel=3)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            # Whatever is written now is thrown away, and the reason is on its way already.
            with self._file, suppress(OSError, ValueError):
                self._zip.close()
            self._part.unlink(missing_ok=True)
            return
        with self._file:
            self._zip.close()
            self._file.flush()
            os.fsync(self._file.fileno())
        self._part.rename(self._target)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a new part for writing."""
        with self._zip.open(name, "w", force_zip64=True) as part:
            yield part

    def add_file(self, path: str, file: Path) -> KeptFile:
        """Copy a file into the archive."""
        digest, size = hashlib.sha256(), 0
        with file.open("rb") as source, self.open(path) as part:
            while piece := source.read(_AT_ONCE):
                digest.update(piece)
                part.write(piece)
                size += len(piece)
        return KeptFile(path=path, size=size, sha256=digest.hexdigest())

    def finish(self, manifest: BackupManifest) -> None:
        """Write the last part."""
        with self.open(MANIFEST) as part:
            part.write(json.dumps(plain(manifest), indent=1).encode())


class Reader:
    """Reads an archive. `InputError` for what is none, or was not finished."""

    def __init__(self, source: Path) -> None:
        self._source = source
        try:
            self._zip = zipfile.ZipFile(source)
        except (zipfile.BadZipFile, OSError) as error:
            raise InputError(f"{source} is not a backup: {error}") from error
        try:
            self.manifest = self._manifest()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a part for reading."""
        try:
            with self._zip.open(name) as part:
                yield part
        except (KeyError, zipfile.BadZipFile, EOFError) as error:
            raise InputError(f"{self._source} lacks {name}, or it is broken: {error}") from error

    def extract(self, kept: KeptFile, folder: Path) -> None:
        """Make a file again below a folder; one that is there already has to be the same.

        `InputError` where it differs, where the archive was changed, or for a path that leads
        out of the folder.
        """
        target = folder / _safe(kept.path)
        if target.exists():
            if _sha256(target) != kept.sha256:
                raise InputError(f"{target} is there already and differs: restore elsewhere")
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f"{target.name}.part")
        digest = hashlib.sha256()
        with self.open(kept.path) as part, beside.open("wb") as file:
            while piece := part.read(_AT_ONCE):
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != kept.sha256:
            beside.unlink()
            raise InputError(f"the backup was changed after it was made: see {kept.path}")
        beside.chmod(0o600)
        beside.rename(target)

    def _manifest(self) -> BackupManifest:
        try:
            known = self._zip.getinfo(MANIFEST)
        except KeyError as error:
            raise InputError(f"{self._source} is no backup, or was not finished") from error
        if known.file_size > MOST_MANIFEST_BYTES:
            raise InputError(f"{self._source} is no backup: its manifest is too large")
        try:
            told: Any = json.loads(self._zip.read(MANIFEST))
            manifest: BackupManifest = shaped(BackupManifest, told)
        except (ValueError, zipfile.BadZipFile, RecursionError) as error:
            raise InputError(f"the manifest of {self._source} cannot be read: {error}") from error
        if manifest.format != FORMAT:
            raise InputError(f"{self._source} is a {manifest.format!r}, and not a {FORMAT!r}")
        return manifest


def _safe(path: str) -> PurePosixPath:
    """Return a path of the archive; `InputError` for one that leads elsewhere."""
    found = PurePosixPath(path)
    is_plain = not found.is_absolute() and ".." not in found.parts and "\\" not in path
    if not is_plain or found.parts[:1] not in (("files",), ("jobs",)) or len(found.parts) < 2:
        raise InputError(f"the backup names a file where none belongs: {path!r}")
    return found


def _sha256(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
