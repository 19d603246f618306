"""Slow, obvious versions of taint on balances: the oracle of the account kernels' tests.

`forward` keeps deques, pairs and sets of Python's own numbers. Backward has oracles on its own
terms, not as the mirror that the kernels use: under first-in-first-out and last-in-first-out every
unit is an object whose way is written down (so keep amounts small), poison asks every movement
whether its taint would arrive, and haircut spreads questions over balances.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from math import floor

from heuristics.account_events import GasOrder, Movement
from heuristics.account_steps import OPENING_COLOUR
from heuristics.taint import Policy

Pot = tuple[int, int]
"""Account and asset."""


@dataclass(frozen=True, kw_only=True)
class Move:
    transaction: int = 0
    kind: Movement = Movement.TRANSFER
    giver: int | None = None
    receiver: int | None = None
    asset: int = 0
    amount: int
    got: tuple[int, int] | None = None
    """Of a conversion: asset and amount of what the account got."""

    @property
    def arriving(self) -> int:
        return self.amount if self.got is None else self.got[1]

    @property
    def source_pot(self) -> Pot | None:
        return None if self.giver is None else (self.giver, self.asset)

    @property
    def target_pot(self) -> Pot | None:
        if self.receiver is None:
            return None
        return self.receiver, self.asset if self.got is None else self.got[0]

    @property
    def mirror(self) -> "Move":
        """Return what a conversion is backward in time."""
        assert self.got is not None
        return replace(self, asset=self.got[0], amount=self.got[1], got=(self.asset, self.amount))


@dataclass(frozen=True, kw_only=True)
class Case:
    """Movements and a question."""

    moves: Sequence[Move]
    declared: Mapping[int, int]
    """Colours by row."""

    gas_order: GasOrder = GasOrder.LAST
    follow_tips: bool = False

    def ordered(self) -> list[tuple[int, Move]]:
        """Return rows and movements with gas in its place."""
        gas = (Movement.GAS_BURNT, Movement.GAS_TIP)
        late = self.gas_order == GasOrder.LAST
        return sorted(
            enumerate(self.moves),
            key=lambda item: (item[1].transaction, (item[1].kind in gas) == late),
        )

    def openings(self) -> dict[Pot, int]:
        """Return what pots must have held before the first movement."""
        held: Counter[Pot] = Counter()
        lowest: dict[Pot, int] = {}
        for _, move in self.ordered():
            if move.source_pot is not None:
                held[move.source_pot] -= move.amount
                lowest[move.source_pot] = min(lowest.get(move.source_pot, 0), held[move.source_pot])
            if move.target_pot is not None:
                held[move.target_pot] += move.arriving
        return {pot: -least for pot, least in lowest.items() if least < 0}

    def balances(self) -> dict[Pot, int]:
        """Return what each pot holds after the last movement, its opening included."""
        held: Counter[Pot] = Counter(self.openings())
        for move in self.moves:
            if move.source_pot is not None:
                held[move.source_pot] -= move.amount
            if move.target_pot is not None:
                held[move.target_pot] += move.arriving
        return held

    def ends_taint(self, move: Move) -> bool:
        return move.kind == Movement.GAS_TIP and not self.follow_tips


@dataclass(kw_only=True)
class Answer:
    carried: Counter[int] = field(default_factory=Counter)
    """Tainted units of each row's movement."""

    came: Counter[int] = field(default_factory=Counter)
    """Tainted units that came of each row's conversion."""

    unknown: Counter[int] = field(default_factory=Counter)
    colours: dict[int, int] = field(default_factory=dict)
    tainted: Counter[Pot] = field(default_factory=Counter)
    pot_unknown: Counter[Pot] = field(default_factory=Counter)
    by_colour: dict[Pot, list[int]] = field(default_factory=dict)
    segments: dict[Pot, list[tuple[int, int]]] = field(default_factory=dict)
    """In order of leaving, equal neighbours merged."""


def merged(pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return segments with equal neighbours as one."""
    result: list[tuple[int, int]] = []
    for length, colour in pieces:
        if result and result[-1][1] == colour:
            length += result.pop()[0]
        result.append((length, colour))
    return result


def exchanged(pieces: list[tuple[int, int]], got: int) -> list[tuple[int, int]]:
    """Return segments as those of `got` units: each bound in proportion, rounded down."""
    gave = sum(length for length, _ in pieces)
    bounds = [got * sum(length for length, _ in pieces[:i]) // gave for i in range(len(pieces) + 1)]
    parts = zip(pairwise(bounds), pieces, strict=True)
    return [(after - before, colour) for (before, after), (_, colour) in parts if after > before]


def is_source(colour: int) -> bool:
    return colour & ~OPENING_COLOUR != 0


def forward(case: Case, policy: Policy) -> Answer:
    if policy == Policy.POISON:
        return _forward_poison(case)
    return _forward_haircut(case) if policy == Policy.HAIRCUT else _forward_queues(case, policy)


def _forward_queues(case: Case, policy: Policy) -> Answer:
    answer = Answer()
    pots: dict[Pot, deque[tuple[int, int]]] = defaultdict(deque)
    for pot, amount in case.openings().items():
        pots[pot].append((amount, OPENING_COLOUR))
    for row, move in case.ordered():
        if move.amount == 0:
            continue
        pieces = []
        if move.source_pot is None:
            pieces.append((move.amount, OPENING_COLOUR if move.kind == Movement.OPENING else 0))
        else:
            need = move.amount
            queue = pots[move.source_pot]
            while need:
                length, colour = queue.popleft() if policy == Policy.FIFO else queue.pop()
                part = min(need, length)
                need -= part
                pieces.append((part, colour))
                if part < length:
                    rest = (length - part, colour)
                    queue.appendleft(rest) if policy == Policy.FIFO else queue.append(rest)
            for length, colour in pieces:
                answer.colours[row] = answer.colours.get(row, 0) | colour
                if is_source(colour):
                    answer.carried[row] += length
                elif colour:
                    answer.unknown[row] += length
        if move.target_pot is None:
            continue
        if move.got is not None:
            pieces = exchanged(pieces, move.got[1])
            answer.came[row] = sum(length for length, colour in pieces if is_source(colour))
        for length, colour in pieces:
            if case.ends_taint(move) and is_source(colour):
                colour = 0
            if row in case.declared:
                colour = (colour & ~OPENING_COLOUR) | case.declared[row]
            pots[move.target_pot].append((length, colour))
    for pot, queue in pots.items():
        if queue:
            leaving = list(queue) if policy == Policy.FIFO else list(queue)[::-1]
            answer.segments[pot] = merged(leaving)
            answer.tainted[pot] = sum(length for length, colour in queue if is_source(colour))
            answer.pot_unknown[pot] = sum(
                length for length, colour in queue if colour == OPENING_COLOUR
            )
    return answer


def in_proportion(amount: int, parts: list[int]) -> list[int]:
    """Split `amount` like `parts`: floors first, then units to the largest fractions."""
    total = sum(parts)
    shares = [amount * part // total for part in parts]
    order = sorted(range(len(parts)), key=lambda i: (-(amount * parts[i] % total), i))
    for i in order[: amount - sum(shares)]:
        shares[i] += 1
    return shares


def _forward_haircut(case: Case) -> Answer:
    answer = Answer()
    count = max(case.declared.values()).bit_length()
    for declared in case.declared.values():
        count = max(count, declared.bit_length())
    balance: Counter[Pot] = Counter()
    parts: dict[Pot, list[int]] = defaultdict(lambda: [0] * count)
    unknown: Counter[Pot] = Counter()
    for pot, amount in case.openings().items():
        balance[pot] += amount
        unknown[pot] += amount
    for row, move in case.ordered():
        if move.amount == 0:
            continue
        taken = [0] * count
        strange = move.amount if move.kind == Movement.OPENING else 0
        pot = move.source_pot
        if pot is not None:
            tainted = sum(parts[pot])
            share = move.amount * tainted // balance[pot]
            strange = move.amount * (tainted + unknown[pot]) // balance[pot] - share
            if share:
                taken = in_proportion(share, parts[pot])
            parts[pot] = [part - gone for part, gone in zip(parts[pot], taken, strict=True)]
            unknown[pot] -= strange
            balance[pot] -= move.amount
            answer.carried[row], answer.unknown[row] = share, strange
            answer.colours[row] = sum(1 << i for i, part in enumerate(taken) if part)
            answer.colours[row] |= OPENING_COLOUR if strange else 0
        pot = move.target_pot
        if pot is None:
            continue
        if case.ends_taint(move):
            taken = [0] * count
        if move.got is not None:
            rate = Fraction(move.got[1], move.amount)
            bounds = [floor(sum(taken[:i]) * rate) for i in range(count + 1)]
            share = sum(taken)
            strange = floor((share + strange) * rate) - floor(share * rate)
            taken = [after - before for before, after in pairwise(bounds)]
            answer.came[row] = sum(taken)
        if row in case.declared:
            lowest = (case.declared[row] & -case.declared[row]).bit_length() - 1
            taken = [move.amount if i == lowest else 0 for i in range(count)]
            strange = 0
        balance[pot] += move.arriving
        unknown[pot] += strange
        parts[pot] = [part + more for part, more in zip(parts[pot], taken, strict=True)]
    answer.by_colour = {pot: amounts for pot, amounts in parts.items() if any(amounts)}
    answer.tainted = Counter({pot: sum(amounts) for pot, amounts in parts.items()})
    answer.pot_unknown = unknown
    return answer


def _forward_poison(case: Case) -> Answer:
    answer = Answer()
    balance: Counter[Pot] = Counter()
    colours: dict[Pot, int] = defaultdict(int)
    for pot, amount in case.openings().items():
        balance[pot], colours[pot] = amount, OPENING_COLOUR
    for row, move in case.ordered():
        if move.amount == 0:
            continue
        seen = OPENING_COLOUR if move.kind == Movement.OPENING else 0
        pot = move.source_pot
        if pot is not None:
            seen = colours[pot]
            answer.colours[row] = seen
            if is_source(seen):
                answer.carried[row] = move.amount
            elif seen:
                answer.unknown[row] = move.amount
            balance[pot] -= move.amount
            if balance[pot] == 0:
                colours[pot] = 0
        pot = move.target_pot
        if pot is None:
            continue
        if case.ends_taint(move):
            seen &= OPENING_COLOUR
        if row in case.declared:
            seen = (seen & ~OPENING_COLOUR) | case.declared[row]
        if move.got is not None and is_source(seen):
            answer.came[row] = move.arriving
        balance[pot] += move.arriving
        colours[pot] |= seen
    for pot, amount in balance.items():
        if is_source(colours[pot]):
            answer.tainted[pot] = amount
        elif colours[pot]:
            answer.pot_unknown[pot] = amount
    return answer


def backward(case: Case, policy: Policy) -> Answer:
    if policy == Policy.POISON:
        return _backward_poison(case)
    return _backward_haircut(case) if policy == Policy.HAIRCUT else _backward_units(case, policy)


def _backward_units(case: Case, policy: Policy) -> Answer:
    """Write down the way of every unit; then read each way from its end."""
    ways: list[list[int]] = []
    pots: dict[Pot, deque[int]] = defaultdict(deque)

    def made(amount: int) -> list[int]:
        ways.extend([] for _ in range(amount))
        return list(range(len(ways) - amount, len(ways)))

    for pot, amount in case.openings().items():
        pots[pot].extend(made(amount))
    for row, move in case.ordered():
        if move.source_pot is None:
            units = made(move.amount)
        else:
            queue = pots[move.source_pot]
            units = [
                queue.popleft() if policy == Policy.FIFO else queue.pop()
                for _ in range(move.amount)
            ]
        for unit in units:
            ways[unit].append(row)
        if move.target_pot is not None:
            pots[move.target_pot].extend(units)
    answer = Answer()
    for way in ways:
        colour = 0
        for row in reversed(way):
            answer.carried[row] += 1 if colour else 0
            answer.colours[row] = answer.colours.get(row, 0) | colour
            if case.ends_taint(case.moves[row]):
                colour = 0
            colour |= case.declared.get(row, 0)
    return answer


def _backward_haircut(case: Case) -> Answer:
    """Of what is asked of a balance, a movement into it explains its part of that balance."""
    held: Counter[Pot] = Counter(case.openings())
    after: dict[int, int] = {}
    for row, move in case.ordered():
        if move.source_pot is not None:
            held[move.source_pot] -= move.amount
        if move.target_pot is not None:
            held[move.target_pot] += move.arriving
            after[row] = held[move.target_pot]
    answer = Answer()
    asked: Counter[Pot] = Counter()
    for row, move in reversed(case.ordered()):
        if move.amount == 0:
            continue
        part = 0
        if move.target_pot is not None:
            part = asked[move.target_pot] * move.arriving // after[row]
            asked[move.target_pot] -= part
            answer.carried[row] = part
        if move.got is not None:
            part = part * move.amount // move.arriving
            answer.came[row] = part
        if row in case.declared:
            part = move.amount
        elif case.ends_taint(move):
            part = 0
        if move.source_pot is not None:
            asked[move.source_pot] += part
    return answer


def _backward_poison(case: Case) -> Answer:
    answer = Answer()
    for row, move in enumerate(case.moves):
        if move.amount == 0 or move.target_pot is None:
            continue
        alone = Case(
            moves=case.moves,
            declared={row: 1},
            gas_order=case.gas_order,
            follow_tips=case.follow_tips,
        )
        arrives = _forward_poison(alone).colours
        for source, colour in case.declared.items():
            if arrives.get(source, 0) & 1:
                answer.carried[row] = move.arriving
                answer.colours[row] = answer.colours.get(row, 0) | colour
    return answer
