"""A disk that loses power: it tells what was synced from what the operating system still held.

`PowerCutDisk` writes to its folder like any disk, which is what running processes see, and keeps
beside it the *image* that would be found after the cut: synced writes for certain, and of the
others any subset, in pages, as a drive with a volatile cache would leave them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from random import Random
from threading import RLock
from typing import Any, TypeVar, cast

import numpy as np

from arien_flows.ledger.disk import Disk
from chains.types import AnyArray, Int64Array, UInt8Array, UInt32Array

PAGE = 4096

Operation = TypeVar("Operation", bound=Callable[..., Any])


class PowerCutError(Exception):
    """The power went."""


def _in_turn(operation: Operation) -> Operation:
    """Let one operation end before the next begins: the writer has threads."""

    @wraps(operation)
    def waiting(self: "PowerCutDisk", *values: Any, **named: Any) -> Any:
        with self._turn:
            return operation(self, *values, **named)

    return cast("Operation", waiting)


@dataclass
class Pending:
    """A stretch of bytes that was written and not yet synced."""

    offset: int
    content: bytes


class PowerCutDisk(Disk):
    """Loses power before the operation number `cut`, counted from 0; nothing happens after it."""

    def __init__(self, root: Path, image: Path, random: Random, cut: int) -> None:
        super().__init__(root)
        self._image, self._random, self._left = image, random, cut
        self._turn = RLock()
        self._pending: dict[str, list[Pending]] = {}
        self._allocated: dict[str, int] = {}

    def _flush(self, targets: Sequence[Path]) -> None:
        """Spare the device: this power cut is a pretended one."""

    def _tick(self) -> None:
        if self._left == 0:
            self._lose()
        if self._left <= 0:
            self._left = -1
            raise PowerCutError
        self._left -= 1

    @_in_turn
    def write(self, path: str, offset: int, content: AnyArray) -> None:
        self._tick()
        super().write(path, offset, content)
        raw = np.ascontiguousarray(content).tobytes()
        pieces = self._pending.setdefault(path, [])
        start = 0
        while start < len(raw):
            stop = start + PAGE - (offset + start) % PAGE
            pieces.append(Pending(offset + start, raw[start:stop]))
            start = stop

    @_in_turn
    def allocate(self, path: str, size: int) -> UInt8Array:
        self._tick()
        self._allocated[path] = size
        return super().allocate(path, size)

    @_in_turn
    def write_words(self, path: str, rows: Int64Array, words: UInt32Array) -> None:
        self._tick()
        super().write_words(path, rows, words)
        for row, word in zip(rows, words, strict=True):
            piece = Pending(4 * int(row), int(word).to_bytes(4, "little"))
            self._pending.setdefault(path, []).append(piece)

    @_in_turn
    def sync(self, paths: Iterable[str]) -> None:
        paths = list(paths)
        super().sync(paths)
        for path in paths:
            self._tick()
            if path in self._allocated:
                size = self._allocated.pop(path)
                self._keep(path, [Pending(0, (self.root / path).read_bytes()[:size])], fresh=True)
            self._keep(path, self._pending.pop(path, []))

    @_in_turn
    def replace(self, path: str, content: bytes) -> None:
        self._tick()
        super().replace(path, content)
        target = self._image / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    @_in_turn
    def remove(self, path: str) -> None:
        self._tick()
        super().remove(path)
        if self._random.random() < 0.5:
            (self._image / path).unlink(missing_ok=True)

    def _keep(self, path: str, pieces: Iterable[Pending], *, fresh: bool = False) -> None:
        target = self._image / path
        target.parent.mkdir(parents=True, exist_ok=True)
        content = bytearray(target.read_bytes() if target.exists() and not fresh else b"")
        for piece in pieces:
            end = piece.offset + len(piece.content)
            content.extend(bytes(max(0, end - len(content))))
            content[piece.offset : end] = piece.content
        target.write_bytes(content)

    def _lose(self) -> None:
        """Keep a random part of what was not synced, in any order."""
        for path, size in self._allocated.items():
            raw = (self.root / path).read_bytes()[:size]
            pages = [Pending(at, raw[at : at + PAGE]) for at in range(0, size, PAGE)]
            self._pending[path] = pages
        for path, pieces in self._pending.items():
            self._random.shuffle(pieces)
            self._keep(path, [piece for piece in pieces if self._random.random() < 0.5])
