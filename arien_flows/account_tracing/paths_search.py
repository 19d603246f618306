"""Two searches through balances that run towards each other, breadth first.

From the origin money can have gone on only by movements later than the one that brought it; from
the destination it can have come only by earlier ones. So the search ahead keeps the earliest
moment at which money can have been in a balance, the search back the latest from which it can
still have gone on, and a balance is read again where such a moment is improved. A level is one
transfer; a conversion into another asset is none.

All movements between two balances that either search saw are one leg. Which legs make connections,
and what these can have carried, is worked out afterwards (`paths_best`).
"""

from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from arien_flows.account_ledger.view import AccountView
from arien_flows.account_tracing.ground import FindConversions, Pot
from arien_flows.passages.conversion import Conversion
from chains.ethereum.tables import NO_ACCOUNT, MovementKind
from chains.types import Int64Array
from heuristics.wide import to_ints

MANY = "many_movements"

MOST_MOVES = 20_000
"""A balance with more movements is not searched through: it serves many people."""

_PASSES_VALUE = (
    MovementKind.CALL,
    MovementKind.CREATE,
    MovementKind.SELF_DESTRUCT,
    MovementKind.TOKEN,
    MovementKind.WRAP,
    MovementKind.UNWRAP,
)
_NOBODY = int(NO_ACCOUNT)


class Step(NamedTuple):
    """One movement or conversion of a leg."""

    order: int
    """Its movement; of a conversion the last one."""

    gave: int
    """Base units that left the first balance."""

    got: int
    """Base units that came to the second; the same but for conversions."""

    conversion: Conversion | None


@dataclass(slots=True)
class _Read:
    """The movements of one balance."""

    out: list[tuple[Pot, Step]] = field(default_factory=list)
    back: list[tuple[Pot, Step]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seek:
    """What is searched for, in ledger numbers."""

    origin: frozenset[int]
    """Accounts to search from; empty where that end is only recognised when met."""

    destination: frozenset[int]
    is_origin: Callable[[int], bool]
    is_destination: Callable[[int], bool]
    assets: frozenset[int] | None
    """Assets that the origin gives; nothing for all."""

    max_hops: int
    budget: int
    """Most movements read."""

    first_row: int
    past_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Legs:
    """What two searches saw."""

    by_giver: dict[Pot, dict[Pot, list[Step]]]
    """Steps from one balance to another, in order."""

    ahead: int
    """Levels that the search from the origin finished."""

    back: int
    ended: str
    """`origin_done`, `destination_done`, `met` or `budget`."""

    movements: int
    """Movements read."""

    pots_ahead: int
    pots_back: int
    barred: dict[Pot, str]
    """Balances that were come to and not searched through, with the reason."""

    @property
    def exhaustive(self) -> bool:
        """Whether all connections within the limits are made of these legs."""
        return self.ended != "budget"


class Search:
    """The state of both searches."""

    def __init__(
        self,
        view: AccountView,
        seek: Seek,
        bar: Callable[[int], str | None],
        find_conversions: FindConversions,
        nowhere: Set[int],
    ) -> None:
        """`bar` says why an account is not passed; `nowhere` are accounts that money ends at."""
        self._view, self._seek, self._bar = view, seek, bar
        self._find_conversions, self._nowhere = find_conversions, nowhere
        self._read: dict[Pot, _Read] = {}
        self._steps: dict[tuple[Pot, Pot], set[Step]] = {}
        self._barred: dict[Pot, str] = {}
        self._converted: dict[int, list[Conversion]] = {}
        self.movements = 0

    def run(self) -> Legs:
        """Search until both meet, one side has seen everything, or the budget is used up."""
        seek = self._seek
        first = self._seeds(seek.origin, ahead=True)
        last = self._seeds(seek.destination, ahead=False)
        # Seeds have to be passed once whatever the moment, so they begin outside of all time.
        seen = {True: dict.fromkeys(first, -1), False: dict.fromkeys(last, seek.past_row)}
        fringe = {True: first, False: last}
        levels = {True: 0, False: 0}
        ended = "met"
        while levels[True] + levels[False] < seek.max_hops:
            ahead = self._side(fringe)
            if not fringe[ahead]:
                ended = "origin_done" if ahead else "destination_done"
                break
            reached = self._level(fringe[ahead], seen[ahead], ahead=ahead)
            if reached is None:
                ended = "budget"
                break
            fringe[ahead] = reached
            levels[ahead] += 1
        return Legs(
            by_giver=self._by_giver(),
            ahead=levels[True],
            back=levels[False],
            ended=ended,
            movements=self.movements,
            pots_ahead=len(seen[True]),
            pots_back=len(seen[False]),
            barred=self._barred,
        )

    def _side(self, fringe: dict[bool, list[Pot]]) -> bool:
        """Return whether to go on from the origin: where the fewer balances are to be read."""
        if not self._seek.destination:
            return True
        if not self._seek.origin:
            return False
        return len(fringe[True]) <= len(fringe[False])

    def _seeds(self, accounts: Iterable[int], *, ahead: bool) -> list[Pot]:
        wanted = self._seek.assets if ahead else None
        return [
            (account, asset)
            for account in sorted(accounts)
            for asset in self._view.index.assets_of(account).tolist()
            if wanted is None or asset in wanted
        ]

    def _level(self, fringe: list[Pot], seen: dict[Pot, int], *, ahead: bool) -> list[Pot] | None:
        """Pass all balances of a level; return the next, or nothing where the budget is over."""
        following: dict[Pot, None] = {}
        queue = list(dict.fromkeys(fringe))
        while queue:
            pot = queue.pop()
            read = self._movements(pot, is_end=self._is_end(pot[0], ahead=ahead))
            if read is None:
                return None
            for other, step in read.out if ahead else read.back:
                if not self._is_in_time(step, seen[pot], ahead=ahead):
                    continue
                self._add(pot, other, step, ahead=ahead)
                far = self._seek.is_destination if ahead else self._seek.is_origin
                near = self._seek.is_origin if ahead else self._seek.is_destination
                if step.conversion is None and (far(other[0]) or near(other[0])):
                    continue
                if not self._improves(seen, other, step.order, ahead=ahead):
                    continue
                seen[other] = step.order
                # A conversion is no transfer: what it came to belongs to the same level.
                if step.conversion is None:
                    following[other] = None
                elif not self._is_barred(other):
                    queue.append(other)
        return [pot for pot in following if not self._is_barred(pot)]

    def _is_end(self, account: int, *, ahead: bool) -> bool:
        return (self._seek.is_origin if ahead else self._seek.is_destination)(account)

    def _is_in_time(self, step: Step, moment: int, *, ahead: bool) -> bool:
        return step.order > moment if ahead else step.order < moment

    def _improves(self, seen: dict[Pot, int], pot: Pot, order: int, *, ahead: bool) -> bool:
        return pot not in seen or (order < seen[pot] if ahead else order > seen[pot])

    def _add(self, pot: Pot, other: Pot, step: Step, *, ahead: bool) -> None:
        pair = (pot, other) if ahead else (other, pot)
        self._steps.setdefault(pair, set()).add(step)

    def _is_barred(self, pot: Pot) -> bool:
        if pot not in self._barred:
            reason = self._bar(pot[0])
            if reason is None and self._view.index.totals(*pot).movements > MOST_MOVES:
                reason = MANY
            if reason is None:
                return False
            self._barred[pot] = reason
        return True

    def _movements(self, pot: Pot, *, is_end: bool) -> _Read | None:
        """Return the movements of a balance; nothing where the budget is over."""
        if pot in self._read:
            return self._read[pot]
        account, asset = pot
        seek, index = self._seek, self._view.index
        size = index.totals(account, asset).movements
        if self.movements + size > seek.budget:
            return None
        self.movements += size
        rows = index.movements_of(account, asset)
        rows = rows[(rows >= seek.first_row) & (rows < seek.past_row)]
        rows = rows[np.isin(self._view.movements.kind[rows], _PASSES_VALUE)]
        conversions = [] if is_end else self._conversions(account, rows)
        read = _Read()
        gone = {row for each in conversions for row in each.rows}
        for each in conversions:
            step = Step(max(each.rows), each.gave_amount, each.got_amount, each)
            if each.gave == asset:
                read.out.append(((account, each.got), step))
            if each.got == asset:
                read.back.append(((account, each.gave), step))
        for other, is_out, step in self._plain(pot, rows, gone):
            (read.out if is_out else read.back).append((other, step))
        self._read[pot] = read
        return read

    def _plain(
        self, pot: Pot, rows: Int64Array, gone: Set[int]
    ) -> Iterator[tuple[Pot, bool, Step]]:
        """Yield the movements that are no part of a conversion, from and to somebody else."""
        moved, (account, asset) = self._view.movements, pot
        for row, giver, receiver, amount in zip(
            rows.tolist(),
            moved.giver[rows].tolist(),
            moved.receiver[rows].tolist(),
            to_ints(self._view.amounts.of(rows)),
            strict=True,
        ):
            other = receiver if giver == account else giver
            dead = other == _NOBODY or giver == receiver
            # Nothing comes out of there, but somebody may ask what went in.
            dead |= other in self._nowhere and not self._is_asked_for(other)
            if amount and row not in gone and not dead:
                yield (other, asset), giver == account, Step(row, amount, amount, None)

    def _is_asked_for(self, account: int) -> bool:
        return self._seek.is_destination(account) or self._seek.is_origin(account)

    def _conversions(self, account: int, rows: Int64Array) -> list[Conversion]:
        transactions = np.unique(self._view.movements.transaction[rows].astype(np.int64))
        return [
            each
            for each in self._find_conversions(self._view, transactions)
            if each.owner == account
            and self._seek.first_row <= min(each.rows)
            and max(each.rows) < self._seek.past_row
        ]

    def _by_giver(self) -> dict[Pot, dict[Pot, list[Step]]]:
        legs: dict[Pot, dict[Pot, list[Step]]] = {}
        for (giver, receiver), steps in sorted(self._steps.items(), key=lambda it: it[0]):
            legs.setdefault(giver, {})[receiver] = sorted(steps, key=lambda step: step.order)
        return legs
