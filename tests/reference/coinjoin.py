"""Slow, obvious versions of the CoinJoin rules: the oracle of their kernels' tests."""

from collections import Counter
from collections.abc import Sequence
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


def marks(inputs: Sequence[Coin], outputs: Sequence[Coin]) -> int:
    """Return the sum of the marks as stored."""
    found = (
        1 * definite(inputs, outputs)
        + 2 * joinmarket(inputs, outputs)
        + 4 * equal_outputs(inputs, outputs)
    )
    return found + 128 * (found > 0 and stonewall(inputs, outputs))
