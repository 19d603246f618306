"""Candidates behind the CoinJoins at which a trace ended: asked for, marked, and kept apart.

A trace stops at a CoinJoin. Asked with `demix`, it says besides what may have become of each coin
that stopped there: the outputs that may be its owner's, with the fractions that `heuristics.demix`
gives them, followed through further CoinJoins up to a depth and one step beyond the last. Nothing
of this is added to anything else that the trace says.

CoinJoins are worked off in chain order (backward: in reverse), so each is entered once, when all
that can arrive at it has arrived. Coins that arrive together at one party of a further CoinJoin
have one owner, and so have candidates that an ordinary transaction spends together; how that
raises their chance is said by `demix_consolidation`.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from arien_flows.attribution.ownership import roots_of
from arien_flows.entities.coinjoins import coinjoin_columns, eras_of
from arien_flows.tracing.engine import Ground
from chains.types import BoolArray, Int64Array
from heuristics import demix
from heuristics.coinjoin import (
    NOT_MEASURED,
    AmountField,
    Design,
    DetailField,
    mark_coinjoins,
)
from heuristics.coinjoin_columns import CoinJoinColumns, Eras
from heuristics.coinjoin_wasabi import is_standard
from heuristics.conservation import ConservationError
from heuristics.demix import Mix, Plan, Share, unravel

MOST_COINS = 50
"""Traced coins behind whose CoinJoins candidates are looked for."""

MOST_COINJOINS = 100
"""CoinJoins that the candidates of one coin are followed through."""

MOST_ROWS = 20_000
"""Candidates in all, interim ones too, from which on no further CoinJoin is entered."""

RULES = dict.fromkeys(
    (demix.EQUAL_RULE, demix.CHANGE_RULE, demix.STANDARD_RULE, demix.CONSOLIDATION_RULE),
    demix.VERSION,
)
"""The rules that speak here, with their versions."""

_COORDINATED = (Design.WHIRLPOOL, Design.WASABI_1, Design.WASABI_2)

Group = tuple[int, str, int, int]
"""CoinJoin, rule, amount and first place: of a group's candidates one at most is the right one."""


@dataclass(slots=True)
class Arrival:
    """What of the traced coin may be in one coin."""

    mass: Fraction
    chance: Fraction | None
    group: Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A candidate in ledger numbers."""

    transaction: int
    """The CoinJoin."""

    row: int
    """Output number; backward, input number."""

    share: Share
    arrival: Arrival
    depth: int
    fate: str
    next_transaction: int
    """-1 where none is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """A CoinJoin that candidates were followed through."""

    transaction: int
    depth: int
    coins: int
    mass: Fraction
    rest: Fraction


@dataclass(slots=True)
class Walk:
    """What was found behind one traced coin."""

    entered: list[Entered] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    rest: Fraction = Fraction(0)
    cut: set[str] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class Mixes:
    """The CoinJoins of a view, each worked out when it is first asked for."""

    ground: Ground
    is_forward: bool
    known: dict[int, tuple[Mix, Design | None, int | None]] = field(default_factory=dict)

    def at(self, transaction: int) -> Mix:
        """Return what can be told of a CoinJoin's participants."""
        return self._at(transaction)[0]

    def design(self, transaction: int) -> tuple[Design | None, int | None]:
        """Return what the rules take it for, and their confidence."""
        return self._at(transaction)[1:]

    def is_coinjoin(self, transaction: int) -> bool:
        """Return whether a trace stops there."""
        marks = self.ground.coinjoin_marks
        return marks is not None and transaction < len(marks) and bool(marks[transaction])

    def _at(self, transaction: int) -> tuple[Mix, Design | None, int | None]:
        if transaction not in self.known:
            self.known[transaction] = self._work_out(transaction)
        return self.known[transaction]

    def _work_out(self, transaction: int) -> tuple[Mix, Design | None, int | None]:
        view = self.ground.view
        design, confidence, plan = self._plan(transaction)
        inputs = slice(*view.first_input[transaction : transaction + 2].tolist())
        outputs = slice(*view.first_output[transaction : transaction + 2].tolist())
        mix = unravel(
            np.asarray(view.input_value[inputs]),
            np.asarray(view.input_address[inputs]),
            np.asarray(view.output_value[outputs]),
            np.asarray(view.output_address[outputs]),
            plan,
        )
        return mix, design, confidence

    @cached_property
    def _columns(self) -> CoinJoinColumns:
        return coinjoin_columns(self.ground.view)

    @cached_property
    def _eras(self) -> Eras:
        return eras_of(self.ground.view)

    def _plan(self, transaction: int) -> tuple[Design | None, int | None, Plan]:
        _, details, amounts = mark_coinjoins(
            self._columns, transaction, transaction + 1, self._eras
        )
        if len(details) == 0:
            return None, None, Plan(amounts=())
        design = Design(int(details[0, DetailField.DESIGN]))
        confidence = int(details[0, DetailField.CONFIDENCE])
        listed = amounts[:, AmountField.VALUE_SAT].tolist()
        if design == Design.WASABI_2:
            listed = [value for value in listed if is_standard(value)]
        elif design != Design.WASABI_1:
            listed = [int(details[0, DetailField.DENOMINATION_SAT])]
        plan = Plan(
            amounts=tuple(listed),
            pooled=design == Design.WASABI_2,
            coordinated=design in _COORDINATED,
        )
        return design, None if confidence == NOT_MEASURED else confidence, plan


def together(arrivals: Iterable[Arrival]) -> Fraction | None:
    """Return the chance that coins of one owner are the right owner's.

    Within a group one at most is the right one, so chances add; between groups the largest counts.
    Nothing where a rule gave no chance.
    """
    sums: dict[Group, Fraction] = {}
    for arrival in arrivals:
        if arrival.chance is None:
            return None
        sums[arrival.group] = sums.get(arrival.group, Fraction(0)) + arrival.chance
    return min(Fraction(1), max(sums.values()))


def follow_candidates(
    mixes: Mixes, transaction: int, row: int, depth: int, span: tuple[int, int]
) -> Walk:
    """Follow a coin that enters (backward: leaves) a CoinJoin, through at most `depth` of them.

    `row` is its place among the CoinJoin's inputs, backward among its outputs; `span` the first
    and the last transaction that may be looked at. Raises `ConservationError` if the masses of
    what is found and the rest are not one.
    """
    walk = Walk()
    start = Arrival(Fraction(1), Fraction(1), (-1, "", 0, 0))
    pending: dict[int, dict[int, Arrival]] = {transaction: {row: start}}
    depths = {transaction: 1}
    sign = 1 if mixes.is_forward else -1
    queue = [sign * transaction]
    seen = 0
    while queue:
        here = abs(heapq.heappop(queue))
        arrivals = pending.pop(here)
        coins, rest = _passed(mixes.at(here), arrivals, here, is_forward=mixes.is_forward)
        walk.rest += rest
        walk.entered.append(
            Entered(
                transaction=here,
                depth=depths[here],
                coins=len(arrivals),
                mass=sum((each.mass for each in arrivals.values()), Fraction(0)),
                rest=rest,
            )
        )
        seen += len(coins)
        is_full = seen >= MOST_ROWS
        for found in _fates(mixes, here, coins, depths[here], span):
            is_full = is_full or len(depths) >= MOST_COINJOINS
            onward = found.fate == "coinjoin"
            if onward and found.depth >= depth:
                walk.cut.add("depth")
                walk.found.append(replace(found, fate="depth"))
            elif onward and found.next_transaction not in depths and is_full:
                walk.cut.add("count")
                walk.found.append(replace(found, fate="count"))
            elif onward:
                after = found.next_transaction
                if after not in depths:
                    heapq.heappush(queue, sign * after)
                    depths[after] = found.depth + 1
                depths[after] = min(depths[after], found.depth + 1)
                pending.setdefault(after, {})[_place(mixes, found)] = found.arrival
            else:
                walk.found.append(found)
    _check_masses(walk)
    return walk


def _check_masses(walk: Walk) -> None:
    """Raise `ConservationError` unless the candidates and the rest stand for all of the coin."""
    counts = Counter(each.arrival.mass for each in walk.found)
    told = walk.rest + sum((mass * count for mass, count in counts.items()), Fraction(0))
    if told != 1:
        raise ConservationError(f"candidates and rest stand for {told} of a coin")


def _place(mixes: Mixes, found: Found) -> int:
    """Return the place of a candidate's coin in the CoinJoin that it leads into."""
    view, after = mixes.ground.view, found.next_transaction
    if not mixes.is_forward:
        return int(view.spent_output[found.row]) - int(view.first_output[after])
    return spending_row(mixes, after, found.row)


def spending_row(mixes: Mixes, transaction: int, output: int) -> int:
    """Return which input of a transaction spends an output."""
    view = mixes.ground.view
    inputs = slice(*view.first_input[transaction : transaction + 2].tolist())
    return int(np.flatnonzero(np.asarray(view.spent_output[inputs]) == output)[0])


def _passed(
    mix: Mix, arrivals: dict[int, Arrival], here: int, *, is_forward: bool
) -> tuple[dict[int, tuple[Share, Arrival]], Fraction]:
    """Return the candidates that arrivals at a CoinJoin give, by place, and what is unknown."""
    gathered: dict[Group, tuple[Share, Fraction, Fraction | None]] = {}
    rest = Fraction(0)
    for row, mass, chance in _parties(mix, arrivals, is_forward=is_forward):
        shares = mix.leaving(row) if is_forward else mix.entering(row)
        rest += mass * (1 - sum((sum(s.masses, Fraction(0)) for s in shares), Fraction(0)))
        for share in shares:
            group = (here, share.rule, share.amount_sat, share.rows[0])
            # Forward all candidates of a share stand for as much, but each party gives its own.
            part = mass * share.masses[0] if is_forward else mass
            won = None if chance is None or share.chance is None else chance * share.chance
            _, before, known = gathered.get(group, (share, Fraction(0), Fraction(0)))
            total = None if known is None or won is None else min(Fraction(1), known + won)
            gathered[group] = (share, before + part, total)
    coins: dict[int, list[tuple[Share, Arrival]]] = {}
    for group, (share, part, chance) in gathered.items():
        for row, mass in zip(share.rows, share.masses, strict=True):
            arrival = Arrival(part if is_forward else part * mass, chance, group)
            coins.setdefault(row, []).append((share, arrival))
    return {row: _joined(found) for row, found in coins.items()}, rest


def _joined(found: list[tuple[Share, Arrival]]) -> tuple[Share, Arrival]:
    """Return what one coin stands for, and the rule that gives it most of that.

    Backward an input may have paid for outputs of several amounts: it stands for a part of each.
    """
    share, largest = max(found, key=lambda each: each[1].mass)
    arrivals = [arrival for _, arrival in found]
    mass = sum((each.mass for each in arrivals), Fraction(0))
    return share, Arrival(mass, together(arrivals), largest.group)


def _parties(
    mix: Mix, arrivals: dict[int, Arrival], *, is_forward: bool
) -> Iterator[tuple[int, Fraction, Fraction | None]]:
    """Yield place, mass and chance of what arrives; coins of one party are taken together."""
    if not is_forward:
        for row in sorted(arrivals):
            yield row, arrivals[row].mass, arrivals[row].chance
        return
    rows: dict[int, list[int]] = {}
    for row in sorted(arrivals):
        rows.setdefault(mix.party[row], []).append(row)
    for members in rows.values():
        coins = [arrivals[row] for row in members]
        yield members[0], sum((each.mass for each in coins), Fraction(0)), together(coins)


def _fates(
    mixes: Mixes,
    here: int,
    coins: dict[int, tuple[Share, Arrival]],
    depth: int,
    span: tuple[int, int],
) -> Iterator[Found]:
    """Yield each candidate with what comes next, in the order of the CoinJoin."""
    view = mixes.ground.view
    first = (view.first_output if mixes.is_forward else view.first_input)[here]
    places = sorted(coins)
    rows = np.array(places, np.int64) + int(first)
    fates, following = _next(mixes, rows, span)
    for place, row, fate, after in zip(
        places, rows.tolist(), fates, following.tolist(), strict=True
    ):
        share, arrival = coins[place]
        yield Found(
            transaction=here,
            row=row,
            share=share,
            arrival=arrival,
            depth=depth,
            fate=fate,
            next_transaction=after,
        )


def _next(mixes: Mixes, rows: Int64Array, span: tuple[int, int]) -> tuple[list[str], Int64Array]:
    """Return what comes after each candidate, and in which transaction."""
    view, fetched = mixes.ground.view, mixes.ground.fetched
    if mixes.is_forward:
        following = view.spenders(rows)
        unknown = (
            np.zeros(len(rows), np.bool_) if fetched is None else np.isin(rows, fetched.unasked)
        )
        missing = np.where(unknown, "not_fetched", "unspent")
    else:
        made = np.asarray(view.spent_output[rows])
        following = np.where(made < 0, -1, view.transactions_of_outputs(np.maximum(made, 0)))
        missing = np.full(len(rows), "before_ledger" if fetched is None else "not_fetched")
    service = is_service(mixes.ground, addresses_of(mixes, rows))
    fates = []
    for place, after in enumerate(following.tolist()):
        if service[place]:
            fates.append("service")
        elif after < 0:
            fates.append(str(missing[place]))
        elif not span[0] <= after <= span[1]:
            fates.append("time_window")
        elif mixes.is_coinjoin(after):
            fates.append("coinjoin")
        elif not mixes.is_forward and view.first_input[after] == view.first_input[after + 1]:
            fates.append("newly_mined")
        else:
            fates.append("spent" if mixes.is_forward else "made")
    return fates, following


def addresses_of(mixes: Mixes, rows: Int64Array) -> Int64Array:
    """Return the address number of each candidate."""
    view = mixes.ground.view
    column = view.output_address if mixes.is_forward else view.input_address
    return column[rows].astype(np.int64)


def is_service(ground: Ground, addresses: Int64Array) -> BoolArray:
    """Return which addresses a trace stops at as a service's."""
    places, _ = ground.attribution.service_places(addresses, roots_of(ground.entities, addresses))
    services: BoolArray = places >= 0
    return services
