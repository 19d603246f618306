"""No account gives what it does not have: where a ledger is complete, balances are never negative.

Where it is not, negative balances show what is missing. They are counted, and are no contradiction.
"""

from collections.abc import Iterator

import numpy as np

from arien_flows.account_ledger.columns import NULL_ACCOUNT
from arien_flows.account_ledger.view import AccountView
from arien_flows.ledger.verify_result import Check, Findings
from chains.ethereum.tables import NO_ACCOUNT, CallCoverage, MovementKind, OpeningCoverage
from chains.types import Int64Array, UInt64Array
from heuristics.wide import LIMBS

PART_MOVEMENTS = 1 << 23
"""Accounts are looked at in as many parts as keep the movements of one below this."""

STEP = 1 << 22

_HALF = np.uint64(32)
_MASK = np.uint64(0xFFFF_FFFF)


def check_balances(view: AccountView) -> Check:
    """Check that no balance is negative at the end of the ledger."""
    found = Findings()
    is_complete = view.calls is CallCoverage.TRACED and bool(
        (view.blocks.openings == OpeningCoverage.KNOWN).all()
    )
    short = 0
    for account, asset, balance in negative_balances(view):
        facts = view.asset_facts[asset]
        if is_complete and facts.is_conserving and facts.standard is not MovementKind.MULTI_TOKEN:
            found.add(
                f"{view.account_text(account)}, {facts.symbol or 'asset ' + str(asset)}",
                f"gave {-balance} base units more than it had",
            )
        else:
            short += 1
    found.rows_checked = view.counts.movements
    if short:
        found.note = (
            f"{short:,} balances are below zero because something is missing: what came before the "
            "ledger, what contracts passed on, or what a token's transfers do not tell"
        )
    return found.check("balances", "No account gave what it did not have.")


def negative_balances(view: AccountView) -> Iterator[tuple[int, int, int]]:
    """Yield account, asset and balance of all whose balance is negative; not the null address."""
    parts = max(1, -(-2 * view.counts.movements // PART_MOVEMENTS))
    for part in range(parts):
        yield from _negative(view, part, parts)


def _negative(view: AccountView, part: int, parts: int) -> Iterator[tuple[int, int, int]]:
    pairs: list[Int64Array] = []
    amounts: list[UInt64Array] = []
    gives: list[Int64Array] = []
    moved = view.movements
    for start in range(0, view.counts.movements, STEP):
        rows = slice(start, min(start + STEP, view.counts.movements))
        amount = view.amounts.of(rows)
        for column, is_giver in ((moved.giver[rows], True), (moved.receiver[rows], False)):
            chosen = (column != NO_ACCOUNT) & (column != NULL_ACCOUNT) & (column % parts == part)
            pairs.append(column[chosen].astype(np.int64) << 32 | moved.asset[rows][chosen])
            amounts.append(amount[chosen])
            gives.append(np.full(int(chosen.sum()), is_giver, np.int64))
    if not pairs:
        return
    pair, group = np.unique(np.concatenate(pairs), return_inverse=True)
    gave = np.concatenate(gives).astype(np.bool_)
    amount = np.concatenate(amounts)
    received = _sums(amount[~gave], group[~gave], len(pair))
    given = _sums(amount[gave], group[gave], len(pair))
    # Most balances are decided by a glance at the sums; exact numbers are formed of the others.
    for place in np.flatnonzero((received != given).any(axis=1)).tolist():
        balance = _whole(received[place].tolist()) - _whole(given[place].tolist())
        if balance < 0:
            yield int(pair[place]) >> 32, int(pair[place]) & 0xFFFF_FFFF, balance


def _sums(amount: UInt64Array, group: Int64Array, groups: int) -> UInt64Array:
    """Return sums of half limbs, lowest first, shape (groups, 8)."""
    sums = np.zeros((groups, 2 * LIMBS), np.uint64)
    for limb in range(LIMBS):
        np.add.at(sums[:, 2 * limb], group, amount[:, limb] & _MASK)
        np.add.at(sums[:, 2 * limb + 1], group, amount[:, limb] >> _HALF)
    return sums


def _whole(halves: list[int]) -> int:
    return sum(half << (32 * place) for place, half in enumerate(halves))
