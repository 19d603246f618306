"""What a set of tags comes to: who owns an address, as what, and how sure that is.

This is the one rule, for the subject of a question and for everybody whom its money meets.

*Readings.* What sources say is put together by name (the actor, else the label) and, of one name,
by risk category. A tag without a category supports its name only where nobody says more of it.
The documents of a reading are those that state its category, and its confidence is theirs, so
neither a rumour nor a bare name lends its certainty to another statement.

*Which one speaks.* A reading is well founded that has at least half of the confidence of the most
confident one. Among these a severer category speaks before a milder one, in the order of the map of
categories, and among equals the more confident: no harmless label hides a sanctioned address (a
sanctions list has 60, and nothing more than 100), and no tag of confidence 5 hides a bank.

*Contradiction.* Readings of two names contradict each other where they name different actors or
different categories. Both stay, and the naming is disputed. Of one name several categories are no
contradiction: an exchange may be on a sanctions list. Where actors differ, which of the two is
meant is open, and the lower confidence counts, except that guesses (below the level of a web page)
do not lower what is better founded. Different categories alone lower nothing, since each reading
counts with its own documents only.

Fails where two names mean the same owner and nothing says so: then he is disputed. A severe claim
of less than half of the best confidence does not speak for a counterpart; the dispute is shown.
Source of the rule: GraphSense's levels; the rest is this program's own and not calibrated on data.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from arien_flows.attribution.categories import UNKNOWN, category_of, standard_categories
from arien_flows.attribution.confidence import claimed, level_on, noisy_or
from arien_flows.attribution.tag import CONFIDENCE, NAMES_SOMEBODY, Statement

LEAST_RIVAL = CONFIDENCE["web_crawl"]
"""Confidence from which a claim of another actor lowers one that is better founded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """What is known of an owner by one reading of the tags."""

    category: str
    label: str
    """Of the best tag that supports it."""

    actor: str | None
    confidence: int
    """0 to 100; of the weaker claim where different actors are named."""

    stated: int
    """What it was before a claim of another actor lowered it."""

    is_disputed: bool
    """Whether another reading names another actor, or gives another name and category."""

    documents: tuple[str, ...]
    """That the reading rests on, ascending; "" stands for tags that are in no casebook."""

    sources: int
    """Distinct sources."""


def readings(said: Iterable[tuple[Statement, str]], on: date) -> tuple[Owner, ...]:
    """Return the readings of statements, each with its document, as of a day.

    The first one speaks. There is none where nobody names anybody.
    """
    groups: dict[tuple[str, str], list[tuple[Statement, str]]] = {}
    for statement, document in said:
        if statement.tag_type in NAMES_SOMEBODY:
            groups.setdefault(reading_key(statement), []).append((statement, document))
    known = {name for name, category in groups if category != UNKNOWN}
    found = {
        key: _reading(key[1], group, on)
        for key, group in groups.items()
        if key[1] != UNKNOWN or key[0] not in known
    }
    most = max((each.stated for each in found.values()), default=0)
    others = _others(found)
    weighed = [others.weigh(name, each) for (name, _), each in found.items()]
    return tuple(sorted(weighed, key=lambda it: _rank(it, most)))


def owner_of(said: Iterable[tuple[Statement, str]], on: date) -> Owner | None:
    """Return the reading that speaks; nothing where nobody names anybody."""
    return next(iter(readings(said, on)), None)


def reading_key(statement: Statement) -> tuple[str, str]:
    """Return the name and the category that a statement gives."""
    name = claimed(label=statement.label, actor=statement.actor)
    return name, category_of(statement.concepts)


def is_disputed(said: Iterable[Statement]) -> bool:
    """Tell whether any two statements about one address contradict each other."""
    named = [each for each in said if each.tag_type in NAMES_SOMEBODY]
    if len({each.actor.casefold() for each in named if each.actor is not None}) > 1:
        return True
    names: dict[str, set[str]] = {}
    for name, category in map(reading_key, named):
        if category != UNKNOWN:
            names.setdefault(name, set()).add(category)
    return len(set(map(frozenset, names.values()))) > 1


def _reading(category: str, group: Sequence[tuple[Statement, str]], on: date) -> Owner:
    best: dict[str, int] = {}
    for statement, _ in group:
        best[statement.source] = max(level_on(statement, on), best.get(statement.source, 0))
    speaker = min(
        (statement for statement, _ in group),
        key=lambda it: (-level_on(it, on), it.label, it.source, it.actor or ""),
    )
    confidence = noisy_or(list(best.values()))
    return Owner(
        category=category,
        label=speaker.label,
        actor=speaker.actor,
        confidence=confidence,
        stated=confidence,
        is_disputed=False,
        documents=tuple(sorted({document for _, document in group})),
        sources=len(best),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Others:
    """What a reading has to be compared with; found once, since there may be thousands."""

    actors: Sequence[tuple[str, int]]
    """The two names of actors that are most confidently stated."""

    names: Mapping[str, set[str]]
    """The names that each category is given to."""

    def weigh(self, name: str, own: Owner) -> Owner:
        """Return a reading with what the others make of it."""
        rival = next((level for other, level in self.actors if other != name), None)
        if own.actor is None:
            rival = None
        is_contradicted = own.category != UNKNOWN and any(
            category not in (UNKNOWN, own.category) and names != {name}
            for category, names in self.names.items()
        )
        confidence = own.stated
        if rival is not None and rival >= LEAST_RIVAL:
            confidence = min(confidence, rival)
        return replace(own, confidence=confidence, is_disputed=is_contradicted or rival is not None)


def _others(found: Mapping[tuple[str, str], Owner]) -> _Others:
    actors: dict[str, int] = {}
    names: dict[str, set[str]] = {}
    for (name, category), each in found.items():
        names.setdefault(category, set()).add(name)
        if each.actor is not None:
            actors[name] = max(each.stated, actors.get(name, 0))
    most = sorted(actors.items(), key=lambda it: (-it[1], it[0]))
    return _Others(actors=most[:2], names=names)


def _rank(reading: Owner, most: int) -> tuple[bool, int, int, str, str, tuple[str, ...]]:
    return (
        2 * reading.stated < most,
        _SEVERITY[reading.category],
        -reading.stated,
        reading.label,
        reading.actor or "",
        reading.documents,
    )


_SEVERITY = {name: place for place, name in enumerate(standard_categories().names)}
"""Place in the map, the severest first."""
