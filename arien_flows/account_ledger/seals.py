"""Checksums of what was appended: one row a batch, one checksum a column (XXH3, 64 bits)."""

import numpy as np

from arien_flows.account_ledger.schema import ACCOUNT_SCHEMA, Rows
from arien_flows.ledger.seals import checksum
from chains.types import AnyArray, Int64Array

SEALS = "segments"
"""File of the checksums: rows of 8-byte words, the counts of `Rows` and then the checksums."""

WORDS = len(Rows._fields) + len(ACCOUNT_SCHEMA)


def seal(rows: Rows, appended: dict[str, AnyArray]) -> Int64Array:
    """Return the row of a batch that ends at `rows`."""
    sums = [checksum(appended[column.path]) for column in ACCOUNT_SCHEMA]
    return np.array([*rows, *sums], dtype="<i8")


def stretch(columns: dict[str, AnyArray], start: Rows, stop: Rows) -> dict[str, AnyArray]:
    """Return the elements of each column that rows `[start, stop)` appended."""
    found = {}
    for column in ACCOUNT_SCHEMA:
        lead = 1 if column.is_offsets else 0
        first, last = getattr(start, column.table) + lead, getattr(stop, column.table) + lead
        found[column.path] = columns[column.path][first:last]
    return found


def rows_of(words: Int64Array) -> Rows:
    """Return the counts that a row of checksums ends at."""
    return Rows(*words[: len(Rows._fields)].tolist())
