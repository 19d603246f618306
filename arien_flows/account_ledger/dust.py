"""Dust and poison: movements that are there to be seen, not to pay.

Whoever copies an address from a history instead of from its owner can be led astray. So strangers
leave traces in it: transfers of zero tokens, which anybody can make in another's name; transfers of
tokens that pose as a main asset; and tiny payments from an address whose first and last four
digits, all that most wallets show, are those of somebody the account deals with. By one analysis
four in five transfers of early 2026 were of this sort.

A history leaves them out unless it is asked for all, and counts what it leaves out. Nothing else
heeds this: an amount of zero moves nothing, and a tiny amount is followed like any other.

Fails where a poisoner pays more than a tiny amount, or imitates fewer than four digits at an end;
hides a true tiny payment only from an address that looks like an earlier partner's, which by
chance happens once in 2^32 pairs.
"""

from collections.abc import Callable

import numpy as np

from arien_flows.account_ledger.asset_names import asset_label
from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.view import AccountView
from chains.ethereum.tables import NO_ACCOUNT, MovementKind
from chains.types import BoolArray, Int64Array, UInt32Array
from heuristics.wide import to_ints

TINY_WEI = 10**15
"""A payment of the coin below this may be poison: a thousandth of an ether."""

TINY_TOKENS = 1
"""A payment of a token below this many whole tokens may be."""

ALIKE_BYTES = 2
"""How much of the beginning, and of the end, of two addresses has to be the same: four digits."""

PARTNERS_LOOKED_AT = 1_000_000
"""Most movements of an account among which the imitated partner is looked for, the latest ones."""

_TOKENS = (MovementKind.TOKEN, MovementKind.NFT, MovementKind.MULTI_TOKEN)


def hidden_rows(view: AccountView, rows: Int64Array) -> BoolArray:
    """Tell which movements are dust or poison."""
    kind = view.movements.kind[rows]
    asset = view.movements.asset[rows]
    zero: BoolArray = ~view.amounts.of(rows).any(axis=1) & np.isin(kind, _TOKENS)
    posing = _each(asset, lambda number: _poses(view, number))
    hidden = zero | posing
    left = np.flatnonzero(~hidden)
    hidden[left] = _poisoned(view, rows[left])
    return hidden


def _poses(view: AccountView, asset: int) -> bool:
    return asset_label(view.asset_facts[asset], view).standing == "imitation"


def _poisoned(view: AccountView, rows: Int64Array) -> BoolArray:
    """Tell which movements are tiny and come from an address that imitates a partner's."""
    poisoned = np.zeros(len(rows), np.bool_)
    moved = view.movements
    paid = (moved.giver[rows] != NO_ACCOUNT) & (moved.receiver[rows] != NO_ACCOUNT)
    kind = moved.kind[rows]
    paid &= (kind == MovementKind.CALL) | np.isin(kind, _TOKENS)
    tiny = np.flatnonzero(paid)
    tiny = tiny[_is_tiny(view, rows[tiny])]
    for account in np.unique(moved.receiver[rows[tiny]]).tolist():
        mine = tiny[moved.receiver[rows[tiny]] == account]
        poisoned[mine] = _imitates_partner(view, account, rows[mine])
    return poisoned


def _is_tiny(view: AccountView, rows: Int64Array) -> BoolArray:
    amounts = to_ints(view.amounts.of(rows))
    assets = view.movements.asset[rows].tolist()
    most = {number: _least_worth_paying(view, number) for number in set(assets)}
    found = [amount < most[asset] for amount, asset in zip(amounts, assets, strict=True)]
    return np.array(found, np.bool_)


def _least_worth_paying(view: AccountView, asset: int) -> int:
    if asset == NATIVE:
        return TINY_WEI
    decimals = asset_label(view.asset_facts[asset], view).decimals
    return TINY_TOKENS * int(10 ** (decimals or 0))


def _imitates_partner(view: AccountView, account: int, rows: Int64Array) -> BoolArray:
    """Tell which payments to an account come from an address like that of an earlier partner."""
    known = view.index.movements_of(account, None)[-PARTNERS_LOOKED_AT:]
    known = known[view.amounts.of(known).any(axis=1)]
    giver, receiver = view.movements.giver[known], view.movements.receiver[known]
    partner = np.where(giver == account, receiver, giver)
    real = partner != NO_ACCOUNT
    known, partner = known[real], partner[real]
    first, at = np.unique(partner, return_index=True)
    since, ends = known[at], _ends(view, first)
    givers = view.movements.giver[rows]
    own = _ends(view, givers)
    order = np.argsort(ends, kind="stable")
    begin = np.searchsorted(ends[order], own, side="left")
    stop = np.searchsorted(ends[order], own, side="right")
    found = [
        any(first[it] != giver and since[it] < row for it in order[low:high].tolist())
        for giver, row, low, high in zip(
            givers.tolist(), rows.tolist(), begin.tolist(), stop.tolist(), strict=True
        )
    ]
    return np.array(found, np.bool_)


def _ends(view: AccountView, accounts: UInt32Array) -> UInt32Array:
    """Return the first and last digits of addresses as one number."""
    raw = view.addresses[accounts]
    ends = np.concatenate([raw[:, :ALIKE_BYTES], raw[:, -ALIKE_BYTES:]], axis=1)
    return np.ascontiguousarray(ends).view(">u4").reshape(-1).astype(np.uint32)


def _each(numbers: UInt32Array, claim: Callable[[int], bool]) -> BoolArray:
    """Return what is claimed of each number; each is asked about once."""
    distinct, place = np.unique(numbers, return_inverse=True)
    told = np.array([claim(number) for number in distinct.tolist()], np.bool_)
    found: BoolArray = told[place.reshape(-1)]
    return found
