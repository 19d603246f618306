"""What blocks spend, as a node's REST interface writes it (`/rest/spenttxouts/HASH.bin`).

One list for each transaction of the block, coinbase included, with one output for each of its
inputs: the list's length, then each output as in a transaction (amount, script length, script). A
node reads it from its undo data, which no header commits to: nothing but the node vouches for it.
"""

from dataclasses import dataclass

import numpy as np

from chains.bitcoin.parse import MAX_VALUE_SAT
from chains.bitcoin.script import classify_scripts
from chains.errors import SourceUnavailableError
from chains.tables import BlockBatch, SpentOutputs
from chains.types import Int64Array, UInt8Array

_VALUE_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Where the outputs of one block stand in its bytes, and how many each transaction spends."""

    script_start: list[int]
    script_length: list[int]
    value_start: list[int]
    counts: list[int]


def spent_outputs(batch: BlockBatch, starts: Int64Array, lengths: Int64Array) -> SpentOutputs:
    """Return what the inputs of a batch spend.

    `starts` and `lengths` say where in the batch's `raw` what each block spends stands. Raises
    `SourceUnavailableError` unless it fits the batch's transactions one by one.
    """
    found = [
        _walk(batch.raw[start : start + length].tobytes(), int(start))
        for start, length in zip(starts, lengths, strict=True)
    ]
    counts = np.array([count for block in found for count in block.counts], dtype=np.int64)
    if not np.array_equal(counts, np.diff(batch.first_input)):
        raise _misfit()
    script_start = _joined([block.script_start for block in found])
    script_length = _joined([block.script_length for block in found])
    value = _values(batch.raw, _joined([block.value_start for block in found]))
    kind, payload_start, payload_length = classify_scripts(batch.raw, script_start, script_length)
    return SpentOutputs(
        value=value,
        script_type=kind,
        payload_start=payload_start,
        payload_length=payload_length,
    )


def _walk(stored: bytes, origin: int) -> _Found:
    """Find the outputs in one block's bytes, which stand at `origin` of the batch's."""
    value_start: list[int] = []
    script_start: list[int] = []
    script_length: list[int] = []
    counts: list[int] = []
    try:
        transactions, at = _size(stored, 0)
        for _ in range(transactions):
            outputs, at = _size(stored, at)
            counts.append(outputs)
            for _ in range(outputs):
                value_start.append(origin + at)
                # Written out, because it runs once for each input of the chain.
                length = stored[at + _VALUE_BYTES]
                at += _VALUE_BYTES + 1
                if length >= 0xFD:
                    length, at = _size(stored, at - 1)
                script_start.append(origin + at)
                script_length.append(length)
                at += length
    except IndexError:
        raise _misfit() from None
    if at != len(stored):
        raise _misfit()
    return _Found(
        script_start=script_start,
        script_length=script_length,
        value_start=value_start,
        counts=counts,
    )


def _size(stored: bytes, at: int) -> tuple[int, int]:
    """Return the compact size at `at` and where it ends; IndexError past the end."""
    first = stored[at]
    if first < 0xFD:
        return first, at + 1
    width = 1 << (first - 0xFC)
    if at + 1 + width > len(stored):
        raise IndexError
    return int.from_bytes(stored[at + 1 : at + 1 + width], "little"), at + 1 + width


def _joined(lists: list[list[int]]) -> Int64Array:
    return np.array([number for numbers in lists for number in numbers], dtype=np.int64)


def _values(raw: UInt8Array, starts: Int64Array) -> Int64Array:
    places = starts[:, None] + np.arange(_VALUE_BYTES)[None, :]
    values = np.ascontiguousarray(raw[places]).view("<i8").ravel().astype(np.int64)
    if len(values) and not 0 <= values.min() <= values.max() <= MAX_VALUE_SAT:
        raise _misfit()
    return values


def _misfit() -> SourceUnavailableError:
    return SourceUnavailableError("what the node says its blocks spend does not fit the blocks")
