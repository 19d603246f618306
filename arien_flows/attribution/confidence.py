"""How sure several sources are together: GraphSense's levels, combined.

Independent sources support each other by noisy-or: two that are each right with confidence `a`
and `b` are both wrong with `(1 - a)(1 - b)`. That overstates sources which copied one another, so
the sum may exceed its best single source by no more than 15 points, and one source that says a
thing twice counts once. What was read from the web grows stale and loses half its level every
five years; what an owner or an authority stated does not. Age is counted to the answer's own
date (the time of the last block), so that the same ledger and tags give the same number again.

What tags that contradict each other come to is in `attribution.owner`.

Fails when sources are not independent (lists copied from one leak): the cap limits the harm.
Source of the rule: the levels are GraphSense's; cap and half-life are this program's own and not
calibrated on data.
"""

import math
from collections.abc import Sequence
from datetime import date
from fractions import Fraction

from arien_flows.attribution.tag import CONFIDENCE, Statement

MOST_GAIN = 15
"""Points by which sources together may exceed the best of them."""

HALF_LIFE_DAYS = 1_826
"""Five years."""

STALE_KINDS = frozenset({"web_crawl", "heuristic", "unknown"})
"""Confidence ids that lose weight with age. An undated tag of these kinds keeps its level."""


def level_on(statement: Statement, on: date) -> int:
    """Return a statement's level as of a day, after what it lost by age."""
    level = CONFIDENCE[statement.confidence]
    if statement.confidence not in STALE_KINDS or statement.lastmod is None:
        return level
    days = max(0, (on - statement.lastmod).days)
    return round(level * math.exp2(-days / HALF_LIFE_DAYS))


def noisy_or(levels: Sequence[int]) -> int:
    """Return what independent levels (0 to 100) come to, exactly, rounded down, and capped."""
    most = min(100, max(levels) + MOST_GAIN)
    doubt = Fraction(1)
    for level in levels:
        doubt *= Fraction(100 - level, 100)
        if 100 * (1 - doubt) >= most:
            # The fractions of thousands of sources would have as many digits.
            return most
    return int(100 * (1 - doubt))


def claimed(*, label: str, actor: str | None) -> str:
    """Return what statements have in common that make one claim: the actor, else the label."""
    if actor is not None:
        return f"actor {actor.casefold()}"
    return f"label {' '.join(label.casefold().split())}"
