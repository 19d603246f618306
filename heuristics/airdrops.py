"""Airdrops that one person collected with many accounts.

A project that gives the same amount of its token to everybody invites people to be everybody. What
such a farm received it has to bring together to sell it, and then accounts that all received the
same amount pay exactly that amount to one account. Few others do so.

Rows are transfers of tokens in chain order; what is an account of a key, and whose transfers are
its own and not an invention of the token's contract, is the caller's to say.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from heuristics.columns import BoolArray, Int64Array, UInt32Array
from heuristics.wide import LIMBS, UInt64Array

VERSION = 1
"""Raised whenever the same input can give another result."""

LEAST_RECIPIENTS = 1_000
MOST_GAP_BLOCKS = 2
"""Median of the blocks between consecutive transfers of an airdrop."""

LEAST_COLLECTED = 2
"""Recipients that have to pay to one account."""

CONFIDENCE_PPM = 700_000


class TokenTransfers(NamedTuple):
    """Transfers of tokens of more than nothing, in chain order."""

    giver: UInt32Array
    receiver: UInt32Array
    asset: UInt32Array
    amount: UInt64Array
    """Base units, shape (rows, 4)."""

    height: Int64Array


class AirdropTerms(NamedTuple):
    """What makes an airdrop, and what makes its recipients one."""

    least_recipients: int = LEAST_RECIPIENTS
    most_gap_blocks: int = MOST_GAP_BLOCKS
    least_collected: int = LEAST_COLLECTED


class Airdrop(NamedTuple):
    """One source that gave one amount of one token to many."""

    distributor: int
    rows: Int64Array
    """The transfers, ascending."""


class Collected(NamedTuple):
    """Recipients of airdrops that paid what they received to one account."""

    recipient: UInt32Array
    beneficiary: UInt32Array
    row: Int64Array
    """The first transfer from the one to the other; ascending."""

    received: Int64Array
    """The row by which the recipient had it from the airdrop."""


def collected_airdrops(
    transfers: TokenTransfers,
    may_give: BoolArray,
    is_eligible: BoolArray,
    terms: AirdropTerms = AirdropTerms(),  # noqa: B008 - a tuple, which nobody can change
) -> Collected:
    """Accounts that bring together what each received from one airdrop are one owner's.

    An airdrop is one source that sends the same amount of a token to at least 1,000 accounts, with
    a median of at most 2 blocks between consecutive transfers. An account that receives exactly
    that amount from at least 2 of the recipients is joined with them. All are accounts of keys, the
    distributor is left out, and so are exchanges, other services and deposit addresses. A transfer
    counts where the payer itself sent the transaction.

    Assumes: nobody else brings together what accounts of different people received.
    Fails when: somebody buys farmed wallets, or what is in them; a service that no tag names
        collects its customers' tokens in equal amounts.
    Source: Victor, Address Clustering Heuristics for Ethereum, FC 2020; thresholds of etherclust.

    Parameters
    ----------
    transfers
        In chain order.
    may_give
        By row: whether the giver itself made this transfer.
    is_eligible
        By account: whether it may be a recipient or a beneficiary that is joined.
    terms
        Thresholds.
    """
    count = len(transfers.giver)
    if transfers.amount.shape != (count, LIMBS) or len(may_give) != count:
        raise ValueError(f"amounts and marks must have {count} rows")
    airdrops = list(find_airdrops(transfers, terms))
    same = _same_amounts(transfers, airdrops)
    parts = [
        _collected(transfers, may_give, is_eligible, airdrop, rows, terms.least_collected)
        for airdrop, rows in zip(airdrops, same, strict=True)
    ]
    if not parts:
        none = np.empty(0, np.int64)
        return Collected(none.astype(np.uint32), none.astype(np.uint32), none, none)
    table = np.concatenate(parts)
    table = table[np.lexsort((table[:, 1], table[:, 0], table[:, 2]))]
    # Somebody may have the same amount from two airdrops.
    _, first = np.unique((table[:, 0] << 32) | table[:, 1], return_index=True)
    table = table[np.sort(first)]
    return Collected(
        table[:, 0].astype(np.uint32), table[:, 1].astype(np.uint32), table[:, 2], table[:, 3]
    )


def find_airdrops(transfers: TokenTransfers, terms: AirdropTerms) -> Iterator[Airdrop]:
    """Yield the airdrops, ascending by distributor, token and amount."""
    pair = (transfers.giver.astype(np.int64) << 32) | transfers.asset.astype(np.int64)
    _, which, often = np.unique(pair, return_inverse=True, return_counts=True)
    rows = np.flatnonzero(often[which] >= terms.least_recipients)
    ordered, starts = _grouped(rows, pair[rows], transfers.amount[rows])
    large = np.flatnonzero(np.diff(starts) >= terms.least_recipients)
    for begin, end in zip(starts[large].tolist(), starts[large + 1].tolist(), strict=True):
        group = ordered[begin:end]
        if len(np.unique(transfers.receiver[group])) < terms.least_recipients:
            continue
        if _median_exceeds(np.diff(transfers.height[group]), terms.most_gap_blocks):
            continue
        yield Airdrop(int(transfers.giver[group[0]]), group)


def _median_exceeds(gaps: Int64Array, most: int) -> bool:
    """Return whether the median is larger; of an even number it is the middle of two."""
    ordered, half = np.sort(gaps), len(gaps) // 2
    if not len(gaps):
        return False
    twice = int(ordered[half] + ordered[-half - 1])
    return twice > 2 * most


def _same_amounts(transfers: TokenTransfers, airdrops: list[Airdrop]) -> list[Int64Array]:
    """Return, for each airdrop, all transfers of the same amount of the same token, ascending."""
    firsts = np.array([airdrop.rows[0] for airdrop in airdrops], np.int64)
    rows = np.flatnonzero(np.isin(transfers.asset, np.unique(transfers.asset[firsts])))
    token = transfers.asset[rows].astype(np.int64)
    ordered, starts = _grouped(rows, token, transfers.amount[rows])
    place = np.empty(len(rows), np.int64)
    place[np.searchsorted(rows, ordered)] = np.arange(len(rows))
    group = np.searchsorted(starts, place[np.searchsorted(rows, firsts)], side="right") - 1
    stretches = zip(starts[group].tolist(), starts[group + 1].tolist(), strict=True)
    return [ordered[begin:end] for begin, end in stretches]


def _grouped(
    rows: Int64Array, key: Int64Array, amount: UInt64Array
) -> tuple[Int64Array, Int64Array]:
    """Return rows by key and amount, ascending within both, and where each such group starts."""
    order = np.lexsort((*amount.T, key))
    key, amount = key[order], amount[order]
    differs = (key[1:] != key[:-1]) | (amount[1:] != amount[:-1]).any(axis=1)
    inner = (np.flatnonzero(differs) + 1).tolist()
    return rows[order], np.array([0, *inner, len(rows)], np.int64)


def _collected(
    transfers: TokenTransfers,
    may_give: BoolArray,
    is_eligible: BoolArray,
    airdrop: Airdrop,
    same: Int64Array,
    least: int,
) -> Int64Array:
    """Return recipient, beneficiary, row of the transfer and row of the drop."""
    recipients, first = np.unique(transfers.receiver[airdrop.rows], return_index=True)
    received = airdrop.rows[first]
    giver, receiver = transfers.giver[same], transfers.receiver[same]
    place = np.minimum(np.searchsorted(recipients, giver), len(recipients) - 1)
    chosen = (recipients[place] == giver) & (same > received[place]) & may_give[same]
    chosen &= is_eligible[giver] & is_eligible[receiver] & (giver != receiver)
    chosen &= receiver != airdrop.distributor
    table = np.stack([giver, receiver, same, received[place]], axis=1).astype(np.int64)[chosen]
    _, once = np.unique((table[:, 0] << 32) | table[:, 1], return_index=True)
    table = table[np.sort(once)]
    _, which, payers = np.unique(table[:, 1], return_inverse=True, return_counts=True)
    enough: Int64Array = table[payers[which] >= least] if len(table) else table
    return enough
