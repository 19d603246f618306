"""Which inputs paid for a change: subsets whose sum fits, searched until a second one is found.

Who takes part in a CoinJoin takes agreed amounts and gets the rest of his coins back as change. So
the coins that he brought sum to what he took, his change and what the round cost him. Where one
set of coins alone fits, it is known whose change it is; where two fit, nothing is. Finding all
sets is hard in general, so the search gives up after so many steps and says so: a search that was
given up has proved nothing.
"""

from enum import IntEnum

import numpy as np

from heuristics.columns import BoolArray, Int64Array, read_only
from heuristics.exact import LARGEST_AMOUNT
from heuristics.jit import kernel

MOST_STEPS = 50_000
"""Coins that one search may put into a sum; a millisecond at most."""

MOST_TARGETS = 64


class Fit(IntEnum):
    """What a search for the coins behind an amount found."""

    NONE = 0
    UNIQUE = 1
    SEVERAL = 2
    UNDECIDED = 3
    """The search was given up."""


_NONE = int(Fit.NONE)
_UNIQUE = int(Fit.UNIQUE)
_SEVERAL = int(Fit.SEVERAL)
_UNDECIDED = int(Fit.UNDECIDED)


@kernel
def _fit(
    sums: Int64Array,
    least: Int64Array,
    most: Int64Array,
    steps_allowed: int,
    chosen: BoolArray,
    path: Int64Array,
    left: Int64Array,
) -> tuple[int, int]:
    """Search depth first; every set is met once, when its last and smallest coin is put in."""
    count, steps, found, target = len(sums), 0, 0, -1
    left[count] = 0
    for i in range(count - 1, -1, -1):
        left[i] = left[i + 1] + sums[i]
    bottom, top = least[0], most[0]
    for i in range(len(least)):
        bottom, top = min(bottom, least[i]), max(top, most[i])
    depth, place, total = 0, 0, 0
    while True:
        if place < count and total + left[place] >= bottom:
            steps += 1
            if steps > steps_allowed:
                return _UNDECIDED, -1
            if total + sums[place] <= top:
                total += sums[place]
                path[depth] = place
                depth += 1
                for i in range(len(least)):
                    if least[i] <= total <= most[i]:
                        found += 1
                        if found == 2:
                            return _SEVERAL, -1
                        target = i
                        chosen[:] = False
                        for level in range(depth):
                            chosen[path[level]] = True
            place += 1
        elif depth == 0:
            return (_UNIQUE, target) if found == 1 else (_NONE, -1)
        else:
            depth -= 1
            place = path[depth] + 1
            total -= sums[path[depth]]


def fit(
    sums: Int64Array, least: Int64Array, most: Int64Array, steps: int = MOST_STEPS
) -> tuple[Fit, int, BoolArray]:
    """Look for the one set of `sums` whose total lies within a target.

    Parameters
    ----------
    sums
        What each party brings, positive, in any order.
    least, most
        Both ends of each target, inclusive, and positive.
    steps
        When to give up.

    Returns
    -------
    What was found, the target that the one set fits, or -1, and which of `sums` are in it. A set
    that fits two targets counts twice: then it is not known what it paid for.
    """
    if not 1 <= len(least) == len(most) <= MOST_TARGETS:
        raise ValueError(f"there must be 1 to {MOST_TARGETS} targets, each with two ends")
    if np.any(least < 1) or np.any(most < least):
        raise ValueError("targets must be positive and end after they begin")
    if len(sums) and not 1 <= int(sums.min()) <= int(sums.max()) <= LARGEST_AMOUNT:
        raise ValueError("sums must be positive amounts")
    order = np.argsort(-sums, kind="stable")
    chosen = np.zeros(len(sums), np.bool_)
    found, target = _fit(
        read_only(sums[order]),
        read_only(least),
        read_only(most),
        steps,
        chosen,
        np.empty(len(sums), np.int64),
        np.empty(len(sums) + 1, np.int64),
    )
    picked = np.zeros(len(sums), np.bool_)
    if found == Fit.UNIQUE:
        picked[order[chosen]] = True
    return Fit(found), int(target), picked
