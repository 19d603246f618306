"""Shapes of money flow that bring a careless tracer to its knees. Nothing here is random."""

from dataclasses import dataclass

import numpy as np

from arien_flows.ledger.view import View
from chains.types import UInt32Array
from tests.arien_flows.tracing.sketch import Coin, Sketch, address_of

COIN = 100_000_000
THIEF = 1
HOT = 2
_PEOPLE = 1_000
"""Numbers of addresses from here on belong to one payment each."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A ledger and where the questions start."""

    view: View
    stolen: Coin
    """The coin that is followed forward."""

    end: Coin
    """A coin at the far end, from which the way back is asked for."""

    def outpoint(self, coin: Coin) -> str:
        return f"{self.view.txid_text(coin[0])}:{coin[1]}"


def payout(outputs: int) -> Shape:
    """One transaction pays to very many, each of whom pays on; all of that is collected again."""
    sketch = Sketch()
    mined = sketch.mine((THIEF, outputs * 10_000 + COIN))
    parts = [(_PEOPLE + i, 10_000 + i % 7) for i in range(outputs)]
    paid = sketch.pay([(mined, 0)], parts)
    passed = [
        sketch.pay([(paid, i)], [(_PEOPLE + outputs + i, value - 100)])
        for i, (_, value) in enumerate(parts)
    ]
    total = sum(value - 100 for _, value in parts)
    collected = sketch.pay([(number, 0) for number in passed], [(HOT, total - 1_000)])
    return Shape(view=sketch.view(), stolen=(mined, 0), end=(collected, 0))


def peel_chain(hops: int) -> Shape:
    """A coin that sheds a small part at each of very many hops."""
    sketch = Sketch()
    peeled = COIN // 2_000 + 7
    value = (peeled + 200) * (hops + 10)
    coin = (sketch.mine((THIEF, value)), 0)
    stolen = coin
    for hop in range(hops):
        value -= peeled + 200
        number = sketch.pay([coin], [(_PEOPLE + 2 * hop, value), (_PEOPLE + 2 * hop + 1, peeled)])
        coin = (number, 0)
    return Shape(view=sketch.view(), stolen=stolen, end=coin)


def hot_wallet(payments: int) -> Shape:
    """An untagged exchange: all money goes through one address, in and out, with change."""
    sketch = Sketch()
    deposit = COIN // 10
    mined = sketch.mine((THIEF, 4 * deposit), (_PEOPLE, (payments + 2) * deposit + COIN))
    funds: Coin = (mined, 1)
    rest = (payments + 2) * deposit + COIN
    change: Coin = (sketch.pay([(mined, 0)], [(HOT, 4 * deposit - 300)]), 0)
    held = 4 * deposit - 300
    for i in range(payments // 2):
        rest -= deposit + 150
        number = sketch.pay([funds], [(HOT, deposit), (_PEOPLE, rest)])
        funds = (number, 1)
        held += deposit - deposit // 2 * 2 - 250
        number = sketch.pay(
            [change, (number, 0)],
            [(_PEOPLE + 1 + 2 * i, deposit // 2), (HOT, held), (_PEOPLE + 2 + 2 * i, deposit // 2)],
        )
        change = (number, 1)
    return Shape(view=sketch.view(), stolen=(mined, 0), end=change)


def dust_storm(crumbs: int) -> Shape:
    """Very many tiny coins are thrown at the address that is followed, which sweeps them up."""
    sketch = Sketch()
    mined = sketch.mine((THIEF, COIN), (_PEOPLE, crumbs * 600 + COIN))
    thrown = sketch.pay([(mined, 1)], [(THIEF, 546)] * crumbs)
    half = crumbs // 2
    swept = sketch.pay(
        [(thrown, i) for i in range(half)] + [(mined, 0)], [(HOT, COIN + half * 546 - 5_000)]
    )
    return Shape(view=sketch.view(), stolen=(mined, 0), end=(swept, 0))


def entity_cycle(rounds: int) -> Shape:
    """Three owners pass a sum around and around, each time from a new address."""
    sketch = Sketch()
    value = COIN + 3 * rounds * 200
    coin = (sketch.mine((THIEF, value)), 0)
    stolen = coin
    for step in range(3 * rounds):
        value -= 200
        coin = (sketch.pay([coin], [(_PEOPLE + step, value)]), 0)
    return Shape(view=sketch.view(), stolen=stolen, end=coin)


def shredder(rungs: int) -> Shape:
    """Three coins are merged and cut again and again, in an order that shreds the segments."""
    sketch = Sketch()
    values = [50 * COIN, 30 * COIN + 12_345, 20 * COIN + 777]
    mined = sketch.mine((THIEF, values[0]), (_PEOPLE, values[1]), (_PEOPLE, values[2]))
    coins: list[Coin] = [(mined, 0), (mined, 1), (mined, 2)]
    total = sum(values)
    for rung in range(rungs):
        values = [total * 45 // 100 - 9_973 * (rung % 13), total * 33 // 100 + rung]
        values.append(total - sum(values))
        outputs = [(_PEOPLE + 1 + 3 * rung + place, value) for place, value in enumerate(values)]
        number = sketch.pay(coins[::-1], outputs)
        coins = [(number, 0), (number, 1), (number, 2)]
    return Shape(view=sketch.view(), stolen=(mined, 0), end=coins[0])


class Owners:
    """An entity map in which every `count`-th address of a cycle has one owner."""

    identity = "owners"

    def __init__(self, view: View, count: int) -> None:
        labels = np.arange(view.counts.addresses, dtype=np.uint32)
        first = view.find_address(address_of(_PEOPLE))
        labels[first:] = first + (labels[first:] - first) % count
        self.labels: UInt32Array = labels

    def root_of(self, address: int) -> int:
        return int(self.labels[address])

    def members(self, root: int) -> UInt32Array:
        return np.flatnonzero(self.labels == root).astype(np.uint32)
