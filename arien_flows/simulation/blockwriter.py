"""Block files as Bitcoin Core lays them out: `blk00000.dat`, `blk00001.dat`, …, `xor.dat`.

A file takes records (magic, length, block) until the next one would pass 128 MiB. With a key,
byte `i` of each file is XORed with byte `i mod 8` of it, and the key stands in `xor.dat`.
"""

from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from chains.types import UInt8Array

LARGEST_FILE = 128 * 1024 * 1024


class BlockWriter:
    """Appends framed blocks to numbered files of a directory; use it in a `with` statement."""

    def __init__(self, directory: Path, xor_key: bytes = b"") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.byte_count = 0
        """Bytes written so far, over all files."""

        self._key = np.frombuffer(xor_key, dtype=np.uint8)
        self._number = 0
        self._position = 0
        if xor_key:
            (directory / "xor.dat").write_bytes(xor_key)
        self._file: BinaryIO = self._opened()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, record: UInt8Array) -> None:
        """Append one framed block."""
        if self._position + len(record) > LARGEST_FILE:
            self._file.close()
            self._number += 1
            self._position = 0
            self._file = self._opened()
        if len(self._key):
            phase = self._position % len(self._key)
            record = record ^ np.resize(np.roll(self._key, -phase), len(record))
        self._file.write(record.data)
        self._position += len(record)
        self.byte_count += len(record)

    def _opened(self) -> BinaryIO:
        return (self.directory / f"blk{self._number:05d}.dat").open("wb", buffering=1 << 20)
