"""Ranking: which accounts to look at next, by how much of an imagined walk comes by them.

This is no accounting. A unit of attention starts at an account and is pushed along its movements:
a share `RESTART` stays as score, of the rest a share `ONWARD` goes to those it paid and the other
to those who paid it, and so on from each of them, always from the account with the most that is
not settled. What is left below a threshold stays where it is. Scores and rests sum to one at any
time. They say where to look, and never how much money went anywhere.

How attention is shared out among an account's movements is the rule's:

`base`      equally among the accounts on the other side;
`weight`    in proportion to amounts;
`time`      in proportion to amounts, onward only to what happened later than what brought it, and
            back only to what happened earlier;
`redirect`  as `time`, asset by asset; where an asset was converted into another in a transaction,
            attention goes over to what happened later (back: earlier) with that other asset.

What finds no movement to go along returns to the account. That happens wherever money came to
rest, and keeps the sum.

Assumes: attention that follows money is attention well spent.
Fails when: an account serves many people: what leaves it has nothing to do with what came. Such
    accounts are ranked and not passed.
Source: Wu et al., TRacer, IEEE Transactions on Information Forensics and Security 2023, and the
    rules' names there (TTR); the parameters are the authors'.
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

RULE = "ranking"
VERSION = 1

RESTART = 0.15
ONWARD = 0.8
THRESHOLD = 1e-3

NO_ASSET = -1


class Variant(StrEnum):
    """How attention is shared out."""

    BASE = "base"
    WEIGHT = "weight"
    TIME = "time"
    REDIRECT = "redirect"


class Move(NamedTuple):
    """One movement of an account, as it sees it."""

    order: int
    """Place in the chain; larger is later."""

    other: int
    """The account on the other side; of a conversion it is not looked at."""

    asset: int
    amount: int
    """Base units, more than 0."""

    is_out: bool
    into: int = NO_ASSET
    """Of a conversion: the asset that was got for this (in: that was given for it)."""


class Chip(NamedTuple):
    """What attention stands on: an asset, and the movement that brought it.

    What did not come by a movement (at the start) has no order: every movement is open to it.
    """

    asset: int = NO_ASSET
    order: int | None = None


Bag = dict[Chip, float]


@dataclass(slots=True)
class Ranking:
    """A walk's state: what is settled at accounts, and what is not yet."""

    variant: Variant
    score: dict[int, float] = field(default_factory=dict)
    rest: dict[int, Bag] = field(default_factory=dict)

    def put(self, account: int, chip: Chip, attention: float) -> None:
        """Add attention to what is not settled at an account."""
        bag = self.rest.setdefault(account, {})
        chip = chip if self.variant in (Variant.TIME, Variant.REDIRECT) else Chip()
        bag[chip] = bag.get(chip, 0.0) + attention

    def waiting(self, account: int) -> float:
        """Return what is not settled at an account."""
        return sum(self.rest.get(account, {}).values())

    def push(self, account: int, moves: Iterable[Move]) -> list[int]:
        """Settle a share of what waits at an account and push the rest along its movements.

        Returns the accounts at which more waits than before.
        """
        bag = self.rest.pop(account, {})
        listed = sorted(moves)
        self.score[account] = self.score.get(account, 0.0) + RESTART * sum(bag.values())
        onward = {chip: (1 - RESTART) * ONWARD * held for chip, held in bag.items()}
        back = {chip: (1 - RESTART) * (1 - ONWARD) * held for chip, held in bag.items()}
        reached = [
            *self._along(account, onward, [move for move in listed if move.is_out], 1),
            *self._along(account, back, [move for move in reversed(listed) if not move.is_out], -1),
        ]
        return list(dict.fromkeys(reached))

    def _along(self, account: int, bag: Bag, moves: list[Move], sign: int) -> list[int]:
        if self.variant is Variant.BASE:
            others = sorted({move.other for move in moves})
            shares = [(move, 1, len(others)) for move in others]
            return self._spread(account, bag, shares)
        if self.variant is Variant.WEIGHT:
            total = sum(move.amount for move in moves)
            return self._spread(account, bag, [(it.other, it.amount, total) for it in moves])
        return self._in_time(account, bag, moves, sign)

    def _spread(self, account: int, bag: Bag, shares: list[tuple[int, int, int]]) -> list[int]:
        held = sum(bag.values())
        if not held:
            return []
        if not shares:
            self.put(account, Chip(), held)
            return [account]
        for other, part, whole in shares:
            self.put(other, Chip(), held * (part / whole))
        return [other for other, *_ in shares]

    def _in_time(self, account: int, bag: Bag, moves: list[Move], sign: int) -> list[int]:
        """Push along movements in the order of time, or with the sign -1 against it.

        Attention waits in one pool for each asset, and every movement takes the part of it that
        the amount is of all that are still to come. So each bit is shared out in proportion to the
        amounts that came after it, in one pass.
        """
        single = self.variant is Variant.TIME
        left: dict[int, int] = {}
        for move in moves:
            asset = NO_ASSET if single else move.asset
            left[asset] = left.get(asset, 0) + move.amount
        waiting = sorted(bag.items(), key=lambda it: (it[0].order is not None, _order(it[0], sign)))
        pools: dict[int, float] = {}
        reached: list[int] = []
        place = 0

        def enter(chip: Chip, held: float) -> None:
            if left.get(chip.asset, 0):
                pools[chip.asset] = pools.get(chip.asset, 0.0) + held
            elif held:
                self.put(account, chip, held)
                reached.append(account)

        for move in moves:
            while place < len(waiting) and _is_before(waiting[place][0], move, sign):
                enter(*waiting[place])
                place += 1
            asset = NO_ASSET if single else move.asset
            taken = pools.get(asset, 0.0) * (move.amount / left[asset])
            left[asset] -= move.amount
            if not taken:
                continue
            # The last movement takes all that waits, so nothing is lost to rounding.
            pools[asset] = pools[asset] - taken if left[asset] else 0.0
            if move.into != NO_ASSET and not single:
                enter(Chip(move.into, move.order), taken)
            else:
                self.put(move.other, Chip(asset, move.order), taken)
                reached.append(move.other)
        for chip, held in waiting[place:]:
            enter(chip, held)
        return reached


def _order(chip: Chip, sign: int) -> int:
    return 0 if chip.order is None else sign * chip.order


def _is_before(chip: Chip, move: Move, sign: int) -> bool:
    return chip.order is None or sign * chip.order < sign * move.order


@dataclass(frozen=True, slots=True)
class Ranked:
    """Where attention is when the walk is broken off."""

    score: dict[int, float]
    """By account: what is settled there and what still waits; all together 1."""

    pushes: int
    unexplored: int
    """Accounts at which more waits than the threshold, because the walk ran out of pushes."""

    not_passed: tuple[int, ...]
    """Accounts that attention came to and was not pushed on from, ascending."""


def rank(
    start: int,
    assets: Iterable[int],
    variant: Variant,
    moves_of: Callable[[int], Iterable[Move] | None],
    most_pushes: int,
) -> Ranked:
    """Push attention out from an account until less than the threshold waits anywhere.

    `assets` are what the start's attention is shared out among in equal parts; only `redirect`
    tells assets apart. `moves_of` returns the movements of an account, or nothing for one that is
    not passed. The start itself must not be one of these.

    Raises
    ------
    ValueError
        If there is no asset to begin with, or no push is allowed.
    """
    kinds = sorted(set(assets)) if variant is Variant.REDIRECT else [NO_ASSET]
    if not kinds or most_pushes < 1:
        raise ValueError("a ranking needs an asset to begin with and at least one push")
    walk = Ranking(variant)
    for asset in kinds:
        walk.put(start, Chip(asset), 1 / len(kinds))
    known: dict[int, tuple[Move, ...]] = {}
    not_passed: set[int] = set()
    heap = [(-1.0, start)]
    pushes = 0
    while heap and pushes < most_pushes:
        noted, account = heapq.heappop(heap)
        if account in not_passed or walk.waiting(account) != -noted:
            continue
        if account not in known:
            moves = moves_of(account)
            if moves is None:
                not_passed.add(account)
                continue
            known[account] = tuple(moves)
        pushes += 1
        for other in walk.push(account, known[account]):
            if walk.waiting(other) > THRESHOLD:
                heapq.heappush(heap, (-walk.waiting(other), other))
    waiting = {account: walk.waiting(account) for account in walk.rest}
    total = dict(walk.score)
    for account, held in waiting.items():
        total[account] = total.get(account, 0.0) + held
    late = sum(held > THRESHOLD and it not in not_passed for it, held in waiting.items())
    return Ranked(total, pushes, late, tuple(sorted(not_passed)))
