"""What a run has worked out so far, in a file that a kill at any moment leaves usable.

One line an answer: the SHA-256 of what follows, and JSON with the place of the item. Lines are
only added, and brought to the disk after each part of the work. A line that a kill or a full disk
cut short fails its hash; it and what follows are taken off, and those items are worked out again.
Beside it stands the state that the answers are true for: a run that goes on under another state
would mix answers that do not belong together, and is refused.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from arien_flows.batch.answered import Answered
from arien_flows.errors import ConflictError, StorageFullError
from arien_flows.shapes import plain, shaped

STATE, ANSWERS, LOCK = "state.json", "answers.jsonl", "lock"
_FULL = (28, 122)  # ENOSPC, EDQUOT
_HASH = 64


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the right to write below a folder; `ConflictError` where another run has it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConflictError(
                f"another run is writing to {folder.parent}: wait until it ends, or name another "
                "folder"
            ) from error
        yield
    finally:
        os.close(descriptor)


@contextmanager
def telling_full(folder: Path) -> Iterator[None]:
    """Turn a full disk into an error that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise StorageFullError(
            f"no space is left on the device of {folder}: make room and run the same command "
            "again; it goes on where it stopped"
        ) from error


def write_state(folder: Path, state: dict[str, object]) -> None:
    """Write the state that a run stands on, whole or not at all."""
    part = folder / f"{STATE}.part"
    with telling_full(folder):
        with part.open("wb") as file:
            file.write(json.dumps(state, sort_keys=True).encode())
            file.flush()
            os.fsync(file.fileno())
        part.replace(folder / STATE)
        _flush_names(folder)


def read_state(folder: Path) -> dict[str, object] | None:
    """Return the state that a run was begun on; nothing where none was."""
    try:
        found: object = json.loads((folder / STATE).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ConflictError(f"{folder / STATE} is damaged: empty the folder and start anew") from (
            error
        )
    return found if isinstance(found, dict) else None


class Checkpoint:
    """The answers of a run, by the places of their items. Held by one process at a time."""

    def __init__(self, folder: Path) -> None:
        """Open the file, or make it; what a kill left damaged is taken off."""
        self._folder = folder
        self._places: dict[int, tuple[int, int]] = {}
        """Where each answer begins, and how long its line is."""
        path = folder / ANSWERS
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "r+b")
        end = 0
        for line in self._file:
            place = _place_of(line)
            if place is None:
                break
            self._places[place] = (end, len(line))
            end += len(line)
        self._file.truncate(end)
        self._end = end

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def done(self) -> frozenset[int]:
        """Places of the items that have an answer."""
        return frozenset(self._places)

    def add(self, answers: Iterable[tuple[int, Answered]]) -> None:
        """Keep answers, on the disk when this returns."""
        lines = []
        for place, answer in answers:
            body = json.dumps({"place": place, "answer": plain(answer)}, ensure_ascii=False)
            raw = body.encode()
            lines.append((place, f"{hashlib.sha256(raw).hexdigest()} ".encode() + raw + b"\n"))
        with telling_full(self._folder):
            self._file.seek(self._end)
            self._file.write(b"".join(line for _, line in lines))
            self._file.flush()
            os.fsync(self._file.fileno())
        for place, line in lines:
            self._places[place] = (self._end, len(line))
            self._end += len(line)

    def read(self, place: int) -> Answered:
        """Return the answer to an item; `KeyError` where there is none."""
        start, length = self._places[place]
        self._file.seek(start)
        found = json.loads(self._file.read(length)[_HASH + 1 :])
        answer: Answered = shaped(Answered, found["answer"])
        return answer


def _place_of(line: bytes) -> int | None:
    """Return the item that a line answers; nothing for a damaged line."""
    if not line.endswith(b"\n") or line[_HASH : _HASH + 1] != b" ":
        return None
    body = line[_HASH + 1 : -1]
    if hashlib.sha256(body).hexdigest().encode() != line[:_HASH]:
        return None
    return int(json.loads(body)["place"])


def _flush_names(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
