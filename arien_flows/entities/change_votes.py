"""Votes on change over a ledger, each as of a fixed number of blocks after its transaction.

Rules that look into the future would give another answer every day. So each transaction is judged
on the ledger as of its own height plus a lag, once the chain is that long, and never again; a
later run, a run from the first block and a run that sees a few blocks only all get the same votes.

Two ways lead there. Many blocks are passed over in order, and the horizon with them. For a few
transactions somewhere in the chain, only what their votes depend on is looked up.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from arien_flows.entities.fingerprints import (
    fingerprint_columns,
    multisig_bits,
    multisig_reveals,
)
from arien_flows.ledger.view import View
from chains.types import Int64Array, UInt8Array, UInt32Array
from heuristics.change import NO_LABELS, change_votes, votes_of_blocks
from heuristics.change_columns import (
    Blocks,
    ChangeColumns,
    Fingerprints,
    Horizon,
    new_horizon,
)
from heuristics.columns import NO_ADDRESS, Int8Array
from heuristics.fingerprint import FingerprintColumns, fingerprints
from heuristics.keyset import KeysetColumns

DECISION_LAG = 1_008
"""Blocks after a transaction that its votes wait for: a week."""

VOTE_TRANSACTIONS = 1 << 18
"""Transactions that are voted on at a time; their votes take about 100 bytes each."""

FEW_TRANSACTIONS = 1 << 14
"""Up to here, single transactions are looked up rather than the whole past counted."""

_ENTRIES_AT_ONCE = 16

Excluded = Callable[[int, int], UInt8Array]
"""Given a range of transactions, one byte for each; those whose byte is not 0 get no votes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteSources:
    """What the votes read of one view; made once, it serves any number of passes."""

    view: View
    columns: ChangeColumns
    keysets: KeysetColumns
    fingerprints: FingerprintColumns

    @classmethod
    def of(cls, view: View) -> "VoteSources":
        """Read the reveals of a view for multisig scripts: one pass, 12 bytes for each found."""
        return cls.knowing(view, multisig_reveals(view))

    @classmethod
    def knowing(cls, view: View, reveals: Int64Array) -> "VoteSources":
        """Take no other scripts for multisig than some reveals show (ascending rows)."""
        return cls(
            view=view,
            columns=_change_columns(view),
            keysets=_keyset_columns(view, reveals),
            fingerprints=fingerprint_columns(view, multisig_bits(view, reveals)),
        )


class BlockVotes(NamedTuple):
    """The votes on the transactions of consecutive blocks."""

    first_block: int
    last_block: int
    """One past the last."""

    start: int
    stop: int
    """The range of transactions."""

    first_row: Int64Array
    """The first row of each transaction and the end of the last."""

    votes: Int8Array
    """One row for each output, one column for each `ChangeRule`."""


def _change_columns(view: View) -> ChangeColumns:
    return ChangeColumns(
        first_input=view.first_input,
        first_output=view.first_output,
        fee_sat=view.fee,
        stripped_size=view.stripped_size,
        witness_size=view.witness_size,
        spent_output=view.spent_output,
        input_address=view.input_address,
        input_value_sat=view.input_value,
        output_address=view.output_address,
        output_value_sat=view.output_value,
        spender=view.spender,
        script_type=view.script_type,
    )


def _keyset_columns(view: View, reveals: Int64Array) -> KeysetColumns:
    address = view.input_address[view.reveal_input[reveals]]
    order = np.argsort(address, kind="stable")
    return KeysetColumns(
        first_payload_byte=view.first_payload_byte,
        payload=view.payload,
        reveal_input=view.reveal_input,
        first_reveal_byte=view.first_reveal_byte,
        revealed=view.revealed,
        address=address[order],
        reveal=reveals[order],
    )


def decided_blocks(view: View, lag: int) -> int:
    """Return how many leading blocks of a view are old enough to be voted on for good."""
    if view.counts.blocks == 0:
        return 0
    ready = np.searchsorted(view.block_height, int(view.block_height[-1]) - lag, side="right")
    return int(ready)


def horizons(view: View, first_block: int, last_block: int, lag: int) -> Int64Array:
    """Return how many transactions are known when each of some blocks is judged.

    Those of all blocks up to `lag` blocks later, or up to the end of the view.
    """
    heights = view.block_height[first_block:last_block].astype(np.int64) + lag
    known = np.searchsorted(view.block_height, heights, side="right")
    return view.first_transaction[known].astype(np.int64)


def newest_address(view: View, transaction: int) -> int:
    """Return the largest address number that earlier transactions mention; -1 for none.

    Addresses are numbered by first appearance, so their first transactions ascend.
    """
    return -1 + bisect_left(
        range(view.counts.addresses),
        transaction,
        key=lambda address: int(view.history(address, 0, 1).transaction[0]),
    )


def votes_of(
    sources: VoteSources,
    excluded: Excluded,
    *,
    lag: int = DECISION_LAG,
    first_block: int = 0,
    last_block: int | None = None,
) -> Iterator[BlockVotes]:
    """Yield the votes on blocks `[first_block, last_block)`, some blocks at a time, in order.

    Parameters
    ----------
    sources
        Of the view that holds the blocks.
    excluded
        Which transactions to leave out, as the clustering does.
    lag
        Blocks after each block that its votes know of.
    first_block, last_block
        By default all blocks that are old enough. Younger ones are judged on what there is; their
        votes may change.
    """
    view = sources.view
    last_block = decided_blocks(view, lag) if last_block is None else last_block
    if not 0 <= first_block <= last_block <= view.counts.blocks:
        raise ValueError(f"blocks {first_block} to {last_block} are not all in the view")
    first, last = (int(view.first_transaction[block]) for block in (first_block, last_block))
    if first > 0 and last - first <= FEW_TRANSACTIONS:
        yield from _looked_up(sources, excluded, first_block, last_block, lag)
    else:
        yield from _passed_over(sources, excluded, first_block, last_block, lag)


def _passed_over(
    sources: VoteSources, excluded: Excluded, first_block: int, last_block: int, lag: int
) -> Iterator[BlockVotes]:
    """Vote on many blocks in order; what lies before them is counted first."""
    view = sources.view
    horizon = new_horizon(view.counts.addresses)
    newest = newest_address(view, int(view.first_transaction[first_block]))
    window = Fingerprints(0, NO_LABELS)
    for begin, end in _portions(view, first_block, last_block):
        blocks = Blocks(
            view.first_transaction[begin : end + 1].astype(np.int64),
            horizons(view, begin, end, lag),
        )
        start, stop = int(blocks.first_transaction[0]), int(blocks.first_transaction[-1])
        window = _moved(sources.fingerprints, window, start, int(blocks.horizon[-1]))
        votes, horizon, newest = votes_of_blocks(
            sources.columns,
            sources.keysets,
            horizon,
            window,
            excluded(start, stop),
            blocks,
            newest_address=newest,
        )
        yield BlockVotes(begin, end, start, stop, _rows(view, start, stop), votes)


def _portions(view: View, first_block: int, last_block: int) -> Iterator[tuple[int, int]]:
    """Yield consecutive ranges of blocks of about `VOTE_TRANSACTIONS` transactions each."""
    begin = first_block
    while begin < last_block:
        wanted = int(view.first_transaction[begin]) + VOTE_TRANSACTIONS
        end = int(np.searchsorted(view.first_transaction, wanted, side="right")) - 1
        end = min(max(end, begin + 1), last_block)
        yield begin, end
        begin = end


def _moved(
    columns: FingerprintColumns, window: Fingerprints, start: int, stop: int
) -> Fingerprints:
    """Return the fingerprints of `[start, stop)`, computing those that the window lacks."""
    have = window.start + len(window.words)
    if not window.start <= start < have:
        return Fingerprints(start, fingerprints(columns, start, stop))
    kept = window.words[start - window.start :]
    return Fingerprints(start, np.concatenate([kept, fingerprints(columns, have, stop)]))


def _rows(view: View, start: int, stop: int) -> Int64Array:
    first = view.first_output[start : stop + 1]
    rows: Int64Array = np.subtract(first, first[0], dtype=np.int64)
    return rows


def _looked_up(
    sources: VoteSources, excluded: Excluded, first_block: int, last_block: int, lag: int
) -> Iterator[BlockVotes]:
    """Vote on a few blocks, each by itself."""
    view = sources.view
    known = horizons(view, first_block, last_block, lag)
    for block, horizon in zip(range(first_block, last_block), known.tolist(), strict=True):
        start, stop = (int(number) for number in view.first_transaction[block : block + 2])
        votes = _votes_on(sources, excluded(start, stop), start, stop, horizon)
        yield BlockVotes(block, block + 1, start, stop, _rows(view, start, stop), votes)


def votes_on(sources: VoteSources, transaction: int, lag: int) -> Int8Array:
    """Return the votes on one transaction that is not left out, looked up in milliseconds.

    Where the chain is not as long as the lag asks, they may still change.
    """
    block = int(sources.view.blocks_of(np.array([transaction]))[0])
    known = int(horizons(sources.view, block, block + 1, lag)[0])
    return _votes_on(sources, np.zeros(1, dtype=np.uint8), transaction, transaction + 1, known)


def _votes_on(
    sources: VoteSources,
    excluded: UInt8Array,
    start: int,
    stop: int,
    known: int,
) -> Int8Array:
    return change_votes(
        sources.columns,
        sources.keysets,
        _horizon_for(sources.view, start, stop, known),
        _fingerprints_for(sources, start, stop, known),
        excluded,
        start,
        newest_address=newest_address(sources.view, start),
    )


def _horizon_for(view: View, start: int, stop: int, known: int) -> Horizon:
    """Return a horizon with counts for the addresses that some transactions pay, and no others.

    The arrays are as long as always, but their pages take no memory before they are written to.
    Counts stop at 2, which is all that the rules tell apart.
    """
    horizon = new_horizon(view.counts.addresses)._replace(transactions=known)
    outputs = view.output_address[int(view.first_output[start]) : int(view.first_output[stop])]
    for address in np.unique(outputs[outputs != NO_ADDRESS]).tolist():
        horizon.receipts[address], horizon.spends[address] = _counts(view, address, known)
    return horizon


def _counts(view: View, address: int, known: int) -> tuple[int, int]:
    """Return how often an address receives and spends before transaction `known`, up to twice.

    Where it receives twice, its spends may be too few: no rule asks for them then.
    """
    receipts, spends, entry = 0, 0, 0
    while receipts < 2:
        history = view.history(address, entry, entry + _ENTRIES_AT_ONCE)
        for transaction in history.transaction[history.transaction < known].tolist():
            receipts += _mentions(view.output_address, view.first_output, transaction, address)
            spends += _mentions(view.input_address, view.first_input, transaction, address)
        entry += _ENTRIES_AT_ONCE
        if len(history.transaction) < _ENTRIES_AT_ONCE or history.transaction[-1] >= known:
            break
    return min(receipts, 2), min(spends, 2)


def _mentions(addresses: UInt32Array, first: Int64Array, transaction: int, address: int) -> int:
    begin, end = first[transaction : transaction + 2].tolist()
    return int(np.count_nonzero(addresses[begin:end] == address))


def _fingerprints_for(sources: VoteSources, start: int, stop: int, known: int) -> Fingerprints:
    """Return fingerprints of some transactions and of those that spend from them, and no others."""
    view = sources.view
    words = np.zeros(max(known, stop) - start, dtype=np.uint32)
    words[: stop - start] = fingerprints(sources.fingerprints, start, stop)
    spenders = view.spender[int(view.first_output[start]) : int(view.first_output[stop])]
    later = spenders[(spenders >= stop) & (spenders < known)]
    for spender in np.unique(later).tolist():
        words[spender - start : spender - start + 1] = fingerprints(
            sources.fingerprints, spender, spender + 1
        )
    return Fingerprints(start, words)
