"""Gas funding: who gave an account its first coins.

An account can do nothing without coins for gas, so somebody has to give it some, and who makes
accounts for himself does it himself. But so do exchanges, faucets, and everybody who pays somebody
new. Alone the rule is a hint. It is much surer where one account funded many, and these later
paid to one and the same account: so works who runs them all.
"""

from typing import NamedTuple

import numpy as np

from heuristics.columns import NO_ADDRESS, BoolArray, Int64Array, UInt32Array

VERSION = 1
"""Raised whenever the same input can give another result."""

FUNDED_PPM = 600_000
SWEPT_PPM = 850_000
MANY_FUNDED = 20
"""Who funded more accounts than this is a service, unless they pay to one account later."""

LEAST_SWEPT_PERCENT = 80
"""Share of the funded accounts that pay to one account, where the rule is sure."""


class CoinTransfers(NamedTuple):
    """Transfers of coins of more than nothing, in chain order."""

    giver: UInt32Array
    """`NO_ADDRESS` where coins are new, or were there before the first block."""

    receiver: UInt32Array


class Fundings(NamedTuple):
    """Accounts that were given their first coins by one that may be their owner."""

    funder: UInt32Array
    funded: UInt32Array
    row: Int64Array
    """The transfer; ascending."""

    sweep: Int64Array
    """The first payment of the funded account to the one that all were swept to; -1 where it
    is not known that they were."""


def gas_fundings(
    transfers: CoinTransfers,
    first_sent: Int64Array,
    may_fund: BoolArray,
    may_be_funded: BoolArray,
    may_collect: BoolArray,
    many_funded: int = MANY_FUNDED,
) -> Fundings:
    """An account that had its first coins from another is that one's.

    The first coins that an account ever received came from an account of a key that no tag names a
    service, and nothing was sent before. The confidence is 60; it is 85 where that account funded
    more than 20 such accounts and at least 80 % of these, and more than 20, later paid to one and
    the same account that is no service. Who funded more than 20 without that is taken for a
    service, and joins nobody.

    Assumes: the ledger begins with the chain, and exchanges and faucets are named or busy.
    Fails when: somebody gives a friend, a customer or an employee his first coins; an exchange that
        no tag names has few customers here; a shop or an unnamed exchange is paid by those whom one
        faucet funded.
    Source: common practice of investigators; the guard against services and the confidences are
        this program's own, and not calibrated on real data.

    Parameters
    ----------
    transfers
        In chain order.
    first_sent
        By account: how many transfers came before the first transaction that it sent; the number
        of all transfers where it sent none.
    may_fund, may_be_funded, may_collect
        By account: whether it may be a funder; be funded; be what funded accounts are swept to.
    many_funded
        Accounts that somebody may fund without being a service.
    """
    receiver, giver = transfers.receiver, transfers.giver
    first = np.full(len(first_sent), -1, np.int64)
    backwards = np.flatnonzero(receiver != NO_ADDRESS)[::-1]
    # Of several rows of one account the first one, which is assigned last, stands.
    first[receiver[backwards]] = backwards
    funded = np.flatnonzero((first >= 0) & may_be_funded)
    row = first[funded]
    funder = giver[row]
    known = funder != NO_ADDRESS
    funded, row, funder = funded[known], row[known], funder[known]
    chosen = may_fund[funder] & (first_sent[funded] > row) & (funder != funded)
    funded, row, funder = funded[chosen], row[chosen], funder[chosen].astype(np.int64)
    count = np.bincount(funder, minlength=len(first_sent))
    busy = count[funder] > many_funded
    owner = np.full(len(first_sent), -1, np.int64)
    owner[funded[busy]] = funder[busy]
    sweeps = _sweeps(transfers, owner, first, may_collect, count, many_funded)
    sweep = np.where(busy, sweeps[funded], -1)
    kept = np.flatnonzero(~busy | (sweep >= 0))
    kept = kept[np.argsort(row[kept], kind="stable")]
    return Fundings(
        funder[kept].astype(np.uint32), funded[kept].astype(np.uint32), row[kept], sweep[kept]
    )


def _sweeps(
    transfers: CoinTransfers,
    owner: Int64Array,
    funded_at: Int64Array,
    may_collect: BoolArray,
    count: Int64Array,
    many_funded: int,
) -> Int64Array:
    """Return the row by which each account paid to what its owner's accounts nearly all paid to.

    -1 stands for accounts without an owner, and where there is no such collector. Of several the
    one that most paid to counts, of these the smallest.
    """
    sweep = np.full(len(owner), -1, np.int64)
    held = (transfers.giver != NO_ADDRESS) & (transfers.receiver != NO_ADDRESS)
    rows = np.flatnonzero(held)
    rows = rows[owner[transfers.giver[rows]] >= 0]
    giver = transfers.giver[rows].astype(np.int64)
    receiver = transfers.receiver[rows].astype(np.int64)
    later = may_collect[receiver] & (rows > funded_at[giver])
    rows, giver, receiver = rows[later], giver[later], receiver[later]
    _, once = np.unique((giver << 32) | receiver, return_index=True)
    rows, giver, receiver = rows[once], giver[once], receiver[once]
    pairs, which, payers = np.unique(
        (owner[giver] << 32) | receiver, return_inverse=True, return_counts=True
    )
    runs, collector = pairs >> 32, pairs & 0xFFFF_FFFF
    best = np.lexsort((collector, -payers, runs))
    _, first = np.unique(runs[best], return_index=True)
    best = best[first]
    enough = 100 * payers[best] >= LEAST_SWEPT_PERCENT * count[runs[best]]
    best = best[enough & (payers[best] > many_funded)]
    chosen = np.isin(which, best)
    sweep[giver[chosen]] = rows[chosen]
    return sweep
