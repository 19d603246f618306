"""Text for many numbers of a view at once: addresses, transaction ids, times.

An answer may name tens of thousands of coins. One by one their texts take longer than the trace.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np

from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.view import View
from chains.types import Int64Array


def address_texts(view: View, numbers: Int64Array) -> dict[int, str | None]:
    """Return the canonical text of each address number; nothing for `NO_ADDRESS`."""
    wanted = np.unique(numbers)
    wanted = wanted[wanted != NO_ADDRESS]
    texts = zip(wanted.tolist(), view.address_texts(wanted), strict=True)
    return {NO_ADDRESS: None} | dict(texts)


def txid_texts(view: View, transactions: Int64Array) -> dict[int, str]:
    """Return the id of each transaction as people read it."""
    wanted = np.unique(transactions)
    return dict(zip(wanted.tolist(), view.txid_texts(wanted), strict=True))


def outpoint_texts(view: View, outputs: Int64Array) -> list[str]:
    """Return each output as `txid:vout`."""
    made = view.transactions_of_outputs(outputs)
    places = (outputs - view.first_output[made]).tolist()
    return [f"{txid}:{place}" for txid, place in zip(view.txid_texts(made), places, strict=True)]


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
