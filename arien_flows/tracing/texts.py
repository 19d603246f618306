"""Text for many numbers of a view at once: addresses, transaction ids, times.

An answer may name tens of thousands of coins. One by one their texts take longer than the trace.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np

from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.view import View
from chains.tables import ScriptType
from chains.types import Int64Array
from heuristics.follow import ranges

_FEW = 200
"""So many addresses are not worth the start of a kernel."""

_TXID_BYTES = 32


def address_texts(view: View, numbers: Int64Array) -> dict[int, str | None]:
    """Return the canonical text of each address number; nothing for `NO_ADDRESS`."""
    wanted = np.unique(numbers)
    texts: dict[int, str | None] = {NO_ADDRESS: None}
    wanted = wanted[wanted != NO_ADDRESS]
    if len(wanted) <= _FEW:
        return texts | {number: view.address_text(number) for number in wanted.tolist()}
    from arien_flows.ledger.parquet_texts import address_texts as encoded

    first, past = view.first_payload_byte[wanted], view.first_payload_byte[wanted + 1]
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(past - first)])
    payload = view.payload[ranges(first.astype(np.int64), past.astype(np.int64))]
    kind = view.script_type[wanted]
    is_data = kind == ScriptType.OP_RETURN
    if is_data.any():
        return texts | {number: view.address_text(number) for number in wanted.tolist()}
    found = encoded(kind, payload, starts, view.network).to_pylist()
    return texts | dict(zip(wanted.tolist(), found, strict=True))


def txid_texts(view: View, transactions: Int64Array) -> dict[int, str]:
    """Return the id of each transaction as people read it."""
    wanted = np.unique(transactions)
    digits = np.ascontiguousarray(view.txid[wanted][:, ::-1]).tobytes().hex()
    width = 2 * _TXID_BYTES
    return {number: digits[i * width : (i + 1) * width] for i, number in enumerate(wanted.tolist())}


def block_times(view: View, blocks: Int64Array) -> dict[int, datetime]:
    """Return the header time of each row of the block table."""
    wanted = np.unique(blocks)
    seconds = view.times_of_blocks(wanted).tolist()
    return dict(zip(wanted.tolist(), map(moment, seconds), strict=True))


def moment(seconds: int) -> datetime:
    """Return seconds since 1970 as a moment."""
    return datetime.fromtimestamp(seconds, UTC)


def ranges_text(numbers: Iterable[int]) -> str:
    """Return ascending numbers shortly: `0-3,7`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
