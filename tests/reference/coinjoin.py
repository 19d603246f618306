"""Slow, obvious versions of the CoinJoin rules: the oracle of their kernels' tests."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

NO_ADDRESS = 0xFFFF_FFFF
Coin = tuple[int, int]
"""Address number and satoshi."""


def distinct(addresses: Sequence[int]) -> int:
    """Count distinct addresses; every unknown one is one of its own."""
    known = {address for address in addresses if address != NO_ADDRESS}
    return len(known) + sum(address == NO_ADDRESS for address in addresses)


def most_frequent(values: Sequence[int]) -> Coin:
    """Return the most frequent value, of several the largest, and its count."""
    if not values:
        return 0, 0
    counts = Counter(values)
    return max(((value, count) for value, count in counts.items()), key=lambda p: (p[1], p[0]))


def definite(inputs: Sequence[Coin], outputs: Sequence[Coin]) -> bool:
    if len(inputs) < 2 or len(outputs) < 3:
        return False
    participants = (len(outputs) + 1) // 2
    value, count = most_frequent([value for _, value in outputs])
    return (
        participants <= len(inputs)
        and participants <= distinct([address for address, _ in inputs])
        and count == participants
        and value not in (546, 2730)
    )


def joinmarket(inputs: Sequence[Coin], outputs: Sequence[Coin]) -> bool:
    spendable = [(address, value) for address, value in outputs if address != NO_ADDRESS]
    value, count = most_frequent([value for _, value in spendable if value > 2730])
    if Fraction(count) < Fraction(len(spendable), 2) or count < 3:
        return False
    if count > distinct([address for address, _ in inputs]):
        return False
    if len({address for address, _ in spendable}) != len(spendable):
        return False
    if all(other == value for _, other in spendable):
        return False
    if len(inputs) >= 50:
        return Fraction(len(inputs), count) <= 20 and Fraction(len(spendable), count) >= Fraction(
            17, 10
        )
    return True


def equal_outputs(inputs: Sequence[Coin], outputs: Sequence[Coin]) -> bool:
    if len(inputs) < 2 or len(outputs) < 3:
        return False
    if any(address == NO_ADDRESS for address, _ in outputs):
        return False
    repeated = [value for value, count in Counter(v for _, v in outputs).items() if count > 1]
    if len(repeated) != 1 or repeated[0] <= 2730:
        return False
    count = sum(value == repeated[0] for _, value in outputs)
    if Fraction(count) not in (Fraction(len(outputs), 2), Fraction(len(outputs) + 1, 2)):
        return False
    if distinct([a for a, _ in outputs]) < count or distinct([a for a, _ in inputs]) < count:
        return False
    others = [value for _, value in outputs if value != repeated[0]]
    if max(value for _, value in inputs) > repeated[0] + max(others, default=0) - 10_000:
        return False
    sizes = sorted((len(inputs), len(outputs)))
    if sizes[1] > 100 or Fraction(sizes[1], sizes[0]) > 4:
        return False
    scripts = [address for address, _ in [*inputs, *outputs] if address != NO_ADDRESS]
    reused = max(Counter(scripts).values(), default=1)
    return Fraction(reused, len(inputs) + len(outputs)) <= Fraction(34, 100)


def stonewall(inputs: Sequence[Coin], outputs: Sequence[Coin]) -> bool:
    spendable = [(address, value) for address, value in outputs if address != NO_ADDRESS]
    if len(inputs) < 2 or len(spendable) not in (3, 4):
        return False
    if len({address for address, _ in spendable}) != len(spendable):
        return False
    pairs = [value for value, count in Counter(v for _, v in spendable).items() if count == 2]
    return len(pairs) == 1 and pairs[0] >= 5_000


def spendable_of(outputs: Sequence[Coin]) -> list[Coin]:
    return [(address, value) for address, value in outputs if address != NO_ADDRESS]


def fills(goals: list[int], items: list[int]) -> bool | None:
    """Try to fill every goal with items, the largest item first; None after 1,000 steps.

    An item goes to the goal that lacks most; goals that lack the same are the same.
    """
    steps = 0

    def place(lacking: list[int], rest: list[int]) -> bool | None:
        nonlocal steps
        if not any(lacking):
            return True
        if sum(lacking) > sum(rest):
            return False
        steps += 1
        if steps > 1_000:
            return None
        for lack in sorted({each for each in lacking if each}, reverse=True):
            index = lacking.index(lack)
            after = [*lacking[:index], max(0, lack - rest[0]), *lacking[index + 1 :]]
            answer = place(after, rest[1:])
            if answer is not False:
                return answer
        return False

    return place(goals, sorted(items, reverse=True))


def items_of(inputs: Sequence[Coin]) -> list[int]:
    """Sum the inputs of each known address; every unknown one is one of its own."""
    known: Counter[int] = Counter()
    for address, value in inputs:
        known[address] += 0 if address == NO_ADDRESS else value
    known.pop(NO_ADDRESS, None)
    return [*known.values(), *(value for address, value in inputs if address == NO_ADDRESS)]


def most_paid(value: int) -> int:
    return max(10_000, int(Fraction(value, 100)))


def possible(inputs: Sequence[Coin], outputs: Sequence[Coin]) -> bool:
    senders = {address for address, _ in inputs}
    others = [
        value for address, value in outputs if address == NO_ADDRESS or address not in senders
    ]
    if len(inputs) < 2 or len(outputs) < 2 or distinct([a for a, _ in inputs]) < 2:
        return False
    value, count = most_frequent(others)
    if count < 2 or value <= most_paid(value):
        return False
    return fills([value - most_paid(value)] * 2, items_of(inputs)) is not False


def proven(inputs: Sequence[Coin], outputs: Sequence[Coin]) -> bool:
    participants = (len(outputs) + 1) // 2
    if len(inputs) < 2 or len(outputs) < 3 or not 2 <= participants <= 8:
        return False
    if participants > len(inputs) or participants > distinct([a for a, _ in inputs]):
        return False
    receivers = {
        value: distinct([a for a, other in outputs if other == value]) for _, value in outputs
    }
    value = max(receivers, key=lambda each: (receivers[each], each))
    if receivers[value] != participants or value <= most_paid(value):
        return False
    others = [other for _, other in outputs if other != value]
    others += [0] * (participants - len(others))
    goals = [value + other - most_paid(value) for other in others]
    return fills(goals, items_of(inputs)) is True


def payjoin_possible(inputs: Sequence[Coin], outputs: Sequence[Coin]) -> bool:
    return (
        len(outputs) == len(spendable_of(outputs)) == 2
        and len({address for address, _ in inputs}) > 1
        and all(value >= min(v for _, v in inputs) for _, value in outputs)
    )


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What rules for coordinators know besides the transaction."""

    kind: Callable[[int], str] = lambda _: "p2wpkh"
    """Type of an address: `p2wpkh`, `p2tr` or anything else."""

    wasabi_1: bool = True
    wasabi_1_open: bool = True
    whirlpool: bool = True
    wasabi_2: bool = True
    coordinators: frozenset[int] = frozenset()

    def native(self, coins: Sequence[Coin], *, taproot: bool = False) -> bool:
        allowed = {"p2wpkh", "p2tr"} if taproot else {"p2wpkh"}
        return all(a != NO_ADDRESS and self.kind(a) in allowed for a, _ in coins)


def wasabi_1(inputs: Sequence[Coin], outputs: Sequence[Coin], setting: Setting) -> bool:
    if not setting.wasabi_1 or not inputs:
        return False
    counts = Counter(value for _, value in outputs)
    value, count = most_frequent([value for _, value in outputs])
    if not setting.wasabi_1_open:
        return count > 2 and any(address in setting.coordinators for address, _ in outputs)
    return (
        count >= 10
        and len(inputs) >= count
        and 8_000_000 <= value <= 12_000_000
        and sum(each == 1 for each in counts.values()) >= 2
        and setting.native([*inputs, *outputs])
    )


def is_a_multiple(inputs: Sequence[Coin], spendable: Sequence[Coin]) -> bool:
    value, _ = most_frequent([value for _, value in spendable])
    times = Fraction(sum(value for _, value in spendable), value) if value else Fraction(1, 2)
    return len(inputs) < 20 and abs(times - round(times)) <= Fraction(1, 10_000)


def wasabi_1_0(inputs: Sequence[Coin], outputs: Sequence[Coin], setting: Setting) -> bool:
    paid = spendable_of(outputs)
    near = [value for _, value in paid if abs(value - 10_000_000) <= 500_000]
    _, count = most_frequent(near)
    known = Counter(address for address, _ in inputs if address != NO_ADDRESS)
    most = max([*known.values(), 1])
    return (
        setting.wasabi_1
        and len(inputs) >= 10
        and Fraction(most, len(inputs)) <= Fraction(1, 10)
        and count >= 3
        and count >= Fraction(len(paid) - 1, 2)
        and count <= distinct([a for a, _ in inputs]) <= 7 * count
        and len({a for a, _ in paid}) == len(paid)
        and not is_a_multiple(inputs, paid)
    )


def levels_of(outputs: Sequence[Coin]) -> list[int]:
    """Count the outputs of each mixing level that holds two or more."""
    return [count for count, _ in filled_levels(outputs)]


def filled_levels(outputs: Sequence[Coin]) -> list[tuple[int, int]]:
    """Return how many outputs each level that holds two or more has, and what they are around."""
    levels = [2**i * 10_000_000 for i in range(25)]
    paid = [value for _, value in spendable_of(outputs)]
    counts = [(sum(20 * abs(value - each) <= each for value in paid), each) for each in levels]
    return [(count, each) for count, each in counts if count >= 2]


def wasabi_1_amount(outputs: Sequence[Coin], *, by_levels: bool) -> int:
    """Return what the fullest level is around, or the most frequent value near 0.1 bitcoin."""
    if by_levels:
        return max(filled_levels(outputs))[1]
    near = [value for _, value in spendable_of(outputs) if abs(value - 10_000_000) <= 500_000]
    return most_frequent(near)[0]


def level_tests(inputs: Sequence[Coin], outputs: Sequence[Coin]) -> tuple[bool, bool]:
    mixed, paid = sum(levels_of(outputs)), len(spendable_of(outputs))
    return mixed >= Fraction(paid - 1, 2), mixed >= paid - distinct([a for a, _ in inputs]) - 1


def wasabi_1_1(inputs: Sequence[Coin], outputs: Sequence[Coin], setting: Setting) -> bool:
    paid, count = spendable_of(outputs), max(levels_of(outputs), default=0)
    return (
        setting.wasabi_1
        and count >= 3
        and count <= distinct([a for a, _ in inputs]) <= 7 * count
        and any(level_tests(inputs, outputs))
        and len({a for a, _ in paid}) == len(paid)
        and not is_a_multiple(inputs, paid)
    )


def wasabi_1_1_confidence(inputs: Sequence[Coin], outputs: Sequence[Coin]) -> int:
    tightness = Fraction(max(levels_of(outputs)), distinct([a for a, _ in inputs]))
    confidence = int(50 + 50 * (tightness - Fraction(1, 7)) / (1 - Fraction(1, 7)))
    return confidence if all(level_tests(inputs, outputs)) else confidence // 2


STANDARD = {
    first * base**power
    for first, base in ((1, 2), (1, 3), (2, 3), (1, 10), (2, 10), (5, 10))
    for power in range(40)
    if 5_000 <= first * base**power <= 134_375_000_000
}


def wasabi_2(inputs: Sequence[Coin], outputs: Sequence[Coin], setting: Setting) -> bool:
    sent, received = [value for _, value in inputs], [value for _, value in outputs]
    return (
        setting.wasabi_2
        and len(inputs) >= 15
        and setting.native(inputs, taproot=True)
        and sent == sorted(sent, reverse=True)
        and received == sorted(received, reverse=True)
        and sum(value in STANDARD for value in received) > Fraction(8, 10) * len(received)
        and len(set(received)) < len(received)
    )


def wasabi_2_shape(inputs: Sequence[Coin], outputs: Sequence[Coin], setting: Setting) -> bool:
    paid = spendable_of(outputs)
    counts = Counter(value for _, value in paid)
    repeated = [count for count in counts.values() if count > 1]
    known = Counter(address for address, _ in inputs if address != NO_ADDRESS)
    return (
        setting.wasabi_2
        and len(inputs) >= 20
        and Fraction(max([*known.values(), 1]), len(inputs)) <= Fraction(1, 10)
        and min(counts, default=0) >= 5_000
        and len({address for address, _ in paid}) == len(paid)
        and len(repeated) >= 3
        and sum(repeated) >= Fraction(len(paid) - 1, 2)
        and sum(repeated) < len(paid)
    )


def wasabi_2_reuse(inputs: Sequence[Coin], outputs: Sequence[Coin]) -> bool:
    sides = [a for a, _ in inputs], [a for a, _ in spendable_of(outputs)]
    return any(Fraction(distinct(side), len(side)) < Fraction(3, 10) for side in sides if side)


def wasabi_2_lookalike(inputs: Sequence[Coin], outputs: Sequence[Coin]) -> bool:
    strange = {1_062_882 * times for times in (1, 13.5, 27, 40.5, 81)}
    strange |= {8_388_608 * 2**i for i in range(5)}
    counts = Counter(value for _, value in [*inputs, *outputs])
    singles = Counter(value for _, value in outputs)
    return any(counts[int(each)] >= 2 for each in strange) and 1 in singles.values()


def whirlpool(inputs: Sequence[Coin], outputs: Sequence[Coin], setting: Setting) -> bool:
    if not setting.whirlpool or not 5 <= len(inputs) == len(outputs) <= 10:
        return False
    pool = outputs[0][1]
    if {value for _, value in outputs} != {pool}:
        return False
    if pool not in {100_000, 1_000_000, 2_500_000, 5_000_000, 25_000_000, 50_000_000}:
        return False
    surplus = [value - pool for _, value in inputs if value != pool]
    dumplings = (
        setting.native([*inputs, *outputs])
        and len(surplus) < len(inputs)
        and all(abs(each) <= 110_000 for each in surplus)
    )
    graphsense = (
        len(inputs) <= 8
        and distinct([a for a, _ in inputs]) == len(inputs)
        and len({a for a, _ in outputs}) == len(outputs)
        and 1 <= len(surplus) <= 4
        and all(100 <= each <= 110_000 for each in surplus)
    )
    return dumplings or graphsense


def premix(inputs: Sequence[Coin], outputs: Sequence[Coin]) -> Coin:
    """Return the pool that a Tx0 prepares for and how many coins, or zeros."""
    paid = [value for _, value in spendable_of(outputs)]
    if len(paid) != len(outputs) - 1 or not inputs:
        return 0, 0
    for pool, fee in ((100_000, 5_000), (1_000_000, 50_000), (5_000_000, 175_000),
                      (50_000_000, 1_750_000)):  # fmt: skip
        _, count = most_frequent([v for v in paid if pool + 100 <= v <= pool + 110_000])
        fees = sum(Fraction(fee, 2) <= value <= 3 * fee for value in paid)
        if 1 <= count <= 70 and len(paid) - count <= 2 and fees == 1:
            return pool, count
    return 0, 0


def whirlpool_tx0(inputs: Sequence[Coin], outputs: Sequence[Coin], setting: Setting) -> bool:
    return setting.whirlpool and premix(inputs, outputs) != (0, 0)


def marks(inputs: Sequence[Coin], outputs: Sequence[Coin], setting: Setting | None = None) -> int:
    """Return the sum of the marks as stored."""
    known = setting or Setting()
    if whirlpool_tx0(inputs, outputs, known):
        return 512 + 8 * (possible(inputs, outputs) or definite(inputs, outputs))
    detections = (
        1 * definite(inputs, outputs)
        + 2 * joinmarket(inputs, outputs)
        + 4 * equal_outputs(inputs, outputs)
        + 16 * wasabi_1_0(inputs, outputs, known)
        + 32 * wasabi_1_1(inputs, outputs, known)
        + 64 * wasabi_2(inputs, outputs, known)
        + 256 * whirlpool(inputs, outputs, known)
        + 4_096 * proven(inputs, outputs)
        + 8_192 * wasabi_1(inputs, outputs, known)
        + 16_384 * wasabi_2_shape(inputs, outputs, known)
    )
    vetoes = 128 * (detections > 0 and stonewall(inputs, outputs))
    if detections & (64 + 16_384):
        vetoes += 2_048 * wasabi_2_lookalike(inputs, outputs)
        vetoes += 32_768 * wasabi_2_reuse(inputs, outputs)
    others = 8 * possible(inputs, outputs) + 1_024 * payjoin_possible(inputs, outputs)
    return detections + vetoes + others
