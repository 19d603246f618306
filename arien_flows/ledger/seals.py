"""Checksums of what was appended: one row a batch, one checksum a column (XXH3, 64 bits).

They find damage that the structure of the data cannot show, such as a flipped bit in a lock time.
They are not a proof against a forger; the proofs are the block hashes and merkle roots.
"""

from collections.abc import Callable

import numpy as np
import xxhash

from arien_flows.ledger.schema import SCHEMA, TABLES, Column
from arien_flows.ledger.view import COLUMN_FIELDS, Counts, View
from chains.types import AnyArray, Int64Array, UInt8Array

SEALS = "segments"
"""File of the checksums: rows of 8-byte words, the counts of `Counts` and then the checksums."""

SEALED_COLUMNS: tuple[Column, ...] = tuple(column for column in SCHEMA if not column.in_place)
PIECE_BYTES = 1 << 26

WORDS = len(TABLES) + len(SEALED_COLUMNS)


def checksum(array: AnyArray) -> int:
    """Return the checksum of an array's bytes, as a signed word."""
    return _as_signed(xxhash.xxh3_64_intdigest(np.ascontiguousarray(array).data))


def checksum_in_pieces(content: UInt8Array, pause: Callable[[], None]) -> int:
    """Return the same, and call `pause` between pieces: it may raise to end what takes long."""
    digest = xxhash.xxh3_64()
    for start in range(0, len(content), PIECE_BYTES):
        digest.update(content[start : start + PIECE_BYTES].data)
        pause()
    return _as_signed(digest.intdigest())


def _as_signed(digest: int) -> int:
    return digest - (1 << 64) if digest >= 1 << 63 else digest


def seal(counts: Counts, appended: dict[str, AnyArray]) -> Int64Array:
    """Return the row of a batch that ends at `counts`."""
    sums = [checksum(appended[column.path]) for column in SEALED_COLUMNS]
    return np.array([*counts.as_tuple(), *sums], dtype="<i8")


def stretch(view: View, start: Counts, stop: Counts) -> dict[str, AnyArray]:
    """Return the elements of each column that rows `[start, stop)` appended."""
    elements = {}
    for column in SEALED_COLUMNS:
        array = getattr(view, COLUMN_FIELDS[column.path])
        first, last = getattr(start, column.table), getattr(stop, column.table)
        if column.shape == "offsets":
            first, last = first + 1, last + 1
        elif column.shape == "bytes":
            offsets = getattr(view, COLUMN_FIELDS[f"{column.table}/{column.offsets}"])
            first, last = int(offsets[first]), int(offsets[last])
        elements[column.path] = array[first:last]
    return elements


def counts_of(seal_row: Int64Array) -> Counts:
    """Return the counts that a seal ends at."""
    return Counts(**{table: int(seal_row[i]) for i, table in enumerate(TABLES)})
