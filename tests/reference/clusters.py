"""Slow, obvious versions of the clustering kernels: the oracle of their tests."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

NO_ADDRESS = 0xFFFF_FFFF


@dataclass(frozen=True)
class Spend:
    """A transaction as the co-spend rule sees it."""

    inputs: Sequence[int]
    """Addresses whose control the inputs show."""

    excluded: bool = False
    links: Sequence[tuple[int, int, int]] = ()
    """Address, earlier address, rule."""


def joined_sets(address_count: int, spends: Sequence[Spend]) -> list[set[int]]:
    """Merge Python sets, in order."""
    sets = [{address} for address in range(address_count)]
    for spend in spends:
        groups = [] if spend.excluded else [set(spend.inputs)]
        groups += [{address, earlier} for address, earlier, _ in spend.links]
        for group in groups:
            touched = [one for one in sets if one & group]
            if touched:
                sets = [one for one in sets if not one & group]
                sets.append(set().union(*touched))
    return sets


def labels(address_count: int, spends: Sequence[Spend]) -> list[int]:
    """Name each address's set by its smallest address."""
    named = [0] * address_count
    for one in joined_sets(address_count, spends):
        for address in one:
            named[address] = min(one)
    return named


def merge_log(address_count: int, spends: Sequence[Spend]) -> list[list[int]]:
    """Write a row for each pair that really joins two sets, the first input with each other."""
    sets = [{address} for address in range(address_count)]
    log = []
    for transaction, spend in enumerate(spends):
        pairs = [] if spend.excluded else [(spend.inputs[0], one, 0) for one in spend.inputs[1:]]
        pairs += [(earlier, address, rule) for address, earlier, rule in spend.links]
        for a, b, rule in pairs:
            ours = next(one for one in sets if a in one)
            theirs = next(one for one in sets if b in one)
            if ours is theirs:
                continue
            roots = sorted((min(ours), min(theirs)))
            log.append([roots[1], roots[0], transaction, a, b, rule])
            sets.remove(theirs)
            ours |= theirs
    return log


@dataclass(frozen=True)
class Payment:
    """A transaction as totals see it: address and satoshi of each input and output."""

    inputs: Sequence[tuple[int, int]]
    outputs: Sequence[tuple[int, int]]


def entity_totals(roots: Sequence[int], payments: Sequence[Payment]) -> dict[int, list[int]]:
    """Return, for each root: transactions, received, sent, the two net sums, first, last."""
    totals: dict[int, list[int]] = {}
    for number, payment in enumerate(payments):
        change: dict[int, int] = defaultdict(int)
        for sign, rows in ((-1, payment.inputs), (1, payment.outputs)):
            for address, value in rows:
                if address == NO_ADDRESS:
                    continue
                root = roots[address]
                change[root] += sign * value
                row = totals.setdefault(root, [0, 0, 0, 0, 0, number, number])
                row[1 if sign > 0 else 2] += value
        for root, value in change.items():
            row = totals[root]
            row[0] += 1
            row[3 if value > 0 else 4] += abs(value)
            row[6] = number
    return totals


def shortest_path_length(edges: Sequence[tuple[int, int]], start: int, goal: int) -> int | None:
    """Return the fewest edges between two nodes, or nothing."""
    distance = {start: 0}
    frontier = [start]
    while frontier:
        reached = []
        for node in frontier:
            for a, b in edges:
                for here, there in ((a, b), (b, a)):
                    if here == node and there not in distance:
                        distance[there] = distance[node] + 1
                        reached.append(there)
        frontier = reached
    return distance.get(goal)
