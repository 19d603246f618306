"""Conversions: where an owner's money became another asset, by swap or by wrap.

A trace that stopped at every pool would lose most of what is stolen within minutes, and one that
went on through a pool's reserves would follow other people's money. What can be said lies between:
in this transaction this owner gave so much of one asset and got so much of another for it. That is
an inference from the movements, made by a named rule; where no rule can tell, nothing is said, and
the cases are counted.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from arien_flows.account_ledger.view import AccountView
from arien_flows.passages.legs import Conversion, scene_of
from arien_flows.passages.swaps import swap_of
from arien_flows.passages.wraps import UNPAID, wraps_of
from chains.ethereum.tables import MovementKind, TransactionKind
from chains.types import Int64Array
from heuristics.follow import ranges

__all__ = ["Conversion", "ConversionSurvey", "conversions_in", "survey_conversions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionSurvey:
    """What was found in transactions, and what could not be decided."""

    found: tuple[Conversion, ...]
    """By transaction, then by the first row."""

    undecided: Mapping[str, int]
    """How many owners' exchanges no rule could tell, by reason: `appeared`, `several_assets`,
    `singular`, `wrap_without_coin`; and `one_way`, payments beside which another asset moved.
    Those of routers and pools are not counted, for they own nothing."""


def conversions_in(view: AccountView, transactions: Int64Array) -> tuple[Conversion, ...]:
    """Return the conversions of transactions, by transaction, then by their first row."""
    return survey_conversions(view, transactions).found


def survey_conversions(view: AccountView, transactions: Int64Array) -> ConversionSurvey:
    """Return the conversions of transactions and why others are none.

    `transactions` are row numbers in any order; repeated ones count once.
    """
    found: list[Conversion] = []
    undecided: Counter[str] = Counter()
    for transaction in _of_several_assets(view, np.unique(transactions)).tolist():
        scene = scene_of(view, transaction)
        here, unpaid = wraps_of(view, scene)
        undecided[UNPAID] += unpaid
        # What was wrapped and unwrapped is told, so the rest is looked at without it.
        rest = scene.without(row for wrap in here for row in wrap.rows)
        for owner in rest.owners:
            swap = swap_of(rest, owner)
            if isinstance(swap, str):
                undecided[swap] += 1
            elif swap is not None:
                here.append(swap)
                rest = rest.without(swap.rows)
        found += sorted(here, key=lambda it: min(it.rows))
    return ConversionSurvey(
        found=tuple(found), undecided={name: count for name, count in undecided.items() if count}
    )


def _of_several_assets(view: AccountView, transactions: Int64Array) -> Int64Array:
    """Return those transactions that move at least two assets, gas apart."""
    kind = view.transactions.tx_kind[transactions]
    took_effect = view.transactions.succeeded[transactions] & (kind != TransactionKind.SYSTEM)
    chosen = transactions[took_effect]
    first = view.transactions.first_movement
    starts, stops = first[chosen], first[chosen + 1]
    rows = ranges(starts, stops)
    owner = np.repeat(np.arange(len(chosen)), stops - starts)
    is_gas = np.isin(view.movements.kind[rows], (MovementKind.GAS_BURNT, MovementKind.GAS_TIP))
    rows, owner = rows[~is_gas], owner[~is_gas]
    asset = view.movements.asset[rows].astype(np.int64)
    differs = (owner[1:] == owner[:-1]) & (asset[1:] != asset[:-1])
    several: Int64Array = chosen[np.unique(owner[1:][differs])]
    return several
