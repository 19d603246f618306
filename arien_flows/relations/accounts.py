"""Relations on a chain of accounts, of one asset: movements name who gave and who received.

So every value is a fact where accounts are asked about, and nothing is divided. Gas is no payment
to a neighbour, and what nobody gave or received (new coins, what was destroyed) is told apart.
"""

import numpy as np

from arien_flows.account_ledger.columns import NULL_ACCOUNT
from arien_flows.account_ledger.view import AccountView
from arien_flows.attribution.ownership import EntityMap, SingleAddresses, roots_of
from arien_flows.relations.found import (
    MOST_ADDRESSES,
    MOST_ROWS,
    Direction,
    Relations,
    Rest,
    cut_of,
)
from chains.ethereum.tables import NO_ACCOUNT, MovementKind
from chains.types import Int64Array
from heuristics.wide import to_ints

RULE = "transfers"
VERSION = 1
"""Raised whenever the same ledger can give other values."""

_GAS = (MovementKind.GAS_BURNT, MovementKind.GAS_TIP)


def account_relations(
    view: AccountView,
    members: Int64Array,
    asset: int,
    direction: Direction,
    *,
    entities: EntityMap | None,
) -> Relations:
    """Return what of an asset moved between accounts and each neighbour.

    `entities` are those that neighbours are joined to; without, each account counts by itself.
    """
    looked = members[:MOST_ADDRESSES]
    parts = [view.index.movements_of(each, asset) for each in looked.tolist()]
    every: Int64Array = np.unique(np.concatenate([*parts, np.empty(0, np.int64)])).astype(np.int64)
    moved = view.movements
    own_end, far_end = moved.giver, moved.receiver
    if direction == "in":
        own_end, far_end = far_end, own_end
    held = every[-MOST_ROWS:]
    rows = held[np.isin(own_end[held], looked)]
    amounts = to_ints(view.amounts.of(rows))
    far = far_end[rows].astype(np.int64)
    nobody = (far == NO_ACCOUNT) | (far == NULL_ACCOUNT)
    is_own, is_gas = np.isin(far, members), np.isin(moved.kind[rows], _GAS)
    holder = roots_of(entities or SingleAddresses(), far)
    found: dict[int, list[int]] = {}
    rest = dict.fromkeys(Rest, 0)
    nowhere = Rest.DESTROYED if direction == "out" else Rest.NEWLY_MINED
    transactions = moved.transaction[rows].astype(np.int64).tolist()
    marks = zip(is_gas.tolist(), nobody.tolist(), is_own.tolist(), strict=True)
    for place, (gas, none, own) in enumerate(marks):
        if gas or none or own:
            reason = Rest.FEES if gas else nowhere if none else Rest.OWN
            rest[reason] += amounts[place]
        else:
            found.setdefault(int(holder[place]), []).append(place)
    values = {each: sum(amounts[place] for place in places) for each, places in found.items()}
    ranked = sorted(found, key=lambda each: (-values[each], each))
    return Relations(
        holders=ranked,
        values=[values[each] for each in ranked],
        transactions=[len({transactions[place] for place in found[each]}) for each in ranked],
        first=[transactions[found[each][0]] for each in ranked],
        last=[transactions[found[each][-1]] for each in ranked],
        facts=[True] * len(ranked),
        rest=rest,
        total=sum(amounts),
        looked_at=len(set(transactions)),
        truncations=(
            *cut_of(len(looked), len(members), MOST_ADDRESSES, "addresses"),
            *cut_of(len(held), len(every), MOST_ROWS, "movements"),
        ),
    )
