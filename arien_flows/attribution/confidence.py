"""How sure several sources are together: GraphSense's levels, combined.

Independent sources support each other by noisy-or: two that are each right with confidence `a`
and `b` are both wrong with `(1 - a)(1 - b)`. That overstates sources which copied one another, so
the sum may exceed its best single source by no more than 15 points, and one source that says a
thing twice counts once. What was read from the web grows stale and loses half its level every
five years; what an owner or an authority stated does not. Age is counted to the answer's own
date (the time of the last block), so that the same ledger and tags give the same number again.

Two sources that name different actors contradict each other: both claims are kept and shown, the
naming is disputed, and the lower of the two confidences counts.

Fails when sources are not independent (lists copied from one leak): the cap limits the harm.
Source of the rule: the levels are GraphSense's; cap, half-life and the rule for disputes are this
program's own and not calibrated on data.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from arien_flows.attribution.tag import CONFIDENCE, NAMES_SOMEBODY, Statement

MOST_GAIN = 15
"""Points by which sources together may exceed the best of them."""

HALF_LIFE_DAYS = 1_826
"""Five years."""

STALE_KINDS = frozenset({"web_crawl", "heuristic", "unknown"})
"""Confidence ids that lose weight with age. An undated tag of these kinds keeps its level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What all sources that name one actor (or give one label) say together."""

    label: str
    """Of the best tag that supports it."""

    actor: str | None
    confidence: int
    """0 to 100."""

    sources: int
    """Distinct sources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """What several tags of one address come to."""

    claims: tuple[Claim, ...]
    """The most confident first, ties to the smaller label."""

    is_disputed: bool
    """Whether two claims name different actors."""

    confidence: int
    """Of the best claim; of the weaker of the two best actors where they are disputed."""


def combine(said: Iterable[Statement], on: date) -> Combined | None:
    """Combine what is said of one address, as of a day; nothing where nobody names anybody."""
    groups: dict[str, list[Statement]] = {}
    for statement in said:
        if statement.tag_type in NAMES_SOMEBODY:
            name = claimed(label=statement.label, actor=statement.actor)
            groups.setdefault(name, []).append(statement)
    if not groups:
        return None
    claims = sorted(
        (_claim(group, on) for group in groups.values()),
        key=lambda claim: (-claim.confidence, claim.label, claim.actor or ""),
    )
    rivals = [claim for claim in claims if claim.actor is not None]
    is_disputed = len(rivals) > 1
    return Combined(
        claims=tuple(claims),
        is_disputed=is_disputed,
        confidence=rivals[1].confidence if is_disputed else claims[0].confidence,
    )


def is_disputed(said: Iterable[Statement]) -> bool:
    """Tell whether statements about one address name different actors."""
    actors = {
        statement.actor.casefold()
        for statement in said
        if statement.actor is not None and statement.tag_type in NAMES_SOMEBODY
    }
    return len(actors) > 1


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


def _claim(group: list[Statement], on: date) -> Claim:
    best: dict[str, int] = {}
    for statement in group:
        level = level_on(statement, on)
        best[statement.source] = max(level, best.get(statement.source, 0))
    speaker = min(
        group, key=lambda said: (-level_on(said, on), said.label, said.source, said.actor or "")
    )
    return Claim(
        label=speaker.label,
        actor=speaker.actor,
        confidence=noisy_or(list(best.values())),
        sources=len(best),
    )
