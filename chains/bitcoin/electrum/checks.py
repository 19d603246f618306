"""From what an Electrum server answers to what was asked of it; pure.

Failures pass through: an item that could not be had stays the error that it is.
"""

from collections.abc import Sequence

import numpy as np

from chains.bitcoin.decode import decode_transactions
from chains.errors import LookupFailedError, MalformedBlockError
from chains.lookups import FetchedTransaction, MerkleBranch, OutputQuestion, Sighting
from chains.types import TxIdRaw


def at_most(
    most: int, seen: tuple[Sighting, ...] | LookupFailedError
) -> tuple[Sighting, ...] | LookupFailedError:
    """Return what was seen, or a failure where that is more than is wanted."""
    if isinstance(seen, LookupFailedError) or len(seen) <= most:
        return seen
    return LookupFailedError(f"{len(seen)} transactions touch the script, more than {most}")


def later(
    seen: tuple[Sighting, ...] | LookupFailedError, output: OutputQuestion
) -> tuple[Sighting, ...] | LookupFailedError:
    """Return those of a script's transactions that may spend an output of it."""
    if isinstance(seen, LookupFailedError):
        return seen
    return tuple(
        sighting
        for sighting in seen
        if sighting.txid != output.txid
        and (sighting.height is None or sighting.height >= output.height)
    )


def at_height(
    height: int, answer: tuple[int, MerkleBranch] | LookupFailedError
) -> MerkleBranch | LookupFailedError:
    """Return the branch if it is for the height that was asked for."""
    if isinstance(answer, LookupFailedError):
        return answer
    stated, branch = answer
    if stated != height:
        return LookupFailedError(f"the server places the transaction at {stated}, not at {height}")
    return branch


def identified(
    txids: Sequence[TxIdRaw], fetched: Sequence[bytes | LookupFailedError]
) -> list[FetchedTransaction | LookupFailedError]:
    """Return the transactions that hash to their ids."""
    hashes = iter(_txids([raw for raw in fetched if isinstance(raw, bytes)]))
    found: list[FetchedTransaction | LookupFailedError] = []
    for txid, raw in zip(txids, fetched, strict=True):
        if isinstance(raw, LookupFailedError):
            found.append(raw)
        elif next(hashes) != txid:
            found.append(LookupFailedError("the server's bytes are not that transaction"))
        else:
            found.append(FetchedTransaction(raw=raw, spent=None))
    return found


def _txids(raws: Sequence[bytes]) -> list[bytes | None]:
    """Return the id of each transaction; nothing for bytes that are none."""
    if not raws:
        return []
    lengths = np.array([len(raw) for raw in raws], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    together = np.frombuffer(b"".join(raws), dtype=np.uint8)
    try:
        return [row.tobytes() for row in decode_transactions(together, starts, lengths).txid]
    except MalformedBlockError:
        if len(raws) == 1:
            return [None]
    # One of them is at fault; the rare case need not be fast.
    return [txid for raw in raws for txid in _txids([raw])]
