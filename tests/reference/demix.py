"""Candidates behind CoinJoins, slowly: every set of inputs is tried, every path is walked."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations


def fitting_sets(
    sums: Sequence[int], targets: Sequence[tuple[int, int]]
) -> list[tuple[frozenset[int], int]]:
    """Return each non-empty set of places whose sum lies within a target, with the target."""
    return [
        (frozenset(places), number)
        for size in range(1, len(sums) + 1)
        for places in combinations(range(len(sums)), size)
        for number, (least, most) in enumerate(targets)
        if least <= sum(sums[place] for place in places) <= most
    ]


def payers_of_change(
    sums: Sequence[int], amount: int, changes: Sequence[int], fee: int
) -> dict[int, frozenset[int]]:
    """Return whose change each one is, where only one set of parties can have paid for it.

    One agreed amount, no coordinator.
    """
    earned = max(10_000, amount // 100)
    most = amount + fee + (len(sums) - 1) * earned
    found = {}
    for place, change in enumerate(changes):
        target = (max(1, amount + change - earned), most + change)
        fits = fitting_sets(sums, [target])
        if len(fits) == 1:
            found[place] = fits[0][0]
    return {
        place: who
        for place, who in found.items()
        if not any(who & other for key, other in found.items() if key != place)
    }


def masses_after(
    start: tuple[str, int],
    mixes: Mapping[str, Sequence[str]],
    spends: Mapping[str, tuple[str, int]],
    depth: int,
) -> dict[str, Fraction]:
    """Walk every path of a coin through mixes whose outputs are all equal.

    Parameters
    ----------
    start
        The mix that the coin enters, and its place there.
    mixes
        Outputs of each mix.
    spends
        The mix, and the place, that an output enters.
    depth
        Mixes on a path at most.
    """
    ends: dict[str, Fraction] = {}

    def walk(mix: str, mass: Fraction, left: int) -> None:
        for coin in mixes[mix]:
            part = mass / len(mixes[mix])
            if coin in spends and left > 1:
                walk(spends[coin][0], part, left - 1)
            else:
                ends[coin] = ends.get(coin, Fraction(0)) + part

    walk(start[0], Fraction(1), depth)
    return ends
